"""Straight-line code as few array operations: the matrices are rediscovered from the scalars.

    make_plan(code, outputs)   the ArrayPlan: array operations in order, and how outputs are summed

A layer of two neurons, tanh(u0·x + u1·y) and tanh(v0·x + v1·y), is eight operations on scalars. The
two sums have the same right-hand sides (x, y), so together they are one matmul of the parameters
(2 × 2) with the columns (2 × samples); the two tanh stand at the same level, so they are one array
operation on two consecutive rows. A slope Σ g·x over the samples is an entry of an outer product.

What depends on no input is computed once a call, in a *column* of numbers; the rest for every
sample, in the rows of a *block* of samples. Who runs the plan is in numpy.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from micrograd_es.collector import paused
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code
from micrograd_es.compiler.sums import Pair, needs_of, spaces, sums_of_products, use_counts

BLOCK_BYTES = 2**20  # of a block of samples: what stays in a core's cache
ONE = -1  # a place that stands for the factor 1, so that a plain term can be treated as a product
Kind = tuple[Any, ...]
Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """What an array operation reads: rows of the block, entries of the column, or one constant."""

    space: str  # "block", "column" or "constant"
    what: Any  # the places, in order; or the number


@dataclass(frozen=True, slots=True)
class ArrayOperation:
    """One array operation, whose results are the places, consecutive in its space.

    name   of a basic operation; or "matmul", weights (m × k) times k rows, for each of several
           groups of m results; or "products", a sum of k products for each result
    added  what is added to each result: a bias
    shape  of a matmul: groups, m, k
    """

    name: str
    space: str
    places: tuple[int, ...]
    operands: tuple[Operand, ...]
    added: tuple[Operand, ...] = ()
    shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class GradientBlock:
    """An outer product of the gradient: slots[i][j] is Σ left[i] · right[j], over the samples.

    slots  the numbers of the outputs
    left   for each row the places of the left factors, one for each term of the sum; right likewise
    """

    slots: list[list[int]]
    left: list[tuple[int, ...]]
    right: list[tuple[int, ...]]
    space: str


@dataclass
class ArrayPlan:
    """The array operations of a program, for the column and for a block, and its gradient blocks.

    constants  (place, number) of each
    lifted     places of the column that are rows of the block too, because an array operation reads
               them together with rows of the block
    """

    code: Code
    column: list[ArrayOperation] = field(default_factory=list)
    block: list[ArrayOperation] = field(default_factory=list)
    slopes: list[GradientBlock] = field(default_factory=list)
    constants: list[tuple[int, float]] = field(default_factory=list)
    lifted: set[int] = field(default_factory=set)

    def rows(self) -> int:
        """Return how many numbers a sample keeps, 8 bytes each: its inputs and all results."""
        results = sum(len(operation.places) for operation in self.block)
        return results + sum(1 for op in self.code.ops if op[0] == INPUT)

    @cached_property
    def block_size(self) -> int:
        """How many samples go in a block."""
        return max(64, BLOCK_BYTES // (8 * max(self.rows(), 1)))

    def __str__(self) -> str:
        calls = len(self.block) + len(self.column)
        once = sum(len(operation.places) for operation in self.column)
        lines = [
            f"{calls} array operations, {len(self.slopes)} gradient blocks, "
            f"{8 * self.rows()} bytes a sample" + f", {8 * once} once" * bool(once)
        ]
        for operation in [*self.column, *self.block]:
            size = f"{len(operation.places)} results"
            if operation.name == "matmul":
                groups, results, k = operation.shape
                size = f"{groups} × " * (groups > 1) + f"({results} × {k}) · ({k} × samples)"
            where = "once" if operation.space == "column" else "a sample"
            lines.append(f"  {operation.name:<12}{size}, {where}")
        lines += [
            f"  slopes      ({len(block.left)} × samples) · (samples × {len(block.right)})"
            for block in self.slopes
        ]
        return "\n".join(lines)


def make_plan(code: Code, outputs: Sequence[int], summed: bool = True) -> ArrayPlan:
    """Return the plan of code, whose outputs are summed over the samples or kept apart."""
    with paused():
        return Planner(code, outputs, summed).plan()


class Planner:
    """Puts the operations into groups, level by level: a level needs only the levels before it."""

    def __init__(self, code: Code, outputs: Sequence[int], summed: bool) -> None:
        self.code, self.outputs, self.summed = code, outputs, summed
        self.live = code.live(outputs)
        self.sums = sums_of_products(code, self.live, outputs)
        self.absorbed = {x for terms in self.sums.values() for x in terms.absorbed}
        self.space = {ONE: "column"} | spaces(code, self.live)
        self.level: dict[int, int] = {}
        self.result = ArrayPlan(code)

    def plan(self) -> ArrayPlan:
        """Return the plan: each group is one array operation, or a few where it is of sums."""
        groups: dict[Kind, list[int]] = defaultdict(list)
        slopes = self.outputs_as_sums() if self.summed else {}  # absorbs what only they need
        for place in self.live:
            if self.code.ops[place][0] in LEAVES:
                self.level[place] = 0
            elif place not in self.absorbed:
                needs = needs_of(place, self.code, self.sums)
                self.level[place] = 1 + max((self.level[x] for x in needs), default=0)
                groups[self.kind(place)].append(place)
        self.result.constants = [
            (p, self.code.ops[p][1]) for p in self.live if self.code.ops[p][0] == CONSTANT
        ]
        for kind in sorted(groups, key=lambda kind: kind[:3]):
            _, space, *_ = kind
            operations = self.result.column if space == "column" else self.result.block
            operations += self.array_operations(kind, groups[kind])
        self.result.slopes = self.gradient_blocks(slopes)
        if not self.summed:
            inputs = (place for place in self.live if self.code.ops[place][0] == INPUT)
            self.common_space((*self.outputs, *inputs))
        return self.result

    def kind(self, place: int) -> Kind:
        """Return what results of one array operation share: level, space, name, operands."""
        level, space = self.level[place], self.space[place]
        if place in self.sums:
            terms = self.sums[place]
            added = tuple(self.space[x] for x in terms.rest)
            return (level, space, "sum", len(terms.pairs), added)
        name, *args = self.code.ops[place]
        constants = self.code.constants
        kinds = [("constant", constants[x]) if x in constants else self.space[x] for x in args]
        return (level, space, name, repr(kinds))

    def array_operations(self, kind: Kind, places: list[int]) -> Iterable[ArrayOperation]:
        """Return the array operations for places of one kind: one, unless they are sums."""
        _, space, name, *_ = kind
        if name == "sum":
            return self.sum_operations(space, places)
        args = zip(*(self.code.ops[place][1:] for place in places), strict=True)
        return [ArrayOperation(name, space, tuple(places), tuple(map(self.operand, args)))]

    def operand(self, places: Sequence[int]) -> Operand:
        """Return the operand of these places, one for each result."""
        number = self.code.constants.get(places[0])
        if number is not None and len({*places}) == 1:
            return Operand("constant", number)
        return Operand(self.common_space(places), tuple(places))

    def common_space(self, places: Iterable[int]) -> str:
        """Return the one space in which all places can be read, and lift those of the column."""
        places = [*places]
        if all(self.space[place] == "column" for place in places):
            return "column"
        self.result.lifted.update(p for p in places if self.space[p] == "column" and p != ONE)
        return "block"

    # ---- sums

    def sum_operations(self, space: str, places: list[int]) -> Iterable[ArrayOperation]:
        """Yield a matmul for all sums with the same weights, "products" for the sums left over.

        Sums that share their right-hand sides are one group: their weights are a matrix. Groups of
        the same matrix are one matmul.
        """
        alone: list[int] = []
        by_right: dict[Places, list[int]] = defaultdict(list)
        weighted: dict[int, list[Pair]] = {}
        for place in places:
            pairs = self.sums[place].pairs
            ordered = [pair for pair in map(self.weight_first, pairs) if pair is not None]
            if len(ordered) < len(pairs) or not pairs:
                alone.append(place)
                continue
            weighted[place] = sorted(ordered, key=lambda pair: pair[1])
            by_right[tuple(x for _, x in weighted[place])].append(place)
        by_weights: dict[tuple[Places, ...], list[tuple[Places, list[int]]]] = defaultdict(list)
        for right, sharing in by_right.items():
            weights = tuple(tuple(w for w, _ in weighted[place]) for place in sharing)
            by_weights[weights].append((right, sharing))
        for weights, groups in by_weights.items():
            if len(weights) == len(groups) == 1 and len(weights[0]) < 3:
                alone.extend(groups[0][1])  # a matmul would take longer
            else:
                yield self.matmul(space, weights, groups)
        for size in sorted({len(self.sums[place].pairs) for place in alone}):
            same_size = [place for place in alone if len(self.sums[place].pairs) == size]
            yield self.products(space, same_size, size)

    def weight_first(self, pair: Pair) -> Pair | None:
        """Order the pair as (parameter, input-dependent); None unless exactly one is a parameter.

        Results of parameters alone count as parameters, unless both factors are such results.
        """
        is_weight = [self.space[x] == "column" for x in pair]
        if all(is_weight):
            is_weight = [self.code.ops[x][0] == PARAMETER for x in pair]
        if is_weight[0] == is_weight[1]:
            return None
        return pair if is_weight[0] else pair[::-1]

    def matmul(
        self, space: str, weights: Sequence[Places], groups: list[tuple[Places, list[int]]]
    ) -> ArrayOperation:
        """Return the matmul of the weights with each group's (right-hand sides, results)."""
        places = tuple(place for _, sharing in groups for place in sharing)
        left = Operand("column", tuple(w for row in weights for w in row))
        right = Operand(self.common_space(groups[0][0]), tuple(x for r, _ in groups for x in r))
        shape = (len(groups), len(weights), len(weights[0]))
        return ArrayOperation("matmul", space, places, (left, right), self.added(places), shape)

    def products(self, space: str, places: list[int], size: int) -> ArrayOperation:
        """Return the sums of `size` products each, whose factors are operands in turn."""
        pairs = [self.sums[place].pairs for place in places]
        operands = []
        for k in range(size):
            operands += [self.operand([pair[k][side] for pair in pairs]) for side in (0, 1)]
        return ArrayOperation("products", space, tuple(places), tuple(operands), self.added(places))

    def added(self, places: Sequence[int]) -> tuple[Operand, ...]:
        """Return the operands that are added to the products of each place."""
        each = [self.sums[place].rest for place in places]
        return tuple(self.operand(column) for column in zip(*each, strict=True))

    # ---- outputs, summed over the samples

    def outputs_as_sums(self) -> dict[int, list[Pair]]:
        """Return for each output the products whose sum it is, the later factor on the left."""
        uses = use_counts(self.code, self.live, self.outputs)
        products: dict[int, list[Pair]] = {}
        for slot, place in enumerate(self.outputs):
            pairs = [(place, ONE)]
            if uses[place] == 1 and place in self.sums:
                terms = self.sums[place]
                pairs = [*terms.pairs, *((x, ONE) for x in terms.rest)]
                self.absorbed.add(place)
            elif uses[place] == 1 and self.code.ops[place][0] == "mul":
                pairs = [self.code.ops[place][1:]]
                self.absorbed.add(place)
            products[slot] = sorted((max(pair), min(pair)) for pair in pairs)
        return products

    def gradient_blocks(self, outputs: dict[int, list[Pair]]) -> list[GradientBlock]:
        """Return the outputs as outer products: lefts that meet the same rights are one block."""
        by_left: dict[tuple[str, Places], dict[Places, int]] = defaultdict(dict)
        repeated: list[GradientBlock] = []
        for slot, pairs in outputs.items():
            left, right = (tuple(pair[i] for pair in pairs) for i in (0, 1))
            space = self.common_space((*left, *right))
            if right in by_left[space, left]:
                repeated.append(GradientBlock([[slot]], [left], [right], space))
            else:
                by_left[space, left][right] = slot
        by_rights: dict[tuple[str, tuple[Places, ...]], list[tuple[Places, dict[Places, int]]]]
        by_rights = defaultdict(list)
        for (space, left), slot_by_right in by_left.items():
            by_rights[space, tuple(sorted(slot_by_right))].append((left, slot_by_right))
        blocks = []
        for (space, rights), lefts in by_rights.items():
            slots = [[slot_by_right[right] for right in rights] for _, slot_by_right in lefts]
            blocks.append(GradientBlock(slots, [left for left, _ in lefts], list(rights), space))
        return blocks + repeated
