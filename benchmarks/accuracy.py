"""The ulp ledger: how far value and partials of every row are from the truth, beside other engines.

    python benchmarks/accuracy.py [--points N] [--json] [--write]

The truth is the row's formula in ball arithmetic (python-flint), and for a partial its central
difference with a step of 2^-400: at thousands of bits that is exact to far beyond a float. An error
of 0.5 ulp is the best a float can do. Points are log-uniform over all normal floats and over the
middle of their range, and adversarial: next to ±1, next to multiples of π/2, with full mantissas.
Points where the value or the slope comes near
the subnormal floats are left out. `--write` writes docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import platform
import random
import warnings
from collections.abc import Callable, Iterator
from functools import reduce
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from flint import arb, ctx

from micrograd_es import floats
from micrograd_es.makers import UNDEFINED
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE

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


# ---- other engines: the gradient of a sum is that of each of its terms ---------------------------

SAME = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "square", "reciprocal"]
SAME += ["sin", "cos", "tan", "sinh", "cosh", "tanh"]
ARC = ["asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"]
Functions = dict[str, Callable[..., Any]]


def of_torch() -> tuple[Functions, Callable[..., list[Any]]]:
    import torch

    f = torch.nn.functional
    functions = {name: getattr(torch, name) for name in [*SAME, *ARC, "erf", "erfc", "hypot"]} | {
        "power": torch.pow,
        "xlogy": torch.xlogy,
        "sigmoid": torch.sigmoid,
        "log_sigmoid": f.logsigmoid,
        "softplus": f.softplus,
        "silu": f.silu,
        "gelu": f.gelu,
        "normal_cdf": torch.special.ndtr,
        "norm": lambda *xs: torch.linalg.vector_norm(torch.stack(xs), dim=0),
        "log_sum_exp": lambda *xs: torch.logsumexp(torch.stack(xs), 0),
        "softmax_first": lambda *xs: torch.softmax(torch.stack(xs), 0)[0],
        "prod": lambda *xs: torch.prod(torch.stack(xs), 0),
    }

    def slopes(function: Callable[..., Any], columns: list[Point]) -> list[Any]:
        xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in columns]
        function(*xs).sum().backward()
        return [x.grad.tolist() for x in xs]

    return functions, slopes


def of_jax() -> tuple[Functions, Callable[..., list[Any]]]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    special = jax.scipy.special
    functions = {name: getattr(jnp, name) for name in [*SAME, *ARC, "hypot", "cbrt"]} | {
        "power": jnp.power,
        "xlogy": special.xlogy,
        "erf": special.erf,
        "erfc": special.erfc,
        "sigmoid": jax.nn.sigmoid,
        "log_sigmoid": jax.nn.log_sigmoid,
        "softplus": jax.nn.softplus,
        "silu": jax.nn.silu,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
        "normal_cdf": special.ndtr,
        "norm": lambda *xs: jnp.linalg.norm(jnp.stack(xs), axis=0),
        "log_sum_exp": lambda *xs: special.logsumexp(jnp.stack(xs), 0),
        "softmax_first": lambda *xs: jax.nn.softmax(jnp.stack(xs), 0)[0],
        "prod": lambda *xs: jnp.prod(jnp.stack(xs), 0),
    }

    def slopes(function: Callable[..., Any], columns: list[Point]) -> list[Any]:
        found = jax.grad(lambda *xs: function(*xs).sum(), argnums=tuple(range(len(columns))))
        return [x.tolist() for x in found(*map(jnp.array, columns))]

    return functions, slopes


def of_mygrad() -> tuple[Functions, Callable[..., list[Any]]]:
    import mygrad

    arcs = {name: getattr(mygrad, name.replace("a", "arc", 1)) for name in ARC}
    functions = {name: getattr(mygrad, name) for name in [*SAME, "cbrt"]} | arcs
    functions |= {
        "power": mygrad.power,
        "sigmoid": mygrad.nnet.sigmoid,
        "softplus": lambda x: mygrad.logaddexp(0.0, x),
        "silu": lambda x: x * mygrad.nnet.sigmoid(x),
        "norm": lambda *xs: mygrad.linalg.norm(mygrad.stack(xs), axis=0),
        "prod": lambda *xs: mygrad.prod(mygrad.stack(xs), 0),
    }

    def slopes(function: Callable[..., Any], columns: list[Point]) -> list[Any]:
        xs = [mygrad.tensor(x, dtype="float64") for x in columns]
        function(*xs).sum().backward()
        return [x.grad.tolist() for x in xs]

    return functions, slopes


ENGINES = {"torch": of_torch, "jax": of_jax, "mygrad": of_mygrad}


# ---- the ledger ----------------------------------------------------------------------------------


def ledger(count: int) -> dict[str, Any]:
    """Return for each row and each of its partials the errors of every engine: max, p99, points."""
    engines = {name: start() for name, start in ENGINES.items() if importlib.util.find_spec(name)}
    lines = []
    for name in TRUTH:
        row = TABLE[name]
        sample = list(points(row, count, random.Random(name)))
        place = {point: i for i, point in enumerate(sample)}
        theirs = {}
        for engine, (functions, slopes) in engines.items():
            if name in functions:
                theirs[engine] = slopes(functions[name], list(zip(*sample, strict=True)))
        errors: dict[str, dict[str, list[float]]] = {}
        for truth in truths(row, sample):
            each = row.arity is None and truth.what != "value"
            of_engine = errors.setdefault("each" if each else truth.what, {})
            found = {"micrograd_es": ours(row, truth.what, truth.point)}
            if truth.what != "value":
                at = place[truth.point]
                found |= {e: columns[int(truth.what) - 1][at] for e, columns in theirs.items()}
            for engine, x in found.items():
                of_engine.setdefault(engine, []).append(truth.error(x))
        lines += [
            {"row": name, "of": what, "points": len(of_engine["micrograd_es"])}
            | {"budget": budget(row, ARGUMENTS)}
            | {engine: summary(found) for engine, found in of_engine.items()}
            for what, of_engine in errors.items()
        ]
    versions = {name: version(name) for name in ("python-flint", *engines)}
    return {"machine": machine(), "versions": versions, "lines": lines}


def summary(errors: list[float]) -> dict[str, float | None]:
    ranked = sorted(errors)
    return {"max": finite(ranked[-1]), "p99": finite(ranked[int(0.99 * (len(ranked) - 1))])}


def finite(x: float) -> float | None:
    return x if math.isfinite(x) else None  # json has no infinity


def machine() -> str:
    return f"CPython {platform.python_version()}, {platform.system()} {platform.machine()}"


def table(found: dict[str, Any]) -> str:
    """Return the ledger as a table in Markdown, which is also readable as it stands."""
    engines = ["micrograd_es", *(e for e in ENGINES if e in found["versions"])]
    rows = [["row", "of", "points", *(f"{e} max" for e in engines), *(f"{e} p99" for e in engines)]]
    for line in found["lines"]:
        cells = [line["row"], line["of"], str(line["points"])]
        for key in ("max", "p99"):
            cells += [shown(line[e][key]) if e in line else "" for e in engines]
        rows.append(cells)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))} |"
        for row in rows
    )


def verdict(found: dict[str, Any]) -> str:
    """Return for each engine how many of its partials are somewhere off by more than the budget."""
    counts = []
    for engine in ["micrograd_es", *ENGINES]:
        partials = [line for line in found["lines"] if engine in line and line["of"] != "value"]
        off = [
            line
            for line in partials
            if not (line[engine]["max"] if line[engine]["max"] is not None else math.inf)
            <= line["budget"]
        ]
        if partials:
            counts.append(f"{engine} {len(off)} of {len(partials)}")
    return f"Partials off by more than their budget somewhere: {', '.join(counts)}."


def shown(error: float | None) -> str:
    """Return an error in ulp; ∞ where a slope is NaN, infinite or an error of the engine."""
    if error is None:
        return "∞"
    return f"{error:.2f}" if error < 1000 else f"{error:.0e}".replace("e+", "e")


PAGE = """\
# Accuracy · Exactitud

How far values and partials are from the truth, in ulp (units in the last place; 0.5 is the best a
float can do): the largest error and the 99th percentile at the points described in
`benchmarks/accuracy.py`, which writes this page. ∞ stands for a slope that came out infinite or
NaN where the true one is a normal float. A partial may be off by 4 ulp, in a row of n arguments
with one rule by 4 + n; a test holds every row to it. Sums that pass through zero are counted in
ulps of their largest term: the slopes of `silu` and `gelu` near their stationary points, the
higher derivatives of a power, the values of `dot`, `total`, `mean` and `log_sum_exp`.

A qué distancia de la verdad están los valores y las derivadas parciales, en ulp (unidades de la
última cifra; 0,5 es lo mejor que puede un número de coma flotante): el mayor error y el percentil
99 en los puntos que describe `benchmarks/accuracy.py`, que escribe esta página. ∞ es una
pendiente que salió infinita o NaN donde la verdadera es un número normal. Una parcial puede
desviarse 4 ulp, y 4 + n en una fila de n argumentos con una sola regla; una prueba lo exige de
todas las filas. Las sumas que pasan por cero se cuentan en ulps de su mayor término: las
pendientes de `silu` y `gelu` cerca de sus puntos estacionarios, las derivadas superiores de una
potencia, los valores de `dot`, `total`, `mean` y `log_sum_exp`.

{about} {verdict}

{table}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--points", type=int, default=4000, help="of each row")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", action="store_true", help="write docs/accuracy.md")
    options = parser.parse_args()
    warnings.simplefilter("ignore")  # other engines divide by zero on the way
    found = ledger(options.points)
    about = ", ".join(
        [found["machine"], *(f"{name} {number}" for name, number in found["versions"].items())]
    )
    if options.write:
        page = Path(__file__).parent.parent / "docs" / "accuracy.md"
        page.write_text(
            PAGE.format(about=f"{about}.", verdict=verdict(found), table=table(found)),
            encoding="utf-8",
        )
    print(
        json.dumps(found, indent=1)
        if options.json
        else f"{about}\n\n{table(found)}\n\n{verdict(found)}"
    )


if __name__ == "__main__":
    main()
