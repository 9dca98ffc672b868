"""Pictures of what the library computes. It returns them, prints nothing and opens nothing.

    graph(output)                   the graph as SVG, folded when it is large
    tree(output)                    the same with characters
    to_dot, to_mermaid, draw_dot    for other programs that draw; trace gives its nodes and edges
    page(output)                    a page that plays it, operation by operation
    plots.arrows, .surface, …       fields, by matplotlib (extra `plot`)

Importing it teaches notebooks to show a Value as its graph. Read view.py (what a picture shows),
layout.py (where nodes go), graph.py and text.py (how they look); then page/; characters.py for the
terminal; figure.py, then plots.py.
"""

from micrograd_es.draw.graph import Svg, graph
from micrograd_es.draw.page.page import Page, page
from micrograd_es.draw.text import draw_dot, to_dot, to_mermaid, trace, tree
from micrograd_es.value import Value

__all__ = ["Page", "Svg", "draw_dot", "graph", "page", "to_dot", "to_mermaid", "trace", "tree"]

setattr(Value, "_repr_svg_", lambda self: str(graph(self)))  # noqa: B010  # Value does not know it
