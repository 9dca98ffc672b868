"""Compiled programs give what eager gives, in every backend, or an error that says why."""

import ctypes
import math
import pickle
import random
import shutil
import subprocess
import threading
import time
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_es as me
from micrograd_es import DomainError, NonFiniteError, Primitive, TraceError, Value, nn, where
from micrograd_es.compiler import trace
from micrograd_es.compiler.backends import numpy as numpy_backend
from micrograd_es.compiler.code import INPUT, Code
from micrograd_es.compiler.forms import BASIC, FORMS, formula_of
from micrograd_es.compiler.llvm import backend as llvm_backend
from micrograd_es.compiler.llvm.machine import Machine
from micrograd_es.primitives import TABLE
from micrograd_es.testing import Program, engine_named, judge, strategies
from micrograd_es.testing.laws.functions import calls_of
from micrograd_es.testing.oracles import judgement as oracles
from micrograd_es.testing.programs import grown
from micrograd_es.testing.strategies import COUNTED
from tests.support.rounding import bounds, farther_off

OURS = engine_named("micrograd_es")
FUNCTIONS = sorted(oracles.TEXTBOOK)
NATIVE = ["llvm", "interpreted"]  # compiled itself, and by the interpreter of long programs
FAST = ["numpy", *NATIVE]
BACKENDS = ["python", *FAST]
W = Value(2.0, name="w")
each_backend = pytest.mark.parametrize("backend", BACKENDS)


def compile(f, parameters=(), *, backend="auto", **options):
    """Return a program; the backend may also be "interpreted", as if it were long."""
    if backend != "interpreted":
        return me.compile(f, parameters, backend=backend, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(llvm_backend, "LONGEST", -1)
        patch.setattr(llvm_backend, "LONGEST_ONCE", -1)
        program = me.compile(f, parameters, backend="llvm", **options)
        assert "interpreter" in str(program.plan())
        assert "interpreter" in str(program.without)
    return program


def of(program, backend, **options):
    """Return a program of lines compiled, its inputs being parameters."""
    leaves = [Value(x) for x in program.point]
    return compile(lambda: program.run(OURS.functions, leaves), leaves, backend=backend, **options)


def of_columns(program, backend):
    """Return the value and slopes of a program that also has an input, of 0, for eleven samples."""
    leaves = [Value(x) for x in program.point]
    compiled = compile(
        lambda zero: program.run(OURS.functions, leaves) + zero, leaves, backend=backend
    )
    value, gradient = compiled.value_and_grad([0.0] * 11)
    return value, gradient.tolist()


# ---- every backend equals eager ------------------------------------------------------------------


@given(strategies.programs(FUNCTIONS, most=12))
def test_python_equals_eager_to_the_bit(program):
    value, slopes = OURS.run(program)
    got, gradient = of(program, "python").value_and_grad()
    assert (got, gradient.tolist()) == (value, slopes)


@pytest.mark.parametrize("backend", NATIVE)
@settings(max_examples=30)
@given(program=strategies.programs(FUNCTIONS, most=12))
def test_native_code_is_right_within_the_bound_that_the_oracle_proves(backend, program):
    _, slopes = of_columns(program, backend)
    assert judge(program, slopes).verdict != "fail"


@given(strategies.programs(FUNCTIONS, most=12))
def test_numpy_is_right_within_the_bound_that_the_oracle_proves(program):
    _, gradient = of(program, "numpy").value_and_grad()
    assert judge(program, gradient.tolist()).verdict != "fail"


def test_every_row_has_a_form_or_is_basic_or_is_written_as_a_formula():
    for name in set(TABLE) - {*FORMS, *BASIC, "constant", "identity"}:
        assert formula_of(TABLE[name], TABLE[name].arity or 3, {})


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"constant", "detach", *COUNTED}))
@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=4)
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
        _, (got,) = of_columns(Program((x,), ((name, 0),)), backend)
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
    got, gradient = of_columns(program, backend)
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


# ---- batches -------------------------------------------------------------------------------------


@each_backend
@settings(max_examples=25)
@given(network=strategies.networks(inputs=2), size=st.sampled_from([1, 2, 7, 101]))
def test_a_batch_is_the_mean_of_its_samples(backend, network, size):
    parameters = network.parameters()
    rng = random.Random(size)
    x0, x1, y = ([rng.uniform(-2, 2) for _ in range(size)] for _ in range(3))

    def loss(a, b, y):
        return (network([a, b]) - y) ** 2

    summed = compile(loss, parameters, backend=backend, reduce="sum")
    assert farther_off(summed, [x0, x1, y]) == []
    value, gradient = compile(loss, parameters, backend=backend).value_and_grad(x0, x1, y)
    network.zero_grad()
    total = me.total([loss(Value(a), Value(b), c) for a, b, c in zip(x0, x1, y, strict=True)])
    (total / size).backward()
    scale = max(abs(p.grad) for p in parameters)
    assert value == pytest.approx(total.data / size, rel=1e-12)
    assert gradient.tolist() == pytest.approx(
        [p.grad for p in parameters], rel=1e-11, abs=1e-13 * scale
    )

    apart = compile(loss, parameters, backend=backend, reduce=None)
    values, gradients = apart.value_and_grad(x0, x1, y)
    assert values.shape == (size,)
    assert gradients.shape == (size, len(parameters))
    assert gradients.mean(axis=0).tolist() == pytest.approx(
        gradient.tolist(), rel=1e-11, abs=1e-13 * scale
    )
    assert summed(x0, x1, y) == pytest.approx(value * size, rel=1e-12)


def moons_like(size, activation="relu"):
    network = nn.MLP(2, [16, 16, 1], activation=activation, rng=random.Random(0))
    rng = np.random.default_rng(size)
    columns = [*rng.normal(size=(2, size)), np.sign(rng.normal(size=size))]
    return network, columns, lambda a, b, y: me.relu(1 - y * network([a, b]))


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_large_batch_goes_in_blocks_and_gives_the_mean_of_its_parts(activation, backend):
    network, columns, loss = moons_like(4000, activation)
    program = compile(loss, network.parameters(), backend=backend)
    value, gradient = program.value_and_grad(*columns)
    parts = [
        program.value_and_grad(*(c[i : i + 1000] for c in columns)) for i in range(0, 4000, 1000)
    ]
    assert value == pytest.approx(np.mean([v for v, _ in parts]), rel=1e-13)
    np.testing.assert_allclose(
        gradient, np.mean([g for _, g in parts], axis=0), rtol=1e-10, atol=1e-13
    )


def test_the_bound_is_small_and_an_error_beyond_it_is_noticed(monkeypatch):
    network, columns, loss = moons_like(9, "tanh")
    columns = [column.tolist() for column in columns]
    program = compile(loss, network.parameters(), backend="numpy", reduce="sum")
    numbers = [p.data for p in network.parameters()]
    for value, bound in bounds(program, [*zip(*columns, strict=True)], numbers):
        assert bound < 1e-11 * max(1.0, abs(value))
    monkeypatch.setitem(
        numpy_backend.FUNCTIONS, "tanh", lambda x, out: np.tanh(x * (1 + 1e-11), out=out)
    )
    assert len(farther_off(program, columns)) > 100


def test_the_matrices_are_rediscovered_from_the_scalars():
    network, _, loss = moons_like(10)
    told = str(compile(loss, network.parameters(), backend="numpy").plan())
    assert told.splitlines()[0] == "18 array operations, 4 gradient blocks, 1368 bytes a sample"
    assert "(16 × 16) · (16 × samples)" in told


@each_backend
def test_a_loss_over_a_whole_batch_is_one_program_without_inputs(backend):
    network, columns, loss = moons_like(20)
    parameters = network.parameters()
    samples = [tuple(map(float, sample)) for sample in zip(*columns, strict=True)]

    def whole():
        penalty = me.total([p * p for p in parameters])
        return me.mean([loss(*sample) for sample in samples]) + 1e-4 * penalty

    value, gradient = compile(whole, parameters, backend=backend).value_and_grad()
    output = whole()
    network.zero_grad()
    output.backward()
    assert value == pytest.approx(output.data, rel=1e-14)
    np.testing.assert_allclose(gradient, [p.grad for p in parameters], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("backend", FAST)
@given(program=strategies.programs(["add", "sub", "mul", "neg", "tanh", "relu"], 6, 16))
def test_columns_and_parameters_mix_in_any_way(backend, program):
    leaves = [Value(x) for x in program.point[3:]]

    def f(a, b, c):
        return program.run(OURS.functions, (a, b, c, *leaves))

    columns = [[x] * 5 for x in program.point[:3]]
    assert farther_off(compile(f, leaves, backend=backend, reduce="sum"), columns) == []


@each_backend
def test_sums_that_repeat_a_weight_or_an_input_are_matrices_too(backend):
    u, v, w = Value(2.0), Value(3.0), Value(5.0)

    def tied(a, b, c):
        return w * a + w * b + w * c

    def again(a):
        return me.tanh(u * a + v * a + w * a) + me.tanh(w * a + u * a + v * a)

    assert compile(tied, [w], backend=backend).value_and_grad([1.0], [2.0], [4.0]) == (35.0, [7.0])
    value, gradient = compile(again, [u, v, w], backend=backend).value_and_grad([0.1, 0.1])
    assert value == pytest.approx(2 * math.tanh(1.0), rel=1e-14)
    assert gradient.tolist() == pytest.approx([0.2 / math.cosh(1.0) ** 2] * 3, rel=1e-13)


def test_one_node_may_be_the_slope_of_two_parameters_and_some_may_have_none():
    a, b, c = Value(2.0), Value(3.0), Value(4.0)
    for backend in BACKENDS:
        program = compile(lambda x: (a + b) * x, [a, b, c], backend=backend)
        value, gradient = program.value_and_grad([1.0, 3.0])
        assert (value, gradient.tolist()) == (10.0, [2.0, 2.0, 0.0])


@each_backend
def test_sums_of_sums_are_one_sum(backend):
    u, v, w = Value(2.0), Value(3.0), Value(5.0)

    def f(a, b):
        return ((u * a + v * b) + (w * a + u * b)) + (0 - (v + w))

    value, gradient = compile(f, [u, v, w], backend=backend).value_and_grad([1.0], [2.0])
    assert (value, gradient.tolist()) == (2 + 6 + 5 + 4 - 8, [3.0, 1.0, 0.0])


@each_backend
def test_a_parameter_used_twice_gets_both_shares(backend):
    w = Value(3.0)
    program = compile(lambda x: w * x + w * w * x, [w], backend=backend)
    assert program.value_and_grad([2.0])[1].tolist() == [2 + 2 * 3 * 2]


@each_backend
def test_programs_of_constants_and_of_unused_inputs(backend):
    assert compile(lambda x: 7.0, backend=backend)([1.0, 2.0]) == 7.0
    w = Value(2.0)
    assert compile(lambda x, y: w * 3, [w], backend=backend).value_and_grad([1.0], [2.0]) == (
        6.0,
        [3.0],
    )
    assert compile(lambda: w * 3, [w], backend=backend, reduce=None)().tolist() == [6.0]


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


# ---- what is accepted, and what is not -----------------------------------------------------------


@pytest.fixture
def line():
    w, b = Value(2.0, name="w"), Value(1.0, name="b")
    return compile(lambda x, y: (w * x + b - y) ** 2, [w, b])


def test_columns_may_be_lists_or_arrays_of_any_real_kind(line):
    expected = line([1.0, 2.0], [0.0, 1.0])
    base = np.arange(4.0)
    frozen = np.array([1.0, 2.0])
    frozen.flags.writeable = False
    for x in (
        [1, 2],
        np.array([1, 2], dtype=np.float32),
        base[1:3],
        np.array([1.0, 9, 2])[::2],
        frozen,
    ):
        assert line(x, [False, True]) == expected
        assert line(np.stack([x, [0, 1]], axis=1)) == expected  # an array of columns


@pytest.mark.parametrize(
    ("columns", "error", "says"),
    [
        (([1.0],), TypeError, r"takes 2 inputs \(x, y\), and was given 1"),
        (([1.0], [1.0, 2.0]), ValueError, r"different lengths: \{'x': 1, 'y': 2\}"),
        (([], []), ValueError, "no samples: give at least one"),
        ((1.0, 2.0), ValueError, r"input x has shape \(\)"),
        (([[[1.0]]], [1.0]), ValueError, r"input x has shape \(1, 1, 1\)"),
        (([[1.0, 2.0]], [1.0]), TypeError, r"takes 2 inputs \(x, y\), and was given 3"),
        (([1.0], [1.0], "1"), TypeError, "input too many is '1'"),
        ((["1"], [1.0]), TypeError, "input x is .* a column of real numbers"),
        (([1j], [1.0]), TypeError, "a column of real numbers"),
    ],
)
def test_columns_that_are_none_are_refused_by_name(line, columns, error, says):
    with pytest.raises(error, match=says):
        line.value_and_grad(*columns)


def test_numbers_of_parameters_are_read_at_each_call_or_given_flat_or_written_back(line):
    w, b = line.parameters
    first = line([1.0], [0.0])
    w.data = 5.0
    assert line([1.0], [0.0]) == 36.0 != first
    assert line([1.0], [0.0], parameters=[2.0, 1.0]) == first
    line.write_back(np.array([3.0, 4.0]))
    assert (w.data, b.data) == (3.0, 4.0)
    with pytest.raises(ValueError, match=r"parameters of shape \(3,\): expected \(2,\)"):
        line([1.0], [0.0], parameters=[1.0, 2.0, 3.0])


def test_options_that_are_none_are_refused():
    with pytest.raises(ValueError, match="backend 'fast': expected one of"):
        compile(lambda: 1.0, backend="fast")
    with pytest.raises(ValueError, match="reduce 'max': expected one of"):
        compile(lambda: 1.0, reduce="max")
    with pytest.raises(TypeError, match="takes any number of inputs: say how many"):
        compile(lambda *xs: xs[0])
    assert compile(lambda *xs: me.total(xs), inputs=3)([1.0], [2.0], [3.0]) == 6.0
    with pytest.raises(ValueError, match="is computed from others: give leaves"):
        compile(lambda: 1.0, [Value(1.0) + 1])
    with pytest.raises(ValueError, match="a parameter is listed twice"):
        compile(lambda: 1.0, [W, W])
    with pytest.raises(TypeError, match="give Values, as net"):
        compile(lambda: 1.0, [1.0])


DICE = random.Random(0)
SQUARED = W * W
CAPTURED = Value(3.0, name="captured")


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: x if x > 0 else -x, r"a branch on a comparison at .*test_compiler\.py:\d+"),
        (lambda x: W * x if W > 0 else x, "a branch on a comparison"),
        (lambda x: max(x, W), "maximum"),
        (lambda x: 1.0 if x == 0 else x, "where"),
        (lambda x: math.sin(x), "functions of micrograd_es in place of"),
        (lambda x: x * int(W), r"int\(\) of a Value"),
        (lambda x: x * 2 if W else x, r"bool\(\) of a Value"),
        (lambda x: round(x, 2) * W, r"round\(\) of a Value"),
        (
            lambda x: x * CAPTURED,
            r"name='captured'.* is neither an input nor listed",
        ),
        (lambda x: x * W.data, r"\.data of a Value at .*test_compiler\.py:\d+"),
        (lambda x: x if x.data > 0 else -x, r"\.data of a Value"),
        (lambda x: W * x if CAPTURED > 0 else x, "name='captured'.* is neither an input nor"),
        (lambda x: W * x * float(CAPTURED), "name='captured'.* is neither an input nor"),
        (lambda x: x * W if W.grad > 0.0 else x, r"reads \.grad of a Value"),
        (lambda x: x * W.grad, r"reads \.grad of a Value"),
        (lambda x: where((x > 0) & 1, x, 1), "& of a comparison and something else"),
        (lambda x: SQUARED * x, "computed from a parameter before"),
        (lambda x: x * DICE.random(), "or is random"),
    ],
)
def test_what_would_be_frozen_is_an_error_and_the_parameters_keep_their_numbers(f, says):
    with pytest.raises(TraceError, match=says):
        compile(f, [W])
    assert W.data == 2.0
    assert W > 1  # comparisons are numbers' again
    assert float(W) == 2.0


@pytest.mark.parametrize("f", [lambda x: x > 0, lambda x: (x > 0) * x, lambda x: x + (x <= W)])
def test_a_condition_is_no_number(f):
    with pytest.raises(TypeError, match=r"it is a condition; where\(condition, a, b\) chooses"):
        compile(f, [W])


def test_a_rule_that_branches_is_named():
    kinked = Primitive("kinked", lambda x: abs(x), lambda y, x: 1 if x > 0 else -1)
    with pytest.raises(TraceError, match=r"a branch on a comparison at .*test_compiler\.py:\d+"):
        compile(lambda x: kinked(W * x), [W])


def test_a_value_that_the_function_makes_itself_is_a_constant():
    def f(x):
        return W * x * Value(3.0) * me.grad(lambda b: b**3)(2.0)

    for backend in BACKENDS:
        assert compile(f, [W], backend=backend)([1.0]) == 2 * 3 * 12
    with pytest.raises(TraceError, match=r"\.data of a Value"):
        compile(lambda x: x * Value(W.data), [W])
    constant = Value(3.0)
    assert compile(lambda x: W * x * constant.data, [W])([1.0]) == 6.0  # said so
    assert compile(lambda x: W * x if x != None else 0.0, [W])([1.0]) == 2.0  # noqa: E711  # that is the point
    assert compile(lambda x: W * x * len(f"{x}{x!r}") / 18, [W])([1.0]) == 2.0


@each_backend
def test_constants_may_be_infinite_or_nan(backend):
    program = compile(lambda x: me.minimum(x, math.inf), backend=backend)
    assert program([1.0, 2.0]) == 1.5
    program = compile(lambda x: where(x > 0, x, math.nan), backend=backend)
    assert program([1.0, 2.0]) == 1.5


@each_backend
def test_a_function_that_is_singular_at_the_numbers_of_the_trace_is_traced_with_others(backend):
    w = Value(2.0)
    program = compile(lambda x: w * me.sqrt(me.relu(x - 1) * w), [w], backend=backend)
    value, gradient = program.value_and_grad([4.0])
    assert value == pytest.approx(2 * math.sqrt(6), rel=1e-14)
    assert gradient[0] == pytest.approx(1.5 * math.sqrt(6), rel=1e-14)


@each_backend
@given(x=st.integers(-9, 9).map(lambda n: n / 2) | st.floats(-1e17, 1e17))
def test_round_goes_to_the_even_neighbour(backend, x):
    program = ROUNDING.setdefault(
        backend, compile(lambda x: me.round(x), backend=backend, reduce=None)
    )
    assert program([x, 0.49999999999999994]).tolist() == [me.round(x), 0.0]


ROUNDING = {}  # by backend: compiled once


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


@each_backend
def test_a_sum_too_large_for_a_float_is_an_error(backend):
    program = compile(lambda x: x * 1.0, backend=backend)
    with pytest.raises(NonFiniteError, match="the sum over 2 samples is too large"):
        program([1.7e308] * 2)


def test_threads_that_compile_and_replay_leave_the_parameters_as_they_were():
    w = Value(-3.0)

    def slow(x):
        time.sleep(0.002)
        return where(x > 0, lambda: w * me.log(x), lambda: w * x)

    found = []

    def work(number):
        program = compile(slow, [w], backend="numpy")
        for _ in range(4):
            found.append(program.value_and_grad([-1.0] * 3, parameters=[number])[0] == -number)
            found.append(program([-1.0]) == 3.0)

    workers = [threading.Thread(target=work, args=(float(n),)) for n in range(1, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(found)
    assert w.data == -3.0


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
def test_many_outputs_and_many_conditions_compile_in_linear_time(backend):
    ws = [Value(0.01 * i) for i in range(1000)]
    program = compile(
        lambda *xs: me.dot(ws, list(xs)), ws, backend=backend, inputs=1000, reduce="sum"
    )
    X = np.random.default_rng(0).normal(size=(3, 1000))
    value, gradient = program.value_and_grad(X)
    assert value == pytest.approx(float((X @ [w.data for w in ws]).sum()), rel=1e-12)
    np.testing.assert_allclose(gradient, X.sum(axis=0), rtol=1e-13, atol=1e-14)

    def chain(x):
        for _ in range(1500):
            x = where(x > 0, x - 0.001, x)
        return x

    assert compile(chain, backend=backend)([1.0, 2.0]) == pytest.approx(0.1, abs=0.5)


@each_backend
def test_one_sample_of_many_that_is_not_finite_is_mended_in_its_block(backend):
    w = Value(1.0)
    program = compile(
        lambda x: where(x > 0, lambda: w * me.log(x), lambda: w * x), [w], backend=backend
    )
    xs = np.ones(5000)
    xs[[0, 4096, 4999]] = -1.0
    value, gradient = program.value_and_grad(xs)
    assert value == gradient[0] == -3 / 5000
    xs[[0, 4096]] = 1.0
    with pytest.raises(me.DomainError, match=r"sample 4999 \(-1\.0,\): log"):
        compile(lambda x: w * me.log(x), [w], backend=backend)(xs)


def test_comparisons_of_constants_are_numbers_in_a_trace_too():
    limit = 3
    program = compile(lambda x: (x if Value(2.0).data < limit else -x) * (2 if limit > 2 else 1))
    assert program([1.0]) == 2.0


def test_a_domain_that_no_first_guess_meets_is_traced_all_the_same():
    for backend in BACKENDS:
        assert compile(lambda x: me.log(x - 5), backend=backend)([6.0]) == 0.0


@each_backend
@pytest.mark.parametrize("compare", ["<", "<=", ">", ">=", "==", "!="])
def test_where_chooses_for_each_sample(backend, compare):
    w = Value(3.0)

    def f(x):
        conditions = {
            "<": x < 1,
            "<=": x <= 1,
            ">": x > 1,
            ">=": x >= 1,
            "==": x == 1,
            "!=": x != 1,
        }
        return where(conditions[compare], lambda: w * x, lambda: -x)

    warns = pytest.warns(me.errors.TraceWarning) if compare in ("==", "!=") else nullcontext()
    with warns:
        program = compile(f, [w], backend=backend, reduce=None)
    values, slopes = program.value_and_grad([0.5, 1.0, 2.0])
    for x, value, slope in zip([0.5, 1.0, 2.0], values, slopes, strict=True):
        chosen = eval(f"{x} {compare} 1")
        assert (value, slope[0]) == ((3 * x, x) if chosen else (-x, 0.0))


@each_backend
def test_an_untaken_branch_contributes_nothing_even_where_it_is_undefined(backend):
    w = Value(2.0)

    def f(x):
        return where(x > 0, lambda: w * me.sqrt(x) * me.log(x), lambda: w * x)

    value, gradient = compile(f, [w], backend=backend).value_and_grad([-1.0, 0.0, 1.0, -4.0])
    assert (value, gradient.tolist()) == (-10 / 4, [-5 / 4])


@each_backend
def test_a_sample_that_gives_no_number_is_named(backend):
    w = Value(2.0)
    program = compile(lambda x: w * me.log(x), [w], backend=backend)
    with pytest.raises(DomainError, match=r"sample 1 \(-3\.0,\): log\(-3\.0\) is undefined"):
        program.value_and_grad([1.0, -3.0, 2.0])
    with pytest.raises(NonFiniteError, match=r"sample 0 \(nan,\): the value of nan"):
        program.value_and_grad([math.nan, 1.0])
    with pytest.raises(OverflowError, match=r"sample 2 .* too large"):
        compile(lambda x: me.exp(x), backend=backend)([1.0, 2.0, 1000.0])
    kept = compile(lambda x: w * me.log(x), [w], backend=backend, on_nonfinite="return")
    assert math.isnan(kept([1.0, -3.0]))
    assert w.data == 2.0


# ---- primitives of one's own ---------------------------------------------------------------------

softsign = Primitive(
    "softsign", lambda x: x / (1 + math.fabs(x)), lambda y, x: 1 / me.square(1 + me.abs(x))
)
written = Primitive("log_cosh", lambda x: me.log(me.cosh(x)), lambda y, x: me.tanh(x))


def test_a_row_of_one_s_own_compiles_by_its_formula_or_by_the_form_given():
    w = Value(0.5)
    expected = me.log(me.cosh(Value(1.0))).data
    program = compile(lambda x: written(w * x), [w])
    value, gradient = program.value_and_grad([2.0])
    assert value == pytest.approx(expected)
    assert gradient[0] == pytest.approx(2 * math.tanh(1.0))
    with pytest.raises(TraceError, match=r"forms=\{softsign"):
        compile(lambda x: softsign(w * x), [w])([2.0])
    formula = {softsign: lambda x: x / (1 + me.abs(x))}
    assert compile(lambda x: softsign(w * x), [w], forms=formula)([2.0]) == 0.5
    assert compile(lambda x: softsign(w * x), [w], backend="python")([2.0]) == 0.5


# ---- programs as text ----------------------------------------------------------------------------


def test_a_program_is_printed_as_python_that_gives_what_it_gives():
    a, b = Value(2.0), Value(3.0)
    program = compile(lambda x: me.tanh(a * x + b) - 1 * (a * x + b), [a, b], backend="python")
    printed = str(program)
    assert printed.splitlines()[0] == "# 12 operations as traced, 8 as compiled"
    assert printed.splitlines()[1] == "def value_and_grad(x, p):"
    assert printed.count("tanh(") == 1
    names: dict = {"tanh": math.tanh, "sech2": TABLE["sech2"]}
    exec(printed, names)
    value, slopes = names["value_and_grad"](0.5, [2.0, 3.0])
    assert (value, slopes) == (program([0.5]), program.value_and_grad([0.5])[1].tolist())


def test_nothing_is_simplified_that_changes_a_nan():
    w = Value(1.0)
    program = compile(lambda x: 0 * x + w, [w], on_nonfinite="return")
    assert math.isnan(program([math.inf]))
    short = compile(lambda x: --(x * 1) / 1 + 0 - 0, [w])  # noqa: B002  # twice negated
    assert short.linear.after == 0


@settings(max_examples=30)
@given(strategies.programs(FUNCTIONS))
def test_numpy_and_jax_texts_give_what_the_program_gives(program):
    compiled = of(program, "numpy")
    value, slopes = compiled.value_and_grad()
    names: dict = {}
    exec(compiled.source("numpy"), names)
    got, found = names["value_and_grad"]([*program.point])
    assert float(got) == pytest.approx(value, rel=1e-12, abs=1e-13)
    scale = max(map(abs, slopes))
    assert [*map(float, found)] == pytest.approx(slopes.tolist(), rel=1e-11, abs=1e-13 * scale)


def test_a_text_in_a_language_nobody_speaks_is_refused(line):
    with pytest.raises(
        ValueError, match="language 'fortran': expected one of python, numpy, jax, c"
    ):
        line.source("fortran")
    assert line.source("c").count("pow(") == 0  # squares are products
    assert "import jax.numpy as jnp" in line.source("jax")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_c_text_gives_what_the_program_gives(tmp_path):
    rng = random.Random(5)
    made = [
        grown(rng.choice, lambda: round(rng.uniform(-4, 4), 3), FUNCTIONS, most=14)
        for _ in range(12)
    ]
    for i, program in enumerate(made):
        compiled = of(program, "numpy")
        text = compiled.source("c").replace("void value_and_grad", f"void f{i}")
        (tmp_path / f"f{i}.c").write_text(text)
    files = [str(tmp_path / f"f{i}.c") for i in range(len(made))]
    library = str(tmp_path / "all.so")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, *files, "-lm"], check=True)
    loaded = ctypes.CDLL(library)
    for i, program in enumerate(made):
        value, slopes = of(program, "numpy").value_and_grad()
        size = len(program.point)
        p, out = (ctypes.c_double * size)(*program.point), (ctypes.c_double * (size + 1))()
        loaded[f"f{i}"](None, p, out)
        scale = max(map(abs, slopes))
        assert out[0] == pytest.approx(value, rel=1e-12, abs=1e-13)
        assert [*out[1:]] == pytest.approx(slopes.tolist(), rel=1e-11, abs=1e-13 * scale)


def test_jax_text_gives_what_the_program_gives():
    pytest.importorskip("jax", reason="jax is not installed here")
    a, b = Value(0.5), Value(-1.5)
    program = compile(lambda x: me.softplus(a * x) * me.erf(b) + me.relu(x - a), [a, b])
    names: dict = {}
    exec(program.source("jax"), names)
    value, slopes = names["value_and_grad"](2.0, [0.5, -1.5])
    expected, gradient = program.value_and_grad([2.0])
    assert float(value) == pytest.approx(expected, rel=1e-13)
    assert [*map(float, slopes)] == pytest.approx(gradient.tolist(), rel=1e-12)


# ---- programs as things --------------------------------------------------------------------------


class Loss:
    """A function that holds its parameter, so that both are pickled together."""

    def __init__(self):
        self.w = Value(1.5)

    def __call__(self, x):
        return me.tanh(self.w * x) ** 2


def test_a_program_is_pickled_as_what_it_is_made_of_and_compiled_again():
    loss = Loss()
    program = compile(loss, [loss.w])
    again = pickle.loads(pickle.dumps(program))
    assert again([0.3, 0.7]) == program([0.3, 0.7])
    assert again.inputs == ["x"]


def test_while_a_function_is_traced_other_threads_count_and_compare_their_own_values():
    w, started, done = Value(2.0), threading.Event(), threading.Event()
    found = []

    def other():
        started.wait()
        a = Value(3.0)
        found.append((a > 2, float(a * a), round(a), bool(a == 3)))
        done.set()

    def f(x):
        started.set()
        assert done.wait(10)
        return w * x

    worker = threading.Thread(target=other)
    worker.start()
    assert compile(f, [w])([1.0]) == 2.0
    worker.join()
    assert found == [(True, 9.0, 3, True)]


def test_a_program_of_many_sizes_of_batch_keeps_few_of_their_arrays():
    w = Value(2.0)
    program = compile(lambda x: w * x, [w], backend="numpy")
    for size in (*range(1, 12), 3):
        assert program([1.0] * size) == 2.0
    assert len(program.without.runners) <= 4


def test_two_programs_at_once_and_programs_in_threads_do_not_mix():
    network, columns, loss = moons_like(300)
    program = compile(loss, network.parameters())
    other = compile(lambda a, b, y: 2 * loss(a, b, y), network.parameters())
    value, gradient = program.value_and_grad(*columns)
    assert other(*columns) == pytest.approx(2 * value)
    wrong = []

    def work(size):
        expected = program.value_and_grad(*(c[:size] for c in columns))
        for _ in range(30):
            got = program.value_and_grad(*(c[:size] for c in columns))
            if got[0] != expected[0] or (got[1] != expected[1]).any():
                wrong.append(size)

    workers = [threading.Thread(target=work, args=(n,)) for n in (300, 300, 150, 299)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    again, same = program.value_and_grad(*columns)
    assert again == value
    np.testing.assert_array_equal(same, gradient)


def test_a_trace_is_a_graph_of_values():
    w = Value(2.0)
    found = trace(lambda x: w * x, [w])
    assert [node.primitive for node in found.order()] == [None, None, TABLE["mul"]]
    assert w.data == 2.0


# ---- native code ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", NATIVE)
@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 63, 64, 65, 97])
def test_native_code_takes_batches_of_every_size(size, backend):
    network, columns, loss = moons_like(size)
    native = compile(loss, network.parameters(), backend=backend, reduce="sum")
    assert farther_off(native, [column.tolist() for column in columns]) == []
    plain = compile(loss, network.parameters(), backend="python", reduce="sum")
    assert native(*columns) == pytest.approx(plain(*columns), rel=1e-13)


def test_a_long_program_is_cut_into_pieces_that_hand_on_what_later_ones_need():
    w = Value(0.999)

    def chain(x):
        kept = [x]
        for _ in range(600):
            kept.append(me.tanh(kept[-1] * w + 0.01 * kept[len(kept) // 2]))
        return me.total(kept[::50])

    native, plain = (compile(chain, [w], backend=backend) for backend in ("llvm", "python"))
    xs = [0.1 * i for i in range(11)]
    (value, gradient), (expected, slopes) = (p.value_and_grad(xs) for p in (native, plain))
    assert value == pytest.approx(expected, rel=1e-12)
    assert gradient[0] == pytest.approx(slopes[0], rel=1e-10)
    assert " in 1 pieces" not in str(native.plan())


def network_of_tanh():
    network, columns, loss = moons_like(21, "tanh")
    return network.parameters(), columns, loss


def all_functions():
    w = Value(0.7)
    names = [
        "exp",
        "expm1",
        "sin",
        "atan",
        "erf",
        "erfc",
        "sigmoid",
        "softplus",
        "gelu",
        "sinh",
        "cbrt",
        "exp2",
        "floor",
        "sign",
    ]

    def f(x):
        found = [getattr(me, name)(w * x) for name in names]
        positive = w * x * x + 0.5
        found += [me.log(positive), me.sqrt(positive), me.atan2(w, x), me.hypot(w, x), positive**w]
        return me.total(found)

    return [w], [np.linspace(-2, 2, 21)], f


@pytest.mark.parametrize("made", [network_of_tanh, all_functions])
def test_a_narrow_processor_and_one_without_vector_functions_compute_the_same(made):
    parameters, columns, loss = made()
    code, outputs = compile(loss, parameters).lowered
    numbers = np.array([p.data for p in parameters])
    expected = None
    for width in (1, 2, 4, 8):
        there = Machine()
        if width > there.width:
            break
        there.width = width
        for known in (there.vector_function, lambda name, width: None):
            there.vector_function = known
            got = llvm_backend.LlvmBackend(code, outputs, there).sums(columns, 21, numbers)
            expected = got if expected is None else expected
            np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-13)


@pytest.fixture(scope="module", params=[1, 2, 4, 8])
def tanh_and_slope(request):
    there = Machine()
    if request.param > there.width:
        pytest.skip(f"this processor has vectors of {there.width} doubles at most")
    there.width, code = request.param, Code()
    x = code.leaf(INPUT, 0)
    return llvm_backend.LlvmBackend(code, [code.put("tanh", x), code.put("sech2", x)], there)


@settings(max_examples=200)
@given(x=st.floats(-400, 400) | st.floats(-3, 3) | st.floats())
def test_native_tanh_and_its_slope_are_right_to_a_few_ulp(tanh_and_slope, x):
    found = tanh_and_slope.sums([np.array([x])], 1, np.empty(0)).tolist()
    for got, name in zip(found, ("tanh", "sech2"), strict=True):
        expected = TABLE[name].value(x)
        close = abs(got - expected) <= 6 * math.ulp(expected)
        assert close or (math.isnan(got) and math.isnan(expected))


@pytest.mark.parametrize("of_samples", [True, False])
def test_a_long_program_is_interpreted_and_says_so(of_samples, monkeypatch):
    monkeypatch.setattr(llvm_backend, "LONGEST", 20)
    monkeypatch.setattr(llvm_backend, "LONGEST_ONCE", 20)
    w = Value(0.5)
    for length, told in ((3, "in 1 pieces"), (30, "of an interpreter")):

        def f(x=1.0, length=length):
            for _ in range(length):
                x = x * w + 1
            return x

        program = compile(f, [w], backend="llvm", inputs=int(of_samples))
        columns = [[1.0, 1.0, 1.0]] * of_samples
        value, gradient = program.value_and_grad(*columns)
        assert value == pytest.approx(2 - 0.5**length, rel=1e-15)
        assert gradient[0] == pytest.approx(4 - (4 + 2 * length) * 0.5**length, rel=1e-14)
        assert told in str(program.plan())


def test_without_llvmlite_or_with_an_old_one_native_code_says_what_to_install(monkeypatch):
    from llvmlite import binding

    with monkeypatch.context() as patch:
        patch.setattr(binding, "llvm_version_info", (15, 0, 7))
        with pytest.raises(me.errors.MissingExtra, match="older than 20"):
            Machine()
    monkeypatch.setitem(__import__("sys").modules, "llvmlite.binding", None)
    with pytest.raises(me.errors.MissingExtra, match=r"pip install 'micrograd-es\[llvm\]'"):
        Machine()
