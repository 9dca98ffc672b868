"""What a row of the table is, and how it makes nodes.

Still no calculus: the rows are in primitives.py.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from micrograd_es.errors import DomainError
from micrograd_es.value import Undefined, Value, as_float, is_constant, make

Rule: TypeAlias = Callable[..., Any]  # (y, *args) -> partial, over floats or over values
UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)  # what math and operators raise


@dataclass(frozen=True, eq=False)
class Primitive:
    """A function of numbers and what is true of it: one row of the table.

    name      what errors, pictures and programs call it; also the name it has in its module
    value     floats in, float out; raises where it is undefined
    partials  for each argument a rule `lambda y, *args: …`, where y is the result, or a number if
              the partial is constant; a single rule for all in a row with any number of arguments.
              A rule is a formula of operators and other primitives, so that floats give floats
              and values give a graph: never `if`, never `math.`
    text      how it is written, with {} for each argument
    domain    in words, where it is not everywhere: "x > 0"
    kinks     where its slope jumps: values of x, or of a - b if it has two arguments
    gather    for a function of lists: turns its arguments into a flat tuple

    Called with numbers it gives a float; called with at least one Value, a node.
    """

    name: str
    value: Callable[..., float]
    partials: Any
    text: str = ""
    domain: str = ""
    kinks: tuple[float, ...] = ()
    gather: Callable[..., tuple[Any, ...]] | None = None
    node: Callable[..., Any] = field(init=False, repr=False)  # (*args) -> Value: the fast makers

    def __post_init__(self) -> None:
        # the module in which the row is written, found as namedtuple finds it
        module = sys._getframe(2).f_globals.get("__name__", "__main__")
        object.__setattr__(self, "__module__", module)
        object.__setattr__(self, "node", maker(self))

    @property
    def arity(self) -> int | None:
        """The number of arguments; None if any number will do."""
        if type(self.partials) is tuple:
            return len(self.partials)
        variadic = callable(self.partials) and self.partials.__code__.co_flags & 0x04
        return None if variadic else 1

    def partial(self, i: int, y: Any, args: Sequence[Any]) -> Any:
        """Return ∂y/∂args[i] by the row's rule, over whatever numbers y and args are."""
        if self.arity is None:
            return self.partials(y, *args)[i]
        rule = self.partials[i] if type(self.partials) is tuple else self.partials
        return rule(y, *args) if callable(rule) else rule

    def __call__(self, *args: Any) -> Any:
        if self.gather is not None:
            args = self.gather(*args)
        for arg in args:
            if type(arg) is Value:
                made = self.node(*args)
                if made is NotImplemented:  # an operator would now ask the array
                    raise TypeError(f"{self.name} of an array: call it for each element")
                return made
        try:
            y = self.value(*args)  # the rules of other rows come here, with floats: no detours
        except (TypeError, *UNDEFINED):
            y = None
        if type(y) is float and not y * 0.0:
            return y
        return evaluate(self, [as_float(arg) for arg in args], args)

    def __reduce__(self) -> str:
        return self.name  # pickled as module.name; the module must hold the row under its own name

    def written(self, *operands: str) -> str:
        """Return the primitive applied to operands, as a formula."""
        if not self.text:
            return f"{self.name}({', '.join(operands)})"
        return self.text.format(
            *(f"({term})" if " " in term or term[:1] == "-" else term for term in operands)
        )


# ---- the plain form: one thing at a time, and every error with its names
# --------------------------


def evaluate(primitive: Primitive, data: Sequence[float], args: Sequence[Any]) -> float:
    """Return primitive(*data), or raise with its operands. NaN and inf that came in propagate."""
    given = all(map(math.isfinite, data))
    try:
        y = primitive.value(*data)
    except OverflowError:
        y = math.inf
    except (ValueError, ZeroDivisionError):
        y = math.nan
        if 0.0 in data and primitive.name == "div":
            given = True  # no operand makes x / 0 a number
    if given and not math.isfinite(y):
        formula = primitive.written(*map(operand, args))
        if math.isinf(y):
            raise OverflowError(
                f"{formula} is too large for a float (1.8e308): scale the operands down"
            )
        domain = primitive.domain or "arguments that give a real number"
        raise DomainError(f"{formula} is undefined: {primitive.name} needs {domain}")
    return y


def node_of(primitive: Primitive, *operands: Any) -> Value:
    """Return the node primitive(*operands): the careful maker, to which the fast ones turn in
    doubt.
    """
    args = tuple(arg if type(arg) is Value else constant_node(arg) for arg in operands)
    data = [arg._data for arg in args]
    y = evaluate(primitive, data, args)
    partials = [
        0.0 if is_constant(arg) else partial_of(primitive, i, y, data, args)
        for i, arg in enumerate(args)
    ]
    return make(y, primitive, args, tuple(partials))


def partial_of(
    primitive: Primitive, i: int, y: float, data: Sequence[float], args: Sequence[Value]
) -> Any:
    """Return the i-th partial as a float, or as Undefined where finite operands give none."""
    try:
        partial = float(primitive.partial(i, y, data))
    except UNDEFINED:
        partial = math.nan
    if math.isfinite(partial) or not all(map(math.isfinite, data)):
        return partial
    formula = primitive.written(*map(operand, args))
    return Undefined(
        f"{formula} has the value {y!r}, but no finite slope by argument {i + 1}, "
        "and the output depends on it: keep away from that point, or detach() the argument"
    )


def operand(arg: Any) -> str:
    """Return an operand as errors write it: its number, with its name if it has one."""
    if type(arg) is not Value:
        return repr(arg)
    return repr(arg._data) if arg.name is None else f"{arg.name}={arg._data!r}"


def constant_node(number: Any) -> Value:
    """Return a number as a node that nobody asks for its responsibility."""
    return make(as_float(number), constant)


# ---- the fast makers: the plain form unrolled by arity, 3 times its speed
# -------------------------
#
# Each hopes for the best, and leaves what is unusual (an error, an infinity, a NaN) to node_of.
# `(y + da + db) * 0.0` is true exactly if something in it is not finite.

new = object.__new__


def unary(primitive: Primitive) -> Callable[[Value], Value]:
    """Return the maker of a function of one argument."""
    value, rule = primitive.value, as_rule(primitive.partials)

    def node(a: Value) -> Value:
        x = a._data
        try:
            y = value(x)
            da = rule(y, x)
        except UNDEFINED:
            return node_of(primitive, a)
        if (y + da) * 0.0:
            return node_of(primitive, a)
        made = new(Value)
        made._data = y
        made.grad = 0.0
        made.primitive = primitive
        made.a = a
        made.da = da
        made.b = made.db = made.mark = made.name = None
        return made

    return node


def binary(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments."""
    value, (by_a, by_b) = primitive.value, map(as_rule, primitive.partials)
    mixed = with_number(primitive)

    def node(a: Any, b: Any) -> Any:
        if type(b) is not Value or type(a) is not Value:
            return mixed(a, b)
        x, z = a._data, b._data
        try:
            y = value(x, z)
            da = by_a(y, x, z)
            db = by_b(y, x, z)
        except UNDEFINED:
            return node_of(primitive, a, b)
        if (y + da + db) * 0.0:
            return node_of(primitive, a, b)
        made = new(Value)
        made._data = y
        made.grad = 0.0
        made.primitive = primitive
        made.a = a
        made.da = da
        made.b = b
        made.db = db
        made.mark = made.name = None
        return made

    return node


def additive(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments whose partials are constants: a + b, a -
    b.
    """
    value, (da, db) = primitive.value, map(float, primitive.partials)
    mixed = with_number(primitive)

    def node(a: Any, b: Any) -> Any:
        if type(b) is not Value or type(a) is not Value:
            return mixed(a, b)
        y = value(a._data, b._data)
        if y * 0.0:
            return node_of(primitive, a, b)
        made = new(Value)
        made._data = y
        made.grad = 0.0
        made.primitive = primitive
        made.a = a
        made.da = da
        made.b = b
        made.db = db
        made.mark = made.name = None
        return made

    return node


def with_number(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker for a number on one side, whose partial nobody asks for."""
    value, (by_a, by_b) = primitive.value, map(as_rule, primitive.partials)

    def node(a: Any, b: Any) -> Any:
        left = a if type(a) is Value else lifted(a)
        right = b if type(b) is Value else lifted(b)
        if left is NotImplemented or right is NotImplemented:
            return NotImplemented
        x, z = left._data, right._data
        try:
            y = value(x, z)
            da = by_a(y, x, z) if left is a else 0.0
            db = by_b(y, x, z) if right is b else 0.0
        except UNDEFINED:
            return node_of(primitive, left, right)
        if (y + da + db) * 0.0:
            return node_of(primitive, left, right)
        return make(y, primitive, (left, right), (da, db))

    return node


def variadic(primitive: Primitive) -> Callable[..., Value]:
    """Return the maker of a function of any number of arguments."""
    value, rule = primitive.value, primitive.partials

    def node(*operands: Any) -> Value:
        args = operands
        try:
            data = [arg._data for arg in args]
        except AttributeError:  # there are numbers among them
            args = tuple([arg if type(arg) is Value else constant_node(arg) for arg in args])
            data = [arg._data for arg in args]
        try:
            y = value(*data)
            partials = rule(y, *data)
        except UNDEFINED:
            return node_of(primitive, *args)
        if sum(partials, y) * 0.0 or len(args) < 3:
            return node_of(primitive, *args)
        made = new(Value)
        made._data = y
        made.grad = 0.0
        made.primitive = primitive
        made.a = args
        made.da = partials
        made.b = made.db = made.mark = made.name = None
        return made

    return node


def any_node(primitive: Primitive) -> Callable[..., Value]:
    """Return the maker for what is too rare to be fast."""
    return lambda *operands: node_of(primitive, *operands)


def maker(primitive: Primitive) -> Callable[..., Any]:
    """Return the fastest maker that fits."""
    if primitive.arity == 2:
        return binary(primitive) if any(map(callable, primitive.partials)) else additive(primitive)
    if primitive.arity is None:
        return variadic(primitive)
    return unary(primitive) if primitive.arity == 1 else any_node(primitive)


def as_rule(partial: Any) -> Rule:
    """Return a partial as a rule, also if it is a constant."""
    if callable(partial):
        return partial  # type: ignore[no-any-return]  # a rule is whatever the row says
    number = float(partial)
    return lambda y, *args: number


def lifted(number: Any) -> Any:
    """Return a number as a constant node; NotImplemented for arrays, which know how to meet a
    Value.
    """
    if hasattr(type(number), "__array_ufunc__") and hasattr(number, "__len__"):
        return NotImplemented
    return constant_node(number)


constant = Primitive(
    "constant", float, ()
)  # a number that an operator lifted: a function of no arguments
