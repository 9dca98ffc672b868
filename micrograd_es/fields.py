"""A scalar field: a number at every point, the gradient there, and where it is flat.

The gradient is the arrow of the article: it points to where the field climbs fastest *here*, and
its length is that slope. It need not point to the nearest maximum.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from micrograd_es.errors import MicrogradError
from micrograd_es.functions import hessian, value_and_grad
from micrograd_es.gate import as_float
from micrograd_es.primitives import unit

if TYPE_CHECKING:
    import numpy as np

FLAT = 1e-8  # a gradient, or a curvature, this much smaller than the largest curvature counts as 0


@dataclass(frozen=True, slots=True)
class Stationary:
    """A point where the gradient is 0, and which kind: minimum, maximum, saddle or degenerate."""

    point: tuple[float, ...]
    value: float
    kind: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A field on a grid, as arrays of one shape: rows along the second axis, as numpy.meshgrid.

    axes       the coordinates of every point, an array for each variable
    value      the field; NaN where it is undefined
    gradient   its partials, an array for each variable
    magnitude  the length of the gradient
    """

    axes: tuple[np.ndarray, ...]
    value: np.ndarray
    gradient: tuple[np.ndarray, ...]
    magnitude: np.ndarray


@dataclass(frozen=True, slots=True)
class Field:
    """A function of several numbers, as a field: `Field(lambda x, y: x * y)`.

    >>> hill = Field(lambda x, y: 9 - x**2 - 4 * y**2)
    >>> hill.value(1.0, 1.0), hill.gradient(1.0, 1.0), hill.kind(0.0, 0.0)
    (4.0, (-2.0, -8.0), 'maximum')

    At (1, 1) the arrow (-2, -8) does not point to the maximum at (0, 0): that would be (-1, -1).
    """

    f: Callable[..., Any]

    def both(self, *point: float) -> tuple[float, list[float]]:
        """Return (value, gradient) at a point."""
        value, gradient = value_and_grad(lambda xs: self.f(*xs))(list(point))
        return float(value), [float(g) for g in gradient]

    def value(self, *point: float) -> float:
        return float(self.f(*map(as_float, point)))

    def gradient(self, *point: float) -> tuple[float, ...]:
        """Return the arrow at a point: the partial of the field by each variable."""
        return tuple(self.both(*point)[1])

    def magnitude(self, *point: float) -> float:
        """Return the length of the gradient: the slope in its own direction, the steepest."""
        return math.hypot(*self.gradient(*point))

    def direction(self, *point: float) -> tuple[float, ...]:
        """Return the gradient at length 1: where the field climbs fastest; zeros if it is flat."""
        return tuple(unit(self.gradient(*point)))

    def slope(self, point: Sequence[float], direction: Sequence[float]) -> float:
        """Return how fast the field climbs along a direction, per unit of length."""
        if len(direction) != len(point) or not any(direction):
            raise ValueError(
                f"direction {direction!r} at {point!r}: give one number, not all 0, each"
            )
        ahead = unit(list(direction))
        return math.fsum(map(operator.mul, ahead, self.gradient(*point)))

    def hessian(self, *point: float) -> list[list[float]]:
        """Return the matrix of second derivatives at a point."""
        return [[float(h) for h in row] for row in hessian(lambda xs: self.f(*xs))(list(point))]

    def kind(self, *point: float) -> str:
        """Return what a stationary point is, by the signs of the hessian's eigenvalues.

        "minimum": all positive; "maximum": all negative; "saddle": both signs; "degenerate": some
        are 0 and the others of one sign, so that second derivatives do not decide. ValueError at a
        point that is not stationary.
        """
        import numpy

        curvatures = numpy.linalg.eigvalsh(numpy.array(self.hessian(*point)))
        largest = float(abs(curvatures).max())
        if (length := self.magnitude(*point)) > FLAT * (1 + largest):
            raise ValueError(f"{point} is not stationary: the gradient there is {length:.3g} long")
        up, down = (curvatures > FLAT * largest).sum(), (curvatures < -FLAT * largest).sum()
        if up and down:
            return "saddle"
        if up + down < len(point):
            return "degenerate"
        return "minimum" if up else "maximum"

    def grid(self, *axes: Sequence[float]) -> Grid:
        """Return the field on the grid of all points with these coordinates."""
        import numpy

        coordinates = numpy.meshgrid(*axes)
        size = len(axes)
        found = numpy.full((1 + size, coordinates[0].size), numpy.nan)
        for i, point in enumerate(zip(*(c.ravel().tolist() for c in coordinates), strict=True)):
            try:
                value, gradient = self.both(*point)
            except (MicrogradError, OverflowError):
                continue  # undefined there: NaN, as documented
            found[:, i] = [value, *gradient]
        value, *arrows = found.reshape(1 + size, *coordinates[0].shape)
        magnitude = numpy.sqrt(sum(g * g for g in arrows))
        return Grid(tuple(coordinates), value, tuple(arrows), magnitude)

    def stationary_points(self, *axes: Sequence[float]) -> list[Stationary]:
        """Return the stationary points in the box of the axes that Newton's method finds from the
        points of their grid, in order of their coordinates.
        """
        box = [(min(axis), max(axis)) for axis in axes]
        found: list[Stationary] = []
        for start in itertools.product(*axes):
            end = self.newton(start)
            if end is None or not all(a <= x <= b for x, (a, b) in zip(end, box, strict=True)):
                continue
            apart = 1e-6 * (1 + math.hypot(*end))
            if all(math.dist(end, other.point) > apart for other in found):
                found.append(Stationary(end, self.value(*end), self.kind(*end)))
        return sorted(found, key=lambda one: one.point)

    def newton(self, start: Sequence[float]) -> tuple[float, ...] | None:
        """Return where Newton's method finds the gradient 0 from start; None if it does not."""
        import numpy

        x = numpy.array(start, dtype=float)
        for _ in range(60):
            try:
                move = numpy.linalg.solve(self.hessian(*x), self.gradient(*x))
                x = x - move
                if numpy.linalg.norm(move) <= 1e-13 * (1 + numpy.linalg.norm(x)):
                    return tuple(round(c, 12) + 0.0 for c in x.tolist())
            except (MicrogradError, OverflowError, numpy.linalg.LinAlgError):
                return None
        return None
