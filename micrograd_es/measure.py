"""The slope of a function of one number, measured: nudge it, see how far it moves.

Differences at shrinking steps are extrapolated to the step 0 (Richardson 1911, Romberg 1955); each
extrapolation carries a bound: what it still changed, plus what rounding and the noise of the
function may do. A coarse step is believed only where it agrees with every finer one, so that a
kink between the two is not overlooked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

Line = Callable[[float], float]  # NaN where it is undefined

EPSILON = 2.0**-52
LEVELS = 64  # how often the step is halved, at most
COLUMNS = 4  # how often each difference is extrapolated
SAFETY = 4.0  # bounds are estimates: two measures disagree if they are this many apart
STAIRS = 1e-5  # of the largest move: a smallest move below is rounding inside the line, not a jump
GROWTH = 30.0  # of the differences over all steps, where the tangent is vertical


@dataclass(frozen=True, slots=True)
class Slope:
    """An estimate ± the bound of its error; NaN ± infinity if nothing could be measured."""

    estimate: float = math.nan
    bound: float = math.inf

    @property
    def known(self) -> bool:
        return self.bound < math.inf


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured at a point: the slope by steps to both sides, and to each one.

    around    the largest difference quotient of any step
    vertical  the finest quotient, where they grow without end as the steps shrink; else 0
    noise     how far values of the line are off its smooth course
    """

    both: Slope
    left: Slope
    right: Slope
    around: float
    vertical: float
    noise: float


def measure(line: Line, x: float, y: float) -> Measured:
    """Return the slopes of a line at x, where it is y."""
    noise = noise_at(line, x, y)
    looks = list(look(line, x, y, noise))
    noise = max(noise, stair(looks, y))
    central, shifted, right, left = Ladder(4.0), Ladder(4.0), Ladder(2.0), Ladder(2.0)
    around = 0.0
    for one in looks:
        error = 2 * (noise + EPSILON * max(abs(y), abs(one.above), abs(one.below)))
        across = one.high - one.low
        ladder = central if one.first else shifted
        ladder.add((one.above - one.below) / across, error / across)
        ahead, behind = (one.above - y) / (one.high - x), (y - one.below) / (x - one.low)
        around = max(around, abs(ahead), abs(behind))  # of a NaN, max keeps the first
        if one.first:
            right.add(ahead, error / (one.high - x))
            left.add(behind, error / (x - one.low))
    both = joined(central.limit(), shifted.limit())
    vertical = growth(right.quotients, left.quotients)
    return Measured(both, left.limit(), right.limit(), around, vertical, noise)


def stair(looks: list[Look], y: float) -> float:
    """Return the height of the stairs that a line goes up in, by its own rounding; 0 if in none.

    Its smallest move is then met again and again, and is small beside the largest.
    """
    moves = [d for one in looks for d in (abs(one.above - y), abs(one.below - y)) if d > 0]
    least, largest = min(moves, default=0.0), max(moves, default=0.0)
    again = sum(move < 1.01 * least for move in moves)
    return least if again > 2 and least <= STAIRS * largest else 0.0


class Look(NamedTuple):
    """The line at both sides of x; `first` of the two sequences of steps."""

    high: float
    low: float
    above: float
    below: float
    first: bool


def look(line: Line, x: float, y: float, noise: float) -> Iterator[Look]:
    """Yield looks at both sides by steps that are halved, from two sizes in turn, until they are so
    small that rounding is all there is to see.
    """
    base = 2.0 ** math.frexp(max(abs(x), 1.0))[1] / 4  # a power of two: x ± h are mostly exact
    around, blind = 0.0, 0
    for level in range(LEVELS):
        for step in (base, 0.75 * base):
            h = step * 2.0**-level
            high, low = x + h, x - h
            if high == x or low == x:
                return
            above, below = line(high), line(low)
            yield Look(high, low, above, below, step == base)
            around = max(around, abs(above - y) / h, abs(below - y) / h)
            error = 2 * (noise + EPSILON * max(abs(y), abs(above), abs(below)))
        blind = blind + 1 if error / h > around else 0
        if blind >= 2 and level > 12:
            return


class Ladder:
    """Difference quotients at shrinking steps, and what each of them says of the limit.

    `factor` is what halving the step divides their error by: 4 for steps to both sides, 2 for steps
    to one.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.quotients: list[float] = []  # those that are more than rounding
        self.row: list[tuple[float, float]] = []  # the last quotient and its extrapolations
        self.rungs: list[tuple[float, float]] = []  # the best of each row, from coarse to fine

    def add(self, quotient: float, rounding: float) -> None:
        """Extrapolate the quotient at half the step before."""
        if not math.isfinite(quotient):
            self.row = []
            return
        if rounding < abs(quotient) / 4:
            self.quotients.append(quotient)
        row, best, factor = [(quotient, rounding + EPSILON * abs(quotient))], (0.0, math.inf), 1.0
        for above, above_rounding in self.row:
            factor *= self.factor
            last, last_rounding = row[-1]
            new = last + (last - above) / (factor - 1)
            rounded = (factor * last_rounding + above_rounding) / (factor - 1)
            row.append((new, rounded))
            bound = max(abs(new - last), abs(new - above)) + rounded
            if bound < best[1]:
                best = (new, bound)
        self.row = row[:COLUMNS]
        self.rungs.append(best)

    def limit(self) -> Slope:
        """Return the rung of the least bound among those that agree with all finer ones."""
        low, high, best = -math.inf, math.inf, Slope()
        for estimate, bound in reversed(self.rungs):
            room = SAFETY * bound
            if estimate - room > high or estimate + room < low:
                break
            low, high = max(low, estimate - room), min(high, estimate + room)
            if bound < best.bound:
                best = Slope(estimate, bound)
        return best


def joined(one: Slope, other: Slope) -> Slope:
    """Return the better of two independent measures; their disagreement is part of its bound."""
    better, worse = sorted((one, other), key=lambda slope: slope.bound)
    if not worse.known:
        return better
    bound = min(worse.bound, 32 * better.bound)  # that one is lucky is no proof
    return Slope(better.estimate, max(bound, abs(one.estimate - other.estimate)))


def growth(*sides: list[float]) -> float:
    """Return the finest quotient if those of a side grow without end, in one direction; else 0."""
    for quotients in sides:
        sparse = quotients[::-4][::-1]
        grown = all(abs(b) >= abs(a) and a * b > 0 for a, b in pairwise(sparse))
        still = len(sparse) > 4 and abs(sparse[-1]) > 1.5 * abs(sparse[-2])
        if still and grown and abs(sparse[-1]) > GROWTH * abs(sparse[0]):
            return sparse[-1]
    return 0.0


def noise_at(line: Line, x: float, y: float) -> float:
    """Return how far values of the line are off its smooth course, at least the last bit of y.

    By the differences of high order of values side by side (Moré and Wild 2011), at several
    spacings: where a line goes up in stairs of its own rounding, the narrow ones see one stair. A
    kink is no noise: its slope is another one at the other end.
    """
    quantum, noise = math.ulp(x) if x else 2.0**-60, 0.0
    for spacing in (81.3, 723.7, 2.3e4, 1.5e6):  # no powers of two: rounding must show
        values = [line(x + k * spacing * quantum) for k in range(-4, 5)]
        if not all(map(math.isfinite, values)):
            continue
        levels = []
        for order in range(1, 7):
            values = [b - a for a, b in pairwise(values)]
            spread = max(abs(v - values[0]) for v in values)
            if order == 1 and abs(values[-1] - values[0]) > spread / 2:
                break  # the slope is another one at the other end
            levels.append(max(map(abs, values)) / math.sqrt(math.comb(2 * order, order)))
        noise = max(noise, min(levels[3:], default=0.0))
    return max(2 * noise, math.ulp(y))
