"""Values written as numbers are written: operators, methods, comparisons and conversions.

No calculus.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from micrograd_es import primitives as table
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value

OPERATORS = {
    "add": table.add,
    "sub": table.sub,
    "mul": table.mul,
    "truediv": table.div,
    "pow": table.power,
}
UNARY = (
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "abs",
    "sign",
    "step",
    "detach",
)
BINARY = ("maximum", "minimum")
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
CONVERSIONS: dict[str, Callable[..., Any]] = {
    "float": float,
    "int": int,
    "bool": bool,
    "round": round,
}


def reflected(primitive: Primitive) -> Callable[[Value, Any], Any]:
    """Return the operator for a number on the left: 2 - v calls v.__rsub__(2)."""
    node = primitive.node
    return lambda self, other: node(other, self)


def method(primitive: Primitive) -> Callable[[Value, Any], Any]:
    """Return a function of two arguments as a method of the first."""
    return lambda self, other: primitive(self, other)


def comparison(name: str) -> Callable[[Value, Any], Any]:
    """Return a comparison by value, so that == and sorted work as with numbers."""
    compare = getattr(operator, name)
    return lambda self, other: compare(self._data, other._data if type(other) is Value else other)


def conversion(convert: Callable[..., Any]) -> Callable[..., Any]:
    """Return a conversion of the value's number, which leaves the graph."""
    return lambda self, *digits: convert(self._data, *digits)


def formatted(self: Value, spec: str) -> str:
    """Return f"{v:.3f}" as the number is formatted; plain f"{v}" is the repr, like str(v)."""
    return format(self._data, spec) if spec else repr(self)


def attach() -> None:
    """Hang the notation on Value; value.py declares the same names for type checkers."""
    for name, primitive in OPERATORS.items():
        setattr(Value, f"__{name}__", primitive.node)
        setattr(Value, f"__r{name}__", reflected(primitive))
    for name in UNARY:
        setattr(Value, name, getattr(table, name).node)
    for name in BINARY:
        setattr(Value, name, method(getattr(table, name)))
    for name in COMPARISONS:
        setattr(Value, f"__{name}__", comparison(name))
    for name, convert in CONVERSIONS.items():
        setattr(Value, f"__{name}__", conversion(convert))
    Value.__neg__ = table.neg.node  # type: ignore[method-assign]  # declared for type checkers, hung here
    Value.__abs__ = table.abs.node  # type: ignore[method-assign]
    Value.__pos__ = lambda self: self  # type: ignore[method-assign]
    Value.__hash__ = object.__hash__  # type: ignore[method-assign]  # by identity: two leaves of 2.0 are two
    Value.__format__ = formatted  # type: ignore[assignment,method-assign]


attach()
