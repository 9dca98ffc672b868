"""What a function may do with symbols while it is traced, and what a comparison of them is.

    Tracing        the guard: what depends on inputs or parameters has no number
    Condition      a comparison that is neither true nor false: `where` chooses by it later, and
                   &, | and ~ combine several
    CHOICE_ROWS    the rows that `where` makes of a condition; CHOICE_NAMES, what they are called

So in `where(x > 0, x, 0)` the comparison is a Condition, and the node is if_less(0, x, x, 0). Who
runs the function and what becomes of the graph is in trace.py.
"""

# mypy: disable-error-code="has-type"
# because a rule names its own row, which exists by the time the rule is called.

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NoReturn

from micrograd_es.coercion import Undecided, describe, guard
from micrograd_es.errors import TraceError
from micrograd_es.explanation.diagnosis import line_of_user
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, topological_order

# if_less(a, b, x, z) is x where a < b, else z. Its slope goes to the branch chosen, by the same
# choice, so that no rule branches.
# fmt: off
if_less    = Primitive("if_less",    lambda a, b, x, z: x if a < b else z,
                       (0, 0, lambda y, a, b, x, z: if_less(a, b, 1, 0),    lambda y, a, b, x, z: if_less(a, b, 0, 1)))  # noqa: E501  # a table
if_at_most = Primitive("if_at_most", lambda a, b, x, z: x if a <= b else z,
                       (0, 0, lambda y, a, b, x, z: if_at_most(a, b, 1, 0), lambda y, a, b, x, z: if_at_most(a, b, 0, 1)))  # noqa: E501  # a table
if_equal   = Primitive("if_equal",   lambda a, b, x, z: x if a == b else z,
                       (0, 0, lambda y, a, b, x, z: if_equal(a, b, 1, 0),   lambda y, a, b, x, z: if_equal(a, b, 0, 1)))  # noqa: E501  # a table
# fmt: on
CHOICE_ROWS = (if_less, if_at_most, if_equal)
CHOICE_NAMES = tuple(row.name for row in CHOICE_ROWS)
NODE_OF_CHOICE: dict[str, Callable[..., Value]] = {  # where(a < b, x, z) and so on
    "lt": lambda a, b, x, z: if_less.node(a, b, x, z),
    "gt": lambda a, b, x, z: if_less.node(b, a, x, z),
    "le": lambda a, b, x, z: if_at_most.node(a, b, x, z),
    "ge": lambda a, b, x, z: if_at_most.node(b, a, x, z),
    "eq": lambda a, b, x, z: if_equal.node(a, b, x, z),
    "ne": lambda a, b, x, z: if_equal.node(a, b, z, x),
}
WHY_REFUSED = (
    "while a function is compiled, a Value has no number, and a branch on it would be frozen; "
    "write where(x > 0, a, b), maximum, minimum, step or abs, and functions of micrograd_es in "
    "place of math.*"
)
NO_NUMBERS = (type(None), str, bytes, list, tuple, dict, set, frozenset)  # never equal to one


class Tracing:
    """The guard of a trace: it refuses to give the number of what depends on a symbol.

    symbolic   {value: whether it depends on an input or parameter}, for the values met so far
    constants  the leaves that do not, and whose number was read other than by .data, by which the
               function says that it means a constant
    shares     the products (responsibility · partial) by which a gradient that f takes goes on
    refused    the first refusal, which counts although the function may catch it
    equality   "file:line" of the first choice by an equality
    """

    lenient = True

    def __init__(self, symbols: Sequence[Value]) -> None:
        self.outer = guard()  # of a trace that is on its way while this one is made
        self.symbolic = dict.fromkeys(symbols, True)
        self.visited = dict.fromkeys(symbols, True)
        self.constants: set[Value] = set()
        self.shares: set[Value] = set()
        self.share = self.shares.add
        self.refused: TraceError | None = None
        self.equality: str | None = None

    def is_symbolic(self, *nodes: Value) -> bool:
        """Return whether one of the nodes is a symbol, or depends on one."""
        for node in nodes:
            for new in topological_order(node, self.visited):
                self.symbolic[new] = any(self.symbolic[arg] for arg in new.args)
        return any(self.symbolic[node] for node in nodes)

    def refuse(self, what: str, instead: str = "") -> NoReturn:
        """Raise the error of a function that needs a number where there is none yet."""
        error = TraceError(f"{what} at {line_of_user()}: {instead}{WHY_REFUSED}")
        self.refused = self.refused or error
        raise error

    def read(self, node: Value, what: str) -> None:
        """Refuse to give the number of a symbol; note the leaves of a value that is none."""
        if self.is_symbolic(node):
            self.refuse(f"the function {what} of a Value")
        if self.outer is not None:
            self.outer.read(node, what)
        if what != "reads .data":
            self.constants.update(v for v in topological_order(node) if v.primitive is None)

    def write(self, node: Value, what: str) -> None:
        """Refuse to set the number of a symbol."""
        if self.is_symbolic(node):
            self.refuse(f"the function {what} of a Value")
        if self.outer is not None:
            self.outer.write(node, what)

    def preview(self, node: Value) -> str | None:
        """Return what a symbol looks like in print; None for a value with a number."""
        return f"<symbol {node.name or ''}>" if self.is_symbolic(node) else None

    def compare(self, name: str, node: Value, other: object) -> Any:
        """Return a Condition; NotImplemented where no symbol is compared with a number."""
        if type(other) is Condition:
            refuse_number(other)
        values = [v for v in (node, other) if type(v) is Value]
        if not self.is_symbolic(*values):
            for v in values:
                self.read(v, "compares the number")
            return NotImplemented
        if type(other) in NO_NUMBERS:
            return NotImplemented
        try:
            pick = partial(NODE_OF_CHOICE[name], node, as_value(other))
            return Condition(self, name in ("eq", "ne"), pick)
        except TypeError:
            self.refuse(f"the function compares a Value with {describe(other)}")


Pick = Callable[[Any, Any], Value]  # (then, otherwise) → the node that will be one of the two


class Condition(Undecided):
    """A comparison of symbols, neither true nor false: `where` chooses by it later.

    `&`, `|` and `~` combine conditions. Everything else that a bool can do is refused.
    """

    __slots__ = ("equality", "pick", "tracing")

    def __init__(self, tracing: Tracing, equality: bool, pick: Pick) -> None:
        self.tracing, self.equality, self.pick = tracing, equality, pick

    def choose(self, then: object, otherwise: object) -> Value:
        """Return the node of where(condition, then, otherwise): both are traced, one counts."""
        if self.equality and self.tracing.equality is None:
            self.tracing.equality = line_of_user()
        return self.pick(*(as_value(x() if callable(x) else x) for x in (then, otherwise)))

    def refuse(self, what: str) -> NoReturn:
        """Raise the error of a function that needs to know whether the condition holds."""
        self.tracing.refuse(
            what, "it is a condition; where(condition, a, b) chooses by it, & | ~ combine some; "
        )

    def combine(self, other: Condition, pick: Pick) -> Condition:
        """Return the condition that picks so, made of this one and another."""
        return Condition(self.tracing, self.equality or other.equality, pick)

    def __and__(self, other: object) -> Condition | bool:
        if type(other) is bool:
            return self if other else False
        if not isinstance(other, Condition):
            self.refuse("& of a comparison and something else")
        return self.combine(other, lambda x, z: self.pick(other.pick(x, z), z))

    def __or__(self, other: object) -> Condition | bool:
        if type(other) is bool:
            return True if other else self
        if not isinstance(other, Condition):
            self.refuse("| of a comparison and something else")
        return self.combine(other, lambda x, z: self.pick(x, other.pick(x, z)))

    def __invert__(self) -> Condition:
        return self.combine(self, lambda x, z: self.pick(z, x))

    __rand__, __ror__ = __and__, __or__

    def __repr__(self) -> str:
        if guard() is not None:  # a function could branch on the text
            self.refuse("the text of a comparison")
        return "<a comparison of symbols>"

    def __bool__(self) -> bool:  # noqa: PLE0304  # it never returns
        self.refuse("a branch on a comparison")

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a condition has no {name}")


def refuse_number(condition: Condition, *others: object) -> NoReturn:
    """Refuse a method of bool: nobody knows yet which bool it is."""
    condition.refuse("a comparison taken for a number")


OF_EVERY_OBJECT = {"__hash__", *(f"__{name}__" for name in NODE_OF_CHOICE)}
for name in {*dir(bool)} - {*dir(object)} - {*vars(Condition)} | OF_EVERY_OBJECT:
    is_method = callable(getattr(bool, name))
    setattr(Condition, name, refuse_number if is_method else property(refuse_number))
