"""The graph of a function, recorded with symbols instead of numbers.

    trace(f, parameters)   a Trace: inputs, parameters, output and gradient, all Values
    Trace.order()          its nodes, each after its args

The symbols are ordinary Values. A guard (symbols.py) refuses to give their number, so no branch on
a number can be frozen into a program in silence; a comparison of them gives a condition, by which
`where` chooses later.

The function runs twice, with other numbers each time. A Value of both runs existed before them, so
the function captured it: an error, unless it is a parameter. And where the two runs do not record
the same graph, the function depends on something that is no input.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd_es.coercion import run_under
from micrograd_es.compiler.arguments import input_names, leaves_of
from micrograd_es.compiler.symbols import Tracing
from micrograd_es.errors import TraceError, TraceWarning
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, gradient, make, set_numbers, topological_order

EQUALITY_WARNING = (
    "where chooses by an equality: its value is right, and its slope at that one point is that of "
    "the branch chosen, not of the function; for where(x == 0, 1, sin(x) / x) and its like there "
    "are sinc, exprel, xlogy, or write the branch as a function with the right slope"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """The graph of a function's value, and of its gradient by the parameters.

    Its symbols hold NaN: no number that they held while the function ran means anything.
    shares  the products (responsibility · partial) by which a gradient that f takes goes on
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
    """Return the graph of f, recorded with symbols in place of its inputs and parameters.

    inputs  how many inputs f takes, where its signature does not say

    TraceError for a branch on a symbol and for float(v), even if f catches it, and for a Value that
    is neither an input nor listed as a parameter. TraceWarning for a choice by equality.
    """
    parameters = leaves_of(parameters)
    numbers = [0.5 + i % 97 / 200 for i in range(len(input_names(f, inputs)))]
    first = Recording(f, [-x for x in numbers], parameters)
    second = Recording(f, numbers, parameters)
    refuse_captured(first, second)
    if first.outline() != second.outline():
        raise TraceError(
            "the function does something else when it runs again with other numbers: it keeps "
            "something, or is random; give such numbers as inputs"
        )
    slopes = second.call(gradient, second.output, parameters)
    result = Trace(second.inputs, parameters, second.output, slopes, second.tracing.shares)
    second.tracing.is_symbolic(*result.order())  # enters what `forget_numbers` forgets
    for recording in (first, second):
        recording.forget_numbers()
    if (line := second.tracing.equality) is not None:
        file, _, number = line.rpartition(":")
        warnings.warn_explicit(EQUALITY_WARNING, TraceWarning, file, int(number))
    return result


class Recording:
    """One run of a function on symbols: its inputs, its output, and every node in order."""

    def __init__(
        self, f: Callable[..., object], numbers: Sequence[float], parameters: list[Value]
    ) -> None:
        self.inputs, self.parameters = [Value(x) for x in numbers], parameters
        self.tracing = Tracing([*self.inputs, *parameters])
        takes_a_list = isinstance(f, Primitive) and f.arity is None  # its elements are the inputs
        function = f.node if takes_a_list else f  # type: ignore[attr-defined]  # a Primitive
        self.output: Value = self.call(lambda: as_value(function(*self.inputs)))
        self.order = topological_order(self.output)
        self.tracing.is_symbolic(*self.order)

    def call(self, function: Callable[..., object], *args: object) -> Any:
        """Return function(*args) under the guard; raise its refusal, even if f caught it."""
        try:
            result = run_under(self.tracing, function, *args)
        except Exception:
            if self.tracing.refused is None:
                raise
        if self.tracing.refused is not None:
            raise self.tracing.refused from None
        return result

    def outline(self) -> list[Any]:
        """Return the graph as comparable lines: rows, places of arguments, constants."""
        place = {leaf: -1 - i for i, leaf in enumerate((*self.inputs, *self.parameters))}
        lines: list[Any] = []
        for node in self.order:
            if node not in place:
                place[node] = len(lines)
                args = [place[arg] for arg in node.args]
                lines.append((node.primitive, args) if args else repr(node._data))
        return lines

    def forget_numbers(self) -> None:
        """Set every symbol but the parameters to NaN, so that nobody reads its number later."""
        nodes = self.tracing.symbolic.items()
        parameters = {*self.parameters}
        set_numbers(
            (node, math.nan) for node, symbolic in nodes if symbolic and node not in parameters
        )


def refuse_captured(first: Recording, second: Recording) -> None:
    """Raise TraceError for a Value that existed before both runs, and is no parameter."""
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
