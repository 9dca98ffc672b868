"""How time and memory grow with the graph, from 10² to 10⁶ operations, compiled and not.

    pip install -e ".[llvm,plot]" && python benchmarks/scaling.py [--most 6] [--write docs]

chain    x ← x·w + b, again and again: as deep as it is long
network  a small network's loss over a batch, as one graph: as wide as it is long

An operation is one that the user writes, forward and backward. Each figure comes from a process of
its own, on the thread's own time, the garbage collector paused; memory from another one, by
tracemalloc: what is alive while the graph, or the program and what it works in, is. --write makes
docs/scaling.md with its pictures.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

if hasattr(os, "sched_setaffinity"):  # one core, before a peer counts them
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from benchmarks.conformance import machine  # after the number of threads is said
from micrograd_es import Value, compile, nn  # the same
from micrograd_es.files import write  # the same

ENGINES = ("eager", "numpy", "llvm")
A_SAMPLE = 67  # operations: the network 2-4-4-1, its error, and the sum
TOO_DEEP = 10**5  # for numpy: a call for each level


def chain(size: int) -> tuple[Callable[[], Value], list[Value]]:
    w, b, x = Value(0.999), Value(0.001), Value(1.0)

    def f() -> Value:
        y = x
        for _ in range(size // 2):
            y = y * w + b
        return y

    return f, [w, b, x]


def network(size: int) -> tuple[Callable[[], Value], list[Value]]:
    made = nn.MLP(2, [4, 4, 1], activation="relu", rng=random.Random(0))
    rng = random.Random(1)
    samples = [[rng.gauss(0, 1) for _ in range(3)] for _ in range(round(size / A_SAMPLE))]

    def f() -> Value:
        return sum(((made([a, b]) - y) ** 2 for a, b, y in samples), Value(0.0))

    return f, made.parameters()


SHAPES = {"chain": chain, "network": network}


def prepared(shape: str, engine: str, size: int) -> Callable[[], Any]:
    """Return a step: the value and the slopes; and what must stay alive meanwhile."""
    f, parameters = SHAPES[shape](size)
    if engine != "eager":
        program = compile(f, parameters, backend=engine)
        program.value_and_grad()
        return program.value_and_grad

    def step() -> Value:
        for parameter in parameters:
            parameter.grad = 0.0
        output = f()
        output.backward()
        return output

    return step


def seconds(shape: str, engine: str, size: int) -> dict[str, float]:
    gc.disable()
    prepared(shape, engine, 100)  # what is loaded and compiled once for all
    start = time.thread_time()
    step = prepared(shape, engine, size)
    ready = time.thread_time() - start
    found = []
    for _ in range(5):
        start, count = time.thread_time(), 0
        while not count or time.thread_time() - start < 0.1:
            step()
            count += 1
        found.append((time.thread_time() - start) / count)
    return {"ns": 1e9 * sorted(found)[2] / size, "µs to compile": 1e6 * ready / size}


def memory(shape: str, engine: str, size: int) -> dict[str, float]:
    prepared(shape, engine, 100)
    gc.collect()
    tracemalloc.start()
    step = prepared(shape, engine, size)
    alive = step()
    gc.collect()
    now, peak = tracemalloc.get_traced_memory()
    del alive
    return {"bytes": now / size, "peak": peak / size}


def in_a_process_of_its_own(what: str, shape: str, engine: str, size: int) -> dict[str, float]:
    alone = [sys.executable, __file__, "--alone", what, shape, engine, str(size)]
    done = subprocess.run(alone, stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


# ---- the page ------------------------------------------------------------------------------------

WORDS = {
    "en": {
        "chain": "a chain", "network": "a network over a batch", "eager": "not compiled",
        "x": "operations", "y": "ns an operation",
    },
    "es": {
        "chain": "una cadena", "network": "una red sobre un lote", "eager": "sin compilar",
        "x": "operaciones", "y": "ns por operación",
    },
}  # fmt: skip
INTRODUCTION = """\
# Growth · Crecimiento

How a step (value and all slopes) grows with the graph. ns and bytes are for one operation that the
user writes, forward and backward; µs is what compiling takes, once, for each of them. A chain is as
deep as it is long, so that numpy has nothing to put together: it takes a call for each level, and
is left out beyond 10⁵. Up to 2 000 operations llvm compiles such a program, beyond it is
interpreted. Bytes are what stays alive: the graph; or the program with its code and its memory.

Cómo crece un paso (valor y todas las pendientes) con el grafo. ns y bytes son por operación escrita
por el usuario, hacia delante y hacia atrás; µs es lo que tarda en compilarse, una sola vez, cada
una de ellas. Una cadena es tan profunda como larga y numpy no tiene nada que juntar: hace una
llamada por nivel, y no se mide más allá de 10⁵. Hasta 2 000 operaciones llvm compila un programa
así; los más largos se interpretan. Bytes es lo que queda en memoria: el grafo, o el programa con su
código y su memoria.

![Time an operation by size](scaling.en.svg)
![Tiempo por operación según el tamaño](scaling.es.svg)

Written by `python benchmarks/scaling.py --write docs`, on {machine}.
"""


def page(found: dict[str, Any]) -> str:
    parts = [INTRODUCTION.format(machine=machine())]
    for shape, by_size in found.items():
        parts += [
            f"\n## {WORDS['en'][shape]} · {WORDS['es'][shape]}\n",
            (
                "| operations | not compiled: ns | bytes | numpy: ns | µs | bytes "
                "| llvm: ns | µs | bytes |"
            ),
            "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for size, engines in by_size.items():
            cells = [f"{int(size):,}".replace(",", " ")]
            for engine in ENGINES:
                one = engines.get(engine)
                names = ("ns", "bytes") if engine == "eager" else ("ns", "µs to compile", "bytes")
                cells += [rounded(one[name]) if one else "" for name in names]
            parts.append(f"| {' | '.join(cells)} |")
    return "\n".join([*parts, ""])


def rounded(x: float) -> str:
    return f"{x:.0f}" if x >= 100 else f"{x:.2g}"


def picture(found: dict[str, Any], code: str, path: Path) -> None:
    """Draw the time of an operation by size, a panel for each shape."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "scaling"
    from matplotlib import pyplot

    words = WORDS[code]
    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
    colours = {"eager": "#0072B2", "numpy": "#009E73", "llvm": "#D55E00"}
    for panel, (shape, by_size) in zip(panels, found.items(), strict=True):
        for engine, mark in zip(ENGINES, "os^", strict=True):
            points = [(int(n), one[engine]["ns"]) for n, one in by_size.items() if engine in one]
            label = words.get(engine, engine)
            panel.loglog(*zip(*points, strict=True), marker=mark, color=colours[engine])
            above = engine != "eager"  # its line may meet numpy's
            panel.annotate(
                label, points[-1], xytext=(0, 8 if above else -16), textcoords="offset points",
                ha="right",
                color=colours[engine], fontweight="bold",
            )  # fmt: skip
        panel.set(title=words[shape], xlabel=words["x"])
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel(words["y"])
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--most", type=int, default=6, help="the largest power of ten")
    parser.add_argument("--write", type=Path, help="the folder of the page and its pictures")
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        what, shape, engine, size = options.alone
        function = {"seconds": seconds, "memory": memory}[what]
        print(json.dumps(function(shape, engine, int(size))))
        return
    found: dict[str, Any] = {shape: {} for shape in SHAPES}
    for shape in SHAPES:
        for size in (10**power for power in range(2, options.most + 1)):
            one = found[shape][str(size)] = {}
            for engine in ENGINES:
                if (shape, engine) == ("chain", "numpy") and size > TOO_DEEP:
                    continue
                one[engine] = {}
                for what in ("seconds", "memory"):
                    one[engine] |= in_a_process_of_its_own(what, shape, engine, size)
                told = ", ".join(f"{name} {x:.3g}" for name, x in one[engine].items())
                print(f"{shape:<8} {size:>8} {engine:<6} {told}", flush=True)
    if options.write:
        write(options.write / "scaling.md", page(found).encode())
        for code in WORDS:
            picture(found, code, options.write / f"scaling.{code}.svg")


if __name__ == "__main__":
    main()
