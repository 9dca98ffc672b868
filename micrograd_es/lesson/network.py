"""The article's network, and its way down.

Lesson(x, target, w1, w2)       what goes in, what is wanted, where the weights start
descend(lesson, lr, limit)      steps downhill, and how they end
sweep(lesson, lr)               what other rates would do
climb(lesson), field(lesson)    slopes in all directions; gradients around the start
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from micrograd_es.errors import MicrogradError, NonFiniteError
from micrograd_es.explanation.attribution import Responsibility, responsibility
from micrograd_es.losses import absolute_error, squared_error
from micrograd_es.nn import MLP
from micrograd_es.optim import SGD
from micrograd_es.value import Value

LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "absolute": absolute_error,
    "squared": squared_error,
}
ZONE = 0.5  # the article's green zone, a tenth of its error: |output - target| up to here
REACHED = 1e-6  # |output - target| below which the target counts as reached
DIVERGED = 1e6  # times the best error so far


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


# ---- the way down --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Descent:
    """A descent, and how it ended: reached, bounces, slow, stuck or diverges."""

    lr: float
    steps: tuple[Step, ...]
    verdict: str

    @property
    def last(self) -> Step:
        return self.steps[-1]


def descend(
    lesson: Lesson, lr: float, limit: int, goal: float = REACHED, halve: bool | None = None
) -> Descent:
    """Return the descent from the lesson's start until |ŷ - t| < goal, at most `limit` steps.

    With `halve` the rate is halved at every change of sign of ŷ - t, without which |ŷ - t| never
    settles; by default for the absolute error only. Stops with the verdict "diverges" at an error a
    million times the best one, or beyond the largest float.
    """
    halving = lesson.loss == "absolute" if halve is None else halve
    network = lesson.network()
    optimizer = SGD(network.parameters(), lr)
    w1, w2 = optimizer.parameters
    steps: list[Step] = []
    best, side, verdict = math.inf, 0.0, ""
    while not verdict:
        try:
            output, error = lesson.forward(network)
            optimizer.zero_grad()
            error.backward()
        except (MicrogradError, OverflowError):
            verdict = "diverges"
            break
        off = output.data - lesson.target
        if halving and off * side < 0:
            optimizer.lr /= 2
        side = off
        best = min(best, error.data)
        numbers = (w1.data, w2.data, output.data, error.data, w1.grad, w2.grad, optimizer.lr)
        steps.append(Step(len(steps), *numbers))
        if abs(off) < goal or off == 0:
            verdict = "reached"
        elif error.data > DIVERGED * best:
            verdict = "diverges"
        elif w1.grad == w2.grad == 0:
            verdict = "stuck"
        elif len(steps) > limit:
            verdict = ending(lesson, steps)
        else:
            try:
                optimizer.step()
            except NonFiniteError:
                verdict = "diverges"
    return Descent(lr, tuple(steps), verdict)


def ending(lesson: Lesson, steps: list[Step]) -> str:
    """Return how a descent that ran out of steps was going: from side to side, or slowly."""
    late = [step.output - lesson.target for step in steps[-10:]]
    return "bounces" if min(late) < 0 < max(late) else "slow"


@dataclass(frozen=True, slots=True)
class Rates:
    """Constant rates side by side: (role, descent) for slow, good, twice, bounces, diverges."""

    goal: float
    limit: int
    runs: tuple[tuple[str, Descent], ...]


def sweep(lesson: Lesson, lr: float, limit: int = 200) -> Rates:
    """Return what becomes of the descent at constant rates lr·2ᵏ, a run for each outcome.

    The goal is to come into the zone and stay there.
    """

    def run(k: int) -> Descent:
        return descend_at_constant_rate(lesson, lr * 2.0**k, limit)

    outcomes = {"good": run(0), "twice": run(1)}
    slower, faster = ([run(k) for k in range(sign, 11 * sign, sign)] for sign in (-1, 1))
    for role, runs in (("slow", slower), ("bounces", faster), ("diverges", faster)):
        nearest = next((descent for descent in runs if descent.verdict == role), None)
        if nearest is not None:
            outcomes[role] = nearest
    return Rates(lesson.goal, limit, tuple(sorted(outcomes.items(), key=lambda item: item[1].lr)))


def descend_at_constant_rate(lesson: Lesson, lr: float, limit: int) -> Descent:
    """Return the descent at one rate, up to where it comes within the lesson's goal to stay."""
    return cut_at_goal(lesson, descend(lesson, lr, limit, goal=0, halve=False), lesson.goal)


def cut_at_goal(lesson: Lesson, descent: Descent, goal: float) -> Descent:
    """Return the descent up to where it comes within the goal to stay; all of it if it does not."""
    outside = [abs(step.output - lesson.target) > goal for step in descent.steps]
    if descent.verdict == "diverges" or any(outside[-10:]):
        return descent
    entered = max((i for i, out in enumerate(outside, start=1) if out), default=0)
    return Descent(descent.lr, descent.steps[: entered + 1], "reached")


@dataclass(frozen=True, slots=True)
class Climb:
    """The gradient's length and direction, and slopes measured around: (degrees, slope)."""

    length: float
    degrees: float
    slopes: tuple[tuple[float, float], ...]

    @property
    def steepest(self) -> tuple[float, float]:
        return max(self.slopes, key=lambda pair: pair[1])


def climb(lesson: Lesson, directions: int = 360) -> Climb:
    """Measure the slope of the error in directions all around, by central differences."""
    start = lesson.at(lesson.w1, lesson.w2)
    h = 2.0**-20
    slopes = []
    for i in range(directions):
        degrees = 360 * i / directions
        u, v = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        above, below = (
            lesson.at(lesson.w1 + s * h * u, lesson.w2 + s * h * v).error for s in (1, -1)
        )
        slopes.append((degrees, (above - below) / (2 * h)))
    return Climb(start.length, math.degrees(math.atan2(start.g2, start.g1)) % 360, tuple(slopes))


def field(lesson: Lesson, size: int = 5, spacing: float = 0.25) -> list[list[Step]]:
    """Return the gradient on a grid around the start, rows from the largest w2 to the smallest."""
    offsets = [spacing * (i - size // 2) for i in range(size)]
    return [
        [lesson.at(lesson.w1 + dx, lesson.w2 + dy) for dx in offsets] for dy in reversed(offsets)
    ]
