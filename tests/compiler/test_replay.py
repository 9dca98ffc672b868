"""A sample that gives no number is run again, and named if it still gives none."""

import math
import threading
import time

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import DomainError, NonFiniteError, Value, where
from tests.support.every_backend import (
    compile,
    each_backend,
)


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
