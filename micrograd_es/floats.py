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
from math import inf, nan, perm
from typing import Any

LN2 = 0.6931471805599453
LOG2E = 1.4426950408889634
LOG10E = 0.4342944819032518
TWO_BY_SQRT_PI = 1.1283791670955126
INV_SQRT_2PI = 0.3989422804014327
SQRT_HALF = 0.7071067811865476
SQRT_HALF_REST = -4.833646656726457e-17  # what SQRT_HALF lacks of 1/√2


def product_error(a: float, b: float) -> float:
    """Return a·b - fl(a·b), exactly, for |a|, |b| < 1e150 (Dekker, 1971)."""
    p = a * b
    c = 134217729.0 * a  # 2²⁷ + 1 cuts a float into two halves whose products are exact
    a1 = c - (c - a)
    c = 134217729.0 * b
    b1 = c - (c - b)
    a2, b2 = a - a1, b - b1
    return ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2


def difference(a: float, b: float) -> tuple[float, float]:
    """Return fl(a - b) and a - b - fl(a - b), exactly (Knuth, 1969)."""
    d = a - b
    lowered = d - a
    return d, (a - (d - lowered)) - (b + lowered)


# ---- powers --------------------------------------------------------------------------------------


def power_less(a: float, b: float, k: float) -> float:
    """Return a^(b - k). What b - k loses by rounding would cost 250 ulp; it is put back."""
    c, rest = difference(b, k)
    if rest and a < 0 and not b % 1:  # a whole b of that size is even
        return power_less(-a, b, k) * (-1.0 if k % 2 else 1.0)
    y = math.pow(a, c)
    return y + y * (rest * math.log(a)) if y and rest else y


def power_slope(a: float, b: float) -> float:
    """Return b·a^(b-1)."""
    try:
        return b * power_less(a, b, 1) if b else 0.0
    except OverflowError:
        return times_large_power(b, a, b, 1)


def times_large_power(factor: float, a: float, b: float, k: int) -> float:
    """Return factor·a^(b - k) where the power is too large for a float: the product may fit."""
    if a < 0:
        raise OverflowError  # b is whole, and the factor not small
    parts = 1 << k.bit_length()  # a power of 2, so that their exponents are exact
    for _ in range(parts):
        factor *= power_less(a, b / parts, k / parts)
    return factor


def power_jet(a: float, b: float, k: float, m: float) -> float:
    """Return ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ of a^b."""
    return math.fsum(power_jet_terms(a, b, int(k), int(m)))


def power_jet_terms(a: float, b: float, k: int, m: int) -> list[float]:
    """Return the terms of ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ of a^b.

    ∂ᵏ/∂aᵏ a^b = P(b)·a^(b-k) with P(b) = b(b-1)…(b-k+1); then Leibniz' rule for the product by b:
    a^(b-k) · Σⱼ C(m, j)·P⁽ʲ⁾(b)·log(a)^(m-j).
    """
    taylor = [1.0] + [0.0] * m  # of P around b: taylor[j] = P⁽ʲ⁾(b) / j!
    for i in range(k):
        taylor = [(b - i) * c + (taylor[j - 1] if j else 0.0) for j, c in enumerate(taylor)]
    flat = a == 0 and m > 0 and (b > k or b == k == 0)
    if not any(taylor) or flat:
        return [0.0]  # x ** n after n derivatives; and 0 ** y is flat in y, by convention also at 0
    log_a = math.log(a) if m else 1.0
    factors = [perm(m, j) * c * log_a ** (m - j) for j, c in enumerate(taylor)]
    try:
        scale = power_less(a, b, k)
    except OverflowError:  # yet b, and with it P(b), may be so small that the product fits
        return [times_large_power(factor, a, b, k) for factor in factors]
    return [scale * factor for factor in factors]


def cbrt(x: float) -> float:
    """Return the cube root: that of the C library, up to 3 ulp off, and one step of Newton's."""
    y, size = math.cbrt(x), math.fabs(x)
    if x == 0 or not math.isfinite(x):
        return y
    if not 1e-290 < size < 1e300:
        scale = 2.0**200 if size < 1 else 2.0**-200
        return cbrt(x * scale * scale * scale) / scale
    square = y * y
    excess = (square * y - x) + product_error(square, y) + product_error(y, y) * y
    return y - excess / (3 * square)


def order(n: float) -> int:
    """Return the order of a derivative; ValueError unless it is from 0 to below 1000."""
    if not 0 <= n < 1000:
        raise ValueError(n)
    return int(n)


def exprel(x: float) -> float:
    """Return (eˣ - 1)/x, and 1 at 0."""
    if not math.fabs(x) < 700:  # eˣ may be too large where its quotient is not
        return exprel_jet(x, 0)
    return math.expm1(x) / x if x else 1.0


def exprel_jet(x: float, n: float) -> float:
    """Return ∂ⁿ/∂xⁿ of (eˣ - 1)/x, which is ∫ tⁿ·e^(x·t) dt over 0 <= t <= 1."""
    n, size = order(n), math.fabs(x)
    if math.isinf(x):
        return inf if x > 0 else 0.0
    if size > 2 * n + 2:  # x·yₙ = eˣ - n·yₙ₋₁; for x > 0 all of it divided by eˣ
        top, y = (1.0, -math.expm1(-x) / x) if x > 0 else (math.exp(x), math.expm1(x) / x)
        for k in range(1, n + 1):
            y = (top - k * y) / x
        return y * math.exp(x / 2) * math.exp(x / 2) if x > 0 else y
    # series whose terms have one sign: Σ xᵏ/k!/(n+k+1) for x >= 0, else eˣ·Σ |x|ᵏ·n!/(n+k+1)!
    power, terms = 1.0, [1 / (n + 1)]
    while terms[-1] > 1e-18 * terms[0]:
        k = len(terms)
        power *= size / (k if x >= 0 else n + k)
        terms.append(power / (n + k + 1))
    return math.fsum(terms) * (1.0 if x >= 0 else math.exp(x))


def half_turns(x: float) -> tuple[float, float]:
    """Return sin(π·x) and cos(π·x), right also next to their zeros: x is reduced exactly."""
    r = math.remainder(x, 2.0)
    side = math.fabs(r)
    nearest = min(side, 1 - side)  # to a multiple of π
    sine = math.copysign(math.sin(math.pi * nearest), r)
    return sine, math.sin(math.pi * (0.5 - nearest)) * (1.0 if side <= 0.5 else -1.0)


def sinc(x: float) -> float:
    """Return sin(π·x)/(π·x), and 1 at 0, as numpy has it."""
    return sinc_jet(x, 0)


def sinc_jet(x: float, n: float) -> float:
    """Return ∂ⁿ/∂xⁿ of sinc, which is πⁿ·∫ tⁿ·cos(π·x·t + n·π/2) dt over 0 <= t <= 1."""
    n, z = order(n), math.pi * math.fabs(x)
    if math.isinf(z):
        return 0.0
    sine, cosine = half_turns(math.fabs(x))
    sign = -1.0 if n % 2 and x < 0 else 1.0
    if z <= 1:  # the series of sinc, term by term
        ks = range((n + 1) // 2, n // 2 + 12)
        y = math.fsum(
            (-1) ** k * z ** (2 * k - n) / math.factorial(2 * k - n) / (2 * k + 1) for k in ks
        )
    elif z < n + 2:  # e^(iz)·Σ (-iz)ᵏ·n!/(n+k+1)!, whose terms shrink
        series, term, k = 0j, 1 / complex(n + 1), 0
        while abs(term) > 1e-18:
            series, k = series + term, k + 1
            term *= complex(0, -z) / (n + 1 + k)
        y = (1j**n * complex(cosine, sine) * series).real
    else:  # z·yₙ = ∂ⁿsin(z) - n·yₙ₋₁
        y = sine / z
        for k in range(1, n + 1):
            y = ((sine, cosine, -sine, -cosine)[k % 4] - k * y) / z
    return sign * math.pi**n * y


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


def dot(*args: Any) -> Any:
    """Return Σ wᵢ·xᵢ (+ bias) for (*ws, *xs) or (*ws, *xs, bias)."""
    n = len(args) // 2
    return sum(map(operator.mul, args[:n], args[n:]), *args[2 * n :])


def total(*xs: Any) -> Any:
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
    return [x / length if length else 0.0 for x in xs]


def softmax_first(*xs: float) -> float:
    return softmax(xs)[0]


def unit_first(*xs: float) -> float:
    return unit(xs)[0]


def other_product(x: float, *others: float) -> float:
    return prod(*others)
