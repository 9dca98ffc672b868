"""A graph as text: a tree of characters, Graphviz, Mermaid; and what micrograd's notebook names."""

from __future__ import annotations

from collections.abc import Iterator

from micrograd_es.draw.graph import FOLD, Svg, drawable, graph, label, partial_text, shape
from micrograd_es.texts import Language
from micrograd_es.value import Value, is_constant, topological_order

# ---- a tree of characters ------------------------------------------------------------------------


def tree(output: Value, language: str | None = None, most: int = FOLD) -> str:
    """Return the graph as a tree: the output first, below each node its args.

    Before an arg is its [partial], after a node its grad if backward() was called. A node that is
    used more than once is unfolded where it is first met, and marked ↑ elsewhere. After `most`
    lines the rest is left out, and said to be.
    """
    tongue = Language(language)
    lines: list[str] = []
    met: set[Value] = set()
    stack: list[tuple[Value, str, str, str]] = [
        (drawable(output), "", "", "")
    ]  # indents, and the partial
    while stack and len(lines) < most:
        node, first, below, partial = stack.pop()
        again = node in met and node.args
        head = f"{label(node)} = {tongue.number(node.data)}".removeprefix(" = ")
        shown = output.grad and not is_constant(node)
        grad = f"   ∂ {tongue.number(node.grad or 0.0)}" if shown else ""
        lines.append(f"{first}{partial}{head}{grad}{' ↑' if again else ''}")
        met.add(node)
        if again:
            continue
        edges = list(zip(node.args, node.partials, strict=True))
        for i, (arg, slope) in reversed(list(enumerate(edges))):
            last = i == len(edges) - 1
            told = "" if is_constant(arg) else f"[{partial_text([slope], tongue)}] "
            branch, indent = ("└─ ", "   ") if last else ("├─ ", "│  ")
            stack.append((arg, below + branch, below + indent, told))
    if stack:
        lines.append(tongue.say("tree_cut", nodes=len(topological_order(output))))
    return "\n".join(lines)


# ---- text for other tools, and the names that micrograd's users know -----------------------------


def to_dot(output: Value, language: str | None = None) -> str:
    """Return the graph in the language of Graphviz, whole."""
    lines = ["digraph {", "  rankdir=LR;"]
    for i, text, kind in described(output, language):
        style = {"leaf": "shape=box, style=rounded", "constant": "shape=box, style=dashed"}
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        lines.append(f'  n{i} [label="{quoted}", {style.get(kind, "shape=box")}];')
    lines += [f'  n{a} -> n{b} [label="{text}"];' for a, b, text in connected(output, language)]
    return "\n".join([*lines, "}\n"])


def to_mermaid(output: Value, language: str | None = None) -> str:
    """Return the graph in the language of Mermaid, which Markdown on the web often draws."""
    lines = ["flowchart LR"]
    for i, text, kind in described(output, language):
        opening, closing = {"leaf": ("([", "])"), "constant": ("([", "])")}.get(kind, ("[", "]"))
        quoted = text.replace('"', "#quot;").replace("\n", "<br>")
        lines.append(f'  n{i}{opening}"{quoted}"{closing}')
    lines += [f'  n{a} -- "{text}" --> n{b}' for a, b, text in connected(output, language)]
    return "\n".join(lines) + "\n"


def described(output: Value, language: str | None) -> Iterator[tuple[int, str, str]]:
    """Yield (number, text, shape) of every node."""
    tongue = Language(language)
    for i, node in enumerate(topological_order(drawable(output))):
        lines = [label(node), tongue.number(node.data), f"∂ {tongue.number(node.grad or 0.0)}"]
        yield i, "\n".join(filter(None, lines)), shape(node)


def connected(output: Value, language: str | None) -> Iterator[tuple[int, int, str]]:
    """Yield (from, to, partial) of every edge."""
    tongue = Language(language)
    order = topological_order(output)
    place = {node: i for i, node in enumerate(order)}
    for node in order:
        for arg, partial in zip(node.args, node.partials, strict=True):
            yield place[arg], place[node], partial_text([partial], tongue)


def trace(root: Value) -> tuple[set[Value], set[tuple[Value, Value]]]:
    """Return (nodes, edges) as micrograd's notebook does."""
    nodes = topological_order(drawable(root))
    return set(nodes), {(arg, node) for node in nodes for arg in node.args}


def draw_dot(root: Value, format: str = "svg", rankdir: str = "LR") -> Svg:
    """Return the graph under the name that micrograd's users know; no Graphviz is needed."""
    if (format, rankdir) != ("svg", "LR"):
        raise ValueError(
            f"format {format!r}, rankdir {rankdir!r}: it draws svg from left to right; "
            "for others give to_dot(root) to Graphviz"
        )
    return graph(root)
