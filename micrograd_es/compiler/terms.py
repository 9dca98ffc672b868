"""The language in which forms are written: arithmetic and functions of places of a code.

    Term         a place of the code, with operators that append to it
    m            m.exp(x), m.where("less", a, b, x, z): the basic operations as functions of Terms
    write_once   a decorator: what several forms of one list need is written once

For Terms x and y of a code, m.exp(x) * y appends `exp` and `mul` to the code and is the Term of the
product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from micrograd_es.compiler.code import Code


def infix(name: str, reflected: bool = False) -> Callable[[Term, Number], Term]:
    """Return the method of an operator; reflected, of one whose left operand is a number."""
    if reflected:
        return lambda term, other: term.put(name, other, term)
    return lambda term, other: term.put(name, term, other)


class Term:
    """A place of the code, with operators that append to it and give the place of the result."""

    __slots__ = ("code", "place")

    def __init__(self, code: Code, place: int) -> None:
        self.code, self.place = code, place

    def put(self, name: str, *others: Number) -> Term:
        """Return a basic operation on Terms and numbers, written into this Term's code."""
        places = [x.place if isinstance(x, Term) else self.code.constant(x) for x in others]
        return Term(self.code, self.code.put(name, *places))

    @property
    def number(self) -> float | None:
        """What the place holds if it is a constant; None otherwise."""
        return self.code.constants.get(self.place)

    __add__, __radd__ = infix("add"), infix("add", reflected=True)
    __sub__, __rsub__ = infix("sub"), infix("sub", reflected=True)
    __mul__, __rmul__ = infix("mul"), infix("mul", reflected=True)
    __truediv__, __rtruediv__ = infix("div"), infix("div", reflected=True)

    def __neg__(self) -> Term:
        return self.put("neg", self)


Number = Term | float
Result = TypeVar("Result")


class Functions:
    """Every basic operation as a function of Terms and numbers, of which one is a Term."""

    def __getattr__(self, name: str) -> Callable[..., Term]:
        def apply(*args: Number) -> Term:
            term = next(x for x in args if isinstance(x, Term))
            return term.put(name, *args)

        return apply

    def where(self, comparison: str, a: Number, b: Number, x: Number, z: Number) -> Term:
        """Return x where a < b ("less"), a <= b ("at_most") or a == b ("equal"), else z."""
        return self.__getattr__(f"if_{comparison}")(a, b, x, z)


m = Functions()


def write_once(form: Callable[..., Result]) -> Callable[..., Result]:
    """Return form(*xs) of Terms in whatever order, written once for each list of them."""

    def look_up(*xs: Term) -> Result:
        code, places = xs[0].code, sorted([x.place for x in xs])
        key = form, tuple(places)
        if key not in code.memo:
            code.memo[key] = form(*(Term(code, place) for place in places))
        result: Result = code.memo[key]
        return result

    return look_up
