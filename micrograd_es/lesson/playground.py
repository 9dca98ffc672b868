"""What the lesson page plays: a square of weights, starts in it, learning rates, every descent."""

from __future__ import annotations

import math
import sys
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from itertools import pairwise

from micrograd_es.lesson.network import LOSSES, ZONE, Lesson, Step, descend, settled

STEPS = 40  # of every descent on the page
LATE = 10  # of them are shown after it came into the zone to stay
SIZE, ARROWS = 400.0, 11  # of the map: its side in pixels, arrows along it
MESH = 17  # points along each side of the surface
POWERS = (-8, 8)  # of ten: the axis of the error curve
TURN, TILT = -0.7, 0.6  # how the surface lies at first, in radians
# Where descents start, besides the lesson's own weights: in units of the larger of them.
STARTS = ((0.3, 1.1), (-0.9, -0.5), (0.6, -0.7), (0.07, 0.03))


@dataclass(frozen=True, slots=True)
class Run:
    """A descent at a constant rate: what is shown of it, what becomes of it, and after how many
    steps it came into the zone to stay.
    """

    lr: float
    steps: tuple[Step, ...]
    verdict: str
    count: int


@dataclass(frozen=True)
class Board:
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
        own = (self.lesson.w1, self.lesson.w2)
        return [own, *((float(f"{u * self.unit:.2g}"), float(f"{v * self.unit:.2g}"))
                       for u, v in STARTS)]  # fmt: skip

    @cached_property
    def rates(self) -> list[float]:
        """Rates as 1, 2, 5, 10 …, from far below the lesson's own to far above it."""
        middle = math.floor(math.log10(self.lesson.rate()))
        found = [float(f"{d}e{middle + k}") for k in range(-1, 4) for d in (1, 2, 5)]
        return [rate for rate in found if 0.06 <= rate / self.lesson.rate() <= 60]

    @cached_property
    def runs(self) -> dict[str, list[list[Run]]]:
        """A run by loss, start and rate."""

        def run(loss: str, a: float, b: float, rate: float) -> Run:
            lesson = replace(self.lesson, w1=a, w2=b, loss=loss)
            whole = descend(lesson, rate, STEPS, goal=0, halve=False)
            found = settled(lesson, whole, ZONE)
            count = found.last.number
            shown = count + LATE + 1 if found.verdict == "reached" else None
            return Run(rate, whole.steps[:shown], found.verdict, count)

        return {
            loss: [[run(loss, a, b, rate) for rate in self.rates] for a, b in self.starts]
            for loss in LOSSES
        }

    def presets(self, loss: str) -> dict[str, int | None]:
        """Return the places of a small, a good, twice that and a too large rate; None for what this
        lesson has none of.
        """
        runs = self.runs[loss][0]
        reached = [i for i, run in enumerate(runs) if run.verdict == "reached" and run.count]

        def twice(i: int) -> int | None:
            wanted = 2 * self.rates[i]
            return next((k for k, lr in enumerate(self.rates) if math.isclose(lr, wanted)), None)

        def worth(i: int) -> tuple[bool, bool, int]:
            double = twice(i)
            return (double is None, double not in reached, runs[i].count)

        good = min(reached, key=worth, default=None)
        middle = len(runs) // 2 if good is None else good
        slower = [i for i in range(middle) if runs[i].verdict == "slow"]
        wild = [i for i in range(middle, len(runs)) if runs[i].verdict in ("bounces", "diverges")]
        return {
            "small": max(slower, default=None),
            "good": good,
            "twice": None if good is None else twice(good),
            "large": min(wild, default=None),
        }

    def look(self, w1: float, w2: float, loss: str) -> Step:
        return replace(self.lesson, loss=loss).at(w1, w2)

    def spread(self, count: int) -> list[float]:
        """Return coordinates from side to side."""
        return [self.half * (2 * i / (count - 1) - 1) for i in range(count)]

    @cached_property
    def tops(self) -> dict[str, float]:
        """The largest error in the square, by loss: it is in a corner."""
        corners = [(u, v) for u in (-self.half, self.half) for v in (-self.half, self.half)]
        return {loss: max(self.look(*c, loss).error for c in corners) or 1.0 for loss in LOSSES}

    @cached_property
    def surface(self) -> dict[str, list[list[float]]]:
        """Heights from 0 to 1 on a mesh, rows along w2: of E, of log(1 + E) for the square."""
        rows = {}
        for loss, top in self.tops.items():
            found = [[self.look(a, b, loss).error for a in self.spread(MESH)]
                     for b in self.spread(MESH)]  # fmt: skip
            rows[loss] = [[height(error, top, loss) for error in row] for row in found]
        return rows

    @cached_property
    def arrow(self) -> dict[str, float]:
        """Pixels of an arrow for each unit of slope: the one at the start is as long as a cell."""
        cell = SIZE / ARROWS
        return {loss: cell / (self.runs[loss][0][0].steps[0].length or 1.0) for loss in LOSSES}

    @property
    def data(self) -> dict[str, object]:
        """Everything that the page plays, ready for json."""
        return {
            "low": -self.half,
            "high": self.half,
            "losses": list(LOSSES),
            "starts": self.starts,
            "rates": self.rates,
            "presets": {loss: self.presets(loss) for loss in LOSSES},
            "runs": {loss: [[run_data(self, run) for run in row] for row in rows]
                     for loss, rows in self.runs.items()},
            "surface": self.surface,
            "tops": self.tops,
            "arrow": self.arrow,
            "width": 2 * ZONE,
            "limit": STEPS,
            "powers": POWERS,
            "turn": TURN,
            "tilt": TILT,
        }  # fmt: skip


def height(error: float, top: float, loss: str) -> float:
    part = math.log1p(error) / math.log1p(top) if loss == "squared" else error / top
    return round(part, 3)


LARGEST = sys.float_info.max  # stands for what is larger: json has no infinity


def short(x: float) -> float:
    """Return x with as many digits as the page shows: four, or three of what is far from 1."""
    return float(f"{x:.4g}" if 1e-4 <= abs(x) < 1e6 else f"{x:.3g}")


def run_data(board: Board, run: Run) -> dict[str, object]:
    """Return a run; λ and 2/λ at its end, or where it starts if it diverges; how far its late steps
    move ŷ.
    """
    at = run.steps[0] if run.verdict == "diverges" else run.steps[-1]
    curvature = min(LARGEST, board.lesson.curvature(at.w1, at.w2))
    jumps = [abs(b.output - a.output) for a, b in pairwise(run.steps[-LATE:])]
    return {
        "verdict": run.verdict,
        "count": run.count,
        "curvature": curvature,
        "bound": min(LARGEST, 2 / curvature) if curvature else None,
        "jump": min(LARGEST, max(jumps, default=0.0)),
        "steps": [[*map(short, astuple(step)[1:7])] for step in run.steps],
    }
