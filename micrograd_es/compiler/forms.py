"""Rows in terms of a few basic operations, which every backend has; no derivatives.

A form is written with operators and the functions of `m`, over places of the code being lowered. It
keeps what the row's own function keeps: stable far out, NaN stays NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from micrograd_es.compiler.code import LEAVES, Code
from micrograd_es.compiler.linear import Linear
from micrograd_es.compiler.trace import symbols
from micrograd_es.errors import PrimitiveError, TraceError
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.value import Value, topological_order

NAMES = """
    neg abs exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh
    sech2 asinh acosh atanh erf erfc floor ceil round above
    add sub mul div pow atan2 hypot copysign max min
    if_less if_at_most if_equal
"""  # above(x) is 1 where x > 0, 0 where it is not, and NaN of NaN
BASIC = frozenset(NAMES.split())
Form = Callable[..., Any]


class Term:
    """A place of the code, with operators that append to it."""

    __slots__ = ("code", "place")

    def __init__(self, code: Code, place: int) -> None:
        self.code, self.place = code, place

    def put(self, name: str, *others: Any) -> Term:
        places = [x.place if type(x) is Term else self.code.constant(x) for x in others]
        return Term(self.code, self.code.put(name, *places))

    @property
    def number(self) -> float | None:
        return self.code.numbers.get(self.place)

    def __add__(self, other: Any) -> Term:
        return self.put("add", self, other)

    def __sub__(self, other: Any) -> Term:
        return self.put("sub", self, other)

    def __mul__(self, other: Any) -> Term:
        return self.put("mul", self, other)

    def __truediv__(self, other: Any) -> Term:
        return self.put("div", self, other)

    def __radd__(self, other: Any) -> Term:
        return self.put("add", other, self)

    def __rsub__(self, other: Any) -> Term:
        return self.put("sub", other, self)

    def __rmul__(self, other: Any) -> Term:
        return self.put("mul", other, self)

    def __rtruediv__(self, other: Any) -> Term:
        return self.put("div", other, self)

    def __neg__(self) -> Term:
        return self.put("neg", self)


class Functions:
    """m.exp(x) and its like, of Terms."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def apply(*args: Any) -> Term:
            term = next(x for x in args if isinstance(x, Term))
            return term.put(name, *args)

        return apply

    def where(self, comparison: str, a: Any, b: Any, x: Any, z: Any) -> Any:
        """x where a < b ("less"), a <= b ("at_most") or a == b ("equal"), else z."""
        return getattr(self, f"if_{comparison}")(a, b, x, z)


m = Functions()


def e_to_minus(x: Term) -> Any:
    """exp(-|x|)"""
    return m.exp(m.copysign(x, -1))


def sigmoid(x: Term) -> Any:
    e = e_to_minus(x)
    return m.where("less", x, 0, e, 1) / (1 + e)


def logistic(x: Term) -> Any:
    e = e_to_minus(x)
    return e / ((1 + e) * (1 + e))


def gauss(x: Term) -> Any:
    """exp(-x²), with x² in a high and a low part (Dekker 1971), lest its rounding be seen."""
    x = m.min(m.abs(x), 40)
    split = x * 134217729  # 2^27 + 1
    high = split - (split - x)
    return m.exp(-(high * high)) * m.exp(-((x + high) * (x - high)))


def normal_cdf(x: Term) -> Any:
    return 0.5 * m.erfc(x * -math.sqrt(0.5))


def normal(x: Term) -> Any:
    return gauss(x * math.sqrt(0.5)) / math.sqrt(2 * math.pi)


def power(a: Term, b: Term) -> Any:
    simple: dict[float | None, Callable[[], Any]] = {
        2: lambda: a * a,
        1: lambda: a,
        0: lambda: m.pow(a, b),
        -1: lambda: 1 / a,
    }
    simple |= {3: lambda: a * a * a, 0.5: lambda: m.sqrt(a)}
    return simple.get(b.number, lambda: m.pow(a, b))()


def power_slope(a: Term, b: Term) -> Any:
    """b · a^(b - 1); 0 where b is 0, also at a = 0."""
    if b.number is not None:
        return b * power(a, Term(a.code, a.code.constant(b.number - 1))) if b.number else b
    return m.where("equal", b, 0, 0, b * m.pow(a, b - 1))


def power_jet(a: Term, b: Term, k: Term, n: Term) -> Any:
    """∂ᵏ/∂aᵏ ∂ⁿ/∂bⁿ of a^b, from its Taylor polynomial in b."""
    if k.number is None or n.number is None:
        raise PrimitiveError("power_jet: its orders are whole numbers, not inputs")
    orders, times = int(k.number), int(n.number)
    taylor: list[Any] = [1.0] + [0.0] * times
    for i in range(orders):
        shifted = [0.0, *taylor[:-1]]
        taylor = [(b - i) * c + below for c, below in zip(taylor, shifted, strict=True)]
    whole: Any = 0.0
    for j, c in enumerate(taylor):
        term: Any = math.perm(times, j) * c
        for _ in range(times - j):
            term = m.log(a) * term
        whole = term + whole
    result = whole * m.pow(a, b - orders)
    return m.where("equal", a, 0, 0, result) if times and not orders else result


def mod(a: Term, b: Term) -> Any:
    """a - floor(a/b)·b, the product with what its rounding drops, where a/b is below 2^53."""
    whole = floordiv(a, b)
    return (a - whole * b) - dropped(whole, b)


def floordiv(a: Term, b: Term) -> Any:
    """floor(a/b), or one less where a/b was rounded up to a whole number."""
    whole = m.floor(a / b)
    rest = (a - whole * b) - dropped(whole, b)
    return whole - m.where("less", rest * m.copysign(1 + 0 * b, b), 0, 1, 0)


def dropped(a: Term, b: Term) -> Any:
    """a·b less its rounded product, exactly (Dekker 1971)."""
    a_split, b_split, product = a * 134217729, b * 134217729, a * b
    a1, b1 = a_split - (a_split - a), b_split - (b_split - b)
    a2, b2 = a - a1, b - b1
    return ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def exprel(x: Term, n: Any = 0) -> Any:
    """∂ⁿ/∂xⁿ of (eˣ - 1)/x: a series near 0, else x·yₙ = eˣ - n·yₙ₋₁."""
    order = counted("exprel_jet", n)
    limit = order + 0.5
    near = m.max(m.min(x, limit), -limit) if order else 0 * x
    far = m.where("less", m.abs(x), limit if order else 1e-300, 1, x)
    series: Any = 0.0
    for k in range(28, -1, -1):
        series = series * near + 1 / (math.factorial(k) * (order + k + 1))
    y = m.expm1(far) / far
    for k in range(1, order + 1):
        y = (m.exp(far) - k * y) / far
    return m.where("equal", far, x, y, series)


def sinc(x: Term, n: Any = 0) -> Any:
    """∂ⁿ/∂xⁿ of sin(π·x)/(π·x): a series near 0, else z·yₙ = ∂ⁿsin(z) - n·yₙ₋₁ for z = π·x."""
    order = counted("sinc_jet", n)
    limit = (order + 1.0) / math.pi
    near = m.max(m.min(x, limit), -limit) * math.pi
    far = m.where("less", m.abs(x), limit, limit, x)
    series: Any = 0.0
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
    return math.pi**order * m.where("equal", far, x, y, series)


def counted(name: str, n: Any) -> int:
    """The order of a derivative, which is a whole number and no input."""
    number = n.number if isinstance(n, Term) else n
    if number is None:
        raise PrimitiveError(f"{name}: its order is a whole number, not an input")
    return int(number)


def total(*xs: Term) -> Any:
    return reduce(lambda a, b: a + b, xs)


def dot(*args: Term) -> Any:
    n = len(args) // 2
    products = [w * x for w, x in zip(args[:n], args[n : 2 * n], strict=True)]
    return total(*products, *args[2 * n :])


def product(*xs: Term) -> Any:
    return reduce(lambda a, b: a * b, xs)


def largest(*xs: Term) -> Any:
    return reduce(m.max, xs)


def norm(*xs: Term) -> Any:
    """The length, scaled by the largest, lest a square overflow."""
    size = largest(*(m.abs(x) for x in xs))
    scale = m.where("equal", size, 0, 1, size)
    return size * m.sqrt(total(*((x / scale) * (x / scale) for x in xs)))


def unit_first(*xs: Term) -> Any:
    length = m.hypot(*xs) if len(xs) == 2 else norm(*xs)
    return m.where("equal", length, 0, xs[0], xs[0] / length)


def log_sum_exp(*xs: Term) -> Any:
    most = largest(*xs)
    return most + m.log(total(*(m.exp(x - most) for x in xs)))


def softmax_first(*xs: Term) -> Any:
    ordered = sorted(xs, key=lambda x: x.place)  # so that all components share the exponentials
    most = largest(*ordered)
    return m.exp(xs[0] - most) / total(*(m.exp(x - most) for x in ordered))


FORMS: dict[str, Form] = {
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
    "atan2_slope": lambda a, b: unit_first(b, a) / m.hypot(a, b),
    "atanh_slope": lambda x: 1 / ((1 - x) * (1 + x)),
    "hypot_slope": lambda a, b: unit_first(a, b),
    "lorentzian": lambda x: 1 / (1 + x * x),
    "gauss": gauss,
    "normal_cdf": normal_cdf,
    "normal": normal,
    "sigmoid": sigmoid,
    "logistic": logistic,
    "log_sigmoid": lambda x: m.min(x, 0) - m.log1p(e_to_minus(x)),
    "softplus": lambda x: m.max(x, 0) + m.log1p(e_to_minus(x)),
    "silu": lambda x: x * sigmoid(x),
    "gelu": lambda x: x * normal_cdf(x),
    "relu": lambda x: m.max(x, 0),
    "leaky_relu": lambda x, slope: m.where("less", 0, x, x, slope * x),
    "elu": lambda x, alpha: m.where("less", 0, x, x, alpha * m.expm1(x)),
    "hard_tanh": lambda x: m.min(m.max(x, -1), 1),
    "xlogy": lambda a, b: m.where("equal", a, 0, 0, a * m.log(b)),
    "quotient": lambda a, b: m.where("equal", a, 0, 0, a / b),
    "sign": lambda x: m.where("less", 0, x, 1, m.where("less", x, 0, -1, x)),
    "step": lambda x: m.above(x),
    "maximum": lambda a, b: m.max(a, b),
    "minimum": lambda a, b: m.min(a, b),
    "exceeds": lambda a, b: m.where("equal", a, b, 0.5, m.above(a - b)),
    "dot": dot,
    "total": total,
    "mean": lambda *xs: total(*xs) / len(xs),
    "prod": product,
    "other_product": lambda x, *others: product(*others) if others else 1 + 0 * x,
    "norm": norm,
    "unit_first": unit_first,
    "log_sum_exp": log_sum_exp,
    "softmax_first": softmax_first,
}


def lowered(linear: Linear, forms: Mapping[Primitive, Form]) -> tuple[Code, list[int]]:
    """Return code of basic operations only, and the places of its outputs.

    forms  the formulas, in primitives, of rows whose value is not written in them
    """
    code, place = Code(), list[int]()
    basic = {name for name, row in linear.rows.items() if is_basic(row)}
    for name, *args in linear.code.ops:
        if name in LEAVES:
            place.append(code.leaf(name, args[0]))
            continue
        if name in basic:
            place.append(code.put(name, *[place[arg] for arg in args]))
            continue
        row = linear.rows[name]
        terms = [Term(code, place[arg]) for arg in args]
        found = form_of(row, len(args), forms)(*terms)
        place.append(found.place if isinstance(found, Term) else code.constant(found))
    return code, [place[output] for output in linear.outputs]


def is_basic(row: Primitive) -> bool:
    """Return whether a row is a basic operation itself, and not a user's of that name."""
    return row.name in BASIC and row.__module__.startswith("micrograd_es.")


def form_of(row: Primitive, size: int, forms: Mapping[Primitive, Form]) -> Form:
    """Return how a row is made of basic operations: its form, itself, or its own formula."""
    if TABLE.get(row.name) is row and row.name in FORMS:
        return FORMS[row.name]
    if is_basic(row):
        return lambda *xs: xs[0].put(row.name, *xs)
    return formula_of(row, size, forms)


def formula_of(row: Primitive, size: int, forms: Mapping[Primitive, Form]) -> Form:
    """Return the value of a user's row as a form, if it is written in primitives."""
    args = [Value(math.nan) for _ in range(size)]  # which is in every domain
    try:
        with symbols({*args}):  # which refuse to be floats, as math.* would have them
            formula: Callable[..., Any] = forms.get(row, row.value)
            made = formula(*args)
    except Exception:  # whatever a function of floats does with a Value
        made = None
    if type(made) is not Value:
        raise TraceError(
            f"the value of {row.name} is not written in primitives, so only the backend "
            f'"python" can run it: give forms={{{row.name}: lambda x: …}}, written with operators '
            "and functions of micrograd_es"
        )
    order = topological_order(made)

    def form(*xs: Term) -> Any:
        found: dict[Value, Any] = dict(zip(args, xs, strict=True))
        for node in order:
            if node in found:
                continue
            if not node.args:
                found[node] = Term(xs[0].code, xs[0].code.constant(node.data))
                continue
            assert node.primitive is not None  # it has args
            operands = [found[arg] for arg in node.args]
            found[node] = form_of(node.primitive, len(operands), forms)(*operands)
        return found[made]

    return form
