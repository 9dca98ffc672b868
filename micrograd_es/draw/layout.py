"""Where the nodes of a graph go on paper: in layers, so that every edge runs forward.

    lay_out(nodes, args, sizes)    the Layout of nodes that come in topological order

After Sugiyama, Tagawa and Toda (1981): layers by the longest path, long edges bent at a point in
each layer they cross, the order in a layer by the barycentre of the neighbours.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Node = Hashable
SWEEPS = 8  # over the layers, forward and backward in turn
BEND = 14.0  # the height that an edge takes where it crosses a layer


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything goes: layers from left to right, heights in each from top to bottom.

    width   how many layers there are
    layer   of each node, 0 at the left
    height  of each node's middle; two things of one layer are apart by half of both their sizes
    bends   of each edge (from, to): the heights at the layers that it crosses on its way
    """

    width: int
    layer: dict[Node, int]
    height: dict[Node, float]
    bends: dict[tuple[Node, Node], list[float]]


def lay_out(
    nodes: Sequence[Node], args: Mapping[Any, Sequence[Any]], sizes: Mapping[Any, float]
) -> Layout:
    """Return a layout of nodes, which come in topological order, each after its args.

    sizes is the height that each node takes, its margin included; a bend takes BEND.
    """
    layer = layers(nodes, args)
    rows: list[list[Any]] = [[] for _ in range(1 + max(layer.values(), default=0))]
    left: dict[Any, list[Any]] = {}  # neighbours in the layer before, bends included
    right: dict[Any, list[Any]] = {}
    chains: dict[tuple[Any, Any], list[Any]] = {}
    for node in nodes:
        rows[layer[node]].append(node)
        for arg in dict.fromkeys(args[node]):
            chain = [(arg, node, k) for k in range(layer[arg] + 1, layer[node])]
            chains[arg, node] = chain
            for bend in chain:
                rows[bend[2]].append(bend)
            for a, b in zip([arg, *chain], [*chain, node], strict=True):
                left.setdefault(b, []).append(a)
                right.setdefault(a, []).append(b)
    height: dict[Any, float] = {}
    for row in rows:
        stack(row, height, sizes)
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for row in rows if forward else reversed(rows):
            place(row, left if forward else right, height, sizes)
    bends = {edge: [height[bend] for bend in chain] for edge, chain in chains.items()}
    return Layout(len(rows), layer, {node: height[node] for node in nodes}, bends)


def layers(nodes: Sequence[Node], args: Mapping[Any, Sequence[Any]]) -> dict[Node, int]:
    """Return each node's layer: after all its args, and a leaf just before its first user."""
    layer: dict[Any, int] = {}
    for node in nodes:
        layer[node] = 1 + max((layer[arg] for arg in args[node]), default=-1)
    first: dict[Any, int] = {}
    for node in nodes:
        for arg in args[node]:
            first[arg] = min(first.get(arg, layer[node]), layer[node])
    return {node: layer[node] if args[node] else first.get(node, 1) - 1 for node in nodes}


def stack(row: Sequence[Any], height: dict[Any, float], sizes: Mapping[Any, float]) -> None:
    """Put the things of a layer one below the other."""
    end = 0.0
    for thing in row:
        height[thing] = end + sizes.get(thing, BEND) / 2
        end += sizes.get(thing, BEND)


def place(
    row: list[Any],
    neighbours: Mapping[Any, Sequence[Any]],
    height: dict[Any, float],
    sizes: Mapping[Any, float],
) -> None:
    """Sort a layer by the mean height of its neighbours, and move each thing as near to its own
    mean as the others allow.
    """
    wishes = {
        thing: sum(height[n] for n in near) / len(near)
        if (near := neighbours.get(thing))
        else height[thing]
        for thing in row
    }
    row.sort(key=lambda thing: wishes[thing])
    stack(row, height, sizes)  # in this order they are as close as they may be: now spread them
    blocks: list[list[float]] = []  # [sum of moves, size]: things that touch move together
    for thing in row:
        blocks.append([wishes[thing] - height[thing], 1])
        while len(blocks) > 1 and mean(blocks[-2]) > mean(blocks[-1]):
            total, size = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += size
    moves = (mean(block) for block in blocks for _ in range(int(block[1])))
    for thing, move in zip(row, moves, strict=True):
        height[thing] += move


def mean(block: Sequence[float]) -> float:
    """Return how far a block moves: the mean of what its things wish."""
    return block[0] / block[1]
