"""The doors by which others come in: the shell, pytest and hypothesis; each opens when it is used.

They stand beside the package, because to import a module of the package is to import the package:
every `import hypothesis` and every run of pytest in any project would pay for it, and coverage
would not see its lines.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing is not imported for its sake: until main() runs, Ctrl-C is Python's
if TYPE_CHECKING:
    from typing import Any

    import pytest


def main() -> int:
    """Run the command line; Ctrl-C shows no traceback, nor does it while all of it is imported."""
    try:
        import signal

        usual = signal.signal(signal.SIGINT, lambda *_: os._exit(130))  # none can be swallowed
        from micrograd_es.cli.commands import main as run

        signal.signal(signal.SIGINT, usual)
        return run()
    except KeyboardInterrupt:
        return 130


def register() -> None:
    """Have hypothesis draw a Value for `st.from_type(Value)`, if both are there already.

    hypothesis calls it when it is imported, and micrograd_es when it is: the second one succeeds.
    """
    value = sys.modules.get("micrograd_es.value")
    if value is not None:
        from hypothesis import strategies

        strategies.register_type_strategy(value.Value, values)


def values(_: type) -> Any:
    from micrograd_es.testing import strategies

    return strategies.values()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("micrograd-es", "laws of automatic differentiation")

    def option(name: str, **options: Any) -> None:
        group.addoption(f"--micrograd-es-{name}", **options)

    told = "hold this engine to the laws: torch, jax, … or your own, module:name"
    option("engine", action="append", default=[], metavar="NAME", help=told)
    option("examples", type=int, default=60, metavar="N", help="how many cases of a law are drawn")
    option("seed", type=int, metavar="N", help="draw other cases than those of every run")
    option("json", metavar="FILE", help="write what was found, law by law")
    option("mutant", metavar="NAME", help="run the tests with this bug in micrograd_es")
    told = "after the tests, run them under each bug, and tell which are not noticed"
    option("mutants", action="store_true", help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Let the plugin in if one of its options is given; the laws let it in by themselves."""
    options = ("engine", "json", "mutant", "mutants")
    if any(config.getoption(f"--micrograd-es-{name}") for name in options):
        config.pluginmanager.import_plugin("micrograd_es.testing.plugin")
