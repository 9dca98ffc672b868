"""A batch is the mean, the sum or the list of its samples."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_es as me
from micrograd_es import Value
from micrograd_es.compiler.backends import numpy as numpy_backend
from micrograd_es.testing import strategies
from tests.support.amount import examples, some
from tests.support.every_backend import FAST, compile, each_backend, moons_like
from tests.support.rounding import bounds, farther_off


@each_backend
@examples(25)
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
        numpy_backend.NUMPY_FUNCTIONS, "tanh", lambda x, out: np.tanh(x * (1 + 1e-11), out=out)
    )
    assert len(farther_off(program, columns)) > 100


@pytest.mark.parametrize("backend", some(["numpy", "llvm", "python", "interpreted"]))
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


def test_a_program_of_many_sizes_of_batch_keeps_few_of_their_arrays():
    w = Value(2.0)
    program = compile(lambda x: w * x, [w], backend="numpy")
    for size in (*range(1, 12), 3):
        assert program([1.0] * size) == 2.0
    assert len(program.value_runner.runners) <= 4
