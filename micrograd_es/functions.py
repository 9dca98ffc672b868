"""Derivatives of functions: of a float, or of lists, tuples, dicts and arrays of floats.

What comes in decides what comes out: a gradient has the structure of the point, with floats in it;
or Values, if the point holds some or f uses some of its own, so that derivatives can be nested.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

from micrograd_es.coercion import describe, guard
from micrograd_es.errors import DomainError
from micrograd_es.nodes import UNDEFINED
from micrograd_es.primitive import as_value
from micrograd_es.primitives import dot, identity
from micrograd_es.structures import Number, Rebuild, flatten, numbers_like
from micrograd_es.taylor import derivative_of_order
from micrograd_es.value import (
    Around,
    Undefined,
    Value,
    args_of,
    gradient,
    partials_of,
    times,
    topological_order,
)

GRADIENTS = 6  # of gradients: the highest order that takes no longer than a moment


def grad(f: Callable[..., object], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the function that gives the gradient of f: grad(f)(3.0), grad(f)([1.0, 2.0]).

    f gives one number. The gradient is by its first argument, or by those that argnums counts, and
    has the structure of that argument; what f does not use has gradient 0.

    >>> grad(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})
    {'a': 30.0, 'b': 9.0}
    """
    both = value_and_grad(f, argnums)
    return lambda *args, **options: both(*args, **options)[1]


def value_and_grad(
    f: Callable[..., object], argnums: int | Sequence[int] = 0
) -> Callable[..., Any]:
    """Return the function that gives (f's value, its gradient) from one run of f."""

    def both(*args: object, **options: object) -> tuple[Any, Any]:
        run = Run.of(f, args, options, argnums)
        (output,) = run.answer([run.output])
        return output, run.like_point(run.answer(gradient(run.output, run.inputs)))

    return both


def jacobian(f: Callable[..., object], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the function that gives the gradient of each output of f, in the structure of outputs.

    >>> jacobian(lambda v: [v[0] * v[1], v[0] + 3 * v[1]])([2.0, 5.0])
    [[5.0, 2.0], [1.0, 3.0]]
    """

    def rows(*args: object, **options: object) -> Any:
        run = Run.of(f, args, options, argnums)
        each = (run.answer(gradient(output, run.inputs)) for output in run.outputs)
        return run.like_outputs(run.like_point(row) for row in each)

    return rows


def hessian(f: Callable[..., object], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Return the function that gives the second derivatives of f: the jacobian of its gradient.

    >>> hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0])
    [[10.0, 6.0], [6.0, 0.0]]
    """
    return jacobian(grad(f, argnums), argnums)


def jvp(f: Callable[[object], object], point: object, direction: object) -> tuple[Any, Any]:
    """Return (f(point), how fast each output changes if the point moves along direction).

    The direction has the structure of the point. One sweep forward: each node changes by the sum of
    its partials times the changes of its arguments. An argument that does not change is not watcher
    for its partial, which may be undefined.

    >>> jvp(lambda v: v[0] * v[1], [2.0, 5.0], [1.0, 10.0])
    (10.0, 25.0)
    """
    run = Run.of(f, (point,))
    ahead = run.numbers("direction", direction)
    moving = {x: d for x, d in zip(run.inputs, ahead, strict=True) if type(d) is Value or d}
    pushed = [as_value(change) for change in changes(run.outputs, moving)]
    return run.like_outputs(run.answer(run.outputs)), run.like_outputs(run.answer(pushed))


def changes(outputs: Sequence[Value], moving: Mapping[Value, Number]) -> list[Number]:
    """Return how fast each output changes, if the inputs move as fast as `moving` says.

    A change that does not exist is kept as Undefined, and is an error only of an output that it
    reaches: a partial that is 0 all around lets nothing through.
    """
    known: dict[Value, Any] = {**moving}
    listed, around = dict[Value, bool](), Around(())
    for output in outputs:
        for node in topological_order(output, listed):
            args = args_of(node)
            if node in known or known.keys().isdisjoint(args):
                continue
            ask = node.primitive.partials_at(node, args)  # type: ignore[union-attr]  # it has args
            for i, (arg, partial) in enumerate(zip(args, partials_of(node), strict=True)):
                if arg in known:
                    given = partial if type(partial) is Undefined else ask(i)
                    share = share_of_change(known[arg], given, around)
                    known[node] = add_changes(known[node], share) if node in known else share
    found = [known.get(output, 0.0) for output in outputs]
    for change in found:
        if type(change) is Undefined:
            raise DomainError(change.message)
    return found


def share_of_change(change: Any, partial: Any, around: Around) -> Any:
    """Return change · partial; 0 where one of them is Undefined and the other is 0 all around."""
    if type(change) in (int, float) and change == 0:
        return 0.0
    undefined = change if type(change) is Undefined else partial
    if type(undefined) is not Undefined:
        share = times(partial, change)  # in this order, so that a partial of 0 ends it
        if (watcher := guard()) is not None and share is not change and share is not partial:
            watcher.share(share)
        return share
    other = partial if undefined is change else change
    if type(other) is Undefined or around.is_nothing(other):
        return undefined if type(other) is Undefined else 0.0
    return undefined


def add_changes(change: Any, other: object) -> Any:
    """Return the sum of two changes, Undefined if one of them is."""
    if type(change) is Undefined:
        return change
    return other if type(other) is Undefined else change + other


def hvp(f: Callable[[object], object], point: object, vector: object) -> Any:
    """Return the hessian of f times the vector, without the hessian: for two gradients' work.

    >>> hvp(lambda v: v[0] ** 2 * v[1], [3.0, 5.0], [1.0, 0.0])
    [10.0, 6.0]
    """
    run = Run.of(f, (point,))
    slope = dot(gradient(run.output, run.inputs), run.numbers("vector", vector))
    return run.like_point(run.answer(gradient(as_value(slope), run.inputs)))


def derivative(f: Callable[[object], object], n: int = 1) -> Callable[[Any], Any]:
    """Return the n-th derivative of a function of one number.

    A float gets it from a Taylor series, whose work grows with n²; a Value from n nested gradients.

    >>> derivative(lambda x: x**5, 3)(2.0)
    240.0
    """
    if not isinstance(n, int) or n < 0:
        raise ValueError(
            f"derivative of order {describe(n)}: the order is a whole number from 0 up"
        )

    def nth(x: object) -> Any:
        run = Run.of(f, (x,))
        y, failure = run.output, None
        if run.plain and n > 1:
            try:
                return derivative_of_order(n, y, run.inputs[0])
            except UNDEFINED as error:  # gradients name the operation, or show it does not matter
                failure = error
        for _ in range(min(n, GRADIENTS) if failure else n):
            (y,) = gradient(y, run.inputs)
        if failure and n > GRADIENTS:
            raise failure
        return run.answer([y])[0]

    return nth


# ---- one run of a function on values -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Run:
    """A function that was run on values: what went in, what came out, and in which structures."""

    chosen: Any
    inputs: list[Value]
    outputs: list[Value]
    point: Rebuild
    result: Rebuild
    plain: bool  # whether nothing but these inputs is a value, so that answers are floats

    @classmethod
    def of(
        cls,
        f: Callable[..., object],
        args: Sequence[object],
        options: Mapping[str, object] | None = None,
        argnums: int | Sequence[int] = 0,
    ) -> Run:
        counted: Any = argnums
        single = hasattr(counted, "__index__")
        places = [index(i) for i in ([counted] if single else counted)]
        if not places or max(places) >= len(args) or min(places) < -len(args):
            raise TypeError(f"argnums {argnums} of a function called with {len(args)} arguments")
        chosen = args[places[0]] if single else tuple(args[i] for i in places)
        numbers, point = flatten(chosen)
        # a value that came in gets a node of its own, so that nested derivatives do not mix
        inputs = [identity(x) if type(x) is Value else Value(x) for x in numbers]
        moved = point(iter(inputs))
        given = list(args)
        for i, arg in zip(places, [moved] if single else moved, strict=True):
            given[i] = arg
        results, result = flatten(f(*given, **(options or {})))
        outputs = [as_value(y) for y in results]
        leaves = {node for y in outputs for node in topological_order(y) if node.primitive is None}
        plain = leaves <= set(inputs) and not any(type(x) is Value for x in numbers)
        return cls(chosen, inputs, outputs, point, result, plain)

    @property
    def output(self) -> Value:
        """The one output of a function that gives one number."""
        single = self.result(iter(self.outputs))
        if type(single) is not Value:
            raise TypeError(
                f"a gradient is of one number, and f gave {describe(single)}: use jacobian"
            )
        return single

    def answer(self, values: Sequence[Value]) -> list[Number]:
        return [v.data for v in values] if self.plain else list(values)

    def like_point(self, answers: Sequence[Number]) -> Any:
        return self.point(iter(answers))

    def like_outputs(self, answers: Iterable[Any]) -> Any:
        return self.result(iter(answers))

    def numbers(self, what: str, thing: Any) -> list[Number]:
        """Return the numbers of a thing that has the structure of the point."""
        found = numbers_like(self.chosen, thing)
        if found is None:
            raise ValueError(
                f"the {what} {describe(thing)} has not the structure of the point "
                f"{describe(self.chosen)}"
            )
        return found
