"""One sample of a program run again in eager mode: a graph of Values, with eager's errors.

    replay(linear, inputs, parameters)   its output
    eager_outputs(linear, …)             the numbers of its value and slopes

Only the branch chosen is run. Where a responsibility is 0, at this sample and around it, the
partial that it would be multiplied by is not computed, as in eager.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER
from micrograd_es.compiler.linear import LinearTrace
from micrograd_es.compiler.symbols import CHOICE_ROWS
from micrograd_es.errors import NonFiniteError
from micrograd_es.explanation.diagnosis import find_nonfinite
from micrograd_es.primitive import as_value
from micrograd_es.value import Around, Value, gradient


def replay(linear: LinearTrace, inputs: Sequence[float], parameters: Sequence[Value]) -> Value:
    """Return the output for one sample: a Value of new inputs and of the parameters given."""
    return Replay(linear, inputs, parameters).node_at(linear.outputs[0])


def eager_outputs(
    linear: LinearTrace, number: int, sample: Sequence[float], parameters: Sequence[Value]
) -> list[float]:
    """Return a sample's value and its slopes by the parameters, as eager computes them.

    Eager's errors, and NonFiniteError for NaN or infinity, name the sample and its number.
    """
    try:
        output = replay(linear, sample, parameters)
        outputs = [output.data, *(slope.data for slope in gradient(output, parameters))]
    except (ValueError, ArithmeticError) as error:
        raise type(error)(f"sample {number} {tuple(sample)}: {error}") from error
    if not all(map(math.isfinite, outputs)):
        origin = find_nonfinite(output) or f"a slope is not finite: {outputs[1:]}"
        raise NonFiniteError(f"sample {number} {tuple(sample)}: {origin}")
    return outputs


class Replay:
    """The nodes of one sample by their places in the code, each made when something needs it."""

    def __init__(
        self, linear: LinearTrace, inputs: Sequence[float], parameters: Sequence[Value]
    ) -> None:
        self.ops, self.rows, self.shares = linear.code.ops, linear.rows, linear.shares
        self.leaves: dict[str, Sequence[Value]] = {INPUT: [*map(Value, inputs)]}
        self.leaves[PARAMETER] = parameters
        self.nodes: dict[int, Value] = {}
        self.around = Around(())

    def node_at(self, output: int) -> Value:
        """Return the node at a place, made after those that it needs, in the order of the code."""
        stack = [output]
        while stack:
            needed = self.next_needs(stack[-1])
            missing = [place for place in reversed(needed) if place not in self.nodes]
            if not missing:
                place = stack.pop()
                self.nodes[place] = self.make(place, needed)
            stack += missing
        return self.nodes[output]

    def next_needs(self, place: int) -> list[int]:
        """Return the places that the one at a place needs next: a condition before its branch."""
        name, *args = self.ops[place]
        if name in LEAVES:
            return []
        if self.rows[name] in CHOICE_ROWS and args[0] in self.nodes and args[1] in self.nodes:
            a, b = (self.nodes[arg]._data for arg in args[:2])
            return [int(self.rows[name].value(a, b, *args[2:]))]
        if self.rows[name] in CHOICE_ROWS:
            return args[:2]
        grad = self.shares.get(place)
        if grad is not None and (grad not in self.nodes or self.is_zero_around(grad)):
            return [grad]
        return args

    def is_zero_around(self, grad: int) -> bool:
        """Return whether a responsibility is 0 at this sample and all around it."""
        node = self.nodes[grad]
        return node._data == 0 and self.around.is_steady(node)

    def make(self, place: int, needed: list[int]) -> Value:
        """Return a new node for a place, of the nodes at the places that it needed."""
        name, *args = self.ops[place]
        if name == CONSTANT:
            return as_value(args[0])
        if name in LEAVES:
            return self.leaves[name][args[0]]
        if self.rows[name] in CHOICE_ROWS:
            return self.nodes[needed[0]]
        if needed != args:  # the responsibility alone, which is 0: so is its share
            return as_value(0.0)
        return self.rows[name].node(*[self.nodes[arg] for arg in args])  # type: ignore[no-any-return]  # a Value
