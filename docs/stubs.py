"""Writes what type checkers read, `__init__.pyi` and `declarations.pyi`, from the rows.

python docs/tables.py    calls this too
"""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import micrograd_es
from micrograd_es import operators as hung
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import __all__ as functions

PACKAGE = Path(micrograd_es.__file__).parent
HEAD = """\
# What is hung on Value, for type checkers; written by docs/stubs.py from the rows of the table.
from decimal import Decimal
from fractions import Fraction

from micrograd_es.value import Value

Number = Value | float | Fraction | Decimal

class Operators:
"""
CONVERSIONS = {"round": "digits: int = 0, /", "float": "", "int": "", "bool": ""}
OTHERS = """\
    def clip(self, low: Number, high: Number, out: None = None) -> Value: ...
    def conjugate(self) -> Value: ...
"""


def front_door() -> str:
    """Return `__init__.pyi`: each import of `__init__.py` as type checkers take it for public."""
    lines = ["# The names of __init__.py, for type checkers; written by docs/stubs.py."]
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names = functions if node.names[0].name == "*" else [name.name for name in node.names]
            lines += [f"from {node.module} import {name} as {name}" for name in names]
    lines += [f"from micrograd_es.compiler import {name} as {name}" for name in micrograd_es.LATER]
    return "\n".join(lines) + "\n"


def declarations() -> str:
    """Return `declarations.pyi`: the operators, comparisons, conversions and methods of a Value."""
    lines = []
    for name in hung.OPERATORS:
        lines += [method(f"__{r}{name}__", "other: Number, /") for r in ("", "r")]
    lines += [method(f"__{name}__", "") for name in ("neg", "pos", "abs")]
    compared = [name for name in hung.COMPARISONS if name not in ("eq", "ne")]  # object's own
    lines += [method(f"__{name}__", "other: Number, /", "bool") for name in compared]
    for name in hung.CONVERSIONS:
        made = "float" if name == "round" else name
        lines.append(method(f"__{name}__", CONVERSIONS[name], made))
    rows = {**hung.METHODS, **hung.SPELLINGS}
    lines += [method(name, others(row)) for name, row in rows.items()]
    return HEAD + "".join(lines) + OTHERS


def method(name: str, takes: str, gives: str = "Value") -> str:
    return f"    def {name}({', '.join(filter(None, ('self', takes)))}) -> {gives}: ...\n"


def others(row: Primitive) -> str:
    """Return what a row takes beside its first argument."""
    if row.arity == 1:
        return ""
    if row.gather is None:
        return "other: Number, /"
    _, *given = inspect.signature(row.gather).parameters.values()
    return ", ".join([*(f"{p.name}: Number = {p.default}" for p in given), "/"])


def main() -> None:
    (PACKAGE / "__init__.pyi").write_text(front_door(), encoding="utf-8")
    (PACKAGE / "declarations.pyi").write_text(declarations(), encoding="utf-8")


if __name__ == "__main__":
    main()
