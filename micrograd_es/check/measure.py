"""The slope of a function of one number, measured: nudge it, see how far it moves.

    measure(line, x, y)   the slopes of a line at x, where it is y, each ± a bound of its error

Nudge x by a step h to both sides: (f(x + h) - f(x - h)) / 2h is nearly the slope. How nearly?

1. A coarse step is off because f bends; a fine one because f is rounded. So many steps are tried,
   each half as long as the one before, and what they say is *extrapolated* to the step 0
   (Richardson 1911, Neville 1934). Each extrapolation carries a bound: what it still changed, plus
   what rounding may do.
2. A coarse step that flew over a kink, or a wave, is wrong with twelve digits. So it is believed
   only where it agrees with every finer step.
3. But if f is rounded more coarsely than its values are (float32 inside, a difference of two large
   numbers), it goes up in *stairs*: fine steps see one stair, which is flat or has a slope of its
   own, and they are wrong. What tells stairs from a wave is that they are broken: halve an interval
   again and again, and the move of f across a stair's edge does not shrink. Then the height of the
   stairs is the noise of f, fine steps drown in it, and coarse ones are believed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

Line = Callable[[float], float]  # NaN where it is undefined

EPSILON = 2.0**-52
LEVELS = 64  # how often the step is halved, at most
SHIFT = 0.7123  # between the two sequences of steps: no wave fits both
COLUMNS = 4  # how often each difference is extrapolated
SAFETY = 4.0  # bounds are estimates: two measures disagree if they are this many apart
NEARBY = 1e-3  # of the coarsest step: how far a point may look for the slopes around it
GROWTH = 30.0  # of the differences over all steps, where the tangent is vertical
EDGES = 3  # of stairs that are found nearby: one or two edges are those of a function with branches
NARROW = 4.0  # last bits of y: less noise than this may be that of arithmetic on level ground
REACH = 16.0  # steps: as far as the extrapolations of one step look


@dataclass(frozen=True, slots=True)
class Slope:
    """An estimate ± the bound of its error; NaN ± infinity if nothing could be measured.

    doubt  the finest step that contradicts those finer than itself; 0 if none does
    """

    estimate: float = math.nan
    bound: float = math.inf
    doubt: float = 0.0

    @property
    def known(self) -> bool:
        return self.bound < math.inf


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured at a point: the slope by steps to both sides, and to each one.

    around    the largest difference quotient of any step
    nearby    the largest of those by small steps
    vertical  the finest quotient, where they grow without end as the steps shrink; else 0
    jump      how far the line jumps at the point itself
    noise     how far values of the line are off its smooth course
    stair     the slope on one stair, where the line goes up in stairs as high as the noise
    """

    both: Slope
    left: Slope
    right: Slope
    around: float
    nearby: float
    vertical: float
    jump: float
    noise: float
    stair: Slope | None = None

    @property
    def best(self) -> Slope:
        """The slope to both sides; where it is unknown, to the side where it is known best."""
        return self.both if self.both.known else min(self.left, self.right, key=bound_of)


def bound_of(slope: Slope) -> float:
    return slope.bound


def measure(line: Line, x: float, y: float) -> Measured:
    """Return the slopes of a line at x, where it is y."""
    noise = noise_at(line, x, y)
    looks = list(look(line, x, y, noise))
    seen = read(looks, x, y, noise)
    if noise > NARROW * math.ulp(y) and is_level(line, x, y, seen.best):
        return replace(seen, stair=Slope(0.0, 0.0))
    doubt = max(seen.both.doubt, seen.left.doubt, seen.right.doubt, plateau(looks, x, y))
    base = looks[0].high - x
    reach = base if seen.jump else min(REACH * doubt, base)
    height = stairs(line, x, reach, base, seen.best, 8 * noise) if reach else 0.0
    return replace(read(looks, x, y, height), stair=seen.best) if height else seen


def is_level(line: Line, x: float, y: float, slope: Slope) -> bool:
    """Whether the line has its value still where its slope would have moved it by some last bits:
    its noise is then made of stairs, so narrow that no step fits on one.
    """
    if not (slope.known and slope.estimate):
        return False
    far = max(math.ulp(x), NARROW * math.ulp(y) / abs(slope.estimate))
    return all(line(x + k * far) == y for k in (-2, -1, 1, 2))


def plateau(looks: list[Look], x: float, y: float) -> float:
    """Return the finest step that moves the line, if it is flat at finer ones; else 0."""
    moving = [one.high - x for one in looks if not one.above == y == one.below]
    return moving[-1] if moving and looks[-1].above == y == looks[-1].below else 0.0


def read(looks: list[Look], x: float, y: float, noise: float) -> Measured:
    """Return what the looks say of the slopes at x, if values may be off by the noise."""
    ladders = [(Ladder(2), Ladder(1), Ladder(1)) for _ in range(2)]
    around = nearby = 0.0
    for one in looks:
        up, down = one.high - x, x - one.low
        ahead, behind = (one.above - y) / up, (y - one.below) / down
        error = 2 * (noise + EPSILON * max(abs(y), abs(one.above), abs(one.below)))
        uneven = abs(ahead - behind) * abs(up - down)  # where x + h is rounded
        central, left, right = ladders[one.sequence]
        across = up + down
        central.add(across / 2, (one.above - one.below) / across, (error + uneven) / across)
        left.add(down, behind, error / down)
        right.add(up, ahead, error / up)
        around = max(around, abs(ahead), abs(behind))  # of a NaN, max keeps the first
        if up < NEARBY * (looks[0].high - x):
            nearby = max(nearby, abs(ahead) - 2 * error / up, abs(behind) - 2 * error / down)
    both, left_slope, right_slope = (
        join(one.limit(), other.limit()) for one, other in zip(*ladders, strict=True)
    )
    _, left, right = ladders[0]
    vertical, jump = right.growth() or left.growth(), max(right.jump(), left.jump())
    return Measured(both, left_slope, right_slope, around, nearby, vertical, jump, noise)


class Look(NamedTuple):
    """The line at both sides of x, by a step of one of two sequences."""

    high: float
    low: float
    above: float
    below: float
    sequence: int


def look(line: Line, x: float, y: float, noise: float) -> Iterator[Look]:
    """Yield looks at both sides by steps that are halved, from two sizes in turn, until they are so
    small that rounding is all there is to see.
    """
    base = math.ldexp(0.25, math.frexp(max(abs(x), 1.0))[1])  # so that x ± h are mostly exact
    around, blind = 0.0, 0
    for level in range(LEVELS):
        for sequence, step in enumerate((base, SHIFT * base)):
            h = step * 2.0**-level
            if h < 4 * math.ulp(x):
                return
            high, low = x + h, x - h
            above, below = line(high), line(low)
            yield Look(high, low, above, below, sequence)
            around = max(around, abs(above - y) / h, abs(below - y) / h)
            error = 2 * (noise + EPSILON * max(abs(y), abs(above), abs(below)))
        blind = blind + 1 if error / h > around else 0
        if blind >= 2 and level > 12:
            return


class Rung(NamedTuple):
    """The best that is known at a step: an estimate of the slope ± its bound."""

    step: float
    estimate: float
    bound: float


class Ladder:
    """Difference quotients at shrinking steps, and what each of them says of the limit.

    `power` is that of the step with which their error vanishes: 2 for steps to both sides, 1 for
    steps to one.
    """

    def __init__(self, power: int) -> None:
        self.power = power
        self.clear: list[tuple[float, float]] = []  # (step, quotient), those beyond rounding
        self.steps: list[float] = []  # the last ones, the finest first
        self.row: list[tuple[float, float]] = []  # the last quotient and its extrapolations
        self.rungs: list[Rung] = []  # from coarse to fine

    def add(self, step: float, quotient: float, rounding: float) -> None:
        """Extrapolate the quotient of a step that is about half as long as the one before."""
        if not math.isfinite(quotient):
            self.steps, self.row = [], []
            return
        if rounding < abs(quotient) / 4:
            self.clear.append((step, quotient))
        row, best = [(quotient, rounding + EPSILON * abs(quotient))], (0.0, math.inf)
        for coarser, (above, above_rounding) in zip(self.steps, self.row, strict=True):
            factor = (
                coarser / step
            ) ** self.power  # not quite a power of two where x + h is rounded
            last, last_rounding = row[-1]
            new = last + (last - above) / (factor - 1)
            rounded = (factor * last_rounding + above_rounding) / (factor - 1)
            row.append((new, rounded))
            bound = max(abs(new - last), abs(new - above)) + rounded
            if bound < best[1]:
                best = (new, bound)
        self.steps, self.row = [step, *self.steps][:COLUMNS], row[:COLUMNS]
        self.rungs.append(Rung(step, *best))

    def limit(self) -> Slope:
        """Return the rung of the least bound among those that agree with all finer ones."""
        low, high, best = -math.inf, math.inf, Slope()
        for step, estimate, bound in reversed(self.rungs):
            room = SAFETY * bound
            if estimate - room > high or estimate + room < low:
                return replace(best, doubt=step)
            low, high = max(low, estimate - room), min(high, estimate + room)
            if bound < best.bound:
                best = Slope(estimate, bound)
        return best

    def growth(self) -> float:
        """Return the finest quotient if they grow without end, in one direction; else 0."""
        sparse = [quotient for _, quotient in self.clear[::-4][::-1]]
        grown = all(abs(b) >= abs(a) and a * b > 0 for a, b in pairwise(sparse))
        still = len(sparse) > 4 and abs(sparse[-1]) > 1.5 * abs(sparse[-2])
        if still and grown and abs(sparse[-1]) > GROWTH * abs(sparse[0]):
            return sparse[-1]
        return 0.0

    def jump(self) -> float:
        """Return the move that is left at the finest step, if it is that of a step 1000 times as
        long; else 0.
        """
        moves = [abs(step * quotient) for step, quotient in self.clear[-11:]]
        return moves[-1] if len(moves) == 11 and moves[-1] > moves[0] / 2 else 0.0


def join(one: Slope, other: Slope) -> Slope:
    """Return the better of two independent measures; their disagreement is part of its bound."""
    better, worse = sorted((one, other), key=bound_of)
    doubt = max(one.doubt, other.doubt)
    if not worse.known:
        return replace(better, doubt=doubt)
    bound = min(worse.bound, 32 * better.bound)  # that one is lucky is no proof
    return Slope(better.estimate, max(bound, abs(one.estimate - other.estimate)), doubt)


# ---- noise and stairs ----------------------------------------------------------------------------


def noise_at(line: Line, x: float, y: float) -> float:
    """Return how far values of the line are off its smooth course, at least the last bit of y.

    By the differences of high order of values side by side (Moré and Wild 2011), at some spacings.
    Each side is measured alone and the calmer one counts, so that a kink is no noise.
    """
    quantum, noise = math.ulp(x) if x else 2.0**-60, 0.0
    for spacing in (37, 191, 1021):  # whole, so that x is not rounded; odd, so that f is
        sides = []
        for step in (spacing * quantum, -spacing * quantum):
            values, levels = [y, *(line(x + k * step) for k in range(1, 9))], []
            for order in range(1, 7):
                values = [b - a for a, b in pairwise(values)]
                levels.append(max(map(abs, values)) / math.sqrt(math.comb(2 * order, order)))
            sides.append(min(levels[3:]))
        noise = max(noise, min(filter(math.isfinite, sides), default=0.0))
    return max(2 * noise, math.ulp(y))


def stairs(line: Line, x: float, reach: float, base: float, slope: Slope, least: float) -> float:
    """Return how high the stairs are that the line goes up in around x, as far as the coarsest
    step; 0 if it is not broken in three places at least.
    """
    steep, near = slope.estimate if slope.known else 0.0, []
    for far in (reach, min(64 * reach, base)):  # the first edge may be much nearer than the next
        ends = (x + far, x - far)
        near = [h for end in ends for h in edges(line, x, end, steep, least, EDGES)]
        if not near:
            return 0.0
        if len(near) >= EDGES:
            for h in (base, -base):  # far away they may be higher, or narrower
                near += edges(line, x + h / 2, x + h, steep, least, 1)
                if math.isfinite(y := line(x + h / 2)):
                    near.append(noise_at(line, x + h / 2, y))
            return max(near)
    return 0.0


def edges(
    line: Line, start: float, end: float, steep: float, least: float, count: int
) -> list[float]:
    """Return the heights of up to so many places between two points where the line is broken."""
    if not count or (edge := edge_between(line, start, end, steep, least)) is None:
        return []
    near, far, height = edge
    first = edges(line, start, near, steep, least, count - 1)
    return [height, *first, *edges(line, far, end, steep, least, count - 1 - len(first))]


def edge_between(
    line: Line, start: float, end: float, steep: float, least: float
) -> tuple[float, float, float] | None:
    """Return two neighbours between which the line is broken, and how far; None if it is not.

    The interval is halved, and the half kept where the line strays more from a slope: one
    that is not broken strays less and less.
    """
    ya, yb, moves = line(start), line(end), [math.inf]
    for _ in range(LEVELS):
        middle = (start + end) / 2
        if middle in (start, end):
            break
        ym = line(middle)
        first = abs(ym - ya - steep * (middle - start))
        second = abs(yb - ym - steep * (end - middle))
        if second > first:  # not if the line ends before the end
            start, ya = middle, ym
        else:
            end, yb = middle, ym
        moves.append(max(first, second))
        if moves[-1] <= least:
            return None
    broken = len(moves) > 11 and moves[-1] > moves[-11] / 2
    return (start, end, moves[-1]) if broken else None
