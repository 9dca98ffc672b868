"""A graph as a picture: SVG, in pure Python.

Values go from left to right; on each edge is the local responsibility, the partial; in each node
its data and its grad. Leaves are pills, constants dashed pills, operations boxes, the output a
box with a double edge: shape says what colour says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Any

from micrograd_es.coercion import describe
from micrograd_es.draw.layout import Layout, layered
from micrograd_es.explanation.paths import Explanation
from micrograd_es.texts import Language
from micrograd_es.value import Undefined, Value, is_constant, topological_order

FOLD = 80  # nodes; a larger graph is drawn folded
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
BLUE, ORANGE, INK, GREY, PAPER = "#0072B2", "#B34000", "#222", "#767676", "#fff"
# in pixels: a column and the room for edges in it; a node, the room around it; a partial's line
COLUMN, EDGE, HEIGHT, MARGIN, LINE = 190, 70, 58, 20, 13
CHARACTER = 6.2  # the width of a digit of a partial
NAME = 15  # characters of a name that fit into a node


class Svg(str):
    """A picture as the text of an SVG file, which notebooks show."""

    __slots__ = ()

    def _repr_svg_(self) -> str:
        return str(self)


@dataclass(slots=True)
class Drawn:
    """A node of the picture: one node of the graph, or many of the same structure."""

    label: str
    shape: str  # leaf, constant, operation
    members: list[Any] = field(default_factory=list)  # Values, or what has their data and grad

    def of(self, what: str, tongue: Language) -> str:
        """Return the members' data or grad: a number, or the range they span."""
        numbers = [getattr(node, what) or 0.0 for node in self.members]  # a grad may be None
        low, high = min(numbers), max(numbers)
        if low == high:
            return tongue.number(low)
        return f"{tongue.number(low, '.3g')} … {tongue.number(high, '.3g')}"


@dataclass(frozen=True, slots=True)
class Sketch:
    """What is drawn of a graph: nodes in topological order, and edges with their partials."""

    nodes: list[Drawn]
    args: dict[int, list[int]]
    edges: dict[tuple[int, int], list[Any]]  # (from, to): the partials of all edges drawn as one
    flow: dict[tuple[int, int], float]  # the part of what is explained that goes through, 0 … 1
    note: str
    gradients: bool


def sketch(
    output: Value,
    tongue: Language,
    fold: int = FOLD,
    explanation: Explanation | None = None,
) -> Sketch:
    """Return what to draw: every node, or classes of nodes if there are more than fold."""
    order = topological_order(output)
    whole, note = len(order), ""
    kind: dict[Value, Any] = {node: i for i, node in enumerate(order)}
    if whole > fold:
        kind = structures(order)
        classes = len(set(kind.values()))
        if classes <= fold:
            note = tongue.say("graph_folded", nodes=whole, drawn=classes)
            order = by_depth(order)  # so that every class comes after those of its args
        else:
            order = order[-fold:]
            note = tongue.say("graph_cut", nodes=whole, drawn=fold)
            kind = {node: i for i, node in enumerate(order)}
    place: dict[Any, int] = {}
    nodes: list[Drawn] = []
    for node in order:
        if kind[node] not in place:
            place[kind[node]] = len(nodes)
            nodes.append(Drawn(label(node), shape(node)))
        nodes[place[kind[node]]].members.append(node)
    args: dict[int, list[int]] = {i: [] for i in range(len(nodes))}
    edges: dict[tuple[int, int], list[Any]] = {}
    flow: dict[tuple[int, int], float] = {}
    for node in order:
        for i, (arg, partial) in enumerate(zip(node.args, node.partials, strict=True)):
            if arg in kind:
                edge = (place[kind[arg]], place[kind[node]])
                if edge not in edges:
                    args[edge[1]].append(edge[0])
                edges.setdefault(edge, []).append(partial)
                part = explanation.flow.get((node, i), 0.0) if explanation else 0.0
                flow[edge] = flow.get(edge, 0.0) + part
    gradients = any(node.grad for node in order)
    if not gradients:
        note = " ".join(filter(None, [note, tongue.say("graph_no_gradients")]))
    return Sketch(nodes, args, edges, flow, note, gradients)


def by_depth(order: Sequence[Value]) -> list[Value]:
    """Return the nodes in a topological order in which nodes made alike stand side by side."""
    depth: dict[Value, int] = {}
    for node in order:
        depth[node] = 1 + max((depth[arg] for arg in node.args), default=-1)
    return sorted(order, key=depth.__getitem__)


def structures(order: Sequence[Value]) -> dict[Value, Any]:
    """Return a class for each node: nodes of one class are made alike, of nodes made alike.

    A leaf's class is that of the first node that uses it, so that weights and inputs stay apart.
    """
    number: dict[Any, int] = {}
    kind: dict[Value, Any] = {}
    for node in order:
        made = tuple(kind[arg] if arg.args else shape(arg) for arg in node.args)
        key = (node.primitive.name if node.primitive else "", made)
        kind[node] = number.setdefault(key, len(number))
    users: dict[Value, Any] = {}
    for node in order:
        for i, arg in enumerate(node.args):
            if not arg.args:
                users.setdefault(arg, (shape(arg), kind[node], i if len(node.args) <= 2 else 0))
    return {node: users.get(node, kind[node]) if not node.args else kind[node] for node in order}


def label(node: Value) -> str:
    """Return what a node is called: its name, its number, or its operation's symbol."""
    if node.primitive is None:
        return short(node.name or "")
    if is_constant(node):
        return ""
    symbol = SYMBOLS.get(node.primitive.name, node.primitive.name)
    return f"{short(node.name)} ({symbol})" if node.name else symbol


def drawable(output: Any) -> Value:
    """Return a Value as it is; TypeError for anything else, which has no graph."""
    if type(output) is not Value:
        raise TypeError(f"{describe(output)} has no graph: give a Value, such as Value(2.0) * 3")
    return output


def legible(name: str) -> str:
    """Return a name with a sign for each character that XML does not know: control characters, and
    halves of pairs.
    """
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in name
    )


def short(name: str) -> str:
    """Return a name that is too long by its last parts, those after its last two points."""
    name = legible(name)
    if len(name) > NAME:
        name = ".".join(name.split(".")[-2:])
    return name if len(name) <= NAME else f"…{name[1 - NAME :]}"


def shared(members: Sequence[Value]) -> str:
    """Return what the names of many nodes begin with: layers[0] for its weights and biases."""
    names = sorted(member.name or "" for member in members)
    first, last = names[0], names[-1]  # what these two begin with, all do
    pairs = enumerate(zip(first, last, strict=False))
    same = next((i for i, (a, b) in pairs if a != b), len(first))
    return short(first if same == len(last) else first[:same].rpartition(".")[0] or first[:same])


def shape(node: Value) -> str:
    return "operation" if node.args else "constant" if is_constant(node) else "leaf"


# ---- SVG -----------------------------------------------------------------------------------------


def graph(
    output: Value,
    language: str | None = None,
    fold: int = FOLD,
    explanation: Explanation | None = None,
) -> Svg:
    """Return the graph of output as a picture; one of more than `fold` nodes is drawn folded.

    es or en; the language of the environment unless given. With an explanation, edges are as wide
    as the part of the responsibility that goes through them. Notebooks show it, and a file is
    `Path("graph.svg").write_text(graph(output))`.
    """
    tongue, output = Language(language), drawable(output)
    if isinstance(fold, bool) or not isinstance(fold, int) or fold < 1:
        raise ValueError(f"fold={describe(fold)}: expected how many nodes are drawn, 1 or more")
    if explanation is not None and not isinstance(explanation, Explanation):
        raise TypeError(
            f"explanation {describe(explanation)}: give what explain(output, leaf) returns"
        )
    title = tongue.say("graph_title", output=label(output) or tongue.number(output.data))
    return picture(sketch(output, tongue, fold, explanation), title, tongue)


def picture(drawn: Sketch, title: str, tongue: Language) -> Svg:
    """Return a sketch as SVG; what is drawn of node 3 and edge 1-3 is marked with these numbers."""
    tall = {i: max(HEIGHT, LINE * len(drawn.args[i]) + 8) for i in range(len(drawn.nodes))}
    sizes = {i: height + MARGIN for i, height in tall.items()}
    layout = layered(range(len(drawn.nodes)), drawn.args, sizes)
    bends = [height for bend in layout.bends.values() for height in bend]
    top = min([*(layout.height[i] - sizes[i] / 2 for i in sizes), *bends])
    bottom = max([*(layout.height[i] + sizes[i] / 2 for i in sizes), *bends])
    width, height = layout.width * COLUMN, bottom - top + (30 if drawn.note else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top:.0f} {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect y="{top:.0f}" width="{width}" height="{height:.0f}" fill="{PAPER}"/>',
    ]
    for i in range(len(drawn.nodes)):
        parts += edges_svg(i, drawn, layout, tongue)
    for i in range(len(drawn.nodes)):
        left, middle = layout.layer[i] * COLUMN + EDGE / 2, layout.height[i]
        parts.append(node_svg(i, drawn, left, middle, tall[i], tongue))
    if drawn.note:
        place = top + height - 10
        parts.append(f'<text x="12" y="{place:.0f}" fill="{INK}">{escape(drawn.note)}</text>')
    return Svg("\n".join([*parts, "</svg>\n"]))


def node_svg(
    i: int, drawn: Sketch, left: float, middle: float, tall: float, tongue: Language
) -> str:
    node, last, wide = drawn.nodes[i], i == len(drawn.nodes) - 1, COLUMN - EDGE
    radius = 6 if node.shape == "operation" else HEIGHT / 2
    dashed = ' stroke-dasharray="5 3"' if node.shape == "constant" else ""
    fill = {"leaf": "#DCEBF7", "constant": "#F2F2F2", "operation": PAPER}[node.shape]

    def frame(grown: float) -> str:
        return (
            f'<rect x="{left - grown:.0f}" y="{middle - tall / 2 - grown:.0f}" '
            f'width="{wide + 2 * grown:.0f}" height="{tall + 2 * grown:.0f}" '
            f'rx="{radius + grown:.0f}" fill="{fill}" stroke="{INK}" stroke-width="1.5"{dashed}/>'
        )

    many = len(node.members) > 1
    name = shared(node.members) if many and node.shape == "leaf" else node.label
    head = f"{len(node.members)} × {name}" if many else name
    lines = [("name", head, INK, 700), ("data", node.of("data", tongue), BLUE, 400)]
    if drawn.gradients and node.shape != "constant":
        lines.append(("grad", f"∂ {node.of('grad', tongue)}", ORANGE, 400))
    lines = [line for line in lines if line[1]]
    first = middle - 8 * (len(lines) - 1) + 4
    texts = [
        f'<text class="{what}" x="{left + wide / 2:.0f}" y="{first + 16 * k:.0f}" '
        f'text-anchor="middle" fill="{colour}" font-weight="{weight}">{escape(text)}</text>'
        for k, (what, text, colour, weight) in enumerate(lines)
    ]
    names = ", ".join(dict.fromkeys(member.name for member in node.members if member.name))
    tip = f"<title>{escape(legible(names))}</title>" if names else ""
    frames = f"{frame(4) if last else ''}{frame(0)}"
    return f'<g data-node="{i}">{tip}{frames}{"".join(texts)}</g>'


def edges_svg(end: int, drawn: Sketch, layout: Layout, tongue: Language) -> Iterator[str]:
    """Yield the edges into a node, in the order of their heights, each with its partial at its
    end; bent where they cross a layer.
    """

    def came_from(start: int) -> float:
        return [layout.height[start], *layout.bends[start, end]][-1]

    starts = sorted(drawn.args[end], key=came_from)
    for k, start in enumerate(starts):
        port = layout.height[end] + LINE * (k - (len(starts) - 1) / 2)
        heights = [layout.height[start], *layout.bends[start, end], port]
        right = (layout.layer[start] + 1) * COLUMN - EDGE / 2
        path = [f"M{right:.0f} {heights[0]:.0f}"]
        for a, b in pairwise(heights):
            bend, end_x = right + EDGE / 2, right + EDGE - 4
            if round(a) != round(b):
                path.append(f"C{bend:.0f} {a:.0f} {bend:.0f} {b:.0f} {end_x:.0f} {b:.0f}")
            elif path[-1].startswith("H"):
                path.pop()  # it goes straight on
            right += COLUMN
            path.append(f"H{right - COLUMN + EDGE if b is port else right:.0f}")
        constant = drawn.nodes[start].shape == "constant"
        dashed = ' stroke-dasharray="5 3"' if constant else ""
        flow = drawn.flow[start, end]
        colour, wide = (ORANGE, 1.5 + 8.5 * flow) if flow else (GREY, 1.5)
        line = (
            f'<path d="{"".join(path)}" fill="none" stroke="{colour}" '
            f'stroke-width="{wide:.1f}"{dashed}/>'
        )
        told = ""
        if not constant:
            x = layout.layer[end] * COLUMN + EDGE / 2 - (8 if end == len(drawn.nodes) - 1 else 3)
            text = partial_text(drawn.edges[start, end], tongue)
            room = CHARACTER * len(text) + 2
            told = (
                f'<rect x="{x - room:.0f}" y="{port - 6:.0f}" width="{room:.0f}" height="12" '
                f'fill="{PAPER}"/><text x="{x:.0f}" y="{port + 4:.0f}" text-anchor="end" '
                f'font-size="11" fill="{ORANGE}">{escape(text)}</text>'
            )
        yield f'<g data-edge="{start}-{end}">{line}{told}</g>'


def partial_text(partials: Sequence[Any], tongue: Language) -> str:
    """Return a partial, or the range of those of an edge that stands for many."""
    if any(isinstance(partial, Undefined) for partial in partials):
        return "?"
    low, high = min(partials), max(partials)
    if low == high:
        return tongue.number(low, ".3g")
    return f"{tongue.number(low, '.2g')} … {tongue.number(high, '.2g')}"
