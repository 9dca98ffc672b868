"""The matrices are rediscovered from the scalars; sums are right in whatever shape they come."""

import math

import numpy as np
import pytest
from hypothesis import given

import micrograd_es as me
from micrograd_es import Value, where
from micrograd_es.testing import strategies
from tests.support.amount import some
from tests.support.every_backend import BACKENDS, FAST, OURS, compile, each_backend, moons_like
from tests.support.rounding import farther_off


def test_the_matrices_are_rediscovered_from_the_scalars():
    network, _, loss = moons_like(10)
    told = str(compile(loss, network.parameters(), backend="numpy").plan())
    assert told.splitlines()[0] == "18 array operations, 4 gradient blocks, 1368 bytes a sample"
    assert "(16 × 16) · (16 × samples)" in told


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


@pytest.mark.parametrize("backend", some(["numpy", "llvm"]))
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
