"""How a row makes nodes.

node_of(row, *operands)   the plain form: one thing at a time, every error with its names
maker(row)                the fastest function that makes the same nodes, to the bit
"""

from __future__ import annotations

import functools
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

    In a trace, whose numbers mean nothing, what is undefined is NaN or infinity.
    """
    given = all(map(math.isfinite, data))
    try:
        y = value_function(primitive)(*data)
    except OverflowError:
        y = math.inf
    except ZeroDivisionError:
        y, given = math.nan, True  # not even an infinite x makes x / 0 a number
    except ValueError:
        y = math.nan
    if given and not math.isfinite(y) and not is_lenient(args):
        formula = primitive.as_text(*map(describe_operand, args))
        if math.isinf(y):
            raise OverflowError(
                f"{formula} is too large for a float (1.8e308): scale the operands down"
            )
        domain = primitive.domain or "arguments that give a real number"
        instead = f"; did you mean {primitive.instead}?" if primitive.instead else ""
        raise DomainError(f"{formula} is undefined: {primitive.title} needs {domain}{instead}")
    return float(y)


def node_of(primitive: Primitive, *operands: object) -> Value:
    """Return the node primitive(*operands). The fast makers call it where anything is unusual."""
    args = tuple(arg if type(arg) is Value else constant_node(primitive, arg) for arg in operands)
    data = [arg._data for arg in args]
    y = evaluate(primitive, data, args)
    ask = primitive.partials_at(y, data)
    partials = [
        partial_of(primitive, ask, i, y, args) if type(given) is Value else 0.0
        for i, given in enumerate(operands)
    ]
    return make(y, primitive, args, tuple(partials))


def value_function(primitive: Primitive) -> Callable[..., float]:
    """Return the row's value as a function to floats, whatever a row of a user's own gives."""
    value = primitive.value
    if primitive.__module__.startswith("micrograd_es."):
        return value  # the rows of the table give floats

    def as_float_of(*data: float) -> float:
        y = value(*data)
        if isinstance(y, complex):
            raise ValueError("complex")  # noqa: TRY004  # undefined, as of log(-1)
        return y if type(y) is float else as_float(y)

    return as_float_of


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
    formula = primitive.as_text(*map(describe_operand, args))
    return Undefined(
        f"{formula} has the value {y!r}, but no finite slope by argument {i + 1}, "
        "and the output depends on it: keep away from that point, or detach() the argument"
    )


def is_lenient(args: Sequence[object]) -> bool:
    """Whether an undefined operation on args is no error: one of them is a Value of a trace."""
    watcher = guard()
    return watcher is not None and watcher.lenient and any(type(arg) is Value for arg in args)


def describe_operand(arg: object) -> str:
    """Return an operand as errors write it: its number, with its name if it has one."""
    if type(arg) is not Value:
        return repr(arg)
    return repr(arg._data) if arg.name is None else f"{arg.name}={arg._data!r}"


def constant_node(primitive: Primitive, number: object) -> Value:
    """Return a plain number among the operands as a node whose responsibility does not matter."""
    result = new(Value)
    result._data = as_float(number)
    result._grad = 0.0
    result.primitive = primitive.constant
    result.a = result.b = result.da = result.db = result.mark = result.name = None
    return result


# ---- the fast makers: the plain form unrolled by arity, 3 times its speed ------------------------
#
# Each is a fast path: any error, infinity or NaN falls back to node_of.
# `(y + da + db) * 0.0` is NaN, and so true, exactly if one of the three is not finite.


def unary_maker(primitive: Primitive) -> Callable[[Value], Value]:
    """Return the maker of a function of one argument."""
    value, rule = value_function(primitive), as_rule(primitive.partials)

    def node(a: Value) -> Value:
        x = a._data
        try:
            y = value(x)
            da = rule(y, x)
        except UNDEFINED:
            return node_of(primitive, a)
        if (y + da) * 0.0:
            return node_of(primitive, a)
        result = new(Value)
        result._data = y
        result._grad = 0.0
        result.primitive = primitive
        result.a = a
        result.da = da
        result.b = result.db = result.mark = result.name = None
        return result

    return node


def binary_maker(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments."""
    value, (by_a, by_b) = value_function(primitive), map(as_rule, primitive.partials)
    mixed = maker_with_number(primitive)

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
        result = new(Value)
        result._data = y
        result._grad = 0.0
        result.primitive = primitive
        result.a = a
        result.da = da
        result.b = b
        result.db = db
        result.mark = result.name = None
        return result

    return node


def additive_maker(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker of a function of two arguments with constant partials: a + b, a - b."""
    value, (da, db) = value_function(primitive), map(float, primitive.partials)
    mixed = maker_with_number(primitive)

    def node(a: object, b: object) -> Any:
        if type(b) is not Value or type(a) is not Value:
            return mixed(a, b)
        try:
            y = value(a._data, b._data)
        except UNDEFINED:
            return node_of(primitive, a, b)
        if y * 0.0:
            return node_of(primitive, a, b)
        result = new(Value)
        result._data = y
        result._grad = 0.0
        result.primitive = primitive
        result.a = a
        result.da = da
        result.b = b
        result.db = db
        result.mark = result.name = None
        return result

    return node


def maker_with_number(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """Return the maker for a number on one side, whose partial is not needed."""
    value, (by_a, by_b) = value_function(primitive), map(as_rule, primitive.partials)

    def node(a: object, b: object) -> Any:
        left = a if type(a) is Value else lift(primitive, a)
        right = b if type(b) is Value else lift(primitive, b)
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
        result = new(Value)
        result._data = y
        result._grad = 0.0
        result.primitive = primitive
        result.a = left
        result.da = da
        result.b = right
        result.db = db
        result.mark = result.name = None
        return result

    return node


def variadic_maker(primitive: Primitive) -> Callable[..., Value]:
    """Return the maker of a function of any number of arguments."""
    value, rule = value_function(primitive), primitive.partials

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
        result = new(Value)
        result._data = y
        result._grad = 0.0
        result.primitive = primitive
        result.a = args
        result.da = partials
        result.b = result.db = result.mark = result.name = None
        return result

    return node


def maker(primitive: Primitive) -> Callable[..., Any]:
    """Return the fastest maker that fits; rows of three arguments or more are rare."""
    if primitive.arity == 2:
        return (
            binary_maker(primitive)
            if any(map(callable, primitive.partials))
            else additive_maker(primitive)
        )
    if primitive.arity is None:
        return variadic_maker(primitive)
    return unary_maker(primitive) if primitive.arity == 1 else functools.partial(node_of, primitive)


def as_rule(partial: Any) -> Rule:
    """Return a partial as a rule, also if it is a constant."""
    if callable(partial):
        return partial  # type: ignore[no-any-return]  # a rule is whatever the row says
    number = float(partial)
    return lambda y, *args: number


def lift(primitive: Primitive, number: object) -> Any:
    """Return a number as a constant node; NotImplemented for arrays, which meet Values as such."""
    kind = type(number)
    if kind is float or kind is int:
        return constant_node(primitive, number)
    if hasattr(kind, "__array_ufunc__") and hasattr(number, "__len__"):
        return NotImplemented
    return constant_node(primitive, number)
