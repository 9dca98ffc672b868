"""Laws over the whole table of primitives and over random programs; no function has a test of its
own.
"""

import math
import random
from fractions import Fraction
from functools import partial
from itertools import product

import pytest
from flint import arb, ctx
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks import truth
from micrograd_es import Value, gradient, jets, primitives, topological_order, total
from micrograd_es.nodes import node_of
from micrograd_es.primitives import TABLE
from micrograd_es.testing.strategies import COUNTED, numbers, points
from micrograd_es.value import reverse_sweep
from tests.support.amount import examples
from tests.support.rows import ROWS, WHOLE, leaves, programs, run

ARITHMETIC = [TABLE[name] for name in ("add", "sub", "mul", "div", "neg", "dot", "total")]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@each_row
@examples(20)
@given(data=st.data())
def test_the_fast_makers_agree_with_the_plain_form_to_the_bit(row, data):
    anything = numbers() | st.sampled_from((0.0, -0.0, math.inf, math.nan))
    sizes = st.just(row.arity) if row.arity is not None else st.integers(2, 7)
    anywhere = sizes.flatmap(lambda n: st.tuples(*[anything] * n))
    point = data.draw(points(row) if row.name in COUNTED else points(row) | anywhere)
    args = leaves(*point)
    plain, fast = (outcome(make, args) for make in (partial(node_of, row), row.node))
    assert fast == plain


def outcome(make, args):
    """Return what a maker gives, to the bit: data and partials, or its error."""
    try:
        node = make(*args)
    except (ValueError, OverflowError) as error:
        return type(error), str(error)
    return [repr(x * 1.0 if isinstance(x, int) else x) for x in (node.data, *node.partials)]


@pytest.mark.parametrize("name", ["softmax", "unit", "other_products"])
@given(st.lists(numbers(-100, 100), min_size=1, max_size=6))
def test_components_of_floats_and_of_values_are_the_same_to_the_bit(name, xs):
    components = getattr(primitives, name)
    assert [v.data for v in components(leaves(*xs))] == components(xs)


@each_row
@examples(20)
@given(data=st.data())
def test_backward_and_gradient_agree(row, data):
    args = leaves(*data.draw(points(row)))
    node = row.node(*args)
    assume(all(isinstance(known, float | int) for known in node.partials))
    node.backward()
    assert [g.data for g in gradient(node, args)] == pytest.approx(
        [arg.grad for arg in args], rel=1e-15
    )


@pytest.mark.parametrize("name", truth.TRUTH)
def test_every_partial_keeps_its_budget_of_ulps(name):
    row = TABLE[name]
    for true in truth.truths(row, list(truth.points(row, 80, random.Random(name)))):
        if true.places:
            error = true.error(truth.ours(row, true))
            assert error <= truth.budget(row, len(true.point)), (true, error)


@pytest.mark.parametrize("name", truth.TRUTH)
def test_every_second_derivative_keeps_its_budget_of_ulps(name):
    row, rng = TABLE[name], random.Random(name)
    for true in truth.second_truths(row, list(truth.points(row, 60, rng)), rng):
        error = true.error(truth.ours(row, true))
        assert error <= truth.budget(row, len(true.point), 2), (true, error)


DELICATE = {  # where squares of arguments cancel, overflow or underflow
    "asin": [(1e-12,), (1e-170,), (-3e-9,), (1 - 2e-16,)],
    "acos": [(1e-12,), (5e-98,), (-0.3e-8,)],
    "atan": [(1e-300,), (1e-12,), (1e100,)],
    "atanh": [(1e-12,), (2e-243,), (-1e-8,)],
    "asinh": [(1e-12,), (1e-200,), (1e99,), (-1e120,)],
    "acosh": [(1 + 3e-16,), (1e100,)],
    "hypot": [(1e-100, 1e-262), (1e-10, 1e-168), (1e200, 3e60), (1e-200, 4e-210), (3e-7, 1e-30)],
    "norm": [(1e-100, 1e-262), (1e-10, 1e-168), (1e200, 3e60, 1e30), (1e-200, 4e-210)],
    "atan2": [(1e-300, 1e-200), (1e-200, 1e-290), (1e20, 1e-120), (1e-10, 1e-168)],
    "div": [(1e-200, 1e-150), (1e300, 1e190), (1e-300, 1e-100)],
    "reciprocal": [(1e-100,), (1e100,)],
    "sqrt": [(1e-200,), (1e200,)],
    "cbrt": [(1e-170,), (1e180,)],
    "gelu": [(1e-12,), (-30.0,), (1e-170,)],
    "tanh": [(1e-12,), (1e-300,), (19.5,)],
}


@pytest.mark.parametrize("name", DELICATE)
def test_second_and_third_derivatives_hold_where_squares_of_arguments_do_not(name):
    row, f = TABLE[name], truth.TRUTH[name]
    for point in DELICATE[name]:
        args = leaves(*point)
        node = row.node(*args)
        each = [*product(range(len(point)), repeat=2)]
        for places in each + [(*places, 0) for places in each]:
            ctx.prec = 12000
            expected = float(truth.difference(f, [arb(x) for x in point], point, places))
            if not abs(expected) < 1e290:
                continue
            found = node
            for place in places:
                (found,) = gradient(found, [args[place]])
            assert found.data == pytest.approx(expected, rel=1e-14, abs=1e-290), (point, places)


STEEP = [(5e-324, 0.99999), (5e-324, 1e-20), (1e-310, -1e-15), (1e-320, 0.5), (1e-320, 1.5)]
STEEP += [(5e-324, 1.0000001), (1e-200, 1e-100), (1e300, 0.3), (1e-320, -0.99999), (2e-308, -2.0)]
HIGH = [(-1.0, -1e16), (-1.0, 1e16), (-1.0, 2.0**53 + 2), (-1.0 - 2.0**-52, 1e16), (-2.0, 2.0**54)]


@pytest.mark.parametrize(("a", "b"), STEEP + HIGH)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_a_power_has_its_slopes_where_their_factors_overflow_or_are_rounded(a, b, k):
    ctx.prec = 3000
    factor = math.prod((arb(b) - i for i in range(k)), start=arb(1))
    expected = factor * (arb(a) ** int(b) if b % 1 == 0 else arb(a) ** arb(b)) / arb(a) ** k
    try:
        found = jets.power_slope(a, b) if k == 1 else jets.power_jet(a, b, k, 0)
    except OverflowError:
        found = math.inf
    if abs(expected) > truth.LARGEST:
        assert math.isinf(found)
    else:
        assert found == pytest.approx(float(expected), rel=1e-15, abs=5e-324)


@pytest.mark.parametrize("name", truth.COUNTS)
def test_nobody_is_responsible_for_the_orders_of_a_derivative(name):
    count = truth.COUNTS[name]
    point = (2.0, 3.0, 1.0, 1.0)[-(TABLE[name].arity or 0) :]
    assert set(node_of(TABLE[name], *leaves(*point)).partials[-count:]) == {0.0}


def test_every_row_has_its_truth():
    assert TABLE.keys() == truth.TRUTH.keys()


@pytest.mark.parametrize("row", [row for row in ROWS if row.kinks], ids=lambda row: row.name)
def test_at_a_kink_the_slope_is_the_one_that_the_row_says(row):
    for kink, convention in row.kinks.items():
        pairs = ("maximum", "minimum", "exceeds", "mod", "floordiv")
        others = (1.0,) if row.name in pairs else None
        rest = others or (0.0,) * ((row.arity or 2) - 1)
        if row.name in ("leaky_relu", "elu"):
            rest = (0.3,)
        at = kink + row.period + (rest[0] if others else 0.0)
        near = [node_of(row, *leaves(at + nudge, *rest)) for nudge in (-1e-9, 0.0, 1e-9)]
        left, chosen, right = (node.partials[0] for node in near)
        assert (abs(near[0].data - near[2].data) > 0.1) == (convention == "jump")
        if row.name in ("unit_first", "hypot_slope"):
            assert repr(chosen) == "undefined"
            continue
        expected = {"left": left, "right": right, "mean": (left + right) / 2, "jump": left}
        assert chosen == pytest.approx(expected[convention], abs=1e-8)
        assert (left == right) == (convention == "jump")


@pytest.mark.parametrize("row", ARITHMETIC, ids=lambda row: row.name)
@given(data=st.data())
def test_arithmetic_rows_are_exact_over_fractions(row, data):
    size = row.arity or data.draw(st.integers(2, 7))
    point = data.draw(st.tuples(*[st.fractions(-9, 9, max_denominator=7).filter(bool)] * size))
    y = row.value(*point)
    for i in range(len(point)):
        slope = row.partial(i, y, point)
        for nudge in (Fraction(1), Fraction(-1, 3)):  # affine in each argument, but for a divisor
            moved = (*point[:i], point[i] + nudge, *point[i + 1 :])
            if row.name == "div" and i == 1:
                assert slope == -point[0] / point[1] ** 2
            else:
                assert row.value(*moved) == y + nudge * slope


@given(st.permutations(range(6)), st.lists(WHOLE, min_size=6, max_size=6))
def test_the_order_of_construction_does_not_matter(order, numbers):
    inputs = leaves(*numbers)
    parts: list = [None] * 6
    for i in order:
        parts[i] = inputs[i] * inputs[(i + 1) % 6]
    total(parts).backward()
    assert [leaf.grad for leaf in inputs] == [
        numbers[i - 1] + numbers[(i + 1) % 6] for i in range(6)
    ]


@given(programs(), st.tuples(WHOLE, WHOLE, WHOLE))
def test_backward_agrees_with_the_plain_sweep_to_the_bit(program, point):
    inputs = leaves(*point)
    output = run(program, inputs)
    grads = {output: 1.0} | {edge.arg: edge.after for edge in reverse_sweep(output)}
    output.backward()
    nodes = [*topological_order(output), *inputs]
    assert [grads.get(node, 0.0).hex() for node in nodes] == [node.grad.hex() for node in nodes]


@given(programs(), st.tuples(WHOLE, WHOLE, WHOLE))
def test_the_order_lists_every_node_once_and_after_its_args(program, point):
    order = topological_order(run(program, leaves(*point)))
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[arg] < place[node] for node in order for arg in node.args)


def test_a_value_is_a_node_of_the_table():
    x = Value(2.0)
    assert [node.primitive for node in topological_order(x * x)] == [None, TABLE["mul"]]
