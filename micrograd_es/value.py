"""The graph, and no calculus: that is primitives.py.

    Value(2.0, name="w")          a leaf; operators and functions make every other node
    topological_order(output)     every node that output needs, each after its args
    reverse_sweep(output)         the chain rule in slow motion, an edge at a time
    output.backward()             the same at full speed, into the `.grad` of every node
    gradient(output, inputs)      the same with values, so that it can be differentiated again

A node says what it is: `y = primitive(*args)`. Going forward, every node writes down its value and
how responsible each argument is for it: the partial. Going backward, nothing is differentiated any
more: responsibilities are multiplied and added.

tiny.py does all of this on one page. This file does it fast, in several threads, under Ctrl-C, and
where a slope does not exist; each place that is longer than in tiny.py says why.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import starmap
from typing import TYPE_CHECKING, Any, NamedTuple, final
from weakref import WeakKeyDictionary, ref

from micrograd_es.coercion import as_float, describe, guard
from micrograd_es.errors import DomainError, GraphError

if TYPE_CHECKING:
    from micrograd_es.declarations import Operators  # a stub: what operators.py hangs on Value
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
    computed from and `partials` holds ∂self/∂arg for each of them. A `grad` set to None counts as 0
    in backward(), and an optimiser leaves such a weight where it is.
    """

    # tiny.py keeps tuples of args and partials. Here they lie flat in a, da, b, db: that takes half
    # the time; a node of more than two args keeps tuples in a and da. Only nodes.py and the walk,
    # backward and copies in this file know of it.
    __slots__ = (
        *("_data", "_grad", "name", "primitive", "a", "da", "b", "db"),
        *("mark", "__weakref__"),  # the walk that last passed here
    )

    _data: float
    _grad: Any  # a float, or None
    name: str | None
    primitive: Primitive | None
    a: Any
    b: Any
    da: Any
    db: Any
    mark: Any

    def __init__(self, data: float | Fraction | Decimal, name: str | None = None) -> None:
        if name is not None and type(name) is not str:
            raise TypeError(f"the name {describe(name)} is no text: Value(2.0, name='w1')")
        self._data = as_float(data)
        self._grad = 0.0
        self.name = name
        self.primitive = self.a = self.da = self.b = self.db = self.mark = None

    def __init_subclass__(cls) -> None:
        raise TypeError(f"{cls.__name__}: Value is final; a function of your own is a Primitive")

    # In tiny.py data and grad are plain attributes. Here they refuse what is no number, and while a
    # function is traced they refuse to be read or set: a trace must not depend on a number.

    @property
    def data(self) -> float:
        """The float; what is not a number is refused."""
        if (watcher := guard()) is not None:
            watcher.read(self, "reads .data")
        return self._data

    @data.setter
    def data(self, number: float | Fraction | Decimal) -> None:
        if (watcher := guard()) is not None:
            watcher.write(self, "sets .data")
        self._data = number if type(number) is float else as_float(number)

    @property
    def grad(self) -> Any:  # a float, as everybody writes it; None only if somebody set it to None
        """The responsibility that backward() left here: a float, or None if it was set to None."""
        if (watcher := guard()) is not None:
            watcher.read(self, "reads .grad")
        return self._grad

    @grad.setter
    def grad(self, number: float | Fraction | Decimal | None) -> None:
        if (watcher := guard()) is not None:
            watcher.write(self, "sets .grad")
        self._grad = number if number is None or type(number) is float else as_float(number)

    @property
    def args(self) -> tuple[Value, ...]:
        """The values that this one was computed from, in written order; none for a leaf."""
        return args_of(self)

    @property
    def partials(self) -> tuple[Any, ...]:
        """∂self/∂arg for each of `args`, as of the forward pass."""
        if (watcher := guard()) is not None:
            watcher.read(self, "reads .partials")
        return partials_of(self)

    def backward(self) -> None:
        """Give every node that self depends on its `grad`, ∂self/∂node.

        Leaves accumulate, as in PyTorch: two calls add twice. What was computed starts afresh. A
        node whose responsibility is exactly 0 passes nothing on, whatever its partials are. A grad
        beyond the largest float is inf, as in IEEE arithmetic; find_nonfinite(self) names it.
        DomainError if a partial that is really used is undefined. All leaves get their share or,
        whatever is raised, Ctrl-C included, none does.
        """
        backward(self)

    def __repr__(self) -> str:
        if (watcher := guard()) is not None and (preview := watcher.preview(self)) is not None:
            return preview
        name = "" if self.name is None else f", name={self.name!r}"
        made_by = "" if self.primitive is None else f", primitive={self.primitive.name!r}"
        return f"Value(data={self._data!r}, grad={self._grad!r}{name}{made_by})"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy flat, without recursion.

        Leaves stay shared among several outputs that are copied together; what was computed is
        copied for each output apart.
        """
        return rebuild, (take_apart(self),)


def args_of(node: Value) -> tuple[Value, ...]:
    """Return the arguments, which the flat slots a and b hold, as a tuple."""
    a, b = node.a, node.b
    if a is None or type(a) is tuple:
        return a or ()
    return (a,) if b is None else (a, b)


def partials_of(node: Value) -> tuple[Any, ...]:
    """Return the partials, which the flat slots da and db hold, as a tuple."""
    da, db = node.da, node.db
    if da is None or type(da) is tuple:
        return da or ()
    return (da,) if db is None else (da, db)


def make(
    data: float,
    primitive: Primitive | None,
    args: tuple[Value, ...] = (),
    partials: tuple[Any, ...] = (),
) -> Value:
    """Return a node; the fast paths of nodes.py write the same slots themselves."""
    node = new(Value)
    node._data = data
    node._grad = 0.0
    node.primitive = primitive
    node.name = node.mark = None
    flat = len(args) <= 2
    node.a, node.b = (*args, None, None)[:2] if flat else (args, None)
    node.da, node.db = (*partials, None, None)[:2] if flat else (partials, None)
    return node


def is_constant(node: Value) -> bool:
    """Whether node is a constant: a plain number that met a Value in an operator."""
    return node.a is None and node.primitive is not None


def set_all(slot: Any) -> Callable[[Iterable[tuple[Value, Any]]], object]:
    """Return a function that sets a slot of many nodes, given (node, number) pairs: all or none.

    Its loop runs in C, where neither Ctrl-C nor another thread gets in between.
    """
    return lambda pairs: deque(starmap(slot.__set__, [*pairs]), maxlen=0)


set_numbers, set_grads = set_all(Value._data), set_all(Value._grad)


# ---- the order -----------------------------------------------------------------------------------


def order_by_dictionary(output: Value, listed: dict[Value, bool]) -> list[Value]:
    """Return every node that output needs and that is not listed yet, each after its args.

    Depth first, arguments as written, so that sums are made in the same order in every run. None on
    the stack says that all that the node below it needs has been listed; tiny.py looks for what is
    missing again and again instead.
    listed  for each node met: whether it has been listed (else it is being walked)
    """
    order: list[Value] = []
    stack: list[Any] = [output]
    while stack:
        node = stack.pop()
        if node is None:
            node = stack.pop()
            listed[node] = True
            order.append(node)
        elif node not in listed:
            listed[node] = False
            stack += (node, None)
            stack += [arg for arg in reversed(node.args) if not listed.get(arg)]
        elif not listed[node]:
            raise depends_on_itself(node)
    return order


def depends_on_itself(node: Value) -> GraphError:
    return GraphError(f"{node!r} depends on itself: leave args to the operators that set them")


walking: list[ref[Any]] = []  # the walks under way; only the first may leave marks on the nodes


def topological_order(output: Value, listed: dict[Value, bool] | None = None) -> list[Value]:
    """Return every node that output needs, each after its args. The only walk of the package.

    The same list as order_beside, faster: marks on the nodes say where the walk has been, not a
    dictionary. While another walk leaves its marks there, in another thread or under a signal
    handler, order_beside makes the list: a quarter slower.
    listed  a dictionary of walks to be continued: the nodes that they listed are not listed again
    """
    if type(output) is not Value:
        raise TypeError(f"{describe(output)} has no graph: only a Value has one")
    if listed is not None:
        return order_by_dictionary(output, listed)
    this: set[Any] = set()  # dies with the walk, however it ends, and so leaves the list
    walking.append(ref(this, walking.remove))
    if walking[0]() is not this:
        return order_by_dictionary(output, {})
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
            raise depends_on_itself(node)
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


# ---- the chain rule, with floats -----------------------------------------------------------------


class Edge(NamedTuple):
    """One step of the chain rule: node hands grad · partial on to arg, its argument at `place`."""

    node: Value
    place: int
    arg: Value
    grad: float  # ∂output/∂node, all of it: whatever uses node came before
    partial: Any  # ∂node/∂arg, as of the forward pass; an Undefined where it has no finite value
    share: float  # grad · partial, and 0 if grad is 0
    before: float  # what the edges before this one have handed on to arg

    @property
    def after(self) -> float:
        """∂output/∂arg as far as it is known: the share added to what was there."""
        return self.before + self.share


def reverse_sweep(output: Value) -> Iterator[Edge]:
    """Yield the edges of the graph from the output back: backpropagation in slow motion.

    The `after` of the last edge that leads to a node is ∂output/∂node. No `.grad` is touched.
    DomainError if a partial is needed that is undefined.
    """
    order = topological_order(output)
    around = Around([node for node in order if node.primitive is None], {*order})
    grads = {output: 1.0}
    for node in reversed(order):
        grad = grads[node]
        for place, (arg, partial) in enumerate(zip(node.args, partials_of(node), strict=True)):
            if grad == 0.0 or (type(partial) is Undefined and around.leads_nowhere(arg)):
                share = 0.0
            else:
                try:
                    share = grad * partial
                except DomainError as error:
                    raise DomainError(f"{error}{whereabouts(node, order)}") from None
            edge = Edge(node, place, arg, grad, partial, share, grads.get(arg, 0.0))
            yield edge
            grads[arg] = edge.after


def backward(output: Value) -> None:
    """Sweep as reverse_sweep does, to the same bits, but fast: each grad is a slot of its node.

    The partials were kept going forward, so no row is needed. An undefined one raises by itself
    when it is multiplied; only then is the sweep repeated with care.
    """
    if (watcher := guard()) is not None:
        watcher.write(output, "calls backward()")
    order = topological_order(output)
    leaves = start_afresh(order)
    try:
        try:
            output._grad += 1.0
            for node in reversed(order):
                grad = node._grad
                if grad == 0.0:
                    continue
                a, b = node.a, node.b
                if b is not None:
                    a._grad += grad * node.da
                    b._grad += grad * node.db
                elif type(a) is tuple:
                    for arg, partial in zip(a, node.da, strict=True):
                        arg._grad += grad * partial
                elif a is not None:
                    a._grad += grad * node.da
        except (DomainError, TypeError):  # a partial is undefined, or a grad is None
            set_grads((leaf, grad or 0.0) for leaf, grad in leaves)
            start_afresh(order)
            output._grad += 1.0
            for edge in reverse_sweep(output):
                edge.arg._grad += edge.share
    except BaseException:  # all leaves get their share, or none does
        set_grads(leaves)
        raise


def start_afresh(order: Sequence[Value]) -> list[tuple[Value, Any]]:
    """Set the grad of all that was computed to 0; return the leaves, with the one each keeps."""
    leaves = []
    for node in order:
        if node.primitive is None:
            leaves.append((node, node._grad))
        else:
            node._grad = 0.0
    return leaves


# ---- the chain rule, with values -----------------------------------------------------------------


def gradient(output: Value, inputs: Sequence[Value]) -> list[Value]:
    """Return ∂output/∂input for each input, as values that can be differentiated again.

    No `grad` is touched. An input that output does not depend on gets 0. Each row computes its
    partials once more, now with values; GraphError if one is not the partial of the forward pass,
    because some data was changed in between (tiny.py would mix the old numbers with the new).
    """
    inputs = [inputs] if isinstance(inputs, Value) else list(inputs)
    for node in (output, *inputs):
        if type(node) is not Value:
            raise TypeError(f"gradient of {describe(node)}: output and inputs are Values")
    order = topological_order(output)
    leading = set(inputs)  # the nodes on the way to an input; the others do not matter
    for node in order:
        if not leading.isdisjoint(node.args):
            leading.add(node)
    around = Around(inputs, leading)
    grads: dict[Value, Value | float] = {output: 1.0}
    for node in reversed(order):
        if node.primitive is None or node not in leading or node not in grads:
            continue
        try:
            for arg, share in shares(node, grads[node], around):
                grads[arg] = grads[arg] + share if arg in grads else share
        except DomainError as error:
            raise DomainError(f"{error}{whereabouts(node, order)}") from None
    constant = output.primitive and output.primitive.constant  # for what no input can change
    return [
        grad if type(grad := grads.get(x, 0.0)) is Value else make(float(grad), constant)
        for x in inputs
    ]


def shares(node: Any, grad: Value | float, around: Around) -> Iterator[tuple[Value, Any]]:
    """Yield (arg, grad · partial) for the args on the way to an input, the partials as values."""
    watcher, leading = guard(), around.leading
    fixed = [is_constant(arg) and arg not in leading for arg in node.args]
    args = [arg._data if number else arg for arg, number in zip(node.args, fixed, strict=True)]
    ask = node.primitive.partials_at(node, args)
    for i, (arg, stored) in enumerate(zip(args_of(node), partials_of(node), strict=True)):
        if arg not in leading:
            continue
        if type(stored) is Undefined:
            if (share := undefined_share(node, arg, grad, stored, around)) is not None:
                yield arg, share
            continue
        try:
            partial = ask(i)
        except (ValueError, ArithmeticError):
            if watcher is None or not watcher.lenient:
                raise
            partial = math.nan  # a partial of constants; in a trace that is no error
        now = partial._data if type(partial) is Value else partial
        if watcher is None and now != stored and not (now != now and stored != stored):
            raise GraphError(
                f"the partial of {node!r} was {stored!r} going forward and is {now!r} now: "
                "data was changed since; compute the output again, then ask for its gradient"
            )
        if type(partial) is Value or partial != 0:
            share = times(grad, partial)
            if watcher is not None and share is not grad and share is not partial:
                watcher.share(share)
            yield arg, share


def times(grad: Value | float, partial: Value | float) -> Value | float:
    """Return grad · partial, without a node for a plain 1."""
    if type(partial) is not Value and partial == 1:
        return grad
    return partial if type(grad) is not Value and grad == 1 else grad * partial


# ---- partials without a finite value -------------------------------------------------------------


class Undefined:
    """A partial without a finite value, on a node whose own value is fine: an error kept for later.

    `grad * partial` raises it, unless grad is exactly 0: so backward needs no test for it. tiny.py
    raises as soon as the node is made, though the slope of √x at 0 may never be needed.
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


def undefined_share(
    node: Value, arg: Value, grad: Value | float, stored: Undefined, around: Around
) -> Value | float | None:
    """Return the share at an undefined partial: None where it does not matter, else DomainError.

    It does not matter if arg leads to no input, or if grad is 0 at this point and all around. If
    grad is 0 for any inputs, but would not be if another value moved, the share is 0, and the
    derivative of that 0 by the other value is undefined.
    """
    if around.leads_nowhere(arg):
        return None
    if type(grad) is not Value:
        return grad * stored
    nothing = grad._data * stored
    if around.is_steady(grad):
        return None
    if not around.leading.isdisjoint(topological_order(grad)):
        raise DomainError(f"{stored.message} (its responsibility is 0 here, but not all around)")
    return make(nothing, node.primitive, (grad,), (stored,))


class Around:
    """What holds all around a point, not only at it: read from the rows, by differentiating.

    A node is steady if no small move of an input or a leaf changes its number: a constant, what
    detach() gives, the side of maximum or clip that was not chosen, away from a tie.
    """

    deepest = 8  # derivatives that are looked at before a zero counts as a zero all around

    def __init__(self, inputs: Sequence[Value], leading: set[Value] | None = None) -> None:
        self.inputs, self.leading = frozenset(inputs), leading or set(inputs)
        self.steady: dict[Value, bool] = {}
        self.cut: dict[Value, bool] = {}  # no slope leads to an input
        self.listed: tuple[dict[Value, bool], dict[Value, bool]] = {}, {}

    def is_steady(self, node: Value, order: int = 0) -> bool:
        """Whether no leaf and no input moves a node."""
        for one in topological_order(node, self.listed[0]):
            self.steady[one] = False  # as long as it is not proven
            self.steady[one] = one not in self.inputs and self.is_still(one, self.steady, order)
        return self.steady[node]

    def leads_nowhere(self, node: Value) -> bool:
        """Whether no slope leads from a node to an input: that of a jump is the one on both sides.

        Leaves that are no inputs do not move.
        """
        for one in topological_order(node, self.listed[1]):
            self.cut[one] = one not in self.leading or (
                one not in self.inputs and self.is_still(one, self.cut, 0)
            )
        return self.cut[node]

    def is_still(self, node: Value, still: dict[Value, bool], order: int) -> bool:
        """Whether each argument of a node is still, or its partial is 0 all around."""
        row, args = node.primitive, args_of(node)
        if row is None:
            return False
        try:
            if row.distance_to_kink([arg._data for arg in args]) == 0 and not (
                still is self.cut and {*row.kinks.values()} == {"jump"}
            ):
                return False
            ask = row.partials_at(node, args)
            return all(still[arg] or self.is_nothing(ask(i), order) for i, arg in enumerate(args))
        except (ValueError, ArithmeticError):  # the row has no such partial here
            return False

    def is_nothing(self, partial: Value | float, order: int = 0) -> bool:
        """Whether a partial is 0 all around."""
        if type(partial) is not Value:
            return partial == 0
        return partial._data == 0 and order < self.deepest and self.is_steady(partial, order + 1)


# ---- where an error arose ------------------------------------------------------------------------


def whereabouts(node: Value, order: Sequence[Value]) -> str:
    """Return the route from node to the output, and node's line if origins() recorded it."""
    above: dict[Value, Value] = {}
    for user in order:
        for arg in user.args:
            above[arg] = user  # the last one, so that the route is short
    line = f", made at {made_at[node]}" if node in made_at else ""
    names = [name_of(node)]
    while (step := above.get(node)) is not None:
        names.append(name_of(step))
        node = step
    if len(names) > 8:
        names[4:-3] = [f"… {len(names) - 7} more …"]
    return f"; its route to the output: {' -> '.join(names)}{line}"


def name_of(node: Value) -> str:
    """Return what to call a node: its name, or else its primitive's title."""
    return node.name or (node.primitive.title if node.primitive else "leaf")


# ---- copies --------------------------------------------------------------------------------------


def take_apart(output: Value) -> list[Any]:
    """Return the graph of output as a flat list: leaves as they are, other nodes as their fields.

    A node refers to its args by their places in the list. Pickling the nodes themselves would
    recur once for each of them, too deep for a long chain.
    """
    if (watcher := guard()) is not None:
        watcher.read(output, "takes a copy")
    order = topological_order(output)
    index = {node: i for i, node in enumerate(order)}
    return [
        node
        if node.primitive is None and node is not output
        else (
            *(node._data, node._grad, node.name, node.primitive),
            tuple(index[arg] for arg in args_of(node)),
            partials_of(node),
        )
        for node in order
    ]


def rebuild(rows: list[Any]) -> Value:
    """Return the output of a graph that `take_apart` took apart."""
    nodes: list[Value] = []
    for row in rows:
        if type(row) is not Value:
            data, grad, name, primitive, args, partials = row
            row = make(data, primitive, tuple(nodes[i] for i in args), partials)
            row._grad, row.name = grad, name
        nodes.append(row)
    return nodes[-1]
