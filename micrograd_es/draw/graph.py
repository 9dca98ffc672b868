"""A graph as a picture: SVG, in pure Python.

    graph(output)              the picture; view.py decides what it shows
    draw_view(view, title, …)  the picture of a view, as a page needs it

Values go from left to right; at the end of each edge is the local responsibility, the partial; in
each node its data and its grad. Leaves are pills, constants dashed pills, operations boxes, the
output a box with a double edge: shape says what colour says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import pairwise
from typing import Any

from micrograd_es.coercion import describe
from micrograd_es.draw.layout import Layout, lay_out
from micrograd_es.draw.view import Edge, Node, View, view_of
from micrograd_es.explanation.paths import Explanation
from micrograd_es.texts import Language
from micrograd_es.value import Undefined, Value

FOLD = 80  # nodes; a larger graph is drawn folded
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
    if isinstance(fold, bool) or not isinstance(fold, int) or fold < 1:
        raise ValueError(f"fold={describe(fold)}: expected how many nodes are drawn, 1 or more")
    if explanation is not None and not isinstance(explanation, Explanation):
        raise TypeError(
            f"explanation {describe(explanation)}: give what explain(output, leaf) returns"
        )
    view, words = view_of(output, fold, explanation), Language(language)
    name = heading(view.nodes[-1]) or words.number(output.data)
    return draw_view(view, words.say("graph_title", output=name), words)


def draw_view(view: View, title: str, words: Language) -> Svg:
    """Return a view as SVG; the group of node 3 is marked data-node="3", that of the edge from node
    1 to it data-edge="1-3".
    """
    nodes = view.nodes
    gradients = any(any(node.grads) for node in nodes)
    note = note_on(view, gradients, words)
    starts = {i: [edge.start for edge in node.edges] for i, node in enumerate(nodes)}
    tall = {i: max(HEIGHT, LINE * len(ends) + 8) for i, ends in starts.items()}
    sizes = {i: height + MARGIN for i, height in tall.items()}
    layout = lay_out(range(len(nodes)), starts, sizes)
    bends = [height for bend in layout.bends.values() for height in bend]
    top = min([*(layout.height[i] - sizes[i] / 2 for i in sizes), *bends])
    bottom = max([*(layout.height[i] + sizes[i] / 2 for i in sizes), *bends])
    width, height = layout.width * COLUMN, bottom - top + (30 if note else 0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 {top:.0f} {width} {height:.0f}" '
        f'width="{width}" height="{height:.0f}" role="img" '
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect y="{top:.0f}" width="{width}" height="{height:.0f}" fill="{PAPER}"/>',
    ]
    for i in range(len(nodes)):
        parts += draw_edges(i, nodes, layout, words)
    for i, node in enumerate(nodes):
        lines = lines_in(node, gradients, words)
        left, middle = layout.layer[i] * COLUMN + EDGE / 2, layout.height[i]
        last = i == len(nodes) - 1
        parts.append(
            f'<g data-node="{i}">{tooltip(node)}{frames(node, left, middle, tall[i], last)}'
            f"{draw_lines(lines, left + (COLUMN - EDGE) / 2, middle)}</g>"
        )
    if note:
        parts.append(f'<text x="12" y="{top + height - 10:.0f}" fill="{INK}">{escape(note)}</text>')
    return Svg("\n".join([*parts, "</svg>\n"]))


# ---- what is written -----------------------------------------------------------------------------


def note_on(view: View, gradients: bool, words: Language) -> str:
    """Return the sentences below a picture that is folded or cut, or has no gradients."""
    notes = []
    if view.reduced:
        key = "graph_folded" if view.reduced == "folded" else "graph_cut"
        notes.append(words.say(key, nodes=view.size, drawn=len(view.nodes)))
    if not gradients:
        notes.append(words.say("graph_no_gradients"))
    return " ".join(notes)


def heading(node: Node) -> str:
    """Return what a node is called: how many values it stands for, its name and its symbol."""
    if node.shape == "constant":
        name = ""
    elif node.symbol:
        name = f"{short(node.name)} ({node.symbol})" if node.name else node.symbol
    else:
        name = short(node.name)
    return f"{len(node.values)} × {name}" if len(node.values) > 1 else name


def short(name: str) -> str:
    """Return a name that is too long by its last parts, those after its last two points."""
    if len(name) > NAME:
        name = ".".join(name.split(".")[-2:])
    return name if len(name) <= NAME else f"…{name[1 - NAME :]}"


def number_text(numbers: Sequence[float], words: Language) -> str:
    """Return the number of all values of a node, or the range that their numbers span."""
    low, high = min(numbers), max(numbers)
    if low == high:
        return words.number(low)
    return f"{words.number(low, '.3g')} … {words.number(high, '.3g')}"


def partial_text(partials: Sequence[Any], words: Language) -> str:
    """Return a partial, or the range of those of an edge that stands for many."""
    if any(isinstance(partial, Undefined) for partial in partials):
        return "?"
    low, high = min(partials), max(partials)
    if low == high:
        return words.number(low, ".3g")
    return f"{words.number(low, '.2g')} … {words.number(high, '.2g')}"


def lines_in(node: Node, gradients: bool, words: Language) -> list[tuple[str, str, str, int]]:
    """Return the lines of text in a node: (what it says, the text, its colour, its weight)."""
    data = number_text([value.data for value in node.values], words)
    lines = [("name", heading(node), INK, 700), ("data", data, BLUE, 400)]
    if gradients and node.shape != "constant":
        lines.append(("grad", f"∂ {number_text(node.grads, words)}", ORANGE, 400))
    return [line for line in lines if line[1]]


# ---- SVG -----------------------------------------------------------------------------------------


def tooltip(node: Node) -> str:
    """Return the names of the values of a node, whole, which browsers show under the pointer."""
    names = ", ".join(filter(None, dict.fromkeys(node.names)))
    return f"<title>{escape(names)}</title>" if names else ""


def frames(node: Node, left: float, middle: float, tall: float, last: bool) -> str:
    """Return the frame of a node, which for the output is a double one."""
    radius = 6 if node.shape == "operation" else HEIGHT / 2
    dashed = ' stroke-dasharray="5 3"' if node.shape == "constant" else ""
    fill = {"leaf": "#DCEBF7", "constant": "#F2F2F2", "operation": PAPER}[node.shape]
    return "".join(
        f'<rect x="{left - more:.0f}" y="{middle - tall / 2 - more:.0f}" '
        f'width="{COLUMN - EDGE + 2 * more:.0f}" height="{tall + 2 * more:.0f}" '
        f'rx="{radius + more:.0f}" fill="{fill}" stroke="{INK}" stroke-width="1.5"{dashed}/>'
        for more in ((4, 0) if last else (0,))
    )


def draw_lines(lines: Sequence[tuple[str, str, str, int]], x: float, middle: float) -> str:
    """Return lines of text one below the other, around a height."""
    first = middle - 8 * (len(lines) - 1) + 4
    return "".join(
        f'<text class="{what}" x="{x:.0f}" y="{first + 16 * k:.0f}" '
        f'text-anchor="middle" fill="{colour}" font-weight="{weight}">{escape(text)}</text>'
        for k, (what, text, colour, weight) in enumerate(lines)
    )


def draw_edges(end: int, nodes: Sequence[Node], layout: Layout, words: Language) -> Iterator[str]:
    """Yield the edges into a node, in the order of their heights, each with its partial at its end;
    an edge is bent where it crosses a layer.
    """

    def height_before(edge: Edge) -> float:
        return [layout.height[edge.start], *layout.bends[edge.start, end]][-1]

    edges = sorted(nodes[end].edges, key=height_before)
    tip = layout.layer[end] * COLUMN + EDGE / 2 - (8 if end == len(nodes) - 1 else 3)
    for k, edge in enumerate(edges):
        start = edge.start
        port = layout.height[end] + LINE * (k - (len(edges) - 1) / 2)
        heights = [layout.height[start], *layout.bends[start, end], port]
        path = edge_path((layout.layer[start] + 1) * COLUMN - EDGE / 2, heights)
        constant = nodes[start].shape == "constant"
        dashed = ' stroke-dasharray="5 3"' if constant else ""
        colour, wide = (ORANGE, 1.5 + 8.5 * edge.flow) if edge.flow else (GREY, 1.5)
        partial = "" if constant else draw_partial(tip, port, partial_text(edge.partials, words))
        yield (
            f'<g data-edge="{start}-{end}"><path d="{path}" fill="none" stroke="{colour}" '
            f'stroke-width="{wide:.1f}"{dashed}/>{partial}</g>'
        )


def edge_path(x: float, heights: Sequence[float]) -> str:
    """Return the path of an edge from the right of a node, through a height in each layer."""
    path = [f"M{x:.0f} {heights[0]:.0f}"]
    for i, (a, b) in enumerate(pairwise(heights), start=2):
        bend, end = x + EDGE / 2, x + EDGE - 4
        if round(a) != round(b):
            path.append(f"C{bend:.0f} {a:.0f} {bend:.0f} {b:.0f} {end:.0f} {b:.0f}")
        elif path[-1].startswith("H"):
            path.pop()  # it goes straight on
        path.append(f"H{x + EDGE if i == len(heights) else x + COLUMN:.0f}")
        x += COLUMN
    return "".join(path)


def draw_partial(x: float, y: float, text: str) -> str:
    """Return the partial at the end of an edge, on a ground that hides what lies below."""
    room = CHARACTER * len(text) + 2
    return (
        f'<rect x="{x - room:.0f}" y="{y - 6:.0f}" width="{room:.0f}" height="12" '
        f'fill="{PAPER}"/><text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="end" '
        f'font-size="11" fill="{ORANGE}">{escape(text)}</text>'
    )
