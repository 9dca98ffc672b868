"""What the values and the partials of every row truly are, in ball arithmetic (python-flint).

The truth of a value is the row's formula at thousands of bits; that of a partial the central
difference of it with a step of 2^-400, exact to far beyond a float. Points are log-uniform over all
normal floats and over the middle of their range, and adversarial: next to ±1, next to multiples of
π/2. Points where the value or the slope comes near the subnormal floats are left out.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import reduce
from itertools import combinations_with_replacement
from typing import NamedTuple

from flint import arb, ctx

from micrograd_es import floats
from micrograd_es.nodes import UNDEFINED, node_of
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value, gradient

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


def exprel(x: arb) -> arb:
    return x.expm1() / x


def jet_of(f: Callable[[arb], arb], x: arb, n: arb) -> arb:
    """Return the n-th derivative of f."""
    return difference(f, [x], (float(x),), (0,) * int(float(n)))


def raised(a: arb, b: arb) -> arb:
    return a ** int(float(b)) if b.is_integer() else a**b


TRUTH: dict[str, Callable[..., arb]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda x: -x,
    "reciprocal": lambda x: 1 / x,
    "mod": lambda a, b: a - (a / b).floor() * b,
    "floordiv": lambda a, b: (a / b).floor(),
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
    "exprel": exprel,
    "exprel_jet": lambda x, n: jet_of(exprel, x, n),
    "sinc": lambda x: x.sinc_pi(),
    "sinc_jet": lambda x, n: jet_of(arb.sinc_pi, x, n),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tan": lambda x: x.tan(),
    "asin": lambda x: x.asin(),
    "acos": lambda x: x.acos(),
    "asin_slope": lambda x: 1 / (1 - x * x).sqrt(),
    "atan": lambda x: x.atan(),
    "lorentzian": lambda x: 1 / (1 + x * x),
    "atan2": lambda a, b: arb.atan2(a, b),
    "atan2_slope": lambda a, b: b / (a * a + b * b),
    "sinh": lambda x: x.sinh(),
    "cosh": lambda x: x.cosh(),
    "tanh": lambda x: x.tanh(),
    "sech2": lambda x: x.sech() ** 2,
    "asinh": lambda x: x.asinh(),
    "acosh": lambda x: x.acosh(),
    "atanh": lambda x: x.atanh(),
    "atanh_slope": lambda x: 1 / (1 - x * x),
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
    "maximum": lambda a, b: b if a < b else a,  # noqa: FURB136  # balls that overlap have no order
    "minimum": lambda a, b: a if a < b else b,  # noqa: FURB136  # the same
    "exceeds": lambda a, b: arb(int(a > b)),
    "detach": lambda x: x,
    "identity": lambda x: x,
    "dot": dot,
    "total": lambda *xs: sum(xs, arb(0)),
    "mean": lambda *xs: sum(xs, arb(0)) / len(xs),
    "prod": lambda *xs: reduce(lambda a, b: a * b, xs, arb(1)),
    "other_product": lambda x, *others: reduce(lambda a, b: a * b, others, arb(1)),
    "hypot": length,
    "hypot_slope": lambda a, b: a / length(a, b),
    "norm": length,
    "unit_first": lambda *xs: xs[0] / length(*xs),
    "log_sum_exp": log_sum_exp,
    "softmax_first": lambda *xs: (xs[0] - log_sum_exp(*xs)).exp(),
}


def of_power(a: float, b: float, places: Sequence[int], k: float, m: float) -> float:
    """Return the sum of the terms of a derivative of ∂ᵏ/∂aᵏ ∂ᵐ/∂bᵐ a^b, all of them positive."""
    k, m = int(k) + places.count(0), int(m) + places.count(1)
    taylor = [1.0] + [0.0] * m
    for i in range(k):
        taylor = [abs(b - i) * c + (taylor[j - 1] if j else 0.0) for j, c in enumerate(taylor)]
    log_a = abs(math.log(abs(a)))
    size = sum(math.perm(m, j) * c * log_a ** (m - j) for j, c in enumerate(taylor))
    return float(arb(size) * arb(abs(a)) ** (arb(b) - k))


def second(size: Callable[[float], float]) -> Callable[..., float]:
    """Return the size of the terms of a second derivative; the value and the first have one."""
    return lambda places, x: size(x) if len(places) == 2 else 0.0


def of_sinc(x: float, n: int) -> float:
    """Return what ∂ⁿ/∂xⁿ of sin(π·x)/(π·x) is made of, where it is not a short series."""
    z = math.pi * abs(x)
    return math.pi**n / z if n and z > 1 else 0.0


def of_silu(places: Sequence[int], x: float) -> float:
    """Return what σ(x) + x·σ'(x) and σ'(x)·(2 - x·tanh(x/2)) are made of, where they are small."""
    if len(places) == 2:
        return floats.logistic(x) * 2 if 2 < abs(x) < 3 else 0.0
    return floats.sigmoid(x) if places and -2 < x < -0.8 else 0.0


def of_gelu(places: Sequence[int], x: float) -> float:
    """Return what Φ(x) + x·φ(x) and φ(x)·(2 - x²) are made of, where they are small."""
    if len(places) == 2:
        return floats.normal(x) * 2 if 1 < abs(x) < 2 else 0.0
    return floats.normal_cdf(x) if places and -1.5 < x < -0.3 else 0.0


def of_atan2(a: float, b: float, order: int) -> float:
    """Return the size of the terms of the derivatives of b/(a² + b²): of b², or of 3·a²·b."""
    length = math.hypot(a, b)
    return 1 / length / length if order == 1 else 6 / length / length / length


def of_unit(places: Sequence[int], *xs: float) -> float:
    """Return the size of the terms of ∂²/∂xᵢ∂xⱼ of u₀ = x₀/|x|: 3·u₀·uᵢ·uⱼ, and uₖ where i = j."""
    if len(places) < 2 or places == (0, 0):
        return 0.0
    i, j = places
    u, length = floats.unit(xs), floats.norm(*xs)
    terms = 3 * u[0] * u[i] * u[j], u[0] * (i == j), u[i] * (j == 0), u[j] * (i == 0)
    return sum(abs(term) / length / length for term in terms)


def of_softmax(places: Sequence[int], *xs: float) -> float:
    """Return the size of the terms of ∂²s₀/∂xᵢ∂xⱼ = s₀·((δ₀ᵢ - sᵢ)(δ₀ⱼ - sⱼ) - sᵢ(δᵢⱼ - sⱼ))."""
    if len(places) < 2:
        return 0.0
    (i, j), s = places, floats.softmax(xs)
    product = abs((i == 0) - s[i]) * abs((j == 0) - s[j])
    return s[0] * (product + s[i] * abs((i == j) - s[j]))


# Where a sum of terms passes through zero, its relative error has no bound, whatever the formula:
# for these rows an error is counted in ulps of their largest term. (places, *args) -> its size
TERMS: dict[str, Callable[..., float]] = {
    "power": lambda places, a, b: of_power(a, b, places, 0, 0) if len(places) > 1 else 0.0,
    "power_slope": lambda places, a, b: of_power(a, b, places, 1, 0),
    "power_jet": lambda places, a, b, k, m: of_power(a, b, places, k, m),
    "lorentzian": second(
        lambda x: 2 * floats.lorentzian(x) ** 2 * (1 + 4 * x * x * floats.lorentzian(x))
    ),
    "sinc": lambda places, x: of_sinc(x, len(places)),
    "sinc_jet": lambda places, x, n: of_sinc(x, int(n) + len(places)),
    "atan2": lambda places, a, b: of_atan2(a, b, 1) if places == (0, 1) else 0.0,
    "atan2_slope": lambda places, a, b: (
        of_atan2(a, b, len(places)) if 1 in places or len(places) > 1 else 0.0
    ),
    "sech2": second(lambda x: floats.sech2(x) * (4 * math.tanh(x) ** 2 + 2 * floats.sech2(x))),
    "gauss": second(lambda x: floats.gauss(x) * (4 * x * x + 2)),
    "normal": second(lambda x: floats.normal(x) * (x * x + 1)),
    "logistic": second(
        lambda x: floats.logistic(x) * (math.tanh(x / 2) ** 2 + floats.sech2(x / 2) / 2)
    ),
    "silu": of_silu,
    "gelu": of_gelu,
    "dot": lambda places, *xs: floats.dot(*map(abs, xs)) if not places else 0.0,
    "total": lambda places, *xs: sum(map(abs, xs)) if not places else 0.0,
    "mean": lambda places, *xs: floats.mean(*map(abs, xs)) if not places else 0.0,
    "log_sum_exp": lambda places, *xs: max(map(abs, xs)) if not places else 0.0,
    "softmax_first": of_softmax,
    "hypot_slope": of_unit,
    "unit_first": of_unit,
}
COUNTS = {
    "power_jet": 2,
    "exprel_jet": 1,
    "sinc_jet": 1,
}  # how many of its last arguments count, and have no slope

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
        elif size > 1 and rng.random() < 0.2:  # or far apart, where one of them is lost in a square
            point = [point[0] * 2.0 ** rng.uniform(-600, 600) for _ in point]
        if count_of := COUNTS.get(row.name):
            point[-count_of:] = [float(rng.randrange(3)) for _ in range(count_of)]
        if row.name.startswith("power") and rng.random() < 0.3:
            point[1] = float(rng.randrange(-5, 6))
        elif "> 0" in row.domain or "log" in row.name:
            point = [abs(x) if rng.random() < 0.9 else x for x in point]
        try:
            y = row.value(*point)
        except UNDEFINED:
            continue
        normal = all(x == 0 or SMALLEST <= abs(x) <= LARGEST for x in point)
        if normal and math.isfinite(y) and row.distance_to_kink(point):
            found += 1
            yield tuple(point)


# ---- the truth, and the distance from it ---------------------------------------------------------


def ball(f: Callable[..., arb], point: Point, *places: int) -> arb | None:
    """Return f(point), or its derivative by the arguments at those places one after the other, to
    70 bits; None where it is no normal float.
    """
    for bits in (1500, 3000, 6000, 12000):
        ctx.prec = bits
        found = difference(f, [arb(x) for x in point], point, places)
        if abs(found) < SMALLEST or abs(found) > LARGEST:
            return None
        if found.rel_accuracy_bits() > 70:
            return found
    return None


def difference(f: Callable[..., arb], exact: list[arb], point: Point, places: Sequence[int]) -> arb:
    """Return the central difference of f by each of those arguments, one after the other."""
    if not places:
        return f(*exact)
    i, *others = places
    h = arb(min(abs(point[i]), 1.0)) * arb(2) ** -400
    above, below = (
        difference(f, [*exact[:i], exact[i] + s * h, *exact[i + 1 :]], point, others)
        for s in (1, -1)
    )
    return (above - below) / (2 * h)


def ulps(x: float, truth: arb, size: float = 0.0) -> float:
    """Return |x - truth| in ulps of the truth, or of size if that is larger."""
    if not math.isfinite(x):
        return math.inf
    ctx.prec = 200
    return float(abs(arb(x) - truth)) / math.ulp(max(abs(float(truth)), size))


def budget(row: Primitive, size: int, order: int = 1) -> float:
    """Return how many ulp a derivative may be off: 4 for each order of it, and for each order n
    more in a row with one rule for n arguments.
    """
    return order * (4.0 + (size if row.arity is None else 0))


class Truth(NamedTuple):
    """What a value, or a derivative, truly is at a point, and the size of the ulps to count in."""

    places: tuple[int, ...]  # the arguments by which the row is differentiated; none: its value
    point: Point
    exact: arb
    size: float

    def error(self, x: float) -> float:
        return ulps(x, self.exact, self.size)


def truths(row: Primitive, sample: list[Point]) -> Iterator[Truth]:
    """Yield the truth of the value and of each partial at every point."""
    for point in sample:
        if not 0 < abs(row.value(*point)) < SMALLEST:
            yield from truths_at(row, point, [(), *((i,) for i in places_of(row, point))])


def second_truths(row: Primitive, sample: list[Point], rng: random.Random) -> Iterator[Truth]:
    """Yield the truth of second derivatives at every point: of all, or in long rows of three; where
    the first is a float too, and both are far enough from the ends of the range for their factors.
    """
    for point in sample:
        pairs = [*combinations_with_replacement(places_of(row, point), 2)]
        for truth in truths_at(row, point, rng.sample(pairs, min(3, len(pairs)))):
            first = ball(TRUTH[row.name], point, truth.places[0])
            if first is not None and 2.0**-960 < abs(float(truth.exact)) < 2.0**1000:
                yield truth


def truths_at(row: Primitive, point: Point, each: Sequence[tuple[int, ...]]) -> Iterator[Truth]:
    for places in each:
        if (exact := ball(TRUTH[row.name], point, *places)) is not None:
            size = TERMS[row.name](places, *point) if row.name in TERMS else 0.0
            yield Truth(places, point, exact, size)


def places_of(row: Primitive, point: Point) -> Sequence[int]:
    """Return the arguments by which a row is differentiated."""
    return range(0 if row.name == "detach" else len(point) - COUNTS.get(row.name, 0))


def ours(row: Primitive, truth: Truth) -> float:
    """Return the value, partial or second derivative that the row itself gives."""
    point, y = truth.point, row.value(*truth.point)
    try:
        if not truth.places:
            return float(y)
        first, *then = truth.places
        if not then:
            return float(row.partial(first, y, point))
        args = [Value(x) for x in point]
        (slope,) = gradient(node_of(row, *args), [args[first]])
        return gradient(slope, [args[then[0]]])[0].data
    except UNDEFINED:
        return math.nan
