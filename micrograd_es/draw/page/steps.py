"""A graph as a lesson: every operation of the forward pass, every multiplication of the backward
one, in letters and in numbers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.draw.graph import legible
from micrograd_es.errors import MicrogradError
from micrograd_es.value import Undefined, Value, is_constant, topological_order

LONGEST = 32  # characters of a partial's formula; a longer one is written as ∂a/∂b


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
    """All steps of both passes over the nodes, which come in topological order, with their names.

    `grads` are what backward() gives to an output whose leaves had no grad before.
    """

    nodes: tuple[Value, ...]
    names: tuple[str, ...]
    forward: tuple[Forward, ...]
    backward: tuple[Backward, ...]
    grads: tuple[float, ...]


def steps(output: Value) -> Steps:
    """Return the steps of both passes; no `grad` is touched. DomainError as of backward()."""
    order = topological_order(output)
    names = dict(zip(order, named(order), strict=True))
    forward = [operation(i, node, names) for i, node in enumerate(order) if node.args]
    grads = {output: 1.0}
    place = {node: i for i, node in enumerate(order)}
    backward: list[Backward] = []
    for node in reversed(order):
        for i, (arg, partial) in enumerate(zip(node.args, node.partials, strict=True)):
            if is_constant(arg):
                continue
            grad, before = grads.get(node, 0.0), grads.get(arg, 0.0)
            grads[arg] = before + (grad * partial if grad else 0.0)  # as backward() does
            slope = 0.0 if isinstance(partial, Undefined) else float(partial)
            letters = chain(node, i, names, names[output])
            step = (place[node], place[arg], letters, grad, slope, before, grads[arg])
            backward.append(Backward(*step))
    found = tuple(grads.get(node, 0.0) for node in order)
    return Steps(tuple(order), tuple(names.values()), tuple(forward), tuple(backward), found)


def named(order: Sequence[Value]) -> Iterator[str]:
    """Yield what to call each node: its name, its number, or v1, v2 …; the output y or f.

    Names are told apart: a second node of the name a is a′.
    """
    taken = {node.name for node in order}
    fresh = (name for i in range(1, 2 + len(order) + len(taken)) if (name := f"v{i}") not in taken)
    last = next((name for name in ("y", "f") if name not in taken), "")
    met: set[str] = set()
    for node in order:
        if is_constant(node):
            yield f"{node.data:g}"
            continue
        name = typed(legible(node.name or "")) or (
            last if node is order[-1] and last else next(fresh)
        )
        while name in met:
            name += "′"
        met.add(name)
        yield name


def operation(i: int, node: Value, names: Mapping[Value, str]) -> Forward:
    places = [f"-{{{k}}}" if arg.data < 0 else f"{{{k}}}" for k, arg in enumerate(node.args)]
    numbers = tuple(abs(arg.data) for arg in node.args)
    letters = written(node, [names[arg] for arg in node.args])
    if letters != names[node]:  # a node may be named after what it is: ŷ − 1
        letters = f"{names[node]} = {letters}"
    return Forward(i, letters, written(node, places), numbers)


def written(node: Any, operands: Sequence[str]) -> str:
    """Return an operation as people write it: 2 · x^3 for 2 * x ** 3; sums and products whole."""
    name, count = node.primitive.name, len(operands)
    if name == "dot":
        pairs = (f"{bracketed(operands[k])} · {bracketed(operands[k + count // 2])}"
                 for k in range(count // 2))  # fmt: skip
        return " + ".join([*pairs, *operands[count - count % 2 :]])
    if name in ("total", "prod"):
        return (" + " if name == "total" else " · ").join(map(bracketed, operands))
    return typed(node.primitive.as_text(*operands))


def bracketed(text: str) -> str:
    """Return text in parentheses if it is a sum, a product or negative outside of any."""
    outside = re.sub(r"\(.*\)", "", text)
    return f"({text})" if " " in outside or outside.startswith("-") else text


def typed(text: str) -> str:
    for python, people in ((" ** ", "^"), ("*", "·"), (" - ", " − "), ("sech2", "sech²")):
        text = text.replace(python, people)
    return text


def chain(node: Any, i: int, names: Mapping[Value, str], output: str) -> str:
    """Return the step in letters: ∂E/∂h += ∂E/∂ŷ · w2."""
    of, by = bracketed(names[node]), bracketed(names[node.args[i]])
    formula = local(node, i, names) or f"∂{of}/∂{by}"
    above = bracketed(output)
    return f"∂{above}/∂{by} += ∂{above}/∂{of} · {bracketed(formula)}"


def local(node: Any, i: int, names: Mapping[Value, str]) -> str:
    """Return a partial in letters, as the row's rule writes it; "" if it would not help."""
    if node.primitive.name == "dot":
        half = len(node.args) // 2
        return names[node.args[(i + half) % (2 * half)]] if i < 2 * half else "1"
    args = [Value(arg.data, name=names[arg]) for arg in node.args]
    try:
        partial = node.primitive.partial(i, Value(node.data, name=names[node]), args)
    except (MicrogradError, OverflowError):
        return ""
    text = formula(partial)
    hidden = re.search(r"slope of |derivative of ", text)  # rows that nobody writes by hand
    return text if not hidden and len(text) <= LONGEST else ""


def formula(partial: Any) -> str:
    """Return a graph of few nodes as a formula; "" if it is larger."""
    if type(partial) is not Value:
        return f"{partial:g}"
    order = topological_order(partial)
    if len(order) > LONGEST:
        return ""
    texts: dict[Value, str] = {}
    for node in order:
        parts = [texts[arg] for arg in node.args]
        texts[node] = written(node, parts) if parts else node.name or f"{node.data:g}"
    return texts[partial]
