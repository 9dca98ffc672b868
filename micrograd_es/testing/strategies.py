"""What hypothesis draws for tests of gradients: numbers of every size, points, values, programs.

`st.from_type(Value)` works as soon as the package is installed: by hook.py.
"""

from __future__ import annotations

import math
import random
import re
import sys
from collections.abc import Iterable, Sequence
from operator import neg
from typing import Any

try:
    from hypothesis import reject
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ImportError as error:
    from micrograd_es.errors import MissingExtra

    raise MissingExtra("strategies need hypothesis: pip install 'micrograd-es[test]'") from error

from micrograd_es.nn import ACTIVATIONS, MLP
from micrograd_es.nodes import UNDEFINED
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.testing.programs import CONSTANTS, Program, Unfit, grow
from micrograd_es.value import Value

SMALLEST, LARGEST = 2.0**-1074, sys.float_info.max
NAMED = """
    add sub mul div neg square reciprocal sqrt exp log sin cos tanh sigmoid softplus relu abs
    maximum minimum
"""  # what programs are made of unless told: at least one of each kind
ZERO = st.just(0.0)
COUNTED = {
    "power_jet": (2, 3),
    "exprel_jet": (1,),
    "sinc_jet": (1,),
}  # the arguments of a row that are whole numbers


def numbers(
    low: float = -math.inf, high: float = math.inf, kinks: Iterable[float] = ()
) -> SearchStrategy[float]:
    """Finite floats between low and high, as likely small as large, with what tests must not miss.

    Small whole numbers, to which a failure shrinks; 2 ** U, of both signs; the edges; and the
    numbers at a kink and within 1e-9 of it.
    """
    if not low < high:
        raise ValueError(f"numbers between {low!r} and {high!r}: give the lower one first")
    bottom, top = max(low, -LARGEST), min(high, LARGEST)
    kinds: list[SearchStrategy[float]] = []
    if math.ceil(max(bottom, -9)) <= math.floor(min(top, 9)):
        whole = st.integers(math.ceil(max(bottom, -9)), math.floor(min(top, 9)))
        kinds.append(whole.map(float))
    if top >= SMALLEST:
        kinds.append(powers(max(bottom, SMALLEST), top))
    if bottom <= -SMALLEST:
        kinds.append(powers(max(-top, SMALLEST), -bottom).map(neg))
    edges = [end for end in (low, high) if math.isfinite(end)]
    edges += [math.nextafter(low, high), math.nextafter(high, low)]
    kinds.append(st.sampled_from([x for x in edges if abs(x) <= LARGEST] or [bottom]))
    near = powers(2.0**-60, 2.0**-30)
    kinds += [st.builds(sum, st.tuples(st.just(k), near | near.map(neg) | ZERO)) for k in kinks]
    return st.one_of(kinds).filter(lambda x: low <= x <= high)


def powers(low: float, high: float) -> SearchStrategy[float]:
    """Between two powers of two, as likely as between any other two, for 0 < low <= high."""
    exponents = st.integers(math.frexp(low)[1], math.frexp(high)[1])
    sized = st.builds(math.ldexp, st.floats(0.5, 1, exclude_max=True), exponents)
    return sized.map(lambda x: min(max(x, low), high))


def points(domain: Primitive | Sequence[tuple[float, float]]) -> SearchStrategy[tuple[float, ...]]:
    """Arguments for a primitive, at which it has a finite value; or a number from each interval.

    Of every size; at the edges of its domain, at its kinks and next to them.
    """
    if not isinstance(domain, Primitive):
        return st.tuples(*(numbers(low, high) for low, high in domain))
    row = domain
    if row.arity is None:
        return st.lists(numbers(), min_size=1, max_size=6).map(tuple).filter(within(row))
    names = "x" if row.arity == 1 else "ab"
    found = [numbers(*interval(row.domain, name), row.kinks) for name in names]
    found += [numbers()] * (row.arity - len(found))
    for place in COUNTED.get(row.name, ()):
        found[place] = st.integers(0, 3).map(float)
    pairs = st.tuples(*found)
    if row.switch is not Primitive.switch and row.arity == 2:  # where two arguments tie
        pairs |= st.tuples(found[0]).map(lambda a: a * 2)
    return pairs.filter(within(row))


def interval(domain: str, name: str) -> tuple[float, float]:
    """Return the ends of what a row's domain says of an argument: "-1 <= x <= 1" is (-1, 1)."""
    condition = domain.partition(",")[0]
    below = (
        re.search(rf"(\S+) <=? {name}\b", condition),
        re.search(rf"\b{name} >=? (\S+)", condition),
    )
    above = re.search(rf"\b{name} <=? (\S+)", condition)
    low = next((float(found[1]) for found in below if found), -math.inf)
    return low, float(above[1]) if above else math.inf


def within(row: Primitive) -> Any:
    """Return the test whether a row has a finite value at a point."""

    def defined(point: tuple[float, ...]) -> bool:
        try:
            return math.isfinite(row.value(*point))
        except UNDEFINED:
            return False

    return defined


def values(floats: SearchStrategy[float] | None = None) -> SearchStrategy[Value]:
    """Leaves: Values of numbers(), or of what floats draws. A failure prints as Value(2.0)."""
    return st.builds(Value, numbers() if floats is None else floats)


def primitives_table(names: Iterable[str] | None = None) -> SearchStrategy[Primitive]:
    """The rows of the table, or those named."""
    return st.sampled_from([TABLE[name] for name in (TABLE if names is None else names)])


TAME = st.integers(-9, 9).map(float) | st.floats(-4, 4).map(lambda x: round(x, 3) + 0.0)


@st.composite
def programs(
    draw: Any,
    functions: Sequence[str] = tuple(NAMED.split()),
    inputs: int = 3,
    most: int = 8,
    floats: SearchStrategy[float] = TAME,
    constants: Sequence[float] = CONSTANTS,
) -> Program:
    """Random straight-line programs of those functions, with the point at which they run.

    Every result and partial is at most 1000, and no kink is near: a gradient that is wrong there is
    wrong. It prints as the lines of Python that reproduce it.
    """

    def pick(options: Sequence[Any]) -> Any:
        return options[draw(st.integers(0, len(options) - 1))]

    try:
        return grow(pick, lambda: draw(floats), functions, inputs, most, constants)
    except Unfit:
        reject()


def networks(
    inputs: int | None = None, outputs: int = 1, activations: Sequence[str] = tuple(ACTIVATIONS)
) -> SearchStrategy[MLP]:
    """Small multilayer perceptrons; a failure prints as MLP(2, [3, 1], 'tanh', rng=Random(0))."""
    hidden = st.lists(st.integers(1, 4), max_size=2)
    return st.builds(
        MLP,
        st.integers(1, 3) if inputs is None else st.just(inputs),
        hidden.map(lambda sizes: [*sizes, outputs]),
        st.sampled_from(activations),
        rng=st.builds(random.Random, st.integers(0, 999)),
    )
