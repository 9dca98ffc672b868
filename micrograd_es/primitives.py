"""The calculus: one row for each function, and no graph. Derivatives are written here and nowhere else.

The promise is that every partial is right to 4 ulp wherever it is a normal number, at any order of
derivative. So where the textbook form cancels (1 - y² loses every digit of tanh' beyond |x| = 19), the
slope is a row of its own: its value is the accurate float formula, its partial again a formula.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from math import nan, perm
from typing import Any

from micrograd_es.primitive import Primitive

# ---- values that math and operator do not have ---------------------------------------------------
# NaN fails every comparison, and so comes through each of them unchanged.


def power_value(a: float, b: float) -> float:
    """Return a ** b as a real number: math.pow raises where ** turns complex."""
    return math.pow(a, b)


def power_slope_value(a: float, b: float) -> float:
    """Return b·a^(b-1). Where b - 1 must be rounded, a^b / a is closer by up to 250 ulp."""
    if b == 0:
        return 0.0
    if b >= 0.5 or b == math.floor(b):
        return b * math.pow(a, b - 1)
    return b * (math.pow(a, b) / a)


def power_jet_value(a: float, b: float, k: float, m: float) -> float:
    """Return ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ of a^b.

    ∂ᵏ/∂aᵏ a^b = P(b)·a^(b-k) with P(b) = b(b-1)…(b-k+1); then Leibniz' rule for the product by b:
    a^(b-k) · Σⱼ C(m, j)·P⁽ʲ⁾(b)·log(a)^(m-j).
    """
    k, m = int(k), int(m)
    taylor = [1.0] + [0.0] * m  # of P around b: taylor[j] = P⁽ʲ⁾(b) / j!
    for i in range(k):
        taylor = [(b - i) * c + (taylor[j - 1] if j else 0.0) for j, c in enumerate(taylor)]
    if not any(taylor) or (a == 0 and m > 0 and b > k):
        return 0.0  # x ** n after n derivatives; and 0 ** y is flat in y
    log_a = math.log(a) if m else 1.0
    terms = (perm(m, j) * c * log_a ** (m - j) for j, c in enumerate(taylor))
    scale = math.pow(a, b - k) if b >= k - 0.5 or b == math.floor(b) else math.pow(a, b) / a**k
    return float(scale * math.fsum(terms))


def sigmoid_value(x: float) -> float:
    """Return 1/(1 + e⁻ˣ) without overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return (e := math.exp(x)) / (1 + e)


def logistic_value(x: float) -> float:
    """Return e/(1 + e)², e = exp(-|x|): the slope of the sigmoid, 3.65 ulp."""
    e = math.exp(-math.fabs(x))
    return e / ((1 + e) * (1 + e))


def sech2_value(x: float) -> float:
    """Return 4e/(1 + e)², e = exp(-2|x|): the slope of tanh, 3.1 ulp."""
    e = math.exp(-2 * math.fabs(x))
    return 4 * e / ((1 + e) * (1 + e))


def relu_value(x: float) -> float:
    return 0.0 if x <= 0 else x


def step_value(x: float) -> float:
    return 1.0 if x > 0 else 0.0 if x <= 0 else nan


def sign_value(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0 if x == 0 else nan


def exceeds_value(a: float, b: float) -> float:
    return 1.0 if a > b else 0.0 if a < b else 0.5 if a == b else nan


def maximum_value(a: float, b: float) -> float:
    return a if a >= b else b if b > a else nan


def minimum_value(a: float, b: float) -> float:
    return a if a <= b else b if b < a else nan


def dot_value(*args: Any) -> Any:
    n = len(args) // 2
    return sum(map(operator.mul, args[:n], args[n:]), *args[2 * n :])


def dot_partials(y: Any, *args: Any) -> tuple[Any, ...]:
    """Return the x's for the w's, the w's for the x's, and 1 for the bias if there is one."""
    n = len(args) // 2
    return (*args[n : 2 * n], *args[:n], 1) if len(args) % 2 else (*args[n:], *args[:n])


def dot_args(ws: Sequence[Any], xs: Sequence[Any], bias: Any = None) -> tuple[Any, ...]:
    if len(ws) != len(xs):
        raise ValueError(
            f"dot of {len(ws)} weights and {len(xs)} inputs: give as many of one as of the other"
        )
    return (*ws, *xs) if bias is None else (*ws, *xs, bias)


# ---- the table -----------------------------------------------------------------------------------

power_slope: Primitive  # rows that other rows name before they are written
power_jet: Primitive
cos: Primitive
sech2: Primitive
logistic: Primitive
step: Primitive
sign: Primitive
exceeds: Primitive

# fmt: off
#                        name          value               partials of y by each argument                                 written
add         = Primitive("add",         operator.add,       (1, 1),                                                        "{} + {}")
sub         = Primitive("sub",         operator.sub,       (1, -1),                                                       "{} - {}")
mul         = Primitive("mul",         operator.mul,       (lambda y, a, b: b,     lambda y, a, b: a),                    "{} * {}")
div         = Primitive("div",         operator.truediv,   (lambda y, a, b: 1 / b, lambda y, a, b: -y / b),               "{} / {}",
                        domain="a divisor other than 0")
neg         = Primitive("neg",         operator.neg,       -1,                                                            "-{}")

power       = Primitive("power",       power_value,        (lambda y, a, b: power_slope(a, b),
                                                            lambda y, a, b: power_jet(a, b, 0, 1)),                       "{} ** {}",
                        domain="a base > 0, or a whole exponent (and a base other than 0 if that is negative)")
power_slope = Primitive("power_slope", power_slope_value,  (lambda y, a, b: power_jet(a, b, 2, 0),
                                                            lambda y, a, b: power_jet(a, b, 1, 1)))
power_jet   = Primitive("power_jet",   power_jet_value,    (lambda y, a, b, k, m: power_jet(a, b, k + 1, m),
                                                            lambda y, a, b, k, m: power_jet(a, b, k, m + 1), 0, 0))
sqrt        = Primitive("sqrt",        math.sqrt,          lambda y, x: 0.5 / y,
                        domain="x >= 0; did you mean sqrt(abs(x))?")
exp         = Primitive("exp",         math.exp,           lambda y, x: y)
log         = Primitive("log",         math.log,           lambda y, x: 1 / x,
                        domain="x > 0; did you mean log(abs(x))?")

sin         = Primitive("sin",         math.sin,           lambda y, x: cos(x))
cos         = Primitive("cos",         math.cos,           lambda y, x: -sin(x))

tanh        = Primitive("tanh",        math.tanh,          lambda y, x: sech2(x))
sech2       = Primitive("sech2",       sech2_value,        lambda y, x: -2 * y * tanh(x))
sigmoid     = Primitive("sigmoid",     sigmoid_value,      lambda y, x: logistic(x))
logistic    = Primitive("logistic",    logistic_value,     lambda y, x: -y * tanh(x / 2))

relu        = Primitive("relu",        relu_value,         lambda y, x: step(x),                                          kinks=(0,))
step        = Primitive("step",        step_value,         0,                                                             kinks=(0,))
abs         = Primitive("abs",         math.fabs,          lambda y, x: sign(x),                                          "|{}|", kinks=(0,))
sign        = Primitive("sign",        sign_value,         0,                                                             kinks=(0,))
maximum     = Primitive("maximum",     maximum_value,      (lambda y, a, b: exceeds(a, b), lambda y, a, b: exceeds(b, a)), kinks=(0,))
minimum     = Primitive("minimum",     minimum_value,      (lambda y, a, b: exceeds(b, a), lambda y, a, b: exceeds(a, b)), kinks=(0,))
exceeds     = Primitive("exceeds",     exceeds_value,      (0, 0),                                                        kinks=(0,))
detach      = Primitive("detach",      float,              0)

dot         = Primitive("dot",         dot_value,          dot_partials,                                                  gather=dot_args)
total       = Primitive("total",       lambda *xs: sum(xs), lambda y, *xs: (1,) * len(xs),                                gather=tuple)
# fmt: on

TABLE = {name: row for name, row in globals().items() if isinstance(row, Primitive)}
