"""What hangs on Value: operators, methods, comparisons and conversions, as numbers have them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from micrograd_es import primitives as table
from micrograd_es.arrays import SPELLINGS, array_ufunc
from micrograd_es.coercion import guard
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value

OPERATORS = {
    "add": table.add,
    "sub": table.sub,
    "mul": table.mul,
    "truediv": table.div,
    "mod": table.mod,
    "floordiv": table.floordiv,
    "pow": table.power,
}
METHODS = {
    name: row
    for name, row in table.PUBLIC.items()
    if row.arity is not None and row not in OPERATORS.values()
}
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
CONVERSIONS: dict[str, Callable[..., float]] = {
    "float": float,
    "int": int,
    "bool": bool,
    "round": round,
}


def reflected_operator(primitive: Primitive) -> Callable[[Value, Any], Any]:
    """Return the operator for a number on the left: 2 - v calls v.__rsub__(2)."""
    node = primitive.node
    return lambda self, other: node(other, self)


def method(primitive: Primitive) -> Callable[..., Value]:
    """Return a function as a method of its first argument."""
    if primitive.arity == 1:
        return primitive.node
    return lambda self, *others: primitive(self, *others)


def comparison(name: str) -> Callable[[Value, Any], Any]:
    """Return a comparison by value, so that == and sorted work as with numbers."""
    compare = getattr(operator, name)

    def method(self: Value, other: object) -> Any:
        if (watcher := guard()) is not None:
            answer = watcher.compare(name, self, other)
            if answer is not NotImplemented:
                return answer
        return compare(self._data, other._data if type(other) is Value else other)

    return method


def conversion(convert: Callable[..., float]) -> Callable[..., float]:
    """Return a conversion of the value's number, which leaves the graph."""

    def method(self: Value, *digits: int) -> float:
        if (watcher := guard()) is not None:
            watcher.read(self, f"asks for {convert.__name__}()")
        return convert(self._data, *digits)

    return method


def format_value(self: Value, spec: str) -> str:
    """Return f"{v:.3f}" as the number is format_value; plain f"{v}" is the repr, like str(v)."""
    if not spec:
        return repr(self)
    if (watcher := guard()) is not None:
        watcher.read(self, "formats the number")
    return format(self._data, spec)


def attach() -> None:
    """Hang the operators on Value; declarations.pyi tells type checkers the same names."""
    for name, primitive in OPERATORS.items():
        setattr(Value, f"__{name}__", primitive.node)
        setattr(Value, f"__r{name}__", reflected_operator(primitive))
    for name, row in {**METHODS, **SPELLINGS}.items():
        setattr(Value, name, method(row))
    for name in COMPARISONS:
        setattr(Value, f"__{name}__", comparison(name))
    for name, convert in CONVERSIONS.items():
        setattr(Value, f"__{name}__", conversion(convert))
    for name, function in {
        "neg": table.neg.node,
        "abs": table.abs.node,
        "pos": lambda self: self,
        "hash": object.__hash__,  # by identity: two leaves of 2.0 are two
        "format": format_value,
        "array_ufunc": array_ufunc,
    }.items():
        setattr(Value, f"__{name}__", function)
    others: dict[str, Callable[..., Value]] = {  # as np.clip and np.var call them
        "clip": lambda self, low, high, out=None: table.clip(self, low, high),
        "conjugate": table.identity.node,
    }
    for name, function in others.items():
        setattr(Value, name, function)


attach()
