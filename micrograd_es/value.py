"""The graph, and no calculus: that is primitives.py.

A node says what it is: `y = primitive(*args)`. Going forward, every node writes down its value and
how responsible each argument is for it: the partial. Going backward, nothing is differentiated any
more: responsibilities are multiplied and added.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import TYPE_CHECKING, Any, final
from weakref import WeakKeyDictionary

from micrograd_es.errors import DomainError, GraphError
from micrograd_es.gate import as_float, shown

if TYPE_CHECKING:
    from micrograd_es.operators import Operators  # a stub: what notation.py hangs on Value
    from micrograd_es.primitive import Primitive
else:
    Operators = object

new = object.__new__  # makes every node but a leaf; origins() puts its own in place of it
made_at: WeakKeyDictionary[Value, str] = WeakKeyDictionary()  # "file:line", inside origins()


@final
class Value(Operators):
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
    a: Any
    b: Any
    da: Any
    db: Any
    mark: Any

    def __init__(self, data: float | Fraction | Decimal, name: str | None = None) -> None:
        if name is not None and type(name) is not str:
            raise TypeError(f"the name {shown(name)} is no text: Value(2.0, name='w1')")
        self._data = as_float(data)
        self.grad = 0.0
        self.name = name
        self.primitive = self.a = self.da = self.b = self.db = self.mark = None

    def __init_subclass__(cls) -> None:
        raise TypeError(f"{cls.__name__}: Value is final; a function of your own is a Primitive")

    if TYPE_CHECKING:
        data: float
    else:

        def set_data(self, number):
            self._data = as_float(number)

        data = property(
            attrgetter("_data"), set_data, doc="The float; what is not a number is refused."
        )
        del set_data

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

        Leaves accumulate, as in PyTorch: two calls add twice. What was computed starts afresh. A
        node whose responsibility is exactly 0 passes nothing on, whatever its partials are. A grad
        beyond the largest float is inf, as in IEEE arithmetic; find_nonfinite(self) names it.
        DomainError if a partial that is really used is undefined; leaves are then left as they
        were.
        """
        order = topological_order(self)
        before = []
        for node in order:
            if node.primitive is None:
                before.append((node, node.grad))
            else:
                node.grad = 0.0
        self.grad += 1.0
        try:
            for node in reversed(order):
                grad = node.grad
                if grad == 0.0:
                    continue
                a, b = node.a, node.b
                if b is not None:
                    a.grad += grad * node.da
                    b.grad += grad * node.db
                elif type(a) is tuple:
                    for arg, partial in zip(a, node.da, strict=True):
                        arg.grad += grad * partial
                elif a is not None:
                    a.grad += grad * node.da
        except DomainError as error:
            for leaf, grad in before:
                leaf.grad = grad
            raise DomainError(f"{error}{whereabouts(node, order)}") from None

    def __repr__(self) -> str:
        name = "" if self.name is None else f", name={self.name!r}"
        made_by = "" if self.primitive is None else f", primitive={self.primitive.name!r}"
        return f"Value(data={self._data!r}, grad={self.grad!r}{name}{made_by})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy flat, without recursion.

        Leaves stay shared among several outputs that are copied together; what was computed is
        copied for each output apart.
        """
        rows: list[Any] = []
        order = topological_order(self)
        index = {node: i for i, node in enumerate(order)}
        for node in order:
            if node.primitive is None and node is not self:
                rows.append(node)
            else:
                args = tuple(index[arg] for arg in node.args)
                rows.append((node._data, node.grad, node.name, node.primitive, args, node.partials))
        return rebuilt, (rows,)


def laid_out(first: Any, second: Any) -> tuple[Any, ...]:
    """Return the flat slots (a, b) or (da, db) as the tuple that they stand for."""
    if first is None or type(first) is tuple:
        return first or ()
    return (first,) if second is None else (first, second)


def make(
    data: float,
    primitive: Primitive | None,
    args: tuple[Value, ...] = (),
    partials: tuple[Any, ...] = (),
) -> Value:
    """Return a node in the plain form; the makers of primitive.py write the same slots, faster."""
    node = new(Value)
    node._data = data
    node.grad = 0.0
    node.primitive = primitive
    node.name = node.mark = None
    flat = len(args) <= 2
    node.a, node.b = (*args, None, None)[:2] if flat else (args, None)
    node.da, node.db = (*partials, None, None)[:2] if flat else (partials, None)
    return node


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
    if type(output) is not Value:
        raise TypeError(f"{shown(output)} has no graph: only a Value has one")
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
            continue  # CPython 3.11 speeds up a loop at such a jump; without one, after 8 calls
        if node.mark is closed:
            continue
        if node.mark is opened:
            raise GraphError(
                f"{node!r} depends on itself: leave args to the operators that set them"
            )
        node.mark = opened
        push(node)
        push(None)
        a, b = node.a, node.b
        if b is not None:
            if b.mark is not closed:
                push(b)
            if a.mark is not closed:
                push(a)
        elif type(a) is tuple:
            for arg in reversed(a):
                if arg.mark is not closed:
                    push(arg)
        elif a is not None:
            push(a)
    return order


def gradient(output: Value, inputs: Sequence[Value]) -> list[Value]:
    """Return ∂output/∂input for each input, as values that can be differentiated again.

    No `grad` is touched. An input that output does not depend on gets 0. The rows are asked once
    more, now with values; GraphError if their answer is not the partial of the forward pass,
    because some data was changed in between.
    """
    inputs = [inputs] if isinstance(inputs, Value) else list(inputs)
    for node in (output, *inputs):
        if type(node) is not Value:
            raise TypeError(f"gradient of {shown(node)}: output and inputs are Values")
    order = topological_order(output)
    leading = set(inputs)  # the nodes on the way to an input; the others are never asked
    for node in order:
        if not leading.isdisjoint(node.args):
            leading.add(node)
    grads: dict[Value, Value | float] = {output: 1.0}
    for node in reversed(order):
        if node.primitive is None or node not in leading or node not in grads:
            continue
        try:
            for arg, share in shares(node, grads[node], leading):
                grads[arg] = grads[arg] + share if arg in grads else share
        except DomainError as error:
            raise DomainError(f"{error}{whereabouts(node, order)}") from None
    constant = output.primitive and output.primitive.constant  # what no input can change
    return [
        grad if type(grad := grads.get(x, 0.0)) is Value else make(float(grad), constant)
        for x in inputs
    ]


def shares(node: Any, grad: Value | float, leading: set[Value]) -> Iterator[tuple[Value, Any]]:
    """Yield (arg, grad · partial) for the args on the way to an input, the partials as values."""
    fixed = [is_constant(arg) and arg not in leading for arg in node.args]
    args = [arg._data if number else arg for arg, number in zip(node.args, fixed, strict=True)]
    ask = node.primitive.asked(node, args)
    for i, (arg, stored) in enumerate(zip(node.args, node.partials, strict=True)):
        if arg not in leading:
            continue
        if isinstance(stored, Undefined):
            nothing = float(grad) * stored  # raises, unless nobody is responsible
            if type(grad) is Value:  # here; but nearby?
                if not leading.isdisjoint(topological_order(grad)):
                    raise DomainError(f"{stored.message} (0 here, but not all around)")
                yield arg, make(nothing, node.primitive, (grad,), (stored,))
            else:
                yield arg, nothing
            continue
        partial = ask(i)
        now = partial._data if type(partial) is Value else partial
        if now != stored and not (now != now and stored != stored):
            raise GraphError(
                f"the partial of {node!r} was {stored!r} going forward and is {now!r} now: "
                "data was changed since; compute the output again, then ask for its gradient"
            )
        if type(partial) is Value or partial != 0:
            yield arg, times(grad, partial)


def whereabouts(node: Value, order: Sequence[Value]) -> str:
    """Return the route from node to the output, and node's line if origins() recorded it."""
    above: dict[Value, Value] = {}
    for user in order:
        for arg in user.args:
            above[arg] = user  # the last one, so that the route is short
    line = f", made at {made_at[node]}" if node in made_at else ""
    names = [called(node)]
    while (step := above.get(node)) is not None:
        names.append(called(step))
        node = step
    if len(names) > 8:
        names[4:-3] = [f"… {len(names) - 7} more …"]
    return f"; its route to the output: {' -> '.join(names)}{line}"


def called(node: Value) -> str:
    """Return what to call a node: its name, or else its primitive's title."""
    return node.name or (node.primitive.title if node.primitive else "leaf")


def times(grad: Value | float, partial: Value | float) -> Value | float:
    """Return grad · partial, without a node for a plain 1."""
    if type(partial) is not Value and partial == 1:
        return grad
    return partial if type(grad) is not Value and grad == 1 else grad * partial


class Undefined:
    """A partial without a finite value, on a node whose own value is fine: an error kept for later.

    `grad * partial` raises it, unless the responsibility that arrives is exactly 0: so backward
    needs no test for it.
    """

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message

    def __rmul__(self, grad: float) -> float:
        if grad == 0 or grad != grad:
            return grad
        raise DomainError(self.message)

    def __repr__(self) -> str:
        return "undefined"


def is_constant(node: Value) -> bool:
    """Whether node is a number that an operator lifted: what a primitive of no arguments made."""
    return node.a is None and node.primitive is not None
