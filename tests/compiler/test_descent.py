"""Many steps downhill in one call go where one step at a time goes, or say why not."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_es as me
from micrograd_es import NonFiniteError, Value, compile, nn, optim, where
from tests.support.amount import examples

BACKENDS = ["python", "numpy", "llvm"]
each_backend = pytest.mark.parametrize("backend", BACKENDS)


def network_and_loss(hidden, activation):
    network = nn.MLP(2, [*hidden, 1], activation=activation, rng=random.Random(1))
    return network, lambda a, b, y: (network([a, b]) - y) ** 2


def batch(size):
    rng = np.random.default_rng(size)
    X = rng.normal(size=(size, 2))
    return X, np.sin(X[:, 0]) * X[:, 1]


def adam_by_hand(parameters, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Return a function that moves the parameters along a gradient, as the paper writes it."""
    means, squares, steps = [0.0] * len(parameters), [0.0] * len(parameters), 0

    def move(gradient):
        nonlocal steps
        steps += 1
        for i, (p, g) in enumerate(zip(parameters, gradient, strict=True)):
            means[i] = beta1 * means[i] + (1 - beta1) * g
            squares[i] = beta2 * squares[i] + (1 - beta2) * g**2
            mean, square = means[i] / (1 - beta1**steps), squares[i] / (1 - beta2**steps)
            p.data -= lr * mean / (math.sqrt(square) + eps)

    return move


def eager(rule):
    """Return a function that moves the parameters along a gradient, by the rule's own step()."""

    def move(gradient):
        for p, g in zip(rule.parameters, gradient, strict=True):
            p.grad = g
        rule.step()

    return move


@each_backend
@examples(6)
@given(
    size=st.sampled_from([1, 3, 8, 13]),
    hidden=st.sampled_from([[], [1], [5]]),
    reduce=st.sampled_from(["mean", "sum"]),
    rule=st.sampled_from([optim.SGD, optim.Adam]),
    steps=st.integers(1, 12),
)
def test_many_steps_go_where_single_ones_go(backend, size, hidden, reduce, rule, steps):
    network, loss = network_and_loss(hidden, "tanh")
    parameters, (X, y) = network.parameters(), batch(size)
    program = compile(loss, parameters, reduce=reduce, backend=backend)
    start = [p.data for p in parameters]
    move = eager(rule(parameters, lr=0.01))
    expected = []
    for _ in range(steps):
        value, gradient = program.value_and_grad(X, y)
        expected.append(value)
        move(gradient.tolist())
    there = [p.data for p in parameters]
    program.write_back(start)
    values = program.minimize(X, y, rule=rule(lr=0.01), steps=steps)
    np.testing.assert_allclose(values, expected, rtol=1e-10)
    np.testing.assert_allclose([p.data for p in parameters], there, rtol=1e-9, atol=1e-12)


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3), min_size=1, max_size=20))
def test_adam_moves_as_the_paper_writes_it(gradients):
    ours, paper = ([Value(1.0), Value(-2.0), Value(0.0)] for _ in range(2))
    step, by_hand = eager(optim.Adam(ours, lr=0.01)), adam_by_hand(paper, 0.01)
    for gradient in gradients:
        step(gradient)
        by_hand(gradient)
    assert [p.data for p in ours] == pytest.approx([p.data for p in paper], rel=1e-12)


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam])
@given(data=st.data())
def test_a_rule_moves_floats_and_arrays_to_the_same_bits(rule, data):
    numbers = st.lists(st.floats(-1e100, 1e100), min_size=4, max_size=4)
    p, g = (np.array(data.draw(numbers)) for _ in range(2))
    memory = [np.full(4, x) for x in rule.memory]
    settings = rule().settings
    arrays = rule.formula(np, p, g, *memory, *settings)
    floats = [
        rule.formula(math, *one, *settings)
        for one in zip(p.tolist(), g.tolist(), *map(np.ndarray.tolist, memory), strict=True)
    ]
    assert np.array(arrays).T.tolist() == np.array(floats).tolist()


@pytest.mark.parametrize("rule", [optim.SGD, optim.Adam])
@pytest.mark.parametrize("slope", [math.inf, math.nan, 1e308])
def test_a_step_moves_all_parameters_and_remembers_or_does_neither(rule, slope):
    a, b = Value(1.0), Value(-1e308)
    optimizer = rule([a, b], lr=1e300)
    a.grad, b.grad = 1e-290, slope
    before = optimizer.memories
    with pytest.raises(NonFiniteError, match=r"parameter 1 = -1e\+308 has the gradient"):
        optimizer.step()
    assert (a.data, b.data, optimizer.memories) == (1.0, -1e308, before)


def test_a_rule_without_parameters_is_for_a_program():
    rule = optim.Adam(lr=0.1)
    with pytest.raises(ValueError, match="Adam without parameters: pass network"):
        rule.step()
    with pytest.raises(TypeError, match=r"rule=0.1 \(float\): expected one of optim"):
        compile(lambda x: x, [Value(1.0)]).minimize([1.0], rule=0.1, steps=1)


@pytest.mark.parametrize("rule", ["sgd", "adam"])
def test_a_long_program_takes_many_steps_by_the_interpreter(rule, monkeypatch):
    from micrograd_es.compiler.llvm import backend as llvm_backend

    found = []
    for longest in (20_000, 0):
        monkeypatch.setattr(llvm_backend, "COMPILE_LIMIT", longest)
        network, loss = network_and_loss([3], "tanh")
        program = compile(loss, network.parameters(), backend="llvm")
        getattr(program, rule)(*batch(11), lr=0.01, steps=9)
        found.append([p.data for p in network.parameters()])
        assert ("interpreter" in str(program.plan())) == (longest == 0)
    np.testing.assert_allclose(*found, rtol=1e-11)


@each_backend
def test_a_descent_of_a_loss_without_inputs_finds_its_minimum(backend):
    a, b = Value(0.6), Value(0.9)
    program = compile(lambda: (b * (a * 4) - 1) ** 2, [a, b], backend=backend)
    values = program.sgd(lr=0.001, steps=1000)
    assert a.data * b.data * 4 == pytest.approx(1, abs=1e-8)
    assert values.shape == (1000,)
    assert values[0] == pytest.approx((0.9 * 0.6 * 4 - 1) ** 2)
    assert all(np.diff(values[:100]) < 0)


# ---- divergence ----------------------------------------------------------------------------------


def parabola(backend, **options):
    w = Value(1.0)
    return w, compile(lambda x: (w * x) * (w * x), [w], backend=backend, **options)


@each_backend
def test_a_learning_rate_too_large_ends_with_an_error_and_the_last_parameters(backend):
    w, program = parabola(backend)
    with pytest.raises(NonFiniteError, match=r"step \d+ from the value 1.0: .* below 1000") as told:
        program.sgd([1.0], lr=1000, steps=10_000)
    step = int(str(told.value).split()[1])
    assert w.data == pytest.approx(float((-1999) ** step), rel=1e-12)  # w ← w - 1000 · 2w


@each_backend
def test_or_gives_the_values_up_to_there(backend):
    w, program = parabola(backend, on_nonfinite="return")
    values = program.sgd([1.0], lr=1000, steps=10_000)
    assert 40 < len(values) < 60
    assert np.isfinite(values[:-1]).all()
    assert math.isfinite(w.data)


@each_backend
def test_a_sample_that_only_plain_python_can_compute_does_not_end_a_descent(backend):
    w = Value(1.0)

    def f(x):  # sqrt of what is not there: NaN in a branch that is not taken
        return where(x > 0, lambda: w * me.sqrt(x), lambda: w * x) ** 2

    program = compile(f, [w], backend=backend)
    values = program.sgd([4.0, -1.0], lr=0.01, steps=5)
    assert values[0] == pytest.approx(2.5)
    assert w.data == pytest.approx((1 - 0.01 * 5) ** 5)


# ---- progress ------------------------------------------------------------------------------------


@each_backend
def test_progress_is_told_on_the_way(backend):
    _, program = parabola(backend)
    told = []
    values = program.sgd([1.0], lr=0.1, steps=10, progress=lambda *now: told.append(now), every=4)
    assert told == [(4, values[3]), (8, values[7]), (10, values[9])]


@each_backend
def test_who_stops_on_the_way_keeps_the_steps_taken(backend):
    w, program = parabola(backend)

    def stop(step, value):
        if value < 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.adam([1.0], lr=0.1, steps=1000, progress=stop, every=1)
    assert 0.5 < w.data < 0.7


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "options", "says"),
    [
        ("sgd", {"lr": 0, "steps": 1}, "lr=0: expected a finite number above 0"),
        ("sgd", {"lr": math.inf, "steps": 1}, "lr=inf"),
        ("sgd", {"lr": 0.1, "steps": 0}, "steps=0: expected a whole number above 0"),
        ("sgd", {"lr": 0.1, "steps": 2.0}, "steps=2.0"),
        ("sgd", {"lr": 0.1, "steps": 2, "every": -1}, "every=-1"),
        ("adam", {"steps": 1, "beta1": 1}, "beta1=1: expected a number from 0 to below 1"),
        ("adam", {"steps": 1, "beta2": -0.1}, "beta2=-0.1"),
        ("adam", {"steps": 1, "eps": 0}, "eps=0"),
    ],
)
def test_settings_that_are_none_are_refused_by_name(rule, options, says):
    w, program = parabola("numpy")
    with pytest.raises(ValueError, match=says):
        getattr(program, rule)([1.0], **options)
    assert w.data == 1.0


@each_backend
def test_without_parameters_there_is_nothing_to_move(backend):
    with pytest.raises(ValueError, match="nothing to move"):
        compile(lambda x: x * x, backend=backend).sgd([1.0], lr=0.1, steps=1)


def test_samples_kept_apart_have_no_way_down():
    _, program = parabola("numpy", reduce=None)
    with pytest.raises(ValueError, match='reduce="mean" or "sum"'):
        program.sgd([1.0], lr=0.1, steps=1)
