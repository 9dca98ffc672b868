"""Who is responsible for the error, and by which chain of partials.

Reads the graph; touches no `grad`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.coercion import describe
from micrograd_es.texts import Language, format_table
from micrograd_es.value import Undefined, Value, reverse_sweep

Chains = dict[Value, tuple[float, Value | None, float]]


@dataclass(frozen=True, slots=True)
class Link:
    """One edge of the chain rule: ∂of/∂by = partial."""

    of: str
    by: str
    partial: float


@dataclass(frozen=True, slots=True)
class Share:
    """One parameter's part in the error.

    gradient  ∂error/∂parameter
    share     |gradient| / Σ|gradient|, 0 … 1; 0 if all gradients are 0
    move      the sign of the step that lowers the error: +1 up, -1 down, 0 stay
    paths     how many chains lead to the error; their products add up to the gradient
    chain     the chain with the largest product, from the error to the parameter
    """

    name: str
    data: float
    gradient: float
    share: float
    move: int
    paths: int
    chain: tuple[Link, ...]

    @property
    def product(self) -> float:
        """The product of the chain's partials: the gradient itself if there is one path."""
        return math.prod(link.partial for link in self.chain) if self.chain else 0.0


@dataclass(frozen=True, slots=True)
class Responsibility:
    """How the error is shared out among the parameters. Prints as a table."""

    error: float
    shares: tuple[Share, ...]

    def __iter__(self) -> Iterator[Share]:
        return iter(self.shares)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain dicts and lists of numbers, ready for json."""
        keys = ("name", "data", "gradient", "share", "move", "paths")
        links = ("of", "by", "partial")
        return {
            "error": self.error,
            "parameters": [
                {key: getattr(share, key) for key in keys}
                | {"chain": [{key: getattr(link, key) for key in links} for link in share.chain]}
                for share in self.shares
            ],
        }

    def table(self, language: Language | None = None) -> str:
        """Return the table as text; in the language of the environment unless another is given."""
        language = language or Language()
        say, number = language.say, language.number
        heads = ("parameter", "value", "gradient", "share", "move")
        rows = [[say(f"column_{head}") for head in heads]]
        for one in self.shares:
            share = f"{number(100 * one.share, '.1f')} %"
            move = say({1: "move_up", -1: "move_down", 0: "move_stay"}[one.move])
            rows.append([one.name, number(one.data), number(one.gradient), share, move])
        return "\n".join(format_table(rows, "<>>><"))

    __str__ = table


def responsibility(error: Value, parameters: Sequence[Value]) -> Responsibility:
    """Return each parameter's gradient, share, move and main chain, in the order given."""
    for node in (error, *parameters):
        if type(node) is not Value:
            raise TypeError(
                f"responsibility of {describe(node)}: the error and its parameters are Values"
            )
    grads, paths, best = trace_back(error)
    gradients = [grads.get(parameter, 0.0) for parameter in parameters]
    size = math.fsum(map(abs, gradients))
    shares = [
        Share(
            name=parameter.name or f"w{i}",
            data=parameter.data,
            gradient=gradient,
            share=abs(gradient) / size if size else 0.0,
            move=(gradient < 0) - (gradient > 0),
            paths=paths.get(parameter, 0),
            chain=chain_to(parameter, best),
        )
        for i, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True), start=1)
    ]
    return Responsibility(error.data, tuple(shares))


def trace_back(output: Value) -> tuple[dict[Value, float], dict[Value, int], Chains]:
    """Return, of every node, the gradient, the number of paths, and the last link of the best path.

    The best path is the one whose product of partials is largest; its last link is kept as
    (that product without its sign, the node above, the partial).
    """
    grads, paths = {output: 1.0}, {output: 1}
    best: Chains = {output: (1.0, None, 1.0)}
    for edge in reverse_sweep(output):
        node, arg = edge.node, edge.arg
        partial = math.nan if type(edge.partial) is Undefined else edge.partial
        grads[arg] = edge.after
        paths[arg] = paths.get(arg, 0) + paths[node]
        strength = abs(best[node][0] * partial) if best[node][0] else 0.0
        if arg not in best or strength > best[arg][0]:
            best[arg] = (strength, node, partial)
    return grads, paths, best


def chain_to(leaf: Value, best: Chains) -> tuple[Link, ...]:
    """Return the links from the output down to leaf, on the best path."""
    links: list[Link] = []
    node: Value | None = leaf
    while node is not None and node in best:
        _, above, partial = best[node]
        if above is not None:
            links.append(Link(label(above), label(node), partial))
        node = above
    return tuple(reversed(links))


def label(node: Value) -> str:
    """Return what to call a node: its name, its number, or its formula over its args."""
    if node.name is not None:
        return node.name
    if not node.args or node.primitive is None:
        return f"{node.data:g}"
    terms = [arg.name or (f"{arg.data:g}" if not arg.args else "…") for arg in node.args]
    if len(terms) > 3:
        terms = [*terms[:2], "…"]
    return node.primitive.as_text(*terms)
