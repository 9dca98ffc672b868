"""A graph as a lesson: every operation of the forward pass, every multiplication of the backward
one, in letters and in numbers.

    steps_of(view)     both passes, of a view that was made to be played
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.draw.view import View
from micrograd_es.errors import MicrogradError
from micrograd_es.texts import humanize
from micrograd_es.value import Edge, Undefined, Value, topological_order

LONGEST_FORMULA = 32  # characters of a partial's formula; a longer one is written as ∂a/∂b
Names = Mapping[Value, str]


@dataclass(frozen=True, slots=True)
class Forward:
    """One operation: `h = w1 · x`, with {0} · {1} for its numbers."""

    node: int
    letters: str
    pattern: str
    operands: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Backward:
    """One multiplication and addition: grad · partial is added to what the arg had before."""

    node: int
    arg: int
    letters: str
    grad: float
    partial: float
    before: float
    after: float


@dataclass(frozen=True, slots=True)
class Steps:
    """All steps of both passes; `node` and `arg` are places among the nodes of the view."""

    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]


def steps_of(view: View) -> Steps:
    """Return the steps of both passes; no step leads to a constant."""
    names = {node.values[0]: node.name for node in view.nodes}
    place = {value: i for i, value in enumerate(names)}
    constants = {node.values[0] for node in view.nodes if node.shape == "constant"}
    output = view.nodes[-1].name
    return Steps(
        tuple(
            operation(i, node.values[0], names)
            for i, node in enumerate(view.nodes)
            if node.shape == "operation"
        ),
        tuple(
            multiplication(edge, names, place, output)
            for edge in view.sweep
            if edge.arg not in constants
        ),
    )


def operation(i: int, node: Value, names: Names) -> Forward:
    """Return the step that computes a node."""
    args = node.args
    places = [f"-{{{k}}}" if arg.data < 0 else f"{{{k}}}" for k, arg in enumerate(args)]
    letters = write_operation(node, [names[arg] for arg in args])
    if letters != names[node]:  # a node may be named after what it is: ŷ − 1
        letters = f"{names[node]} = {letters}"
    numbers = tuple(abs(arg.data) for arg in args)
    return Forward(i, letters, write_operation(node, places), numbers)


def multiplication(edge: Edge, names: Names, place: Mapping[Value, int], output: str) -> Backward:
    """Return the step that hands a node's responsibility on to one of its arguments."""
    node, arg = edge.node, edge.arg
    above, of, by = map(bracket, (output, names[node], names[arg]))
    formula = write_partial(node, edge.place, names) or f"∂{of}/∂{by}"
    letters = f"∂{above}/∂{by} += ∂{above}/∂{of} · {bracket(formula)}"
    partial = 0.0 if isinstance(edge.partial, Undefined) else float(edge.partial)
    return Backward(place[node], place[arg], letters, edge.grad, partial, edge.before, edge.after)


# ---- letters -------------------------------------------------------------------------------------


def write_operation(node: Any, operands: Sequence[str]) -> str:
    """Return an operation as people write it, 2 · x^3 for 2 * x ** 3; sums and products in full."""
    name, count = node.primitive.name, len(operands)
    if name == "dot":
        pairs = (f"{bracket(operands[k])} · {bracket(operands[k + count // 2])}"
                 for k in range(count // 2))  # fmt: skip
        return " + ".join([*pairs, *operands[count - count % 2 :]])
    if name in ("total", "prod"):
        return (" + " if name == "total" else " · ").join(map(bracket, operands))
    return humanize(node.primitive.as_text(*operands))


def bracket(text: str) -> str:
    """Return text in parentheses if it is a sum, a product or negative outside of any."""
    outside = re.sub(r"\(.*\)", "", text)
    return f"({text})" if " " in outside or outside.startswith("-") else text


def write_partial(node: Any, i: int, names: Names) -> str:
    """Return the formula of a node's i-th partial, as its row has it; "" if it would not help."""
    if node.primitive.name == "dot":
        half = len(node.args) // 2
        return names[node.args[(i + half) % (2 * half)]] if i < 2 * half else "1"
    args = [Value(arg.data, name=names[arg]) for arg in node.args]
    try:
        partial = node.primitive.partial(i, Value(node.data, name=names[node]), args)
    except (MicrogradError, OverflowError):
        return ""
    text = write_graph(partial)
    hidden = re.search(r"slope of |derivative of ", text)  # rows that nobody writes by hand
    return text if not hidden and len(text) <= LONGEST_FORMULA else ""


def write_graph(output: Any) -> str:
    """Return a graph of few nodes as one formula; "" if it is larger."""
    if type(output) is not Value:
        return f"{output:g}"
    order = topological_order(output)
    if len(order) > LONGEST_FORMULA:
        return ""
    texts: dict[Value, str] = {}
    for node in order:
        operands = [texts[arg] for arg in node.args]
        texts[node] = write_operation(node, operands) if operands else node.name or f"{node.data:g}"
    return texts[output]
