"""A field, and the two things that the article states about its gradient."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from micrograd_es import Field, Value, exp, log, sin, sqrt
from micrograd_es.errors import DomainError
from micrograd_es.fields import Landscape, Stationary

coordinate = st.floats(-2, 2)
hills = st.builds(
    lambda a, b, c, d: Field(lambda x, y: a * sin(b * x + y) + c * exp(-x * x - y * y) + d * x * y),
    *[st.floats(0.2, 2)] * 4,
)


@given(hills, coordinate, coordinate, st.floats(0, 2 * math.pi))
def test_no_direction_climbs_faster_than_the_gradient_s_and_its_length_is_that_slope(
    field, x, y, angle
):
    steepest = field.magnitude(x, y)
    assert field.slope((x, y), (math.cos(angle), math.sin(angle))) <= steepest * (1 + 1e-12)
    assume(steepest > 1e-6)
    ahead = field.direction(x, y)
    assert math.hypot(*ahead) == pytest.approx(1)
    assert field.slope((x, y), ahead) == pytest.approx(steepest, rel=1e-12)
    assert field.slope((x, y), field.gradient(x, y)) == pytest.approx(steepest, rel=1e-12)


@given(hills, coordinate, coordinate, st.floats(0, 2 * math.pi))
def test_the_slope_in_a_direction_is_how_fast_the_field_changes_along_it(field, x, y, angle):
    u, v, h = math.cos(angle), math.sin(angle), 1e-5
    measured = (field.value(x + h * u, y + h * v) - field.value(x - h * u, y - h * v)) / (2 * h)
    assert field.slope((x, y), (u, v)) == pytest.approx(measured, abs=1e-7)


def test_the_arrow_does_not_always_point_towards_the_nearest_maximum():
    hill = Field(lambda x, y: -(x**2) - 10 * y**2)  # its one maximum is at (0, 0)
    x, y = 2.0, 1.0
    towards = (-x / math.hypot(x, y), -y / math.hypot(x, y))
    cosine = sum(a * b for a, b in zip(hill.direction(x, y), towards, strict=True))
    assert math.degrees(math.acos(cosine)) > 45
    assert hill.slope((x, y), towards) < 0.7 * hill.magnitude(x, y)


def test_a_grid_holds_the_field_point_by_point_and_nan_where_it_is_undefined():
    field = Field(lambda x, y: log(x) * y)
    grid = field.grid([-1.0, 1.0, 2.0], [0.5, 3.0])
    assert grid.value.shape == (2, 3)
    for j, y in enumerate([0.5, 3.0]):
        assert math.isnan(grid.value[j, 0])
        assert math.isnan(grid.magnitude[j, 0])
        for i, x in enumerate([1.0, 2.0], start=1):
            assert (grid.axes[0][j, i], grid.axes[1][j, i]) == (x, y)
            assert grid.value[j, i] == field.value(x, y)
            assert (grid.gradient[0][j, i], grid.gradient[1][j, i]) == field.gradient(x, y)
            assert grid.magnitude[j, i] == pytest.approx(field.magnitude(x, y))


def test_where_a_field_has_a_value_but_no_slope_the_grid_says_so():
    grid = Field(lambda x: sqrt(x)).grid([-1.0, 0.0, 4.0])
    assert np.array_equal(grid.value, [np.nan, 0.0, 2.0], equal_nan=True)
    assert np.array_equal(grid.gradient[0], [np.nan, np.nan, 0.25], equal_nan=True)


def test_a_field_is_undefined_where_its_values_are_and_its_floats_would_not_say_so():
    with pytest.raises(DomainError):
        Field(lambda x: x**0.5).value(-1.0)  # a complex number, of floats
    with pytest.raises(DomainError):
        Field(lambda x: 1 / x).value(0.0)  # a ZeroDivisionError


def test_stationary_points_are_found_and_told_apart():
    field = Field(lambda x, y: x**3 - 3 * x + y**2)
    axis = np.linspace(-2, 2, 5)
    assert field.stationary_points(axis, axis) == [
        Stationary((-1.0, 0.0), 2.0, "saddle"),
        Stationary((1.0, 0.0), -2.0, "minimum"),
    ]
    assert Field(lambda x, y: -(x**2) - y**2).kind(0.0, 0.0) == "maximum"
    assert Field(lambda x, y: x**2 + y**4).kind(0.0, 0.0) == "degenerate"
    assert Field(lambda x, y: 1.0).kind(0.0, 0.0) == "degenerate"
    assert Field(lambda x: log(x)).stationary_points([-1.0, 1.0]) == []
    assert Field(lambda x, y: x + y).stationary_points([0.0], [0.0]) == []


def test_the_error_of_the_article_s_network_has_a_saddle_where_both_weights_are_zero():
    assert Field(lambda w1, w2: (4 * w1 * w2 - 1) ** 2).kind(0.0, 0.0) == "saddle"


def test_wrong_use_of_a_field_is_an_error_with_its_way_out():
    field = Field(lambda x, y: x * y)
    with pytest.raises(ValueError, match=r"not stationary: the gradient there is 1\.41 long"):
        field.kind(1.0, 1.0)
    with pytest.raises(ValueError, match="give finite numbers, not all of them 0"):
        field.slope((1.0, 1.0), (0.0, 0.0))
    with pytest.raises(TypeError, match="not a real number"):
        field.value("1", 2.0)
    assert field.direction(0.0, 0.0) == (0.0, 0.0)


def test_the_kind_of_a_point_does_not_depend_on_the_scale_of_the_field():
    for scale in (1e-9, 1.0, 1e9):
        for a, b, kind in ((1, 1, "minimum"), (1, -1, "saddle"), (-1, -1, "maximum")):
            for stretch in (1.0, 1e9):
                field = Field(
                    lambda x, y, s=scale, a=a, b=b, t=stretch: s * (a * t * x * x + b * y * y)
                )
                assert field.kind(0.0, 0.0) == kind
                with pytest.raises(ValueError, match="not stationary"):
                    field.kind(0.0, 3.0)
    with pytest.raises(ValueError, match="not stationary"):
        Field(lambda x: 1e-10 * x).kind(0.0)


def test_stationary_points_on_the_edge_close_together_or_flat_are_found():
    cosine = Field(lambda x: x.cos() if hasattr(x, "cos") else math.cos(x))
    assert [one.kind for one in cosine.stationary_points([0, 1.5, 3.0, math.pi])] == [
        "maximum",
        "minimum",
    ]
    tiny = Field(lambda x: (x - 3e-14) ** 2)
    assert tiny.stationary_points([-1.0, 1.0])[0].point[0] == pytest.approx(3e-14, rel=1e-6)
    flat = Field(lambda x, y: x**4 + y**4)
    assert flat.stationary_points([0.0], [0.0]) == [Stationary((0.0, 0.0), 0.0, "degenerate")]


def test_a_grid_knows_directions_and_slopes_and_values_without_a_slope():
    cone = Field(lambda x, y: (x * x + y * y) ** 0.5)
    grid = cone.grid([0.0, 3.0], [0.0, 4.0])
    assert grid.value.tolist() == [[0.0, 3.0], [4.0, 5.0]]
    assert math.isnan(grid.magnitude[0, 0])
    assert (grid.direction[0][1, 1], grid.direction[1][1, 1]) == pytest.approx((0.6, 0.8))
    assert grid.slope((0.0, 2.0))[1, 1] == pytest.approx(0.8)
    huge = Field(lambda x, y: 1e200 * x + 1e200 * y).grid([1.0], [1.0])
    assert huge.magnitude[0, 0] == pytest.approx(math.sqrt(2) * 1e200)
    assert Field(lambda x, y: 7.0).grid([1.0], [1.0]).direction[0][0, 0] == 0.0
    with pytest.raises(ValueError, match="no axes"):
        cone.grid()
    with pytest.raises(ValueError, match="2 coordinates"):
        cone.slope((1.0, 1.0), (1.0,))


@given(hills, coordinate, coordinate, coordinate)
def test_a_loss_over_two_parameters_is_the_field_of_its_formula(field, x, y, z):
    first, second, third = Value(x), Value(y), Value(z)
    loss = Landscape(lambda: field.f(first, second) * third, (first, second))
    formula = Field(lambda u, v: field.f(u, v) * z)
    for point in ((x, y), (y, x), (0.25, -1.5)):
        assert loss.value(*point) == pytest.approx(formula.value(*point), rel=1e-15)
        assert loss.gradient(*point) == pytest.approx(formula.gradient(*point), rel=1e-14)
        for ours, theirs in zip(loss.hessian(*point), formula.hessian(*point), strict=True):
            assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-12)
    assert loss.here == (first.data, second.data) == (x, y)
    assert first.grad == second.grad == third.grad == 0.0


def test_parameters_are_put_back_whatever_happens():
    a, b = Value(2.0), Value(3.0)
    loss = Landscape(lambda: log(a) * b, (a, b))
    with pytest.raises(DomainError):
        loss.value(-1.0, 0.0)
    with pytest.raises(TypeError):
        loss.value("1.0", 0.0)
    with pytest.raises(ValueError, match="zip"):
        loss.value(1.0)
    assert loss.here == (2.0, 3.0)
    assert math.isnan(loss.grid([-1.0], [1.0]).value[0, 0])


@given(coordinate, coordinate, st.floats(0.01, 0.3))
def test_a_path_goes_down_against_the_gradient_step_by_step(x, y, lr):
    bowl = Field(lambda x, y: x * x + y * y / 2)
    points = bowl.path((x, y), lr, 20)
    assert points[0] == (x, y)
    for here, there in itertools.pairwise(points):
        slopes = bowl.gradient(*here)
        assert there == tuple(c - lr * g for c, g in zip(here, slopes, strict=True))
        assert bowl.value(*there) <= bowl.value(*here)


def test_a_path_ends_where_there_is_no_next_point():
    assert Field(lambda x, y: x * y).path((0.0, 0.0), 0.1, 5) == [(0.0, 0.0)]
    assert Field(lambda x: log(x)).path((1.0,), 2.0, 5) == [(1.0,), (-1.0,)]
    assert len(Field(lambda x: x * x * x).path((-1e100,), 1e200, 9)) == 1
    assert len(Field(lambda x: x * x).path((1.0,), 0.1, 3)) == 4


def test_a_landscape_is_over_leaves_each_once_and_a_constant_loss_is_flat():
    a, b = Value(2.0), Value(3.0)
    with pytest.raises(ValueError, match="twice"):
        Landscape(lambda: a * a, (a, a))
    with pytest.raises(TypeError, match="give leaves"):
        Landscape(lambda: a * a, (a * b, b))
    assert Landscape(lambda: 5.0, (a, b)).both(1.0, 1.0) == (5.0, [0.0, 0.0])


@pytest.mark.parametrize("axis", [[3.1, 0.1, 6.3], [0.0, 6.0, 3.0], [6.3, 3.1, 0.0]])
def test_stationary_points_come_in_order_whatever_the_order_of_the_grid(axis):
    field = Field(lambda x, y: sin(x + math.pi / 2) + y * y)
    found = [one.point for one in field.stationary_points(axis, [0.5, -0.5])]
    assert len(found) >= 2
    assert found == sorted(found)
