"""An expression written as text becomes a graph of Values.

    read(text, numbers)   the Value of "(a*b + c).tanh()" at a=2, b=-3, c=10

`ast` parses the text, and a Reader turns its parts into Values: it is never run as Python.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from micrograd_es.cli.refusal import Refusal
from micrograd_es.errors import nearest
from micrograd_es.primitive import as_value
from micrograd_es.primitives import PUBLIC, clip
from micrograd_es.texts import excerpt
from micrograd_es.value import Value

MOST_CHARACTERS = 2000  # characters
FUNCTIONS: dict[str, Callable[..., Any]] = {**PUBLIC, "clip": clip}
# fmt: off
SYNTAX_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.FloorDiv: operator.floordiv, ast.Pow: operator.pow,
    ast.USub: operator.neg, ast.UAdd: operator.pos,
}
COMPARISONS: dict[type, Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
    ast.Eq: operator.eq, ast.NotEq: operator.ne,
}
# fmt: on


def read(text: str, numbers: Mapping[str, float]) -> Value:
    """Return the Value of an expression such as "(a*b + c).tanh()", its letters standing for
    numbers.

    It may hold numbers, letters, + - * / // % **, and the primitives as functions and as methods,
    with lists where they take lists; and `where(a > 0, lambda: log(a), 0)`, which computes the
    branch that is taken. Anything else is a Refusal: a letter without a number, a number without
    a letter, a value that is undefined.
    """
    if len(text) > MOST_CHARACTERS:
        raise Refusal("expression_long", most=MOST_CHARACTERS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python warns of spellings such as 1if.
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise Refusal("expression_syntax", text=excerpt(text)) from None
    leaves = {name: Value(number, name=name) for name, number in numbers.items()}
    reader = Reader(text, leaves)
    try:
        value = reader.value(tree)
    except Refusal:
        raise
    except RecursionError:
        raise Refusal("expression_syntax", text=excerpt(text)) from None
    except Exception as problem:  # Any function may be called with anything.
        raise Refusal("expression_undefined", problem=excerpt(str(problem), 300)) from None
    if idle := leaves.keys() - reader.used:
        raise Refusal("expression_idle", name=excerpt(min(idle)))
    if type(value) is not Value:
        raise Refusal("expression_syntax", text=excerpt(text))
    return value


class Reader:
    """Turns the parts of an expression into Values, and remembers which letters it used."""

    def __init__(self, text: str, leaves: Mapping[str, Value]) -> None:
        self.text, self.leaves = text, leaves
        self.used: set[str] = set()

    def value(self, node: ast.expr) -> Any:
        """Return the Value, number or list that a part of the expression stands for."""
        match node:
            case ast.Constant(value=int() | float() as number) if type(number) is not bool:
                return as_value(number)
            case ast.Name(id=name):
                return self.leaf(name)
            case ast.BinOp(left, op, right) if type(op) in SYNTAX_OPERATORS:
                return SYNTAX_OPERATORS[type(op)](self.value(left), self.value(right))
            case ast.UnaryOp(op, operand) if type(op) in SYNTAX_OPERATORS:
                return SYNTAX_OPERATORS[type(op)](self.value(operand))
            case ast.List(elts):
                return [self.value(element) for element in elts]
            case ast.Call(
                ast.Name(id="where"), [ast.Compare(left, [op], [right]), then, otherwise], []
            ) if type(op) in COMPARISONS:
                holds = COMPARISONS[type(op)](self.value(left), self.value(right))
                return self.branch(then, otherwise) if holds else self.branch(otherwise, then)
            case ast.Call(ast.Name(id=name), args, []) if name != "where":
                return self.function(name)(*map(self.value, args))
            case ast.Call(ast.Attribute(value=first, attr=name), args, []):
                return self.function(name)(self.value(first), *map(self.value, args))
        part = ast.get_source_segment(self.text.strip(), node) or self.text
        raise Refusal("expression_part", part=excerpt(part))

    def branch(self, taken: ast.expr, other: ast.expr) -> Any:
        """Return the value of the branch that is taken; letters of the other count as used."""
        self.used |= {part.id for part in ast.walk(other) if isinstance(part, ast.Name)}
        if isinstance(taken, ast.Lambda) and not ast.unparse(taken.args):
            taken = taken.body
        return self.value(taken)

    def leaf(self, name: str) -> Value:
        """Return the leaf of a letter."""
        if name not in self.leaves:
            raise Refusal("expression_name", nearest(name, self.leaves), name=excerpt(name))
        self.used.add(name)
        return self.leaves[name]

    def function(self, name: str) -> Callable[..., Any]:
        """Return the primitive of that name."""
        if name not in FUNCTIONS:
            known = sorted([*FUNCTIONS, "where"])
            parts = {"name": excerpt(name), "known": ", ".join(known)}
            raise Refusal("expression_function", nearest(name, known), **parts)
        return FUNCTIONS[name]
