"""What a program is given: columns of real numbers, one for each input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from micrograd_es.coercion import describe
from micrograd_es.compiler.forms import BASIC
from micrograd_es.compiler.linear import VARIABLE
from micrograd_es.primitives import TABLE

Array = NDArray[np.float64]
SHOWN = 8  # names of inputs that an error tells


def names_of(inputs: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return what code calls the inputs: as f does; or x0, x1, … if code would call others so."""
    others = {*taken, *TABLE, *BASIC, "np", "jnp", "jax", "math"}
    free = others.isdisjoint(inputs) and not any(map(VARIABLE.fullmatch, inputs))
    return [*inputs] if free else [f"x{i}" for i in range(len(inputs))]


def real(name: str, given: object) -> Array:
    """Return an array of real numbers; TypeError for all else, also for numbers that are masked."""
    try:
        array = np.asarray(given)
    except ValueError as error:  # ragged
        raise ValueError(f"{name} is {describe(given)}: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} is {describe(given)}: give a column of real numbers")
    if np.ma.is_masked(given):
        raise TypeError(f"{name} has masked numbers: leave these samples out, or fill them")
    return array


def columns_of(given: Sequence[object], inputs: Sequence[str]) -> tuple[list[Array], int]:
    """Return the columns as arrays of floats of one length, and that length.

    An array of two axes, samples and inputs, is as many columns.
    """
    arrays: list[Array] = []
    for column in given:
        known = len(arrays) < len(inputs)
        name = f"input {inputs[len(arrays)] if known else 'too many'}"
        array = real(name, column)
        if array.ndim not in (1, 2):
            raise ValueError(
                f"{name} has shape {array.shape}: give one number for each sample, as in "
                "X[:, 0], or an array of such columns"
            )
        array = array.astype(float, copy=False)
        arrays.extend([array] if array.ndim == 1 else array.T)
    if len(arrays) != len(inputs):
        names = f" ({', '.join(inputs)})" * (0 < len(inputs) <= SHOWN)
        raise TypeError(
            f"the program takes {len(inputs)} inputs{names}, and was given {len(arrays)}"
        )
    sizes = [*map(len, arrays)] or [1]
    if min(sizes) != max(sizes):
        told = dict(zip(inputs, sizes, strict=True))
        raise ValueError(f"columns of different lengths: {told}")
    if not sizes[0]:
        raise ValueError("no samples: give at least one")
    return arrays, sizes[0]
