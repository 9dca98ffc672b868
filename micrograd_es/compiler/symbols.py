"""What a function that is traced may do with its symbols, and what a comparison of them is.

Tracing      the guard: what depends on inputs or parameters is no number
Condition    a comparison that is neither true nor false: `where` chooses by it, & | ~ combine some
CHOICES      the rows that `where` makes of a condition
"""

# mypy: disable-error-code="has-type"
# because a rule names its own row, and looks it up when it is asked.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from micrograd_es.coercion import Undecided, describe, guard
from micrograd_es.errors import TraceError
from micrograd_es.explanation.diagnosis import line_of_user
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, topological_order

# What `where` makes of a condition. The slope goes to the branch chosen, by the same choice.
# fmt: off
if_less    = Primitive("if_less",    lambda a, b, x, z: x if a < b else z,
                       (0, 0, lambda y, a, b, x, z: if_less(a, b, 1, 0),    lambda y, a, b, x, z: if_less(a, b, 0, 1)))  # noqa: E501  # a table
if_at_most = Primitive("if_at_most", lambda a, b, x, z: x if a <= b else z,
                       (0, 0, lambda y, a, b, x, z: if_at_most(a, b, 1, 0), lambda y, a, b, x, z: if_at_most(a, b, 0, 1)))  # noqa: E501  # a table
if_equal   = Primitive("if_equal",   lambda a, b, x, z: x if a == b else z,
                       (0, 0, lambda y, a, b, x, z: if_equal(a, b, 1, 0),   lambda y, a, b, x, z: if_equal(a, b, 0, 1)))  # noqa: E501  # a table
# fmt: on
CHOICES: dict[str, tuple[Primitive, bool, bool]] = {  # row, operands swapped, branches swapped
    "lt": (if_less, False, False),
    "gt": (if_less, True, False),
    "le": (if_at_most, False, False),
    "ge": (if_at_most, True, False),
    "eq": (if_equal, False, False),
    "ne": (if_equal, False, True),
}
WHY = (
    "while a function is compiled, a Value has no number, and a branch on it would be frozen; "
    "write where(x > 0, a, b), maximum, minimum, step or abs, and functions of micrograd_es in "
    "place of math.*"
)
INERT = (type(None), str, bytes, list, tuple, dict, set, frozenset)  # no number is equal to one


class Tracing:
    """The guard of a trace: what depends on its symbols, the inputs and parameters, is no number.

    symbolic   whether a Value depends on them, of those met so far
    constants  the leaves that do not, and were asked for their number other than by .data, which
               says: as a constant
    shares     the products by which a gradient goes on
    refused    the first refusal; it counts although the function may catch it
    equality   "file:line" of the first choice by an equality
    """

    lenient = True

    def __init__(self, symbols: Sequence[Value]) -> None:
        self.around = guard()  # of the trace in which this one is made
        self.symbolic = dict.fromkeys(symbols, True)
        self.listed = dict.fromkeys(symbols, True)
        self.constants: set[Value] = set()
        self.shares: set[Value] = set()
        self.share = self.shares.add
        self.refused: TraceError | None = None
        self.equality: str | None = None

    def holds(self, *nodes: Value) -> bool:
        """Whether one of the nodes is a symbol: it is an input or parameter, or depends on one."""
        for node in nodes:
            for new in topological_order(node, self.listed):
                self.symbolic[new] = any(self.symbolic[arg] for arg in new.args)
        return any(self.symbolic[node] for node in nodes)

    def refuse(self, what: str, instead: str = "") -> NoReturn:
        """Raise the error of a function that asks for a number where there is none yet."""
        error = TraceError(f"{what} at {line_of_user()}: {instead}{WHY}")
        self.refused = self.refused or error
        raise error

    def read(self, node: Value, what: str) -> None:
        if self.holds(node):
            self.refuse(f"the function {what} of a Value")
        if self.around is not None:
            self.around.read(node, what)
        if what != "reads .data":
            self.constants.update(v for v in topological_order(node) if v.primitive is None)

    def write(self, node: Value, what: str) -> None:
        if self.holds(node):
            self.refuse(f"the function {what} of a Value")
        if self.around is not None:
            self.around.write(node, what)

    def preview(self, node: Value) -> str | None:
        return f"<symbol {node.name or ''}>" if self.holds(node) else None

    def compare(self, name: str, node: Value, other: object) -> Any:
        """Return a condition; NotImplemented where no symbol is compared with a number."""
        if type(other) is Condition:
            refuse_number(other)
        values = [v for v in (node, other) if type(v) is Value]
        if not self.holds(*values):
            for v in values:
                self.read(v, "compares the number")
            return NotImplemented
        if type(other) in INERT:
            return NotImplemented
        try:
            return Condition(self, name in ("eq", "ne"), choice(name, node, as_value(other)))
        except TypeError:
            self.refuse(f"the function compares a Value with {describe(other)}")


Pick = Callable[[Any, Any], Value]  # (then, otherwise) -> the node that is one of them


def choice(name: str, a: Value, b: Value) -> Pick:
    """Return the function that makes the node of a choice by a comparison."""
    row, swap_operands, swap_branches = CHOICES[name]
    a, b = (b, a) if swap_operands else (a, b)
    if swap_branches:
        return lambda x, z: row.node(a, b, z, x)
    return lambda x, z: row.node(a, b, x, z)


class Condition(Undecided):
    """Comparisons of symbols, neither true nor false: `where` chooses by it later.

    `&`, `|` and `~` combine conditions. All else that a bool can do is refused.
    """

    __slots__ = ("equality", "pick", "tracing")

    def __init__(self, tracing: Tracing, equality: bool, pick: Pick) -> None:
        self.tracing, self.equality, self.pick = tracing, equality, pick

    def choose(self, then: object, otherwise: object) -> Value:
        """Return the node that is one or the other; both are traced, only one will count."""
        if self.equality and self.tracing.equality is None:
            self.tracing.equality = line_of_user()
        return self.pick(*(as_value(x() if callable(x) else x) for x in (then, otherwise)))

    def refuse(self, what: str) -> NoReturn:
        """Raise the error of a function that asks a condition whether it holds."""
        self.tracing.refuse(
            what, "it is a condition; where(condition, a, b) chooses by it, & | ~ combine some; "
        )

    def combined(self, other: Condition, pick: Pick) -> Condition:
        """Return a condition made of two."""
        return Condition(self.tracing, self.equality or other.equality, pick)

    def __and__(self, other: object) -> Condition | bool:
        if type(other) is bool:
            return self if other else False
        if not isinstance(other, Condition):
            self.refuse("& of a comparison and something else")
        return self.combined(other, lambda x, z: self.pick(other.pick(x, z), z))

    def __or__(self, other: object) -> Condition | bool:
        if type(other) is bool:
            return True if other else self
        if not isinstance(other, Condition):
            self.refuse("| of a comparison and something else")
        return self.combined(other, lambda x, z: self.pick(x, other.pick(x, z)))

    def __invert__(self) -> Condition:
        return self.combined(self, lambda x, z: self.pick(z, x))

    __rand__, __ror__ = __and__, __or__

    def __repr__(self) -> str:
        if guard() is not None:  # a text can be branched on as well
            self.refuse("the text of a comparison")
        return "<a comparison of symbols>"

    def __bool__(self) -> bool:  # noqa: PLE0304  # it never returns
        self.refuse("a branch on a comparison")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a condition has no {name}")


def refuse_number(condition: Condition, *others: object) -> NoReturn:
    """Refuse what else can be done with a bool: it would be done with one that is not known yet."""
    condition.refuse("a comparison taken for a number")


COMPARISONS = {f"__{name}__" for name in CHOICES}
for name in {*dir(bool)} - {*dir(object)} - {*vars(Condition)} | COMPARISONS | {"__hash__"}:
    is_method = callable(getattr(bool, name))
    setattr(Condition, name, refuse_number if is_method else property(refuse_number))
