"""The network, the error, the optimiser, the responsibility, the checker."""

import collections
import copy
import dataclasses
import json
import math
import multiprocessing
import pickle
import random
import types
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es import NonFiniteError, Primitive, Value, compile, losses, tanh
from micrograd_es.check.gradients import check_directions, check_gradient
from micrograd_es.explanation.attribution import responsibility
from micrograd_es.nn import ACTIVATIONS, MLP, Layer, Module, Neuron
from micrograd_es.optim import SGD
from micrograd_es.primitives import TABLE
from micrograd_es.texts import Language


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
        (lambda: MLP(0, [1]), ValueError, r"0 \(int\) inputs"),
        (lambda: Neuron(2, activation="rellu"), ValueError, "expected one of linear, sin, tanh"),
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


# ---- what a module finds -------------------------------------------------------------------------


class Holder(Module):
    def __init__(self, **held):
        vars(self).update(held)


def values(*numbers):
    return [Value(x) for x in numbers]


def grid(*rows):
    array = np.empty((len(rows), len(rows[0])), dtype=object)
    array[:] = rows
    return array


@dataclasses.dataclass(slots=True)
class Slotted:
    w: Value


class SlottedModule(Module):
    __slots__ = ("b", "unset", "w")

    def __init__(self, w, b):
        self.w, self.b = w, b


NESTED = {
    "slots": (lambda a, b: [SlottedModule(w=b, b=a)], ["held[0].b", "held[0].w"]),
    "dict": (lambda a, b: {"x": a, 3: b}, ["held['x']", "held[3]"]),
    "lists": (lambda a, b: [[a], (b, 2.0)], ["held[0][0]", "held[1][0]"]),
    "dict of lists": (lambda a, b: {"x": [1, a, {"y": b}]}, ["held['x'][1]", "held['x'][2]['y']"]),
    "array": (lambda a, b: grid([a, 0.5], [2, b]), ["held[0, 0]", "held[1, 1]"]),
    "list of arrays": (lambda a, b: [np.array([a, b])], ["held[0][0]", "held[0][1]"]),
    "deque": (lambda a, b: collections.deque([a, b]), ["held[0]", "held[1]"]),
    "modules": (lambda a, b: {"x": [Holder(w=a)], "y": Holder(v=[b])},
                ["held['x'][0].w", "held['y'].v[0]"]),
    "shared": (lambda a, b: [a, b, a, [b]], ["held[0]", "held[1]"]),
    "shared module": (lambda a, b: [Holder(w=a), Holder(v=b)] * 2, ["held[0].w", "held[1].v"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NESTED)
def test_a_module_finds_every_parameter_once_wherever_it_is(name):
    hold, places = NESTED[name]
    a, b = values(1.0, 2.0)
    module = Holder(size=3, text="abc", held=hold(a, b), numbers=np.ones(3), lines=range(9))
    assert dict(module.named_parameters()) == dict(zip(places, (a, b), strict=True))
    scope = {"held": module.held}
    assert [eval(place, scope) for place in places] == module.parameters() == [a, b]
    module.name_parameters()
    assert [a.name, b.name] == places


@pytest.mark.parametrize(
    "hold",
    [
        lambda v: {v},
        lambda v: frozenset([v, 1]),
        lambda v: {Neuron(1)},
        lambda v: {"x": v}.values(),
        lambda v: iter([v]),
        lambda v: map(Neuron, [1, 2]),
        lambda v: (Neuron(1) for _ in range(3)),
        lambda v: types.SimpleNamespace(w=v),
        lambda v: [{"x": {v}}],
        lambda v: {v: 1.0},
        lambda v: {Neuron(1): "first"},
        lambda v: Slotted(v),
        lambda v: np.array([{v}, 1], dtype=object),
    ],
)
def test_parameters_that_a_module_cannot_find_are_refused_aloud(hold):
    module = Holder(held=hold(Value(1.0)))
    with pytest.raises(TypeError, match=r"^held.* is .*would be left out; hold them in a Module"):
        module.parameters()


def test_what_holds_no_parameters_is_of_no_concern_to_a_module(tmp_path):
    with (tmp_path / "log").open("w") as log:
        held = [{1, 2}, log, print, random.Random(1), np.ones(2), "text", SGD([Value(1.0)], 0.1)]
        assert Holder(held=held, row=TABLE["tanh"]).parameters() == []


def test_modules_that_know_each_other_are_walked_once_and_lists_that_hold_themselves_are_refused():
    child, parent = Holder(w=Value(1.0)), Holder(v=Value(2.0))
    child.parent, parent.child = parent, child
    assert [where for where, _ in parent.named_parameters()] == ["v", "child.w"]
    endless, table, pair = [], {}, [Value(1.0)]
    endless.append(endless)
    table["x"] = [table]
    pair.append({"y": pair})
    deep = [Value(1.0)]
    for _ in range(5000):
        deep = [deep]
    for held in (endless, table, pair, deep):
        with pytest.raises(ValueError, match="contains itself, or is nested too deeply"):
            Holder(held=held).parameters()


def test_a_dataclass_may_be_a_module():
    @dataclasses.dataclass
    class Scale(Module):
        factor: Value
        layers: list

    scale = Scale(Value(2.0), [Layer(1, 1)])
    assert [name for name, _ in scale.named_parameters()] == [
        "factor", "layers[0].neurons[0].w[0]", "layers[0].neurons[0].b",
    ]  # fmt: skip


# ---- what a network is made of and called with ---------------------------------------------------


@pytest.mark.parametrize("whole", [int, np.int64, np.uint8, np.int32])
def test_sizes_may_be_whole_numbers_of_any_kind(whole):
    net = MLP(whole(2), [whole(3), whole(1)])
    assert len(net.parameters()) == 13
    assert len(MLP(2, np.array([3, 1])).parameters()) == 13


@pytest.mark.parametrize(
    "size", [0, -1, 1.0, 2.5, np.float64(2.0), "2", True, np.bool_(True), None]
)
def test_other_sizes_are_refused(size):
    for make in (lambda: Neuron(size), lambda: Layer(2, size), lambda: MLP(2, [size])):
        with pytest.raises(ValueError, match="expected a whole number, 1 or more"):
            make()


@pytest.mark.parametrize("nouts", [3, {3, 1}, {3: 1}, "31", b"31", None, iter([3]), np.array(3)])
def test_sizes_in_no_order_are_refused(nouts):
    with pytest.raises(TypeError, match="give a list of sizes"):
        MLP(2, nouts)


SEQUENCES = [
    (1.0, -2.0),
    np.array([1.0, -2.0]),
    collections.deque([1.0, -2.0]),
    array("d", [1, -2]),
]
NO_SEQUENCES = [{1.0, -2.0}, {1.0: 2.0, 3.0: 4.0}, b"ab", "ab", bytearray(b"ab"), memoryview(b"ab"),
                frozenset([1.0, 2.0]), {"a": 1, "b": 2}.keys(), 1.0, None, Value(1.0),
                iter([1, 2]), np.array(1.0)]  # fmt: skip


@pytest.mark.parametrize("x", SEQUENCES, ids=type)
def test_a_network_takes_any_sequence_of_numbers(x):
    net = MLP(2, [1], rng=random.Random(1))
    assert net(x).data == net([1.0, -2.0]).data


@pytest.mark.parametrize("x", NO_SEQUENCES, ids=type)
def test_a_network_takes_nothing_that_has_no_order_or_is_text(x):
    for module in (MLP(2, [2, 1]), Layer(2, 2), Neuron(2)):
        with pytest.raises(
            TypeError, match=r"a network is called with a list, as in net\(\[4.0\]\)"
        ):
            module(x)


@pytest.mark.parametrize(
    ("name", "meant"), [("rellu", "relu"), ("Tanh", "tanh"), ("sigmod", "sigmoid")]
)
def test_a_mistyped_activation_is_answered_with_the_nearest_one(name, meant):
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        Neuron(2, activation=name)
    neuron = Neuron(2)
    with pytest.raises(ValueError, match=f"did you mean '{meant}'"):
        neuron.activation = name
    assert neuron.activation is TABLE["relu"]


def test_an_activation_set_later_is_the_one_that_runs():
    neuron = Neuron(1, activation="tanh", bias=False)
    neuron.w[0].data = 0.5
    for activation, expected in (("linear", 1.0), ("sin", math.sin(1.0)), (lambda v: v * 3, 3.0)):
        neuron.activation = activation
        assert neuron([2.0]).data == expected
    assert repr(neuron) == "CustomNeuron(1)"


# ---- what is kept and sent to others -------------------------------------------------------------


class Regression(Module):
    """A program holds it: its loss is a method, so that both are pickled together."""

    def __init__(self, activation):
        self.net = MLP(2, [3, 1], activation=activation, rng=random.Random(3))

    def loss(self, x, y):
        return losses.squared_error(self.net([x, y]), 0.5)


def answers(thing):
    """Return what a network or a program computes: also in a process of its own."""
    point = ([0.25, -1.5], [0.75, 2.0])
    if isinstance(thing, Module):
        outputs = [thing(list(x)) for x in point]
        return [v.data for out in outputs for v in (out if isinstance(out, list) else [out])]
    value, slopes = thing.value_and_grad(*point)
    return [value, *slopes.tolist()]


def picklable(name):
    model = Regression(name)
    program = compile(model.loss, parameters=model.parameters(), backend="numpy")
    return [Neuron(2, name), Layer(2, 3, name), model.net, program]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_networks_layers_and_programs_survive_pickle_and_copy(name):
    for thing in picklable(name):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            assert answers(pickle.loads(pickle.dumps(thing, protocol))) == answers(thing)
        assert answers(copy.deepcopy(thing)) == answers(thing)
    neuron = pickle.loads(pickle.dumps(Neuron(2, name)))
    assert neuron.activation is ACTIVATIONS[name]


def test_networks_and_programs_go_to_other_processes():
    things = [thing for name in ACTIVATIONS for thing in picklable(name)]
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.map_async(answers, things).get(120)  # a process that cannot start never ends
        assert found == [answers(thing) for thing in things]


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_a_row_is_pickled_as_its_name(row):
    assert pickle.loads(pickle.dumps(row)) is copy.deepcopy(row) is row
    assert len(pickle.dumps(row)) < 80


def test_a_function_of_no_module_says_that_it_cannot_be_pickled():
    row = Primitive("nowhere", float, lambda y, x: 1)
    for activation in (lambda v: v, row):
        with pytest.raises((pickle.PicklingError, AttributeError), match="pickle"):
            pickle.dumps(Neuron(1, activation))


# ---- losses and rates ----------------------------------------------------------------------------


@pytest.mark.parametrize("label", [0, 0.0, 2, 0.5, False, math.nan, math.inf, np.int64(0), -2])
def test_a_label_that_is_not_1_or_minus_1_is_refused(label):
    with pytest.raises(ValueError, match="labels 1 and -1; of 0 and 1"):
        losses.hinge(Value(0.5), label)


@pytest.mark.parametrize("label", [1, -1, 1.0, np.int8(-1), np.float32(1.0), True, Value(-1.0)])
def test_a_label_of_any_kind_of_number_is_taken(label):
    sign = float(label)
    assert losses.hinge(Value(0.25), label).data == 1 - sign * 0.25
    assert losses.hinge(0.25, label) == 1 - sign * 0.25


@pytest.mark.parametrize("loss", [losses.absolute_error, losses.squared_error])
def test_targets_that_numpy_would_stretch_are_refused(loss):
    predictions = np.array(values(1.0, 2.0, 3.0))
    for targets in (np.ones((3, 1)), np.ones((2, 3)), np.ones(1), np.ones((1, 3))):
        with pytest.raises(ValueError, match="give one target for each prediction"):
            loss(predictions, targets)
    assert [v.data for v in losses.squared_error(predictions, np.ones(3))] == [0.0, 1.0, 4.0]


@pytest.mark.parametrize("lr", [-5, 0, -0.0, math.nan, math.inf, -math.inf, np.float64(-1)])
def test_a_rate_set_later_is_held_to_the_same_rule(lr):
    optimizer = SGD([Value(1.0)], 0.5)
    with pytest.raises(ValueError, match="a finite number above 0"):
        optimizer.lr = lr
    with pytest.raises(TypeError, match="not a real number"):
        optimizer.lr = "0.1"
    assert optimizer.lr == 0.5
    optimizer.lr /= 2
    assert optimizer.lr == 0.25
