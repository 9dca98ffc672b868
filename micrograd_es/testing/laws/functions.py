"""Laws of the functions: the right slope everywhere, at kinks, far out, and where there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from micrograd_es.check.gradients import check_gradient
from micrograd_es.primitives import TABLE
from micrograd_es.testing.engines.adapters import Engine
from micrograd_es.testing.laws.law import (
    INCONCLUSIVE,
    Broken,
    Plan,
    agree,
    case_text,
    judge_program,
    law,
    slopes_text,
)
from micrograd_es.testing.oracles.judgement import TEXTBOOK
from micrograd_es.testing.programs import Program, is_at_ease
from micrograd_es.testing.strategies import programs

UNDRAWN = {
    "constant",
    "detach",
    "power_jet",
    "power_slope",
    "exprel_jet",
    "sinc_jet",
}  # not functions of numbers alone


def call(name: str, *args: float) -> Program:
    """Return the program that calls one function."""
    return Program(args, ((name, *range(len(args))),))


def calls(names: Sequence[str]) -> list[Plan]:
    """A plan for each function: its calls at points where it is at ease."""
    return [{"program": calls_of(name)} for name in names]


def calls_of(name: str) -> SearchStrategy[Program]:
    """Calls of a function where it is at ease."""
    row = TABLE[name]
    tame = st.integers(-5, 5).map(float) | st.floats(-5, 5).map(lambda x: round(x, 3) + 0.0)
    sizes = st.just(row.arity) if row.arity else st.integers(1, 5)
    points = sizes.flatmap(lambda n: st.tuples(*[tame] * n))
    return points.filter(lambda p: is_at_ease(row, p)).map(lambda p: call(name, *p))


def known(engine: Engine) -> list[str]:
    return [name for name in TABLE if name in engine.functions and name not in UNDRAWN]


def elements_of(engine: Engine, cases: dict[str, Any]) -> list[Plan]:
    """A plan for each case of a function that the engine has."""
    return [
        {"name": st.just(name), "case": st.just(case)}
        for name in cases
        if name in engine.functions
        for case in cases[name]
    ]


# ---- where a function is delicate ----------------------------------------------------------------

KINKS = {"relu": [(0.0,)], "abs": [(0.0,)], "hard_tanh": [(-1.0,), (1.0,)]}
TIES = {"maximum": [(0.0, 0.0), (2.0, 2.0)], "minimum": [(0.0, 0.0), (2.0, 2.0)]}


@law(lambda engine: elements_of(engine, {**KINKS, **TIES}))
def subgradients(engine: Engine, name: str, case: tuple[float, ...]) -> str:
    """At a kink the slope lies between those of both sides; a tie is shared, and adds up to 1."""
    _, got = engine.run(call(name, *case))
    where = f"{case_text(program=call(name, *case))}the slope"
    low = -1.0 if name == "abs" else 0.0
    if not all(low <= slope <= 1.0 for slope in got):
        raise Broken(f"{where} is {slopes_text(got)}, outside [{low:g}, 1]")
    return agree(f"{where}s add up to", [math.fsum(got)], [1.0]) if name in TIES else "exact"


DEAF = {
    "sign",
    "step",
    "floor",
    "ceil",
    "round",
    "exceeds",
    "floordiv",
}  # their slope is 0 whatever comes
STRAIGHT = {"add", "sub", "neg", "identity", "total", "mean"}  # and theirs is another constant


@law(lambda engine: [{"name": st.just(name)} for name in known(engine) if TABLE[name].arity])
def nan_is_not_hidden(engine: Engine, name: str) -> str:
    """A NaN that comes in is a NaN that goes out, in value and slope; or it is refused."""
    try:
        y, got = engine.slopes(engine.functions[name], [math.nan] * (TABLE[name].arity or 1))
    except Exception:  # a refusal, with whatever the engine has
        return "exact"
    if y == y:
        raise Broken(f"{name} of NaN is {y!r}")
    if name not in DEAF | STRAIGHT and all(map(math.isfinite, got)):
        raise Broken(f"{name} of NaN is NaN, and its slope is {slopes_text(got)}")
    return "exact"


# a point where a naive rule makes a NaN or overflows, and the slopes; None: a constant operand
DELICATE: dict[str, list[tuple[tuple[float, ...], tuple[float | None, ...]]]] = {
    "square": [((0.0,), (0.0,))],
    "power": [((0.0, 2.0), (0.0, None)), ((3.0, 0.0), (0.0, None)), ((-2.0, 3.0), (12.0, None))],
    "sigmoid": [((-1000.0,), (0.0,)), ((1000.0,), (0.0,))],
    "tanh": [((-1000.0,), (0.0,)), ((1000.0,), (0.0,))],
    "softplus": [((-1000.0,), (0.0,)), ((1000.0,), (1.0,))],
    "log_sigmoid": [((-1000.0,), (1.0,)), ((1000.0,), (0.0,))],
    "silu": [((-1000.0,), (0.0,)), ((1000.0,), (1.0,))],
    "gelu": [((-1000.0,), (0.0,)), ((1000.0,), (1.0,))],
    "erf": [((1000.0,), (0.0,))],
    "hypot": [((0.0, 3.0), (0.0, 1.0)), ((3e200, 4e200), (0.6, 0.8))],
    "atan2": [((0.0, 1.0), (1.0, 0.0)), ((1e200, 1e200), (5e-201, -5e-201))],
    "log_sum_exp": [((1000.0, 1000.0), (0.5, 0.5))],
    "norm": [((3e200, 4e200), (0.6, 0.8))],
    "prod": [((0.0, 3.0), (3.0, 0.0))],
    "xlogy": [((0.0, 2.0), (None, 0.0))],
}


@law(lambda engine: elements_of(engine, DELICATE))
def nan_is_not_created(engine: Engine, name: str, case: Any) -> str:
    """Where a slope is finite, large results on the way or a 0 make no NaN of it."""
    point, expected = case

    def f(*inputs: Any) -> Any:
        given = iter(inputs)
        args = [x if e is None else next(given) for x, e in zip(point, expected, strict=True)]
        return engine.functions[name](*args)

    moving = [(x, e) for x, e in zip(point, expected, strict=True) if e is not None]
    _, got = engine.slopes(f, [x for x, _ in moving])
    if not all(abs(g - e) <= 1e-12 * abs(e) for g, (_, e) in zip(got, moving, strict=True)):
        slopes = slopes_text([e for _, e in moving])
        raise Broken(
            f"{case_text(program=call(name, *point))}the slope is {slopes_text(got)}, not {slopes}"
        )
    return "exact"


def logistic(x: float) -> float:
    e = math.exp(-abs(x))
    return e / (1 + e) ** 2


def sigmoid(x: float) -> float:
    return math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x))


SATURATED: dict[str, Callable[[float], float]] = {
    "sigmoid": logistic,
    "tanh": lambda x: 4 * logistic(2 * x),
    "softplus": sigmoid,
    "log_sigmoid": lambda x: sigmoid(-x),
    "erf": lambda x: 2 / math.sqrt(math.pi) * math.exp(-x * x),
    "erfc": lambda x: -2 / math.sqrt(math.pi) * math.exp(-x * x),
}
FAR = [sign * x for x in (8.0, 11.0, 14.0, 17.0, 20.0, 23.0, 26.0) for sign in (1, -1)]


@law(lambda engine: elements_of(engine, dict.fromkeys(SATURATED, FAR)))
def saturation(engine: Engine, name: str, case: float) -> str:
    """Far out, where a function is flat, its slope is small but right to one part in a million."""
    _, (got,) = engine.slopes(engine.functions[name], [case])
    expected = SATURATED[name](case)
    if not abs(got - expected) <= 1e-6 * abs(expected):
        raise Broken(f"the slope of {name} at {case!r} is {got!r}, expected {expected:.6g}")
    return "exact"


OUTSIDE: dict[str, list[tuple[float, ...]]] = {
    "log": [(-1.0,), (0.0,)],
    "log1p": [(-2.0,)],
    "log2": [(-1.0,)],
    "log10": [(-1.0,)],
    "sqrt": [(-1.0,)],
    "reciprocal": [(0.0,)],
    "div": [(1.0, 0.0)],
    "power": [(-4.0, 0.5)],
    "asin": [(2.0,)],
    "acos": [(2.0,)],
    "acosh": [(0.5,)],
    "atanh": [(2.0,)],
}


@law(lambda engine: elements_of(engine, OUTSIDE))
def domains(engine: Engine, name: str, case: tuple[float, ...]) -> str:
    """Where a function has no value there is an error, or NaN or inf: never a finite slope."""
    try:
        y, got = engine.slopes(engine.functions[name], case)
    except Exception:  # a refusal, with whatever the engine has
        return "exact"
    if math.isfinite(y) or any(map(math.isfinite, got)):
        program = call(name, *case)
        raise Broken(
            f"{case_text(program=program)}the value is {y!r}, the gradient {slopes_text(got)}"
        )
    return "exact"


VERTICAL: dict[str, list[tuple[float, ...]]] = {
    "sqrt": [(0.0,)],
    "cbrt": [(0.0,)],
    "asin": [(1.0,)],
    "acos": [(1.0,)],
    "acosh": [(1.0,)],
}


@law(lambda engine: elements_of(engine, VERTICAL))
def vertical_tangents(engine: Engine, name: str, case: tuple[float, ...]) -> str:
    """Where a slope is without end there is an error, or inf or NaN: never a finite slope."""
    try:
        _, (got,) = engine.slopes(engine.functions[name], case)
    except Exception:  # a refusal, with whatever the engine has
        return "exact"
    if math.isfinite(got):
        raise Broken(f"{case_text(program=call(name, *case))}the slope is {got!r}")
    return "exact"


@law(
    lambda engine: [{"thing": st.just(x)} for x in ("2", b"2", None, object, {"a": 1.0}, {2.0})],
    "add mul",
)
def bad_input(engine: Engine, thing: Any) -> str:
    """What is no number is refused, as a leaf and as an operand."""
    uses: dict[str, Callable[[], Any]] = {
        "+": lambda: engine.slopes(lambda x: engine.functions["add"](x, thing), [2.0]),
        "*": lambda: engine.slopes(lambda x: engine.functions["mul"](x, thing), [2.0]),
    }
    if engine.leaf:
        uses["a leaf"] = lambda: engine.leaf(thing)
    for place, use in uses.items():
        try:
            answer = use()
        except Exception:  # noqa: S112,RUF100  # a refusal, with whatever the engine has
            continue
        raise Broken(f"{thing!r} as {place} is accepted, and gives {answer!r}")
    return "exact"


# ---- where a function is at ease -----------------------------------------------------------------


def of_textbook(engine: Engine) -> list[Plan]:
    names = [name for name in TEXTBOOK if name in engine.functions]
    return [{"program": programs(names)}] if names else []


@law(of_textbook)
def random_programs(engine: Engine, program: Program) -> str:
    """Random programs of all its functions have the gradient that the oracle proves."""
    return judge_program(program, engine.run(program)[1])


@law(lambda engine: calls(known(engine)))
def slopes(engine: Engine, program: Program) -> str:
    """Every function has the slopes of its value."""
    return judge_program(program, engine.run(program)[1])


@law(lambda engine: calls([name for name in known(engine) if name in TEXTBOOK]), "gradient", 8)
def slopes_of_slopes(engine: Engine, program: Program) -> str:
    """The second derivatives of every function are the slopes of its first."""
    name, *places = program.lines[0]
    verdicts = []
    for i in places:

        def first(*xs: Any, i: int = i) -> Any:
            return engine.gradient(engine.functions[name], list(xs))[i]

        def measured(*xs: float, i: int = i) -> float:
            return engine.slopes(engine.functions[name], xs)[1][i]

        _, got = engine.slopes(first, program.point)
        found = check_gradient(measured, program.point, got)
        for j, one in enumerate(found.inputs):
            if one.verdict == "fail":
                slope = f"{case_text(program=program)}the slope by x{i} and then by x{j}"
                raise Broken(f"{slope} is {one.claimed!r}, measured {one.measured!r}")
        verdicts.append(found.verdict)
    return INCONCLUSIVE if INCONCLUSIVE in verdicts else "finite differences"
