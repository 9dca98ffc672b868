"""One sample of a program run again as eager would run it: a graph of Values, errors and all.

`replay(linear, inputs, parameters)` gives that graph. Of a choice only the branch chosen is run,
and where nobody is responsible, all around, no partial is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER
from micrograd_es.compiler.linear import Linear
from micrograd_es.compiler.symbols import CHOICES
from micrograd_es.primitive import as_value
from micrograd_es.value import Around, Value

CHOOSING = {row for row, _, _ in CHOICES.values()}


def replay(linear: Linear, inputs: Sequence[float], parameters: Sequence[Value]) -> Value:
    """Return the output for one sample, of fresh inputs and of the parameters given."""
    return Replay(linear, inputs, parameters).node_at(linear.outputs[0])


class Replay:
    """The nodes of one sample by their places in the code, made as they are needed."""

    def __init__(
        self, linear: Linear, inputs: Sequence[float], parameters: Sequence[Value]
    ) -> None:
        self.ops, self.rows, self.shares = linear.code.ops, linear.rows, linear.shares
        self.leaves: dict[str, Sequence[Value]] = {INPUT: [*map(Value, inputs)]}
        self.leaves[PARAMETER] = parameters
        self.nodes: dict[int, Value] = {}
        self.around = Around(())

    def node_at(self, output: int) -> Value:
        """Return the node at a place, made after those that it needs, in written order."""
        stack = [output]
        while stack:
            needed = self.needed(stack[-1])
            missing = [place for place in reversed(needed) if place not in self.nodes]
            if not missing:
                place = stack.pop()
                self.nodes[place] = self.make(place, needed)
            stack += missing
        return self.nodes[output]

    def needed(self, place: int) -> list[int]:
        """Return the places that are needed next for the one at a place."""
        name, *args = self.ops[place]
        if name in LEAVES:
            return []
        if self.rows[name] in CHOOSING and args[0] in self.nodes and args[1] in self.nodes:
            a, b = (self.nodes[arg]._data for arg in args[:2])
            return [int(self.rows[name].value(a, b, *args[2:]))]
        if self.rows[name] in CHOOSING:
            return args[:2]
        grad = self.shares.get(place)
        if grad is not None and (grad not in self.nodes or self.is_nobody(grad)):
            return [grad]
        return args

    def is_nobody(self, grad: int) -> bool:
        """Whether a responsibility is 0, here and all around."""
        node = self.nodes[grad]
        return node._data == 0 and self.around.is_steady(node)

    def make(self, place: int, needed: list[int]) -> Value:
        """Return the node at a place, of the places that it needed."""
        name, *args = self.ops[place]
        if name == CONSTANT:
            return as_value(args[0])
        if name in LEAVES:
            return self.leaves[name][args[0]]
        if self.rows[name] in CHOOSING:
            return self.nodes[needed[0]]
        if needed != args:  # nobody is responsible: so is nobody beyond
            return as_value(0.0)
        return self.rows[name].node(*[self.nodes[arg] for arg in args])  # type: ignore[no-any-return]  # a Value
