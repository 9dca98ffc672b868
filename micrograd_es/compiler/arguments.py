"""What a function that is compiled takes.

leaves_of(parameters)    the parameters that it captured, checked
input_names(f)           what its inputs are called, or TypeError if nobody says how many
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

from micrograd_es.coercion import describe
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value


def leaves_of(parameters: Sequence[Value]) -> list[Value]:
    """Return the parameters as a list.

    TypeError if one is no Value; ValueError if one is no leaf, or is listed twice.
    """
    leaves = list(parameters)
    for p in leaves:
        if type(p) is not Value:
            raise TypeError(f"parameter {describe(p)}: give Values, as net.parameters() does")
        if p.primitive is not None:
            raise ValueError(f"parameter {p!r} is computed from others: give leaves")
    if len({*leaves}) < len(leaves):
        raise ValueError("a parameter is listed twice: give each once")
    return leaves


def input_names(f: Callable[..., object], count: int | None = None) -> list[str]:
    """Return the names of the inputs that f takes, or of its first `count` arguments.

    An argument with a default is no input but a constant, unless `count` includes it. TypeError
    where f takes any number of inputs and no count is given, or takes one by keyword only.
    """
    if count is not None and (not hasattr(count, "__index__") or count < 0):
        raise ValueError(f"inputs={describe(count)}: give a whole number, how many inputs f takes")
    if isinstance(f, Primitive) and f.arity is not None:
        count = f.arity if count is None else count
    try:
        signature = [*inspect.signature(f).parameters.values()]
    except ValueError:  # a function written in C has no signature; one of numpy has `nin`
        signature = []
        count = getattr(f, "nin", None) if count is None else count
        if count is None:
            raise arity_error(f) from None
    positional = [p for p in signature if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if count is not None:
        names = [p.name for p in positional[:count]]
        return names if len(names) == count else [f"x{i}" for i in range(count)]
    for p in signature:
        if p.kind == p.VAR_POSITIONAL:
            raise arity_error(f)
        if p.kind == p.KEYWORD_ONLY and p.default is p.empty:
            raise TypeError(
                f"{describe(f)} takes {p.name} by name only, and inputs come by place: give it a "
                f"default, or functools.partial(f, {p.name}=…)"
            )
    return [p.name for p in positional if p.default is p.empty]


def arity_error(f: Callable[..., object]) -> TypeError:
    """Return the error of a function that does not say how many inputs it takes."""
    return TypeError(f"{describe(f)} takes any number of inputs: say how many, inputs=3")
