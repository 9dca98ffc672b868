"""The network, the error, the optimiser, the responsibility, the checker."""

import json
import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es import NonFiniteError, Value, losses, tanh
from micrograd_es.attribution import responsibility
from micrograd_es.check import check_directions, check_gradient
from micrograd_es.language import Language
from micrograd_es.nn import ACTIVATIONS, MLP, Layer, Module, Neuron
from micrograd_es.optim import SGD


def article():
    net = MLP(1, [1, 1], activation="linear", bias=False)
    for parameter, data, name in zip(net.parameters(), (1.5, 1.0), ("w1", "w2"), strict=True):
        parameter.data, parameter.name = data, name
    return net


def test_the_1_1_1_network_has_two_weights_and_the_article_s_numbers():
    net = article()
    output = net([4.0])
    error = losses.absolute_error(output, 1)
    error.backward()
    assert (output.data, error.data) == (6.0, 5.0)
    assert [w.grad for w in net.parameters()] == [4.0, 6.0]


SMOOTH = [name for name, row in ACTIVATIONS.items() if row is None or not row.kinks]


@given(st.integers(0, 99), st.sampled_from(SMOOTH), st.booleans())
def test_every_smooth_network_agrees_with_finite_differences(seed, activation, bias):
    net = MLP(2, [3, 2, 1], activation=activation, bias=bias, rng=random.Random(seed))
    parameters = net.parameters()
    error = losses.squared_error(net([0.3, -0.7]), 0.25)
    error.backward()

    def loss(*weights):
        for parameter, weight in zip(parameters, weights, strict=True):
            parameter.data = weight
        return losses.squared_error(net([0.3, -0.7]), 0.25).data

    point = [parameter.data for parameter in parameters]
    claimed = [parameter.grad for parameter in parameters]
    found = check_directions(loss, point, claimed, count=1, rng=random.Random(seed))
    assert found.verdict == "pass", found


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_may_be_named_or_given_and_gives_the_same(name):
    row = ACTIVATIONS[name]
    given = (lambda v: v) if row is None else row
    outputs = [
        MLP(2, [3, 1], activation=activation, rng=random.Random(7))([0.3, -0.7])
        for activation in (name, given)
    ]
    assert outputs[0].data == outputs[1].data
    for output in outputs:
        output.backward()


@pytest.mark.parametrize(
    ("loss", "at", "value", "slope"),
    [
        ("absolute_error", (6.0, 1), 5.0, 1.0),
        ("squared_error", (6.0, 1), 25.0, 10.0),
        ("hinge", (0.5, -1), 1.5, 1.0),
    ],
)
def test_losses(loss, at, value, slope):
    prediction = Value(at[0])
    error = getattr(losses, loss)(prediction, at[1])
    error.backward()
    assert (error.data, prediction.grad) == (value, slope)
    assert getattr(losses, loss)(Value(at[0]), Value(float(at[1]))).data == value


def test_a_module_of_ones_own_finds_its_parameters():
    class Mine(Module):
        def __init__(self):
            self.first = Neuron(1)
            self.rest = [Layer(1, 2), Value(3.0)]
            self.size = 3

    assert [name for name, _ in Mine().named_parameters()] == [
        "first.w[0]", "first.b", "rest[0].neurons[0].w[0]", "rest[0].neurons[0].b",
        "rest[0].neurons[1].w[0]", "rest[0].neurons[1].b", "rest[1]",
    ]  # fmt: skip


def test_a_numpy_generator_draws_weights_and_a_numpy_row_goes_in():
    net = MLP(2, [2, 1], rng=np.random.default_rng(0))
    assert all(type(p.data) is float for p in net.parameters())
    assert type(net(np.array([1.0, 2.0])).data) is float


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: MLP(1, []), ValueError, "without layers"),
        (lambda: MLP(0, [1]), ValueError, "0 inputs"),
        (lambda: Neuron(2, activation="rellu"), ValueError, "expected one of linear, relu"),
        (lambda: article()(4.0), TypeError, r"net\(\[4.0\]\)"),
        (lambda: article()([1, 2]), ValueError, "2 inputs for neurons that take 1"),
        (lambda: article()(["a"]), TypeError, "'a'"),
        (lambda: SGD([], 0.1), ValueError, "without parameters"),
        (lambda: SGD([1.0], 0.1), TypeError, "expected a leaf"),
        (lambda: SGD([Value(1.0) * 2], 0.1), TypeError, "expected a leaf"),
        (lambda: SGD([Value(1.0)], 0), ValueError, "above 0"),
        (lambda: SGD([Value(1.0)], math.nan), ValueError, "above 0"),
        (lambda: responsibility(1.0, []), TypeError, "are Values"),
        (
            lambda: check_gradient(lambda x: x, [1.0], [1.0, 2.0]),
            ValueError,
            "2 slopes for 1 inputs",
        ),
        (lambda: check_gradient(lambda x: 1 / (x - x), [1.0]), ZeroDivisionError, "division"),
    ],
)
def test_bad_input_is_named_with_its_way_out(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_sgd_steps_against_the_gradient():
    w = Value(1.0)
    optimizer = SGD([w], lr=0.1)
    (w * w).backward()
    optimizer.step()
    assert w.data == 1.0 - 0.1 * 2.0
    optimizer.zero_grad()
    assert w.grad == 0.0


@pytest.mark.parametrize("grad", [math.nan, math.inf, 1e308])
def test_sgd_moves_all_parameters_or_none(grad):
    a, b = Value(1.0, name="a"), Value(2.0, name="b")
    a.grad, b.grad = 1.0, grad
    with pytest.raises(NonFiniteError, match=r"b = 2.0 .* no parameter was moved"):
        SGD([a, b], lr=10.0).step()
    assert (a.data, b.data) == (1.0, 2.0)


def test_responsibility_shares_out_the_error():
    net = article()
    found = responsibility(losses.absolute_error(net([4.0]), 1), net.parameters())
    w1, w2 = found
    assert (w1.gradient, w1.share, w1.move, w1.paths) == (4.0, 0.4, -1, 1)
    assert (w2.gradient, w2.share, w2.move) == (6.0, 0.6, -1)
    assert [link.partial for link in w1.chain] == [1.0, 1.0, 1.0, 4.0]
    assert all(share.product == share.gradient for share in found)
    assert [w.grad for w in net.parameters()] == [0.0, 0.0]
    table = found.table(Language("en"))
    assert "w1        1.5      4  40.0 %  down" in table
    assert "40,0 %  bajar" in found.table(Language("es"))
    assert json.loads(json.dumps(found.as_dict()))["parameters"][1]["share"] == 0.6


def test_responsibility_counts_the_paths_that_add_up():
    x, unused = Value(2.0, name="x"), Value(1.0)
    (found, none) = responsibility(x * x * x, [x, unused])
    assert (found.paths, found.gradient, found.product) == (3, 12.0, 4.0)
    assert (none.gradient, none.share, none.move, none.paths, none.chain) == (0.0, 0.0, 0, 0, ())


WRONG = {
    "sign": lambda g: -g,
    "twice": lambda g: 2 * g,
    "zero": lambda g: 0.0 * g,
    "one percent": lambda g: 1.01 * g,
    "1e-5": lambda g: (1 + 1e-5) * g,
    "nan": lambda g: math.nan,
}


@pytest.mark.parametrize("wrong", WRONG)
@given(x=st.floats(-1.4, 1.4).filter(lambda x: abs(x) > 1e-3), scale=st.integers(-30, 30))
def test_the_checker_catches_wrong_gradients_at_any_scale(wrong, x, scale):
    def f(x):
        return 2.0**scale * math.tanh(x)

    right = 2.0**scale / math.cosh(x) ** 2
    assert check_gradient(f, [x], [right]).verdict == "pass"
    assert check_gradient(f, [x], [WRONG[wrong](right)]).verdict == "fail"


def test_the_checker_says_when_it_cannot_tell():
    assert check_gradient(math.sqrt, [0.0], [1.0]).verdict == "fail"  # it is infinite
    assert check_gradient(lambda x, y: x * tanh(y), [2.0, 0.5]).verdict == "pass"
    assert check_gradient(lambda x: 3.0, [2.0]).verdict == "pass"
