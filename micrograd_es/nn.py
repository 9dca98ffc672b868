"""Layers that hold parameters, as in micrograd.

MLP(2, [16, 16, 1])             a network: two inputs, two hidden layers of 16, one output
Layer(nin, nout), Neuron(nin)   what it is made of
Module                          a class of your own: parameters(), named_parameters()
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from functools import cache
from numbers import Integral
from types import MemberDescriptorType
from typing import Any, Protocol

from micrograd_es.coercion import describe
from micrograd_es.errors import did_you_mean
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import PUBLIC, dot
from micrograd_es.value import Value

ACTIVATIONS: dict[str, Primitive | None] = {
    "linear": None,
    **{name: row for name, row in PUBLIC.items() if row.group == "activation"},
}
Activation = str | Callable[[Any], Any]


class Uniform(Protocol):
    """A source of random numbers: random.Random, the module `random`, or a numpy Generator."""

    def uniform(self, low: float, high: float, /) -> float: ...


class Module:
    """Something with parameters: the Values in its attributes, and those of the modules in them,
    also in lists, tuples, dicts and arrays, nested as they may be; of a class with slots, too.
    """

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield (where, parameter), attribute by attribute; where is how Python gets there.

        A parameter or a module that is met again is not yielded again. TypeError for a set, an
        iterator or an object that is no Module, if it holds parameters; ValueError for a list that
        contains itself.
        """
        try:
            yield from parameters_in(self, "", set())
        except RecursionError:
            raise ValueError(
                f"{type(self).__name__} holds a list that contains itself, or is nested too deeply"
            ) from None

    def parameters(self) -> list[Value]:
        """Return the parameters: layer by layer, neuron by neuron, weights and then the bias."""
        return [parameter for _, parameter in self.named_parameters()]

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0."""
        for parameter in self.parameters():
            parameter.grad = 0.0

    def name_parameters(self) -> None:
        """Name every parameter after its place, so that errors and tables can point at it."""
        for where, parameter in self.named_parameters():
            parameter.name = where


PLAIN = (float, int, bool, str, bytes, range, type(None))  # in these there are no parameters


def parameters_in(thing: object, where: str, met: set[int]) -> Iterator[tuple[str, Value]]:
    """Yield (where, parameter) for all in a thing, but for the Values and modules that were met."""
    if isinstance(thing, Value | Module):
        if id(thing) in met:
            return
        met.add(id(thing))
    if isinstance(thing, Value):
        yield where, thing
        return
    for place, part in places_in(thing, where):
        if type(part) not in PLAIN:
            yield from parameters_in(part, place, met)


def places_in(thing: object, where: str) -> Iterator[tuple[str, Any]]:
    """Yield (where, part) for each part of a module, list, tuple, dict or array; TypeError if
    there are parameters in something else, of which no part has a place.
    """
    if isinstance(thing, Module):
        for name, part in attributes(thing):
            yield f"{where}.{name}".lstrip("."), part
    elif isinstance(thing, Mapping) and not any(isinstance(key, Value | Module) for key in thing):
        for key, part in thing.items():
            yield f"{where}[{key!r}]", part
    elif isinstance(thing, Sequence) and not isinstance(thing, str | bytes):
        for i, part in enumerate(thing):
            yield f"{where}[{i}]", part
    elif getattr(getattr(thing, "dtype", None), "kind", "") == "O":
        import numpy

        for place, part in numpy.ndenumerate(thing):
            yield f"{where}[{', '.join(map(str, place))}]", part
    elif hides_parameters(thing):
        raise TypeError(
            f"{where} is {describe(thing)}: its parameters would be left out; hold them in a "
            "Module, a list or a dict"
        )


def hides_parameters(thing: Any) -> bool:
    """Whether a thing holds parameters in no order, only once, or as an object of its own."""
    if isinstance(thing, Iterator):
        return not isinstance(thing, io.IOBase)  # to look into it would use it up
    collected = isinstance(thing, Collection) and not hasattr(thing, "dtype")
    inside = thing if collected else [part for _, part in attributes(thing)]
    return any(isinstance(part, Value | Module) for part in inside)


def attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield (name, attribute) for those in the `__dict__` of an object, and those in its slots."""
    yield from getattr(thing, "__dict__", {}).items()
    for name in slots(thing.__class__):
        if hasattr(thing, name):
            yield name, getattr(thing, name)


@cache
def slots(kind: type) -> list[str]:
    members = (member for base in kind.__mro__ for member in vars(base).items())
    return [name for name, member in members if isinstance(member, MemberDescriptorType)]


class Neuron(Module):
    """activation(w₁x₁ + … + wₙxₙ + b), with w drawn from U(-1, 1) and b = 0."""

    def __init__(
        self,
        nin: int,
        activation: Activation = "relu",
        bias: bool = True,
        rng: Uniform | None = None,
    ) -> None:
        source = rng or random  # micrograd's source, in micrograd's order
        self.w = [Value(source.uniform(-1, 1)) for _ in range(size_of(nin, "inputs"))]
        self.b = Value(0.0) if bias else None
        self.activation = activation
        self.name_parameters()

    @property
    def activation(self) -> Callable[[Any], Any] | None:
        """The function of the weighted sum, or None; it may be set to another one, or its name."""
        return self._activation

    @activation.setter
    def activation(self, activation: Activation | None) -> None:
        self._activation = self._activate = activation_function(activation)
        if isinstance(self._activation, Primitive) and self._activation.arity == 1:
            self._activate = self._activation.node  # it is always called with a Value

    def __getstate__(self) -> dict[str, object]:
        return {name: held for name, held in vars(self).items() if name != "_activate"}

    def __setstate__(self, state: dict[str, object]) -> None:
        vars(self).update(state)
        self.activation = self._activation  # a maker of nodes is made anew

    def __call__(self, x: Sequence[object]) -> Any:
        w = self.w
        if type(x) is not list:
            x = as_sequence(x)
        if len(x) != len(w):
            raise ValueError(f"{len(x)} inputs for neurons that take {len(w)}")
        act = dot.node(*w, *x) if self.b is None else dot.node(*w, *x, self.b)
        return act if self._activate is None else self._activate(act)

    def __repr__(self) -> str:
        name = "linear" if self.activation is None else getattr(self.activation, "name", "custom")
        return f"{'ReLU' if name == 'relu' else name.capitalize()}Neuron({len(self.w)})"


class Layer(Module):
    """nout neurons side by side, each seeing all inputs.

    Returns their list, or the Value if there is one.
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation = "relu",
        bias: bool = True,
        rng: Uniform | None = None,
    ) -> None:
        self.neurons = [Neuron(nin, activation, bias, rng) for _ in range(size_of(nout, "neurons"))]
        self.name_parameters()

    def __call__(self, x: Sequence[object]) -> Any:
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(str, self.neurons))}]"


class MLP(Module):
    """Layers one after another: `MLP(2, [16, 16, 1])` has 2 inputs, two hidden layers of 16 and 1
    output.

    `activation` is that of the hidden layers, `output` that of the last one. `MLP(1, [1, 1],
    activation="linear", bias=False)` is the 1-1-1 network with its two weights.
    """

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        output: Activation = "linear",
        bias: bool = True,
        rng: Uniform | None = None,
    ) -> None:
        nouts = sizes_of(nouts)
        kinds = [activation] * (len(nouts) - 1) + [output]
        sizes = zip([nin, *nouts], nouts, kinds, strict=False)
        self.layers = [Layer(n, nout, kind, bias, rng) for n, nout, kind in sizes]
        self.name_parameters()

    def __call__(self, x: Sequence[object]) -> Any:
        for layer in self.layers:
            y = layer(x)
            x = [y] if isinstance(y, Value) else y
        return y

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def sizes_of(nouts: Any) -> list[Any]:
    """Return the sizes of layers as a list; ValueError if there are none, or in no order."""
    if not is_sequence(nouts):
        raise TypeError(f"nouts {describe(nouts)}: give a list of sizes, such as [16, 16, 1]")
    if not len(nouts):
        raise ValueError(
            "MLP without layers: nouts is the size of each layer, for example [16, 16, 1]"
        )
    return list(nouts)


def as_sequence(x: Any) -> Sequence[Any]:
    """Return x if it is a sequence: a list, a tuple, a numpy row."""
    if not is_sequence(x):
        raise TypeError(f"input {describe(x)}: a network is called with a list, as in net([4.0])")
    return x  # type: ignore[no-any-return]  # anything with a length and an order


def is_sequence(x: object) -> bool:
    """Whether a thing has a length and an order, and is no text. An array of no axis has none."""
    text = isinstance(x, str | bytes | bytearray | memoryview)
    if text or isinstance(x, Value | Set | Mapping) or getattr(x, "shape", None) == ():
        return False
    return hasattr(x, "__len__")


def size_of(count: object, things: str) -> int:
    """Return a size as an int; ValueError unless it is a whole number of 1 or more."""
    if isinstance(count, Integral) and not isinstance(count, bool) and int(count) >= 1:
        return int(count)
    raise ValueError(f"{describe(count)} {things}: expected a whole number, 1 or more")


def activation_function(activation: Activation | None) -> Callable[[Any], Any] | None:
    if activation is None or callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        names = ", ".join(ACTIVATIONS)
        raise ValueError(
            f"activation {activation!r}: expected one of {names}, or a function of a Value"
            f"{did_you_mean(activation, ACTIVATIONS)}"
        )
    return ACTIVATIONS[activation]
