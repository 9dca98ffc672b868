"""The pytest plugin: the laws as tests of any engine, and what your own tests are worth.

pytest imports it once one of its options is given, which stand in micrograd_es_doors.py; what an
option needs is imported where it is used.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict
from tempfile import TemporaryDirectory
from typing import Any

import pytest

PROPERTY = "micrograd_es"  # of a report: the finding
SURVIVORS = pytest.StashKey[list[str] | None]()
UNDER_A_BUG = "MICROGRAD_ES_UNDER_A_BUG"  # set in the processes that run the tests under one
PATIENCE = 600  # seconds: a bug that makes tests hang was noticed


def pytest_configure(config: pytest.Config) -> None:
    from micrograd_es.errors import MicrogradError

    try:
        for name in config.getoption("--micrograd-es-engine"):
            from micrograd_es.testing.engines.adapters import engine_named

            engine_named(name)
        if (name := config.getoption("--micrograd-es-mutant")) is not None:
            from micrograd_es.testing.mutants import find_mutant

            stack = ExitStack()
            stack.enter_context(find_mutant(name).applied())
            config.add_cleanup(stack.close)
    except MicrogradError as error:
        raise pytest.UsageError(str(error)) from error


# ---- the laws as tests ---------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of test_law in laws/test_laws.py for each law and engine."""
    if metafunc.module.__name__ != "micrograd_es.testing.laws.test_laws":
        return
    from micrograd_es.testing.engines import engine_named
    from micrograd_es.testing.laws import LAWS

    names = metafunc.config.getoption("--micrograd-es-engine") or ["micrograd_es"]
    cases = [
        pytest.param(law, engine_named(name), id=f"{name}-{law.name}")
        for name in names
        for law in LAWS.values()
    ]
    metafunc.parametrize(("law", "engine"), cases)


@pytest.fixture
def micrograd_es_held(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[[Any, Any], None]:
    """How test_law holds an engine to a law."""
    examples, seed = (request.config.getoption(f"--micrograd-es-{x}") for x in ("examples", "seed"))

    def held(law: Any, engine: Any) -> None:
        found = law.check(engine, examples, seed)
        record_property(PROPERTY, {**asdict(found), "version": engine.version})
        if found.verdict == "not applicable":
            pytest.skip(f"{engine.name}: {found.example}")
        if found.verdict != "kept":
            pytest.fail(f"{law.sentence}\n{found.verdict}: {found.example}", pytrace=False)

    return held


def findings(reporter: Any) -> Iterator[dict[str, Any]]:
    """Yield what was found, from the reports of the tests; so it also works with pytest-xdist."""
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (found for name, found in report.user_properties if name == PROPERTY)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    by_engine = defaultdict(list)
    for one in findings(terminalreporter):
        by_engine[f"{one['engine']} {one['version']}".strip()].append(one)
    for engine, all_found in by_engine.items():
        terminalreporter.section(f"laws: {engine}")
        for one in sorted(all_found, key=lambda one: (one["verdict"], one["law"])):
            terminalreporter.write_line(line_of(one))
        counted = Counter(one["verdict"] for one in all_found)
        counts = ", ".join(f"{count} {verdict}" for verdict, count in counted.most_common())
        terminalreporter.write_line(f"{engine}: {counts}")
    if config.getoption("--micrograd-es-engine") and not by_engine:
        terminalreporter.section("laws")
        terminalreporter.write_line("none was run: add --pyargs micrograd_es.testing.laws")
    if path := config.getoption("--micrograd-es-json"):
        from micrograd_es.files import write

        listed = [one for all_found in by_engine.values() for one in all_found]
        write(path, json.dumps(listed, ensure_ascii=False, indent=2).encode())
    if SURVIVORS in config.stash:
        report_survivors(terminalreporter, config.stash[SURVIVORS])


def line_of(found: dict[str, Any]) -> str:
    """Return a finding as a line: its law, its verdict, the rungs that judged or the example."""
    by = {rung: f"{count} by {rung}" for rung, count in found["rungs"].items()}
    if "inconclusive" in by:
        by["inconclusive"] = f"{found['rungs']['inconclusive']} inconclusive"
    rungs = ", ".join(by.values())
    return f"{found['verdict']:<15}{found['law']:<29}{found['example'] or rungs}"


# ---- what your tests are worth -------------------------------------------------------------------


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Run the same tests under each bug, if asked to and if they pass without."""
    config = session.config
    worker = hasattr(config, "workerinput") or UNDER_A_BUG in os.environ
    if worker or not config.getoption("--micrograd-es-mutants"):
        return
    config.stash[SURVIVORS] = None
    if exitstatus != 0:
        return  # tests that fail by themselves notice nothing
    from micrograd_es.testing.mutants import MUTANTS

    args = [arg for arg in config.invocation_params.args if arg != "--micrograd-es-mutants"]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        noticed = pool.map(lambda name: fails(args, name), MUTANTS)
        survived = [name for name, seen in zip(MUTANTS, noticed, strict=True) if not seen]
    config.stash[SURVIVORS] = survived
    if survived:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def fails(args: list[str], name: str) -> bool:
    """Return whether pytest with these arguments fails under a bug, in a process of its own."""
    with TemporaryDirectory() as cache:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-o", f"cache_dir={cache}"]
        command += [*args, f"--micrograd-es-mutant={name}"]
        environment = {**os.environ, UNDER_A_BUG: name}
        try:
            done = subprocess.run(  # noqa: S603  # pytest itself, with the arguments of its caller
                command, capture_output=True, timeout=PATIENCE, check=False, env=environment
            )
        except subprocess.TimeoutExpired:
            return True
    if done.returncode not in (0, 1, 2):  # 2: it could not even be collected
        raise RuntimeError(f"under {name}: {(done.stderr or done.stdout).decode()}")
    return done.returncode != 0


def report_survivors(reporter: Any, survived: list[str] | None) -> None:
    from micrograd_es.testing.mutants import MUTANTS

    reporter.section("bugs put into micrograd_es")
    if survived is None:
        reporter.write_line("not run: tests that do not pass without a bug notice nothing")
        return
    for name in survived:
        reporter.write_line(f"not noticed  {name:<22}{MUTANTS[name].sentence}")
    count = len(MUTANTS) - len(survived)
    reporter.write_line(f"{count} of {len(MUTANTS)} bugs noticed: {count / len(MUTANTS):.0%}")
