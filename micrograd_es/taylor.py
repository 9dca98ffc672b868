"""Taylor series of a value by one input: derivatives of every order at once, read from the table.

  derivative_of_order(n, y, x)   dⁿy/dxⁿ as a float
  System(y, x, order)            the series that y needs, as lines that refer to each other
  System.run(scale)              their coefficients

If y = row(*args), then y' = Σ ∂y/∂arg · arg'; and the partials are formulas of y and args, whose
series are known one order less far. So the coefficients follow one after the other:

    k · y[k] = Σ_args Σ_j partial[k - j] · j · arg[j],    j = 1 … k

For tanh: y' = s·x', with a line s = sech2(x); s' = -2·s·tanh(x)·x', and tanh(x) is the first line
again. Slopes that are closed under differentiation close the system. Sums, products and quotients,
of which the formulas are made, have rules of their own.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from operator import mul
from typing import Any

from micrograd_es import primitives as table
from micrograd_es.nodes import UNDEFINED
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value, topological_order

Series = list[float]  # coefficients, from that of power 0 on
LARGEST = sys.float_info.max
ARITHMETIC = {table.add, table.sub, table.neg, table.mul, table.div}


def derivative_of_order(n: int, y: Value, x: Value) -> float:
    """Return dⁿy/dxⁿ; OverflowError if it, or what it is made of, is too large for a float, and
    the error of a partial that is undefined.
    """
    system = System(y, x, n)
    at, c = x.data, math.nan
    # in units of the size of x, a coefficient is neither as large nor as small as x ** -n
    unit = 2.0 ** math.frexp(at)[1] if at and math.isfinite(at) else 1.0
    for scale in sorted({unit, 1.0}, reverse=True):
        c = system.run(scale)[n]
        exact = Fraction(c if math.isfinite(c) else 0) * math.factorial(n) / Fraction(scale) ** n
        if math.isfinite(c) and abs(exact) <= LARGEST:
            return float(exact)
    if system.error is not None:
        raise system.error
    if math.isfinite(at) and math.isfinite(y.data):
        raise OverflowError(
            f"the derivative of order {n} at {at!r} needs numbers that are too large for a float "
            "(1.8e308): scale the argument"
        )
    return c


@dataclass(slots=True)
class Line:
    """A function of x whose series is needed: a row of other lines.

    row    what made it; None for x itself, and for a number that does not depend on x
    level  how many orders less than the output's it is needed for
    terms  (partial, arg) for each arg that depends on x, both as places of lines
    """

    row: Primitive | None
    args: tuple[int, ...]
    data: float
    level: int
    terms: list[tuple[int, int]] = field(default_factory=list)


class System:
    """Lines of which each refers to earlier ones, but for its partials."""

    def __init__(self, y: Value, x: Value, order: int) -> None:
        self.order = order
        self.lines = [Line(None, (), x.data, 0)]  # x comes first
        self.places: dict[Any, int] = {}
        self.error: Exception | None = None  # of the first partial that is undefined
        self.output = self.place(y, {x: 0}, 0)
        for place, line in enumerate(self.lines):  # which become more on the way
            if line.row is not None and line.row not in ARITHMETIC and line.level < order:
                self.differentiate(place, line)

    def place(self, thing: Any, known: dict[Value, int], level: int) -> int:
        """Return the place of a number or of a node over known ones, adding what is missing."""
        if type(thing) is not Value:
            return self.add(None, (), float(thing), level)
        for node in topological_order(thing):
            if node not in known:
                args = tuple(known[arg] for arg in node.args)
                known[node] = self.add(node.primitive, args, node.data, level)
        return known[thing]

    def add(self, row: Primitive | None, args: tuple[int, ...], data: float, level: int) -> int:
        """Return the place of a line; a new one, unless there is one that says the same."""
        if row is not None and (not any(map(self.moves, args)) or is_flat(row)):
            row, args = None, ()
        key = row, args, data, math.copysign(1.0, data)
        if key not in self.places:
            self.places[key] = len(self.lines)
            self.lines.append(Line(row, args, data, level))
        return self.places[key]

    def moves(self, place: int) -> bool:
        """Return whether a line depends on x."""
        return place == 0 or self.lines[place].row is not None

    def differentiate(self, place: int, line: Line) -> None:
        """Give a line its terms: the row's rules, asked with values in place of y and args."""
        assert line.row is not None  # noqa: S101  # only such lines are asked
        y = Value(line.data)
        args = [
            Value(self.lines[arg].data) if self.moves(arg) else self.lines[arg].data
            for arg in line.args
        ]
        known = {y: place} | {
            value: arg for value, arg in zip(args, line.args, strict=True) if type(value) is Value
        }
        try:
            ask = line.row.partials_at(y, args)
            for i, arg in enumerate(line.args):
                if self.moves(arg):
                    partial = self.place(ask(i), known, line.level + 1)
                    if self.moves(partial) or self.lines[partial].data != 0:
                        line.terms.append((partial, arg))
        except UNDEFINED as error:
            self.error = self.error or error
            undefined = self.add(None, (), math.nan, line.level + 1)
            line.terms = [(undefined, arg) for arg in line.args if self.moves(arg)]

    def run(self, scale: float) -> list[float]:
        """Return the coefficients of the output's series in powers of (x - x₀)/scale."""
        nothing = [0.0] * self.order
        series = [[line.data] if line.row else [line.data, *nothing] for line in self.lines]
        series[0][1] = scale
        moving = [(line, c) for line, c in zip(self.lines, series, strict=True) if line.row]
        for k in range(1, self.order + 1):
            for line, c in moving:
                if line.level + k > self.order:
                    break  # the lines that follow are needed for no more orders than this one
                c.append(next_coefficient(line, k, c, series))
        return series[self.output]


def next_coefficient(line: Line, k: int, c: Series, series: Sequence[Series]) -> float:
    """Return the k-th coefficient of a line whose earlier ones are c."""
    if line.row not in ARITHMETIC:
        slopes = (
            sum(map(mul, series[partial][k - 1 :: -1], map(mul, series[arg][1:], range(1, k + 1))))
            for partial, arg in line.terms
        )
        return float(sum(slopes)) / k
    a, b = series[line.args[0]], series[line.args[-1]]
    if line.row is table.mul:
        return float(sum(map(mul, a[: k + 1], b[k::-1])))
    if line.row is table.div:
        return float(a[k] - sum(map(mul, c, b[k:0:-1]))) / b[0]
    signs = {table.add: (1, 1), table.sub: (1, -1), table.neg: (-1,)}[line.row]
    return float(sum(sign * x[k] for sign, x in zip(signs, (a, b), strict=False)))


def is_flat(row: Primitive) -> bool:
    """Return whether all the partials of a row are 0, so that it is constant around any point."""
    rules = row.partials if type(row.partials) is tuple else (row.partials,)
    return all(not callable(rule) and rule == 0 for rule in rules)
