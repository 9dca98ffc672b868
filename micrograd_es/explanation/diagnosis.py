"""Where a number went wrong: the first operation whose value, partial or gradient is not finite.

Inside `with origins():` every value remembers the line of the program that made it.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from micrograd_es import nodes, value
from micrograd_es.nodes import describe_operand
from micrograd_es.value import Undefined, Value, made_at, topological_order, whereabouts


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The first thing that is not finite in a graph. Prints as a sentence.

    what     "value", "partial" or "gradient"
    node     the node at which it arose
    formula  the operation with its operands: "log(x=0.0)"
    number   the value or gradient that came out of it; NaN for a partial
    origin   "file:line" of the user's program, if origins() was on when it was made
    route    the names of the nodes from there to the output
    """

    what: str
    node: Value
    formula: str
    number: float
    origin: str | None
    route: str

    def __str__(self) -> str:
        number = "not finite" if self.what == "partial" else self.number
        return f"the {self.what} of {self.formula} is {number}{self.route}"


def find_nonfinite(output: Value) -> NonFinite | None:
    """Return the birth of the first NaN or infinity in the graph of output, or None.

    Looked for among the values in the order of the forward pass, then among the partials, then
    among the gradients in the order of the backward pass, if there was one.
    """
    order = topological_order(output)
    for node in order:
        if not math.isfinite(node.data):
            return report("value", node, node.data, order)
    for node in order:
        for partial in node.partials:
            if isinstance(partial, Undefined) or not math.isfinite(partial):
                return report("partial", node, math.nan, order)
    for node in reversed(order):
        if node.grad is not None and not math.isfinite(node.grad):
            return report("gradient", node, node.grad, order)
    return None


def report(what: str, node: Value, number: float, order: list[Value]) -> NonFinite:
    operands = map(describe_operand, node.args)
    formula = (
        node.primitive.as_text(*operands)
        if node.primitive and node.args
        else describe_operand(node)
    )
    return NonFinite(what, node, formula, number, made_at.get(node), whereabouts(node, order))


@contextmanager
def origins() -> Iterator[Mapping[Value, str]]:
    """Record the user's file and line of every value made inside the block.

    Yields the record, {value: "file:line"}. Errors of backward() and gradient() quote it, and so
    does find_nonfinite, also after the block. It is the one mode of the package: it slows down the
    making of nodes, in all threads, and costs nothing outside the block. Blocks may overlap.
    """
    swap(+1)
    try:
        yield made_at
    finally:
        swap(-1)


plain_new, plain_init = value.new, Value.__init__
blocks = 0  # how many are open, in all threads
one_at_a_time = threading.Lock()


def swap(step: int) -> None:
    """Put the recording nodes in place with the first block, and the plain ones after the last."""
    global blocks  # noqa: PLW0603  # the one mode of the package
    with one_at_a_time:
        blocks += step
        new, init = (record_new, record_init) if blocks else (plain_new, plain_init)
        for module in (value, nodes):
            setattr(module, "new", new)  # noqa: B010  # it is declared as object.__new__
        setattr(Value, "__init__", init)  # noqa: B010  # mypy forbids to assign a method


def record_new(cls: type[Value]) -> Value:
    node = plain_new(cls)
    made_at[node] = line_of_user()
    return node


def record_init(self: Value, data: Any, name: str | None = None) -> None:
    plain_init(self, data, name)
    made_at[self] = line_of_user()


def line_of_user() -> str:
    """Return "file:line" of the innermost frame that is neither this package's nor numpy's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and package_of(frame) in ("micrograd_es", "numpy"):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def package_of(frame: FrameType) -> str:
    name: str = frame.f_globals.get("__name__", "")
    return name.partition(".")[0]
