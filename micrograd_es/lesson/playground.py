"""What the lesson page plays: a square of weights, starts in it, learning rates, every descent.

    Playground(lesson)     its numbers; `data` holds them all, ready for json

It computes, and draws nothing: that is the script's part, in assets/.
"""

from __future__ import annotations

import math
import sys
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from itertools import pairwise

from micrograd_es.lesson.network import LOSSES, ZONE, Lesson, Step, cut_at_goal, descend

STEPS = 40  # of every descent on the page
LATE = 10  # of them are shown after it came into the zone to stay
ARROWS = 11  # along each side of the field of gradients
MESH = 17  # points along each side of the surface
# Where descents start, besides the lesson's own weights: in units of the larger of them.
STARTS = ((0.3, 1.1), (-0.9, -0.5), (0.6, -0.7), (0.07, 0.03))
LARGEST = sys.float_info.max  # stands for what is larger: json has no infinity


@dataclass(frozen=True, slots=True)
class Trial:
    """A descent at a constant rate: its steps as far as they are shown, what becomes of it, and
    after how many steps it came into the zone to stay.
    """

    lr: float
    steps: tuple[Step, ...]
    verdict: str
    count: int


@dataclass(frozen=True)
class Playground:
    """What the descent is played on: a square of weights, starts in it, rates, and every run."""

    lesson: Lesson

    @cached_property
    def unit(self) -> float:
        """The larger of the lesson's weights: the measure of the square."""
        return max(abs(self.lesson.w1), abs(self.lesson.w2)) or 1.0

    @cached_property
    def half(self) -> float:
        """Half a side of the square, whose middle is the saddle at (0, 0)."""
        return 4 / 3 * self.unit

    @cached_property
    def starts(self) -> list[tuple[float, float]]:
        """The lesson's own weights, and other places in the square."""
        own = (self.lesson.w1, self.lesson.w2)
        return [own, *((float(f"{u * self.unit:.2g}"), float(f"{v * self.unit:.2g}"))
                       for u, v in STARTS)]  # fmt: skip

    @cached_property
    def rates(self) -> list[float]:
        """Rates as 1, 2, 5, 10 …, from far below the lesson's own to far above it."""
        middle = math.floor(math.log10(self.lesson.rate()))
        rates = [float(f"{digit}e{middle + k}") for k in range(-1, 4) for digit in (1, 2, 5)]
        return [rate for rate in rates if 0.06 <= rate / self.lesson.rate() <= 60]

    @cached_property
    def runs(self) -> dict[str, list[list[Trial]]]:
        """A run for each loss, start and rate."""
        return {
            loss: [[self.run(loss, start, rate) for rate in self.rates] for start in self.starts]
            for loss in LOSSES
        }

    def run(self, loss: str, start: tuple[float, float], rate: float) -> Trial:
        """Return the descent from a start at a constant rate."""
        lesson = replace(self.lesson, w1=start[0], w2=start[1], loss=loss)
        descent = descend(lesson, rate, STEPS, goal=0, halve=False)
        outcome = cut_at_goal(lesson, descent, ZONE)
        count = outcome.last.number
        shown = count + LATE + 1 if outcome.verdict == "reached" else None
        return Trial(rate, descent.steps[:shown], outcome.verdict, count)

    def presets(self, loss: str) -> dict[str, int | None]:
        """Return the places of a small, a good, twice that and a too large rate; None for one that
        this lesson does not have.
        """
        runs = self.runs[loss][0]
        reached = [i for i, run in enumerate(runs) if run.verdict == "reached" and run.count]

        def twice(i: int) -> int | None:
            double = 2 * self.rates[i]
            return next((k for k, lr in enumerate(self.rates) if math.isclose(lr, double)), None)

        def preference(i: int) -> tuple[bool, bool, int]:
            double = twice(i)
            return (double is None, double not in reached, runs[i].count)

        good = min(reached, key=preference, default=None)
        middle = len(runs) // 2 if good is None else good
        slower = [i for i in range(middle) if runs[i].verdict == "slow"]
        wild = [i for i in range(middle, len(runs)) if runs[i].verdict in ("bounces", "diverges")]
        return {
            "small": max(slower, default=None),
            "good": good,
            "twice": None if good is None else twice(good),
            "large": min(wild, default=None),
        }

    def grid(self, loss: str, numbers: list[float]) -> list[list[Step]]:
        """Return the network at every pair of these weights, rows along w2."""
        lesson = replace(self.lesson, loss=loss)
        return [[lesson.at(w1, w2) for w1 in numbers] for w2 in numbers]

    @property
    def data(self) -> dict[str, object]:
        """Everything that the page plays, ready for json.

        low, high       the sides of the square of weights
        places, fields  coordinates in it, and the gradient at every pair of them, by loss
        mesh            the error on a mesh from side to side, rows along w2, by loss
        runs            every descent, by loss, start and rate
        """
        places = [self.half * ((2 * i + 1) / ARROWS - 1) for i in range(ARROWS)]
        along = [self.half * (2 * i / (MESH - 1) - 1) for i in range(MESH)]
        return {
            "low": -self.half,
            "high": self.half,
            "x": self.lesson.x,
            "target": self.lesson.target,
            "zone": ZONE,
            "losses": list(LOSSES),
            "starts": self.starts,
            "rates": self.rates,
            "limit": STEPS,
            "presets": {loss: self.presets(loss) for loss in LOSSES},
            "runs": {loss: [[run_data(self.lesson, run) for run in row] for row in rows]
                     for loss, rows in self.runs.items()},
            "places": places,
            "fields": {loss: [(short(step.g1), short(step.g2))
                              for row in self.grid(loss, places) for step in row]
                       for loss in LOSSES},
            "mesh": {loss: [[short(step.error) for step in row] for row in self.grid(loss, along)]
                     for loss in LOSSES},
        }  # fmt: skip


def short(x: float) -> float:
    """Return x with as many digits as the page shows: four, or three of what is far from 1."""
    return float(f"{x:.4g}" if 1e-4 <= abs(x) < 1e6 else f"{x:.3g}")


def run_data(lesson: Lesson, run: Trial) -> dict[str, object]:
    """Return a run, with three numbers that are said of it.

    curvature  λ where the run ends, or where it starts if it diverges
    bound      2/λ; None if there is no curvature
    jump       how far the late steps move ŷ, at most
    """
    place = run.steps[0] if run.verdict == "diverges" else run.steps[-1]
    curvature = min(LARGEST, lesson.curvature(place.w1, place.w2))
    jumps = [abs(b.output - a.output) for a, b in pairwise(run.steps[-LATE:])]
    return {
        "verdict": run.verdict,
        "count": run.count,
        "curvature": curvature,
        "bound": min(LARGEST, 2 / curvature) if curvature else None,
        "jump": min(LARGEST, max(jumps, default=0.0)),
        "steps": [[*map(short, astuple(step)[1:7])] for step in run.steps],
    }
