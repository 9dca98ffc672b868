"""The graph, and no calculus: that is primitives.py.

A node says what it is: `y = primitive(*args)`. Going forward, every node writes down its value and how
responsible each argument is for it: the partial. Going backward, nothing is differentiated any more:
responsibilities are multiplied and added.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from numbers import Real
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

from micrograd_es.errors import DomainError, GraphError

Number: TypeAlias = "Value | float | Fraction | Decimal"
Rule: TypeAlias = Callable[..., Any]  # (y, *args) -> partial, over floats or over values


@final
class Value:
    """A node of the graph: a float, how it was made, and its responsibility for an output.

    `Value(2.0, name="w1")` is a leaf; operators and functions make every other node. `data` is the
    float, `grad` is ∂output/∂self after `output.backward()`, `args` are the values this one was
    computed from and `partials` holds ∂self/∂arg for each of them.
    """

    # a, da, b, db are args and partials laid flat: half the time of tuples. A node with more than
    # two args keeps tuples in a and da. Only the makers, the walk and backward know of it.
    __slots__ = (
        *("_data", "grad", "name", "primitive", "a", "da", "b", "db"),
        *("mark", "__weakref__"),  # the walk that last passed here
    )

    _data: float
    grad: float
    name: str | None
    primitive: Primitive | None

    def __init__(self, data: float | Fraction | Decimal, name: str | None = None) -> None:
        self._data = as_float(data)
        self.grad = 0.0
        self.name = name
        self.primitive = self.a = self.da = self.b = self.db = self.mark = None

    def __init_subclass__(cls) -> None:
        raise TypeError(f"{cls.__name__} cannot be a kind of Value: Value is final; a new function is a Primitive")

    data = property(attrgetter("_data"), doc="The float. What is assigned becomes a Python float or is refused.")

    @data.setter
    def data(self, number: float | Fraction | Decimal) -> None:
        self._data = as_float(number)

    @property
    def args(self) -> tuple[Value, ...]:
        """The values that this one was computed from, in written order; none for a leaf."""
        return laid_out(self.a, self.b)

    @property
    def partials(self) -> tuple[Any, ...]:
        """∂self/∂arg for each of `args`, as of the forward pass."""
        return laid_out(self.da, self.db)

    def backward(self) -> None:
        """Give every node that self depends on its `grad`, ∂self/∂node.

        Leaves accumulate, as in PyTorch: two calls add twice. What was computed starts afresh.
        """
        order = topological_order(self)
        for node in order:
            if node.primitive is not None:
                node.grad = 0.0
        self.grad += 1.0
        for node in reversed(order):
            grad, a, b = node.grad, node.a, node.b
            if b is not None:
                a.grad += grad * node.da
                b.grad += grad * node.db
            elif type(a) is tuple:
                for arg, partial in zip(a, node.da, strict=True):
                    arg.grad += grad * partial
            elif a is not None:
                a.grad += grad * node.da

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        made_by = "" if self.primitive is None else f", primitive={self.primitive.name!r}"
        return f"Value(data={self._data!r}, grad={self.grad!r}{name}{made_by})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy flat, without recursion; leaves stay shared, as the pickle's memo knows them."""
        rows = []
        order = topological_order(self)
        index = {node: i for i, node in enumerate(order)}
        for node in order:
            if node.primitive is None and node is not self:
                rows.append(node)
            else:
                args = tuple(index[arg] for arg in node.args)
                rows.append((node._data, node.grad, node.name, node.primitive, args, node.partials))
        return rebuilt, (rows,)

    if TYPE_CHECKING:  # what notation.py attaches; a test says that the two agree
        a: Any
        b: Any
        da: Any
        db: Any
        mark: Any
        # fmt: off
        def __add__(self, other: Number, /) -> Value: ...
        def __radd__(self, other: Number, /) -> Value: ...
        def __sub__(self, other: Number, /) -> Value: ...
        def __rsub__(self, other: Number, /) -> Value: ...
        def __mul__(self, other: Number, /) -> Value: ...
        def __rmul__(self, other: Number, /) -> Value: ...
        def __truediv__(self, other: Number, /) -> Value: ...
        def __rtruediv__(self, other: Number, /) -> Value: ...
        def __pow__(self, other: Number, /) -> Value: ...
        def __rpow__(self, other: Number, /) -> Value: ...
        def __neg__(self) -> Value: ...
        def __pos__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def __lt__(self, other: Number, /) -> bool: ...
        def __le__(self, other: Number, /) -> bool: ...
        def __gt__(self, other: Number, /) -> bool: ...
        def __ge__(self, other: Number, /) -> bool: ...
        def __float__(self) -> float: ...
        def __int__(self) -> int: ...
        def __bool__(self) -> bool: ...
        def __round__(self, digits: int = 0, /) -> float: ...
        def exp(self) -> Value: ...
        def log(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def sin(self) -> Value: ...
        def cos(self) -> Value: ...
        def tanh(self) -> Value: ...
        def sigmoid(self) -> Value: ...
        def relu(self) -> Value: ...
        def abs(self) -> Value: ...
        def sign(self) -> Value: ...
        def step(self) -> Value: ...
        def detach(self) -> Value: ...
        def maximum(self, other: Number, /) -> Value: ...
        def minimum(self, other: Number, /) -> Value: ...
        # fmt: on


def laid_out(first: Any, second: Any) -> tuple[Any, ...]:
    """Return the flat slots (a, b) or (da, db) as the tuple that they stand for."""
    if first is None or type(first) is tuple:
        return first or ()
    return (first,) if second is None else (first, second)


def make(data: float, primitive: Primitive | None, args: tuple[Value, ...], partials: tuple[Any, ...]) -> Value:
    """Return a node in the plain form; the makers below write the same slots, faster."""
    node = new(Value)
    node._data = data
    node.grad = 0.0
    node.name = node.mark = None
    node.primitive = primitive
    flat = len(args) <= 2
    node.a, node.b = (*args, None, None)[:2] if flat else (args, None)
    node.da, node.db = (*partials, None, None)[:2] if flat else (partials, None)
    return node


new = object.__new__


def rebuilt(rows: list[Any]) -> Value:
    """Return the output of a graph that was taken apart by `Value.__reduce__`."""
    nodes: list[Value] = []
    for row in rows:
        if type(row) is not Value:
            data, grad, name, primitive, args, partials = row
            row = make(data, primitive, tuple(nodes[i] for i in args), partials)
            row.grad, row.name = grad, name
        nodes.append(row)
    return nodes[-1]


def topological_order(output: Value) -> list[Value]:
    """Return every node that output needs, each after its args. The only walk of the package.

    Depth first, arguments as written, so that sums are made in the same order in every run; and
    iterative: None on the stack says that all that the node below it needs has been listed.
    """
    opened, closed = object(), object()  # this walk's own marks: no counter, no set
    order: list[Value] = []
    stack: list[Any] = [output]
    push, pop = stack.append, stack.pop
    while stack:
        node = pop()
        if node is None:
            node = pop()
            node.mark = closed
            order.append(node)
        elif node.mark is not closed:
            if node.mark is opened:
                raise GraphError(f"{node!r} depends on itself: a graph has no cycles; args are made by operators only")
            node.mark = opened
            push(node)
            push(None)
            a, b = node.a, node.b
            if b is not None:
                push(b)
                push(a)
            elif type(a) is tuple:
                stack += a[::-1]
            elif a is not None:
                push(a)
    return order
