"""What the laws draw from: every row of the table, and small graphs of whole numbers."""

from hypothesis import strategies as st

from micrograd_es import Value
from micrograd_es.primitives import TABLE
from micrograd_es.testing import Program, strategies
from micrograd_es.testing.programs import ARITHMETIC

ROWS = sorted(TABLE.values(), key=lambda row: row.name)
WHOLE = st.integers(-8, 8).map(float)


def programs():
    """Random programs of + - * over three inputs."""
    return strategies.programs(ARITHMETIC, inputs=3, most=8, floats=WHOLE, constants=())


def run(program: Program, inputs):
    """Return the last result of the program, of the inputs given instead of its own."""
    return program.run(TABLE, inputs)


def leaves(*numbers):
    return [Value(x) for x in numbers]
