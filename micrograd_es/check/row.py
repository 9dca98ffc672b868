"""A row of one's own, held to the laws of the table."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from micrograd_es.check.gradients import GradientCheck, check_gradient
from micrograd_es.coercion import as_float, describe, run_under
from micrograd_es.errors import DomainError, GradientMismatch, PrimitiveError
from micrograd_es.nodes import UNDEFINED, node_of
from micrograd_es.primitive import Primitive
from micrograd_es.value import Undefined, Value, gradient


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
        raise TypeError(
            f"{describe(row)} is no Primitive: make it one, with the rules of its slopes"
        )
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
    row.as_text(*"x" * len(node.args))  # raises if the row's text has another number of places
    for i, partial in enumerate(node.partials, start=1):
        if isinstance(partial, Undefined) or not math.isfinite(partial):
            formula = row.as_text(*(repr(arg.data) for arg in node.args))
            raise PrimitiveError(
                f"{formula} = {node.data!r}, but its rule by argument {i} gives no finite number: "
                "state the domain, or make the slope a row of its own"
            )
        refuse_branches(row, i, node)


def refuse_branches(row: Primitive, i: int, node: Value) -> None:
    """Raise PrimitiveError if the rule by argument i asks a Value for its number."""
    formulas = FormulasOnly(f"the rule of {row.name} by argument {i}")
    try:
        run_under(formulas, row.partial, i - 1, node, node.args)
    except Exception:
        if formulas.refused is None:
            raise
    if formulas.refused is not None:  # also if the rule went on in spite of it
        raise formulas.refused


class FormulasOnly:
    """A guard that lets no Value be compared or turned into a number: no formula does that."""

    lenient = False

    def __init__(self, what: str) -> None:
        self.what = what
        self.refused: PrimitiveError | None = None

    def refuse(self, *asked: object) -> NoReturn:
        """Raise PrimitiveError, and remember it."""
        self.refused = PrimitiveError(
            f"{self.what} branches on a number, or calls math: write it with operators and "
            "primitives (step, where no slope is needed; maximum; or a row of its own)"
        )
        raise self.refused

    read = write = compare = refuse

    def preview(self, node: Value) -> None:
        """Let a rule print what it is given."""

    def share(self, node: Value) -> None:
        """Let a rule ask for a gradient."""


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
