"""Layers that hold parameters: neurons, layers of neurons, networks of layers.

As in micrograd, with options.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE, dot
from micrograd_es.value import Value

NAMES = "relu leaky_relu elu hard_tanh tanh sigmoid sin softplus silu gelu"
ACTIVATIONS: dict[str, Primitive | None] = {
    "linear": None,
    **{name: TABLE[name] for name in NAMES.split()},
}
Activation = str | Callable[[Any], Any]


class Uniform(Protocol):
    """A source of random numbers: random.Random, the module `random`, or a numpy Generator."""

    def uniform(self, low: float, high: float, /) -> float: ...


class Module:
    """Something with parameters: the Values in its attributes, and those of the modules in them."""

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """Yield (where, parameter), attribute by attribute; where is how Python gets there."""
        for attribute, held in vars(self).items():
            places = enumerate(held) if isinstance(held, list | tuple) else [(None, held)]
            for i, thing in places:
                where = attribute if i is None else f"{attribute}[{i}]"
                if isinstance(thing, Value):
                    yield where, thing
                elif isinstance(thing, Module):
                    for inner, parameter in thing.named_parameters():
                        yield f"{where}.{inner}", parameter

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
        self.w = [Value(source.uniform(-1, 1)) for _ in range(at_least_one(nin, "inputs"))]
        self.b = Value(0.0) if bias else None
        self.activation = self.activate = activation_named(activation)
        if isinstance(self.activation, Primitive) and self.activation.arity == 1:
            self.activate = self.activation.node  # it is always called with a Value
        self.name_parameters()

    def __call__(self, x: Sequence[Any]) -> Any:
        w = self.w
        if type(x) is not list:
            x = checked(x)
        if len(x) != len(w):
            raise ValueError(f"{len(x)} inputs for neurons that take {len(w)}")
        act = dot.node(*w, *x) if self.b is None else dot.node(*w, *x, self.b)
        return act if self.activate is None else self.activate(act)

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
        self.neurons = [
            Neuron(nin, activation, bias, rng) for _ in range(at_least_one(nout, "neurons"))
        ]
        self.name_parameters()

    def __call__(self, x: Sequence[Any]) -> Any:
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
        if not nouts:
            raise ValueError(
                "MLP without layers: nouts is the size of each layer, for example [16, 16, 1]"
            )
        kinds = [activation] * (len(nouts) - 1) + [output]
        sizes = zip([nin, *nouts], nouts, kinds, strict=False)
        self.layers = [Layer(n, nout, kind, bias, rng) for n, nout, kind in sizes]
        self.name_parameters()

    def __call__(self, x: Sequence[Any]) -> Any:
        for layer in self.layers:
            y = layer(x)
            x = [y] if isinstance(y, Value) else y
        return y

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(str, self.layers))}]"


def checked(x: Any) -> Sequence[Any]:
    """Return x if it is a sequence: a list, a tuple, a numpy row."""
    if isinstance(x, str | Value) or not hasattr(x, "__len__"):
        kind = type(x).__name__
        raise TypeError(f"input {x!r} ({kind}): a network is called with a list, as in net([4.0])")
    return x  # type: ignore[no-any-return]  # anything with a length


def at_least_one(count: int, things: str) -> int:
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"{count!r} {things}: expected a whole number, 1 or more")
    return count


def activation_named(activation: Activation) -> Callable[[Any], Any] | None:
    if callable(activation):
        return activation
    if activation not in ACTIVATIONS:
        names = ", ".join(ACTIVATIONS)
        raise ValueError(
            f"activation {activation!r}: expected one of {names}, or a function of a Value"
        )
    return ACTIVATIONS[activation]
