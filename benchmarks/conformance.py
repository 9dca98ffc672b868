"""The conformance suite at full length: every engine that is installed, random programs, flakes.

    python benchmarks/conformance.py --write docs/conformance.md     # law by law, engine by engine
    python benchmarks/conformance.py --programs 100000 [--peers torch jax]
    python benchmarks/conformance.py --flakes 200                    # our engine, with random seeds

Each engine runs in a process of its own. A random program counts as wrong if a slope is farther off
than the oracle proves possible: four times the radius of ball arithmetic at 53 bits.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from micrograd_es.errors import MissingExtra
from micrograd_es.files import write
from micrograd_es.testing.engines.adapters import ENGINES, engine_named
from micrograd_es.testing.laws import LAWS, hold
from micrograd_es.testing.laws.law import INCONCLUSIVE
from micrograd_es.testing.oracles.judgement import TEXTBOOK, judge
from micrograd_es.testing.programs import grow

SIGNS = {"kept": "✓", "broken": "✗", "blind": "?", "not applicable": "–"}
PROGRAMS_OF_SLOW = {"jax": 20}  # a program takes it 100 times as long: one in so many


def machine() -> str:
    cpu = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
         if line.startswith("model name")), platform.processor(),
    )  # fmt: skip
    return f"CPython {platform.python_version()}, {platform.system()}, {cpu}"


def in_a_process_of_its_own(*args: str) -> Any:
    """Return what this script prints as JSON with other arguments."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, __file__, *args], stdout=subprocess.PIPE, check=True, env=environment
    )
    return json.loads(done.stdout)


# ---- law by law ----------------------------------------------------------------------------------


def findings(name: str) -> dict[str, Any]:
    engine = engine_named(name)
    found = {one.law: [one.verdict, one.example, dict(one.rungs)] for one in hold(engine)}
    return {"engine": name, "version": engine.version, "laws": found}


def page(reports: list[dict[str, Any]]) -> str:
    """Return docs/conformance.md."""
    versions = ", ".join(f"{one['engine']} {one['version']}" for one in reports)
    lines = [
        "# Which engine keeps which law",
        "",
        (
            "Written by `python benchmarks/conformance.py --write docs/conformance.md`, on "
            f"{machine()}: {versions}."
        ),
        "✓ kept · ✗ broken, with the smallest case found below · – not applicable: the engine has",
        "no such thing, or our adapter does not offer it. A law that is broken is not always a",
        "bug: some are choices that the engine documents. Only what was run is shown.",
        "",
        f"| law | {' | '.join(one['engine'] for one in reports)} |",
        f"|---|{':-:|' * len(reports)}",
    ]
    for law in LAWS.values():
        signs = " | ".join(SIGNS[one["laws"][law.name][0]] for one in reports)
        lines.append(f"| **{law.name}**: {law.sentence} | {signs} |")
    lines += ["", "Judged by, in cases: " + "; ".join(map(rungs, reports)) + "."]
    for one in reports:
        broken = [(law, found[1]) for law, found in one["laws"].items() if found[0] != "kept"]
        told = [f"- **{law}** `{text}`" for law, text in broken if not text.startswith("it has no")]
        if told:
            lines += ["", f"## {one['engine']} {one['version']}", "", *told]
    return "\n".join(lines) + "\n"


def rungs(report: dict[str, Any]) -> str:
    counted: Counter[str] = Counter()
    for _, _, found in report["laws"].values():
        counted.update(found)
    unsure = counted.pop(INCONCLUSIVE, 0)
    told = [f"{count} by {rung}" for rung, count in counted.most_common()]
    return f"{report['engine']} {', '.join([*told, f'{unsure} inconclusive'])}"


# ---- random programs -----------------------------------------------------------------------------


def programs(name: str, count: int, seed: int) -> dict[str, Any]:
    """Return how many random programs an engine has right."""
    engine, rng = engine_named(name), random.Random(seed)
    functions = [f for f in TEXTBOOK if f in engine.functions]
    counted: Counter[str] = Counter()
    operations, first, spent = 0, "", 0.0
    for _ in range(count):
        program = grow(rng.choice, lambda: round(rng.uniform(-4, 4), 3), functions, most=16)
        start = time.thread_time()
        _, got = engine.run(program)
        spent += time.thread_time() - start
        found = judge(program, got)
        counted[f"{found.verdict} ({found.rung})"] += 1
        operations += len(program.lines)
        if found.verdict == "fail" and not first:
            first = f"{'; '.join(program.written())}: {got}, expected {found.slopes}"
    return {
        "engine": f"{name} {engine.version}", "programs": count, "operations": operations,
        "found": dict(counted), "first": first, "µs": 1e6 * spent / count,
    }  # fmt: skip


def flakes(count: int, first: int) -> dict[str, Any]:
    """Return how often our engine broke a law, or a law was blind, with seeds from first on."""
    engine, counted = engine_named("micrograd_es"), Counter()
    wrong: list[str] = []
    for seed in range(first, first + count):
        for found in hold(engine, rng=seed):
            counted[found.verdict] += 1
            if found.verdict != "kept":
                wrong.append(f"seed {seed}, {found.law}: {found.verdict} {found.example}")
    return {"seeds": count, "verdicts": dict(counted), "wrong": wrong}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", metavar="FILE", help="hold all engines to the laws")
    parser.add_argument("--programs", type=int, default=0, help="how many random programs")
    parser.add_argument("--flakes", type=int, default=0, help="how many random seeds")
    parser.add_argument("--peers", nargs="*", default=["torch", "jax"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--alone", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        what, name, *numbers = options.alone
        found = findings(name) if what == "laws" else programs(name, *map(int, numbers))
        print(json.dumps(found))
        return
    if options.write:
        names = [name for name in ENGINES if installed(name)]
        reports = [in_a_process_of_its_own("--alone", "laws", name) for name in names]
        write(options.write, page(reports).encode())
    if options.programs:
        for name in ["micrograd_es", *filter(installed, options.peers)]:
            count = options.programs // PROGRAMS_OF_SLOW.get(name, 1)
            alone = ("--alone", "programs", name, str(count), str(options.seed))
            print(json.dumps(in_a_process_of_its_own(*alone), ensure_ascii=False), flush=True)
    if options.flakes:
        print(json.dumps(flakes(options.flakes, options.seed), ensure_ascii=False))


def installed(name: str) -> bool:
    if name not in ENGINES:
        raise MissingExtra(f"peer {name!r}: expected one of {', '.join(ENGINES)}")
    package = {"tiny": "micrograd_es", "compiled": "numpy", "native": "llvmlite"}.get(name, name)
    return find_spec(package) is not None


if __name__ == "__main__":
    main()
