"""A scalar field: a number at every point, the gradient there, and where it is flat.

The gradient is the arrow of the article: it points to where the field climbs fastest *here*, and
its length is that slope. It need not point to the nearest maximum.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from micrograd_es.coercion import as_float, describe
from micrograd_es.errors import MicrogradError
from micrograd_es.functions import hessian, value_and_grad
from micrograd_es.optim import SGD
from micrograd_es.primitive import as_value
from micrograd_es.primitives import unit
from micrograd_es.value import Value, gradient, set_numbers

if TYPE_CHECKING:
    import numpy as np

ROUNDING = 1e-13  # a curvature this much smaller than the largest one counts as 0
NEAR = 1e-9  # of 1 + |point|: a Newton step this short has arrived; two points this near are one


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

    @property
    def direction(self) -> tuple[np.ndarray, ...]:
        """The gradient at length 1; 0 where the field is flat."""
        return tuple(g / (self.magnitude + (self.magnitude == 0)) for g in self.gradient)

    def slope(self, direction: Sequence[float]) -> np.ndarray:
        """Return how fast the field climbs along a direction at every point, per unit of length."""
        ahead = unit_vector(direction, len(self.gradient))
        slopes = (u * g for u, g in zip(ahead, self.gradient, strict=True))
        return functools.reduce(operator.add, slopes)


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
        return float(self.f(*map(Value, point)))  # Values: 1/x at 0 is their DomainError

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
        ahead = unit_vector(direction, len(point))
        return math.fsum(map(operator.mul, ahead, self.gradient(*point)))

    def hessian(self, *point: float) -> list[list[float]]:
        """Return the matrix of second derivatives at a point."""
        return [[float(h) for h in row] for row in hessian(lambda xs: self.f(*xs))(list(point))]

    def kind(self, *point: float) -> str:
        """Return what a stationary point is, by the signs of the hessian's eigenvalues.

        "minimum": all positive; "maximum": all negative; "saddle": both signs; "degenerate": some
        are 0 and the others of one sign, so that second derivatives do not decide. ValueError at a
        point that is not stationary: one from which Newton's step leads away.
        """
        import numpy

        curvatures, axes = numpy.linalg.eigh(numpy.array(self.hessian(*point)))
        slopes = axes.T @ numpy.array(self.gradient(*point))
        curved = abs(curvatures) > ROUNDING * abs(curvatures).max()
        steps = abs(slopes[curved] / curvatures[curved])
        if any(steps > 1e3 * NEAR * (1 + math.hypot(*point))) or any(slopes[~curved]):
            length = self.magnitude(*point)
            raise ValueError(f"{point} is not stationary: the gradient there is {length:.3g} long")
        signs = {*numpy.sign(curvatures[curved])}
        if len(signs) == 2:
            return "saddle"
        if not all(curved):
            return "degenerate"
        return "minimum" if signs == {1.0} else "maximum"

    def path(self, start: Sequence[float], lr: float, steps: int) -> list[tuple[float, ...]]:
        """Return the points of a descent: each is the one before minus lr times the gradient there.

        It ends early where the field is flat, or undefined, or beyond the largest float.
        """
        points = [tuple(map(as_float, start))]
        with suppress(MicrogradError, OverflowError):
            while len(points) <= steps:
                slopes = self.gradient(*points[-1])
                pairs = zip(points[-1], slopes, strict=True)
                point = tuple(SGD.formula(math, x, g, lr)[0] for x, g in pairs)
                if point == points[-1] or not all(map(math.isfinite, point)):
                    break
                points.append(point)
        return points

    def grid(self, *axes: Sequence[float]) -> Grid:
        """Return the field on the grid of all points with these coordinates."""
        import numpy

        if not axes:
            raise ValueError("a grid of no axes: give each variable's coordinates, grid(xs, ys)")
        coordinates = numpy.meshgrid(*axes)
        size = len(axes)
        found = numpy.full((1 + size, coordinates[0].size), numpy.nan)
        for i, point in enumerate(zip(*(c.ravel().tolist() for c in coordinates), strict=True)):
            with suppress(MicrogradError, OverflowError):  # undefined there: NaN, as documented
                try:
                    found[0, i], found[1:, i] = self.both(*point)
                except MicrogradError:  # no slope, but perhaps a value: sqrt at 0
                    found[0, i] = self.value(*point)
        value, *arrows = found.reshape(1 + size, *coordinates[0].shape)
        magnitude = numpy.hypot.reduce(arrows)
        return Grid(tuple(coordinates), value, tuple(arrows), magnitude)

    def stationary_points(self, *axes: Sequence[float]) -> list[Stationary]:
        """Return the stationary points in the box of the axes that Newton's method finds from the
        points of their grid, in order of their coordinates.
        """
        found: list[Stationary] = []
        for start in itertools.product(*axes):
            end = self.newton(start)
            if end is None:
                continue
            near = NEAR * (1 + math.hypot(*end))
            inside = all(
                min(axis) - near <= x <= max(axis) + near for x, axis in zip(end, axes, strict=True)
            )
            if inside and all(math.dist(end, other.point) > near for other in found):
                found.append(Stationary(end, self.value(*end), self.kind(*end)))
        return sorted(found, key=lambda one: one.point)

    def newton(self, start: Sequence[float]) -> tuple[float, ...] | None:
        """Return where Newton's method finds the gradient 0 from start; None if it does not.

        Where the hessian is singular it takes the shortest of the steps that solve best.
        """
        import numpy

        x = numpy.array(start, dtype=float)
        for _ in range(100):
            try:
                slopes = self.gradient(*x)
                move, *_ = numpy.linalg.lstsq(numpy.array(self.hessian(*x)), slopes, rcond=None)
            except (MicrogradError, OverflowError, numpy.linalg.LinAlgError):
                return None
            x = x - move
            if not any(slopes) or numpy.linalg.norm(move) <= 1e-13 * (1 + numpy.linalg.norm(x)):
                stands = any(slopes) and not any(move)  # singular, and no step helps: a slope
                return None if stands else tuple(c + 0.0 for c in x.tolist())
        return None


@dataclass(frozen=True, slots=True)
class Landscape(Field):
    """A loss as a field over some parameters of a network, all the others as they are.

    `f` computes the loss from the parameters' data; each is put back after every look.

    >>> w, b = Value(2.0), Value(0.0)
    >>> loss = Landscape(lambda: (w * 3.0 + b - 1.0) ** 2, (w, b))
    >>> loss.value(1.0, 0.0), loss.gradient(1.0, 0.0), w.data
    (4.0, (12.0, 4.0), 2.0)
    """

    f: Callable[[], Any]
    parameters: Sequence[Value]

    def __post_init__(self) -> None:
        for parameter in self.parameters:
            if type(parameter) is not Value or parameter.args:
                raise TypeError(
                    f"parameter {describe(parameter)}: give leaves, as net.parameters()"
                )
        if len(set(self.parameters)) < len(self.parameters):
            raise ValueError("a parameter is given twice: give each one once")

    @property
    def here(self) -> tuple[float, ...]:
        """The point where the parameters stand."""
        return tuple(parameter.data for parameter in self.parameters)

    @contextmanager
    def loss_at(self, point: Sequence[float]) -> Iterator[Value]:
        """Compute the loss with the parameters at a point; put them back whatever happens."""
        before = [*zip(self.parameters, self.here, strict=True)]
        there = [*zip(self.parameters, map(as_float, point), strict=True)]
        try:
            try:
                set_numbers(there)
                yield as_value(self.f())
            finally:
                set_numbers(before)
        finally:  # once more, for Ctrl-C in the line above
            set_numbers(before)

    def both(self, *point: float) -> tuple[float, list[float]]:
        with self.loss_at(point) as loss:
            return loss.data, [slope.data for slope in gradient(loss, self.parameters)]

    def value(self, *point: float) -> float:
        with self.loss_at(point) as loss:
            return float(loss)

    def hessian(self, *point: float) -> list[list[float]]:
        with self.loss_at(point) as loss:
            slopes = gradient(loss, self.parameters)
            return [[g.data for g in gradient(slope, self.parameters)] for slope in slopes]


def unit_vector(direction: Sequence[float], size: int) -> list[float]:
    """Return the direction at length 1; ValueError if it is none, or of another dimension."""
    numbers = [as_float(x) for x in direction]
    if len(numbers) != size:
        raise ValueError(f"direction {direction!r}: a point here has {size} coordinates")
    if not any(numbers) or not all(map(math.isfinite, numbers)):
        raise ValueError(f"direction {direction!r}: give finite numbers, not all of them 0")
    return unit(numbers)
