"""Gradient checkers compared: how often each is fooled, how often it cries wolf, how long it takes.

    python benchmarks/checkers.py [--points 100] [--nasty] [--peers torch jax autograd]

Right and wrong slopes of functions of one number, at harsh points: of all sizes, far from 0, within
1e-9 of kinks. Peers that are installed run with their own defaults, on their own functions: torch
gradcheck, jax check_grads, autograd check_grads; and MiniTorch's rule, a central difference of 1e-6
within 1e-2. A checker that has two answers counts what is not passed as refused.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import random
import struct
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import flint

from micrograd_es import floats
from micrograd_es.check.gradients import check_gradient

Ball = Any
BITS = 200


@dataclass(frozen=True)
class Case:
    """A function of one float; its slope, true to the last bit, on balls; where it is asked."""

    f: Callable[[float], float]
    slope: Callable[[Ball], Ball]
    low: float = -1e4
    high: float = 1e4
    kinks: tuple[float, ...] = ()


def one(x: Ball) -> Ball:
    return x * 0 + 1


def above(kink: float, high: float = 1.0, low: float = 0.0) -> Callable[[Ball], Ball]:
    """Return the slope of a function that bends at a kink."""
    return lambda x: one(x) * (high if x > kink else low)


CASES = {
    "x²": Case(lambda x: x * x, lambda x: 2 * x, -1e8, 1e8),
    "x³ - x": Case(lambda x: x * x * x - x, lambda x: 3 * x * x - 1, -1e6, 1e6),
    "exp": Case(math.exp, lambda x: x.exp(), -300, 300),
    "log": Case(math.log, lambda x: 1 / x, 1e-8, 1e8),
    "sqrt": Case(math.sqrt, lambda x: 1 / (2 * x.sqrt()), 1e-8, 1e8),
    "1/x": Case(lambda x: 1 / x, lambda x: -1 / (x * x), -1e8, 1e8),
    "sin": Case(math.sin, lambda x: x.cos()),
    "cos": Case(math.cos, lambda x: -x.sin()),
    "tan": Case(math.tan, lambda x: 1 + x.tan() ** 2, -1.5, 1.5),
    "tanh": Case(math.tanh, lambda x: 1 / x.cosh() ** 2, -9, 9),
    "1e-6·tanh": Case(
        lambda x: 1e-6 * math.tanh(x), lambda x: flint.arb(1e-6) / x.cosh() ** 2, -9, 9
    ),
    "sigmoid": Case(floats.sigmoid, lambda x: 1 / (2 * (x / 2).cosh()) ** 2, -30, 18),
    "softplus": Case(floats.softplus, lambda x: 1 / (1 + (-x).exp()), -30, 1e4),
    "atan": Case(math.atan, lambda x: 1 / (1 + x * x)),
    "exp(-x²)": Case(lambda x: math.exp(-x * x), lambda x: -2 * x * (-x * x).exp(), -5, 5),
    "erf": Case(math.erf, lambda x: 2 / flint.arb.pi().sqrt() * (-x * x).exp(), -3.5, 3.5),
    "hypot(x, 1)": Case(lambda x: math.hypot(x, 1), lambda x: x / (1 + x * x).sqrt(), -1e6, 1e6),
    "x^2.5": Case(lambda x: math.pow(x, 2.5), lambda x: flint.arb(2.5) * x * x.sqrt(), 1e-8, 1e6),
    "relu": Case(lambda x: max(x, 0.0), above(0), kinks=(0,)),
    "|x|": Case(abs, above(0, 1, -1), kinks=(0,)),
    "relu(x - 1)": Case(lambda x: max(x - 1, 0.0), above(1), kinks=(1,)),
    "leaky relu": Case(lambda x: x if x > 0 else 0.01 * x, above(0, 1, 0.01), kinks=(0,)),
    "x·|x|": Case(lambda x: x * abs(x), lambda x: 2 * abs(x)),
    "1e6 + sin": Case(lambda x: 1e6 + math.sin(x), lambda x: x.cos(), -10, 10),
    "(x - 1e6)²": Case(lambda x: (x - 1e6) ** 2, lambda x: 2 * (x - 10**6), 1e6 - 10, 1e6 + 10),
    "sin(1000x)": Case(lambda x: math.sin(1e3 * x), lambda x: 1000 * (1000 * x).cos(), -3, 3),
}


def float32(x: float) -> float:
    """Return x rounded to 24 bits."""
    digits, power = math.frexp(x)
    return math.ldexp(round(digits * 2**24), power - 24)


def float16(x: float) -> float:
    """Return x rounded to 11 bits."""
    return struct.unpack("e", struct.pack("e", x))[0]


def jitter(x: float) -> float:
    """Return a number from -0.5 to 0.5 that is always the same for x, and looks random."""
    return (hash(x) * 2654435761 % 1000003) / 1000003 - 0.5


def sech2(x: Ball) -> Ball:
    return 1 / x.cosh() ** 2


def sines(x: float) -> float:
    """Return sin(x) by a table with straight lines between its nodes."""
    node = math.floor(10 * x) / 10
    return math.sin(node) + (math.sin(node + 0.1) - math.sin(node)) / 0.1 * (x - node)


def between_nodes(x: Ball) -> Ball:
    node = math.floor(10 * float(x.mid())) / 10
    return flint.arb((math.sin(node + 0.1) - math.sin(node)) / 0.1)


NASTY = {
    # values on a grid
    "float32(x)": Case(float32, one, -1e6, 1e6),
    "float32(tanh)": Case(lambda x: float32(math.tanh(float32(x))), sech2, -6, 6),
    "float32(x³)": Case(lambda x: float32(float32(x) ** 3), lambda x: 3 * x * x, -1e3, 1e3),
    "sin(float32)": Case(lambda x: math.sin(float32(x)), lambda x: x.cos(), -10, 10),
    "float16(sin)": Case(lambda x: float16(math.sin(x)), lambda x: x.cos(), -10, 10),
    "float16(x)": Case(float16, one, -6e4, 6e4),
    "round(sin, 6)": Case(lambda x: round(math.sin(x), 6), lambda x: x.cos(), -10, 10),
    "round(x², 3)": Case(lambda x: round(x * x, 3), lambda x: 2 * x, -100, 100),
    "round(exp, 9)": Case(lambda x: round(math.exp(x), 9), lambda x: x.exp(), -5, 5),
    # differences of large numbers
    "(1 - cos x)/x²": Case(
        lambda x: (1 - math.cos(x)) / x**2,
        lambda x: x.sin() / x**2 - 2 * (1 - x.cos()) / x**3, -3, 3,
    ),
    "((x+1e8) - 1e8)²": Case(lambda x: ((x + 1e8) - 1e8) ** 2, lambda x: 2 * x, -3, 3),
    "exp(x) - 1 - x": Case(lambda x: math.exp(x) - 1 - x, lambda x: x.exp() - 1, -3, 3),
    "sin(x) - x": Case(lambda x: math.sin(x) - x, lambda x: x.cos() - 1, -3, 3),
    "log(1 + x)": Case(lambda x: math.log(1 + x), lambda x: 1 / (1 + x), -0.9, 3),
    "(exp(x) - 1)/x": Case(
        lambda x: (math.exp(x) - 1) / x, lambda x: x.exp() / x - (x.exp() - 1) / x**2, -3, 3
    ),
    "√(x+1) - √x": Case(
        lambda x: math.sqrt(x + 1) - math.sqrt(x),
        lambda x: 1 / (2 * (x + 1).sqrt()) - 1 / (2 * x.sqrt()), 1e-3, 1e12,
    ),
    "(x - 1)⁶ in powers": Case(
        lambda x: x**6 - 6 * x**5 + 15 * x**4 - 20 * x**3 + 15 * x**2 - 6 * x + 1,
        lambda x: 6 * (x - 1) ** 5, 0.9, 1.1,
    ),
    "1e12 + sin": Case(lambda x: 1e12 + math.sin(x), lambda x: x.cos(), -3, 3),
    "(1e10x + sin) - 1e10x": Case(
        lambda x: (x * 1e10 + math.sin(x)) - x * 1e10, lambda x: x.cos(), -3, 3
    ),
    # waves
    "sin(1/x)": Case(lambda x: math.sin(1 / x), lambda x: -(1 / x).cos() / x**2, -1, 1),
    "x²·sin(1/x)": Case(
        lambda x: x * x * math.sin(1 / x), lambda x: 2 * x * (1 / x).sin() - (1 / x).cos(), -1, 1
    ),
    "sin(1e6x)": Case(lambda x: math.sin(1e6 * x), lambda x: 10**6 * (10**6 * x).cos(), -3, 3),
    "sin(2²⁰πx)": Case(
        lambda x: math.sin(2**20 * math.pi * x),
        lambda x: flint.arb(2**20 * math.pi) * (flint.arb(2**20 * math.pi) * x).cos(), -3, 3,
    ),
    "x + sin(1e5x)/1e3": Case(
        lambda x: x + 1e-3 * math.sin(1e5 * x), lambda x: 1 + 100 * (10**5 * x).cos(), -3, 3
    ),
    # kinks, plateaus, jumps
    "|sin(1000x)|": Case(
        lambda x: abs(math.sin(1000 * x)),
        lambda x: 1000 * (1000 * x).cos() * (1 if (1000 * x).sin() > 0 else -1), -3, 3,
    ),
    "5 + relu(x - 1)": Case(lambda x: 5 + max(x - 1, 0.0), above(1), kinks=(1,)),
    "relu(x - 1)³": Case(
        lambda x: max(x - 1, 0.0) ** 3, lambda x: 3 * (x - 1) ** 2 if x > 1 else 0 * x,
        -3, 3, (1,),
    ),
    "hypot(x - 1, 1e-6)": Case(
        lambda x: math.hypot(x - 1, 1e-6),
        lambda x: (x - 1) / ((x - 1) ** 2 + flint.arb(1e-6) ** 2).sqrt(), -3, 3, (1,),
    ),
    "tanh(1e8x)": Case(
        lambda x: math.tanh(1e8 * x), lambda x: 10**8 * sech2(10**8 * x), -1e-7, 1e-7
    ),
    "clip": Case(
        lambda x: min(max(x, -1.0), 1.0), lambda x: one(x) * (-1 < float(x.mid()) < 1),
        -3, 3, (-1, 1),
    ),
    "exp(-1/x²)": Case(
        lambda x: math.exp(-1 / x**2), lambda x: 2 / x**3 * (-1 / x**2).exp(), -2, 2
    ),
    "x² + 5·(x > 1)": Case(lambda x: x * x + 5 * (x > 1), lambda x: 2 * x, -3, 3, (1,)),
    "x > 1": Case(lambda x: float(x > 1), lambda x: 0 * x, -3, 3, (1,)),
    "floor": Case(math.floor, lambda x: 0 * x, -1e7, 1e7),
    "x % 1": Case(lambda x: x % 1, one, -1e3, 1e3),
    "table of sines": Case(sines, between_nodes, -5, 5),
    # removable points, noise, ends of domains, tails
    "sin(x)/x": Case(lambda x: math.sin(x) / x, lambda x: (x.cos() - x.sin() / x) / x, -30, 30),
    "(x² - 1)/(x - 1)": Case(lambda x: (x * x - 1) / (x - 1), one, -3, 3, (1,)),
    "sin + 1e-9·noise": Case(
        lambda x: math.sin(x) + 1e-9 * jitter(x), lambda x: x.cos(), -3, 3
    ),
    "x ** 0.5": Case(lambda x: x**0.5, lambda x: 1 / (2 * x.sqrt()), 1e-12, 100),
    "√(1 - x²)": Case(
        lambda x: math.sqrt(1 - x * x), lambda x: -x / (1 - x * x).sqrt(), -1, 1, (-1, 1)
    ),
    "acosh": Case(math.acosh, lambda x: 1 / (x * x - 1).sqrt(), 1 + 1e-9, 100, (1,)),
    "tan far out": Case(math.tan, lambda x: 1 + x.tan() ** 2, -100, 100),
    "log|sin|": Case(lambda x: math.log(abs(math.sin(x))), lambda x: x.cos() / x.sin(), -10, 10),
    "1/x near 0": Case(lambda x: 1 / x, lambda x: -1 / (x * x), -1e-10, 1e-10),
    "1e-200·sin": Case(
        lambda x: 1e-200 * math.sin(x), lambda x: flint.arb(1e-200) * x.cos(), -10, 10
    ),
    "1 + exp(-x²)": Case(
        lambda x: 1 + math.exp(-x * x), lambda x: -2 * x * (-x * x).exp(), -5, 5
    ),
    "tanh far out": Case(math.tanh, sech2, -25, 25),
}  # fmt: skip


def has_value(f: Callable[[float], float], x: float) -> bool:
    with suppress(ArithmeticError):
        return math.isfinite(f(x))
    return False


def harsh_points(case: Case, count: int, rng: random.Random) -> Iterator[tuple[float, float]]:
    """Yield (x, true slope): a third within 1e-9 of a kink if there is one, the others of every
    size from 1e-8 up, or anywhere in the interval.
    """
    top = math.log10(max(abs(case.low), abs(case.high)))
    while count:
        kind = rng.random()
        if case.kinks and kind < 0.33:
            x = rng.choice(case.kinks) + rng.choice((-1, 1)) * 10 ** rng.uniform(-12, -9)
        elif kind < 0.8:
            x = rng.choice((-1, 1)) * 10 ** rng.uniform(-8, top)
        else:
            x = rng.uniform(case.low, case.high)
        if not case.low <= x <= case.high or x == 0 or x in case.kinks or not has_value(case.f, x):
            continue
        flint.ctx.prec = BITS
        slope = float(case.slope(flint.arb(x)).mid())
        if slope == 0 or 1e-290 < abs(slope) < 1e290:
            yield x, slope
            count -= 1


WRONG: dict[str, Callable[[float], float]] = {
    "sign": lambda g: -g,
    "double": lambda g: 2 * g,
    "half": lambda g: g / 2,
    "zero": lambda g: 0.0,
    "inverse": lambda g: 1 / g if g else 1.0,
    "one more": lambda g: g + abs(g) + 1,
    "1 %": lambda g: g * 1.01,
    "0.1 %": lambda g: g * 1.001,
    "1e-4": lambda g: g * (1 + 1e-4),
    "1e-5": lambda g: g * (1 + 1e-5),
    "1e-6": lambda g: g * (1 + 1e-6),
    "float32": float32,
    "ε below": lambda g: g / (1 + 1e-5 * abs(g)),
    "infinite": lambda g: math.inf,
    "NaN": lambda g: math.nan,
}


def wrong_slopes(slope: float) -> Iterator[tuple[str, float]]:
    """Yield (kind, wrong slope), for those kinds that make this one wrong."""
    for kind, spoil in WRONG.items():
        wrong = spoil(slope)
        if not abs(wrong - slope) <= 1e-15 * abs(slope):
            yield kind, wrong


# ---- the checkers: (function, x, slope) -> pass, fail or inconclusive ----------------------------


def nan_outside(f: Callable[[float], float]) -> Callable[[float], float]:
    """Return f with NaN where it raises, as the functions of array engines have it."""

    def quiet(x: float) -> float:
        try:
            return float(f(x))
        except (ValueError, ArithmeticError, TypeError):  # the root of a negative is complex
            return math.nan

    return quiet


Checker = Callable[[Callable[[float], float], float, float], str]


def ours(f: Callable[[float], float], x: float, slope: float) -> str:
    return check_gradient(f, [x], [slope]).verdict


def minitorch(f: Callable[[float], float], x: float, slope: float) -> str:
    measured = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
    return "pass" if abs(slope - measured) <= 1e-2 + 1e-2 * abs(measured) else "fail"


def torch_checker() -> Checker:
    import torch

    def check(f: Callable[[float], float], x: float, slope: float) -> str:
        class Op(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, t: Any) -> Any:
                return t.new_tensor(f(t.item()))

            @staticmethod
            def backward(ctx: Any, up: Any) -> Any:
                return up * slope

        at = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        return (
            "pass" if torch.autograd.gradcheck(Op.apply, (at,), raise_exception=False) else "fail"
        )

    return check


def jax_checker() -> Checker:
    import jax
    import numpy
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    @cache
    def op_of(f: Callable[[float], float]) -> Any:
        @jax.custom_vjp
        def op(t: Any) -> Any:
            shape = jax.ShapeDtypeStruct((), numpy.float64)
            return jax.pure_callback(lambda v: numpy.float64(f(float(v))), shape, t)

        op.defvjp(lambda t: (op(t), None), lambda _, up: (up * claimed[0],))
        return op

    claimed = [0.0]

    def check(f: Callable[[float], float], x: float, slope: float) -> str:
        claimed[0] = slope
        try:
            check_grads(op_of(f), (x,), order=1, modes=["rev"])
        except AssertionError:
            return "fail"
        return "pass"

    return check


def autograd_checker() -> Checker:
    from autograd.extend import defvjp, primitive
    from autograd.test_util import check_grads

    def check(f: Callable[[float], float], x: float, slope: float) -> str:
        op = primitive(lambda t: f(float(t)))
        defvjp(op, lambda y, t: lambda up: up * slope)
        try:
            check_grads(op, modes=["rev"], order=1)(x)
        except AssertionError:
            return "fail"
        return "pass"

    return check


PEERS = {"torch": torch_checker, "jax": jax_checker, "autograd": autograd_checker}


def checkers(peers: list[str]) -> Iterator[tuple[str, Checker]]:
    """Yield ours, MiniTorch's rule, and those of the peers that are installed."""
    yield f"micrograd_es {version('micrograd_es')}", ours
    yield "MiniTorch's rule", minitorch
    for name in peers:
        made = PEERS[name]
        with suppress(ImportError, PackageNotFoundError):
            yield f"{name} {version(name)}", made()


def judge(check: Checker, points: int, cases: dict[str, Case]) -> dict[str, Any]:
    """Return how a checker does: shares of the right and the wrong slopes, and µs for each."""
    rng = random.Random(0)
    right = {"fail": 0, "inconclusive": 0, "pass": 0}
    missed, met = dict.fromkeys(WRONG, 0), dict.fromkeys(WRONG, 0)
    spent, calls = 0.0, 0
    for case in cases.values():
        f = case.f if check is ours else nan_outside(case.f)
        for x, slope in harsh_points(case, points, rng):
            start = time.thread_time()
            right[check(f, x, slope)] += 1
            spent += time.thread_time() - start
            calls += 1
            for kind, wrong in wrong_slopes(slope):
                met[kind] += 1
                missed[kind] += check(f, x, wrong) == "pass"
    return {
        "false alarms": right["fail"] / calls,
        "inconclusive": right["inconclusive"] / calls,
        "µs": 1e6 * spent / calls,
        "missed": {kind: missed[kind] / met[kind] for kind in WRONG},
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--points", type=int, default=100)
    options.add_argument("--peers", nargs="*", choices=list(PEERS), default=list(PEERS))
    options.add_argument("--nasty", action="store_true", help="functions that no checker likes")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    cases = NASTY if given.nasty else CASES
    found = {name: judge(check, given.points, cases) for name, check in checkers(given.peers)}
    if given.json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    print(f"{len(cases)} functions × {given.points} points; {platform.processor() or 'unknown'}, "
          f"Python {sys.version.split()[0]}")  # fmt: skip
    names = list(found)
    widths = [max(len(name), 9) for name in names]
    print(" " * 14, *(name.rjust(w) for name, w in zip(names, widths, strict=True)))
    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "false alarms": lambda one: f"{100 * one['false alarms']:.1f} %",
        "inconclusive": lambda one: f"{100 * one['inconclusive']:.1f} %",
        "µs": lambda one: f"{one['µs']:.0f}",
    }
    for kind in WRONG:
        rows[f"misses {kind}"] = lambda one, kind=kind: f"{100 * one['missed'][kind]:.1f} %"
    for row, told in rows.items():
        cells = (told(found[name]).rjust(w) for name, w in zip(names, widths, strict=True))
        print(row.ljust(15), *cells)


if __name__ == "__main__":
    main()
