"""Rows written in a few basic operations, which every backend has; no derivatives.

    FORMS[name]         the form of a row: a function of Terms (terms.py)
    is_known(row)       whether a row has a form, or is a basic operation itself
    formula_of(row, …)  the value of any other row as a graph, if it is written in primitives

A form keeps what the row's own function of floats keeps: it is stable far out, NaN stays NaN. So
the form of softplus is max(x, 0) + log1p(exp(-|x|)), which no x makes overflow.
The docstring of a form is the formula that it writes. Rows of lists are in list_forms.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import reduce

from micrograd_es.coercion import run_under
from micrograd_es.compiler.basic import BASIC
from micrograd_es.compiler.list_forms import LIST_FORMS, unit_first
from micrograd_es.compiler.symbols import Tracing
from micrograd_es.compiler.terms import Number, Term, m
from micrograd_es.errors import PrimitiveError, TraceError
from micrograd_es.floats import INV_SQRT_2PI, SQRT_HALF, SQRT_HALF_REST, TWO_BY_SQRT_PI
from micrograd_es.jets import difference
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.value import Value, topological_order

Form = Callable[..., Number]
FormulaGraph = tuple[list[Value], list[Value]]  # leaves for the arguments; all nodes in order


def e_to_minus(x: Term) -> Term:
    """exp(-|x|)"""
    return m.exp(m.copysign(x, -1))


def sigmoid(x: Term) -> Term:
    """1 / (1 + exp(-x)); e/(1 + e) with e = exp(x) where x < 0, so that e cannot overflow."""
    e = e_to_minus(x)
    return m.where("less", x, 0, e, 1) / (1 + e)


def logistic(x: Term) -> Term:
    """The slope of sigmoid, e/(1 + e)² with e = exp(-|x|): it is even."""
    e = e_to_minus(x)
    return e / ((1 + e) * (1 + e))


def gauss(x: Term, k: float = 1.0) -> Term:
    """exp(-k·x²); what x² loses by rounding is put back, as in floats.gauss."""
    y = m.exp(-k * (x * x))
    return m.where("less", 0, y, y - y * (k * m.product_error(x, x)), y)


def normal(x: Term) -> Term:
    """The density of the normal distribution."""
    return INV_SQRT_2PI * gauss(x, 0.5)


def normal_cdf(x: Term) -> Term:
    """erfc(-x/√2)/2, with -x/√2 to twice the digits, as in floats.normal_cdf."""
    z = -x * SQRT_HALF
    rest = m.product_error(-x, SQRT_HALF) - x * SQRT_HALF_REST
    y = m.erfc(z)
    near = y - TWO_BY_SQRT_PI * m.exp(-(z * z)) * rest
    return 0.5 * m.where("less", m.abs(z), 40, near, y)


def gate(function: Callable[[Term], Term]) -> Form:
    """Return the form of x · function(x), which is 0 at -∞ as function vanishes faster there."""
    return lambda x: m.where("equal", x, -math.inf, -0.0, x * function(x))


def power(a: Term, b: Term) -> Term:
    """a^b; a product, quotient or root where b is a constant that allows it."""
    simple: dict[float | None, Callable[[], Term]] = {
        2: lambda: a * a,
        1: lambda: a,
        -1: lambda: 1 / a,
        3: lambda: a * a * a,
        0.5: lambda: m.sqrt(a),
    }
    return simple.get(b.number, lambda: m.pow(a, b))()


def power_less(a: Term, b: Term, k: int) -> Term:
    """a^(b - k); what b - k loses by rounding is put back, as in jets.power_less."""
    if b.number is not None:
        c, rest = difference(b.number, k)
        y = power(a, Term(a.code, a.code.constant(c)))
        return y if not rest else m.where("equal", y, 0, y, y + y * (rest * m.log(a)))
    y, error = m.pow(a, b - k), m.difference_error(b, k)
    exact = m.where("equal", y, 0, y, y + y * (error * m.log(a)))
    return m.where("equal", error, 0, y, exact)


def power_slope(a: Term, b: Term) -> Term:
    """b · a^(b - 1); 0 where b is 0, also at a = 0."""
    if b.number is not None:
        return b * power_less(a, b, 1) if b.number else b
    return m.where("equal", b, 0, 0, b * power_less(a, b, 1))


def power_jet(a: Term, b: Term, k: Term, n: Term) -> Term:
    """∂ᵏ/∂aᵏ ∂ⁿ/∂bⁿ of a^b: a polynomial in b and log(a), times a^(b - k), as in jets."""
    by_a, by_b = order_of("power_jet", k), order_of("power_jet", n)
    polynomial = power_polynomial(a, b, by_a, by_b)
    result = polynomial * power_less(a, b, by_a)
    if by_a:  # a^(b - k) may be too large and the polynomial so small that the product fits
        far = reduce(lambda x, _: x / a, range(by_a), polynomial * m.pow(a, b))
        result = m.where("equal", m.abs(m.pow(a, b - by_a)), math.inf, far, result)
    if not by_b:  # a ** 2 after three derivatives is 0
        return m.where("equal", polynomial, 0, 0, result) if by_a else result
    flat = m.where("less", by_a, b, 0, result)  # 0 ** b is 0 for b > 0: it is flat in b
    if not by_a:  # by convention 0 ** b is flat at b = 0 too
        flat = m.where("equal", b, 0, 0, flat)
    return m.where("equal", a, 0, flat, result)


def power_polynomial(a: Term, b: Term, by_a: int, by_b: int) -> Number:
    """Σⱼ C(n, j) · P⁽ʲ⁾(b) · log(a)^(n - j), with P(b) = b(b - 1)…(b - k + 1).

    `taylor` are the coefficients P⁽ʲ⁾(b)/j! of P around b; a factor (b - i) multiplies them by
    itself and shifts them by one.
    """
    taylor: list[Number] = [1.0, *[0.0] * by_b]
    for i in range(by_a):
        lower = [0.0, *taylor[:-1]]
        taylor = [(b - i) * c + below for c, below in zip(taylor, lower, strict=True)]
    polynomial: Number = 0.0
    for j, c in enumerate(taylor):
        term: Number = math.perm(by_b, j) * c
        for _ in range(by_b - j):
            term = m.log(a) * term
        polynomial = term + polynomial
    return polynomial


def xlogy(a: Term, b: Term) -> Term:
    """a · log(b); 0 where a is 0, but NaN where b is."""
    return m.where("equal", a, 0, m.where("equal", b, b, 0, b), a * m.log(b))


def quotient(a: Term, b: Term) -> Term:
    """a / b; 0 for 0 / 0."""
    ratio = a / b
    return m.where("equal", a, 0, m.where("equal", b, 0, 0, ratio), ratio)


def mod(a: Term, b: Term) -> Term:
    """The remainder with the sign of b, as Python has it."""
    rest = m.fmod(a, b)
    shifted = m.where("less", rest * m.copysign(1, b), 0, rest + b, rest)
    return m.where("equal", rest, 0, m.copysign(0, b), shifted)


def floordiv(a: Term, b: Term) -> Term:
    """The largest integer up to a/b, as Python has it: from the remainder, which is exact."""
    rest = m.fmod(a, b)
    ratio = (a - rest) / b
    ratio = m.where("less", rest * m.copysign(1, b), 0, ratio - 1, ratio)
    below = m.floor(ratio)
    nearest = m.where("less", 0.5, ratio - below, below + 1, below)
    return m.where("equal", ratio, 0, m.copysign(0, a / b), nearest)


def exprel(x: Term, n: Number = 0) -> Term:
    """∂ⁿ/∂xⁿ of (eˣ - 1)/x: a series near 0, else x·yₙ = eˣ - n·yₙ₋₁."""
    order = order_of("exprel_jet", n)
    limit = order + 0.5
    near = m.max(m.min(x, limit), -limit) if order else 0 * x
    far = m.where("less", m.abs(x), limit if order else 1e-300, 1, x)
    series: Number = 0.0
    for k in range(28, -1, -1):
        series = series * near + 1 / (math.factorial(k) * (order + k + 1))
    y = m.expm1(far) / far
    for k in range(1, order + 1):
        y = (m.exp(far) - k * y) / far
    large = m.max(m.min(x, 1e5), 700)  # there eˣ may overflow where eˣ/x does not
    scaled, root = -m.expm1(-large) / large, m.exp(large / 2)
    for k in range(1, order + 1):
        scaled = (1 - k * scaled) / large
    y = m.where("less", 700, x, scaled * root * root, y)
    return m.where("equal", far, x, y, series)


def sinc(x: Term, n: Number = 0) -> Term:
    """∂ⁿ/∂xⁿ of sin(π·x)/(π·x): a series near 0, else z·yₙ = ∂ⁿsin(z) - n·yₙ₋₁ for z = π·x."""
    order = order_of("sinc_jet", n)
    limit = (order + 1.0) / math.pi
    near = m.max(m.min(x, limit), -limit) * math.pi
    far = m.where("less", m.abs(x), limit, limit, x)
    series: Number = 0.0
    for k in range(order // 2 + 16, (order + 1) // 2 - 1, -1):
        factor = (-1) ** k / math.factorial(2 * k - order) / (2 * k + 1)
        series = series * (near * near) + factor
    series = series * near if order % 2 else series
    nearest = m.round(far)  # the sine of π · an integer is 0 exactly
    rest, odd = far - nearest, nearest - 2 * m.floor(nearest / 2)
    sign = 1 - 2 * odd
    sine = sign * m.sin(math.pi * rest)
    cosine = sign * m.sin(math.pi * (0.5 - m.abs(rest)))
    z = far * math.pi
    y = sine / z
    for k in range(1, order + 1):
        y = ((sine, cosine, -sine, -cosine)[k % 4] - k * y) / z
    y = m.where("equal", m.abs(x), math.inf, 0, y)
    return math.pi**order * m.where("equal", far, x, y, series)


def order_of(name: str, n: Number) -> int:
    """Return the order of a derivative; PrimitiveError if it is no constant."""
    number = n.number if isinstance(n, Term) else n
    if number is None:
        raise PrimitiveError(f"{name}: its order is a whole number, not an input")
    return int(number)


def safe_scale(a: Term, b: Term) -> Term:
    """A factor by which the length of (a, b) does not overflow."""
    return m.where("less", 1e300, m.max(m.abs(a), m.abs(b)), 2.0**-10, 1)


def hypot_slope(a: Term, b: Term) -> Term:
    """a/√(a² + b²)"""
    factor = safe_scale(a, b)
    return unit_first(a * factor, b * factor)


def atan2_slope(a: Term, b: Term) -> Term:
    """b/(a² + b²)"""
    factor = safe_scale(a, b)
    return unit_first(b * factor, a * factor) / m.hypot(a * factor, b * factor) * factor


FORMS: dict[str, Form] = {
    **LIST_FORMS,
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
    "silu": gate(sigmoid),
    "gelu": gate(normal_cdf),
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
}


def is_basic(row: Primitive) -> bool:
    """Return whether a row is a basic operation, and not a user's row of that name."""
    return row.name in BASIC and row.__module__.startswith("micrograd_es.")


def is_known(row: Primitive) -> bool:
    """Return whether a row is one of the package's own, and has a form or is a basic operation."""
    own = TABLE.get(row.name) is row and row.name in {*FORMS, *BASIC, "identity"}
    return own or is_basic(row)


def formula_of(row: Primitive, size: int, forms: Mapping[Primitive, Form]) -> FormulaGraph:
    """Return a row's value as a graph of primitives, for `size` arguments: (leaves, all nodes).

    forms  formulas that the user gave, by row; otherwise the row's own `form` or `value` is used

    TraceError where the function computes with floats, as math.* does.
    """
    args = [Value(0.5) for _ in range(size)]
    tracing = Tracing(args)  # under which they refuse to be taken for floats
    try:
        output = run_under(tracing, forms.get(row, row.form or row.value), *args)
    except Exception:  # a function of floats may raise anything when it is given a Value
        output = None
    if type(output) is not Value or tracing.refused is not None:
        raise TraceError(
            f"the value of {row.name} is not written in primitives, so only the backend "
            f'"python" can run it: give forms={{{row.name}: lambda x: …}}, written with operators '
            "and functions of micrograd_es"
        )
    return args, topological_order(output)
