"""What a picture of a graph shows, decided once: its nodes and their names, its edges, the folding.

    view_of(output)             every value is a node, every argument an edge
    view_of(output, fold=80)    at most 80 nodes: values that are made alike become one; if that
                                is not enough, only the last 80 values are shown
    view_of(output, play=True)  for a page: each value has a name of its own, and each grad is that
                                of a reverse sweep, so that `.grad` is neither read nor set

graph.py, text.py and page/ read it. It does not say where a node goes (layout.py) nor how it looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd_es.coercion import describe
from micrograd_es.explanation.paths import Explanation
from micrograd_es.texts import humanize, legible
from micrograd_es.value import Edge as Link
from micrograd_es.value import Value, is_constant, reverse_sweep, topological_order

SYMBOLS = {
    "add": "+",
    "sub": "−",
    "mul": "×",
    "div": "÷",
    "neg": "−",
    "power": "^",
    "abs": "|·|",
    "dot": "Σ w·x",
    "total": "Σ",
    "prod": "Π",
}


@dataclass(slots=True)
class Edge:
    """An edge that comes from the node at place `start`, or several that are drawn as one.

    flow  how much of the responsibility that is explained goes through it, 0 … 1
    """

    start: int
    partials: list[Any] = field(default_factory=list)
    flow: float = 0.0


@dataclass(slots=True)
class Node:
    """A value of the graph, or all values that are made alike.

    name    "" if it has none
    names   those that its values have, which may be many
    symbol  of the operation; "" for a leaf and a constant
    shape   leaf, constant or operation
    edges   into this node, in the order of the arguments
    """

    symbol: str
    shape: str
    name: str = ""
    names: list[str] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    grads: list[float] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class View:
    """The nodes of a picture, each after those that its edges come from; the last is the output.

    size     how many values the graph has
    reduced  "" if all of them are shown, each as a node; else folded or cut
    sweep    the steps of backpropagation, if they are to be played
    """

    nodes: list[Node]
    size: int
    reduced: str
    sweep: tuple[Link, ...]


def view_of(
    output: Value,
    fold: int | None = None,
    explanation: Explanation | None = None,
    play: bool = False,
) -> View:
    """Return what a picture of the graph of output shows; with an explanation, also its flow.

    TypeError for anything but a Value. With `play`, DomainError where backward() raises it.
    """
    if type(output) is not Value:
        raise TypeError(f"{describe(output)} has no graph: give a Value, such as Value(2.0) * 3")
    order = topological_order(output)
    sweep = tuple(reverse_sweep(output)) if play else ()
    if play:
        grads = {output: 1.0} | {link.arg: link.after for link in sweep}
    else:
        grads = {value: value.grad or 0.0 for value in order}  # somebody may have set it to None
    values, kind, reduced = reduce(order, fold)
    nodes, place = gather(values, kind, grads)
    connect(nodes, place, fold is not None, explanation)
    names = letters(order) if play else {}
    for node in nodes:
        node.name = names.get(node.values[0]) or name_of(node)
    return View(nodes, len(order), reduced, sweep)


def gather(
    values: Sequence[Value], kind: Mapping[Value, Any], grads: Mapping[Value, float]
) -> tuple[list[Node], dict[Value, int]]:
    """Return a node for each kind of values, still without edges, and the place of each value."""
    nodes: list[Node] = []
    first: dict[Any, int] = {}
    place: dict[Value, int] = {}
    for value in values:
        place[value] = first.setdefault(kind[value], len(nodes))
        if place[value] == len(nodes):
            nodes.append(Node(symbol(value), shape(value)))
        node = nodes[place[value]]
        node.values.append(value)
        node.names.append(legible(value.name or ""))
        node.grads.append(grads[value])
    return nodes, place


def connect(
    nodes: Sequence[Node],
    place: Mapping[Value, int],
    merge: bool,
    explanation: Explanation | None,
) -> None:
    """Give the nodes their edges; with `merge`, one for all edges that join the same two nodes."""
    for node in nodes:
        edges: dict[tuple[int, int], Edge] = {}
        for value in node.values:
            for i, (arg, partial) in enumerate(zip(value.args, value.partials, strict=True)):
                if arg in place:
                    key = (place[arg], 0 if merge else i)
                    edge = edges.setdefault(key, Edge(place[arg]))
                    edge.partials.append(partial)
                    edge.flow += explanation.flow.get((value, i), 0.0) if explanation else 0.0
        node.edges = [*edges.values()]


# ---- folding -------------------------------------------------------------------------------------


def reduce(order: list[Value], fold: int | None) -> tuple[list[Value], dict[Value, Any], str]:
    """Return the values to show, the kind of each, and how they were reduced: "", folded or cut.

    One node stands for each kind. The values come in a topological order of the kinds.
    """
    if fold is None or len(order) <= fold:
        return order, {value: i for i, value in enumerate(order)}, ""
    kind = kinds(order)
    if len(set(kind.values())) <= fold:
        return by_depth(order), kind, "folded"
    return order[-fold:], {value: i for i, value in enumerate(order[-fold:])}, "cut"


def by_depth(order: Sequence[Value]) -> list[Value]:
    """Return the values in a topological order in which those of one kind stand side by side."""
    depth: dict[Value, int] = {}
    for value in order:
        depth[value] = 1 + max((depth[arg] for arg in value.args), default=-1)
    return sorted(order, key=depth.__getitem__)


def kinds(order: Sequence[Value]) -> dict[Value, Any]:
    """Return the kind of each value: the same operation on arguments of the same kinds.

    A leaf's kind is that of the first value that uses it, so that weights and inputs stay apart.
    """
    number: dict[Any, int] = {}
    kind: dict[Value, Any] = {}
    for value in order:
        below = tuple(kind[arg] if arg.args else shape(arg) for arg in value.args)
        key = (value.primitive.name if value.primitive else "", below)
        kind[value] = number.setdefault(key, len(number))
    users: dict[Value, Any] = {}
    for value in order:
        for i, arg in enumerate(value.args):
            if not arg.args:
                users.setdefault(arg, (shape(arg), kind[value], i if len(value.args) <= 2 else 0))
    return {value: kind[value] if value.args else users.get(value, kind[value]) for value in order}


# ---- names ---------------------------------------------------------------------------------------


def shape(value: Value) -> str:
    """Return leaf, constant or operation."""
    return "operation" if value.args else "constant" if is_constant(value) else "leaf"


def symbol(value: Value) -> str:
    """Return the sign of a value's operation, or its name if it has none; "" without operation."""
    if value.primitive is None or is_constant(value):
        return ""
    return SYMBOLS.get(value.primitive.name, value.primitive.name)


def name_of(node: Node) -> str:
    """Return the name of a node's value; for many leaves, what their names have in common."""
    if node.shape == "leaf" and len(node.values) > 1:
        return common_beginning(node.names)
    return node.names[0]


def common_beginning(names: Sequence[str]) -> str:
    """Return what many names begin with: layers[0] for those of its weights and biases."""
    first, last = min(names), max(names)  # what these two begin with, all do
    pairs = enumerate(zip(first, last, strict=False))
    same = next((i for i, (a, b) in pairs if a != b), len(first))
    if same == len(last):
        return first
    return first[:same].rpartition(".")[0] or first[:same]


def letters(order: Sequence[Value]) -> dict[Value, str]:
    """Return a name for each value: its own, or v1, v2 …, or y (else f) for the output.

    No two values share a name: the second a is called a′. A constant is called by its number.
    """
    own = {value.name for value in order}
    fresh = (name for i in range(1, 2 + len(order) + len(own)) if (name := f"v{i}") not in own)
    last = next((name for name in ("y", "f") if name not in own), "")
    names: dict[Value, str] = {}
    taken: set[str] = set()
    for value in order:
        if is_constant(value):
            names[value] = f"{value.data:g}"
            continue
        name = humanize(legible(value.name or ""))
        name = name or (last if value is order[-1] and last else next(fresh))
        while name in taken:
            name += "′"
        taken.add(name)
        names[value] = name
    return names
