"""The article's network: what goes in, what is wanted, where it stands."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from micrograd_es.explanation.attribution import Responsibility, responsibility
from micrograd_es.losses import absolute_error, squared_error
from micrograd_es.nn import MLP
from micrograd_es.value import Value

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "absolute": absolute_error,
    "squared": squared_error,
}
ZONE = 0.5  # the article's green zone, a tenth of its error: |output - target| up to here


@dataclass(frozen=True, slots=True)
class Step:
    """Where the descent stands: weights, output, error, gradient, the rate of the next step."""

    number: int
    w1: float
    w2: float
    output: float
    error: float
    g1: float
    g2: float
    lr: float

    @property
    def length(self) -> float:
        """The length of the gradient: the slope in its own direction, the steepest there is."""
        return math.hypot(self.g1, self.g2)


@dataclass(frozen=True, slots=True)
class Lesson:
    """The 1-1-1 network ŷ = w2·(w1·x): its input, what is wanted of it, where it starts."""

    x: float = 4.0
    target: float = 1.0
    w1: float = 1.5
    w2: float = 1.0
    loss: str = "absolute"

    def network(self) -> MLP:
        """Return the network with its two weights set, and named w1 and w2."""
        network = MLP(1, [1, 1], activation="linear", bias=False, rng=random.Random(0))
        for parameter, data, name in zip(
            network.parameters(), (self.w1, self.w2), ("w1", "w2"), strict=True
        ):
            parameter.data, parameter.name = data, name
        return network

    def forward(self, network: MLP) -> tuple[Value, Value]:
        """Return (output, error) of the network; their graph has the article's names."""
        x = Value(self.x, name="x")
        output = network([x])
        error: Value = LOSSES[self.loss](output, self.target)
        output.name, error.name = "ŷ", "E"
        output.args[1].name = "h"
        sign = "-" if self.target >= 0 else "+"
        error.args[0].name = f"ŷ {sign} {abs(self.target):g}"
        return output, error

    def at(self, w1: float, w2: float) -> Step:
        """Return output, error and gradient at these weights."""
        network = replace(self, w1=w1, w2=w2).network()
        output, error = self.forward(network)
        error.backward()
        g1, g2 = (parameter.grad for parameter in network.parameters())
        return Step(0, w1, w2, output.data, error.data, g1, g2, 0.0)

    @property
    def goal(self) -> float:
        """How near to the target is near enough: the green zone for the absolute error, |ŷ - t| ≤
        0.5; for the squared one 1e-3.
        """
        return ZONE if self.loss == "absolute" else 1e-3

    def responsibility(self) -> Responsibility:
        """Return each weight's responsibility for the error at the start."""
        network = self.network()
        return responsibility(self.forward(network)[1], network.parameters())

    def curvature(self, w1: float, w2: float) -> float:
        """Return λ = 2x²(w1² + w2²), the curvature of (ŷ - t)² across the curve of its minima."""
        return 2 * self.x * self.x * (w1 * w1 + w2 * w2)

    def rate(self) -> float:
        """Return the rate η whose first step takes a tenth off ŷ - t, as the article's (6 → 5.5).

        ŷ(η) = x·(w1 - ηg1)·(w2 - ηg2) is a parabola, and η the smaller root of
        ŷ(η) = ŷ - (ŷ - t)/10: (52 - √2512)/192 for the article's numbers; 0.01 if there is none.
        """
        start = self.at(self.w1, self.w2)
        a = self.x * start.g1 * start.g2
        b = -self.x * (self.w1 * start.g2 + self.w2 * start.g1)
        c = (start.output - self.target) / 10
        under = b * b - 4 * a * c
        if under < 0 or b == 0:
            return 0.01
        eta = 2 * c / (-b + math.copysign(math.sqrt(under), -b))
        return eta if 0 < eta < math.inf else 0.01
