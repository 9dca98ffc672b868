"""Programs for these tests, compiled by any backend."""

import random

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import Value, nn
from micrograd_es.compiler.llvm import backend as llvm_backend
from micrograd_es.testing import engine_named
from micrograd_es.testing.oracles import judgement as oracles

OURS = engine_named("micrograd_es")
FUNCTIONS = sorted(oracles.TEXTBOOK)
NATIVE = ["llvm", "interpreted"]  # compiled itself, and by the interpreter of long programs
FAST = ["numpy", *NATIVE]
BACKENDS = ["python", *FAST]
each_backend = pytest.mark.parametrize("backend", BACKENDS)


def compile(f, parameters=(), *, backend="auto", **options):
    """Return a program; the backend may also be "interpreted", as if it were long."""
    if backend != "interpreted":
        return me.compile(f, parameters, backend=backend, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(llvm_backend, "COMPILE_LIMIT", -1)
        patch.setattr(llvm_backend, "COMPILE_LIMIT_ONCE", -1)
        program = me.compile(f, parameters, backend="llvm", **options)
        assert "interpreter" in str(program.plan())
        assert "interpreter" in str(program.value_runner)
    return program


def compile_lines(program, backend, **options):
    """Compile a straight-line program of the tests, whose inputs become parameters."""
    leaves = [Value(x) for x in program.point]
    return compile(lambda: program.run(OURS.functions, leaves), leaves, backend=backend, **options)


def run_on_columns(program, backend):
    """Return the value and slopes of the same over eleven samples of one more input, which is 0."""
    leaves = [Value(x) for x in program.point]
    compiled = compile(
        lambda zero: program.run(OURS.functions, leaves) + zero, leaves, backend=backend
    )
    value, gradient = compiled.value_and_grad([0.0] * 11)
    return value, gradient.tolist()


def moons_like(size, activation="relu"):
    network = nn.MLP(2, [16, 16, 1], activation=activation, rng=random.Random(0))
    rng = np.random.default_rng(size)
    columns = [*rng.normal(size=(2, size)), np.sign(rng.normal(size=size))]
    return network, columns, lambda a, b, y: me.relu(1 - y * network([a, b]))
