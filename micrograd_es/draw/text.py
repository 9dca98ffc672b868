"""A graph as text: a tree of characters, Graphviz, Mermaid; and what micrograd's notebook names."""

from __future__ import annotations

from micrograd_es.draw.graph import FOLD, Svg, graph, heading, partial_text
from micrograd_es.draw.view import Node, View, view_of
from micrograd_es.texts import Language
from micrograd_es.value import Value

# ---- a tree of characters ------------------------------------------------------------------------


def tree(output: Value, language: str | None = None, most: int = FOLD) -> str:
    """Return the graph as a tree: the output first, below each node its args.

    Before an arg is its [partial], after a node its grad if backward() was called. A node that is
    used more than once is unfolded where it is first met, and marked ↑ elsewhere. After `most`
    lines the rest is left out, and the last line says so.
    """
    view, words = view_of(output), Language(language)
    nodes, gradients = view.nodes, view.nodes[-1].grads[0]
    lines: list[str] = []
    met: set[int] = set()
    stack = [(len(nodes) - 1, "", "", "")]  # a node, indents of it and below it, its partial
    while stack and len(lines) < most:
        i, first, below, partial = stack.pop()
        node = nodes[i]
        again = i in met and node.edges
        text = f"{heading(node)} = {words.number(node.values[0].data)}".removeprefix(" = ")
        shown = gradients and node.shape != "constant"
        grad = f"   ∂ {words.number(node.grads[0])}" if shown else ""
        lines.append(f"{first}{partial}{text}{grad}{' ↑' if again else ''}")
        met.add(i)
        if again:
            continue
        for edge in reversed(node.edges):
            constant = nodes[edge.start].shape == "constant"
            partial = "" if constant else f"[{partial_text(edge.partials, words)}] "
            branch, indent = ("└─ ", "   ") if edge is node.edges[-1] else ("├─ ", "│  ")
            stack.append((edge.start, below + branch, below + indent, partial))
    if stack:
        lines.append(words.say("tree_cut", nodes=view.size))
    return "\n".join(lines)


# ---- text for other tools, and the names that micrograd's users know -----------------------------


def to_dot(output: Value, language: str | None = None) -> str:
    """Return the graph in the language of Graphviz, whole."""
    view, words = view_of(output), Language(language)
    lines = ["digraph {", "  rankdir=LR;"]
    for i, node in enumerate(view.nodes):
        style = {"leaf": "shape=box, style=rounded", "constant": "shape=box, style=dashed"}
        text = text_in(node, words).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'  n{i} [label="{text}", {style.get(node.shape, "shape=box")}];')
    lines += [f'  n{a} -> n{b} [label="{text}"];' for a, b, text in arrows(view, words)]
    return "\n".join([*lines, "}\n"])


def to_mermaid(output: Value, language: str | None = None) -> str:
    """Return the graph in the language of Mermaid, which Markdown on the web often draws."""
    view, words = view_of(output), Language(language)
    lines = ["flowchart LR"]
    for i, node in enumerate(view.nodes):
        opening, closing = ("[", "]") if node.shape == "operation" else ("([", "])")
        text = text_in(node, words).replace('"', "#quot;").replace("\n", "<br>")
        lines.append(f'  n{i}{opening}"{text}"{closing}')
    lines += [f'  n{a} -- "{text}" --> n{b}' for a, b, text in arrows(view, words)]
    return "\n".join(lines) + "\n"


def text_in(node: Node, words: Language) -> str:
    """Return what is written in a node: its name, its data and its grad, a line each."""
    numbers = (words.number(node.values[0].data), f"∂ {words.number(node.grads[0])}")
    return "\n".join(filter(None, (heading(node), *numbers)))


def arrows(view: View, words: Language) -> list[tuple[int, int, str]]:
    """Return (from, to, partial) for every edge."""
    return [
        (edge.start, end, partial_text(edge.partials, words))
        for end, node in enumerate(view.nodes)
        for edge in node.edges
    ]


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """Return (nodes, edges) as micrograd's notebook does."""
    values = [node.values[0] for node in view_of(root).nodes]
    return set(values), {(arg, value) for value in values for arg in value.args}


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Svg:
    """Return the graph under the name that micrograd's users know; no Graphviz is needed."""
    if (format, rankdir) != ("svg", "LR"):
        raise ValueError(
            f"format {format!r}, rankdir {rankdir!r}: it draws svg from left to right; "
            "for others give to_dot(root) to Graphviz"
        )
    return graph(root)
