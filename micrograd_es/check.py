"""Slopes by measuring: nudge an input, see how far the output moves.

Apart from asking for our own gradient, and for what a row says, it knows nothing of the graph.
"""

from __future__ import annotations

import math
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from micrograd_es.errors import DomainError, GradientMismatch, PrimitiveError
from micrograd_es.gate import as_float, shown
from micrograd_es.makers import UNDEFINED, node_of
from micrograd_es.primitive import Primitive
from micrograd_es.value import Undefined, Value, gradient

TOLERANCE = 1e-6  # of the larger of the two slopes, or of the slopes just around it
EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True)
class InputCheck:
    """One input: the slope claimed, the slope measured ± its bound, and the verdict on them."""

    claimed: float
    measured: float
    bound: float
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What check_gradient found: one InputCheck for each input and an overall verdict."""

    inputs: tuple[InputCheck, ...]

    @property
    def verdict(self) -> str:
        """fail if any input fails, else inconclusive if any is, else pass."""
        found = {one.verdict for one in self.inputs}
        return next((v for v in ("fail", "inconclusive") if v in found), "pass")


def check_gradient(
    f: Callable[..., Any], point: Sequence[float], gradient: Sequence[float] | None = None
) -> GradientCheck:
    """Compare a gradient of f at point with central differences: pass, fail or inconclusive.

    f takes its inputs as separate numbers. Without `gradient`, f is run on Values and the gradient
    is ours. Steps are relative to the input. A slope passes within its error bound plus 1e-6 of its
    size; where the bound itself is wider than 1e-6, or f is not defined around the point, nothing
    is concluded. Errors that f raises at the point itself are not caught.
    """
    x = [as_float(number) for number in point]
    as_float(f(*x))
    claims = own_gradient(f, x) if gradient is None else [as_float(g) for g in gradient]
    if len(claims) != len(x):
        raise ValueError(f"{len(claims)} slopes for {len(x)} inputs: give one slope for each input")
    return GradientCheck(tuple(judge(f, x, i, claim) for i, claim in enumerate(claims)))


def own_gradient(f: Callable[..., Any], point: Sequence[float]) -> list[float]:
    """Return the gradient of f that the engine computes."""
    leaves = [Value(x) for x in point]
    output = f(*leaves)
    if type(output) is not Value:
        return [0.0] * len(point)
    return [g.data for g in gradient(output, leaves)]


def judge(f: Callable[..., Any], point: list[float], i: int, claimed: float) -> InputCheck:
    """Measure ∂f/∂point[i] and compare it with what is claimed."""
    measured, bound, around = slope(f, point, i)
    scale = max(abs(claimed), abs(measured), 1e-3 * around)
    if not math.isfinite(measured):
        return InputCheck(
            claimed, measured, bound, "inconclusive", "f is not defined all around the point"
        )
    if not math.isfinite(claimed):
        return InputCheck(
            claimed, measured, bound, "fail", "the slope claimed is not a finite number"
        )
    if abs(claimed - measured) > 2 * bound + TOLERANCE * scale:
        return InputCheck(
            claimed, measured, bound, "fail", "further apart than the error of measuring"
        )
    if around == claimed == 0:
        return InputCheck(claimed, measured, bound, "pass", "the output does not move at all")
    if bound > TOLERANCE * scale:
        return InputCheck(
            claimed, measured, bound, "inconclusive", "the measure is too coarse to tell"
        )
    return InputCheck(claimed, measured, bound, "pass", "")


def slope(f: Callable[..., Any], point: list[float], i: int) -> tuple[float, float, float]:
    """Return (slope, error bound, largest slope around) by the best of some central differences.

    Halving the step h divides the error of a central difference by 4, so (4·d(h/2) - d(h)) / 3
    cancels it to the order h⁴ (Richardson, 1911); what that changed bounds the error left, and the
    last bits of f divided by the step bound the rounding.
    """
    x = point[i]
    h = 2.0 ** math.frexp(x)[1] / 8 if x else 0.125  # a power of two: x ± h are exact
    best, previous, around = (math.nan, math.inf), math.nan, 0.0
    for _ in range(20):
        above, below = (
            measure_at(f, [*point[:i], x + nudge, *point[i + 1 :]]) for nudge in (h, -h)
        )
        difference = (above - below) / (2 * h)
        if math.isfinite(difference):
            around = max(around, abs(difference))
            richardson = difference + (difference - previous) / 3
            bound = abs(richardson - difference) + 4 * EPSILON * max(abs(above), abs(below)) / h
            if math.isfinite(bound) and bound < best[1]:
                best = (richardson, bound)
        previous = difference
        h /= 2
    return *best, around


def measure_at(f: Callable[..., Any], point: Sequence[float]) -> float:
    """Return f(*point) as a float; NaN where it is undefined."""
    try:
        return float(f(*point))
    except (ValueError, OverflowError, ZeroDivisionError):
        return math.nan


# ---- a row of one's own --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrimitiveCheck:
    """What check_primitive did: at how many points, and at how many it could not measure."""

    points: int
    inconclusive: int


def check_primitive(
    row: Primitive, points: Sequence[Sequence[float]] | None = None
) -> PrimitiveCheck:
    """Hold a row to the laws of the table, at random points of its domain or at those given.

    Its partials are as many as its arguments, finite where its value is, formulas (no rule branches
    on a number), and the slopes of the value; and the partials of its partials are theirs.
    PrimitiveError for a row that is not one; GradientMismatch for a slope that is wrong.
    """
    if not isinstance(row, Primitive):
        raise TypeError(f"{shown(row)} is no Primitive: make it one, with the rules of its slopes")
    sample = [tuple(point) for point in (points_of(row) if points is None else points)]
    if not sample:
        raise PrimitiveError(f"{row.name} at no points: give some, points=[[1.0], [2.0]]")
    inconclusive = 0
    for point in sample:
        node = node_of(row, *map(Value, point))
        refuse_odd_partials(row, node)
        checks = [check_gradient(row.value, point, node.partials)]
        for i, slopes in enumerate(second_derivatives(row, point), start=1):
            checks.append(check_gradient(partial_by(row, i), point, slopes))
        for i, found in enumerate(checks):
            if found.verdict == "fail":
                what = f"partial {i} of {row.name}" if i else row.name
                raise GradientMismatch(f"{what} at {tuple(point)}: {mismatch(found)}")
            inconclusive += found.verdict == "inconclusive"
    return PrimitiveCheck(len(sample), inconclusive)


def mismatch(found: GradientCheck) -> str:
    """Return the first input that fails, in words."""
    i, one = next((i, one) for i, one in enumerate(found.inputs, 1) if one.verdict == "fail")
    return (
        f"the rule by argument {i} says {one.claimed!r}, "
        f"and the slope measured is {one.measured!r} ± {one.bound:.1g}"
    )


def points_of(row: Primitive, count: int = 40) -> Iterator[tuple[float, ...]]:
    """Yield points at which row has a value, away from its kinks, of sizes from 1/64 to 256."""
    rng, left = random.Random(0), count
    for _ in range(100 * count):
        size = row.arity or rng.randint(1, 5)
        point = tuple(rng.choice((1, 1, -1)) * 2 ** rng.uniform(-6, 8) for _ in range(size))
        try:
            as_float(row.value(*point))
        except UNDEFINED:
            continue
        if row.distance_to_kink(point) > 0.3 * max(map(abs, point)):
            yield point
            left -= 1
        if not left:
            return
    if left == count:
        raise PrimitiveError(
            f"{row.name} has no value at any of {100 * count} random points: give some in its "
            "domain, check_primitive(row, points=[…])"
        )


def refuse_odd_partials(row: Primitive, node: Value) -> None:
    """Raise PrimitiveError for a partial that is not finite, or is not made by a formula."""
    row.written(*"x" * len(node.args))  # raises if the row's text has another number of places
    for i, partial in enumerate(node.partials, start=1):
        if isinstance(partial, Undefined) or not math.isfinite(partial):
            formula = row.written(*(repr(arg.data) for arg in node.args))
            raise PrimitiveError(
                f"{formula} = {node.data!r}, but its rule by argument {i} gives no finite number: "
                "state the domain, or make the slope a row of its own"
            )
        with formulas_only(f"the rule of {row.name} by argument {i}"):
            row.partial(i - 1, node, node.args)


NUMBERS_ONLY = ("bool", "float", "int", "round", "lt", "le", "gt", "ge", "eq", "ne")
one_at_a_time = threading.Lock()


@contextmanager
def formulas_only(what: str) -> Iterator[None]:
    """Refuse, in this thread, to compare Values or to turn them into numbers: no formula does."""
    here = threading.get_ident()

    def refusing(method: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any) -> Any:
            if threading.get_ident() != here:
                return method(*args)
            raise PrimitiveError(
                f"{what} branches on a number, or calls math: write it with operators and "
                "primitives (step, where no slope is needed; maximum; or a row of its own)"
            )

        return refuse

    with one_at_a_time:
        usual = {f"__{name}__": getattr(Value, f"__{name}__") for name in NUMBERS_ONLY}
        for name, method in usual.items():
            setattr(Value, name, refusing(method))
        try:
            yield
        finally:
            for name, method in usual.items():
                setattr(Value, name, method)


def second_derivatives(row: Primitive, point: Sequence[float]) -> Iterator[list[float]]:
    """Yield for each partial its own slopes, by the rows that its rule names."""
    leaves = [Value(x) for x in point]
    for first in gradient(row.node(*leaves), leaves):
        try:
            yield [slope.data for slope in gradient(first, leaves)]
        except DomainError:
            return  # a second derivative may be undefined where the first is not


def partial_by(row: Primitive, i: int) -> Callable[..., float]:
    """Return the i-th partial of row as a function of its arguments."""

    def slope(*point: float) -> float:
        partial = node_of(row, *map(Value, point)).partials[i - 1]
        return math.nan if isinstance(partial, Undefined) else float(partial)

    return slope
