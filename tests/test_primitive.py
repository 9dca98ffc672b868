"""A row of one's own: law-tested with one call, and refused with a reason if it is none."""

import math
import operator

import pytest

from micrograd_es import (
    GradientMismatch,
    MicrogradError,
    Primitive,
    PrimitiveError,
    Value,
    check_primitive,
    cos,
    derivative,
    detach,
    gradient,
    hypot,
    log,
    topological_order,
)
from micrograd_es.check import PrimitiveCheck
from micrograd_es.primitives import TABLE

squareplus = Primitive(
    "squareplus", lambda x: (x + math.hypot(x, 2)) / 2, lambda y, x: y / hypot(x, 2)
)
geometric = Primitive(
    "geometric",
    lambda *xs: math.exp(sum(map(math.log, xs)) / len(xs)),
    lambda y, *xs: tuple(y / (len(xs) * x) for x in xs),
    domain="all x > 0",
    gather=tuple,
)


def test_a_row_of_one_s_own_is_eager_of_any_order_printed_and_law_tested():
    x = Value(0.5, name="x")
    y = squareplus(x * 2)
    y.backward()
    h = math.hypot(1, 2)
    assert x.grad == pytest.approx(1 + 1 / h)
    assert derivative(squareplus, 2)(1.0) == pytest.approx(2 / h**3)
    assert derivative(squareplus, 3)(1.0) == pytest.approx(-6 / h**5)
    assert squareplus.written("x + 1") == "squareplus(x + 1)"
    assert squareplus.typeset("x") == r"\operatorname{squareplus}(x)"
    assert "primitive='squareplus'" in repr(y)
    assert check_primitive(squareplus) == PrimitiveCheck(points=40, inconclusive=0)
    assert check_primitive(geometric).points == 40
    assert geometric([Value(2.0), 8.0]).data == pytest.approx(4.0)


@pytest.mark.parametrize("name", ["div", "power", "tanh", "maximum", "hard_tanh", "dot", "norm"])
def test_the_rows_of_the_table_pass(name):
    found = check_primitive(TABLE[name])
    assert found.points == 40
    assert found.inconclusive <= 16  # where tanh is flat, differences see nothing


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: Primitive("f", lambda a, b: a * b, lambda y, a, b: (b, a)),
            "f has 1 partials, but its value takes 2 arguments where 1 were expected",
        ),
        (
            lambda: Primitive("f", operator.mul, (lambda y, a: a, lambda y, a, b: a)),
            "f has 2 partials, but its rule 1 takes 2 arguments where 3 were expected",
        ),
        (
            lambda: check_primitive(
                Primitive("f", lambda x: max(x, 0.0), lambda y, x: 1.0 if x > 0 else 0.0)
            ),
            "the rule of f by argument 1 branches on a number, or calls math",
        ),
        (
            lambda: check_primitive(Primitive("f", math.exp, lambda y, x: math.exp(x))),
            "branches on a number, or calls math",
        ),
        (
            lambda: check_primitive(Primitive("f", lambda *xs: sum(xs), lambda y, *xs: (1,))),
            r"the rule of f gave 1 partials for \d arguments",
        ),
        (
            lambda: check_primitive(Primitive("f", lambda x: 1.0, lambda y, x: 1 / (y - 1))),
            "but its rule by argument 1 gives no finite number: state the domain",
        ),
        (
            lambda: check_primitive(Primitive("f", lambda x: x, lambda y, x: "1")),
            r"'1' \(str\) is not a real number",
        ),
        (
            lambda: check_primitive(Primitive("f", lambda x: x, lambda y, x: 1, text="%s, %s")),
            "'%s, %s' has 2 places for 1 operands",
        ),
        (
            lambda: check_primitive(Primitive("f", lambda x: math.log(-abs(x)), lambda y, x: 1)),
            r"f has no value at any of 4000 random points: give some in its domain",
        ),
    ],
)
def test_what_is_no_row_is_refused_with_its_reason(make, says):
    with pytest.raises((PrimitiveError, TypeError), match=says):
        make()


def test_a_wrong_number_of_partials_is_refused_by_every_maker():
    short = Primitive("short", lambda *xs: sum(xs), lambda y, *xs: (1,) * (len(xs) - 1))
    for size in (1, 2, 3, 5):
        with pytest.raises(PrimitiveError, match=f"{size - 1} partials for {size} arguments"):
            short(*[Value(1.0)] * size)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (Primitive("f", math.exp, lambda y, x: 1.001 * y), "f at .*: the rule by argument 1 says"),
        (Primitive("f", math.exp, lambda y, x: -y), "the slope measured is"),
        (Primitive("f", math.sin, lambda y, x: detach(cos(x))), "partial 1 of f at"),
        (Primitive("f", operator.mul, (lambda y, a, b: b, lambda y, a, b: b)), "by argument 2"),
    ],
)
def test_a_wrong_slope_of_any_order_is_caught(row, says):
    with pytest.raises(GradientMismatch, match=says):
        check_primitive(row)
    assert issubclass(GradientMismatch, AssertionError)
    assert issubclass(GradientMismatch, MicrogradError)


def test_points_may_be_given():
    far = Primitive("far", lambda x: math.log(x - 1000), lambda y, x: 1 / (x - 1000))
    assert check_primitive(far, points=[[1001.0], [1500.0], [1e6]]).points == 3
    with pytest.raises(PrimitiveError, match="points=\\[…\\]"):
        check_primitive(far)


def test_a_narrow_domain_is_checked_at_the_points_that_fall_in_it():
    narrow = Primitive("narrow", lambda x: math.log(x - 250), lambda y, x: 1 / (x - 250))
    assert 0 < check_primitive(narrow).points < 40


def test_a_second_derivative_may_be_undefined_where_the_first_is_not():
    assert check_primitive(TABLE["norm"], points=[[0.0, 0.0]]).points == 1


def test_values_are_as_they_were_after_a_check_that_failed():
    with pytest.raises(PrimitiveError):
        check_primitive(Primitive("f", math.exp, lambda y, x: math.exp(x)))
    assert Value(2.0) > 1
    assert float(Value(2.0)) == 2.0
    assert bool(Value(0.0)) is False


def test_a_row_is_written_with_parentheses_where_nothing_else_holds_the_operand():
    add, mul, div, power = (TABLE[name] for name in ("add", "mul", "div", "power"))
    assert mul.written("a + b", "-c") == "(a + b) * (-c)"
    assert add.written("-a", "b") == "(-a) + b"
    assert TABLE["abs"].written("a + b") == "|a + b|"
    assert log.written("a + b") == "log(a + b)"
    assert div.typeset("a + b", "-c") == r"\frac{a + b}{-c}"
    assert power.typeset("a + b", "c + d") == r"\left(a + b\right)^{c + d}"
    assert TABLE["total"].written("a", "b + c", "d") == "total(a, b + c, d)"


def test_an_undefined_partial_reached_by_nobody_adds_nothing_to_a_gradient():
    x, y = Value(0.0), Value(2.0)
    z = x.sqrt() * (y - 2.0) + y
    (slope,) = gradient(z, [x])
    assert slope.data == 0.0
    assert repr(topological_order(z)[1].partials) == "(undefined,)"
