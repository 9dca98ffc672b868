"""What the laws draw from: every row of the table, points of every size, and small graphs."""

import math

from hypothesis import strategies as st

from micrograd_es import Value
from micrograd_es.primitives import TABLE

ROWS = sorted(TABLE.values(), key=lambda row: row.name)
ARITHMETIC = [TABLE[name] for name in ("add", "sub", "mul", "div", "neg", "dot", "total")]


def sized(low: float, high: float):
    """Numbers of both signs, as likely small as large: 2 ** U(low, high)."""
    return st.builds(
        lambda sign, exponent: sign * 2.0**exponent,
        st.sampled_from((1.0, -1.0)),
        st.floats(low, high),
    )


INSIDE = {  # from any number into the domain, of which else too many points would fall out
    "acosh": lambda x: 1 + abs(x),
    "asin": lambda x: x / 16,
    "acos": lambda x: x / 16,
    "atanh": lambda x: x / 16,
}


def points(row, numbers=None):
    """Arguments for a row: as many as it takes; whole orders of derivative for power_jet."""
    numbers = numbers if numbers is not None else sized(-6, 3)
    if row.name == "power_jet":
        orders = st.integers(0, 3).map(float)
        return st.tuples(sized(-3, 3).map(abs), numbers, orders, orders)
    if row.arity is None:
        return st.lists(numbers, min_size=2, max_size=7).map(tuple)
    if row.name in INSIDE:
        return st.tuples(numbers.map(INSIDE[row.name]))
    if "> 0" in row.domain or "x >" in row.domain:
        return st.tuples(*[numbers.map(abs)] * row.arity)
    return st.tuples(*[numbers] * row.arity)


def defined(row, point) -> bool:
    """Whether the row has a finite value at the point."""
    try:
        return math.isfinite(row.value(*point))
    except (ValueError, ZeroDivisionError, OverflowError):
        return False


def differentiable(row) -> range:
    """The places of the arguments that the row has slopes for; power_jet's orders are whole
    numbers.
    """
    return range(2) if row.name == "power_jet" else range(row.arity or 0)


@st.composite
def programs(draw, numbers=None):
    """A random straight-line program of + − * over three leaves, as data: (operator, left,
    right).
    """
    length = draw(st.integers(1, 12))
    return [
        (draw(st.sampled_from("+-*")), draw(st.integers(0, 2 + i)), draw(st.integers(0, 2 + i)))
        for i in range(length)
    ]


def run(program, leaves):
    """Return the last result of the program, over whatever numbers the leaves are."""
    made = list(leaves)
    for operator, i, j in program:
        a, b = made[i], made[j]
        made.append(a + b if operator == "+" else a - b if operator == "-" else a * b)
    return made[-1]


def leaves(*numbers):
    return [Value(x) for x in numbers]
