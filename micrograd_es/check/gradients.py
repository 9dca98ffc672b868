"""Is this gradient right? A verdict, by measuring the slopes: pass, fail or inconclusive.

There is no absolute tolerance: `1e-6 * tanh(x)` with the gradient 0 is wrong, and found to be. What
passes was measured well enough to tell; what could not be is inconclusive, with the reason.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from micrograd_es.check.measure import EPSILON, SAFETY, Measured, Slope, measure, noise_at
from micrograd_es.coercion import as_float
from micrograd_es.errors import GradientMismatch
from micrograd_es.functions import grad
from micrograd_es.texts import Language, format_table, message_of
from micrograd_es.value import Value
from micrograd_es.value import gradient as gradient_of

TOLERANCE = 1e-6  # of the larger of two slopes: how well one must be measured to pass
PLACE = 1e-9  # of x: how well the place of a kink must be known
KINK = 1e-4  # of the larger of two slopes: how far apart left and right are at a kink
UNSETTLED = 0.1  # of the largest slope around: how unsure that to one side is where there is none
LITTLE = 1e-12  # of a bound: noise this small is not what makes it large
FLAT = 1e-3  # of the tolerance: a slope this small, beside those around it, is that of a flat point
ALONE = 32  # inputs: up to so many, each is measured alone
AS_FLAT = ("still", "flat")  # causes why a slope of 0 passes
HIDDEN = ("noise", "cancellation", "stairs")  # causes that are the same for an input alone
Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class InputCheck:
    """One input: the slope claimed, the slope measured ± its bound, the verdict and its reason.

    cause     why, in a word: kink, vertical, noise, cancellation, domain, …; "" if it just passes
    amount    the number that goes with it
    interval  the slopes on the left and on the right, where they differ: whatever lies between them
              is a subgradient, and passes
    detail    what f raised nearby
    together  how many other inputs moved with this one; 0 if it was measured alone. What was
              measured then is right if the claims for the others are
    """

    claimed: float
    measured: float
    bound: float
    verdict: str
    cause: str = ""
    amount: float = 0.0
    interval: tuple[float, float] | None = None
    detail: str = ""
    together: int = 0

    @property
    def reason(self) -> str:
        """The cause in words: "kink: slopes from 0 to 1"; "" if it just passes."""
        return self.why(Language("en"))

    def why(self, language: Language) -> str:
        """Return the reason in a language."""
        low, high = (language.number(x, ".6g") for x in self.interval or (0.0, 0.0))
        amount, detail = language.number(self.amount, ".2g"), self.detail
        causes = [f"cause_{self.cause}"] if self.cause else []
        causes += ["cause_together"] if self.together else []
        return "; ".join(
            language.say(
                cause, amount=amount, low=low, high=high, detail=detail, count=self.together
            )
            for cause in causes
        )

    @property
    def resolution(self) -> float:
        """The bound relative to the slope: how small an error would have been seen."""
        size = max(abs(self.claimed), abs(self.measured))
        return self.bound / size if size else 0.0 if self.verdict == "pass" else math.inf


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What a check found: one InputCheck for each input, or direction, and an overall verdict.

    Prints as a table: input, claimed, measured ± bound, verdict and reason.
    """

    inputs: tuple[InputCheck, ...]

    @property
    def verdict(self) -> str:
        """fail if any input fails, else inconclusive if any is, else pass."""
        found = {one.verdict for one in self.inputs}
        return next((v for v in ("fail", "inconclusive") if v in found), "pass")

    def __str__(self) -> str:
        return self.table(Language("en"))

    def table(self, language: Language) -> str:
        """Return the table in a language."""
        say, number = language.say, language.number
        rows = [[say(f"check_{head}") for head in ("input", "claimed", "measured", "verdict")]]
        for i, one in enumerate(self.inputs, start=1):
            measured = f"{number(one.measured, '.9g')} ± {number(one.bound, '.1g')}"
            verdict = ": ".join(filter(None, [say(f"verdict_{one.verdict}"), one.why(language)]))
            rows.append([str(i), number(one.claimed, ".9g"), measured, verdict])
        return "\n".join(format_table(rows, "<<<<"))


def check_gradient(
    f: Function,
    point: Sequence[float],
    gradient: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> GradientCheck:
    """Compare a gradient of f at a point with slopes measured there: pass, fail or inconclusive.

    f is any function of floats, its inputs as separate arguments; `gradient` is what any engine
    says, a slope for each input. Without it f is run on Values, and the gradient is ours. A slope
    fails if it is off by more than four bounds and half of `tolerance`; it passes if its bound is
    below `tolerance`, which is relative to the slope. What f raises at the point itself is not
    caught; nearby, it says where the domain of f ends. Of more than 32 inputs, those whose claims
    agree together are not measured alone, and the table says so.

    >>> print(check_gradient(lambda x, y: x * y, [3.0, 2.0], [2.0, 3.1]))
    input  claimed  measured   verdict
    1      2        2 ± 1e-14  pass
    2      3.1      3 ± 1e-14  fail: off by 0.1
    """
    if not 0 < tolerance < 1:
        raise ValueError(f"tolerance {tolerance!r}: give a share of the slope, such as {TOLERANCE}")
    x, y, claims = claims_at(f, point, gradient)

    def judge_alone(i: int) -> InputCheck:
        line = GuardedLine(lambda t: f(*x[:i], t, *x[i + 1 :]))
        return judge(line, x[i], y, claims[i], tolerance)

    if len(x) <= ALONE:
        return GradientCheck(tuple(map(judge_alone, range(len(x)))))
    return GradientCheck(tuple(judge_many(f, x, y, claims, tolerance, judge_alone)))


def claims_at(
    f: Function, point: Sequence[float], gradient: Sequence[float] | None
) -> tuple[list[float], float, list[float]]:
    """Return the point, the value of f there and the slopes claimed, ours if none are given."""
    x = numbers_of(point)
    y = number_of(f(*x))
    claims = own_gradient(f, x) if gradient is None else [number_of(g) for g in gradient]
    if len(claims) != len(x):
        raise ValueError(f"{len(claims)} slopes for {len(x)} inputs: give one slope for each input")
    return x, y, claims


def numbers_of(point: Sequence[float]) -> list[float]:
    """Return a point as floats; ValueError if there are none."""
    x = [as_float(number) for number in point]
    if not x:
        raise ValueError("a point of no numbers: there is no slope to check")
    return x


def assert_gradient(
    f: Function,
    point: Sequence[float],
    gradient: Sequence[float] | None = None,
    tolerance: float = TOLERANCE,
) -> None:
    """Raise GradientMismatch, with a table of all inputs, if check_gradient finds a wrong slope."""
    found = check_gradient(f, point, gradient, tolerance)
    if found.verdict == "fail":
        raise GradientMismatch(f"the gradient at {tuple(point)} is not the one measured:\n{found}")


def check_hessian(
    f: Function, point: Sequence[float], hessian: Sequence[Sequence[float]] | None = None
) -> tuple[GradientCheck, ...]:
    """Compare second derivatives with slopes measured on our gradient of f: a check for each row.

    Without `hessian`, they are ours too. f is written with operators and primitives;
    GradientMismatch if our gradient is not the one measured, as of a function that calls math.
    """
    x = numbers_of(point)
    assert_gradient(f, x)
    size = len(x)

    def slope(i: int) -> Function:
        return lambda *xs: grad(lambda v: f(*v))(list(xs))[i]

    rows = [None] * size if hessian is None else list(hessian)
    if len(rows) != size:
        raise ValueError(f"{len(rows)} rows for {size} inputs: give one row for each input")
    return tuple(check_gradient(slope(i), x, row) for i, row in enumerate(rows))


def check_directions(
    f: Function,
    point: Sequence[float],
    gradient: Sequence[float] | None = None,
    count: int = 5,
    rng: random.Random | None = None,
) -> GradientCheck:
    """Compare a gradient with the slopes measured along random directions: for many inputs.

    Each direction moves every input, by up to its own size; a wrong slope hides from none of them
    but by chance. The entries of the result are directions, not inputs.
    """
    if count < 1:
        raise ValueError(f"count {count!r}: along no direction, nothing is checked")
    x, y, claims = claims_at(f, point, gradient)
    checks = []
    for ahead in directions(x, count, rng or random.Random()):
        line = GuardedLine(restrict(f, x, ahead))
        claim = math.fsum(g * v for g, v in zip(claims, ahead, strict=True))
        checks.append(judge(line, START, y, claim, TOLERANCE))
    return GradientCheck(tuple(checks))


@dataclass(frozen=True, slots=True)
class TaylorCheck:
    """How fast the remainder f(x + hv) - f(x) - h·∇f·v goes to 0: order 2 for the true gradient.

    order       log2 of what halving h divides the remainder by, at the finest steps that rounding
                leaves; NaN if it is lost too soon, as for a function that is straight
    remainders  (h, remainder) for each h tried
    """

    order: float
    verdict: str
    remainders: tuple[tuple[float, float], ...]


def taylor_test(
    f: Function,
    point: Sequence[float],
    gradient: Sequence[float] | None = None,
    rng: random.Random | None = None,
) -> TaylorCheck:
    """Return how fast the remainder of Taylor's formula vanishes along a random direction.

    For whole losses of many parameters: one number tells a right gradient (order 2) from a wrong
    one (order 1), with no tolerance. pass from 1.8 up, fail up to 1.2; inconclusive if the slope
    measured along that direction does not confirm it, as where f is rounded, noisy or has stairs.
    """
    x, y, claims = claims_at(f, point, gradient)
    (ahead,) = directions(x, 1, rng or random.Random())
    slope = math.fsum(g * v for g, v in zip(claims, ahead, strict=True))
    line = GuardedLine(restrict(f, x, ahead))
    tried = [(h, abs(line(START + h) - y - h * slope)) for h in (2.0**-k for k in range(4, 26))]
    measured = judge(line, START, y, slope, TOLERANCE)
    noise = noise_at(line, START, y) if math.isfinite(y) else math.inf
    lost = max(1e3 * EPSILON * max(abs(y), abs(slope)), 16 * noise)
    kept = [(h, rest) for h, rest in tried if rest > lost]
    ratios = [a / b for (_, a), (_, b) in pairwise(kept)][-5:]  # where a wrong slope shows most
    if len(ratios) < 3:
        return TaylorCheck(math.nan, "inconclusive" if kept else measured.verdict, tuple(tried))
    order = math.log2(statistics.median(ratios))
    verdict = "pass" if order > 1.8 else "fail" if order < 1.2 else "inconclusive"
    return TaylorCheck(
        order, verdict if verdict == measured.verdict else "inconclusive", tuple(tried)
    )


# ---- many inputs ---------------------------------------------------------------------------------


def judge_many(
    f: Function,
    x: list[float],
    y: float,
    claims: list[float],
    tolerance: float,
    judge_alone: Callable[[int], InputCheck],
) -> list[InputCheck]:
    """Judge inputs that move together; halve a group that its claims do not explain, down to the
    inputs that are wrong, which are measured alone.
    """
    checks: dict[int, InputCheck] = {}
    rng = random.Random(0)  # directions need not be secret, and the same check says the same
    still = [i for i, claim in enumerate(claims) if claim == 0]
    moving = [i for i, claim in enumerate(claims) if claim and math.isfinite(claim)]
    checks |= {i: judge_alone(i) for i, claim in enumerate(claims) if not math.isfinite(claim)}
    groups = [group for group in (still, moving) if group]
    while groups:
        group = groups.pop()
        if len(group) == 1:
            checks[group[0]] = judge_alone(group[0])
        elif (agreed := judge_together(f, x, y, claims, group, tolerance, rng)) is None:
            middle = len(group) // 2
            groups += [group[:middle], group[middle:]]
        else:
            checks |= {i: agreed[i] if i in agreed else judge_alone(i) for i in group}
    return [checks[i] for i in range(len(x))]


def judge_together(
    f: Function,
    x: list[float],
    y: float,
    claims: list[float],
    group: list[int],
    tolerance: float,
    rng: random.Random,
) -> dict[int, InputCheck] | None:
    """Return a check for each input of a group whose slope is well enough known from two random
    directions that move all of the group, or that the noise of f hides; None if the claims do not
    explain how f moves.

    One wrong claim shows, for each input moves by half its size at least; two hide each other by
    chance only, and not in both directions.
    """
    others, known = len(group) - 1, group
    for ahead in directions([x[i] for i in group], 2, rng):
        moves = dict(zip(group, ahead, strict=True))
        line = GuardedLine(restrict(f, x, [moves.get(i, 0.0) for i in range(len(x))]))
        terms = {i: claims[i] * move for i, move in moves.items()}
        rounding = 4 * EPSILON * math.fsum(map(abs, terms.values()))
        result = judge(line, START, y, math.fsum(terms.values()), tolerance)
        if result.cause == "two":
            return {i: replace(result, claimed=claims[i], together=others) for i in group}
        off = result.claimed - result.measured
        explained = abs(off) <= SAFETY * result.bound + rounding
        if not explained or result.cause not in ("", "off", "steep", *AS_FLAT, *HIDDEN):
            return None
        as_flat = result.cause in AS_FLAT
        known = [i for i in known if as_flat or result.bound <= tolerance * abs(terms[i])]
    checks = {}
    for i in group if result.cause in HIDDEN else known:
        slope = Slope(claims[i] - off / moves[i], result.bound / abs(moves[i]))
        verdict, cause = ("pass", "") if i in known else ("inconclusive", result.cause)
        check = verdict_on(claims[i], slope, verdict, cause, result.amount)
        checks[i] = replace(check, together=others)
    return checks


# ---- the verdict on one slope --------------------------------------------------------------------


def judge(line: GuardedLine, x: float, y: float, claimed: float, tolerance: float) -> InputCheck:
    """Measure the slope of a line at x, where it is y, and compare it with what is claimed."""
    if not (math.isfinite(x) and math.isfinite(y)):
        cause = "domain" if math.isfinite(y) else "no_value"
        return InputCheck(claimed, math.nan, math.inf, "inconclusive", cause)
    others = [line(x), line(x)]
    seen = measure(line, x, y)
    others.append(line(x))
    if differences := [abs(other - y) for other in others if other != y]:
        return verdict_on(claimed, seen.best, "inconclusive", "two", differences[0])
    if math.isnan(claimed):
        return verdict_on(claimed, seen.best, "fail", "nan")
    if seen.stair:
        return judge_on_stairs(claimed, seen, seen.stair, tolerance)
    if seen.jump:
        return verdict_on(claimed, seen.best, "inconclusive", "jump", seen.jump)
    if seen.vertical:
        return judge_at_vertical(claimed, seen.vertical)
    if (interval := kink(seen)) is not None:
        return judge_at_kink(claimed, seen, interval, PLACE * max(abs(x), 1.0))
    if not seen.best.known:
        cause = "raises" if line.problem else "domain"
        return verdict_on(claimed, seen.best, "inconclusive", cause, detail=line.problem)
    result = compare(claimed, seen.best, seen, y, tolerance)
    if result.verdict != "inconclusive" and not is_settled(seen):
        return verdict_on(claimed, seen.best, "inconclusive", "unsettled")
    return result


def compare(claimed: float, slope: Slope, seen: Measured, y: float, tolerance: float) -> InputCheck:
    """Compare a claim with the slope of a smooth line."""
    if math.isinf(claimed):
        sure = slope.bound <= tolerance * abs(slope.estimate)
        return verdict_on(
            claimed, slope, *(("fail", "finite") if sure else ("inconclusive", "unsure"))
        )
    size, off = max(abs(claimed), abs(slope.estimate)), abs(claimed - slope.estimate)
    if off > SAFETY * slope.bound and off > tolerance / 2 * size:
        if (interval := kink(seen, 1)) and is_between(claimed, seen, interval):
            return verdict_on(claimed, slope, "inconclusive", "steep", tolerance)
        return verdict_on(claimed, slope, "fail", "off", off)
    if slope.bound <= tolerance * size:
        return verdict_on(claimed, slope, "pass")
    still = size == 0 and slope.bound <= FLAT * tolerance * seen.around
    if still or seen.around == 0 == claimed:
        return verdict_on(claimed, slope, "pass", "still")
    if size <= slope.bound <= FLAT * tolerance * seen.nearby:
        return verdict_on(claimed, slope, "pass", "flat")
    if seen.noise > max(8 * math.ulp(y), LITTLE * slope.bound):
        return verdict_on(claimed, slope, "inconclusive", "noise", seen.noise)
    if EPSILON * abs(y) > 1e-3 * tolerance * size:
        return verdict_on(claimed, slope, "inconclusive", "cancellation", y)
    return verdict_on(claimed, slope, "inconclusive", "steep", tolerance)


def judge_on_stairs(claimed: float, seen: Measured, stair: Slope, tolerance: float) -> InputCheck:
    """Judge a claim where the line goes up in stairs: by coarse steps, though the slope on one
    stair is never refuted, nor one between those to the left and to the right: x may be on either
    side of a kink that the stairs hide.
    """
    slope = seen.best
    if math.isinf(claimed):
        return verdict_on(claimed, slope, "inconclusive", "stairs", seen.noise)
    size, off = max(abs(claimed), abs(slope.estimate)), abs(claimed - slope.estimate)
    if off <= max(SAFETY * slope.bound, tolerance / 2 * size):
        verdict = "pass" if slope.bound <= tolerance * size else "inconclusive"
        return verdict_on(claimed, slope, verdict, "stairs", seen.noise)
    near = abs(claimed - stair.estimate) <= max(SAFETY * stair.bound, tolerance * abs(claimed))
    interval = kink(seen, 1)
    if near or not slope.known or (interval and is_between(claimed, seen, interval)):
        apart = max(abs(slope.estimate - end) for end in (stair.estimate, *(interval or ())))
        slope = replace(slope, bound=max(slope.bound, apart))  # it may be either
        return verdict_on(claimed, slope, "inconclusive", "stairs", seen.noise)
    return verdict_on(claimed, slope, "fail", "off", off)


def is_settled(seen: Measured) -> bool:
    """Return whether the quotients to each side settle as the steps shrink: x·sin(1/x) has none at
    0, though steps to both sides are as flat as can be.
    """
    known = [side.bound for side in (seen.left, seen.right) if side.known]
    return not seen.around or max(known, default=0.0) <= UNSETTLED * seen.around


def kink(seen: Measured, bounds: float = 50) -> tuple[float, float] | None:
    """Return the slopes on the left and on the right if they differ by more than that many bounds,
    the smaller one first.
    """
    if not (seen.left.known and seen.right.known):
        return None
    left, right = seen.left.estimate, seen.right.estimate
    gap, bound = abs(right - left), seen.left.bound + seen.right.bound
    if gap <= bounds * bound or gap <= KINK * max(abs(left), abs(right)):
        return None
    return min(left, right), max(left, right)


def is_between(claimed: float, seen: Measured, interval: tuple[float, float]) -> bool:
    """Return whether a claim may lie between the slopes on the left and on the right."""
    low, high = interval
    room = SAFETY * (seen.left.bound + seen.right.bound)
    return low - room <= claimed <= high + room


def judge_at_kink(
    claimed: float, seen: Measured, interval: tuple[float, float], place: float
) -> InputCheck:
    """Judge a claim at a kink: any slope between is right, if its place is beyond doubt."""
    low, high = interval
    slope, verdict = (low + high) / 2, "pass" if is_between(claimed, seen, interval) else "fail"
    if verdict == "pass" and seen.noise > place * (high - low):
        return verdict_on(claimed, Slope(slope, high - slope), "inconclusive", "noise", seen.noise)
    return InputCheck(claimed, slope, (high - low) / 2, verdict, "kink", interval=interval)


def judge_at_vertical(claimed: float, finest: float) -> InputCheck:
    """Judge a claim where the quotients grow without end: only infinity is right, and what is
    larger than all of them cannot be refuted.
    """
    ahead = claimed * finest > 0
    verdict = "pass" if ahead and math.isinf(claimed) else "inconclusive"
    if not (ahead and abs(claimed) >= abs(finest)):
        verdict = "fail"
    endless = math.copysign(math.inf, finest)
    return InputCheck(claimed, endless, math.inf, verdict, "vertical")


def verdict_on(
    claimed: float,
    slope: Slope,
    verdict: str,
    cause: str = "",
    amount: float = 0.0,
    detail: str = "",
) -> InputCheck:
    return InputCheck(claimed, slope.estimate, slope.bound, verdict, cause, amount, detail=detail)


# ---- what is measured ----------------------------------------------------------------------------


def own_gradient(f: Function, point: Sequence[float]) -> list[float]:
    """Return the gradient of f that the engine computes."""
    leaves = [Value(x) for x in point]
    output = f(*leaves)
    if type(output) is not Value:
        return [0.0] * len(point)
    return [g.data for g in gradient_of(output, leaves)]


class GuardedLine:
    """A function of one number as floats; NaN where it is undefined, raises or is not finite."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.problem = ""  # what it raised last, if that is no usual end of a domain

    def __call__(self, t: float) -> float:
        try:
            y = number_of(self.function(t))
        except Exception as problem:  # whatever f raises nearby, its domain ends there
            if not isinstance(problem, ValueError | ArithmeticError):
                self.problem = f"{type(problem).__name__}: {message_of(problem)}"
            return math.nan
        return y if math.isfinite(y) else math.nan


def number_of(result: object) -> float:
    """Return what f gives as a float: a number, a Value, or the scalar of an array library."""
    if hasattr(result, "item"):
        result = result.item()
    return float(result) if hasattr(result, "__float__") else as_float(result)


START = 1.0  # of a line through a point: near 0, floats are finer than the inputs can follow


def restrict(f: Function, point: Sequence[float], ahead: Sequence[float]) -> Function:
    """Return t -> f(point + (t - 1)·ahead)."""
    return lambda t: f(*[x + (t - START) * v for x, v in zip(point, ahead, strict=True)])


def directions(point: Sequence[float], count: int, rng: random.Random) -> Iterator[list[float]]:
    """Yield random directions: for each input up to its own size, or 1 if it is smaller."""
    for _ in range(count):
        yield [max(abs(x), 1.0) * rng.choice((-1, 1)) * rng.uniform(0.5, 1.0) for x in point]
