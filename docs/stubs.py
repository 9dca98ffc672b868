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
from micrograd_es.primitives import PUBLIC
from micrograd_es.primitives import __all__ as functions

PACKAGE = Path(micrograd_es.__file__).parent
HEAD = """\
# What is hung on Value, for type checkers; written by docs/stubs.py from the rows of the table.
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import overload

from micrograd_es.primitive import Primitive
from micrograd_es.value import Value

Real = float | Fraction | Decimal
Number = Value | Real

class Operators:
"""
OTHERS = """\
    @overload
    def __round__(self, digits: None = None, /) -> int: ...
    @overload
    def __round__(self, digits: int, /) -> float: ...
    def __hash__(self) -> int: ...
    def clip(self, low: Number, high: Number, out: None = None) -> Value: ...
    def conjugate(self) -> Value: ...
"""


def front_door() -> str:
    """Return `__init__.pyi`: each import of `__init__.py` as type checkers take it for public."""
    source = (PACKAGE / "signatures.pyi").read_text(encoding="utf-8")
    closer = {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    lines, rows = ["# The names of __init__.py, for type checkers; written by docs/stubs.py."], []
    shapes = sorted({shape_of(row)[0] for row in PUBLIC.values()})
    lines += [f"from micrograd_es.declarations import {', '.join(shapes)}"]
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            names = functions if node.names[0].name == "*" else [name.name for name in node.names]
            for name in names:
                module = "micrograd_es.signatures" if name in closer else node.module
                if name in PUBLIC:
                    rows.append(f"{name}: {shape_of(PUBLIC[name])[0]}")
                else:
                    lines.append(f"from {module} import {name} as {name}")
    lines += [f"from micrograd_es.compiler import {name} as {name}" for name in micrograd_es.LATER]
    return "\n".join([*lines, "", *rows]) + "\n"


def declarations() -> str:
    """Return `declarations.pyi`: the operators, comparisons, conversions and methods of a Value."""
    lines = []
    for name in hung.OPERATORS:
        lines += [method(f"__{r}{name}__", "other: Number, /") for r in ("", "r")]
    lines += [method(f"__{name}__", "") for name in ("neg", "pos", "abs")]
    for name in hung.COMPARISONS:
        other = "object" if name in ("eq", "ne") else "Number"
        lines.append(method(f"__{name}__", f"other: {other}, /", "bool"))
    lines += [method(f"__{name}__", "", name) for name in hung.CONVERSIONS if name != "round"]
    rows = {**hung.METHODS, **hung.SPELLINGS}
    lines += [method(name, others(row)) for name, row in rows.items()]
    shapes = dict(map(shape_of, PUBLIC.values()))
    return HEAD + "".join(lines) + OTHERS + "".join(shapes[name] for name in sorted(shapes))


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


def shape_of(row: Primitive) -> tuple[str, str]:
    """Return the class of all rows that are called like this one: its name, its declaration.

    Real numbers give a float. A Value in any place gives a Value, and a list may hold none.
    """
    places = parameters_of(row)
    names = [place.name for place in places]
    calls = [(["Real"] * len(places), "float")]
    for given in names:
        calls += [(["Value" if name == given else "Number" for name in names], "Value")]
    if row.group == "list":
        calls.append((["Number"] * len(places), "Value | float"))
    title = "Of" + "".join(name.capitalize() for name in names)
    lines = [f"\nclass {title}(Primitive):"]
    for kinds, gives in calls:
        takes = [*map(declared, places, kinds), *(["/"] if row.gather is None else [])]
        overload = f"    def __call__(self, {', '.join(takes)}) -> {gives}: ..."
        lines += ["    @overload", overload]
    return title, "\n".join(lines) + "\n"


def parameters_of(row: Primitive) -> list[inspect.Parameter]:
    """Return what a row is called with: as its `gather` says, or plain numbers."""
    if row.gather is not None:
        return [*inspect.signature(row.gather).parameters.values()]
    names = ["x"] if row.arity == 1 else ["a", "b"]
    return [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]


def declared(place: inspect.Parameter, kind: str) -> str:
    """Return a parameter that takes numbers of a kind, or lists of them."""
    what = f"Iterable[{kind}]" if "Iterable" in str(place.annotation) else kind
    if place.default is place.empty or kind == "Value":  # what makes the answer a Value is given
        return f"{place.name}: {what}"
    return f"{place.name}: {what}{' | None' if place.default is None else ''} = {place.default}"


def main() -> None:
    (PACKAGE / "__init__.pyi").write_text(front_door(), encoding="utf-8")
    (PACKAGE / "declarations.pyi").write_text(declarations(), encoding="utf-8")


if __name__ == "__main__":
    main()
