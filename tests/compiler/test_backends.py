"""Every backend gives what eager gives."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_es as me
from micrograd_es import Value, where
from micrograd_es.primitives import TABLE
from micrograd_es.testing import Program, judge, strategies
from micrograd_es.testing.laws.functions import calls_of
from micrograd_es.testing.strategies import COUNTED
from tests.support.amount import examples, some
from tests.support.every_backend import (
    BACKENDS,
    FAST,
    FUNCTIONS,
    NATIVE,
    OURS,
    compile,
    compile_lines,
    each_backend,
    run_on_columns,
)
from tests.support.rounding import farther_off


@given(strategies.programs(FUNCTIONS, most=12))
def test_python_equals_eager_to_the_bit(program):
    value, slopes = OURS.run(program)
    got, gradient = compile_lines(program, "python").value_and_grad()
    assert (got, gradient.tolist()) == (value, slopes)


@pytest.mark.parametrize("backend", NATIVE)
@examples(30)
@given(program=strategies.programs(FUNCTIONS, most=12))
def test_native_code_is_right_within_the_bound_that_the_oracle_proves(backend, program):
    _, slopes = run_on_columns(program, backend)
    assert judge(program, slopes).verdict != "fail"


@given(strategies.programs(FUNCTIONS, most=12))
def test_numpy_is_right_within_the_bound_that_the_oracle_proves(program):
    _, gradient = compile_lines(program, "numpy").value_and_grad()
    assert judge(program, gradient.tolist()).verdict != "fail"


@pytest.mark.parametrize("name", some(sorted(set(TABLE) - {"constant", "detach", *COUNTED})))
@pytest.mark.parametrize("backend", FAST)
@examples(4)
@given(data=st.data())
def test_every_row_compiles_and_agrees_with_eager(name, backend, data):
    program = data.draw(calls_of(name))
    value, slopes = OURS.run(program)
    leaves = [Value(x) for x in program.point]
    compiled = compile(
        lambda zero: program.run(OURS.functions, leaves) + zero,
        leaves,
        backend=backend,
        reduce="sum",
    )
    assert farther_off(compiled, [[0.0]]) == []
    got, gradient = compiled.value_and_grad([0.0])
    scale = max(map(abs, slopes), default=0.0)
    assert got == pytest.approx(value, rel=1e-12, abs=1e-14)
    assert gradient.tolist() == pytest.approx(slopes, rel=1e-12, abs=1e-13 * scale)


@pytest.mark.parametrize(
    "name", ["tanh", "sigmoid", "softplus", "erf", "gauss", "sech2", "logistic"]
)
@pytest.mark.parametrize("x", [-30.0, -20.0, 12.5, 26.0])
def test_slopes_stay_accurate_far_out(name, x):
    _, (slope,) = OURS.slopes(OURS.functions[name], [x])
    for backend in BACKENDS:
        _, (got,) = run_on_columns(Program((x,), ((name, 0),)), backend)
        assert got == pytest.approx(slope, rel=1e-13)


KINKS = ["relu", "abs", "hard_tanh", "leaky_relu", "elu", "sign", "step", "floor", "ceil"]


@each_backend
@pytest.mark.parametrize("name", [*KINKS, "maximum", "minimum", "exceeds", "hypot"])
@pytest.mark.parametrize("x", [0.0, 1.0, -1.0, 1e-300, -1e-300, 5e-324])
def test_at_a_kink_every_backend_takes_the_slope_of_eager(backend, name, x):
    others = {"leaky_relu": (0.1,), "elu": (1.5,), "maximum": (x,), "minimum": (x,)}
    point = (x, *others.get(name, (0.5,) * (TABLE[name].arity - 1)))
    program = Program(point, ((name, *range(len(point))),))
    value, slopes = OURS.run(program)
    got, gradient = run_on_columns(program, backend)
    assert got == pytest.approx(value, rel=1e-15)
    assert gradient == pytest.approx(slopes, rel=1e-15, abs=1e-300)


@each_backend
@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["relu", "tanh", "exp", "abs", "square", "sigmoid", "softplus"])
def test_nan_and_infinity_propagate_as_in_eager(backend, name, x):
    w = Value(1.0)
    program = compile(lambda x: w * TABLE[name](x), [w], backend=backend, on_nonfinite="return")
    value, gradient = program.value_and_grad([x])
    leaf = Value(1.0)
    output = leaf * TABLE[name](Value(x))
    output.backward()
    for got, expected in ((value, output.data), (gradient[0], leaf.grad)):
        assert got == expected or (got != got and expected != expected)


@each_backend
@pytest.mark.parametrize("name", ["relu", "step", "sign", "hard_tanh", "maximum", "leaky_relu"])
def test_the_slope_at_a_nan_is_nan_wherever_it_is_in_eager(backend, name):
    others = {"maximum": (1.0,), "leaky_relu": (0.1,)}.get(name, ())
    w, x = Value(math.nan), Value(math.nan)
    program = compile(
        lambda zero: TABLE[name](w, *others) + zero, [w], backend=backend, on_nonfinite="return"
    )
    output = TABLE[name](x, *others)
    output.backward()
    value, gradient = program.value_and_grad([0.0])
    assert math.isnan(value)
    assert math.isnan(gradient[0]) == math.isnan(x.grad)


@each_backend
def test_order_two_compiled_equals_order_two_eager(backend):
    w, v = Value(0.7), Value(-0.3)

    def slope_along(x):
        y = me.tanh(w * x) * v + w**3
        (by_w,) = me.gradient(y, [w])
        return by_w * by_w

    value, gradient = compile(slope_along, [w, v], backend=backend).value_and_grad([1.5])
    output = slope_along(Value(1.5))
    expected = [g.data for g in me.gradient(output, [w, v])]
    assert value == pytest.approx(output.data, rel=1e-14)
    assert gradient.tolist() == pytest.approx(expected, rel=1e-13)


@each_backend
@given(x=st.integers(-9, 9).map(lambda n: n / 2) | st.floats(-1e17, 1e17))
def test_round_goes_to_the_even_neighbour(backend, x):
    program = ROUNDING.setdefault(
        backend, compile(lambda x: me.round(x), backend=backend, reduce=None)
    )
    assert program([x, 0.49999999999999994]).tolist() == [me.round(x), 0.0]


ROUNDING = {}  # by backend: compiled once


@each_backend
def test_constants_may_be_infinite_or_nan(backend):
    program = compile(lambda x: me.minimum(x, math.inf), backend=backend)
    assert program([1.0, 2.0]) == 1.5
    program = compile(lambda x: where(x > 0, x, math.nan), backend=backend)
    assert program([1.0, 2.0]) == 1.5
