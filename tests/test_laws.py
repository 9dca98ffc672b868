"""Laws over the whole table of primitives and over random programs; no function has a test of its
own.
"""

import math
from fractions import Fraction
from functools import partial

import mpmath
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from micrograd_es import Value, gradient, topological_order, total
from micrograd_es.attribution import read_back
from micrograd_es.check import check_gradient
from micrograd_es.primitive import node_of
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
    if not row.kinks:
        return True
    at = point[0] if len(point) == 1 else point[0] - point[1]
    return all(abs(at - kink) > 0.3 * max(map(abs, point)) for kink in row.kinks)


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name != "detach"], ids=lambda row: row.name
)
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
        point = tuple(0.75 + 0.5 * i for i in range(row.arity or 3))
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
            return node_of(row, *leaves(*x)).partials[i]

        for j in differentiable(row):
            fixed = [*point]

            def along(z, j=j, fixed=fixed):
                return float(slope(*fixed[:j], z, *fixed[j + 1 :]))

            found = check_gradient(along, [point[j]], [second[j].data])
            assert found.verdict != "fail", (row.name, point, i, j, found)


# The slopes in their textbook form, which 400 bits can afford.
EXACT = {
    "add": [lambda a, b: 1, lambda a, b: 1],
    "sub": [lambda a, b: 1, lambda a, b: -1],
    "mul": [lambda a, b: b, lambda a, b: a],
    "div": [lambda a, b: 1 / b, lambda a, b: -a / b**2],
    "neg": [lambda x: -1],
    "power": [lambda a, b: b * a ** (b - 1), lambda a, b: a**b * mpmath.log(a)],
    "power_slope": [lambda a, b: b * (b - 1) * a ** (b - 2)],
    "exp": [mpmath.exp],
    "log": [lambda x: 1 / x],
    "sqrt": [lambda x: 1 / (2 * mpmath.sqrt(x))],
    "sin": [mpmath.cos],
    "cos": [lambda x: -mpmath.sin(x)],
    "tanh": [lambda x: mpmath.sech(x) ** 2],
    "sigmoid": [lambda x: mpmath.sech(x / 2) ** 2 / 4],
    "sech2": [lambda x: -2 * mpmath.sech(x) ** 2 * mpmath.tanh(x)],
    "logistic": [lambda x: -(mpmath.sech(x / 2) ** 2) / 4 * mpmath.tanh(x / 2)],
}
NARROW = {"power": (-20, 20), "power_slope": (-20, 20)} | dict.fromkeys(
    ("exp", "sin", "cos", "tanh", "sigmoid", "sech2", "logistic"), (-10, 9.4)
)
BUDGET = {"sech2": 6, "logistic": 6, "power_slope": 6}  # second derivatives, one product more


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_every_partial_is_right_to_4_ulp(name, data):
    row = TABLE[name]
    point = data.draw(points(row, sized(*NARROW.get(name, (-500, 500)))))
    assume(defined(row, point))
    partials = node_of(row, *leaves(*point)).partials
    with mpmath.workprec(400):
        for ours, slope in zip(partials, EXACT[name], strict=False):
            true = mpmath.mpf(slope(*map(mpmath.mpf, point)))
            if isinstance(ours, float) and 2.3e-308 < abs(true) < 1.7e308:
                ulp = mpmath.mpf(math.ulp(ours))
                assert abs(mpmath.mpf(ours) - true) <= BUDGET.get(name, 4) * ulp


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
