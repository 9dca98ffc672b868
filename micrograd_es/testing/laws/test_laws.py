"""One test for each law and engine that the plugin names."""

from __future__ import annotations

from collections.abc import Callable

from micrograd_es.testing.engines import Engine
from micrograd_es.testing.laws.law import Law

pytest_plugins = ["micrograd_es.testing.plugin"]  # which says how test_law is held


def test_law(law: Law, engine: Engine, micrograd_es_held: Callable[[Law, Engine], None]) -> None:
    micrograd_es_held(law, engine)
