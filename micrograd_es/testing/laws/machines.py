"""Laws of the machine: the same bits every time, at any depth, in any thread."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from micrograd_es.testing.engines.adapters import Engine
from micrograd_es.testing.laws.graphs import NEEDS, exact, operators
from micrograd_es.testing.laws.law import BY_ITSELF, Broken, agree, law
from micrograd_es.testing.programs import Line, Program

DEPTH = 100_000
THREADS = 4


@law(lambda engine: [{"xs": st.tuples(*[st.floats(0.1, 3.0)] * 3)}], "add mul")
def determinism(engine: Engine, xs: tuple[float, ...]) -> str:
    """The same program gives the same bits, every time."""
    add, multiply = engine.functions["add"], engine.functions["mul"]

    def f(*xs: Any) -> Any:
        total = xs[0]
        for i in range(1, 5):
            for a in xs:
                for b in xs:
                    total = add(total, multiply(multiply(a, 0.1 * i), b))
        return total

    first, kept = engine.slopes(f, xs), []
    for i in range(4):
        kept.append([object() for _ in range(37 * i)])  # so that nodes get other addresses
        y, got = engine.slopes(f, xs)
        agree(f"x = {xs}, 36 products added up, again", [y, *got], [first[0], *first[1]])
    return BY_ITSELF


@law(needs="add")
def depth(engine: Engine) -> str:
    """A chain of 100 000 operations is built, goes back, and is freed."""

    def chain(x: Any) -> Any:
        y = x
        for _ in range(DEPTH):
            y = engine.functions["add"](y, x)
        return y

    _, got = engine.slopes(chain, [1.0])
    return agree(f"x + x + … of {DEPTH} additions", got, [DEPTH + 1.0])


@law(needs=NEEDS)
def threads(engine: Engine) -> str:
    """Graphs of their own, in threads of their own, never mix."""
    tasks = [walk(random.Random(i), operators(engine), 300) for i in range(THREADS)]
    expected = [exact(task) for task in tasks]

    def work(i: int) -> None:
        for _ in range(10):
            agree("4 threads, 300 operations each", engine.run(tasks[i])[1], expected[i])

    return together(work, 4)


@law(needs="gradient mul")
def nested_gradients_in_threads(engine: Engine) -> str:
    """Gradients inside gradients, in threads of their own, never mix."""
    multiply = engine.functions["mul"]

    def outer(a: Any) -> Any:
        (inside,) = engine.gradient(lambda b: multiply(multiply(a, b), b), [1.0])
        return multiply(a, inside)

    def work(i: int) -> None:
        x = i + 1.0
        for _ in range(25):
            case = f"4 threads, d/da of a · d/db(a · b²), a = {x!r}, b = 1.0"
            agree(case, engine.slopes(outer, [x])[1], [4 * x])

    return together(work, 12)


def together(work: Callable[[int], None], rounds: int) -> str:
    """Run work(0), work(1), … at once in each round, in threads that take turns all the time."""
    start, wrong = threading.Barrier(THREADS), []

    def run(i: int) -> None:
        try:
            for _ in range(rounds):
                start.wait()
                work(i)
        except threading.BrokenBarrierError:
            return  # another one has found it
        except Broken as found:
            wrong.append(str(found))
        except Exception as error:
            wrong.append(f"in {THREADS} threads it raises {type(error).__name__}: {error}")
        start.abort()  # lest the others wait for this one

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [threading.Thread(target=run, args=(i,)) for i in range(THREADS)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    if wrong:
        raise Broken(wrong[0])
    return "exact"


def walk(rng: random.Random, names: Sequence[str], length: int) -> Program:
    """Return a long program of +, - and * by ±1, whose numbers stay small."""
    lines: list[Line] = []
    for i in range(length):
        name = rng.choice(names)
        other = rng.choice((1.0, -1.0)) if name == "mul" else rng.randrange(3)
        lines.append((name, 2 + i if i else 0, other))
    return Program((1.0, 2.0, 3.0), tuple(lines))
