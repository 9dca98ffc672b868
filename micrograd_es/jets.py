"""Powers, roots, exprel and sinc of floats, with their derivatives of any order.

And what a product or a difference loses by rounding, exactly. An annex: read it when a digit is
missing.
"""

from __future__ import annotations

import math
from math import inf, perm


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
