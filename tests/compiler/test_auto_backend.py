"""backend="auto" counts what building and calling would take, and chooses once."""

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import Value, compile, nn

pytest.importorskip("llvmlite", reason="without llvmlite auto is numpy")


def one_one_one():
    network = nn.MLP(1, [1, 1], activation="linear", bias=False)
    return compile(lambda x: (network([x]) - 1.0) ** 2, network.parameters())


def chain():
    w = Value(0.9)

    def f(x):
        for _ in range(100):
            x = me.tanh(w * x)
        return x

    return compile(f, [w])


@pytest.mark.parametrize(
    ("made", "samples", "expected"),
    [(one_one_one, 1, "numpy"), (chain, 10, "numpy"), (chain, 1000, "llvm")],
)
def test_auto_takes_native_code_where_a_hundred_calls_pay_for_building_it(made, samples, expected):
    program = made()
    assert program.backend == "auto"
    program.value_and_grad(np.linspace(0.1, 1, samples))
    assert program.backend == expected
    program.value_and_grad([0.5])
    assert program.backend == expected  # chosen once


def test_a_long_descent_pays_for_native_code():
    program = one_one_one()
    program.sgd([4.0], lr=1e-4, steps=10_000)
    assert program.backend == "llvm"


def test_matrices_of_a_network_are_numpy_s():
    network = nn.MLP(64, [32, 10])
    program = compile(
        lambda *x: me.log_sum_exp(network(x)), network.parameters(), inputs=64, reduce="mean"
    )
    program.value_and_grad(np.zeros((100, 64)))
    assert program.backend == "numpy"
