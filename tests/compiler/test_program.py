"""A program as a thing: its options, copies, and many at once."""

import pickle
import threading

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import Value
from tests.support.every_backend import compile, each_backend, moons_like

W = Value(2.0, name="w")


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


@each_backend
def test_programs_of_constants_and_of_unused_inputs(backend):
    assert compile(lambda x: 7.0, backend=backend)([1.0, 2.0]) == 7.0
    w = Value(2.0)
    assert compile(lambda x, y: w * 3, [w], backend=backend).value_and_grad([1.0], [2.0]) == (
        6.0,
        [3.0],
    )
    assert compile(lambda: w * 3, [w], backend=backend, reduce=None)().tolist() == [6.0]


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
