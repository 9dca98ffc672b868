"""Lists, tuples, dicts and arrays as points: their numbers, and others in their places.

flatten(thing)          its numbers, and the function that puts others in their place
numbers_like(point, thing)  the numbers of a thing of the same structure
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import Any

from micrograd_es.coercion import as_float
from micrograd_es.value import Value

Number = Value | float
Rebuild = Callable[[Iterator[Number]], Any]


def flatten(thing: Any) -> tuple[list[Number], Rebuild]:
    """Return the numbers and Values in a structure, and the function that puts others in their
    place. TypeError for what is neither a number nor a list, tuple, dict or array of them;
    ValueError for a structure that contains itself.
    """
    try:
        return parts_of(thing)
    except RecursionError:
        kind = type(thing).__name__
        raise ValueError(f"a {kind} that contains itself, or is nested too deeply") from None


def parts_of(thing: Any) -> tuple[list[Number], Rebuild]:
    if type(thing) is Value:
        return [thing], next
    if isinstance(thing, Mapping):
        numbers, rebuild = parts_of(list(thing.values()))
        return numbers, lambda new: refill(thing, rebuild(new))
    if isinstance(thing, list | tuple):
        parts = [parts_of(part) for part in thing]
        kind = getattr(type(thing), "_make", type(thing))  # of a namedtuple
        return (
            [number for numbers, _ in parts for number in numbers],
            lambda new: kind([rebuild(new) for _, rebuild in parts]),
        )
    if hasattr(thing, "__array__") and getattr(thing, "shape", None):
        numbers, rebuild = parts_of(thing.ravel().tolist())
        return numbers, lambda new: reshape(rebuild(new), thing.shape)
    return [as_float(thing)], next


def refill(mapping: Mapping[object, object], values: list[object]) -> Any:
    """Return a mapping of the same type and keys with other values."""
    result: Any = copy(mapping) if hasattr(mapping, "update") else {}
    for key, value in zip(mapping, values, strict=True):
        result[key] = value
    return result


def numbers_like(point: Any, thing: Any) -> list[Number] | None:
    """Return the numbers of thing in the order of the point's; None if it is of another form."""
    if isinstance(point, Mapping):
        if not isinstance(thing, Mapping) or point.keys() != thing.keys():
            return None
        return numbers_like([*point.values()], [thing[key] for key in point])
    if isinstance(point, list | tuple):
        if not isinstance(thing, list | tuple) or len(point) != len(thing):
            return None
        parts = [numbers_like(p, t) for p, t in zip(point, thing, strict=True)]
        return None if None in parts else [x for part in parts for x in part or ()]
    numbers, _ = flatten(thing)
    same = getattr(point, "shape", ()) == getattr(thing, "shape", ())
    return numbers if same and not isinstance(thing, Mapping | list | tuple) else None


def reshape(items: list[object], shape: tuple[int, ...]) -> Any:
    """Return items as an array: of floats if they are floats, else of Values."""
    import numpy

    array = numpy.array(items)
    return array.reshape(shape + array.shape[1:])
