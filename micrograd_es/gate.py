"""The one gate through which numbers enter the graph, and what it says to those it turns away."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from numbers import Real
from typing import Any


def as_float(number: object) -> float:
    """Return a real number as a Python float; the one gate through which numbers enter the graph.

    int, float, bool, Fraction, Decimal and numpy's real scalars pass; TypeError for all else,
    OverflowError for a number beyond the largest float.
    """
    if type(number) is float:
        return number
    try:
        result = float(number if type(number) is int else checked(number))
    except OverflowError:
        result = math.inf
    if math.isinf(result) and number not in (math.inf, -math.inf):
        raise OverflowError(
            f"{shown(number)} is too large for a float: the largest is about 1.8e308"
        )
    return result


def checked(number: object) -> Any:
    """Return a real number as it is; TypeError for all else."""
    numpy = sys.modules.get("numpy")  # if it was never imported, number is not numpy's
    if not isinstance(number, Real | Decimal) and not (numpy and isinstance(number, numpy.bool_)):
        raise TypeError(f"{shown(number)} is not a real number: {way_out(number)}")
    if numpy and isinstance(number, numpy.timedelta64):  # to numpy it is an integer
        raise TypeError(f"{shown(number)} is a duration: divide it by the unit that you count in")
    return number


def shown(thing: object) -> str:
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
    if hasattr(thing, "joined"):
        return "it is a condition; where(condition, a, b) chooses by it"
    if hasattr(thing, "partials"):
        return "it already is a Value; v.data is its number"
    if isinstance(thing, str | bytes):
        return "convert the text with float(text) first"
    if isinstance(thing, complex):
        return "Values are real; use .real and .imag as two numbers"
    if hasattr(thing, "__len__"):
        return "a Value holds one number; make one Value for each element"
    return "a Value holds an int, float, bool, Fraction, Decimal or a numpy scalar"
