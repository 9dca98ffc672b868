"""Straight-line code: one operation a line, no repeats, nothing unused, constants folded.

Only what is exact is simplified: x·1, x/1, x - 0, -(-x), x + (-z). Never x·0, which may be NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"
LEAVES = {INPUT, PARAMETER, CONSTANT}
COMMUTATIVE = {"add", "mul"}
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

    def new(self, op: Op, key: Any) -> int:
        place = self.known.get(key)
        if place is None:
            place = self.known[key] = len(self.ops)
            self.ops.append(op)
        return place

    def put(self, name: str, *args: int) -> int:
        """Return the place of an operation, simplified or met before if possible."""
        simple = SIMPLER.get(name)
        if simple is not None and (found := simple(self, *args)) is not None:
            return found
        op = (name, *args)
        swapped = name in COMMUTATIVE and args[0] > args[1]
        return self.new(op, (name, args[1], args[0]) if swapped else op)

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


def simpler_add(code: Code, a: int, b: int) -> int | None:
    numbers, ops = code.numbers, code.ops
    if numbers.get(a) == 0:
        return b
    if numbers.get(b) == 0:
        return a
    if ops[a][0] == "neg":
        return code.put("sub", b, ops[a][1])
    return code.put("sub", a, ops[b][1]) if ops[b][0] == "neg" else None


def simpler_sub(code: Code, a: int, b: int) -> int | None:
    if code.numbers.get(b) == 0:
        return a
    if code.numbers.get(a) == 0:
        return code.put("neg", b)
    return code.put("add", a, code.ops[b][1]) if code.ops[b][0] == "neg" else None


def simpler_mul(code: Code, a: int, b: int) -> int | None:
    if b in code.numbers:
        a, b = b, a
    number = code.numbers.get(a)
    if number == 1:
        return b
    return code.put("neg", b) if number == -1 else None


def simpler_div(code: Code, a: int, b: int) -> int | None:
    return a if code.numbers.get(b) == 1 else None


def simpler_neg(code: Code, a: int) -> int | None:
    return int(code.ops[a][1]) if code.ops[a][0] == "neg" else None


SIMPLER: dict[str, Callable[..., int | None]] = {
    "add": simpler_add,
    "sub": simpler_sub,
    "mul": simpler_mul,
    "div": simpler_div,
    "neg": simpler_neg,
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
