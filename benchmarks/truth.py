"""What the values and the partials of every row truly are, in ball arithmetic (python-flint).

The truth of a value is the row's formula at thousands of bits; that of a partial the central
difference of it with a step of 2^-400, exact to far beyond a float. Points are log-uniform over all
normal floats and over the middle of their range, and adversarial: next to ±1, next to multiples of
π/2. Points where the value or the slope comes near the subnormal floats are left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from functools import reduce
from typing import NamedTuple

from flint import arb, ctx

from micrograd_es import floats
from micrograd_es.makers import UNDEFINED
from micrograd_es.primitive import Primitive

Point = tuple[float, ...]
# Close above the subnormals (2^-1022) what a formula multiplies may be subnormal already.
SMALLEST, LARGEST = 2.0**-1010, 1.7976931348623157e308
ARGUMENTS = 5  # given to the rows that take any number


def log_sum_exp(*xs: arb) -> arb:
    return reduce(lambda a, b: a + b, (x.exp() for x in xs)).log()


def length(*xs: arb) -> arb:
    return sum((x * x for x in xs), arb(0)).sqrt()


def dot(*args: arb) -> arb:
    n = len(args) // 2
    return sum((a * b for a, b in zip(args[:n], args[n:], strict=False)), arb(0)) + sum(
        args[2 * n :]
    )


def jet(a: arb, b: arb, k: arb, m: arb) -> arb:
    """Return ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ of a^b from its Taylor polynomial in b."""
    orders, times = int(float(k)), int(float(m))
    taylor = [arb(1)] + [arb(0)] * times
    for i in range(orders):
        taylor = [(b - i) * c + (taylor[j - 1] if j else 0) for j, c in enumerate(taylor)]
    terms = (math.perm(times, j) * c * a.log() ** (times - j) for j, c in enumerate(taylor))
    return sum(terms, arb(0)) * (a**b / a**orders)


def raised(a: arb, b: arb) -> arb:
    return a ** int(float(b)) if b.is_integer() else a**b


TRUTH: dict[str, Callable[..., arb]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "square": lambda x: x * x,
    "power": raised,
    "power_slope": lambda a, b: b * raised(a, b) / a,
    "power_jet": jet,
    "sqrt": lambda x: x.sqrt(),
    "cbrt": lambda x: x.root(3) if x > 0 else -(-x).root(3),
    "exp": lambda x: x.exp(),
    "exp2": lambda x: (x * arb(2).log()).exp(),
    "expm1": lambda x: x.expm1(),
    "log": lambda x: x.log(),
    "log2": lambda x: x.log() / arb(2).log(),
    "log10": lambda x: x.log() / arb(10).log(),
    "log1p": lambda x: x.log1p(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "atan": lambda x: x.atan(),
    "lorentzian": lambda x: 1 / (1 + x * x),
    "atan2": lambda a, b: arb.atan2(a, b),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "sech2": lambda x: x.sech() ** 2,
    "asinh": lambda x: x.asinh(),
    "acosh": lambda x: x.acosh(),
    "atanh": lambda x: x.atanh(),
    "erf": lambda x: x.erf(),
    "erfc": lambda x: x.erfc(),
    "gauss": lambda x: (-x * x).exp(),
    "normal_cdf": lambda x: (-x / arb(2).sqrt()).erfc() / 2,
    "normal": lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "logistic": lambda x: (x / 2).sech() ** 2 / 4,
    "log_sigmoid": lambda x: -(-x).exp().log1p(),
    "softplus": lambda x: x.exp().log1p(),
    "silu": lambda x: x / (1 + (-x).exp()),
    "gelu": lambda x: x * (-x / arb(2).sqrt()).erfc() / 2,
    "relu": lambda x: x if x > 0 else arb(0),
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * x.expm1(),
    "hard_tanh": lambda x: x if abs(x) < 1 else x.sgn(),
    "xlogy": lambda a, b: a * b.log(),
    "quotient": lambda a, b: a / b,
    "abs": lambda x: abs(x),
    "sign": lambda x: x.sgn(),
    "step": lambda x: arb(int(x > 0)),
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "round": lambda x: (x + arb(0.5)).floor(),
    "maximum": lambda a, b: b if a < b else a,
    "minimum": lambda a, b: a if a < b else b,
    "exceeds": lambda a, b: arb(int(a > b)),
    "detach": lambda x: x,
    "identity": lambda x: x,
    "dot": dot,
    "total": lambda *xs: sum(xs, arb(0)),
    "mean": lambda *xs: sum(xs, arb(0)) / len(xs),
    "prod": lambda *xs: reduce(lambda a, b: a * b, xs, arb(1)),
    "other_product": lambda x, *others: reduce(lambda a, b: a * b, others, arb(1)),
    "hypot": length,
    "norm": length,
    "unit_first": lambda *xs: xs[0] / length(*xs),
    "log_sum_exp": log_sum_exp,
    "softmax_first": lambda *xs: (xs[0] - log_sum_exp(*xs)).exp(),
}
# Where a sum of terms passes through zero, its relative error has no bound, whatever the formula:
# for these rows an error is counted in ulps of their largest term. (what, *args) -> its size
TERMS: dict[str, Callable[..., float]] = {
    "silu": lambda what, x: floats.sigmoid(x) if what == "1" and -2 < x < -0.8 else 0.0,
    "gelu": lambda what, x: floats.normal_cdf(x) if what == "1" and -1.5 < x < -0.3 else 0.0,
    "power_slope": lambda what, a, b: of_power(a, b, 1 + (what == "1"), what == "2"),
    "power_jet": lambda what, a, b, k, m: of_power(a, b, k + (what == "1"), m + (what == "2")),
    "dot": lambda what, *xs: floats.dot(*map(abs, xs)) if what == "value" else 0.0,
    "total": lambda what, *xs: sum(map(abs, xs)) if what == "value" else 0.0,
    "mean": lambda what, *xs: floats.mean(*map(abs, xs)) if what == "value" else 0.0,
    "log_sum_exp": lambda what, *xs: max(map(abs, xs)) if what == "value" else 0.0,
}


def of_power(a: float, b: float, k: float, m: float) -> float:
    """Return the sum of the terms of ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ a^b with all their signs made positive."""
    k, m = int(k), int(m)
    taylor = [1.0] + [0.0] * m
    for i in range(k):
        taylor = [abs(b - i) * c + (taylor[j - 1] if j else 0.0) for j, c in enumerate(taylor)]
    log_a = abs(math.log(abs(a)))
    size = sum(math.perm(m, j) * c * log_a ** (m - j) for j, c in enumerate(taylor))
    return float(arb(size) * arb(abs(a)) ** (arb(b) - k))


# ---- points --------------------------------------------------------------------------------------


def numbers(rng: random.Random) -> float:
    """Return a float: anywhere, in the middle of the range, or one that formulas stumble over."""
    sign = rng.choice((1.0, -1.0))
    kind = rng.randrange(8)
    if kind < 2:
        return sign * 2.0 ** rng.uniform(-1022, 1023)
    if kind < 6:
        return sign * 2.0 ** rng.uniform(-30, 9.5)
    if kind == 6:
        return sign * (1 + rng.choice((1, -1)) * 2.0 ** rng.uniform(-52, -1))
    return math.nextafter(rng.randrange(-400, 400) * math.pi / 2, rng.choice((-1e9, 1e9)))


def points(row: Primitive, count: int, rng: random.Random) -> Iterator[Point]:
    """Yield `count` points at which the row has a value, none of them on a kink."""
    size = ARGUMENTS if row.arity is None else row.arity
    found = 0
    while found < count:
        point = [numbers(rng) for _ in range(size)]
        if (
            size > 1 and rng.random() < 0.5
        ):  # arguments of one size, where they matter to each other
            point = [point[0] * rng.uniform(-2, 2) for _ in point]
        if row.name == "power_jet":
            point[2:] = [float(rng.randrange(3)), float(rng.randrange(3))]
        if row.name.startswith("power") and rng.random() < 0.3:
            point[1] = float(rng.randrange(-5, 6))
        elif "> 0" in row.domain or "log" in row.name:
            point = [abs(x) if rng.random() < 0.9 else x for x in point]
        try:
            y = row.value(*point)
        except UNDEFINED:
            continue
        normal = all(x == 0 or abs(x) >= SMALLEST for x in point)
        if normal and math.isfinite(y) and row.distance_to_kink(point):
            found += 1
            yield tuple(point)


# ---- the truth, and the distance from it ---------------------------------------------------------


def ball(f: Callable[..., arb], point: Point, i: int | None) -> arb | None:
    """Return f(point), or its slope by argument i, to 70 bits; None where it is no normal float."""
    for bits in (1500, 3000, 6000, 12000):
        ctx.prec = bits
        exact = [arb(x) for x in point]
        if i is None:
            found = f(*exact)
        else:
            h = arb(min(abs(point[i]), 1.0)) * arb(2) ** -400
            above, below = ([*exact[:i], exact[i] + s * h, *exact[i + 1 :]] for s in (1, -1))
            found = (f(*above) - f(*below)) / (2 * h)
        if abs(found) < SMALLEST or abs(found) > LARGEST:
            return None
        if found.rel_accuracy_bits() > 70:
            return found
    return None


def ulps(x: float, truth: arb, size: float = 0.0) -> float:
    """Return |x - truth| in ulps of the truth, or of size if that is larger."""
    if not math.isfinite(x):
        return math.inf
    ctx.prec = 200
    return float(abs(arb(x) - truth)) / math.ulp(max(abs(float(truth)), size))


def budget(row: Primitive, size: int) -> float:
    """Return how many ulp a partial may be off: 4, and 4 + n in a row with one rule for n."""
    return 4.0 + (size if row.arity is None else 0)


class Truth(NamedTuple):
    """What a value, or a partial, truly is at a point, and the size of the ulps to count in."""

    what: str  # "value", or the number of the argument
    point: Point
    exact: arb
    size: float

    def error(self, x: float) -> float:
        return ulps(x, self.exact, self.size)


def truths(row: Primitive, sample: list[Point]) -> Iterator[Truth]:
    """Yield the truth of the value and of each partial at every point."""
    f, size = TRUTH[row.name], TERMS.get(row.name, lambda what, *args: 0.0)
    places = range(2) if row.name == "power_jet" else range(len(sample[0]))
    for point in sample:
        if 0 < abs(row.value(*point)) < SMALLEST:
            continue
        for i in (None, *places) if row.name != "detach" else (None,):
            what = "value" if i is None else f"{i + 1}"
            if (exact := ball(f, point, i)) is not None:
                yield Truth(what, point, exact, size(what, *point))


def ours(row: Primitive, what: str, point: Point) -> float:
    """Return the value or partial that the row itself gives."""
    y = row.value(*point)
    try:
        return float(y if what == "value" else row.partial(int(what) - 1, y, point))
    except UNDEFINED:
        return math.nan
