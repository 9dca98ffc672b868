"""A row of one's own: law-tested with one call, and refused with a reason if it is none."""

import inspect
import math
import operator
import pydoc
import re
import threading
import time

import numpy as np
import pytest

import micrograd_es
from micrograd_es import (
    DomainError,
    GradientMismatch,
    MicrogradError,
    Primitive,
    PrimitiveError,
    Value,
    acos,
    acosh,
    atan2,
    check_primitive,
    cos,
    derivative,
    detach,
    dot,
    elu,
    floordiv,
    grad,
    gradient,
    hessian,
    hypot,
    leaky_relu,
    log,
    mod,
    norm,
    softmax,
    sqrt,
    topological_order,
    total,
    where,
    xlogy,
)
from micrograd_es.check.row import PrimitiveCheck
from micrograd_es.primitives import TABLE
from tests.support.amount import some

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
    assert squareplus.as_text("x + 1") == "squareplus(x + 1)"
    assert squareplus.as_latex("x") == r"\operatorname{squareplus}(x)"
    assert "primitive='squareplus'" in repr(y)
    assert check_primitive(squareplus) == PrimitiveCheck(points=40, inconclusive=0)
    assert check_primitive(geometric).points == 40
    assert geometric([Value(2.0), 8.0]).data == pytest.approx(4.0)


@pytest.mark.parametrize(
    "name", some(["div", "power", "tanh", "maximum", "hard_tanh", "dot", "norm"])
)
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
    assert mul.as_text("a + b", "-c") == "(a + b) * (-c)"
    assert add.as_text("-a", "b") == "(-a) + b"
    assert TABLE["abs"].as_text("a + b") == "|a + b|"
    assert log.as_text("a + b") == "log(a + b)"
    assert div.as_latex("a + b", "-c") == r"\frac{a + b}{-c}"
    assert power.as_latex("a + b", "c + d") == r"\left(a + b\right)^{c + d}"
    assert TABLE["total"].as_text("a", "b + c", "d") == "total(a, b + c, d)"


def test_an_undefined_partial_reached_by_nobody_adds_nothing_to_a_gradient():
    x, y = Value(0.0), Value(2.0)
    z = x.sqrt() * (y - 2.0) + y
    (slope,) = gradient(z, [x])
    assert slope.data == 0.0
    assert repr(topological_order(z)[1].partials) == "(undefined,)"


def test_a_row_of_one_s_own_gives_floats_or_an_error():
    root = Primitive("root", lambda x: x**0.5, lambda y, x: 0.5 / y)
    for made in (lambda: root(Value(-4.0)), lambda: root(-4.0)):
        with pytest.raises(DomainError, match=r"root\(-4.0\) is undefined"):
            made()
    for value in (np.sin, lambda x: int(x), lambda x: x > 0):
        row = Primitive("row", value, lambda y, x: 1)
        assert type(row(Value(2.5)).data) is float
        assert type(row(2.5)) is float


def test_rules_may_be_methods_and_stand_in_a_list():
    class Squares:
        def value(self, a, b):
            return a * a + b

        def by_a(self, y, a, b):
            return 2 * a

    mine = Primitive("mine", Squares().value, [Squares().by_a, 1])
    assert mine(Value(3.0), 1.0).partials == (6.0, 0.0)
    assert mine(Value(3.0), Value(1.0)).partials == (6.0, 1.0)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: Primitive("f", math.sin, None), PrimitiveError, "a partial of f is None"),
        (lambda: Primitive("f", math.sin, cos), PrimitiveError, "give a function, `lambda y"),
        (lambda: Primitive("f", sum, lambda y, *xs: 1)(Value(1.0)), TypeError, None),
        (
            lambda: Primitive("f", lambda *xs: sum(xs), lambda y, *xs: 1)(Value(1.0)),
            PrimitiveError,
            "no list of partials for 1",
        ),
        (lambda: check_primitive(math.sin), TypeError, "is no Primitive"),
        (lambda: check_primitive(squareplus, points=[]), PrimitiveError, "at no points"),
        (
            lambda: check_primitive(Primitive("f", round, lambda y, x: round(x) * 0)),
            PrimitiveError,
            "branches on a number",
        ),
        (lambda: log(8.0, 2.0), TypeError, "log takes 1 arguments, and was given 8.0"),
        (lambda: hypot(1.0, 2.0, 3.0), TypeError, "hypot takes 2 arguments"),
        (lambda: log(x=2.0), TypeError, "log takes 1 arguments, and was given x"),
        (lambda: Value(1.0, name=3), TypeError, "the name 3 .int. is no text"),
        (lambda: topological_order(3.0), TypeError, "has no graph"),
    ],
)
def test_wrong_use_of_rows_is_an_error_with_its_way_out(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_arguments_may_be_named_where_they_have_names():
    assert leaky_relu(-2.0, slope=0.5) == -1.0
    assert elu(Value(-1.0), alpha=2.0).data == 2 * math.expm1(-1.0)
    assert dot([1.0], [2.0], bias=Value(3.0)).data == 5.0


def test_checks_in_several_threads_leave_values_as_they_were():
    def slow(y, x):
        time.sleep(1e-4)
        return cos(x)

    row = Primitive("slow", math.sin, slow)
    threads = [threading.Thread(target=check_primitive, args=(row, [[0.5]])) for _ in range(3)]
    for thread in threads:
        thread.start()
    compared = 0
    while any(thread.is_alive() for thread in threads):
        compared += Value(1.0) < Value(2.0)
    assert compared > 0
    assert Value(1.0) < Value(2.0)


def test_a_constant_is_a_node_like_any_other_to_those_who_hold_it():
    x, c = Value(1.0), where(True, 2.0, 3.0)
    for many in ([c, x], [c, x, x]):
        total(many).backward()
        assert c.grad == 1.0
        assert gradient(total(many), [c])[0].data == 1.0


def test_help_says_what_a_row_is():
    assert inspect.getdoc(log) == (
        "log(x): a float of numbers; a Value if one of them is.\n"
        "Defined for: x > 0\nElsewhere: where(x > 0, lambda: log(x), 0)"
    )
    assert "Kinks: 0 (mean)" in pydoc.render_doc(TABLE["maximum"])
    assert "total(values)" in pydoc.render_doc(total)
    assert "One row" not in pydoc.render_doc(log)


SIGNED = [(7.5, 2.0), (-7.5, 2.0), (7.5, -2.0), (-0.3, 1.0), (1.0, 0.1), (0.0, -3.0), (-6.5, 0.25)]


@pytest.mark.parametrize(("a", "b"), SIGNED)
def test_remainder_and_whole_quotient_are_those_of_python_with_their_slopes(a, b):
    for made in (Value(a) % Value(b), Value(a) % b, a % Value(b)):
        assert made.data == a % b
    for made in (Value(a) // Value(b), Value(a) // b, a // Value(b)):
        assert made.data == a // b
    assert (Value(a) % Value(b)).partials == (1.0, -(a // b))
    assert (Value(a) // Value(b)).partials == (0.0, 0.0)
    assert mod(a, b) == a % b
    assert floordiv(a, b) == a // b


@pytest.mark.parametrize("operate", [operator.mod, operator.floordiv])
@pytest.mark.parametrize("left", [Value(1.0), 1.0])
def test_a_remainder_by_zero_is_an_error_with_its_way_out(operate, left):
    with pytest.raises(DomainError, match=r"did you mean where\(b != 0"):
        operate(left, Value(0.0))
    with pytest.raises(TypeError):
        operate(Value(1.0), "2")


OPERATORS = {"add", "sub", "mul", "div", "neg", "identity", "constant"}
HIDDEN = {row.name for row in TABLE.values()} - set(micrograd_es.__all__) - OPERATORS
HIDDEN -= {"abs", "round"}


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_a_row_that_users_do_not_write_is_called_in_errors_by_one_that_they_write(name):
    row = TABLE[name]
    kind, _, public = row.title.rpartition(" of ")
    assert kind in ("slope", "derivative") or public == "softmax"
    assert public in micrograd_es.__all__
    assert row.as_text(*"ab"[: row.arity or 2]).startswith(row.title)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: hessian(norm)([0.0, 0.0]),
        lambda: hessian(norm)([0.0, 0.0, 0.0]),
        lambda: hessian(lambda v: hypot(v[0], v[1]))([0.0, 0.0]),
        lambda: hessian(lambda v: atan2(v[0], v[1]))([0.0, 0.0]),
        lambda: hessian(lambda v: atan2(v[0], v[1]))([1e-300, 1e-300]),
        lambda: derivative(lambda x: x**1.5, 2)(0.0),
        lambda: derivative(lambda x: x**2.5, 9)(0.0),
        lambda: derivative(acos, 3)(1.0),
        lambda: derivative(acosh, 3)(1.0),
        lambda: hessian(lambda v: xlogy(v[0], v[1]))([0.0, 0.0]),
        lambda: grad(lambda v: log(softmax(v)[0]))([0.0, 800.0]),
        lambda: grad(lambda v: sqrt(softmax(v)[0] - 0.5))([0.0, 0.0]),
    ],
)
def test_no_error_names_a_row_that_users_did_not_write(wrong):
    with pytest.raises((DomainError, OverflowError)) as caught:
        wrong()
    assert not {word for word in HIDDEN if re.search(rf"\b{word}\b", str(caught.value))}
