"""What a trace records, and what it refuses because it would be frozen."""

import math
import random
import threading

import pytest

import micrograd_es as me
from micrograd_es import Primitive, TraceError, Value, where
from micrograd_es.compiler import trace
from micrograd_es.primitives import TABLE
from tests.support.every_backend import BACKENDS, compile, each_backend

W = Value(2.0, name="w")
DICE = random.Random(0)
SQUARED = W * W
CAPTURED = Value(3.0, name="captured")


def test_a_trace_is_a_graph_of_values():
    w = Value(2.0)
    found = trace(lambda x: w * x, [w])
    assert [node.primitive for node in found.order()] == [None, None, TABLE["mul"]]
    assert w.data == 2.0


@pytest.mark.parametrize(
    ("f", "says"),
    [
        (lambda x: x if x > 0 else -x, r"a branch on a comparison at .*test_trace\.py:\d+"),
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
        (lambda x: x * W.data, r"\.data of a Value at .*test_trace\.py:\d+"),
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
    with pytest.raises(TraceError, match=r"a branch on a comparison at .*test_trace\.py:\d+"):
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


def test_comparisons_of_constants_are_numbers_in_a_trace_too():
    limit = 3
    program = compile(lambda x: (x if Value(2.0).data < limit else -x) * (2 if limit > 2 else 1))
    assert program([1.0]) == 2.0


def test_a_domain_that_no_first_guess_meets_is_traced_all_the_same():
    for backend in BACKENDS:
        assert compile(lambda x: me.log(x - 5), backend=backend)([6.0]) == 0.0


@each_backend
def test_a_function_that_is_singular_at_the_numbers_of_the_trace_is_traced_with_others(backend):
    w = Value(2.0)
    program = compile(lambda x: w * me.sqrt(me.relu(x - 1) * w), [w], backend=backend)
    value, gradient = program.value_and_grad([4.0])
    assert value == pytest.approx(2 * math.sqrt(6), rel=1e-14)
    assert gradient[0] == pytest.approx(1.5 * math.sqrt(6), rel=1e-14)


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
