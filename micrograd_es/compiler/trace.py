"""A function run with symbols for numbers: its graph, of inputs, parameters and constants.

`trace(f, parameters)` gives that graph. The symbols are ordinary Values; what is different is that
a guard is asked before one of them answers as a number, and refuses: so no branch on a number can
be frozen into a program in silence. A comparison gives a condition, for `where` to choose by.

The function is run twice, with other numbers. What both runs have was there before them; and if
they do not do the same, something was frozen all the same.
"""

# mypy: disable-error-code="has-type"
# because a rule names its own row, and looks it up when it is asked.

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from micrograd_es.diagnosis import line_of_user
from micrograd_es.errors import TraceError, TraceWarning
from micrograd_es.gate import Undecided, guard, run_under, shown
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, gradient, make, set_numbers, topological_order

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
EQUALITY = (
    "where chooses by an equality: its value is right, and its slope at that one point is that of "
    "the branch chosen, not of the function; for where(x == 0, 1, sin(x) / x) and its like there "
    "are sinc, exprel, xlogy, or write the branch as a function with the right slope"
)
INERT = (type(None), str, bytes, list, tuple, dict, set, frozenset)  # no number is equal to one


@dataclass(frozen=True, slots=True)
class Trace:
    """What a function does: the graph of its value, and of its gradient by the parameters.

    Its symbols are NaN: no number that they held while the function ran was anybody's.
    shares  the products (responsibility, partial) by which a gradient goes on
    """

    inputs: list[Value]
    parameters: list[Value]
    output: Value
    gradient: list[Value]
    shares: set[Value] = field(default_factory=set)

    def order(self) -> list[Value]:
        """Return every node that the value or the gradient needs, each after its args."""
        outputs = (self.output, *self.gradient)
        return topological_order(make(0.0, None, outputs, (0.0,) * len(outputs)))[:-1]


def trace(
    f: Callable[..., Any], parameters: Sequence[Value] = (), inputs: int | None = None
) -> Trace:
    """Return what f does, recorded with symbols as its inputs and for its parameters.

    TraceError for a branch on a symbol, for float(v), whatever f does with the error, and for a
    Value that is neither an input nor listed as a parameter. TraceWarning for a choice by equality.
    """
    parameters = leaves_of(parameters)
    numbers = [0.5 + i % 97 / 200 for i in range(len(inputs_of(f, inputs)))]
    first = Run(f, [-x for x in numbers], parameters)
    second = Run(f, numbers, parameters)
    refuse_captured(first, second)
    if first.outline() != second.outline():
        raise TraceError(
            "the function does something else when it runs again with other numbers: it keeps "
            "something, or is random; give such numbers as inputs"
        )
    slopes = second.ask(gradient, second.output, parameters)
    result = Trace(second.inputs, parameters, second.output, slopes, second.tracing.shares)
    second.tracing.holds(*result.order())
    for run in (first, second):
        run.forget_numbers()
    if (line := second.tracing.equality) is not None:
        file, _, number = line.rpartition(":")
        warnings.warn_explicit(EQUALITY, TraceWarning, file, int(number))
    return result


class Run:
    """One run of a function on symbols: what went in, what came out, and every node in order."""

    def __init__(
        self, f: Callable[..., Any], numbers: Sequence[float], parameters: list[Value]
    ) -> None:
        self.inputs, self.parameters = [Value(x) for x in numbers], parameters
        self.tracing = Tracing([*self.inputs, *parameters])
        self.output: Value = self.ask(lambda: as_value(f(*self.inputs)))
        self.order = topological_order(self.output)
        self.tracing.holds(*self.order)

    def ask(self, function: Callable[..., Any], *args: Any) -> Any:
        """Return function(*args) under the guard; raise what it refused, whatever was caught."""
        try:
            result = run_under(self.tracing, function, *args)
        except Exception:
            if self.tracing.refused is None:
                raise
        if self.tracing.refused is not None:
            raise self.tracing.refused from None
        return result

    def outline(self) -> list[Any]:
        """Return what the run computes: rows, places of arguments, constants."""
        place = {leaf: -1 - i for i, leaf in enumerate((*self.inputs, *self.parameters))}
        lines: list[Any] = []
        for node in self.order:
            if node not in place:
                place[node] = len(lines)
                args = [place[arg] for arg in node.args]
                lines.append((node.primitive, args) if args else repr(node._data))
        return lines

    def forget_numbers(self) -> None:
        """Make every symbol but the parameters NaN, so that none is taken for a number later."""
        kept = {*self.parameters}
        known = self.tracing.symbolic.items()
        set_numbers((node, math.nan) for node, symbol in known if symbol and node not in kept)


def refuse_captured(first: Run, second: Run) -> None:
    """Raise TraceError for a Value that was there before both runs, and is no parameter."""
    before = {*first.order, *first.tracing.constants} - {*second.parameters}
    for node in (*second.order, *second.tracing.constants):
        if node not in before:
            continue
        if node.primitive is None:
            raise TraceError(
                f"{node!r} is neither an input nor listed: parameters=[…, it] if it moves, its "
                ".data if it is a constant"
            )
        if node.args and second.tracing.symbolic[node]:
            raise TraceError(
                f"a Value, of {node.primitive.name}, was computed from a parameter before the "
                "function ran: compute it inside"
            )


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

    def refuse(self, what: str, instead: str = "") -> Any:
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

    def compare(self, name: str, node: Value, other: Any) -> Any:
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
            self.refuse(f"the function compares a Value with {shown(other)}")


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

    def choose(self, then: Any, otherwise: Any) -> Value:
        """Return the node that is one or the other; both are traced, only one will count."""
        if self.equality and self.tracing.equality is None:
            self.tracing.equality = line_of_user()
        return self.pick(*(as_value(x() if callable(x) else x) for x in (then, otherwise)))

    def refuse(self, what: str) -> Any:
        """Raise the error of a function that asks a condition whether it holds."""
        self.tracing.refuse(
            what, "it is a condition; where(condition, a, b) chooses by it, & | ~ combine some; "
        )

    def combined(self, other: Any, pick: Pick) -> Condition:
        """Return a condition made of two."""
        return Condition(self.tracing, self.equality or other.equality, pick)

    def __and__(self, other: Any) -> Any:
        if type(other) is bool:
            return self if other else False
        if type(other) is not Condition:
            self.refuse("& of a comparison and something else")
        return self.combined(other, lambda x, z: self.pick(other.pick(x, z), z))

    def __or__(self, other: Any) -> Any:
        if type(other) is bool:
            return True if other else self
        if type(other) is not Condition:
            self.refuse("| of a comparison and something else")
        return self.combined(other, lambda x, z: self.pick(x, other.pick(x, z)))

    def __invert__(self) -> Condition:
        return self.combined(self, lambda x, z: self.pick(z, x))

    __rand__, __ror__ = __and__, __or__

    def __bool__(self) -> bool:
        self.refuse("a branch on a comparison")
        raise AssertionError("a refusal raises")

    def __getattr__(self, name: str) -> Any:
        if hasattr(bool, name):
            self.refuse(f".{name} of a comparison")
        raise AttributeError(f"a condition has no {name}")


def refuse_number(condition: Condition, *others: Any) -> Any:
    """Refuse what else can be done with a bool: it would be done with one that is not known yet."""
    condition.refuse("a comparison taken for a number")


COMPARISONS = {f"__{name}__" for name in CHOICES}
for name in {*dir(bool)} - {*dir(object)} - {*vars(Condition)} | COMPARISONS | {"__hash__"}:
    setattr(Condition, name, refuse_number)


def leaves_of(parameters: Sequence[Value]) -> list[Value]:
    """Return the parameters; TypeError if one is no Value, ValueError if one is no leaf."""
    found = list(parameters)
    for p in found:
        if type(p) is not Value:
            raise TypeError(f"parameter {shown(p)}: give Values, as net.parameters() does")
        if p.primitive is not None:
            raise ValueError(f"parameter {p!r} is computed from others: give leaves")
    if len({*found}) < len(found):
        raise ValueError("a parameter is listed twice: give each once")
    return found


def inputs_of(f: Callable[..., Any], count: int | None = None) -> list[str]:
    """Return the names of the inputs that f takes, or of as many as somebody counts.

    An argument with a default keeps it: it is a constant, unless it is counted.
    """
    if count is not None and (not hasattr(count, "__index__") or count < 0):
        raise ValueError(f"inputs={shown(count)}: give a whole number, how many inputs f takes")
    if isinstance(f, Primitive) and f.arity is not None:
        count = f.arity if count is None else count
    try:
        given = [*inspect.signature(f).parameters.values()]
    except ValueError:  # a function written in C does not say; one of numpy has `nin`
        given = []
        count = getattr(f, "nin", None) if count is None else count
        if count is None:
            raise any_number(f) from None
    places = [p for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if count is not None:
        names = [p.name for p in places[:count]]
        return names if len(names) == count else [f"x{i}" for i in range(count)]
    for p in given:
        if p.kind == p.VAR_POSITIONAL:
            raise any_number(f)
        if p.kind == p.KEYWORD_ONLY and p.default is p.empty:
            raise TypeError(
                f"{shown(f)} takes {p.name} by name only, and inputs come by place: give it a "
                f"default, or functools.partial(f, {p.name}=…)"
            )
    return [p.name for p in places if p.default is p.empty]


def any_number(f: Callable[..., Any]) -> TypeError:
    """Return the error of a function that does not say how many inputs it takes."""
    return TypeError(f"{shown(f)} takes any number of inputs: say how many, inputs=3")
