"""What a row of the table is: a function, and every fact about it. The rows are in primitives.py.

Primitive(name, value, partials, …)   a row; one of your own is as good as those of the table
where(condition, then, otherwise)     a choice, which a program can make for each sample
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import KW_ONLY, dataclass, field
from functools import cache
from typing import Any, ClassVar

from micrograd_es.coercion import Undecided, as_float, describe
from micrograd_es.errors import PrimitiveError
from micrograd_es.nodes import UNDEFINED, evaluate, maker
from micrograd_es.value import Value, make

VARIADIC = 0x04  # the flag of a function with *args


def first(x: float, *others: float) -> float:
    return x


@dataclass(frozen=True, eq=False, repr=False)
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
    title     what errors call it, where users did not write it: "slope of norm"; else its name
    domain    where it has a value, if not everywhere: "x > 0"
    instead   what to write where it has none: "log(abs(x))"
    kinks     where its slope jumps, and the slope taken there: "left" or "right" as on that side,
              "mean" of both; "jump" where the value jumps, and the slope is that of both sides
    period    the distance at which the kinks repeat, if they do
    switch    the number that passes through the kinks: the first argument unless given
    gather    turns what it is called with into a flat tuple: of a list, or with a default
    group     where it belongs: arithmetic, elementary, activation (nn takes its name), choice (made
              of flat pieces), list (of any number of arguments), slope (only rows name it)
    public    whether the package offers it by name; a slope never is
    form      its value as a formula of operators and primitives, where `value` is not written as
              one: what is compiled
    commutative, neutral  facts by which a program is simplified: x∘y is y∘x; x∘neutral is x

    Called with numbers it gives a float; called with at least one Value, a node.
    """

    name: str
    value: Callable[..., float]
    partials: Any
    _: KW_ONLY
    text: str = ""
    latex: str = ""
    title: str = ""
    domain: str = ""
    instead: str = ""
    kinks: Mapping[float, str] = field(default_factory=dict)
    period: float = 0.0
    switch: Callable[..., float] = first
    gather: Callable[..., tuple[Any, ...]] | None = None
    form: Callable[..., Any] | None = None
    group: str = "elementary"
    public: bool = True
    commutative: bool = False
    neutral: float | None = None
    node: Callable[..., Any] = field(init=False, repr=False)  # (*args) -> Value: the fast makers
    arity: int | None = field(init=False, repr=False)  # how many arguments; None: any number
    constant: ClassVar[Primitive]  # the row of plain numbers that met a Value: no arguments

    def __post_init__(self) -> None:
        if isinstance(self.partials, list):
            object.__setattr__(self, "partials", tuple(self.partials))
        object.__setattr__(self, "title", self.title or self.name)
        object.__setattr__(self, "arity", self.count_arguments())
        self.refuse_wrong_counts()
        # the module in which the row is written, found as namedtuple finds it
        module = sys._getframe(2).f_globals.get("__name__", "__main__")
        object.__setattr__(self, "__module__", module)
        object.__setattr__(self, "node", maker(self))
        object.__setattr__(self, "__doc__", self.help_text())

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def help_text(self) -> str:
        """Return what help(row) says."""
        names = {1: "x", 2: "a, b"}.get(self.arity or 0, "values")
        kinks = (f"{kink:g} ({which})" for kink, which in self.kinks.items())
        facts = {"Defined for": self.domain, "Elsewhere": self.instead, "Kinks": ", ".join(kinks)}
        lines = [f"{what}: {fact}" for what, fact in facts.items() if fact]
        return "\n".join(
            [f"{self.name}({names}): a float of numbers; a Value if one of them is.", *lines]
        )

    def refuse_wrong_counts(self) -> None:
        """Raise PrimitiveError for a value or a rule that takes another number of arguments."""
        if self.arity is None:
            return
        rules = self.partials if type(self.partials) is tuple else (self.partials,)
        for rule in rules:
            if not isinstance(rule, int | float) and not hasattr(rule, "__code__"):
                raise PrimitiveError(
                    f"a partial of {self.name} is {describe(rule)}: give a function, "
                    "`lambda y, *args: …`, or a number where it is constant"
                )
        for what, function, expected in (
            ("value", self.value, self.arity),
            *((f"rule {i}", rule, self.arity + 1) for i, rule in enumerate(rules, start=1)),
        ):
            code = getattr(function, "__code__", None)  # C functions and constants have none
            if code is None or code.co_flags & VARIADIC:
                continue
            takes = code.co_argcount - hasattr(function, "__self__")  # of a method, self is given
            if takes - len(function.__defaults__ or ()) <= expected <= takes:
                continue
            raise PrimitiveError(
                f"{self.name} has {self.arity} partials, but its {what} takes {takes} "
                f"arguments where {expected} were expected: give a tuple of one rule "
                "`lambda y, *args: …` for each argument of the value"
            )

    def count_arguments(self) -> int | None:
        """Return the number of arguments that the partials are for; None if any number will do."""
        if type(self.partials) is tuple:
            return len(self.partials)
        code = getattr(self.partials, "__code__", None)
        return None if code is not None and code.co_flags & VARIADIC else 1

    def partial(self, i: int, y: object, args: Sequence[object]) -> Any:
        """Return ∂y/∂args[i] by the row's rule, over whatever numbers y and args are."""
        return self.partials_at(y, args)(i)

    def partials_at(self, y: object, args: Sequence[object]) -> Callable[[int], Any]:
        """Return the function i -> ∂y/∂args[i]; a rule for all arguments is called at most once."""
        if self.arity is None:
            at_once = cache(lambda: self.all_partials(y, args))
            return lambda i: at_once()[i]
        rules = self.partials if type(self.partials) is tuple else (self.partials,)
        return lambda i: rules[i](y, *args) if callable(rules[i]) else rules[i]

    def all_partials(self, y: object, args: Sequence[object]) -> Any:
        partials = self.partials(y, *args)
        size = len(partials) if isinstance(partials, list | tuple) else "no list of"
        if size != len(args):
            raise PrimitiveError(
                f"the rule of {self.name} gave {size} partials for {len(args)} "
                "arguments: give one for each argument"
            )
        return partials

    def distance_to_kink(self, point: Sequence[float]) -> float:
        """Return how far the number that passes through the kinks is from the nearest one."""
        away = [self.switch(*point) - kink for kink in self.kinks]
        if self.period:
            finite = map(math.isfinite, away)  # far out, every float is a kink
            away = [
                math.remainder(x, self.period) if ok else 0.0
                for x, ok in zip(away, finite, strict=True)
            ]
        return min(map(abs, away), default=math.inf)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self.gather is not None:
            args = self.gather(*args, **options)
        elif options or len(args) != (self.arity or len(args)):
            given = ", ".join([*map(describe, args), *options])
            raise TypeError(f"{self.name} takes {self.arity} arguments, and was given {given}")
        plain = True
        for arg in args:
            kind = type(arg)
            if kind is Value:
                node = self.node(*args)
                if node is NotImplemented:  # an operator would now ask the array
                    raise TypeError(f"{self.name} of an array: call it for each element")
                return node
            if kind is not float and kind is not int:
                plain = False
        if plain:  # fast path: rules over floats call other rows very often
            try:
                y = self.value(*args)
            except UNDEFINED:
                y = math.nan
            if type(y) is float and not y * 0.0:
                return y
        return evaluate(self, [as_float(arg) for arg in args], args)

    def __reduce__(self) -> str:
        return self.name  # pickled as module.name; the module must hold the row under its own name

    def as_text(self, *operands: str) -> str:
        """Return the primitive applied to operands, as a formula."""
        return fill_template(self.text or f"{self.title}(%s)", operands, "({})")

    def as_latex(self, *operands: str) -> str:
        """Return the primitive applied to operands, as a formula in LaTeX."""
        name = self.name.replace("_", r"\_")
        template = self.latex or rf"\operatorname{{{name}}}(%s)"
        return fill_template(template, operands, r"\left({}\right)")


def fill_template(template: str, operands: Sequence[str], parentheses: str) -> str:
    """Return template with operands for its %s, in parentheses where nothing else holds them."""
    text, *rest = template.split("%s")
    if len(rest) == 1 != len(operands):  # one place for all of them
        return template % ", ".join(operands)
    if len(rest) != len(operands):
        raise PrimitiveError(f"{template!r} has {len(rest)} places for {len(operands)} operands")
    for operand, after in zip(operands, rest, strict=True):
        loose = re.search(r"[ ^]|^-|\\frac", operand)
        if loose and text[-1:] not in ("(", "[", "{", "|"):
            operand = parentheses.format(operand)
        text += operand + after
    return text


def elements_of(values: Iterable[object]) -> tuple[Any, ...]:
    """Return the elements of a list of values; TypeError for texts, sets and mappings."""
    if isinstance(values, str | bytes | bytearray | memoryview | Set | Mapping):
        raise TypeError(f"{describe(values)} is not a list of values: give a list, [a, b, …]")
    return tuple(values)


def components(
    row: Primitive, of_floats: Callable[[Sequence[float]], list[float]], values: Iterable[object]
) -> list[Any]:
    """Return row(x, *others) for each x of a list; over floats all at once, by of_floats."""
    xs = elements_of(values)
    if any(type(x) is Value for x in xs):
        return [component(row, x, *xs[:i], *xs[i + 1 :]) for i, x in enumerate(xs)]
    return of_floats([as_float(x) for x in xs]) if xs else []


def component(row: Primitive, *operands: object) -> Any:
    """Return row(*operands), or inf if it is too large, so that the rest of the list is there."""
    try:
        return row.node(*operands)
    except OverflowError:
        return math.inf


def where(condition: object, then: object, otherwise: object) -> Value:
    """Return then if condition is true, else otherwise; the other one contributes nothing.

    A branch may be a function without arguments, and then is only run if it is taken:
    `where(x > 0, lambda: log(x), 0)`. Always a Value, so that backward() works whichever is taken.

    The branch taken at a point is differentiated as if it were taken all around. So a condition of
    equality, `where(x == 0, 1, sin(x) / x)`, is right in value and wrong in slope: at 0 it is the
    constant 1, whose derivatives are all 0. Write the row that fills the gap: sinc, exprel, xlogy,
    expm1, log1p, hypot.
    """
    if isinstance(condition, Undecided):  # of symbols, while a function is compiled
        return condition.choose(then, otherwise)  # type: ignore[no-any-return]  # a Value
    if type(condition) is int and condition in (-1, -2):
        raise TypeError(
            f"where({condition}, …): that is ~ of a bool, and true either way; write not, or "
            "exchange the branches"
        )
    taken = then if condition else otherwise
    chosen = taken() if callable(taken) else taken
    return as_value(chosen)


def as_value(thing: object) -> Value:
    """Return a Value as it is, and a number as a constant one."""
    return thing if type(thing) is Value else make(as_float(thing), Primitive.constant)


Primitive.constant = constant = Primitive("constant", float, ())
