"""How numbers enter the graph, and the guard that may refuse to let them out.

as_float(number)            a real number as a float: the one way into the graph
guard()                     the guard in force, or None: then every Value answers as a number
run_under(guard, f, *args)  f(*args) under a guard: a function is traced so, and a rule checked
describe(thing)             what an error message calls a thing
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from contextvars import ContextVar, copy_context
from decimal import Decimal
from numbers import Real
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Guard(Protocol):
    """What a Value asks before it answers as a number, or is changed.

    lenient   whether an operation on Values that is undefined gives NaN or infinity, not an error
    read      raises if the number of a Value may not be read; `what` says how it was asked for
    write     raises if the data or the gradient of a Value may not be changed
    compare   returns what `a < b` gives; NotImplemented to compare the numbers
    preview   returns the text of a Value whose number may not be read; None if it may
    share     takes note of a product grad · partial, of which a gradient is made
    """

    lenient: bool

    def read(self, node: Any, what: str) -> None: ...

    def write(self, node: Any, what: str) -> None: ...

    def compare(self, name: str, node: Any, other: object) -> Any: ...

    def preview(self, node: Any) -> str | None: ...

    def share(self, node: Any) -> None: ...


class Undecided:
    """A comparison that is neither true nor false yet: `where` chooses by it."""

    __slots__ = ()

    def choose(self, then: object, otherwise: object) -> Any: ...

    def refuse(self, what: str) -> Any: ...


GUARD: ContextVar[Guard | None] = ContextVar("GUARD", default=None)
guard = GUARD.get


def run_under(watcher: Guard, function: Callable[..., T], *args: object) -> T:
    """Return function(*args), with the guard in force in all that it runs.

    The guard is set in a copy of the context: other threads never meet it, and nothing has to be
    reset, whatever interrupts the function.
    """

    def run() -> T:
        GUARD.set(watcher)
        return function(*args)

    return copy_context().run(run)


def as_float(number: object) -> float:
    """Return a real number as a Python float: the one way for numbers into the graph.

    int, float, bool, Fraction, Decimal and numpy's real scalars pass; TypeError for all else,
    OverflowError for a number beyond the largest float.
    """
    if type(number) is float:
        return number
    try:
        result = float(number if type(number) is int else real_number(number))
    except OverflowError:
        result = math.inf
    if math.isinf(result) and number not in (math.inf, -math.inf):
        raise OverflowError(
            f"{describe(number)} is too large for a float: the largest is about 1.8e308"
        )
    return result


def real_number(number: object) -> Any:
    """Return a real number as it is; TypeError for all else."""
    if isinstance(number, Undecided):
        number.refuse("a comparison taken for a number")
    numpy = sys.modules.get("numpy")  # if it was never imported, number is not numpy's
    if not isinstance(number, Real | Decimal) and not (numpy and isinstance(number, numpy.bool_)):
        raise TypeError(f"{describe(number)} is not a real number: {way_out(number)}")
    if numpy and isinstance(number, numpy.timedelta64):  # to numpy it is an integer
        raise TypeError(
            f"{describe(number)} is a duration: divide it by the unit that you count in"
        )
    return number


def describe(thing: object) -> str:
    """Return what thing is, short enough for an error message."""
    if isinstance(thing, int) and thing.bit_length() > 64:
        return f"an int of {thing.bit_length()} bits"
    try:
        text = " ".join(repr(thing).split())
    except Exception:  # of lists nested too deeply, or by its own fault
        text = "something that cannot be printed"
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(thing).__name__})"


def way_out(thing: object) -> str:
    """Return what to do with something that is not a real number."""
    if hasattr(type(thing), "partials"):
        return "it already is a Value; v.data is its number"
    if isinstance(thing, str | bytes):
        return "convert the text with float(text) first"
    if isinstance(thing, complex):
        return "Values are real; use .real and .imag as two numbers"
    if hasattr(thing, "__len__"):
        return "a Value holds one number; make one Value for each element"
    return "a Value holds an int, float, bool, Fraction, Decimal or a numpy scalar"
