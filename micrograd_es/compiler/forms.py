"""Rows in terms of a few basic operations, which every backend has; no derivatives.

A form is written with operators and the functions of `m`, over places of the code being lowered. It
keeps what the row's own function keeps: stable far out, NaN stays NaN.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeVar

from micrograd_es.coercion import run_under
from micrograd_es.compiler.code import Code
from micrograd_es.compiler.symbols import Tracing
from micrograd_es.errors import PrimitiveError, TraceError
from micrograd_es.floats import (
    INV_SQRT_2PI,
    SQRT_HALF,
    SQRT_HALF_REST,
    TWO_BY_SQRT_PI,
)
from micrograd_es.jets import difference
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.value import Value, topological_order

NAMES = """
    neg abs exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh
    sech2 asinh acosh atanh erf erfc floor ceil round above
    add sub mul div pow atan2 hypot fmod copysign max min product_error difference_error
    if_less if_at_most if_equal
"""
# above(x) is 1 where x > 0, 0 where it is not, and NaN of NaN; product_error(a, b) is what a·b
# loses by rounding, difference_error(a, b) what a - b does, as in floats.py.
BASIC = frozenset(NAMES.split())
Form = Callable[..., "Term | float"]


class Term:
    """A place of the code, with operators that append to it."""

    __slots__ = ("code", "place")

    def __init__(self, code: Code, place: int) -> None:
        self.code, self.place = code, place

    def put(self, name: str, *others: Number) -> Term:
        places = [x.place if isinstance(x, Term) else self.code.constant(x) for x in others]
        return Term(self.code, self.code.put(name, *places))

    @property
    def number(self) -> float | None:
        return self.code.numbers.get(self.place)

    def __add__(self, other: Number) -> Term:
        return self.put("add", self, other)

    def __sub__(self, other: Number) -> Term:
        return self.put("sub", self, other)

    def __mul__(self, other: Number) -> Term:
        return self.put("mul", self, other)

    def __truediv__(self, other: Number) -> Term:
        return self.put("div", self, other)

    def __radd__(self, other: Number) -> Term:
        return self.put("add", other, self)

    def __rsub__(self, other: Number) -> Term:
        return self.put("sub", other, self)

    def __rmul__(self, other: Number) -> Term:
        return self.put("mul", other, self)

    def __rtruediv__(self, other: Number) -> Term:
        return self.put("div", other, self)

    def __neg__(self) -> Term:
        return self.put("neg", self)


Number = Term | float


class Functions:
    """m.exp(x) and its like, of Terms."""

    def __getattr__(self, name: str) -> Callable[..., Term]:
        def apply(*args: Number) -> Term:
            term = next(x for x in args if isinstance(x, Term))
            return term.put(name, *args)

        return apply

    def where(self, comparison: str, a: Number, b: Number, x: Number, z: Number) -> Term:
        """x where a < b ("less"), a <= b ("at_most") or a == b ("equal"), else z."""
        return self.__getattr__(f"if_{comparison}")(a, b, x, z)


m = Functions()


def e_to_minus(x: Term) -> Term:
    """exp(-|x|)"""
    return m.exp(m.copysign(x, -1))


def sigmoid(x: Term) -> Term:
    e = e_to_minus(x)
    return m.where("less", x, 0, e, 1) / (1 + e)


def logistic(x: Term) -> Term:
    e = e_to_minus(x)
    return e / ((1 + e) * (1 + e))


def gauss(x: Term, k: float = 1.0) -> Term:
    """exp(-k·x²); what x² loses by rounding is put back, as floats.gauss does."""
    y = m.exp(-k * (x * x))
    return m.where("less", 0, y, y - y * (k * m.product_error(x, x)), y)


def normal(x: Term) -> Term:
    return INV_SQRT_2PI * gauss(x, 0.5)


def normal_cdf(x: Term) -> Term:
    """erfc(-x/√2)/2, with -x/√2 to twice the digits, as floats.normal_cdf has it."""
    z = -x * SQRT_HALF
    rest = m.product_error(-x, SQRT_HALF) - x * SQRT_HALF_REST
    y = m.erfc(z)
    near = y - TWO_BY_SQRT_PI * m.exp(-(z * z)) * rest
    return 0.5 * m.where("less", m.abs(z), 40, near, y)


def gated(gate: Callable[[Term], Term]) -> Form:
    """Return x · gate(x) for a gate that vanishes at -∞ faster than x grows."""
    return lambda x: m.where("equal", x, -math.inf, -0.0, x * gate(x))


def power(a: Term, b: Term) -> Term:
    simple: dict[float | None, Callable[[], Term]] = {
        2: lambda: a * a,
        1: lambda: a,
        -1: lambda: 1 / a,
        3: lambda: a * a * a,
        0.5: lambda: m.sqrt(a),
    }
    return simple.get(b.number, lambda: m.pow(a, b))()


def power_less(a: Term, b: Term, k: int) -> Term:
    """a^(b - k); what b - k loses by rounding is put back, as jets.power_less does."""
    if b.number is not None:
        c, rest = difference(b.number, k)
        y = power(a, Term(a.code, a.code.constant(c)))
        return y if not rest else m.where("equal", y, 0, y, y + y * (rest * m.log(a)))
    y, error = m.pow(a, b - k), m.difference_error(b, k)
    mended = m.where("equal", y, 0, y, y + y * (error * m.log(a)))
    return m.where("equal", error, 0, y, mended)


def power_slope(a: Term, b: Term) -> Term:
    """b · a^(b - 1); 0 where b is 0, also at a = 0."""
    if b.number is not None:
        return b * power_less(a, b, 1) if b.number else b
    return m.where("equal", b, 0, 0, b * power_less(a, b, 1))


def power_jet(a: Term, b: Term, k: Term, n: Term) -> Term:
    """∂ᵏ/∂aᵏ ∂ⁿ/∂bⁿ of a^b, from its Taylor polynomial in b."""
    if k.number is None or n.number is None:
        raise PrimitiveError("power_jet: its orders are whole numbers, not inputs")
    orders, times = int(k.number), int(n.number)
    taylor: list[Number] = [1.0, *[0.0] * times]
    for i in range(orders):
        shifted = [0.0, *taylor[:-1]]
        taylor = [(b - i) * c + below for c, below in zip(taylor, shifted, strict=True)]
    whole: Number = 0.0
    for j, c in enumerate(taylor):
        term: Number = math.perm(times, j) * c
        for _ in range(times - j):
            term = m.log(a) * term
        whole = term + whole
    result = whole * power_less(a, b, orders)
    if orders:  # too large, but the polynomial may be so small that the product fits
        far = reduce(lambda x, _: x / a, range(orders), whole * m.pow(a, b))
        result = m.where("equal", m.abs(m.pow(a, b - orders)), math.inf, far, result)
    if not times:  # x ** n after more than n derivatives
        return m.where("equal", whole, 0, 0, result) if orders else result
    flat = m.where("less", orders, b, 0, result)  # 0 ** y is flat in y
    if not orders:  # by convention also at 0
        flat = m.where("equal", b, 0, 0, flat)
    return m.where("equal", a, 0, flat, result)


def xlogy(a: Term, b: Term) -> Term:
    return m.where("equal", a, 0, m.where("equal", b, b, 0, b), a * m.log(b))


def quotient(a: Term, b: Term) -> Term:
    ratio = a / b
    return m.where("equal", a, 0, m.where("equal", b, 0, 0, ratio), ratio)


def mod(a: Term, b: Term) -> Term:
    """The remainder with the sign of b, as Python has it."""
    rest = m.fmod(a, b)
    shifted = m.where("less", rest * m.copysign(1, b), 0, rest + b, rest)
    return m.where("equal", rest, 0, m.copysign(0, b), shifted)


def floordiv(a: Term, b: Term) -> Term:
    """The whole quotient below a/b, as Python has it: from the remainder, which is exact."""
    rest = m.fmod(a, b)
    ratio = (a - rest) / b
    ratio = m.where("less", rest * m.copysign(1, b), 0, ratio - 1, ratio)
    below = m.floor(ratio)
    nearest = m.where("less", 0.5, ratio - below, below + 1, below)
    return m.where("equal", ratio, 0, m.copysign(0, a / b), nearest)


def exprel(x: Term, n: Number = 0) -> Term:
    """∂ⁿ/∂xⁿ of (eˣ - 1)/x: a series near 0, else x·yₙ = eˣ - n·yₙ₋₁."""
    order = counted("exprel_jet", n)
    limit = order + 0.5
    near = m.max(m.min(x, limit), -limit) if order else 0 * x
    far = m.where("less", m.abs(x), limit if order else 1e-300, 1, x)
    series: Number = 0.0
    for k in range(28, -1, -1):
        series = series * near + 1 / (math.factorial(k) * (order + k + 1))
    y = m.expm1(far) / far
    for k in range(1, order + 1):
        y = (m.exp(far) - k * y) / far
    large = m.max(m.min(x, 1e5), 700)  # eˣ may be too large where its quotient is not
    scaled, root = -m.expm1(-large) / large, m.exp(large / 2)
    for k in range(1, order + 1):
        scaled = (1 - k * scaled) / large
    y = m.where("less", 700, x, scaled * root * root, y)
    return m.where("equal", far, x, y, series)


def sinc(x: Term, n: Number = 0) -> Term:
    """∂ⁿ/∂xⁿ of sin(π·x)/(π·x): a series near 0, else z·yₙ = ∂ⁿsin(z) - n·yₙ₋₁ for z = π·x."""
    order = counted("sinc_jet", n)
    limit = (order + 1.0) / math.pi
    near = m.max(m.min(x, limit), -limit) * math.pi
    far = m.where("less", m.abs(x), limit, limit, x)
    series: Number = 0.0
    for k in range(order // 2 + 16, (order + 1) // 2 - 1, -1):
        factor = (-1) ** k / math.factorial(2 * k - order) / (2 * k + 1)
        series = series * (near * near) + factor
    series = series * near if order % 2 else series
    whole = m.round(far)
    rest, odd = far - whole, whole - 2 * m.floor(whole / 2)
    sign = 1 - 2 * odd
    sine = sign * m.sin(math.pi * rest)
    cosine = sign * m.sin(math.pi * (0.5 - m.abs(rest)))
    z = far * math.pi
    y = sine / z
    for k in range(1, order + 1):
        y = ((sine, cosine, -sine, -cosine)[k % 4] - k * y) / z
    y = m.where("equal", m.abs(x), math.inf, 0, y)
    return math.pi**order * m.where("equal", far, x, y, series)


def counted(name: str, n: Number) -> int:
    """The order of a derivative, which is a whole number and no input."""
    number = n.number if isinstance(n, Term) else n
    if number is None:
        raise PrimitiveError(f"{name}: its order is a whole number, not an input")
    return int(number)


# ---- of any number of arguments: what all slopes of a list need is written once ------------------


def total(*xs: Term) -> Term:
    return reduce(operator.add, xs)


def mean(*xs: Term) -> Term:
    """The sum by n; where it overflows, the sum of each by n."""
    whole, n = total(*xs), len(xs)
    return m.where("equal", m.abs(whole), math.inf, total(*(x / n for x in xs)), whole / n)


def dot(*args: Term) -> Term:
    n = len(args) // 2
    products = [w * x for w, x in zip(args[:n], args[n : 2 * n], strict=True)]
    return total(*products, *args[2 * n :])


Result = TypeVar("Result")


def once(make: Callable[..., Result]) -> Callable[..., Result]:
    """Return make(*xs) for terms in whatever order, written once for each list of them."""

    def shared(*xs: Term) -> Result:
        code, places = xs[0].code, sorted([x.place for x in xs])
        key = make, tuple(places)
        if key not in code.shared:
            code.shared[key] = make(*(Term(code, place) for place in places))
        written: Result = code.shared[key]
        return written

    return shared


def pairwise(join: Callable[[Result, Result], Result], xs: Sequence[Result]) -> Result:
    """Return the xs joined two by two, and the results two by two: a tree, not a chain."""
    row = [*xs]
    while len(row) > 1:
        row = neighbours(join, row)
    return row[0]


def neighbours(join: Callable[[Result, Result], Result], row: Sequence[Result]) -> list[Result]:
    """Return each pair joined; the last one as it is, if it has no neighbour."""
    joined = [join(a, b) for a, b in zip(row[::2], row[1::2], strict=False)]
    return [*joined, *row[2 * len(joined) :]]


UP, DOWN, SMALL, LARGE = 2.0**600, 2.0**-600, 2.0**-400, 2.0**400


@dataclass(frozen=True, slots=True)
class Scaled:
    """The number x · 2^(600·k), where x is so far from the ends of the range that x·x is in it."""

    x: Number
    k: Number

    @classmethod
    def of(cls, x: Number, k: Number = 0.0) -> Scaled:
        size = m.abs(x)
        factor = m.where("less", size, SMALL, UP, m.where("less", LARGE, size, DOWN, 1))
        more = m.where("less", factor, 1, 1, m.where("less", 1, factor, -1, 0))
        return cls(x * factor, k + more)

    def __mul__(self, other: Scaled) -> Scaled:
        return Scaled.of(self.x * other.x, self.k + other.k)

    def number(self) -> Number:
        x = self.x
        for n in range(3):  # 2^±1800 takes every x out of the range of floats
            x = x * m.where("less", n, self.k, UP, m.where("less", self.k, -n, DOWN, 1))
        return x


def product(*xs: Number) -> Number:
    """The product; no intermediate one leaves the range of floats."""
    if len(xs) > 2:
        return pairwise(operator.mul, [Scaled.of(x) for x in xs]).number()
    one: Number = 1.0
    return reduce(lambda a, b: a * b, xs, one)


@once
def products_of_others(*xs: Term) -> dict[int, Number]:
    """For the place of each x the product of the others: down a tree, what is outside a branch."""
    levels = [[Scaled.of(x) for x in xs]]
    while len(levels[-1]) > 1:
        levels.append(neighbours(operator.mul, levels[-1]))
    outside: list[Scaled | None] = [None]
    for row in levels[-2::-1]:
        above = [outside[i // 2] for i in range(len(row))]
        beside = [row[i ^ 1] if i ^ 1 < len(row) else None for i in range(len(row))]
        outside = [a * b if a and b else a or b for a, b in zip(above, beside, strict=True)]
    return {x.place: rest.number() for x, rest in zip(xs, outside, strict=True) if rest}


def other_product(x: Term, *others: Term) -> Number:
    return products_of_others(x, *others)[x.place] if len(others) > 2 else product(*others)


def largest(*xs: Term) -> Term:
    return pairwise(m.max, xs)


@once
def lengths(*xs: Term) -> tuple[Term, Term, Term]:
    """The largest size, what all are divided by lest a square overflow, the length of the rest."""
    size = largest(*(m.abs(x) for x in xs))
    scale = m.where("equal", size, 0, 1, m.where("equal", size, math.inf, 1, size))
    return size, scale, m.sqrt(total(*((x / scale) * (x / scale) for x in xs)))


def norm(*xs: Term) -> Term:
    size, _, length = lengths(*xs)
    return size * length


def unit_first(*xs: Term) -> Term:
    size, scale, length = lengths(*xs)
    return m.where("equal", size, 0, 0, xs[0] / scale / length)


@once
def exponentials(*xs: Term) -> tuple[Term, dict[int, Term], Term]:
    """The largest x, each exp(x - largest) by its place, and their sum less 1.

    What x - largest loses by rounding is put back, as floats.exponentials does. The largest are
    counted apart: their sum less 1 is exact.
    """
    top = largest(*xs)
    shifted = [m.exp(x - top) for x in xs]
    mended = [e + e * m.difference_error(x, top) for e, x in zip(shifted, xs, strict=True)]
    small = [m.where("equal", e, 0, 0, y) for e, y in zip(shifted, mended, strict=True)]
    others = total(*(m.where("equal", x, top, 0, e) for x, e in zip(xs, small, strict=True)))
    count = total(*(m.where("equal", x, top, 1, 0) for x in xs))
    es = {x.place: m.where("equal", x, top, 1, e) for x, e in zip(xs, small, strict=True)}
    return top, es, others + (count - 1)


def tame(a: Term, b: Term) -> Term:
    """A factor that keeps the length of (a, b) below the largest float."""
    return m.where("less", 1e300, m.max(m.abs(a), m.abs(b)), 2.0**-10, 1)


def hypot_slope(a: Term, b: Term) -> Term:
    factor = tame(a, b)
    return unit_first(a * factor, b * factor)


def atan2_slope(a: Term, b: Term) -> Term:
    """b/(a² + b²)"""
    factor = tame(a, b)
    return unit_first(b * factor, a * factor) / m.hypot(a * factor, b * factor) * factor


def log_sum_exp(*xs: Term) -> Term:
    top, _, others = exponentials(*xs)
    return top + m.log1p(others)


def softmax_first(*xs: Term) -> Term:
    _, es, others = exponentials(*xs)
    return es[xs[0].place] / (1 + others)


FORMS: dict[str, Form] = {
    "detach": lambda x: x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "mod": mod,
    "floordiv": floordiv,
    "exprel": exprel,
    "exprel_jet": exprel,
    "sinc": sinc,
    "sinc_jet": sinc,
    "power": power,
    "power_slope": power_slope,
    "power_jet": power_jet,
    "asin_slope": lambda x: 1 / m.sqrt((1 - x) * (1 + x)),
    "atan2_slope": atan2_slope,
    "atanh_slope": lambda x: m.where("at_most", m.abs(x), 1, 1 / ((1 - x) * (1 + x)), math.nan),
    "hypot_slope": hypot_slope,
    "lorentzian": lambda x: 1 / (1 + x * x),
    "gauss": gauss,
    "normal_cdf": normal_cdf,
    "normal": normal,
    "sigmoid": sigmoid,
    "logistic": logistic,
    "log_sigmoid": lambda x: m.min(x, 0) - m.log1p(e_to_minus(x)),
    "softplus": lambda x: m.max(x, 0) + m.log1p(e_to_minus(x)),
    "silu": gated(sigmoid),
    "gelu": gated(normal_cdf),
    "relu": lambda x: m.max(x, 0),
    "leaky_relu": lambda x, slope: m.where("less", 0, x, x, slope * x),
    "elu": lambda x, alpha: m.where("less", 0, x, x, alpha * m.expm1(x)),
    "hard_tanh": lambda x: m.min(m.max(x, -1), 1),
    "xlogy": xlogy,
    "quotient": quotient,
    "sign": lambda x: m.where("less", 0, x, 1, m.where("less", x, 0, -1, x)),
    "step": lambda x: m.above(x),
    "maximum": lambda a, b: m.max(a, b),
    "minimum": lambda a, b: m.min(a, b),
    "exceeds": lambda a, b: m.where("equal", a, b, 0.5, m.above(a - b)),
    "dot": dot,
    "total": total,
    "mean": mean,
    "prod": product,
    "other_product": other_product,
    "norm": norm,
    "unit_first": unit_first,
    "log_sum_exp": log_sum_exp,
    "softmax_first": softmax_first,
}


def is_basic(row: Primitive) -> bool:
    """Return whether a row is a basic operation itself, and not a user's of that name."""
    return row.name in BASIC and row.__module__.startswith("micrograd_es.")


def is_known(row: Primitive) -> bool:
    """Return whether a row is one of the package's own that has a form here or needs none."""
    own = TABLE.get(row.name) is row and row.name in {*FORMS, *BASIC, "identity"}
    return own or is_basic(row)


def formula_of(row: Primitive, size: int, forms: Mapping[Primitive, Form]) -> Formula:
    """Return the value of a row as a graph, if it or the row's form is written in primitives."""
    args = [Value(0.5) for _ in range(size)]
    tracing = Tracing(args)  # they refuse to be floats, as math.* would have them
    try:
        made = run_under(tracing, forms.get(row, row.form or row.value), *args)
    except Exception:  # whatever a function of floats does with a Value
        made = None
    if type(made) is not Value or tracing.refused is not None:
        raise TraceError(
            f"the value of {row.name} is not written in primitives, so only the backend "
            f'"python" can run it: give forms={{{row.name}: lambda x: …}}, written with operators '
            "and functions of micrograd_es"
        )
    return Formula(args, topological_order(made))


@dataclass(frozen=True, slots=True)
class Formula:
    """A graph whose last node is a row's value, and the leaves that stand for its arguments."""

    args: list[Value]
    order: list[Value]
