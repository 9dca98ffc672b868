"""The columns of samples that a program is given.

columns_of(given, inputs)        them as arrays of floats, and how many samples they have
real_array(name, given)          one of them, or the parameters, as an array of real numbers
names_in_code(inputs, others)    what the code calls the inputs
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from micrograd_es.coercion import describe
from micrograd_es.compiler.basic import BASIC
from micrograd_es.compiler.linear import RESERVED
from micrograd_es.primitives import TABLE

Array = NDArray[np.float64]
NAMES_IN_ERROR = 8  # an error lists the inputs up to this many


def names_in_code(inputs: Sequence[str], others: Iterable[str]) -> list[str]:
    """Return what the code calls the inputs: as f does, unless the code needs one of the names.

    Then they are x0, x1, …
    """
    taken = {*others, *TABLE, *BASIC, "np", "jnp", "jax", "math"}
    free = taken.isdisjoint(inputs) and not any(map(RESERVED.fullmatch, inputs))
    return [*inputs] if free else [f"x{i}" for i in range(len(inputs))]


def real_array(name: str, given: object) -> Array:
    """Return `given` as an array of real numbers; TypeError if it is none or has masked numbers."""
    try:
        array = np.asarray(given)
    except ValueError as error:  # rows of different lengths
        raise ValueError(f"{name} is {describe(given)}: {error}") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} is {describe(given)}: give a column of real numbers")
    if np.ma.is_masked(given):
        raise TypeError(f"{name} has masked numbers: leave these samples out, or fill them")
    return array


def columns_of(given: Sequence[object], inputs: Sequence[str]) -> tuple[list[Array], int]:
    """Return the columns as arrays of floats of one length, and that length.

    An array of two axes, samples × inputs, is as many columns. TypeError where their number is not
    that of the inputs, ValueError where their lengths differ or are 0.
    """
    arrays: list[Array] = []
    for column in given:
        expected = len(arrays) < len(inputs)
        name = f"input {inputs[len(arrays)] if expected else 'too many'}"
        array = real_array(name, column)
        if array.ndim not in (1, 2):
            raise ValueError(
                f"{name} has shape {array.shape}: give one number for each sample, as in "
                "X[:, 0], or an array of such columns"
            )
        array = array.astype(float, copy=False)
        arrays.extend([array] if array.ndim == 1 else array.T)
    if len(arrays) != len(inputs):
        names = f" ({', '.join(inputs)})" * (0 < len(inputs) <= NAMES_IN_ERROR)
        raise TypeError(
            f"the program takes {len(inputs)} inputs{names}, and was given {len(arrays)}"
        )
    sizes = [*map(len, arrays)] or [1]
    if min(sizes) != max(sizes):
        lengths = dict(zip(inputs, sizes, strict=True))
        raise ValueError(f"columns of different lengths: {lengths}")
    if not sizes[0]:
        raise ValueError("no samples: give at least one")
    return arrays, sizes[0]
