"""A function run with symbols for numbers: its graph, of inputs, parameters and constants.

`trace(f, parameters)` gives that graph. The symbols are ordinary Values; what is different is that
a guard is asked before one of them answers as a number, and refuses: so no branch on a number can
be frozen into a program in silence. A comparison gives a condition, for `where` to choose by.

The function is run twice, with other numbers. What both runs have was there before them; and if
they do not do the same, something was frozen all the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd_es.coercion import run_under
from micrograd_es.compiler.arguments import inputs_of, leaves_of
from micrograd_es.compiler.symbols import Tracing
from micrograd_es.errors import TraceError, TraceWarning
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, gradient, make, set_numbers, topological_order

EQUALITY = (
    "where chooses by an equality: its value is right, and its slope at that one point is that of "
    "the branch chosen, not of the function; for where(x == 0, 1, sin(x) / x) and its like there "
    "are sinc, exprel, xlogy, or write the branch as a function with the right slope"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """What a function does: the graph of its value, and of its gradient by the parameters.

    Its symbols are NaN: no number that they held while the function ran was anybody's.
    shares  the products (responsibility, partial) by which a gradient goes on
    """

    inputs: list[Value]
    parameters: list[Value]
    output: Value
    gradient: list[Value]
    shares: set[Value] = field(default_factory=set)

    def order(self) -> list[Value]:
        """Return every node that the value or the gradient needs, each after its args."""
        outputs = (self.output, *self.gradient)
        return topological_order(make(0.0, None, outputs, (0.0,) * len(outputs)))[:-1]


def trace(
    f: Callable[..., object], parameters: Sequence[Value] = (), inputs: int | None = None
) -> Trace:
    """Return what f does, recorded with symbols as its inputs and for its parameters.

    TraceError for a branch on a symbol, for float(v), whatever f does with the error, and for a
    Value that is neither an input nor listed as a parameter. TraceWarning for a choice by equality.
    """
    parameters = leaves_of(parameters)
    numbers = [0.5 + i % 97 / 200 for i in range(len(inputs_of(f, inputs)))]
    first = Run(f, [-x for x in numbers], parameters)
    second = Run(f, numbers, parameters)
    refuse_captured(first, second)
    if first.outline() != second.outline():
        raise TraceError(
            "the function does something else when it runs again with other numbers: it keeps "
            "something, or is random; give such numbers as inputs"
        )
    slopes = second.ask(gradient, second.output, parameters)
    result = Trace(second.inputs, parameters, second.output, slopes, second.tracing.shares)
    second.tracing.holds(*result.order())
    for run in (first, second):
        run.forget_numbers()
    if (line := second.tracing.equality) is not None:
        file, _, number = line.rpartition(":")
        warnings.warn_explicit(EQUALITY, TraceWarning, file, int(number))
    return result


class Run:
    """One run of a function on symbols: what went in, what came out, and every node in order."""

    def __init__(
        self, f: Callable[..., object], numbers: Sequence[float], parameters: list[Value]
    ) -> None:
        self.inputs, self.parameters = [Value(x) for x in numbers], parameters
        self.tracing = Tracing([*self.inputs, *parameters])
        of_a_list = isinstance(f, Primitive) and f.arity is None  # here its elements are the inputs
        call = f.node if of_a_list else f  # type: ignore[attr-defined]  # a Primitive
        self.output: Value = self.ask(lambda: as_value(call(*self.inputs)))
        self.order = topological_order(self.output)
        self.tracing.holds(*self.order)

    def ask(self, function: Callable[..., object], *args: object) -> Any:
        """Return function(*args) under the guard; raise what it refused, whatever was caught."""
        try:
            result = run_under(self.tracing, function, *args)
        except Exception:
            if self.tracing.refused is None:
                raise
        if self.tracing.refused is not None:
            raise self.tracing.refused from None
        return result

    def outline(self) -> list[Any]:
        """Return what the run computes: rows, places of arguments, constants."""
        place = {leaf: -1 - i for i, leaf in enumerate((*self.inputs, *self.parameters))}
        lines: list[Any] = []
        for node in self.order:
            if node not in place:
                place[node] = len(lines)
                args = [place[arg] for arg in node.args]
                lines.append((node.primitive, args) if args else repr(node._data))
        return lines

    def forget_numbers(self) -> None:
        """Make every symbol but the parameters NaN, so that none is taken for a number later."""
        kept = {*self.parameters}
        known = self.tracing.symbolic.items()
        set_numbers((node, math.nan) for node, symbol in known if symbol and node not in kept)


def refuse_captured(first: Run, second: Run) -> None:
    """Raise TraceError for a Value that was there before both runs, and is no parameter."""
    before = {*first.order, *first.tracing.constants} - {*second.parameters}
    for node in (*second.order, *second.tracing.constants):
        if node not in before:
            continue
        if node.primitive is None:
            raise TraceError(
                f"{node!r} is neither an input nor listed: parameters=[…, it] if it moves, its "
                ".data if it is a constant"
            )
        if node.args and second.tracing.symbolic[node]:
            raise TraceError(
                f"a Value, of {node.primitive.name}, was computed from a parameter before the "
                "function ran: compute it inside"
            )
