"""Class 11: Values among numpy's scalars, functions and arrays keep the gradient."""

import math
from pathlib import Path

import numpy as np
import pytest

import micrograd_es
from micrograd_es import Value, derivative, gradient, where
from micrograd_es.arrays import UFUNCS
from micrograd_es.primitives import TABLE

PAGE = Path(__file__).parent.parent / "docs" / "numpy.md"
BINARY = {"hypot", "maximum", "minimum", "arctan2", "add", "subtract", "multiply", "divide"}
BINARY |= {"true_divide", "power", "float_power", "logaddexp", "mod", "remainder", "floor_divide"}
TESTS = {"less", "less_equal", "equal", "not_equal", "greater", "greater_equal"}
TESTS |= {"isfinite", "isinf", "isnan"}
# numpy compares the elements itself, and gives numbers or one of the two
DROPPED_ON_ARRAYS = {"sign", "floor", "ceil", "logaddexp", "float_power"}


@pytest.mark.parametrize("name", sorted(UFUNCS.keys() - TESTS))
def test_class_11_a_function_of_numpy_is_that_of_values(name):
    ufunc = getattr(np, name)
    point = (0.6, 0.35) if name in BINARY else (1.4,) if name == "arccosh" else (0.6,)
    for numbers in (point, tuple(map(np.float64, point))):
        for i in range(len(point)):
            args = [*numbers]
            args[i] = leaf = Value(point[i])
            made = ufunc(*args)
            assert type(made) is Value
            assert made.data == pytest.approx(float(ufunc(*point)), rel=1e-15)
            h = 1e-6
            above, below = ([*point[:i], point[i] + s * h, *point[i + 1 :]] for s in (1, -1))
            slope = (ufunc(*above) - ufunc(*below)) / (2 * h)
            assert gradient(made, [leaf])[0].data == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("name", sorted(UFUNCS.keys() - TESTS - DROPPED_ON_ARRAYS))
def test_class_11_so_is_a_function_of_an_array_of_values(name):
    ufunc = getattr(np, name)
    point = [0.6, 0.35] if name in BINARY else [1.4] if name == "arccosh" else [0.6]
    leaves = [Value(x) for x in point]
    made = ufunc(*(np.array([leaf, leaf]) for leaf in leaves))
    assert [type(v) for v in made] == [Value, Value]
    alone = ufunc(*leaves)
    assert [g.data for g in gradient(made[0], leaves)] == pytest.approx(
        [g.data for g in gradient(alone, leaves)], rel=1e-15
    )


@pytest.mark.parametrize("name", sorted(TESTS))
def test_class_11_comparisons_and_tests_are_plain_booleans(name):
    ufunc, v = getattr(np, name), Value(2.0)
    args = (v,) if name.startswith("is") else (v, np.float64(3.0))
    assert bool(ufunc(*args)) == bool(ufunc(*map(float, args)))


def test_class_11_numpy_s_scalars_and_arrays_on_either_side():
    v, array = Value(2.0), np.array([[1.0, 3.0]])
    for scalar in (np.float64(3), np.float32(3), np.int64(3), np.array(3.0)):
        for made in (scalar * v, v * scalar):
            assert type(made) is Value
            assert made.data == 6.0
    third = np.float32(0.1)
    assert (v * third).data == 2.0 * float(third)  # not demoted to float32
    for made, data in ((array * v, [2, 6]), (v - array, [1, -1]), (array**v, [1, 9])):
        assert made.shape == (1, 2)
        assert [w.data for w in made.ravel()] == data
    assert (array > v).tolist() == [[False, True]]
    assert array[array > v].tolist() == [3.0]  # a mask is one of booleans
    assert np.clip(v, 0.0, 1.0).data == v.clip(0.0, 1.0).data == 1.0
    assert [x.data for x in np.full(2, v) * np.array([1.0, 2.0])] == [2.0, 4.0]


def test_class_11_sums_means_and_products_of_arrays_of_values():
    leaves = [Value(x) for x in (1.0, 2.0, 3.0)]
    a = np.array(leaves)
    for made, data, slopes in (
        (np.sum(a), 6.0, [1, 1, 1]),
        (np.mean(a), 2.0, [1 / 3] * 3),
        (np.prod(a), 6.0, [6, 3, 2]),
        (np.dot(a, [1.0, 2.0, 3.0]), 14.0, [1, 2, 3]),
        (a @ a, 14.0, [2, 4, 6]),
        (np.var(a), 2 / 3, [-2 / 3, 0, 2 / 3]),
        (np.max(a), 3.0, [0, 0, 1]),
        (np.linalg.norm(a), math.sqrt(14), [x / math.sqrt(14) for x in (1, 2, 3)]),
        (np.where(a > 1.5, a, 0.0).sum(), 5.0, [0, 1, 1]),
        (np.sum(leaves[0]), 1.0, [1, 0, 0]),
    ):
        assert made.data == pytest.approx(data)
        assert [g.data for g in gradient(made, leaves)] == pytest.approx(slopes)


def test_class_11_what_numpy_itself_drops_is_what_docs_numpy_md_says():
    v, a = Value(2.0), np.array([Value(2.0)])
    assert type(math.exp(v)) is float
    assert type(np.array([v], dtype=float)[0]) is np.float64
    assert type(np.sign(a)[0]) is int
    assert type(np.floor(a)[0]) is int
    assert type(np.interp(v, [0.0, 4.0], [0.0, 1.0])) is np.float64
    assert np.gradient(np.array([v, v, v], dtype=object), 1.0).dtype == float
    assert (np.ma.array([1.0]) * v).dtype == float
    with pytest.raises(AttributeError):
        np.hypot(1.0, a)
    for refused in (np.logaddexp, np.float_power):
        with pytest.raises(TypeError):
            refused(a, a)


def test_class_11_what_cannot_be_done_is_refused_by_name():
    v, floats = Value(2.0), np.array([1.0, 2.0])
    with pytest.raises(TypeError, match=r"np\.gcd of a Value: of numpy's functions it knows exp"):
        np.gcd(v, 2)
    with pytest.raises(TypeError, match=r"np\.add\.outer of a Value"):
        np.add.outer(v, floats)
    with pytest.raises(TypeError, match=r"float64 cannot hold Values: write a = a \* v"):
        floats *= v
    with pytest.raises(TypeError, match="takes no where"):
        np.add(v, 1.0, where=[True])
    held = np.array([v, v])
    held *= v
    assert [w.data for w in held] == [4.0, 4.0]


def test_every_spelling_of_numpy_is_one_of_its_names():
    assert all(hasattr(np, name) for name in UFUNCS)
    assert {row.name for row in UFUNCS.values() if hasattr(row, "name")} <= TABLE.keys()


def test_what_the_page_says_to_write_instead_of_math_keeps_the_gradient():
    v, p, q = Value(0.7), [Value(1.0), Value(2.0)], [0.5, 4.0]
    instead = {
        micrograd_es.exp(v): math.exp(0.7),
        v**2: math.pow(0.7, 2),
        micrograd_es.total([v, 0.1]): math.fsum([0.7, 0.1]),
        micrograd_es.norm([a - b for a, b in zip(p, q, strict=True)]): math.dist([1, 2], q),
        (v - 3) % 2: (0.7 - 3) % 2,
        v - 2 * micrograd_es.round(v / 2): math.remainder(0.7, 2),
        micrograd_es.floor(v): math.floor(0.7),
        micrograd_es.sinc(v): np.sinc(0.7),
    }
    for made, number in instead.items():
        assert type(made) is Value
        assert made.data == pytest.approx(number, rel=1e-15)
    assert type(math.exp(v)) is float


def test_a_where_on_equality_is_wrong_in_slope_and_the_rows_that_fill_the_gap_are_right():
    def curvature(f):
        return derivative(f, 2)(0.0)

    by_hand = curvature(lambda x: where(x == 0, 1, lambda: micrograd_es.sin(x) / x))
    assert by_hand == 0.0
    assert curvature(lambda x: micrograd_es.sinc(x / math.pi)) == pytest.approx(-1 / 3)
    assert curvature(micrograd_es.exprel) == pytest.approx(1 / 3)
    assert "equality" in where.__doc__
    for row in ("sinc", "exprel", "xlogy", "expm1", "log1p", "hypot"):
        assert row in where.__doc__
        assert row in PAGE.read_text(encoding="utf-8")
