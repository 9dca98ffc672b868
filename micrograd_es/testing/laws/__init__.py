"""A conformance suite for any autodiff engine: what must hold, law by law.

    pytest --pyargs micrograd_es.testing.laws --micrograd-es-engine torch

The plugin says which laws and engines; without pytest, `hold(engine)` gives the findings.
Read law.py (what a law is), then graphs.py, machines.py and functions.py (the laws); test_laws.py
is what pytest collects.
"""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_es.testing.engines import Engine
from micrograd_es.testing.laws import functions, graphs, machines
from micrograd_es.testing.laws.law import Finding, Law

LAWS = {
    law.name: law
    for room in (graphs, machines, functions)
    for law in vars(room).values()
    if isinstance(law, Law)
}


def hold(engine: Engine, examples: int = 60, rng: int | None = None) -> Iterator[Finding]:
    """Yield what comes of holding an engine to every law."""
    for law in LAWS.values():
        yield law.check(engine, examples, rng)
