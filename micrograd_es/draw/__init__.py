"""Pictures of what the library computes. It returns them, prints nothing and opens nothing.

Importing it teaches notebooks to show a Value as its graph.
"""

from micrograd_es.draw.graph import Svg, graph
from micrograd_es.draw.page import Page, page
from micrograd_es.draw.text import draw_dot, to_dot, to_mermaid, trace, tree
from micrograd_es.value import Value

__all__ = ["Page", "Svg", "draw_dot", "graph", "page", "to_dot", "to_mermaid", "trace", "tree"]

setattr(Value, "_repr_svg_", lambda self: str(graph(self)))  # noqa: B010  # Value does not know it
