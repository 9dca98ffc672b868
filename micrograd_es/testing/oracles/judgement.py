"""What the gradient of a program truly is: a ladder, from what is proven to what is measured.

  exact               whole numbers, every sum below 2^53: an engine has no excuse for a last bit
  proven              ball arithmetic (Johansson 2017) in which every result is off by up to 2^-53
                      of it: what is farther off than four radii is wrong (python-flint)
  50 digits           the same program at 50 digits, beside runs whose results are nudged at random
                      by 2^-52 (Parker 1997): what is farther off than four times those is (mpmath)
  finite differences  check_gradient, which measures

The rules here are the textbook's, written anew, in forward mode: nothing is shared with an engine,
but for the last rung, where the value that is nudged is that of our table.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from typing import Any, SupportsFloat

from micrograd_es.check.gradients import check_gradient
from micrograd_es.check.measure import SAFETY
from micrograd_es.testing.programs import Program

RUNGS = ("exact", "proven", "50 digits", "finite differences")
RESOLUTION = 1e-6  # of the terms of a slope: what is known less well judges nobody
EXACT = 2.0**53
LEAST = 2.0**-1074  # the smallest float: below 2^-1022, results are rounded to multiples of it
PRIME = 2**61 - 1


class Unsure(Exception):  # noqa: N818  # no error: a rung says that it cannot tell
    """A rung of the ladder does not reach: a branch that rounding decides, an unknown function."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a rung says of a gradient: pass, fail or inconclusive; what it is, and how far off it
    may be.
    """

    rung: str
    verdict: str
    slopes: tuple[float, ...]
    room: tuple[float, ...]


def judge(program: Program, claimed: Sequence[float]) -> Judgement:
    """Return what the highest rung that reaches says of a gradient of the program at its point."""
    if len(claimed) != len(program.point):
        inputs = len(program.point)
        raise ValueError(f"{len(claimed)} slopes for {inputs} inputs: give one slope for each")
    for rung, found in (("exact", exact), ("proven", proven), ("50 digits", at_50_digits)):
        try:
            slopes, room, sizes = found(program)
        except (Unsure, ArithmeticError, ValueError):
            continue
        said = verdict(claimed, slopes, room, sizes)
        return Judgement(rung, said, tuple(slopes), tuple(room))
    check = check_gradient(program, program.point, claimed)
    measured, bounds = zip(*((one.measured, one.bound) for one in check.inputs), strict=True)
    return Judgement(RUNGS[-1], check.verdict, measured, bounds)


def verdict(
    claimed: Sequence[float], slopes: Sequence[float], room: Sequence[float], sizes: Sequence[float]
) -> str:
    """Return pass, fail or inconclusive; sizes are those of the terms that were added up."""
    off = [abs(c - s) for c, s in zip(claimed, slopes, strict=True)]
    if not all(d <= r for d, r in zip(off, room, strict=True)):  # NaN is not
        return "fail"
    known = all(r <= RESOLUTION * size for r, size in zip(room, sizes, strict=True))
    return "pass" if known else "inconclusive"


# ---- the rungs -----------------------------------------------------------------------------------


Truth = tuple[list[float], list[float], list[float]]  # slopes, the room around each, their sizes


def exact(program: Program) -> Truth:
    """Return the gradient in whole numbers; Unsure if a sum on the way may need rounding."""
    constants = [x for line in program.lines for x in line[1:] if type(x) is float]
    arithmetic = {"add", "sub", "mul", "neg", "square"}
    if not {name for name, *_ in program.lines} <= arithmetic:
        raise Unsure
    if not all(map(float.is_integer, [*program.point, *constants])):
        raise Unsure
    # with all signs positive, no partial sum in any order is larger than the last
    positive = [
        ("add" if name == "sub" else name, *map(size_of, xs)) for name, *xs in program.lines
    ]
    largest = Program(tuple(map(abs, program.point)), tuple(positive))
    values, rows = sweep(largest, [int(x) for x in largest.point], None, abs)
    if max(map(max, [values, *rows])) >= EXACT:
        raise Unsure
    _, (*_, slopes) = sweep(program, [int(x) for x in program.point], None)
    return [*map(float, slopes)], [0.0] * len(slopes), [0.0] * len(slopes)


def size_of(operand: Any) -> Any:
    return abs(operand) if type(operand) is float else operand


def proven(program: Program) -> Truth:
    """Return the gradient and four times its proven rounding; Unsure without python-flint."""
    if not available("flint"):
        raise Unsure
    from flint import arb, ctx

    before, ctx.prec = ctx.prec, 120
    try:
        half_ulp, least, point = arb(0, 2.0**-53), arb(0, LEAST), [arb(x) for x in program.point]
        sizes = [arb(0)] * len(point)
        values, rows = sweep(program, point, arb, sizes=sizes)
        ctx.prec = 53  # so that the operations inside a formula round too
        _, (*_, rounded) = sweep(
            program, point, arb, lambda y: y + y * half_ulp + least if y != 0 else y
        )
        return truth(values, rows[-1], [s.rad() for s in rounded], sizes)
    finally:
        ctx.prec = before


def at_50_digits(program: Program) -> Truth:
    """Return the gradient and four times the farthest of 12 nudged runs; Unsure without mpmath."""
    if not available("mpmath"):
        raise Unsure
    from mpmath import mp

    rng = random.Random(0)
    with mp.workdps(50):
        point = [mp.mpf(x) for x in program.point]
        sizes = [mp.mpf(0)] * len(point)
        values, rows = sweep(program, point, mp, sizes=sizes)
        room = [mp.mpf(0)] * len(point)

        def nudge(y: Any) -> Any:
            if y == 0:
                return y
            with mp.workdps(50):
                return y + y * mp.mpf(rng.uniform(-1, 1)) * 2.0**-52 + rng.uniform(-1, 1) * LEAST

        for _ in range(12):
            with mp.workprec(53):  # so that the operations inside a formula round too
                _, (*_, nudged) = sweep(program, point, mp, nudge)
            room = [max(r, abs(a - b)) for r, a, b in zip(room, nudged, rows[-1], strict=True)]
        return truth(values, rows[-1], room, sizes)


Floats = Sequence[SupportsFloat]


def truth(values: Floats, slopes: Floats, room: Floats, sizes: Floats) -> Truth:
    """Return what a rung found, as floats; Unsure where a number on the way is none, or no real."""
    try:
        on_the_way = [*map(float, values)]
        found, bounds = [*map(float, slopes)], [SAFETY * float(r) for r in room]
        terms = [*map(float, sizes)]
    except TypeError:  # a complex number
        raise Unsure from None
    if not all(map(math.isfinite, [*on_the_way, *found, *bounds, *terms])):
        raise Unsure
    return found, bounds, terms


@cache
def available(module: str) -> bool:
    return find_spec(module) is not None


# ---- forward mode over any numbers ---------------------------------------------------------------


def sweep(
    program: Program,
    point: Sequence[Any],
    functions: Any,
    rounded: Callable[[Any], Any] = lambda y: y,
    sizes: list[Any] | None = None,
) -> tuple[list[Any], list[list[Any]]]:
    """Return every result of the program, and its gradient, over whatever numbers the point has.

    functions  where exp, log, … of such numbers are found: arb, or mpmath's mp
    rounded    what happens to every result on the way
    sizes      if given, gets for each input the largest sum of the sizes of a slope's terms
    """
    values = list(point)
    nothing, kind = point[0] * 0, type(point[0])
    slopes = [[nothing + int(i == j) for j in range(len(point))] for i in range(len(point))]
    for name, *operands in program.lines:
        if name not in TEXTBOOK:
            raise Unsure
        value, rule = TEXTBOOK[name]
        args = [values[x] if type(x) is int else number(x, kind) for x in operands]
        y = rounded(value(functions, *args))
        partials = [rounded(p) for p in rule(functions, y, *args)]
        row = []
        for j in range(len(point)):
            slope = size = nothing
            for x, partial in zip(operands, partials, strict=True):
                if type(x) is int:
                    share = rounded(partial * slopes[x][j])
                    slope = rounded(slope + share)
                    size = size if sizes is None else size + abs(share)
            row.append(slope)
            if sizes is not None and size > sizes[j]:
                sizes[j] = size
        values.append(y)
        slopes.append(row)
    return values, slopes


def number(x: float, kind: type) -> Any:
    return int(x) if kind is int else kind(x)


def positive(x: Any) -> bool:
    """Return whether x > 0; Unsure if rounding, or a kink, or a complex number leaves it open."""
    try:
        if x > 0 or x < 0:
            return bool(x > 0)
    except TypeError:
        pass
    raise Unsure


def bell(m: Any, x: Any) -> Any:
    return m.exp(-x * x) / m.sqrt(m.atan(x * 0 + 1))


# fmt: off
TEXTBOOK: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    # name         value over functions m and numbers          partials of y by each argument
    "add":        (lambda m, a, b: a + b,                      lambda m, y, a, b: (1, 1)),
    "sub":        (lambda m, a, b: a - b,                      lambda m, y, a, b: (1, -1)),
    "mul":        (lambda m, a, b: a * b,                      lambda m, y, a, b: (b, a)),
    "div":        (lambda m, a, b: a / b,                      lambda m, y, a, b: (1 / b, -a / (b * b))),
    "neg":        (lambda m, x: -x,                            lambda m, y, x: (-1,)),
    "square":     (lambda m, x: x * x,                         lambda m, y, x: (2 * x,)),
    "reciprocal": (lambda m, x: 1 / x,                         lambda m, y, x: (-1 / (x * x),)),
    "power":      (lambda m, a, b: m.exp(b * m.log(a)),        lambda m, y, a, b: (b * y / a, y * m.log(a))),
    "sqrt":       (lambda m, x: m.sqrt(x),                     lambda m, y, x: (1 / (2 * m.sqrt(x)),)),
    "exp":        (lambda m, x: m.exp(x),                      lambda m, y, x: (m.exp(x),)),
    "expm1":      (lambda m, x: m.expm1(x),                    lambda m, y, x: (y + 1,)),
    "log":        (lambda m, x: m.log(x),                      lambda m, y, x: (1 / x,)),
    "log1p":      (lambda m, x: m.log1p(x),                    lambda m, y, x: (1 / (1 + x),)),
    "sin":        (lambda m, x: m.sin(x),                      lambda m, y, x: (m.cos(x),)),
    "cos":        (lambda m, x: m.cos(x),                      lambda m, y, x: (-m.sin(x),)),
    "tan":        (lambda m, x: m.tan(x),                      lambda m, y, x: (1 + m.tan(x) ** 2,)),
    "atan":       (lambda m, x: m.atan(x),                     lambda m, y, x: (1 / (1 + x * x),)),
    "sinh":       (lambda m, x: m.sinh(x),                     lambda m, y, x: (m.cosh(x),)),
    "cosh":       (lambda m, x: m.cosh(x),                     lambda m, y, x: (m.sinh(x),)),
    "tanh":       (lambda m, x: m.tanh(x),                     lambda m, y, x: (1 - y * y,)),
    "sigmoid":    (lambda m, x: 1 / (1 + m.exp(-x)),           lambda m, y, x: (y * (1 - y),)),
    "softplus":   (lambda m, x: m.log1p(m.exp(x)),             lambda m, y, x: (1 / (1 + m.exp(-x)),)),
    "erf":        (lambda m, x: m.erf(x),                      lambda m, y, x: (bell(m, x),)),
    "relu":       (lambda m, x: x if positive(x) else x * 0,   lambda m, y, x: (int(positive(x)),)),
    "abs":        (lambda m, x: x if positive(x) else -x,      lambda m, y, x: (1 if positive(x) else -1,)),
    "maximum":    (lambda m, a, b: a if positive(a - b) else b, lambda m, y, a, b: (int(positive(a - b)), int(positive(b - a)))),
    "minimum":    (lambda m, a, b: b if positive(a - b) else a, lambda m, y, a, b: (int(positive(b - a)), int(positive(a - b)))),
}
# fmt: on


# ---- numbers that forget nothing -----------------------------------------------------------------


@dataclass(frozen=True)
class Mod:
    """A whole number modulo the prime 2^61 - 1: every sum, product and quotient is exact.

    >>> Mod(1) / Mod(3) * 3
    Mod(residue=1)
    """

    residue: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "residue", int(self.residue) % PRIME)

    def __add__(self, other: Exact) -> Mod:
        return Mod(self.residue + residue(other))

    def __mul__(self, other: Exact) -> Mod:
        return Mod(self.residue * residue(other))

    def __neg__(self) -> Mod:
        return Mod(-self.residue)

    def __sub__(self, other: Exact) -> Mod:
        return Mod(self.residue - residue(other))

    def __rsub__(self, other: Exact) -> Mod:
        return Mod(residue(other) - self.residue)

    def __truediv__(self, other: Exact) -> Mod:
        return Mod(self.residue * pow(residue(other), -1, PRIME))

    def __rtruediv__(self, other: Exact) -> Mod:
        return Mod(residue(other)) / self

    def __pow__(self, exponent: int) -> Mod:
        return Mod(pow(self.residue, int(exponent), PRIME))

    def __float__(self) -> float:
        return float(self.residue)

    __radd__, __rmul__ = __add__, __mul__


Exact = Mod | Fraction | int


def residue(number: Exact) -> int:
    """Return a number as a residue: 1/2 is the one that twice gives 1."""
    if isinstance(number, Mod):
        return number.residue
    top, bottom = Fraction(number).as_integer_ratio()
    return top * pow(bottom, -1, PRIME) % PRIME
