"""A drop-in for micrograd: its README, its tests' expressions and its demo, with only the import
changed.
"""

import random

import numpy as np
import pytest

from micrograd_es import Value, nn
from micrograd_es.nn import MLP, Layer, Neuron
from tests.support.amount import THOROUGH


def test_its_readme():
    a = Value(-4.0)
    b = Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    g.backward()
    assert [f"{x:.4f}" for x in (g.data, a.grad, b.grad)] == ["24.7041", "138.8338", "645.5773"]
    # micrograd itself varies in the last bit from run to run, since it walks over sets; hence 2 ulp
    assert g.data == 24.70408163265306
    assert [a.grad, b.grad] == pytest.approx([138.83381924198252, 645.5772594752187], rel=4.5e-16)


def test_its_sanity_check():
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert (y.data, x.grad) == (-20.0, 46.0)


def moons():
    """scikit-learn's make_moons(100, noise=.1) with numpy's global generator, to the bit."""
    t = np.linspace(0, np.pi, 50)
    points = np.vstack(
        [np.append(np.cos(t), 1 - np.cos(t)), np.append(np.sin(t), 1 - np.sin(t) - 0.5)]
    ).T
    labels = np.array([0] * 50 + [1] * 50)
    order = np.arange(100)
    np.random.shuffle(order)
    points, labels = points[order], labels[order]
    return points + np.random.normal(scale=0.1, size=points.shape), labels * 2 - 1


def test_its_demo_reproduces_the_losses_and_reaches_every_point():
    np.random.seed(1337)
    random.seed(1337)
    X, y = moons()
    model = MLP(2, [16, 16, 1])
    assert len(model.parameters()) == 337
    losses = {}
    for k in range(100 if THOROUGH else 2):
        inputs = [list(map(Value, row)) for row in X]
        scores = list(map(model, inputs))
        hinges = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        data_loss = sum(hinges) * (1.0 / len(hinges))
        loss = data_loss + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = np.mean(
            [(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)]
        )
        losses[k] = (loss.data, accuracy)
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
    expected = {
        0: 0.8958441028683222,
        1: 1.72359053369720,
        19: 0.18453748746883922,
        39: 0.05225659921975845,
        59: 0.02079656521341896,
        99: 0.0109783701354927,
    }
    expected = {k: loss for k, loss in expected.items() if k in losses}
    assert {k: losses[k][0] for k in expected} == pytest.approx(expected, rel=1e-11)
    assert [losses[k][1] for k in (0, 59, 99) if k in losses] == (
        [0.5, 1.0, 1.0] if THOROUGH else [0.5]
    )


def test_weights_are_drawn_in_its_order_and_listed_in_its_order():
    random.seed(7)
    net = MLP(2, [3, 1])
    random.seed(7)
    drawn = [
        w
        for nin, nout in ((2, 3), (3, 1))
        for _ in range(nout)
        for w in [*(random.uniform(-1, 1) for _ in range(nin)), 0.0]
    ]
    assert [p.data for p in net.parameters()] == drawn
    assert [p.name for p in net.parameters()][:3] == [
        f"layers[0].neurons[0].{w}" for w in ("w[0]", "w[1]", "b")
    ]
    assert net.layers[1].neurons[0].w[2] is net.parameters()[-2]


def test_its_modules_and_their_names():
    assert repr(MLP(2, [2, 1])) == (
        "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"
    )
    assert type(Neuron(2)([Value(1.0), -2.0])) is Value
    assert type(Layer(2, 1)([1, 2])) is Value
    assert len(Layer(2, 3)([1, 2])) == 3
    assert nn.Module().parameters() == []
