"""Derivatives of functions: structures, orders, nesting, closed forms."""

import math
from collections import Counter, OrderedDict, defaultdict, namedtuple
from itertools import pairwise
from types import MappingProxyType

import numpy as np
import pytest
from flint import arb, arb_series, ctx
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es import (
    DomainError,
    Field,
    Primitive,
    Value,
    atan2,
    derivative,
    dot,
    exp,
    grad,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    log,
    nn,
    norm,
    optim,
    prod,
    sigmoid,
    sin,
    sqrt,
    tanh,
    topological_order,
    total,
    value_and_grad,
    where,
)

numbers = st.floats(-3, 3)
Pair = namedtuple("Pair", "a b")  # noqa: PYI024  # this kind, too


def smooth(v):
    """A function of three numbers with no zero in its derivatives to order two."""
    return tanh(v[0] * v[1]) + exp(v[2]) * sin(v[0]) + v[1] * v[2] ** 2


def vector(v):
    return [smooth(v), v[0] * v[2], 3.0]


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        (3.0, 6.0),
        ([3.0, 4.0], [6.0, 8.0]),
        ((3.0, 4.0), (6.0, 8.0)),
        ({"w": 3.0, "b": [1.0, 2.0]}, {"w": 6.0, "b": [2.0, 4.0]}),
        (Pair(1.0, (2.0, 3)), Pair(2.0, (4.0, 6.0))),
        ([], []),
    ],
)
def test_a_gradient_has_the_structure_of_the_point(point, expected):
    def squares(thing):
        if isinstance(thing, dict):
            return squares(list(thing.values()))
        if isinstance(thing, list | tuple):
            return total([squares(part) for part in thing])
        return thing * thing

    assert grad(squares)(point) == expected
    assert type(grad(squares)(point)) is type(expected)
    value, slope = value_and_grad(squares)(point)
    assert (type(value), slope) == (float, expected)


def test_arrays_give_arrays():
    point = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert np.array_equal(grad(lambda a: (a * a).sum())(point), 2 * point)
    found = jacobian(lambda a: a @ a)(np.array(point))
    assert found.shape == (2, 2, 2, 2)
    assert found.dtype == float
    assert hessian(lambda a: np.sum(a**3))(np.array([1.0, 2.0])).tolist() == [[6, 0], [0, 12]]


def test_argnums_choose_the_arguments():
    def f(a, b, *, scale):
        return scale * a["x"] * b**2

    assert grad(f)({"x": 3.0}, 5.0, scale=2.0) == {"x": 50.0}
    assert grad(f, argnums=1)({"x": 3.0}, 5.0, scale=2.0) == 60.0
    assert grad(f, argnums=(np.int64(1), 0))({"x": 3.0}, 5.0, scale=2.0) == (60.0, {"x": 50.0})
    with pytest.raises(TypeError, match="argnums 2 of a function called with 2 arguments"):
        grad(f, argnums=2)({"x": 3.0}, 5.0, scale=2.0)


def test_levels_of_nested_derivatives_do_not_mix():
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(1.0) == 2.0
    assert grad(lambda x: x * grad(lambda y: x * y)(x))(1.0) == 2.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 4 * 3.0
    assert grad(lambda x: grad(lambda y: x * y)(x))(5.0) == 1.0
    assert grad(lambda x: jvp(lambda y: x * y**2, x, 1.0)[1])(3.0) == 4 * 3.0


def test_a_captured_value_is_followed_and_gives_values():
    w = Value(2.0)
    slope = grad(lambda x: w * x * x)(3.0)
    assert type(slope) is Value
    assert slope == 12.0
    assert gradient(slope, [w])[0] == 6.0
    assert type(grad(lambda x: x * x)(Value(3.0))) is Value
    assert w.grad == 0.0


def test_what_is_not_used_has_gradient_zero():
    assert grad(lambda v: v[0])([1.0, 2.0]) == [1.0, 0.0]
    assert grad(lambda x: 7.0)(1.0) == 0.0
    assert hessian(lambda v: v[0] + v[1])([1.0, 2.0]) == [[0.0, 0.0], [0.0, 0.0]]
    assert jvp(lambda x: 7.0, 1.0, 1.0) == (7.0, 0.0)
    assert derivative(lambda x: 7.0)(1.0) == 0.0


@pytest.mark.parametrize(
    ("wrong", "error", "says"),
    [
        (lambda: grad(lambda x: [x, x])(1.0), TypeError, "use jacobian"),
        (lambda: grad(lambda x: "a")(1.0), TypeError, "'a' .str. is not a real number"),
        (lambda: grad(lambda x: x)("a"), TypeError, "is not a real number"),
        (lambda: grad(lambda x: x)({1.0}), TypeError, "set"),
        (lambda: jvp(lambda v: v[0], [1.0], [1.0, 2.0]), ValueError, "not the structure of the po"),
        (lambda: hvp(lambda v: v[0], [1.0], []), ValueError, "the vector .* has not the structure"),
        (lambda: hvp(lambda v: v["a"], {"a": 1.0}, {"b": 1.0}), ValueError, "not the structure"),
        (lambda: hvp(lambda v: v["a"], {"a": 1.0}, [1.0]), ValueError, "not the structure"),
        (lambda: hvp(lambda v: v[0], [1.0], 1.0), ValueError, "not the structure"),
        (lambda: hvp(lambda v: v, 1.0, [1.0]), ValueError, "not the structure"),
        (lambda: jvp(np.sum, np.ones(2), np.ones((2, 1))), ValueError, "not the structure"),
        (lambda: jvp(lambda v: v[0], [[1.0]], [1.0]), ValueError, "not the structure"),
        (lambda: derivative(log, -1), ValueError, "whole number from 0 up"),
        (lambda: derivative(log, 1.5), ValueError, "whole number from 0 up"),
    ],
)
def test_wrong_use_is_an_error_with_its_way_out(wrong, error, says):
    with pytest.raises(error, match=says):
        wrong()


@given(st.tuples(numbers, numbers, numbers), st.tuples(numbers, numbers, numbers))
def test_jvp_and_gradient_are_adjoint_and_hvp_is_the_hessian_times_a_vector(point, direction):
    point, direction = list(point), list(direction)
    rows = jacobian(vector)(point)
    values, pushed = jvp(vector, point, direction)
    assert values == pytest.approx([float(y) for y in vector(point)])
    assert pushed == pytest.approx([dot(row, direction) for row in rows], rel=1e-12, abs=1e-12)
    matrix = hessian(smooth)(point)
    assert [list(column) for column in zip(*matrix, strict=True)] == [
        pytest.approx(row, rel=1e-12, abs=1e-12) for row in matrix
    ]
    assert hvp(smooth, point, direction) == pytest.approx(
        [dot(row, direction) for row in matrix], rel=1e-11, abs=1e-11
    )


def series(f, x, order):
    """The derivatives of f at x from its power series in ball arithmetic."""
    ctx.prec, ctx.cap = 300, order + 2
    found = f(arb_series([arb(x), 1], prec=order + 1))
    return [float(found[k] * math.factorial(k)) for k in range(order + 1)]


SERIES = {
    tanh: lambda x: ((2 * x).exp() - 1) / ((2 * x).exp() + 1),
    sigmoid: lambda x: 1 / (1 + (-x).exp()),
    exp: lambda x: x.exp(),
    sin: lambda x: x.sin(),
}


@pytest.mark.parametrize("f", SERIES, ids=lambda row: row.name)
@pytest.mark.parametrize("x", [0.0, 0.3, -1.7])
def test_derivatives_to_order_ten_are_those_of_the_power_series(f, x):
    true = series(SERIES[f], x, 10)
    for n in range(11):
        assert derivative(f, n)(x) == pytest.approx(true[n], rel=1e-9, abs=1e-15)


def test_the_graph_of_a_gradient_does_not_explode():
    x = Value(0.3)
    y, sizes = tanh(x), []
    for _ in range(10):
        (y,) = gradient(y, [x])
        sizes.append(len(topological_order(y)))
    assert y.data == pytest.approx(-36306.46960130222, rel=1e-9)
    assert all(after <= 3 * before for before, after in pairwise(sizes))


def rosenbrock(v):
    return total([100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(v)])


@given(st.lists(numbers, min_size=30, max_size=30))
def test_the_hessian_of_rosenbrock_s_function_is_the_closed_form(v):
    n = len(v)
    true = np.zeros((n, n))
    for i, (a, b) in enumerate(pairwise(v)):
        true[i, i] += 1200 * a**2 - 400 * b + 2
        true[i + 1, i + 1] += 200
        true[i, i + 1] = true[i + 1, i] = -400 * a
    assert np.abs(np.array(hessian(rosenbrock)(v)) - true).max() <= 1e-14 * np.abs(true).max()


def test_a_gradient_of_many_numbers_is_one_sweep():
    point = [0.001 * i for i in range(20_000)]
    assert grad(lambda v: total([x * x for x in v]))(point) == [2 * x for x in point]


def test_what_is_constant_gives_floats_at_every_level():
    assert hessian(lambda v: v[0] ** 2 + v[1])([1.0, 2.0]) == [[2.0, 0.0], [0.0, 0.0]]
    for found in (
        hessian(lambda v: v[0] ** 2 + v[1])([1.0, 2.0])[1][0],
        hessian(lambda v: 3.0)([1.0])[0][0],
        grad(grad(lambda x: 3 * x))(1.0),
        derivative(lambda x: x * derivative(lambda y: 3 * y)(x))(1.0),
    ):
        assert type(found) is float
    assert hessian(lambda a: np.sum(a * 2))(np.array([1.0, 2.0])).dtype == float


def test_a_direction_follows_the_structure_of_the_point_and_not_its_order():
    assert hvp(lambda p: p["a"] ** 2 * p["b"], {"a": 3.0, "b": 5.0}, {"b": 0.0, "a": 1.0}) == {
        "a": 10.0,
        "b": 6.0,
    }
    assert jvp(lambda a: np.sum(a * a), np.array([1.0, 2.0]), np.array([1.0, 0.0])) == (5.0, 2.0)
    assert jvp(lambda p: p[0]["x"][0], [{"x": (2.0,)}], [{"x": (3.0,)}]) == (2.0, 3.0)


@pytest.mark.parametrize("kind", [Counter, OrderedDict, lambda d: defaultdict(float, d)])
def test_mappings_of_every_kind_keep_it(kind):
    point = kind({"a": 3, "b": 4})
    found = grad(lambda p: p["a"] ** 2 + p["b"])(point)
    assert type(found) is type(point)
    assert dict(found) == {"a": 6.0, "b": 1.0}
    read_only = MappingProxyType({"a": 3.0})
    assert grad(lambda p: p["a"] ** 2)(read_only) == {"a": 6.0}


def test_functions_without_inputs_or_outputs_have_empty_derivatives():
    assert jvp(lambda v: [], [1.0], [1.0]) == ([], [])
    assert hvp(lambda v: 3.0, [], []) == []
    assert jacobian(lambda v: [])([1.0]) == []


def test_a_derivative_of_a_zero_that_hides_an_undefined_partial_is_an_error():
    for wrong in (
        lambda: hessian(lambda v: norm(v) ** 2)([0.0, 0.0]),
        lambda: derivative(lambda x: sqrt(x) ** 4, 2)(0.0),
    ):
        with pytest.raises(DomainError, match="no finite slope"):
            wrong()
    x, y = Value(0.0), Value(0.0)
    (slope,) = gradient(x * sqrt(y), [y])
    assert slope.data == 0.0
    with pytest.raises(DomainError, match=r"sqrt\(0.0\) has the value 0.0"):
        gradient(slope, [x])
    assert gradient(slope, [y])[0].data == 0.0


def test_inputs_may_come_from_an_iterator_and_one_input_alone():
    xs = [Value(2.0), Value(3.0)]
    y = xs[0] * xs[1]
    assert [g.data for g in gradient(y, iter(xs))] == [3.0, 2.0]
    assert [g.data for g in gradient(y, xs[0])] == [3.0]


def test_plain_responsibilities_of_any_size_multiply_partials_that_are_values():
    x = Value(3.0)
    t = x * x
    assert gradient(t + t, [x])[0].data == 12.0
    assert gradient(t + t + t, [x])[0].data == 18.0


def test_a_constant_that_is_asked_for_is_differentiated_to_any_order():
    c = where(True, 2.0, 0.0)
    (slope,) = gradient(c * c * c, [c])
    assert (slope.data, gradient(slope, [c])[0].data) == (12.0, 12.0)


def test_an_undefined_partial_hides_no_other_of_its_node():
    both = Primitive("both", lambda a, b: math.sqrt(a) + 3 * b, (lambda y, a, b: 0.5 / sqrt(a), 3))
    a, b, w = Value(0.0), Value(1.0), Value(0.0)
    slopes = gradient(both(a, b) * w, [a, b])
    assert [slope.data for slope in slopes] == [0.0, 0.0]
    assert gradient(slopes[1], [w])[0].data == 3.0


def test_a_product_of_others_that_is_too_large_hides_no_slope_that_exists():
    for point in ([1e-50, 1e-300, 1e200, 1e200], [1e-20, 1e-310, 1e180, 1e150]):
        first, *others = point
        slope = grad(lambda x, others=others: prod([x, *others]))(first)
        assert slope == pytest.approx(math.prod(others), rel=1e-15)
        x = Value(first)
        y = prod([x, *map(Value, others)])
        assert gradient(y, [x])[0].data == pytest.approx(math.prod(others), rel=1e-15)
    assert grad(lambda v: atan2(v[0], v[1]))([math.inf, 2.0])[0] == 0.0


def endless():
    """Return structures that contain themselves, and one that is too deep."""
    items, mapping, array, pair, deep = [1.0], {"a": 1.0}, np.empty(2, dtype=object), ([],), [1.0]
    items.append(items)
    mapping["b"] = mapping
    array[0], array[1] = 1.0, array
    pair[0].append(pair)
    for _ in range(3000):
        deep = [deep]
    return {"list": items, "dict": mapping, "array": array, "tuple": pair, "deep": deep}


WALKERS = {
    "grad": lambda x: grad(lambda p: 1.0)(x),
    "value_and_grad": lambda x: value_and_grad(lambda p: 1.0)(x),
    "jacobian": lambda x: jacobian(lambda p: 1.0)(x),
    "hessian": lambda x: hessian(lambda p: 1.0)(x),
    "the result": lambda x: jacobian(lambda _: x)(1.0),
    "derivative": lambda x: derivative(lambda _: x)(1.0),
    "jvp": lambda x: jvp(lambda p: 1.0, x, x),
    "a direction": lambda x: jvp(lambda p: p[0], [1.0], x),
    "hvp": lambda x: hvp(lambda p: p[0], [1.0], x),
    "total": total,
    "norm": norm,
    "dot": lambda x: dot(x, x),
    "Value": Value,
    "gradient": lambda x: gradient(Value(1.0), x),
    "an output": lambda x: gradient(x, [Value(1.0)]),
    "MLP": lambda x: nn.MLP(2, x),
    "SGD": lambda x: optim.SGD(x, 0.1),
    "a field": lambda x: Field(lambda *_: 1.0).path(x, 0.1, 3),
}


@pytest.mark.parametrize("name", WALKERS)
@pytest.mark.parametrize("kind", endless())
def test_a_structure_that_contains_itself_is_an_error_and_no_endless_walk(name, kind):
    with pytest.raises((TypeError, ValueError)):
        WALKERS[name](endless()[kind])


def test_the_error_says_that_the_structure_contains_itself():
    for kind, type_name in (("list", "list"), ("dict", "dict"), ("array", "ndarray")):
        with pytest.raises(ValueError, match=f"^a {type_name} that contains itself"):
            grad(lambda p: 1.0)(endless()[kind])
