"""What a row of the table is, and how it makes nodes.

Still no calculus: the rows are in primitives.py.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from typing import Any, TypeAlias

from micrograd_es.errors import DomainError, PrimitiveError
from micrograd_es.gate import as_float, shown
from micrograd_es.value import Undefined, Value, is_constant, make
from micrograd_es.value import new as new  # origins() puts its own in place of it

Rule: TypeAlias = Callable[..., Any]  # (y, *args) -> partial, over floats or over values
VARIADIC = 0x04  # the flag of a function with *args
UNDEFINED = (ValueError, ZeroDivisionError, OverflowError)  # what math and operators raise


def first(x: float, *others: float) -> float:
    return x


@dataclass(frozen=True, eq=False)
class Primitive:
    """A function of numbers and what is true of it: one row of the table.

    name      what errors, pictures and programs call it; also the name it has in its module
    value     floats in, float out; raises where it is undefined
    partials  for each argument a rule `lambda y, *args: …`, where y is the result, or a number if
              the partial is constant; a single rule for all in a row with any number of arguments.
              A rule is a formula of operators and other primitives, so that floats give floats
              and values give a graph: never `if`, never `math.`
    text      how it is written, with %s for each argument: name(x, y) unless given
    latex     the same for LaTeX
    domain    where it has a value, if not everywhere: "x > 0"
    instead   what to write where it has none: "log(abs(x))"
    kinks     where its slope jumps, and the slope taken there: "left" or "right" as on that side,
              "mean" of both; "jump" where the value jumps, and the slope is that of both sides
    period    the distance at which the kinks repeat, if they do
    switch    the number that passes through the kinks: the first argument unless given
    gather    turns what it is called with into a flat tuple: of a list, or with a default

    Called with numbers it gives a float; called with at least one Value, a node.
    """

    name: str
    value: Callable[..., float]
    partials: Any
    _: KW_ONLY
    text: str = ""
    latex: str = ""
    domain: str = ""
    instead: str = ""
    kinks: Mapping[float, str] = field(default_factory=dict)
    period: float = 0.0
    switch: Callable[..., float] = first
    gather: Callable[..., tuple[Any, ...]] | None = None
    node: Callable[..., Any] = field(init=False, repr=False)  # (*args) -> Value: the fast makers

    def __post_init__(self) -> None:
        self.refuse_wrong_counts()
        # the module in which the row is written, found as namedtuple finds it
        module = sys._getframe(2).f_globals.get("__name__", "__main__")
        object.__setattr__(self, "__module__", module)
        object.__setattr__(self, "node", maker(self))

    def refuse_wrong_counts(self) -> None:
        """Raise PrimitiveError for a value or a rule that takes another number of arguments."""
        if self.arity is None:
            return
        rules = self.partials if type(self.partials) is tuple else (self.partials,)
        for what, function, expected in (
            ("value", self.value, self.arity),
            *((f"rule {i}", rule, self.arity + 1) for i, rule in enumerate(rules, start=1)),
        ):
            code = getattr(function, "__code__", None)  # C functions and constants have none
            if code is None or code.co_flags & VARIADIC:
                continue
            optional = len(function.__defaults__ or ())
            if code.co_argcount - optional <= expected <= code.co_argcount:
                continue
            raise PrimitiveError(
                f"{self.name} has {self.arity} partials, but its {what} takes {code.co_argcount} "
                f"arguments where {expected} were expected: give a tuple of one rule "
                "`lambda y, *args: …` for each argument of the value"
            )

    @property
    def arity(self) -> int | None:
        """The number of arguments; None if any number will do."""
        if type(self.partials) is tuple:
            return len(self.partials)
        variadic = callable(self.partials) and self.partials.__code__.co_flags & VARIADIC
        return None if variadic else 1

    def partial(self, i: int, y: Any, args: Sequence[Any]) -> Any:
        """Return ∂y/∂args[i] by the row's rule, over whatever numbers y and args are."""
        return self.asked(y, args)(i)

    def asked(self, y: Any, args: Sequence[Any]) -> Callable[[int], Any]:
        """Return the function i -> ∂y/∂args[i]; a rule for all is asked once, or never."""
        if self.arity is None:
            at_once = cache(lambda: self.at_once(y, args))
            return lambda i: at_once()[i]
        rules = self.partials if type(self.partials) is tuple else (self.partials,)
        return lambda i: rules[i](y, *args) if callable(rules[i]) else rules[i]

    def at_once(self, y: Any, args: Sequence[Any]) -> Any:
        partials = self.partials(y, *args)
        if len(partials) != len(args):
            raise PrimitiveError(
                f"the rule of {self.name} gave {len(partials)} partials for {len(args)} "
                "arguments: give one for each argument"
            )
        return partials

    def distance_to_kink(self, point: Sequence[float]) -> float:
        """Return how far the number that passes through the kinks is from the nearest one."""
        away = [self.switch(*point) - kink for kink in self.kinks]
        if self.period:
            away = [math.remainder(distance, self.period) for distance in away]
        return min(map(abs, away), default=math.inf)

    def __call__(self, *args: Any) -> Any:
        if self.gather is not None:
            args = self.gather(*args)
        plain = True
        for arg in args:
            kind = type(arg)
            if kind is Value:
                made = self.node(*args)
                if made is NotImplemented:  # an operator would now ask the array
                    raise TypeError(f"{self.name} of an array: call it for each element")
                return made
            if kind is not float and kind is not int:
                plain = False
        if plain:  # the rules of other rows come here: no detours
            try:
                y = self.value(*args)
            except UNDEFINED:
                y = math.nan
            if type(y) is float and not y * 0.0:
                return y
        return evaluate(self, [as_float(arg) for arg in args], args)

    def __reduce__(self) -> str:
        return self.name  # pickled as module.name; the module must hold the row under its own name

    def written(self, *operands: str) -> str:
        """Return the primitive applied to operands, as a formula."""
        return filled(self.text or f"{self.name}(%s)", operands, "({})")

    def typeset(self, *operands: str) -> str:
        """Return the primitive applied to operands, as a formula in LaTeX."""
        name = self.name.replace("_", r"\_")
        template = self.latex or rf"\operatorname{{{name}}}(%s)"
        return filled(template, operands, r"\left({}\right)")


def filled(template: str, operands: Sequence[str], parentheses: str) -> str:
    """Return template with operands for its %s, in parentheses where nothing else holds them."""
    pieces = template.split("%s")
    if len(pieces) == 2 != len(operands) + 1:  # one place for all
        return template % ", ".join(operands)
    text = pieces[0]
    if len(pieces) != len(operands) + 1:
        raise PrimitiveError(
            f"{template!r} has {len(pieces) - 1} places %s for {len(operands)} operands"
        )
    for operand, after in zip(operands, pieces[1:], strict=True):
        held = not after + text or (text[-1:] in "({|[" and text)
        loose = " " in operand or operand[:1] == "-"
        text += (parentheses.format(operand) if loose and not held else operand) + after
    return text


# ---- the plain form: one thing at a time, and every error with its names -------------------------


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
        instead = f"; did you mean {primitive.instead}?" if primitive.instead else ""
        raise DomainError(f"{formula} is undefined: {primitive.name} needs {domain}{instead}")
    return float(y)


def node_of(primitive: Primitive, *operands: Any) -> Value:
    """Return the node primitive(*operands): the careful maker, to which the fast ones turn in
    doubt.
    """
    args = tuple(arg if type(arg) is Value else constant_node(arg) for arg in operands)
    data = [arg._data for arg in args]
    y = evaluate(primitive, data, args)
    ask = primitive.asked(y, data)
    partials = [
        0.0 if is_constant(arg) else partial_of(primitive, ask, i, y, args)
        for i, arg in enumerate(args)
    ]
    return make(y, primitive, args, tuple(partials))


def partial_of(
    primitive: Primitive, ask: Callable[[int], Any], i: int, y: float, args: Sequence[Value]
) -> Any:
    """Return the i-th partial as a float, or as Undefined where finite operands give none."""
    try:
        partial = as_float(ask(i))
    except UNDEFINED:
        partial = math.nan
    if math.isfinite(partial) or not all(math.isfinite(arg.data) for arg in args):
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


# ---- the fast makers: the plain form unrolled by arity, 3 times its speed ------------------------
#
# Each hopes for the best, and leaves what is unusual (an error, an infinity, a NaN) to node_of.
# `(y + da + db) * 0.0` is true exactly if something in it is not finite.


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
        except (TypeError, *UNDEFINED):
            return node_of(primitive, *operands)
        if sum(partials, y) * 0.0 or not 3 <= len(args) == len(partials):
            return node_of(primitive, *operands)
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


def listed(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return the elements of a list of values; TypeError for texts, sets and mappings."""
    if isinstance(values, str | bytes | bytearray | memoryview | Set | Mapping):
        raise TypeError(f"{shown(values)} is not a list of values: give a list, [a, b, …]")
    return tuple(values)


def componentwise(
    row: Primitive, of_floats: Callable[[Sequence[float]], list[float]]
) -> Callable[[Iterable[Any]], list[Any]]:
    """Return the function of a list that gives row(x, *others) for each x of it.

    Over floats all are computed at once by of_floats.
    """

    def components(values: Iterable[Any]) -> list[Any]:
        xs = listed(values)
        if any(type(x) is Value for x in xs):
            return [row.node(x, *xs[:i], *xs[i + 1 :]) for i, x in enumerate(xs)]
        return of_floats([as_float(x) for x in xs])

    return components


def where(condition: Any, then: Any, otherwise: Any) -> Value:
    """Return then if condition is true, else otherwise; the other one contributes nothing.

    A branch may be a function without arguments, and then is only run if it is taken:
    `where(x > 0, lambda: log(x), 0)`. Always a Value, so that backward() works whichever is taken.
    """
    taken = then if condition else otherwise
    chosen = taken() if callable(taken) else taken
    return chosen if type(chosen) is Value else constant_node(chosen)


# A number that an operator lifted: a function of no arguments.
constant = Primitive("constant", float, ())
