"""A function run once with symbols for numbers: its graph, of inputs, parameters and constants.

A symbol is a Value that, while the trace lasts, refuses to be a number: so no branch on it can be
frozen into a program in silence. Comparing symbols gives a condition, for `where` to choose by.
"""

# mypy: disable-error-code="has-type"
# because a rule names its own row, and looks it up when it is asked.

from __future__ import annotations

import inspect
import math
import operator
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from micrograd_es.diagnosis import line_of_user
from micrograd_es.errors import DomainError, GraphError, MicrogradError, TraceError
from micrograd_es.gate import as_float, shown
from micrograd_es.primitive import Primitive, as_value
from micrograd_es.value import Value, gradient, make, topological_order

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
NUMBERS = {"float": float, "int": int, "bool": bool, "round": round, "index": operator.index}
TRIES = (0.3, 0.7, math.nan)  # what symbols hold: numbers are fast, NaN is in every domain
one_at_a_time = threading.RLock()


@dataclass(frozen=True, slots=True)
class Trace:
    """What a function does: the graph of its value, and of its gradient by the parameters."""

    inputs: list[Value]
    parameters: list[Value]
    output: Value
    gradient: list[Value]

    def order(self) -> list[Value]:
        """Return every node that the value or the gradient needs, each after its args."""
        outputs = (self.output, *self.gradient)
        return topological_order(make(0.0, None, outputs, (0.0,) * len(outputs)))[:-1]


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of symbols, which is neither true nor false: `where` chooses by it later."""

    name: str
    a: Value
    b: Value

    def choose(self, then: Any, otherwise: Any) -> Value:
        """Return the node that is one or the other; both are traced, only one will count."""
        branches = [as_value(x() if callable(x) else x) for x in (then, otherwise)]
        row, swap_operands, swap_branches = CHOICES[self.name]
        a, b = (self.b, self.a) if swap_operands else (self.a, self.b)
        x, z = reversed(branches) if swap_branches else branches
        return row.node(a, b, x, z)  # type: ignore[no-any-return]  # a maker of Values

    def __bool__(self) -> bool:
        raise refusal("a branch on a comparison")

    def joined(self, other: Any) -> Any:
        raise refusal("& or | of comparisons (nest where in where)")

    __and__ = __or__ = __rand__ = __ror__ = joined


def refusal(what: str) -> TraceError:
    """Return the error of a function that asks for a number where there is none yet."""
    return TraceError(
        f"{what} at {line_of_user()}: while a function is compiled, a Value has no number, and a "
        "branch on it would be frozen; write where(x > 0, a, b), maximum, minimum, step or abs, "
        "and functions of micrograd_es in place of math.*"
    )


def trace(
    f: Callable[..., Any], parameters: Sequence[Value] = (), inputs: int | None = None
) -> Trace:
    """Run f once with symbols as its inputs, and as the data of the parameters.

    The parameters get their numbers back, whatever happens. TraceError for a branch on a symbol,
    for float(v), and for a Value that is neither an input nor listed as a parameter.
    """
    parameters = leaves_of(parameters)
    count = inputs_of(f) if inputs is None else inputs
    for number in TRIES:
        try:
            return traced(f, parameters, count, number)
        except (MicrogradError, OverflowError) as error:
            if number != number and isinstance(error.__cause__, TraceError):
                raise error.__cause__ from None
            if number != number or isinstance(error, TraceError):
                raise
    raise AssertionError("NaN raises or returns")


def traced(f: Callable[..., Any], parameters: list[Value], count: int, number: float) -> Trace:
    """Return the trace with symbols that hold numbers of U(number, 1)."""
    rng = random.Random(0)
    runs, asked = [], list[set[Value]]()
    for side in (1.0, -1.0):  # twice, with other numbers: what differs was frozen
        given = [Value(rng.uniform(number, 1)) for _ in range(count)]
        numbers = [rng.uniform(number, 1) for _ in parameters]
        with holding(parameters, numbers), symbols({*given, *parameters}) as others:
            for symbol in (*given, *parameters):
                symbol.grad = side * rng.random()
            output = as_value(f(*given))
            slopes = slopes_of(output, parameters) if side < 0 else []
        runs.append(Trace(given, parameters, output, slopes))
        asked.append(others)
    first, found = runs
    refuse_strangers({*first.order()} & {*found.order()} - {*parameters} | asked[0] & asked[1])
    if outline(first) != outline(found):
        raise TraceError(
            "the function does something else for other numbers: it reads .grad of a Value, or is "
            "random; give such numbers as inputs"
        )
    return found


def slopes_of(output: Value, parameters: list[Value]) -> list[Value]:
    """Return the gradient; DomainError where the numbers of this try have none."""
    try:
        return gradient(output, parameters)
    except TraceError as error:  # a slope that is undefined for these very numbers
        raise DomainError(str(error)) from error
    except GraphError as error:
        raise TraceError(
            "a Value was computed from a parameter before the function ran: compute it inside"
        ) from error


def outline(run: Trace) -> list[Any]:
    """Return what a run computes of its output: rows, places of arguments, constants."""
    order = topological_order(run.output)
    place: dict[Value, Any] = {leaf: ("input", i) for i, leaf in enumerate(run.inputs)}
    place |= {leaf: ("parameter", i) for i, leaf in enumerate(run.parameters)}
    told: list[Any] = []
    for i, node in enumerate(order):
        number = "" if node.args or node in place else repr(node.data)
        place.setdefault(node, i)
        told.append((node.primitive, [place[arg] for arg in node.args], number))
    return told


@contextmanager
def holding(parameters: list[Value], numbers: list[float]) -> Iterator[None]:
    """Have the parameters hold other numbers inside the block, one block at a time."""
    with one_at_a_time:
        before = [(p.data, p.grad) for p in parameters]
        try:
            for parameter, number in zip(parameters, numbers, strict=True):
                parameter.data = number
            yield
        finally:
            for parameter, (data, grad) in zip(parameters, before, strict=True):
                parameter.data, parameter.grad = data, grad


@contextmanager
def symbols(known: set[Value]) -> Iterator[set[Value]]:
    """Have Values that depend on the known ones refuse to be numbers, in this thread.

    Gives the leaves that others depend on whose number was asked for.
    """
    these = Symbols(known)
    makers = dict.fromkeys(CHOICES, these.comparing) | dict.fromkeys(NUMBERS, these.refusing)
    makers |= dict.fromkeys(("repr", "format"), these.telling)
    with one_at_a_time:
        usual = {name: vars(Value)[f"__{name}__"] for name in makers if has(name)}
        data = vars(Value)["data"]
        for name, method in usual.items():
            setattr(Value, f"__{name}__", makers[name](name, method))
        Value.data = these.number(data)
        try:
            yield these.others
        finally:
            for name, method in usual.items():
                setattr(Value, f"__{name}__", method)
            Value.data = data


class Symbols:
    """Which Values are symbols, and the methods that refuse or put off what is asked of them.

    depends  whether a Value depends on the known ones, of those met so far
    others   the leaves, not known, of Values whose number was asked for
    """

    def __init__(self, known: set[Value]) -> None:
        self.here = threading.get_ident()
        self.depends = dict.fromkeys(known, True)
        self.others: set[Value] = set()

    def holds(self, v: Value) -> bool:
        """Return whether a Value is a symbol here: it depends on a known one."""
        if threading.get_ident() != self.here:
            return False
        depends, waiting = self.depends, [v]
        while waiting:  # a walk of its own, which remembers: a chain may compare at every link
            node = waiting[-1]
            unknown = [arg for arg in node.args if arg not in depends]
            if node not in depends and not unknown:
                depends[node] = any(depends[arg] for arg in node.args)
            waiting += unknown
            if node in depends:
                waiting.pop()
        return depends[v]

    def asked(self, v: Any) -> bool:
        """Return whether something is a symbol; what is none is remembered: it is asked for."""
        if type(v) is not Value or threading.get_ident() != self.here:
            return False
        if self.holds(v):
            return True
        self.others.update(leaf for leaf in topological_order(v) if leaf.primitive is None)
        return False

    def comparing(self, name: str, usual: Callable[..., Any]) -> Callable[..., Any]:
        def compare(v: Value, other: Any) -> Any:
            symbolic = [self.asked(v), self.asked(other)]
            if not any(symbolic) or (type(other) is not Value and not is_number(other)):
                return usual(v, other)
            return Condition(name, v, as_value(other))

        return compare

    def refusing(self, name: str, usual: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(v: Value, *digits: Any) -> Any:
            if self.asked(v):
                raise refusal(f"{name}() of a Value")
            return usual(v, *digits)

        return refuse

    def telling(self, name: str, usual: Callable[..., str]) -> Callable[..., str]:
        def tell(v: Value, *spec: str) -> str:
            return f"<symbol {v.name or ''}>" if self.holds(v) else usual(v, *spec)

        return tell

    def number(self, usual: Any) -> Any:
        """Return Value.data as it is in a trace."""

        def number(v: Value) -> Any:
            if self.holds(v):
                raise refusal(".data of a Value")
            return usual.fget(v)  # of others it says: freeze it

        return property(number, usual.fset, doc=usual.__doc__)


def is_number(thing: Any) -> bool:
    try:
        as_float(thing)
    except TypeError:
        return False
    return True


def has(name: str) -> bool:
    return f"__{name}__" in vars(Value)


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


def inputs_of(f: Callable[..., Any]) -> int:
    """Return how many inputs a function takes."""
    kinds = [parameter.kind for parameter in inspect.signature(f).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        raise TypeError(f"{shown(f)} takes any number of inputs: say how many, inputs=3")
    return sum(kind in (kind.POSITIONAL_ONLY, kind.POSITIONAL_OR_KEYWORD) for kind in kinds)


def refuse_strangers(captured: set[Value]) -> None:
    """Raise TraceError for a leaf from outside that is no input and no parameter.

    A leaf that both runs have was there before them; one that f makes is a constant.
    """
    for node in captured:
        if node.primitive is None:
            raise TraceError(
                f"{node!r} is neither an input nor listed: parameters=[…, it] if it moves, its "
                ".data if it is a constant"
            )
