"""Primitives of one's own, under any name, compile by their value or by a form."""

import math

import pytest

import micrograd_es as me
from micrograd_es import Primitive, TraceError, Value
from micrograd_es.compiler.basic import BASIC
from micrograd_es.compiler.forms import FORMS, formula_of
from micrograd_es.primitives import TABLE
from tests.support.every_backend import compile, each_backend


def test_every_row_has_a_form_or_is_basic_or_is_written_as_a_formula():
    for name in set(TABLE) - {*FORMS, *BASIC, "constant", "identity"}:
        assert formula_of(TABLE[name], TABLE[name].arity or 3, {})


softsign = Primitive(
    "softsign", lambda x: x / (1 + math.fabs(x)), lambda y, x: 1 / me.square(1 + me.abs(x))
)

log_cosh = Primitive("log_cosh", lambda x: me.log(me.cosh(x)), lambda y, x: me.tanh(x))


def test_a_row_of_one_s_own_compiles_by_its_formula_or_by_the_form_given():
    w = Value(0.5)
    expected = me.log(me.cosh(Value(1.0))).data
    program = compile(lambda x: log_cosh(w * x), [w])
    value, gradient = program.value_and_grad([2.0])
    assert value == pytest.approx(expected)
    assert gradient[0] == pytest.approx(2 * math.tanh(1.0))
    with pytest.raises(TraceError, match=r"forms=\{softsign"):
        compile(lambda x: softsign(w * x), [w])([2.0])
    formula = {softsign: lambda x: x / (1 + me.abs(x))}
    assert compile(lambda x: softsign(w * x), [w], forms=formula)([2.0]) == 0.5
    assert compile(lambda x: softsign(w * x), [w], backend="python")([2.0]) == 0.5


@each_backend
def test_inputs_and_primitives_may_have_any_name(backend):
    a = Value(2.0)
    program = compile(lambda v0, v1: me.exp(v1) * a + v0, [a], backend=backend)
    assert program([5.0], [1.0]) == pytest.approx(5 + 2 * math.e, rel=1e-14)
    assert compile(lambda exp: me.exp(exp), backend=backend)([0.0]) == 1.0
    for name in ("exp", "identity", "detach", "constant", "input", "lambda", "v0", "p", "float"):
        twice = Primitive(name, lambda x: 2 * x, 2)
        program = compile(lambda x: twice(x) + me.exp(x), backend=backend)  # noqa: B023  # it is called at once
        assert program([1.0]) == pytest.approx(2 + math.e, rel=1e-14)


@each_backend
def test_a_user_s_primitive_may_need_arguments_beyond_one(backend):
    acosh2 = Primitive(
        "acosh2", lambda x: me.log(x + me.sqrt(x * x - 1)), lambda y, x: 1 / me.sqrt(x * x - 1)
    )
    assert compile(lambda x: acosh2(x), backend=backend)([2.0]) == pytest.approx(math.acosh(2))
