"""How hypothesis learns to draw a Value: it calls `register` by itself, by an entry point."""

from __future__ import annotations

from typing import Any

from micrograd_es.value import Value


def register() -> None:
    """Have `st.from_type(Value)` draw values(); the strategies are imported when it first does."""
    from hypothesis import strategies

    strategies.register_type_strategy(Value, drawn)


def drawn(kind: type[Value]) -> Any:
    from micrograd_es.testing.strategies import values

    return values()
