"""Straight-line code: one operation a line, no repeats, nothing unused, constants folded.

Only what is exact is simplified: x·1, x/1, x - 0, -(-x), x + (-z). Never x·0, which may be NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from micrograd_es.primitives import TABLE

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"
LEAVES = {INPUT, PARAMETER, CONSTANT}
COMMUTATIVE = {name for name, row in TABLE.items() if row.commutative}
NEUTRAL = {name: row.neutral for name, row in TABLE.items() if row.neutral is not None}
Op = tuple[Any, ...]  # (name, place, …); (INPUT, number), (PARAMETER, number), (CONSTANT, float)


class Code:
    """Operations in order; a place is the number of an operation. `put` appends what is new."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.known: dict[Any, int] = {}
        self.numbers: dict[int, float] = {}  # of the constants, by place
        self.shared: dict[Any, Any] = {}  # what forms have written already, by their arguments

    def leaf(self, kind: str, what: Any) -> int:
        place = self.new((kind, what), (kind, repr(what)))  # repr: 0.0 is not -0.0
        if kind == CONSTANT:
            self.numbers[place] = what
        return place

    def constant(self, number: float) -> int:
        return self.leaf(CONSTANT, float(number))

    def new(self, op: Op, key: object) -> int:
        place = self.known.get(key)
        if place is None:
            place = self.known[key] = len(self.ops)
            self.ops.append(op)
        return place

    def put(self, name: str, *args: int) -> int:
        """Return the place of an operation, simplified or met before if possible."""
        found = self.without_neutral(name, *args)
        if found is None and name in SIGNS:
            found = SIGNS[name](self, *args)
        if found is not None:
            return found
        op = (name, *args)
        swapped = name in COMMUTATIVE and args[0] > args[1]
        return self.new(op, (name, args[1], args[0]) if swapped else op)

    def without_neutral(self, name: str, *args: int) -> int | None:
        """Return the other operand of x + 0, x · 1 and their like, if it is one."""
        neutral = NEUTRAL.get(name)
        if neutral is None:
            return None
        a, b = args
        if self.numbers.get(b) == neutral:
            return a
        return b if name in COMMUTATIVE and self.numbers.get(a) == neutral else None

    def count(self, outputs: Iterable[int]) -> int:
        """Return how many operations the outputs need."""
        return sum(self.ops[place][0] not in LEAVES for place in self.live(outputs))

    def live(self, outputs: Iterable[int]) -> list[int]:
        """Return the places that the outputs need, in order."""
        wanted = set(outputs)
        for place in range(len(self.ops) - 1, -1, -1):
            if place in wanted and self.ops[place][0] not in LEAVES:
                wanted.update(self.ops[place][1:])
        return sorted(wanted)


# ---- what is exact, up to the sign of zero -------------------------------------------------------


def signs_of_add(code: Code, a: int, b: int) -> int | None:
    if code.ops[a][0] == "neg":
        return code.put("sub", b, code.ops[a][1])
    return code.put("sub", a, code.ops[b][1]) if code.ops[b][0] == "neg" else None


def signs_of_sub(code: Code, a: int, b: int) -> int | None:
    if code.numbers.get(a) == 0:
        return code.put("neg", b)
    return code.put("add", a, code.ops[b][1]) if code.ops[b][0] == "neg" else None


def signs_of_mul(code: Code, a: int, b: int) -> int | None:
    for factor, other in ((a, b), (b, a)):
        if code.numbers.get(factor) == -1:
            return code.put("neg", other)
    return None


SIGNS: dict[str, Callable[..., int | None]] = {
    "add": signs_of_add,
    "sub": signs_of_sub,
    "mul": signs_of_mul,
    "neg": lambda code, a: int(code.ops[a][1]) if code.ops[a][0] == "neg" else None,
    "identity": lambda code, a: a,
}


def renumbered(code: Code, outputs: Sequence[int]) -> tuple[Code, dict[int, int]]:
    """Return the code without what the outputs do not need, to be read, and all new places."""
    made = Code()
    place = {old: new for new, old in enumerate(code.live(outputs))}
    for old in place:
        name, *args = code.ops[old]
        made.ops.append((name, *(args if name in LEAVES else [place[arg] for arg in args])))
    made.numbers = {place[old]: x for old, x in code.numbers.items() if old in place}
    return made, place
