"""Laws of the graph: what is passed along it, and that nothing is lost, doubled or mixed.

On programs of + - * and small whole numbers, where floats are exact and nothing excuses a last bit.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from micrograd_es.collector import paused
from micrograd_es.testing.engines.adapters import Engine
from micrograd_es.testing.laws.law import (
    BY_ITSELF,
    REFUSED,
    Broken,
    Plan,
    agree,
    case_text,
    judge_program,
    law,
)
from micrograd_es.testing.oracles.judgement import Mod, residue, sweep
from micrograd_es.testing.programs import ARITHMETIC, Program
from micrograd_es.testing.strategies import programs

WHOLE = st.integers(-6, 6).map(float)
CONSTANTS = (2.0, 3.0, -1.0)
Plans = Callable[[Engine], Sequence[Plan]]
NEEDS = "add mul"


def operators(engine: Engine) -> list[str]:
    return [name for name in ARITHMETIC if name in engine.functions]


def arithmetic(inputs: int, most: int, names: str = "program", **others: Any) -> Plans:
    """Plan of programs of + - * on small whole numbers, one for each name."""

    def plans(engine: Engine) -> list[Plan]:
        one = programs(operators(engine), inputs, most, WHOLE, CONSTANTS)
        return [{**dict.fromkeys(names.split(), one), **others}]

    return plans


def shaped(*shape: tuple[int, Any]) -> Plans:
    """Plan of programs of one input and lines of that shape, with operators drawn."""

    def plans(engine: Engine) -> list[Plan]:
        signs = st.sampled_from(operators(engine))
        lines = st.tuples(*(st.tuples(signs, st.just(a), st.just(b)) for a, b in shape))
        return [{"program": st.builds(Program, st.tuples(WHOLE), lines)}]

    return plans


def exact(program: Program, point: Sequence[float] | None = None) -> list[float]:
    """Return the gradient of a program of + - * at whole numbers."""
    numbers = [int(x) for x in (program.point if point is None else point)]
    return [float(slope) for slope in sweep(program, numbers, None)[1][-1]]


# ---- what is passed along ------------------------------------------------------------------------


@law(shaped((0, 0), (1, 1)), NEEDS)
def reuse(engine: Engine, program: Program) -> str:
    """A node that is used twice by one operation gets both shares."""
    return judge_program(program, engine.run(program)[1])


@law(shaped((0, 2.0), (1, 3.0), (1, 0), (2, 3)), NEEDS)
def diamonds(engine: Engine, program: Program) -> str:
    """What parts and meets again brings back the sum of both ways, each passed once."""
    return judge_program(program, engine.run(program)[1])


@law(arithmetic(3, 6), NEEDS)
def arithmetic_is_exact(engine: Engine, program: Program) -> str:
    """Programs of + - * on small whole numbers have exact gradients."""
    return judge_program(program, engine.run(program)[1])


@law(arithmetic(3, 5, "f g"), NEEDS)
def gradient_of_a_sum(engine: Engine, f: Program, g: Program) -> str:
    """The gradient of f + g is the gradient of f plus that of g."""
    have = engine.functions
    _, got = engine.slopes(lambda *xs: have["add"](f.run(have, xs), g.run(have, xs)), f.point)
    parts = zip(exact(f), exact(g, f.point), strict=True)
    return agree(f"{case_text(f=f, g=g)}f + g", got, [a + b for a, b in parts])


@law(arithmetic(2, 4, "f g"), NEEDS)
def product_rule(engine: Engine, f: Program, g: Program) -> str:
    """The gradient of f · g is g · ∇f + f · ∇g."""
    have = engine.functions
    _, got = engine.slopes(lambda *xs: have["mul"](f.run(have, xs), g.run(have, xs)), f.point)
    a, b = f(*f.point), g(*f.point)
    parts = zip(exact(f), exact(g, f.point), strict=True)
    return agree(f"{case_text(f=f, g=g)}f · g", got, [b * s + a * t for s, t in parts])


@law(arithmetic(2, 3, "f g"), NEEDS)
def chain_rule(engine: Engine, f: Program, g: Program) -> str:
    """The gradient of f(g(x), x) is ∂₁f · ∇g, and ∂₂f more for the x that f sees itself."""
    have = engine.functions
    _, got = engine.slopes(lambda *xs: f.run(have, (g.run(have, xs), xs[1])), g.point)
    by_inner, by_second = exact(f, (g(*g.point), g.point[1]))
    first, second = (by_inner * slope for slope in exact(g))
    return agree(f"{case_text(f=f, g=g)}f(g(x0, x1), x1)", got, [first, second + by_second])


@law(arithmetic(3, 4, "f g", v=st.tuples(WHOLE, WHOLE), w=st.tuples(WHOLE, WHOLE, WHOLE)), NEEDS)
def linearity_of_the_adjoint(
    engine: Engine, f: Program, g: Program, v: tuple[float, ...], w: tuple[float, ...]
) -> str:
    """⟨v, Jw⟩ = ⟨Jᵀv, w⟩: going back is the transpose of going forward."""
    have = engine.functions

    def weighted(*xs: Any) -> Any:
        a, b = have["mul"](f.run(have, xs), v[0]), have["mul"](g.run(have, xs), v[1])
        return have["add"](a, b)

    _, back = engine.slopes(weighted, f.point)
    ahead = [inner(exact(program, f.point), w) for program in (f, g)]
    return agree(f"{case_text(f=f, g=g, v=v, w=w)}⟨Jᵀv, w⟩", [inner(back, w)], [inner(v, ahead)])


def inner(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@law(lambda engine: [{"xs": st.lists(WHOLE, min_size=1, max_size=4)}], "total dot")
def reuse_in_lists(engine: Engine, xs: list[float]) -> str:
    """What a list names twice gets both shares."""
    total, dot = engine.functions["total"], engine.functions["dot"]
    _, got = engine.slopes(lambda *v: dot(total(*v, *v), *v, *v, *v[:1]), xs[:1])
    return agree(f"x0 = {xs[0]!r}: dot([total([x0, x0]), x0], [x0, x0])", got, [6 * xs[0]])


@law(arithmetic(2, 6), NEEDS)
def unused_inputs(engine: Engine, program: Program) -> str:
    """What the output does not depend on has the gradient 0."""

    def f(first: Any, second: Any, unused: Any) -> Any:
        return program.run(engine.functions, (first, second))

    _, got = engine.slopes(f, (*program.point, 5.0))
    return agree(f"{case_text(program=program)}by another input", got[2:], [0.0])


RESIDUES = st.tuples(*[st.integers(2, 10**18).map(Mod)] * 3)


@law(
    lambda engine: [
        {"program": programs(operators(engine), 3, 100, WHOLE, ()), "residues": RESIDUES}
    ],
    f"over {NEEDS}",
)
def exact_over_any_numbers(engine: Engine, program: Program, residues: tuple[Mod, ...]) -> str:
    """A sweep over whole numbers modulo 2^61 - 1, instead of floats, is exact."""
    got = [*map(residue, engine.over(program, residues))]
    expected = [*map(residue, sweep(program, residues, None)[1][-1])]
    if got != expected:
        raise Broken(f"{case_text(program=program)}{got}, expected {expected}")
    return "exact"


# ---- order two -----------------------------------------------------------------------------------


@law(arithmetic(2, 4), f"gradient {NEEDS}")
def symmetry(engine: Engine, program: Program) -> str:
    """Second derivatives are exact, and do not depend on the order in which they are taken."""

    def row(i: int) -> list[float]:
        def slope(*xs: Any) -> Any:
            return engine.gradient(lambda *zs: program.run(engine.functions, zs), list(xs))[i]

        return engine.slopes(slope, program.point)[1]

    (a, b), (c, d) = found = [row(0), row(1)]
    if b != c:
        raise Broken(f"{case_text(program=program)}the second derivatives are {found}")
    case = f"{case_text(program=program)}the second derivatives are"
    return agree(case, [a, b, c, d], second_slopes(program))


def second_slopes(program: Program) -> list[float]:
    """Return ∂²/∂xᵢ∂xⱼ of a program of + - *, row by row."""
    found = []
    for i in range(len(program.point)):
        point = [Dual(int(x), int(i == j)) for j, x in enumerate(program.point)]
        found += [float(slope.slope) for slope in sweep(program, point, None)[1][-1]]
    return found


@dataclass(frozen=True)
class Dual:
    """a + b·ε with ε² = 0: whatever is computed with it, b is the slope."""

    data: int
    slope: int = 0

    def __add__(self, other: Dual | int) -> Dual:
        other = dual(other)
        return Dual(self.data + other.data, self.slope + other.slope)

    def __mul__(self, other: Dual | int) -> Dual:
        other = dual(other)
        return Dual(self.data * other.data, self.slope * other.data + self.data * other.slope)

    def __sub__(self, other: Dual | int) -> Dual:
        return self + dual(other) * -1

    __radd__, __rmul__ = __add__, __mul__


def dual(number: Dual | float) -> Dual:
    return number if isinstance(number, Dual) else Dual(int(number))


@law(lambda engine: [{"x": WHOLE}], "gradient mul")
def nested_gradients(engine: Engine, x: float) -> str:
    """A gradient inside a function that is differentiated does not mix with the one outside."""
    multiply = engine.functions["mul"]

    def outer(a: Any) -> Any:
        (inside,) = engine.gradient(lambda b: multiply(a, b), [a])
        return multiply(a, inside)

    _, got = engine.slopes(outer, [x])
    return agree(f"d/da of a · d/db(a · b) at b = a = {x!r}", got, [2 * x])


# ---- engines that keep a graph -------------------------------------------------------------------


@law(arithmetic(2, 6), f"graph {NEEDS}")
def second_backward(engine: Engine, program: Program) -> str:
    """A second backward adds the gradient exactly once more, or is refused."""
    leaves = [engine.leaf(x) for x in program.point]
    output = program.run(engine.functions, leaves)
    engine.backward(output)
    if refused(lambda: engine.backward(output)):
        return REFUSED
    got, expected = [engine.grad(leaf) for leaf in leaves], [2 * g for g in exact(program)]
    return agree(f"{case_text(program=program)}after two backwards", got, expected)


@law(arithmetic(2, 3, "f g h"), f"graph {NEEDS}")
def two_losses(engine: Engine, f: Program, g: Program, h: Program) -> str:
    """Two outputs that share a node leave the sum of their gradients, or the second is refused."""
    have = engine.functions
    leaves = [engine.leaf(x) for x in f.point]
    shared = [f.run(have, leaves), leaves[1]]
    one, other = g.run(have, shared), h.run(have, shared)
    engine.backward(one)
    if refused(lambda: engine.backward(other)):
        return REFUSED
    at = (f(*f.point), f.point[1])
    by_shared, by_second = map(sum, zip(exact(g, at), exact(h, at), strict=True))
    first, second = (by_shared * slope for slope in exact(f))
    case = f"{case_text(f=f, g=g, h=h)}g(f, x1).backward(), h(f, x1).backward()"
    return agree(case, [engine.grad(leaf) for leaf in leaves], [first, second + by_second])


@law(arithmetic(2, 5, change=WHOLE), f"graph assign {NEEDS}")
def stale_data(engine: Engine, program: Program, change: float) -> str:
    """A leaf changed after the forward pass leaves its gradient as it was, or that is refused."""
    size = len(program.point) + len(program.lines)
    program = Program(program.point, (*program.lines, ("mul", size - 1, 0)))  # it needs x0
    leaves = [engine.leaf(x) for x in program.point]
    output = program.run(engine.functions, leaves)

    def changed_then_backward() -> None:
        engine.assign(leaves[0], change)
        engine.backward(output)

    if refused(changed_then_backward):
        return REFUSED
    if float(engine.data(leaves[0])) != change:
        raise Broken(f"the adapter's assign leaves x0 at {engine.data(leaves[0])!r}")
    case = f"{case_text(program=program)}x0 set to {change!r}, backward()"
    return agree(case, [engine.grad(leaf) for leaf in leaves], exact(program))


def refused(use: Callable[[], Any]) -> bool:
    """Return whether an engine raises, with whatever it has."""
    try:
        use()
    except Exception:
        return True
    return False


@law(needs="graph add mul")
def freed_memory(engine: Engine) -> str:
    """When the last name for an output goes, its graph goes, without waiting for the collector."""

    def once() -> None:
        y = x = engine.leaf(0.5)
        for _ in range(20):
            y = engine.functions["add"](engine.functions["mul"](y, x), x)
        engine.backward(y)

    once()
    gc.collect()
    with paused():
        before = len(gc.get_objects())
        for _ in range(50):
            once()
        held = len(gc.get_objects()) - before
    if held > 200:
        raise Broken(f"50 graphs of 40 operations, built and forgotten: {held} objects stay")
    return BY_ITSELF
