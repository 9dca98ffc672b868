"""Functions of floats that `math` does not have, or only in a form that loses digits.

No derivatives.

NaN fails every comparison, and so comes through each of them unchanged. What is measured of them is
in docs/accuracy.md.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from math import inf, nan
from typing import Any

from micrograd_es.jets import difference, product_error

LN2 = 0.6931471805599453
LOG2E = 1.4426950408889634
LOG10E = 0.4342944819032518
TWO_BY_SQRT_PI = 1.1283791670955126
INV_SQRT_2PI = 0.3989422804014327
SQRT_HALF = 0.7071067811865476
SQRT_HALF_REST = -4.833646656726457e-17  # what SQRT_HALF lacks of 1/√2


# ---- bells and their sums ------------------------------------------------------------------------


def bell(e: float) -> float:
    """Return e/(1 + e)² for 0 <= e <= 1, the rounding of 1 + e mended."""
    s = 1 + e
    y = e / s / s
    return y - 2 * y * ((e - (s - 1)) / s)


def sech2(x: float) -> float:
    """Return 1/cosh(x)², the slope of tanh, without the cancellation of 1 - tanh(x)²."""
    return 4 * bell(math.exp(-2 * math.fabs(x)))


def logistic(x: float) -> float:
    """Return σ(x)·σ(-x), the slope of the sigmoid."""
    return bell(math.exp(-math.fabs(x)))


def lorentzian(x: float) -> float:
    """Return 1/(1 + x²), the slope of atan, the rounding of 1 + x² mended."""
    square = x * x
    if not square < 1e250:
        return 1 / square
    s, rest = difference(square, -1.0)
    return 1 / s - (rest + product_error(x, x)) / s / s


def asin_slope(x: float) -> float:
    """Return 1/√(1 - x²), the slope of asin: its own derivative takes it three times."""
    s, rest = one_less_square(x)
    y = 1 / math.sqrt(s)
    root = s * y
    residual = 1 - root * y - product_error(root, y) - (product_error(s, y) + rest * y) * y
    return y + y * residual / 2


def atanh_slope(x: float) -> float:
    """Return 1/(1 - x²), the slope of atanh."""
    s, rest = one_less_square(x)
    y = 1 / s
    return y - y * (rest / s)


def one_less_square(x: float) -> tuple[float, float]:
    """Return 1 - x² and what its rounding drops; ValueError where it is negative."""
    if math.fabs(x) > 1:
        raise ValueError("1 - x² is negative")
    s, rest = difference(1.0, x * x)
    rest -= product_error(x, x)
    return s + rest, rest - ((s + rest) - s)


def atan2_slope(a: float, b: float) -> float:
    """Return b/(a² + b²), the slope of atan2 by a; the squares are those of a and b near 1."""
    scale = math.frexp(max(math.fabs(a), math.fabs(b)))[1]
    p, q = math.ldexp(a, -scale), math.ldexp(b, -scale)
    s, rest = difference(p * p, -(q * q))
    digits, exponent = math.frexp(b)
    y = digits / s
    if not math.isinf(s):
        y -= y * ((rest + product_error(p, p) + product_error(q, q)) / s)
    return math.ldexp(y, exponent - 2 * scale)


def gauss(x: float, k: float = 1.0) -> float:
    """Return exp(-k·x²) for k = 1 or ½; the part of x² that a float drops would cost 700 ulp."""
    y = math.exp(-k * (x * x))
    return y - y * (k * product_error(x, x)) if 0 < y < 1 else y


def normal(x: float) -> float:
    """Return the density of the normal distribution, exp(-x²/2)/√(2π)."""
    return INV_SQRT_2PI * gauss(x, 0.5)


def normal_cdf(x: float) -> float:
    """Return the normal distribution function, erfc(-x/√2)/2, with -x/√2 to twice the digits."""
    z = -x * SQRT_HALF
    if not 1e-8 < math.fabs(z) < 40:
        return 0.5 * math.erfc(z)
    rest = product_error(-x, SQRT_HALF) - x * SQRT_HALF_REST
    return 0.5 * (math.erfc(z) - TWO_BY_SQRT_PI * math.exp(-z * z) * rest)


# ---- for learning machines -----------------------------------------------------------------------


def sigmoid(x: float) -> float:
    """Return 1/(1 + e⁻ˣ) without overflow."""
    if x >= 0:
        return 1 / (1 + math.exp(-x))
    return (e := math.exp(x)) / (1 + e)


def softplus(x: float) -> float:
    """Return log(1 + eˣ) without overflow."""
    return (x if x > 0 else 0.0) + math.log1p(math.exp(-math.fabs(x)))


def log_sigmoid(x: float) -> float:
    return -softplus(-x)


def silu(x: float) -> float:
    return x * sigmoid(x) if x != -inf else -0.0


def gelu(x: float) -> float:
    return x * normal_cdf(x) if x != -inf else -0.0


def elu(x: float, alpha: float) -> float:
    return x if x > 0 else alpha * math.expm1(x)


def leaky_relu(x: float, slope: float) -> float:
    return x if x > 0 else slope * x


def relu(x: float) -> float:
    return 0.0 if x <= 0 else x


def hard_tanh(x: float) -> float:
    return 1.0 if x > 1 else -1.0 if x < -1 else x


def xlogy(x: float, y: float) -> float:
    """Return x·log(y), and 0 for x = 0 whatever y: what an outcome of no weight contributes."""
    return 0.0 if x == 0 and y == y else x * math.log(y)


def quotient(x: float, y: float) -> float:
    """Return x / y, and 0 for x = 0 whatever y: the slope of xlogy by y."""
    return 0.0 if x == 0 and y == 0 else x / y


# ---- choices -------------------------------------------------------------------------------------


def step(x: float) -> float:
    return 1.0 if x > 0 else 0.0 if x <= 0 else nan


def sign(x: float) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0 if x == 0 else nan


def exceeds(a: float, b: float) -> float:
    return 1.0 if a > b else 0.0 if a < b else 0.5 if a == b else nan


def maximum(a: float, b: float) -> float:
    return a if a >= b else b if b > a else nan


def minimum(a: float, b: float) -> float:
    return a if a <= b else b if b < a else nan


def whole(rounded: Callable[[float], int]) -> Callable[[float], float]:
    """Return math.floor and its like as functions to floats that keep -0.0, inf and NaN."""
    return lambda x: math.copysign(rounded(x), x) if math.isfinite(x) else x


floor, ceil, round = whole(math.floor), whole(math.ceil), whole(builtins.round)


# ---- of any number of arguments ------------------------------------------------------------------


def dot(*args: object) -> Any:
    """Return Σ wᵢ·xᵢ (+ bias) for (*ws, *xs) or (*ws, *xs, bias)."""
    n = len(args) // 2
    return sum(map(operator.mul, args[:n], args[n:]), *args[2 * n :])


def total(*xs: object) -> Any:
    return sum(xs)


def prod(*xs: float) -> float:
    """Return the product; no intermediate one overflows or loses digits."""
    return product(*scaled(xs))


def other_products(xs: Sequence[float]) -> list[float]:
    """Return for each x the product of the others."""
    ms, power = scaled(xs)
    return [product(ms[:i] + ms[i + 1 :], power - math.frexp(x)[1]) for i, x in enumerate(xs)]


def scaled(xs: Sequence[float]) -> tuple[list[float], int]:
    """Return numbers m, 0.5 <= |m| < 1, and the power of 2 by which their product is too small."""
    parts = [math.frexp(x) for x in xs]
    return [m for m, _ in parts], sum(k for _, k in parts)


def product(ms: Sequence[float], power: int) -> float:
    """Return the product of numbers m, 0.5 <= |m| < 1, times a power of 2."""
    y = 1.0
    for start in range(0, len(ms), 500):  # whose product is at least 2⁻⁵⁰⁰
        y, k = math.frexp(math.prod(ms[start : start + 500], start=y))
        power += k
    return unscaled((y, power))


def unscaled(number: tuple[float, int]) -> float:
    """Return m·2ᵏ, infinite where it is too large for a float."""
    try:
        return math.ldexp(*number)
    except OverflowError:
        return math.copysign(inf, number[0])


def mean(*xs: Any) -> Any:
    whole_sum = sum(xs)
    if math.isinf(whole_sum) and all(map(math.isfinite, xs)):
        return sum(x / len(xs) for x in xs)
    return whole_sum / len(xs)


def exponentials(xs: Sequence[float]) -> tuple[float, list[float]]:
    """Return the largest x and each exp(x - largest): none overflows, and one of them is 1."""
    top = max(xs)
    if math.isinf(top):  # inf - inf would be NaN
        return top, [1.0 if x == top else x if x != x else 0.0 for x in xs]
    shifted = (difference(x, top) for x in xs)  # a rounded x - top would cost 500 ulp
    return top, [e + e * rest if (e := math.exp(d)) else e for d, rest in shifted]


def log_sum_exp(*xs: float) -> float:
    """Return log Σ exp(x) without overflow."""
    top, es = exponentials(xs)
    return top + math.log1p(math.fsum([*es, -1.0]))


def softmax(xs: Sequence[float]) -> list[float]:
    """Return exp(x) / Σ exp(x) for each x."""
    _, es = exponentials(xs)
    scale = math.fsum(es)
    return [e / scale for e in es]


def norm(*xs: float) -> float:
    """Return the length, to the last bit the same in whatever order the components come."""
    return math.hypot(*sorted(map(math.fabs, xs)))


def unit(xs: Sequence[float]) -> list[float]:
    """Return xs divided by its length; the zero vector stays."""
    length = norm(*xs)
    if math.isinf(length) and all(map(math.isfinite, xs)):
        return unit([x / 2**600 for x in xs])
    if 0 < length < 2**-1000:  # a length without all its digits
        return unit([x * 2.0**600 for x in xs])
    return [x / length if length else 0.0 for x in xs]


def softmax_first(*xs: float) -> float:
    return softmax(xs)[0]


def unit_first(*xs: float) -> float:
    return unit(xs)[0]


def other_product(x: float, *others: float) -> float:
    return prod(*others)
