"""Why a gradient is what it is: every path from a leaf to the output, and what each contributes.

The gradient is the sum, over all paths, of the product of the partials on the path (Bauer, 1974).
The number of paths may be astronomical, and is counted without listing them; the most responsible
ones are found without it too.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from heapq import nlargest
from typing import Any

from micrograd_es.coercion import describe
from micrograd_es.explanation.attribution import Link, label
from micrograd_es.texts import Language
from micrograd_es.value import Value, reverse_sweep, topological_order

Edge = tuple[Value, int]  # a node, and the place of one of its args
ROUNDING = 1e-15  # of Σ|products|: less than that is left of the others by rounding
SHOWN = 9  # nodes of a path; a longer one is shortened in its middle


@dataclass(frozen=True, slots=True)
class Path:
    """One path from the output down to the leaf.

    links    its edges, each with its partial
    product  what it contributes to the gradient: the product of its partials
    share    product / gradient: below 0 if it works against the others; NaN if the gradient is 0
    weight   |product| / Σ|products| of all paths, 0 … 1
    """

    links: tuple[Link, ...]
    product: float
    share: float
    weight: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What makes a gradient. Prints as text, in the language of the environment.

    gradient  ∂output/∂leaf, the sum over all paths
    count     how many paths there are, listed or not
    paths     the most responsible ones, by the size of their products
    rest      what all the others add up to
    flow      of each edge, the part of Σ|products| whose paths go through it, 0 … 1
    """

    output: str
    leaf: str
    gradient: float
    count: int
    paths: tuple[Path, ...]
    rest: float
    flow: dict[Edge, float]

    def text(self, language: str | None = None) -> str:
        """Return the explanation in words and numbers, in es or en."""
        texts = Language(language)
        names = {"output": in_brackets(self.output), "leaf": in_brackets(self.leaf)}
        lines = [texts.say("explain_title", **names, gradient=self.gradient)]
        if not self.count:
            return "\n".join([*lines, texts.say("explain_none", **names)])
        key = "explain_one" if self.count == 1 else "explain_many"
        lines.append(texts.say(key, **names, count=count_text(self.count, texts)))
        for path in self.paths:
            upward = path.links[::-1]
            way = shorten([self.leaf, *(link.of for link in upward)])
            product = shorten([factor(link.partial, texts) for link in upward] or ["1"])
            lines += [
                f"  {' → '.join(way)}",
                f"    {' · '.join(product)} = {texts.number(path.product)}",
            ]
            if self.count > 1:
                share = texts.number(100 * path.share, ".1f") if self.gradient else "–"
                weight = texts.number(100 * path.weight, ".1f")
                lines[-1] += "   " + texts.say("explain_share", share=share, weight=weight)
        if self.count > len(self.paths):
            others = count_text(self.count - len(self.paths), texts)
            lines.append("  " + texts.say("explain_rest", count=others, rest=self.rest))
        if self.count > 1:
            lines.append(texts.say("explain_sum", gradient=self.gradient))
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def as_dict(self) -> dict[str, Any]:
        """Return everything but the flow as plain dicts and lists of numbers, ready for json."""
        keys = ("output", "leaf", "gradient", "count", "rest")
        return {key: getattr(self, key) for key in keys} | {
            "paths": [
                asdict(path) | {"share": path.share if self.gradient else None}
                for path in self.paths
            ]
        }

    def derivation(self) -> tuple[tuple[str, float], ...]:
        """Return the chain rule step by step: (line of LaTeX, what it is worth)."""
        letters = [" ".join(map(quotient, path.links)) or "1" for path in self.paths]
        numbers = [
            r" \cdot ".join(in_parentheses(link.partial) for link in path.links) or "1"
            for path in self.paths
        ]
        products = [in_parentheses(path.product) for path in self.paths]
        multiplied = [math.prod(link.partial for link in path.links) for path in self.paths]
        others = self.count > len(self.paths)
        rest = [in_parentheses(self.rest)] if others else []
        dots = [r"\dots"] if others else []
        left = quotient(Link(self.output, self.leaf, self.gradient))
        return (
            (f"{left} &= {sum_of([*letters, *dots])}", self.gradient),
            (f" &= {sum_of([*numbers, *rest])}", math.fsum([*multiplied, self.rest])),
            (
                f" &= {sum_of([*products, *rest])}",
                math.fsum([*(path.product for path in self.paths), self.rest]),
            ),
            (f" &= {self.gradient:.6g}", self.gradient),
        )

    def latex(self) -> str:
        """Return the derivation as an aligned block of LaTeX."""
        lines = " \\\\\n".join(line for line, _ in self.derivation())
        return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}"


def explain(output: Value, leaf: Value, k: int = 5) -> Explanation:
    """Return what makes ∂output/∂leaf: how many paths there are, and the k most responsible.

    As of the forward pass, like backward(); no `grad` is touched.
    """
    for node in (output, leaf):
        if type(node) is not Value:
            raise TypeError(f"explain {describe(node)}: output and leaf are Values")
    if k < 1:
        raise ValueError(f"the {k} most responsible paths: ask for at least 1")
    gradient, counts, sizes = float(output is leaf), {output: 1}, {output: 1.0}
    best: dict[Value, list[tuple[float, Any]]] = {output: [(1.0, None)]}  # (product, last step)
    edges: list[tuple[Value, int, Value, float]] = []
    leading = {leaf}  # the nodes on the way to the leaf
    for node in topological_order(output):
        if not leading.isdisjoint(node.args):
            leading.add(node)
    for node, i, arg, _, partial, share, before in reverse_sweep(output):
        if arg not in leading:
            continue
        if arg is leaf:
            gradient = before + share
        counts[arg] = counts.get(arg, 0) + counts[node]
        local = abs(1.0 * partial) if sizes[node] else 0.0
        sizes[arg] = sizes.get(arg, 0.0) + sizes[node] * local
        steps = [
            (product * partial if product else 0.0, (node, arg, partial, place))
            for place, (product, _) in enumerate(best[node])
        ]
        best[arg] = nlargest(k, best.get(arg, []) + steps, key=lambda step: abs(step[0]))
        edges.append((node, i, arg, local))
    size = sizes.get(leaf, 0.0)
    paths = tuple(
        Path(
            tuple(links(best, leaf, i)),
            product,
            product / gradient if gradient else math.nan,
            abs(product) / size if size else 0.0,
        )
        for i, (product, _) in enumerate(best.get(leaf, []))
    )
    rest = math.fsum([gradient, *(-path.product for path in paths)])
    return Explanation(
        label(output),
        label(leaf),
        gradient,
        counts.get(leaf, 0),
        paths,
        0.0 if abs(rest) <= ROUNDING * size else rest,
        flow_through(edges, sizes, leaf) if size else {},
    )


def flow_through(
    edges: list[tuple[Value, int, Value, float]], sizes: dict[Value, float], leaf: Value
) -> dict[Edge, float]:
    """Return, of each edge, the part of Σ|products| down to leaf whose paths go through it."""
    below = {leaf: 1.0}  # Σ|products| from each node down to the leaf
    flow: dict[Edge, float] = {}
    for node, i, arg, local in reversed(edges):
        if arg in below:
            flow[node, i] = sizes[node] * local * below[arg] / sizes[leaf]
            below[node] = below.get(node, 0.0) + local * below[arg]
    return flow


def links(best: dict[Value, list[tuple[float, Any]]], leaf: Value, i: int) -> list[Link]:
    """Return the links of the i-th best path, from the output down to the leaf."""
    found: list[Link] = []
    step = best[leaf][i][1]
    while step is not None:
        node, arg, partial, place = step
        found.append(Link(label(node), label(arg), partial))
        step = best[node][place][1]
    return found[::-1]


def shorten(parts: list[str]) -> list[str]:
    """Return the parts of a path; a long one by its ends, with the number of those between."""
    if len(parts) <= SHOWN:
        return parts
    half = SHOWN // 2
    return [*parts[:half], f"[{len(parts) - 2 * half}]", *parts[-half:]]


def count_text(number: int, language: Language) -> str:
    return str(number) if number < 10**6 else language.number(float(number), ".3g")


def in_brackets(name: str) -> str:
    return f"({name})" if " " in name else name


def factor(x: float, language: Language) -> str:
    return language.number(x) if x >= 0 else f"({language.number(x)})"


def quotient(link: Link) -> str:
    """Return ∂of/∂by in LaTeX."""
    return rf"\frac{{\partial {latex(link.of)}}}{{\partial {latex(link.by)}}}"


def sum_of(terms: list[str]) -> str:
    return " + ".join(terms) or "0"


def in_parentheses(x: float) -> str:
    return f"{x:.6g}" if x >= 0 else rf"\left({x:.6g}\right)"


def latex(name: str) -> str:
    """Return the name of a node as LaTeX prints it, word for word."""
    for special in "_%#&$":
        name = name.replace(special, rf"\{special}")
    name = name.replace("^", r"\^{}")
    return rf"\text{{{name}}}"
