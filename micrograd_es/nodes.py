"""How a row makes nodes: the plain form, and the fast ones that agree with it to the bit.

No calculus, and no walk.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from micrograd_es.coercion import as_float, guard
from micrograd_es.errors import DomainError
from micrograd_es.value import Undefined, Value, make
from micrograd_es.value import new as new  # noqa: PLC0414  # origins() puts its own in place of it

if TYPE_CHECKING:
    from micrograd_es.primitive import Primitive

Rule: TypeAlias = Callable[..., Any]  # (y, *args) -> partial, over floats or over values
UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)  # what math and operators raise


# ---- the plain form: one thing at a time, and every error with its names -------------------------


def evaluate(primitive: Primitive, data: Sequence[float], args: Sequence[object]) -> float:
    """Return primitive(*data), or raise with its operands. NaN and inf that came in propagate.

    In a trace, whose numbers are nobody's, what is undefined is NaN or infinity.
    """
    given = all(map(math.isfinite, data))
    try:
        y = real(primitive)(*data)
    except OverflowError:
        y = math.inf
    except ZeroDivisionError:
        y, given = math.nan, True  # not even an infinite x makes x / 0 a number
    except ValueError:
        y = math.nan
    if given and not math.isfinite(y) and not is_lenient(args):
        formula = primitive.written(*map(operand, args))
        if math.isinf(y):
            raise OverflowError(
                f"{formula} is too large for a float (1.8e308): scale the operands down"
            )
        domain = primitive.domain or "arguments that give a real number"
        instead = f"; did you mean {primitive.instead}?" if primitive.instead else ""
        raise DomainError(f"{formula} is undefined: {primitive.title} needs {domain}{instead}")
    return float(y)


def node_of(primitive: Primitive, *operands: object) -> Value:
    """Return the node primitive(*operands): the careful maker, which the fast ones ask in doubt."""
    args = tuple(arg if type(arg) is Value else constant_node(primitive, arg) for arg in operands)
    data = [arg._data for arg in args]
    y = evaluate(primitive, data, args)
    ask = primitive.asked(y, data)
    partials = [
        partial_of(primitive, ask, i, y, args) if type(given) is Value else 0.0
        for i, given in enumerate(operands)
    ]
    return make(y, primitive, args, tuple(partials))


def real(primitive: Primitive) -> Callable[..., float]:
    """Return the row's value as a function to floats, whatever a row of a user's own gives."""
    value = primitive.value
    if primitive.__module__.startswith("micrograd_es."):
        return value  # the rows of the table keep to floats

    def checked(*data: float) -> float:
        y = value(*data)
        if isinstance(y, complex):
            raise ValueError("complex")  # noqa: TRY004  # undefined, as of log(-1)
        return y if type(y) is float else as_float(y)

    return checked


def partial_of(
    primitive: Primitive, ask: Callable[[int], object], i: int, y: float, args: Sequence[Value]
) -> Any:
    """Return the i-th partial as a float, or as Undefined where finite operands give none."""
    try:
        partial = as_float(ask(i))
    except UNDEFINED:
        partial = math.nan
    if math.isfinite(partial) or not all(math.isfinite(arg._data) for arg in args):
        return partial
    if is_lenient(args):
        return partial
    formula = primitive.written(*map(operand, args))
    return Undefined(
        f"{formula} has the value {y!r}, but no finite slope by argument {i + 1}, "
        "and the output depends on it: keep away from that point, or detach() the argument"
    )


def is_lenient(args: Sequence[object]) -> bool:
    """Whether an undefined operation on args is no error: one of them is a Value of a trace."""
    asked = guard()
    return asked is not None and asked.lenient and any(type(arg) is Value for arg in args)


def operand(arg: object) -> str:
    """Return an operand as errors write it: its number, with its name if it has one."""
    if type(arg) is not Value:
        return repr(arg)
    return repr(arg._data) if arg.name is None else f"{arg.name}={arg._data!r}"


def constant_node(primitive: Primitive, number: object) -> Value:
    """Return an operand that is a number as a node that nobody asks for its responsibility."""
    made = new(Value)
    made._data = as_float(number)
    made._grad = 0.0
    made.primitive = primitive.constant
    made.a = made.b = made.da = made.db = made.mark = made.name = None
    return made


# ---- the fast makers: the plain form unrolled by arity, 3 times its speed ------------------------
#
# Each hopes for the best, and leaves what is unusual (an error, an infinity, a NaN) to node_of.
# `(y + da + db) * 0.0` is true exactly if something in it is not finite.


def unary(primitive: Primitive) -> Callable[[Value], Value]:
    """Return the maker of a function of one argument."""
    value, rule = real(primitive), as_rule(primitive.partials)

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
        made._grad = 0.0
        made.primitive = primitive
        made.a = a
        made.da = da
        made.b = made.db = made.mark = made.name = None
        return made

    return node


def binary(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments."""
    value, (by_a, by_b) = real(primitive), map(as_rule, primitive.partials)
    mixed = with_number(primitive)

    def node(a: object, b: object) -> Any:
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
        made._grad = 0.0
        made.primitive = primitive
        made.a = a
        made.da = da
        made.b = b
        made.db = db
        made.mark = made.name = None
        return made

    return node


def additive(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments with constant partials: a + b, a - b."""
    value, (da, db) = real(primitive), map(float, primitive.partials)
    mixed = with_number(primitive)

    def node(a: object, b: object) -> Any:
        if type(b) is not Value or type(a) is not Value:
            return mixed(a, b)
        try:
            y = value(a._data, b._data)
        except UNDEFINED:
            return node_of(primitive, a, b)
        if y * 0.0:
            return node_of(primitive, a, b)
        made = new(Value)
        made._data = y
        made._grad = 0.0
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
    value, (by_a, by_b) = real(primitive), map(as_rule, primitive.partials)

    def node(a: object, b: object) -> Any:
        left = a if type(a) is Value else lifted(primitive, a)
        right = b if type(b) is Value else lifted(primitive, b)
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
        made = new(Value)
        made._data = y
        made._grad = 0.0
        made.primitive = primitive
        made.a = left
        made.da = da
        made.b = right
        made.db = db
        made.mark = made.name = None
        return made

    return node


def variadic(primitive: Primitive) -> Callable[..., Value]:
    """Return the maker of a function of any number of arguments."""
    value, rule = real(primitive), primitive.partials

    def node(*operands: Any) -> Value:
        args = operands
        try:
            data = [arg._data for arg in args]
        except AttributeError:  # there are numbers among them
            args = tuple([x if type(x) is Value else constant_node(primitive, x) for x in args])
            data = [arg._data for arg in args]
        try:
            y = value(*data)
            partials = rule(y, *data)
        except (TypeError, *UNDEFINED):
            return node_of(primitive, *operands)
        odd = type(y) is not float or not 3 <= len(args) == len(partials)
        if odd or sum(partials, y) * 0.0:
            return node_of(primitive, *operands)
        made = new(Value)
        made._data = y
        made._grad = 0.0
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


def lifted(primitive: Primitive, number: object) -> Any:
    """Return a number as a constant node; NotImplemented for arrays, which meet Values as such."""
    kind = type(number)
    if kind is float or kind is int:
        return constant_node(primitive, number)
    if hasattr(kind, "__array_ufunc__") and hasattr(number, "__len__"):
        return NotImplemented
    return constant_node(primitive, number)
