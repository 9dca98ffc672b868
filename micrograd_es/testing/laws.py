"""A conformance suite for any autodiff engine: what must hold, law by law.

    pytest --pyargs micrograd_es.testing.laws --micrograd-es-engine torch

The plugin says which laws and engines; without pytest, `hold(engine)` gives the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from micrograd_es.testing import function_laws, graph_laws, machine_laws
from micrograd_es.testing.engines import Engine
from micrograd_es.testing.law import Finding, Law

pytest_plugins = ["micrograd_es.testing.plugin"]  # which says how test_law is held
LAWS = {
    law.name: law
    for room in (graph_laws, machine_laws, function_laws)
    for law in vars(room).values()
    if isinstance(law, Law)
}


def hold(engine: Engine, examples: int = 60, rng: int | None = None) -> Iterator[Finding]:
    """Yield what comes of holding an engine to every law."""
    for law in LAWS.values():
        yield law.check(engine, examples, rng)


def test_law(law: Law, engine: Engine, micrograd_es_held: Callable[[Law, Engine], None]) -> None:
    """One test for each law and engine that the plugin names."""
    micrograd_es_held(law, engine)
