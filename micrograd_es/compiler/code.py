"""Straight-line code: a list of operations, each on the results of earlier ones.

    Code            the operations; `put` appends one, unless the code has it already
    Code.live       the operations that some outputs need
    Code.assign     the code as assignments, `v0 = …`, in whatever language
    compact         the code without what its outputs do not need

w·x + w·x, for an input x and a parameter w, is code of four places:

    0  (input, 0)
    1  (parameter, 0)
    2  (mul, 1, 0)
    3  (add, 2, 2)

`put` simplifies only what stays exact for every float: x·1, x/1, x - 0, -(-x), x + (-z); never x·0,
which is NaN where x is infinite. Which operations there are is decided elsewhere: they are rows of
the table in linear.py, and basic operations after lowering.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from micrograd_es.primitives import TABLE

INPUT, PARAMETER, CONSTANT = "input", "parameter", "constant"
LEAVES = {INPUT, PARAMETER, CONSTANT}
COMMUTATIVE = {name for name, row in TABLE.items() if row.commutative}
NEUTRAL = {name: row.neutral for name, row in TABLE.items() if row.neutral is not None}
Op = tuple[Any, ...]  # (name, place, …); (INPUT, number), (PARAMETER, number), (CONSTANT, float)


class Code:
    """Operations in order; the place of an operation is its number in that order.

    ops        the operations
    constants  the number of each constant, by its place
    memo       what forms have written already, by their arguments, so that it is written once
    """

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.constants: dict[int, float] = {}
        self.memo: dict[Any, Any] = {}
        self.places: dict[Any, int] = {}  # of the operations in the code, to find one again

    def leaf(self, kind: str, content: Any) -> int:
        """Return the place of an input or parameter of a number, or of a constant."""
        place = self.find_or_append((kind, content), (kind, repr(content)))  # repr: 0.0, not -0.0
        if kind == CONSTANT:
            self.constants[place] = content
        return place

    def constant(self, number: float) -> int:
        """Return the place of a constant."""
        return self.leaf(CONSTANT, float(number))

    def find_or_append(self, op: Op, key: object) -> int:
        """Return the place of the operation of this key; append it if there is none yet."""
        place = self.places.get(key)
        if place is None:
            place = self.places[key] = len(self.ops)
            self.ops.append(op)
        return place

    def put(self, name: str, *args: int) -> int:
        """Return the place of an operation's result, simplified or found again where possible."""
        place = self.drop_neutral(name, *args)
        if place is None and name in SIMPLIFICATIONS:
            place = SIMPLIFICATIONS[name](self, *args)
        if place is not None:
            return place
        op = (name, *args)
        swap = name in COMMUTATIVE and args[0] > args[1]
        return self.find_or_append(op, (name, args[1], args[0]) if swap else op)

    def drop_neutral(self, name: str, *args: int) -> int | None:
        """Return x where the operation is x + 0, x · 1 or the like; else None."""
        neutral = NEUTRAL.get(name)
        if neutral is None:
            return None
        a, b = args
        if self.constants.get(b) == neutral:
            return a
        return b if name in COMMUTATIVE and self.constants.get(a) == neutral else None

    def count(self, outputs: Iterable[int]) -> int:
        """Return how many operations the outputs need."""
        return sum(self.ops[place][0] not in LEAVES for place in self.live(outputs))

    def input_count(self) -> int:
        """Return how many columns are read: one more than the largest number of an input."""
        return 1 + max((op[1] for op in self.ops if op[0] == INPUT), default=-1)

    def live(self, outputs: Iterable[int]) -> list[int]:
        """Return the places that the outputs need, in order (compilers call them live)."""
        live = set(outputs)
        for place in range(len(self.ops) - 1, -1, -1):
            if place in live and self.ops[place][0] not in LEAVES:
                live.update(self.ops[place][1:])
        return sorted(live)

    def assign(
        self,
        outputs: Iterable[int],
        leaf: Mapping[str, Callable[[Any], str]],
        expression: Callable[[str, list[int], dict[int, str]], tuple[str, str]],
    ) -> tuple[list[str], dict[int, str]]:
        """Return what the outputs need as text, `v0 = …` a line, and the name of each place.

        leaf        how each kind of leaf is written
        expression  how an operation is written: (name, args, names so far) → (text, subscript); a
                    text that is there already is not written again, so that operations which are
                    components of one list share it: v3[0], v3[1]
        """
        variables: dict[str, str] = {}  # by the text that is assigned to them
        names: dict[int, str] = {}
        for place in self.live(outputs):
            name, *args = self.ops[place]
            if name in LEAVES:
                names[place] = leaf[name](args[0])
            elif name == "detach":  # it only stops slopes, and those are operations by now
                names[place] = names[args[0]]
            else:
                text, subscript = expression(name, args, names)
                names[place] = variables.setdefault(text, f"v{len(variables)}") + subscript
        return [f"{variable} = {text}" for text, variable in variables.items()], names


# ---- simplifications: exact, up to the sign of zero ----------------------------------------------


def simplify_add(code: Code, a: int, b: int) -> int | None:
    """Return -x + z as z - x, and x + (-z) as x - z."""
    if code.ops[a][0] == "neg":
        return code.put("sub", b, code.ops[a][1])
    return code.put("sub", a, code.ops[b][1]) if code.ops[b][0] == "neg" else None


def simplify_sub(code: Code, a: int, b: int) -> int | None:
    """Return 0 - x as -x, and x - (-z) as x + z."""
    if code.constants.get(a) == 0:
        return code.put("neg", b)
    return code.put("add", a, code.ops[b][1]) if code.ops[b][0] == "neg" else None


def simplify_mul(code: Code, a: int, b: int) -> int | None:
    """Return -1 · x as -x."""
    for factor, other in ((a, b), (b, a)):
        if code.constants.get(factor) == -1:
            return code.put("neg", other)
    return None


SIMPLIFICATIONS: dict[str, Callable[..., int | None]] = {
    "add": simplify_add,
    "sub": simplify_sub,
    "mul": simplify_mul,
    "neg": lambda code, a: int(code.ops[a][1]) if code.ops[a][0] == "neg" else None,
    "identity": lambda code, a: a,
}


def compact(code: Code, outputs: Sequence[int]) -> tuple[Code, dict[int, int]]:
    """Return a copy without what the outputs do not need, and the new place of each old one.

    The copy is to be read: `put` finds nothing again in it.
    """
    copy = Code()
    place = {old: new for new, old in enumerate(code.live(outputs))}
    for old in place:
        name, *args = code.ops[old]
        copy.ops.append((name, *(args if name in LEAVES else [place[arg] for arg in args])))
    copy.constants = {place[old]: x for old, x in code.constants.items() if old in place}
    return copy, place
