"""What backends ask of code before they run it: its sums of products, and what a sample changes.

    sums_of_products(code, live, outputs)   chains of additions as Σ aᵢ·bᵢ + Σ rest
    needs_of(place, code, sums)             the operands of a place, those of a sum at once
    use_counts(code, live, outputs)         how often each place is needed
    spaces(code, live)                      what depends on an input: "block"; else "column"

A neuron, w0·x0 + w1·x1 + b, is four operations and one sum: the pairs (w0, x0) and (w1, x1), and
the rest b. The numpy backend makes a matmul of such sums, the interpreter one long instruction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from micrograd_es.compiler.code import INPUT, LEAVES, Code

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SumOfProducts:
    """A chain of additions as Σ aᵢ·bᵢ + Σ rest; `absorbed` are the operations that disappear."""

    pairs: list[Pair]
    rest: list[int]
    absorbed: list[int]

    def size(self) -> int:
        """Return how many places it lists, which is what copying it costs."""
        return len(self.pairs) + len(self.rest) + len(self.absorbed)

    def extend(self, other: SumOfProducts) -> None:
        """Add another sum to this one."""
        self.pairs.extend(other.pairs)
        self.rest.extend(other.rest)
        self.absorbed.extend(other.absorbed)


def use_counts(code: Code, live: Sequence[int], outputs: Sequence[int]) -> Counter[int]:
    """Return how often each place is an operand or an output."""
    ops = (code.ops[place] for place in live)
    uses = Counter(chain.from_iterable(op[1:] for op in ops if op[0] not in LEAVES))
    uses.update(outputs)
    return uses


def sums_of_products(
    code: Code, live: Sequence[int], outputs: Sequence[int]
) -> dict[int, SumOfProducts]:
    """Return {place: sum} for the last addition of each chain.

    Additions and products that only the chain needs are absorbed; other terms are its rest.
    """
    uses = use_counts(code, live, outputs)
    chains: dict[int, SumOfProducts] = {}
    for place in live:
        name, *args = code.ops[place]
        if name != "add":
            continue
        parts = {x: chains.pop(x) for x in args if uses[x] == 1 and x in chains}
        # the longest one is extended, so that a long chain is not copied at each addition
        terms = max(parts.values(), key=SumOfProducts.size, default=SumOfProducts([], [], []))
        for x in args:
            op = code.ops[x]
            if x in parts:
                terms.absorbed.append(x)
                if parts[x] is not terms:
                    terms.extend(parts[x])
            elif uses[x] == 1 and op[0] == "mul":
                terms.absorbed.append(x)
                terms.pairs.append(op[1:])
            else:
                terms.rest.append(x)
        chains[place] = terms
    return {place: sum for place, sum in chains.items() if sum.pairs or len(sum.rest) > 2}


def needs_of(place: int, code: Code, sums: dict[int, SumOfProducts]) -> Sequence[int]:
    """Return the operands of a place; of a sum, its rest and then the factors of its products."""
    if place in sums:
        return [*sums[place].rest, *chain.from_iterable(sums[place].pairs)]
    name, *args = code.ops[place]
    return () if name in LEAVES else args


def spaces(code: Code, live: Sequence[int]) -> dict[int, str]:
    """Return the space of each place: "block" if it depends on an input, else "column"."""
    block: set[int] = set()
    for place in live:
        name, *args = code.ops[place]
        if name == INPUT or (name not in LEAVES and not block.isdisjoint(args)):
            block.add(place)
    return {place: "block" if place in block else "column" for place in live}
