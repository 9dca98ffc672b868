"""Straight-line code as few array operations: the matrices are rediscovered from the scalars.

What depends on no input is computed once a call (the column); the rest for every sample (the rows
of a block). Scalars of one kind at one level become one operation on consecutive rows; sums of
products that share their right-hand sides become one matmul, and so do slopes with an outer shape.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from micrograd_es.collector import paused
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code

BLOCK = 2**20  # bytes of a block of samples: what stays in a core's cache
ONE = -1  # in place of a factor: a sum is a sum of products with 1
Pair = tuple[int, int]
Kind = tuple[Any, ...]
Places = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Operand:
    """What a step reads: rows of the block, entries of the column, or one constant."""

    space: str  # "block", "column" or "constant"
    what: Any  # the places, in order; or the number


@dataclass(frozen=True, slots=True)
class Step:
    """One array operation: its results are `places`, consecutive in its space.

    name  of the operation; "matmul" of weights (m × k) with k results for each of several groups;
          "products", a sum of k products for each result; "sums"
    """

    name: str
    space: str
    places: tuple[int, ...]
    operands: tuple[Operand, ...]
    extra: tuple[Operand, ...] = ()  # what is added to each result: a bias
    shape: tuple[int, ...] = ()  # of a matmul: groups, results of each, k


@dataclass(frozen=True, slots=True)
class Slopes:
    """A block of the gradient: slots[i][j] += Σ left[i] · right[j], over samples and terms.

    left and right are places, a tuple of terms for each; slots are the numbers of the outputs.
    """

    slots: list[list[int]]
    left: list[tuple[int, ...]]
    right: list[tuple[int, ...]]
    space: str


@dataclass
class Plan:
    """The steps of a program, for the column and for a block, and how its outputs are summed."""

    code: Code
    column: list[Step] = field(default_factory=list)
    block: list[Step] = field(default_factory=list)
    slopes: list[Slopes] = field(default_factory=list)
    constants: list[tuple[int, float]] = field(default_factory=list)
    lifted: set[int] = field(default_factory=set)  # of the column, as rows of the block too

    def rows(self) -> int:
        """Return the numbers of a sample that are alive at once: 8 bytes each."""
        results = sum(len(step.places) for step in self.block)
        inputs = sum(1 for op in self.code.ops if op[0] == INPUT)
        return results + inputs

    @cached_property
    def block_size(self) -> int:
        """How many samples go in a block."""
        return max(64, BLOCK // (8 * max(self.rows(), 1)))

    def __str__(self) -> str:
        calls = len(self.block) + len(self.column)
        once = sum(len(step.places) for step in self.column)
        lines = [
            f"{calls} array operations, {len(self.slopes)} gradient blocks, "
            f"{8 * self.rows()} bytes a sample" + f", {8 * once} once" * bool(once)
        ]
        for step in [*self.column, *self.block]:
            size = f"{len(step.places)} results"
            if step.name == "matmul":
                groups, results, k = step.shape
                size = f"{groups} × " * (groups > 1) + f"({results} × {k}) · ({k} × samples)"
            where = "once" if step.space == "column" else "a sample"
            lines.append(f"  {step.name:<12}{size}, {where}")
        lines += [
            f"  slopes      ({len(block.left)} × samples) · (samples × {len(block.right)})"
            for block in self.slopes
        ]
        return "\n".join(lines)


def planned(code: Code, outputs: Sequence[int], summed: bool = True) -> Plan:
    """Return the plan of code, whose outputs are summed over the samples or kept apart."""
    with paused():
        return Planner(code, outputs, summed).plan()


class Planner:
    """Puts the operations into groups, level by level."""

    def __init__(self, code: Code, outputs: Sequence[int], summed: bool) -> None:
        self.code, self.outputs, self.summed = code, outputs, summed
        self.live = code.live(outputs)
        self.sums = sums_of_products(code, self.live, outputs)
        self.inside = {x for terms in self.sums.values() for x in terms.swallowed}
        self.space = spaces(code, self.live)
        self.level: dict[int, int] = {}
        self.result = Plan(code)

    def plan(self) -> Plan:
        groups: dict[Kind, list[int]] = defaultdict(list)
        slopes = self.summed_outputs() if self.summed else {}  # may swallow what only they need
        for place in self.live:
            op = self.code.ops[place]
            if op[0] in LEAVES:
                self.level[place] = 0
            elif place not in self.inside:
                needs = self.needs(place)
                self.level[place] = 1 + max((self.level[x] for x in needs), default=0)
                groups[self.kind(place)].append(place)
        self.result.constants = [
            (p, self.code.ops[p][1]) for p in self.live if self.code.ops[p][0] == CONSTANT
        ]
        for kind in sorted(groups, key=lambda kind: kind[:3]):
            for step in self.steps(kind, groups[kind]):
                (self.result.column if step.space == "column" else self.result.block).append(step)
        self.result.slopes = self.blocks(slopes)
        if not self.summed:
            self.space_of((*self.outputs, *(p for p in self.live if self.code.ops[p][0] == INPUT)))
        return self.result

    def needs(self, place: int) -> Iterable[int]:
        if place in self.sums:
            terms = self.sums[place]
            return [x for pair in terms.pairs for x in pair] + terms.rest
        return self.code.ops[place][1:]

    def kind(self, place: int) -> Kind:
        """Return what the results of one step have in common: level, space, name, operands."""
        level, space = self.level[place], self.space[place]
        if place in self.sums:
            terms = self.sums[place]
            bias = tuple(self.space[x] for x in terms.rest)
            return (level, space, "sum", len(terms.pairs), bias)
        name, *args = self.code.ops[place]
        kinds = tuple(
            ("constant", self.code.numbers[arg]) if arg in self.code.numbers
            else (self.space[arg], None) for arg in args
        )  # fmt: skip
        return (level, space, name, repr(kinds))

    def steps(self, kind: Kind, places: list[int]) -> list[Step]:
        _, space, name, *_ = kind
        if name == "sum":
            return list(self.sum_steps(space, places))
        args = zip(*(self.code.ops[place][1:] for place in places), strict=True)
        return [Step(name, space, tuple(places), tuple(map(self.operand, args)))]

    def operand(self, places: Sequence[int]) -> Operand:
        number = self.code.numbers.get(places[0])
        if number is not None and len({*places}) == 1:
            return Operand("constant", number)
        return Operand(self.space_of(places), tuple(places))

    def sum_steps(self, space: str, places: list[int]) -> Iterable[Step]:
        """Yield matmuls for sums with a column on the left and shared right-hand sides."""
        alone: list[int] = []
        by_right: dict[Places, list[int]] = defaultdict(list)
        turned: dict[int, list[Pair]] = {}
        for place in places:
            pairs = self.sums[place].pairs
            weighted = [one for pair in pairs if (one := self.turned(pair)) is not None]
            if len(weighted) < len(pairs) or not pairs:
                alone.append(place)
                continue
            turned[place] = sorted(weighted, key=lambda pair: pair[1])
            by_right[tuple(x for _, x in turned[place])].append(place)
        by_weights: dict[tuple[Places, ...], list[tuple[Places, list[int]]]] = defaultdict(list)
        for right, sharing in by_right.items():
            weights = tuple(tuple(w for w, _ in turned[place]) for place in sharing)
            by_weights[weights].append((right, sharing))
        for weights, found in by_weights.items():
            groups = [sharing for _, sharing in found]
            if len(weights) == len(groups) == 1 and len(weights[0]) < 3:
                alone.extend(groups[0])
                continue
            everything = tuple(place for sharing in groups for place in sharing)
            left = Operand("column", tuple(w for row in weights for w in row))
            others = Operand(self.space_of(found[0][0]), tuple(x for r, _ in found for x in r))
            shape = (len(groups), len(weights), len(weights[0]))
            yield Step("matmul", space, everything, (left, others), self.rest(everything), shape)
        for size in sorted({len(self.sums[place].pairs) for place in alone}):
            same_size = [place for place in alone if len(self.sums[place].pairs) == size]
            yield self.products(space, same_size, size)

    def products(self, space: str, places: list[int], size: int) -> Step:
        pairs = [self.sums[place].pairs for place in places]
        operands = []
        for k in range(size):
            operands += [self.operand([pair[k][side] for pair in pairs]) for side in (0, 1)]
        return Step("products", space, tuple(places), tuple(operands), self.rest(places))

    def rest(self, places: Sequence[int]) -> tuple[Operand, ...]:
        each = [self.sums[place].rest for place in places]
        return tuple(self.operand(column) for column in zip(*each, strict=True))

    def space_of(self, places: Iterable[int]) -> str:
        """Return "block" if one of the places is there; what else there is, is lifted into it."""
        places = [*places]
        if all(self.space[place] == "column" for place in places):
            return "column"
        self.result.lifted.update(p for p in places if self.space[p] == "column" and p != ONE)
        return "block"

    def turned(self, pair: Pair) -> Pair | None:
        """Return a product with its weight on the left; None if there is none, or two."""
        weight = [self.space[x] == "column" for x in pair]
        if all(weight):
            weight = [self.code.ops[x][0] == PARAMETER for x in pair]
        if weight[0] == weight[1]:
            return None
        return pair if weight[0] else pair[::-1]

    # ---- outputs, summed over the samples

    def summed_outputs(self) -> dict[int, list[Pair]]:
        """Return for each output the products whose sum it is, of which the left one is later."""
        uses = use_counts(self.code, self.live, self.outputs)
        found: dict[int, list[Pair]] = {}
        for slot, place in enumerate(self.outputs):
            pairs = [(place, ONE)]
            if uses[place] == 1 and place in self.sums:
                terms = self.sums[place]
                pairs = [*terms.pairs, *((x, ONE) for x in terms.rest)]
                self.inside.add(place)
            elif uses[place] == 1 and self.code.ops[place][0] == "mul":
                pairs = [self.code.ops[place][1:]]
                self.inside.add(place)
            found[slot] = sorted((max(pair), min(pair)) for pair in pairs)
        return found

    def blocks(self, outputs: dict[int, list[Pair]]) -> list[Slopes]:
        """Return the outputs as outer products of left and right factors."""
        by_left: dict[tuple[str, Places], dict[Places, int]] = defaultdict(dict)
        again: list[Slopes] = []
        for slot, pairs in outputs.items():
            left, right = (tuple(pair[i] for pair in pairs) for i in (0, 1))
            space = self.space_of((*left, *right))
            if right in by_left[space, left]:
                again.append(Slopes([[slot]], [left], [right], space))
            else:
                by_left[space, left][right] = slot
        by_rights: dict[tuple[str, tuple[Places, ...]], list[tuple[Places, dict[Places, int]]]]
        by_rights = defaultdict(list)
        for (space, left), known in by_left.items():
            by_rights[space, tuple(sorted(known))].append((left, known))
        made = []
        for (space, rights), lefts in by_rights.items():
            slots = [[known[right] for right in rights] for _, known in lefts]
            made.append(Slopes(slots, [left for left, _ in lefts], list(rights), space))
        return made + again


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of products, the rest that is added, and the places that it swallows."""

    pairs: list[Pair]
    rest: list[int]
    swallowed: list[int]

    def size(self) -> int:
        return len(self.pairs) + len(self.rest) + len(self.swallowed)

    def take(self, other: Terms) -> None:
        self.pairs.extend(other.pairs)
        self.rest.extend(other.rest)
        self.swallowed.extend(other.swallowed)


def use_counts(code: Code, live: Sequence[int], outputs: Sequence[int]) -> Counter[int]:
    ops = (code.ops[place] for place in live)
    uses = Counter(chain.from_iterable(op[1:] for op in ops if op[0] not in LEAVES))
    uses.update(outputs)
    return uses


def sums_of_products(code: Code, live: Sequence[int], outputs: Sequence[int]) -> dict[int, Terms]:
    """Return every chain of additions as one sum: of products that nothing else needs, and rest."""
    uses = use_counts(code, live, outputs)
    found: dict[int, Terms] = {}
    for place in live:
        name, *args = code.ops[place]
        if name != "add":
            continue
        sums = {x: found.pop(x) for x in args if uses[x] == 1 and x in found}
        terms = max(sums.values(), key=Terms.size) if sums else Terms([], [], [])  # not to copy it
        for x in args:
            op = code.ops[x]
            if x in sums:
                terms.swallowed.append(x)
                if sums[x] is not terms:
                    terms.take(sums[x])
            elif uses[x] == 1 and op[0] == "mul":
                terms.swallowed.append(x)
                terms.pairs.append(op[1:])
            else:
                terms.rest.append(x)
        found[place] = terms
    return {p: t for p, t in found.items() if t.pairs or len(t.rest) > 2}


def spaces(code: Code, live: Sequence[int]) -> dict[int, str]:
    """Return where each place lives: in the block if it depends on an input, else in the column."""
    block: set[int] = set()
    for place in live:
        name, *args = code.ops[place]
        if name == INPUT or (name not in LEAVES and not block.isdisjoint(args)):
            block.add(place)
    return {ONE: "column"} | {place: "block" if place in block else "column" for place in live}
