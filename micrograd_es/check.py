"""Slopes by measuring: nudge an input, see how far the output moves.

Apart from asking for our own gradient, it knows nothing of the graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.gate import as_float
from micrograd_es.value import Value, gradient

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
