"""The page that opens the book, and the big engine beside it: the same graphs, the same bits."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import micrograd_es
from micrograd_es import tiny
from micrograd_es.primitives import TABLE
from micrograd_es.testing import Program, engine_named
from micrograd_es.testing.laws import LAWS
from micrograd_es.testing.programs import needed_lines
from micrograd_es.testing.strategies import numbers
from tests.support.amount import THOROUGH, some

TINY, BIG = engine_named("tiny"), engine_named("micrograd_es")
ODD = (0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan)
TAME = st.floats(-3, 3)
ANY = TAME | TAME | st.sampled_from(ODD) | numbers()


@st.composite
def programs(draw):
    """Programs of all that tiny has, at any numbers, with numbers on both sides of operators."""
    point = draw(st.lists(ANY, min_size=1, max_size=3))
    lines = []
    for size in range(len(point), len(point) + draw(st.integers(1, 12))):
        name, places = draw(st.sampled_from([*TINY.functions])), st.integers(0, size - 1)
        operands = [draw(st.just(size - 1) | st.just(size - 1) | places)]  # few lines go unused
        if TABLE[name].arity == 2:
            operands = draw(st.permutations([*operands, draw(places | ANY)]))
        lines.append((name, *operands))
    return needed_lines(tuple(point), lines)


def steps(package, engine, program):
    """Yield the output of a program, its derivatives, and those of a penalty on its slopes.

    Each time as a pair: the inputs, and the values whose graphs are compared.
    """
    inputs = [package.Value(x) for x in program.point]
    output = program.run(engine.functions, inputs)
    yield inputs, [output]
    slopes = package.gradient(output, inputs)
    yield inputs, slopes
    for slope in slopes:
        yield inputs, package.gradient(slope, inputs)
    computed = [slope for slope in slopes if slope.args]
    if computed:
        penalty = sum(slope * slope for slope in computed)
        yield inputs, [penalty]
        yield inputs, package.gradient(penalty, inputs)


def graph(package, inputs, output):
    """Return every number, partial and grad of a graph after backward(), to the bit.

    The grad of a constant, a number that met a Value, is left out: no program reads it, and the big
    engine does not compute it.
    """
    output.backward()
    order = package.topological_order(output)
    place = {node: i for i, node in enumerate(order)}
    nodes = []
    for node in order:
        constant = [bool(arg.primitive) and not arg.args for arg in node.args]
        shares = [
            (place[arg], None if number else repr(partial))
            for arg, partial, number in zip(node.args, node.partials, constant, strict=True)
        ]
        computed = (node.primitive.name, repr(node.grad)) if node.args else ()
        nodes.append((repr(node.data), *computed, shares))
    return [*nodes, [repr(leaf.grad) for leaf in inputs]]


def refuse_overflow(call):
    """Return tiny's `Primitive.__call__` with a refusal of the big engine: of an infinite result.

    tiny itself continues with the infinity that finite args gave, as floats do.
    """

    def careful(row, *args):
        y = call(row, *args)
        infinite = type(y) is tiny.Value and math.isinf(y.data)
        if infinite and all(math.isfinite(arg.data) for arg in y.args):
            raise OverflowError
        return y

    return careful


def derivatives(package, engine, program):
    """Return what a program and its derivatives give, to the bit, up to a refusal."""
    graphs = []
    try:
        for inputs, outputs in steps(package, engine, program):
            graphs += [graph(package, inputs, output) for output in outputs]
    except OverflowError:
        graphs.append("refused")
    return graphs


@given(programs())
@example(Program((2.0, 3.0), (("mul", 0, 1), ("add", 2, 0), ("mul", 3, 2), ("sub", 4, 3.0))))
@example(Program((2.0, 3.0), (("mul", 0, 1),)))
@example(Program((0.0,), (("neg", 0), ("sub", 1, 1), ("neg", 2))))  # slopes cancel to 0,
@example(Program((0.0,), (("neg", 0), ("neg", 1), ("neg", 2), ("sub", 3, 3))))  # or to -0
@example(Program((-0.0,), (("relu", 0), ("mul", 1, -1.0), ("abs", 2))))
@example(Program((math.inf,), (("mul", 0, 0.0), ("exp", 1), ("mul", 2, 0))))
@example(Program((1.0, math.inf), (("mul", 0, 1), ("mul", 2, 0.0))))
@example(Program((1e200,), (("mul", 0, 0),)))
@example(Program((1e103,), (("mul", 0, 0), ("mul", 1, 0))))
@example(Program((2.0,), (("step", 0), ("mul", 1, 1e200), ("mul", 2, 1e200))))
@example(Program((0.0, -1.7e308), (("mul", 1, 0), ("neg", 2), ("add", 3, 0), ("add", 4, 2))))
@example(Program((800.0,), (("exp", 0),)))
def test_the_big_engine_agrees_with_tiny_to_the_bit(program):
    """Node by node, forward and backward, up to second derivatives, and in what is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny.Primitive, "__call__", refuse_overflow(tiny.Primitive.__call__))
        expected = derivatives(tiny, TINY, program)
    assert derivatives(micrograd_es, BIG, program) == expected


@pytest.mark.parametrize("name", TINY.functions)
def test_a_row_of_tiny_is_a_row_of_the_table(name):
    row, big = getattr(tiny, name), TABLE[name]
    assert (row.name, len(row.partials)) == (name, big.arity)
    for x in (2.0, -3.0, -0.0):
        args = [x] * big.arity
        assert repr(row(*args)) == repr(big(*args))
        assert repr(row(*map(int, args))) == repr(big(*map(int, args)))


@pytest.mark.parametrize("law", some(LAWS.values()), ids=lambda law: law.name)
def test_tiny_keeps_every_law_that_applies(law):
    assert law.check(TINY, 20 if THOROUGH else 5).verdict in ("kept", "not applicable")
