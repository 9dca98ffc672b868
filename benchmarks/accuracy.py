"""The ulp ledger: how far value and partials of every row are from the truth, beside other engines.

    python benchmarks/accuracy.py [--points N] [--json] [--write]

The truth and the points are those of benchmarks/truth.py. An error of 0.5 ulp is the best a float
can do. `--write` writes docs/accuracy.md.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import platform
import random
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.truth import (
    ARGUMENTS,
    TRUTH,
    Point,
    Truth,
    budget,
    ours,
    points,
    second_truths,
    truths,
)
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE

# ---- other engines: the gradient of a sum is that of each of its terms ---------------------------

SAME = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "square", "reciprocal"]
SAME += ["sin", "cos", "tan", "sinh", "cosh", "tanh"]
ARC = ["asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2"]
Functions = dict[str, Callable[..., Any]]


class Slopes(dict[tuple[int, ...], list[float]]):
    """The derivatives of a function by some of its arguments, one after the other, at each."""


def of_torch() -> tuple[Functions, Callable[..., Slopes]]:
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

    def slopes(function: Callable[..., Any], columns: list[Point]) -> Slopes:
        xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in columns]
        total, found = function(*xs).sum(), Slopes()
        firsts = torch.autograd.grad(total, xs, create_graph=True)
        for i, first in enumerate(firsts):
            found[i,] = first.tolist()
            if first.requires_grad:  # else it is constant
                seconds = torch.autograd.grad(
                    first.sum(), xs, retain_graph=True, materialize_grads=True
                )
                found |= {(i, j): second.tolist() for j, second in enumerate(seconds)}
        return found

    return functions, slopes


def of_jax() -> tuple[Functions, Callable[..., Slopes]]:
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

    def slopes(function: Callable[..., Any], columns: list[Point]) -> Slopes:
        found = jax.grad(lambda *xs: function(*xs).sum(), argnums=tuple(range(len(columns))))
        firsts = found(*map(jnp.array, columns))
        return Slopes({(i,): first.tolist() for i, first in enumerate(firsts)})

    return functions, slopes


def of_mygrad() -> tuple[Functions, Callable[..., Slopes]]:
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

    def slopes(function: Callable[..., Any], columns: list[Point]) -> Slopes:
        xs = [mygrad.tensor(x, dtype="float64") for x in columns]
        function(*xs).sum().backward()
        return Slopes({(i,): x.grad.tolist() for i, x in enumerate(xs)})

    return functions, slopes


ENGINES = {"torch": of_torch, "jax": of_jax, "mygrad": of_mygrad}


# ---- the ledger ----------------------------------------------------------------------------------


def ledger(count: int) -> dict[str, Any]:
    """Return for each row and each of its partials the errors of every engine: max, p99, points."""
    engines = {name: start() for name, start in ENGINES.items() if importlib.util.find_spec(name)}
    lines = []
    for name in TRUTH:
        row, rng = TABLE[name], random.Random(name)
        sample = list(points(row, count, rng))
        place = {point: i for i, point in enumerate(sample)}
        theirs = {}
        for engine, (functions, slopes) in engines.items():
            if name in functions:
                theirs[engine] = slopes(functions[name], list(zip(*sample, strict=True)))
        errors: dict[str, dict[str, list[float]]] = {}
        for truth in (*truths(row, sample), *second_truths(row, sample, rng)):
            of_engine = errors.setdefault(title(row, truth), {})
            of_engine.setdefault("micrograd_es", []).append(truth.error(ours(row, truth)))
            for engine, found in theirs.items():
                if truth.places in found:
                    x = found[truth.places][place[truth.point]]
                    of_engine.setdefault(engine, []).append(truth.error(x))
        lines += [
            {"row": name, "of": what, "points": len(of_engine["micrograd_es"])}
            | {"budget": budget(row, ARGUMENTS, 2 if "second" in what else 1)}
            | {engine: summary(found) for engine, found in of_engine.items()}
            for what, of_engine in errors.items()
        ]
    versions = {name: version(name) for name in ("python-flint", *engines)}
    return {"machine": machine(), "versions": versions, "lines": lines}


def title(row: Primitive, truth: Truth) -> str:
    """Return which line of the ledger counts an error: "value", "1", "second 1 2" and the like."""
    order = ("value", "", "second ")[len(truth.places)]
    if row.arity is None and truth.places:
        return f"{order}each".strip()
    return order + " ".join(str(place + 1) for place in truth.places)


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
            cells += [describe(line[e][key]) if e in line else "" for e in engines]
        rows.append(cells)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        f"| {' | '.join(cell.ljust(w) for cell, w in zip(row, widths, strict=True))} |"
        for row in rows
    )


def verdict(found: dict[str, Any]) -> str:
    """Return for each engine how many derivatives are somewhere off by more than the budget."""
    sentences = []
    for order, those in (
        ("First", [line for line in found["lines"] if of_first(line["of"])]),
        ("Second", [line for line in found["lines"] if "second" in line["of"]]),
    ):
        counts = []
        for engine in ["micrograd_es", *ENGINES]:
            lines = [line for line in those if engine in line]
            if lines:
                off = sum(not within(line[engine]["max"], line["budget"]) for line in lines)
                counts.append(f"{engine} {off} of {len(lines)}")
        sentences.append(
            f"{order} derivatives off by more than their budget somewhere: {', '.join(counts)}."
        )
    return " ".join(sentences)


def of_first(what: str) -> bool:
    return what != "value" and "second" not in what


def within(error: float | None, budget: float) -> bool:
    return error is not None and error <= budget


def describe(error: float | None) -> str:
    """Return an error in ulp; ∞ where a slope is NaN, infinite or an error of the engine."""
    if error is None:
        return "∞"
    return f"{error:.2f}" if error < 1000 else f"{error:.0e}".replace("e+", "e")


PAGE = """\
# Accuracy · Exactitud

How far values and partials are from the truth, in ulp (units in the last place; 0.5 is the best a
float can do): the largest error and the 99th percentile at the points of `benchmarks/truth.py`;
`benchmarks/accuracy.py` writes this page. ∞ stands for a slope that came out infinite or
NaN where the true one is a normal float. A partial may be off by 4 ulp, in a row of n arguments
with one rule by 4 + n, and a second derivative by twice as much; a test holds every row to it.
Sums that pass through zero are counted in ulps of their largest term: the slopes of `silu` and
`gelu` near their stationary points, the mixed slope of `atan2`, the higher derivatives of a power,
the second ones of the rows that are slopes themselves, the values of `dot`, `total`, `mean` and
`log_sum_exp`. "second 1 2" is the derivative by the first argument, then by the second; of other
engines, torch is asked for it.

A qué distancia de la verdad están los valores y las derivadas parciales, en ulp (unidades de la
última cifra; 0,5 es lo mejor que puede un número de coma flotante): el mayor error y el percentil
99 en los puntos de `benchmarks/truth.py`;
`benchmarks/accuracy.py` escribe esta página. ∞ es una
pendiente que salió infinita o NaN donde la verdadera es un número normal. Una parcial puede
desviarse 4 ulp, y 4 + n en una fila de n argumentos con una sola regla, y una segunda derivada el
doble; una prueba lo exige de todas las filas. Las sumas que pasan por cero se cuentan en ulps de
su mayor término: las pendientes de `silu` y `gelu` cerca de sus puntos estacionarios, la pendiente
mixta de `atan2`, las derivadas superiores de una potencia, las segundas de las filas que ya son
pendientes, los valores de `dot`, `total`, `mean` y `log_sum_exp`. «second 1 2» es la derivada
respecto del primer argumento y luego del segundo; de los otros motores, se le pide a torch.

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
