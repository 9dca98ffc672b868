"""What a function that is compiled takes: its inputs, and the parameters that it captured."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from micrograd_es.coercion import describe
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value


def leaves_of(parameters: Sequence[Value]) -> list[Value]:
    """Return the parameters; TypeError if one is no Value, ValueError if one is no leaf."""
    found = list(parameters)
    for p in found:
        if type(p) is not Value:
            raise TypeError(f"parameter {describe(p)}: give Values, as net.parameters() does")
        if p.primitive is not None:
            raise ValueError(f"parameter {p!r} is computed from others: give leaves")
    if len({*found}) < len(found):
        raise ValueError("a parameter is listed twice: give each once")
    return found


def inputs_of(f: Callable[..., object], count: int | None = None) -> list[str]:
    """Return the names of the inputs that f takes, or of as many as somebody counts.

    An argument with a default keeps it: it is a constant, unless it is counted.
    """
    if count is not None and (not hasattr(count, "__index__") or count < 0):
        raise ValueError(f"inputs={describe(count)}: give a whole number, how many inputs f takes")
    if isinstance(f, Primitive) and f.arity is not None:
        count = f.arity if count is None else count
    try:
        given = [*inspect.signature(f).parameters.values()]
    except ValueError:  # a function written in C does not say; one of numpy has `nin`
        given = []
        count = getattr(f, "nin", None) if count is None else count
        if count is None:
            raise any_number(f) from None
    places = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if count is not None:
        names = [p.name for p in places[:count]]
        return names if len(names) == count else [f"x{i}" for i in range(count)]
    for p in given:
        if p.kind == p.VAR_POSITIONAL:
            raise any_number(f)
        if p.kind == p.KEYWORD_ONLY and p.default is p.empty:
            raise TypeError(
                f"{describe(f)} takes {p.name} by name only, and inputs come by place: give it a "
                f"default, or functools.partial(f, {p.name}=…)"
            )
    return [p.name for p in places if p.default is p.empty]


def any_number(f: Callable[..., object]) -> TypeError:
    """Return the error of a function that does not say how many inputs it takes."""
    return TypeError(f"{describe(f)} takes any number of inputs: say how many, inputs=3")
