"""Laws over the whole table of primitives and over random programs; no function has a test of its
own.
"""

import math
import random
from fractions import Fraction
from functools import partial

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks import truth
from micrograd_es import Value, gradient, primitives, topological_order, total
from micrograd_es.attribution import read_back
from micrograd_es.check import check_gradient
from micrograd_es.makers import node_of
from micrograd_es.primitives import TABLE
from tests.rows import (
    ARITHMETIC,
    ROWS,
    defined,
    differentiable,
    leaves,
    points,
    programs,
    run,
    sized,
)

each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
whole = st.integers(-8, 8).map(float)


def away_from_kinks(row, point) -> bool:
    return row.distance_to_kink(point) > 0.3 * max(map(abs, point))


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name != "detach"], ids=lambda row: row.name
)
@settings(max_examples=20)  # each measures a slope some hundred times
@given(data=st.data())
def test_every_partial_is_the_slope_of_its_value(row, data):
    point = data.draw(points(row))
    assume(defined(row, point) and away_from_kinks(row, point))
    partials = node_of(row, *leaves(*point)).partials
    for i in differentiable(row) if row.arity is not None else range(len(point)):
        assume(isinstance(partials[i], float | int))

        def along(x, i=i):
            return row.value(*point[:i], x, *point[i + 1 :])

        found = check_gradient(along, [point[i]], [partials[i]])
        assert found.verdict != "fail", (row.name, point, i, found)


def test_finite_differences_are_hardly_ever_blind():
    blind = 0
    for row in ROWS:
        point = tuple(0.7 + 0.5 * i + (row.name == "acosh") for i in range(row.arity or 3))
        if row.name in ("detach", "power_jet", "constant"):
            continue
        partials = node_of(row, *leaves(*point)).partials
        checks = check_gradient(row.value, point, partials)
        blind += checks.verdict == "inconclusive"
        assert checks.verdict != "fail", (row.name, checks)
    assert blind <= 1


@each_row
@given(data=st.data())
def test_the_fast_makers_agree_with_the_plain_form_to_the_bit(row, data):
    point = data.draw(
        points(row, sized(-1070, 1023) | st.sampled_from((0.0, -0.0, math.inf, math.nan)))
    )
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
@given(st.lists(sized(-6, 6), min_size=1, max_size=6))
def test_components_of_floats_and_of_values_are_the_same_to_the_bit(name, numbers):
    components = getattr(primitives, name)
    assert [v.data for v in components(leaves(*numbers))] == components(numbers)


@each_row
@given(data=st.data())
def test_backward_and_gradient_agree(row, data):
    point = data.draw(points(row))
    assume(defined(row, point))
    args = leaves(*point)
    node = row.node(*args)
    assume(all(isinstance(known, float | int) for known in node.partials))
    node.backward()
    assert [g.data for g in gradient(node, args)] == pytest.approx(
        [arg.grad for arg in args], rel=1e-15
    )


@each_row
@settings(max_examples=20)  # each measures a slope some hundred times
@given(data=st.data())
def test_every_second_derivative_is_the_slope_of_the_first(row, data):
    point = data.draw(points(row, sized(-3, 2)))
    assume(defined(row, point) and away_from_kinks(row, point))
    for i in differentiable(row):
        args = leaves(*point)
        node = row.node(*args)
        assume(all(isinstance(known, float | int) for known in node.partials))
        (first,) = gradient(node, [args[i]])
        second = gradient(first, args)

        def slope(*x, i=i):
            found = node_of(row, *leaves(*x)).partials[i]
            return found if isinstance(found, float | int) else math.nan

        for j in differentiable(row):
            fixed = [*point]

            def along(z, j=j, fixed=fixed):
                return float(slope(*fixed[:j], z, *fixed[j + 1 :]))

            found = check_gradient(along, [point[j]], [second[j].data])
            assert found.verdict != "fail", (row.name, point, i, j, found)


@pytest.mark.parametrize("name", truth.TRUTH)
def test_every_partial_keeps_its_budget_of_ulps(name):
    row = TABLE[name]
    for true in truth.truths(row, list(truth.points(row, 80, random.Random(name)))):
        if true.what != "value":
            error = true.error(truth.ours(row, true.what, true.point))
            assert error <= truth.budget(row, len(true.point)), (true, error)


def test_nobody_is_responsible_for_the_orders_of_a_derivative():
    assert node_of(TABLE["power_jet"], *leaves(2.0, 3.0, 1.0, 1.0)).partials[2:] == (0.0, 0.0)


def test_every_row_has_its_truth():
    assert TABLE.keys() == truth.TRUTH.keys()


@pytest.mark.parametrize("row", [row for row in ROWS if row.kinks], ids=lambda row: row.name)
def test_at_a_kink_the_slope_is_the_one_that_the_row_says(row):
    for kink, convention in row.kinks.items():
        others = {"maximum": (1.0,), "minimum": (1.0,), "exceeds": (1.0,)}.get(row.name)
        rest = others or (0.0,) * ((row.arity or 2) - 1)
        if row.name in ("leaky_relu", "elu"):
            rest = (0.3,)
        at = kink + row.period + (rest[0] if others else 0.0)
        near = [node_of(row, *leaves(at + nudge, *rest)) for nudge in (-1e-9, 0.0, 1e-9)]
        left, chosen, right = (node.partials[0] for node in near)
        assert (abs(near[0].data - near[2].data) > 0.1) == (convention == "jump")
        if row.name == "unit_first":
            assert repr(chosen) == "undefined"
            continue
        expected = {"left": left, "right": right, "mean": (left + right) / 2, "jump": left}
        assert chosen == pytest.approx(expected[convention], abs=1e-8)
        assert (left == right) == (convention == "jump")


@given(programs(), st.tuples(*[st.fractions(-9, 9, max_denominator=6)] * 3))
def test_a_reverse_sweep_of_the_rows_on_fractions_is_exact(program, point):
    # The graph is built on floats; its rows are then swept over Fractions, and compared with dual
    # numbers.
    inputs = leaves(*map(float, point))
    output = run(program, inputs)
    numbers = dict(zip(inputs, point, strict=True))
    for node in topological_order(output):
        if node.args:
            numbers[node] = node.primitive.value(*(numbers[arg] for arg in node.args))
    slopes = {output: Fraction(1)}
    for node in reversed(topological_order(output)):
        args = [numbers[arg] for arg in node.args]
        for i, arg in enumerate(node.args):
            share = slopes[node] * node.primitive.partial(i, numbers[node], args)
            slopes[arg] = slopes.get(arg, 0) + share
    for i, leaf in enumerate(inputs):
        dual = run(program, [Dual(x, Fraction(int(i == j))) for j, x in enumerate(point)])
        assert slopes.get(leaf, 0) == dual.slope


class Dual:
    """a + b·ε with ε² = 0: forward mode, as an oracle that shares no code with the engine."""

    def __init__(self, data, slope):
        self.data, self.slope = data, slope

    def __add__(self, other):
        return Dual(self.data + other.data, self.slope + other.slope)

    def __sub__(self, other):
        return Dual(self.data - other.data, self.slope - other.slope)

    def __mul__(self, other):
        return Dual(self.data * other.data, self.slope * other.data + self.data * other.slope)


@pytest.mark.parametrize("row", ARITHMETIC, ids=lambda row: row.name)
@given(data=st.data())
def test_arithmetic_rows_are_exact_over_fractions(row, data):
    fractions = st.fractions(-9, 9, max_denominator=7).filter(bool)
    point = data.draw(points(row, fractions))
    y = row.value(*point)
    for i in range(len(point)):
        slope = row.partial(i, y, point)
        for nudge in (Fraction(1), Fraction(-1, 3)):  # affine in each argument, but for a divisor
            moved = (*point[:i], point[i] + nudge, *point[i + 1 :])
            if row.name == "div" and i == 1:
                assert slope == -point[0] / point[1] ** 2
            else:
                assert row.value(*moved) == y + nudge * slope


@given(programs(), st.tuples(whole, whole, whole))
def test_floats_agree_exactly_on_small_integers(program, point):
    assume(len(program) <= 6)
    inputs = leaves(*point)
    output = run(program, inputs)
    output.backward()
    for i, leaf in enumerate(inputs):
        dual = run(program, [Dual(int(x), int(i == j)) for j, x in enumerate(point)])
        assume(abs(dual.data) < 2**50)
        assert (output.data, leaf.grad) == (dual.data, dual.slope)


@given(programs(), programs(), st.tuples(whole, whole, whole))
def test_the_gradient_of_a_sum_is_the_sum_of_the_gradients(one, other, point):
    inputs = leaves(*point)
    a, b = run(one[:6], inputs), run(other[:6], inputs)
    both = [g.data for g in gradient(a + b, inputs)]
    apart = [g.data + h.data for g, h in zip(gradient(a, inputs), gradient(b, inputs), strict=True)]
    assert both == apart


@given(programs(), st.tuples(whole, whole, whole))
def test_a_second_backward_adds_the_same_terms_once_more(program, point):
    inputs = leaves(*point)
    output = run(program[:6], inputs)
    output.backward()
    once = [leaf.grad for leaf in inputs]
    output.backward()
    assert [leaf.grad for leaf in inputs] == [2 * g for g in once]


@given(st.permutations(range(6)), st.lists(whole, min_size=6, max_size=6))
def test_the_order_of_construction_does_not_matter(order, numbers):
    inputs = leaves(*numbers)
    parts: list = [None] * 6
    for i in order:
        parts[i] = inputs[i] * inputs[(i + 1) % 6]
    total(parts).backward()
    assert [leaf.grad for leaf in inputs] == [
        numbers[i - 1] + numbers[(i + 1) % 6] for i in range(6)
    ]


@given(programs(), st.tuples(whole, whole, whole))
def test_the_plain_sweep_of_attribution_agrees_with_backward(program, point):
    inputs = leaves(*point)
    output = run(program, inputs)
    grads, _, _ = read_back(output)
    output.backward()
    assert [grads.get(leaf, 0.0) for leaf in inputs] == [leaf.grad for leaf in inputs]


@given(programs(), st.tuples(whole, whole, whole))
def test_the_order_lists_every_node_once_and_after_its_args(program, point):
    order = topological_order(run(program, leaves(*point)))
    place = {node: i for i, node in enumerate(order)}
    assert len(place) == len(order)
    assert all(place[arg] < place[node] for node in order for arg in node.args)


def test_a_value_is_a_node_of_the_table():
    x = Value(2.0)
    assert [node.primitive for node in topological_order(x * x)] == [None, TABLE["mul"]]
