"""Who moves the parameters: each rule is one formula, and remembers what the formula needs.

SGD(network.parameters(), lr=0.1)       p ← p - lr·g
Adam(network.parameters(), lr=0.001)    steps of about lr, whatever the size of the gradients
optimizer.zero_grad(), .step()          before backward(), and after it
program.minimize(X, y, rule=Adam(lr=0.01), steps=100)    many steps of a compiled program
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from itertools import repeat, starmap
from operator import call
from typing import Any, ClassVar

from micrograd_es.coercion import as_float, describe, guard
from micrograd_es.errors import NonFiniteError
from micrograd_es.value import Value, set_grads, set_numbers

set_number = Value._data.__set__  # type: ignore[attr-defined]  # a slot


class Setting:
    """A number that a rule is given, and that may be set anew at any time; checked each time."""

    def __init__(self, allows: Callable[[float], bool], expected: str) -> None:
        self.allows, self.expected = allows, expected

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, rule: Any, owner: type) -> float:
        number: float = vars(rule)[self.name]
        return number

    def __set__(self, rule: Any, number: Any) -> None:
        if not self.allows(as_float(number)):
            raise ValueError(f"{self.name}={number!r}: expected {self.expected}")
        vars(rule)[self.name] = as_float(number)


def above_zero(example: float) -> Setting:
    return Setting(lambda x: 0 < x < math.inf, f"a finite number above 0, for example {example:g}")


def below_one() -> Setting:
    return Setting(lambda x: 0 <= x < 1, "a number from 0 to below 1")


class Optimizer:
    """A rule and the parameters that it moves; without parameters it is for a compiled program.

    formula   (f, p, g, *memory, *settings) → (p, *memory), made of operators and f.sqrt, so that it
              moves floats (f is math), arrays (f is numpy) and registers of native code
    memory    what the rule remembers of each parameter, as it is before the first step
    names     of the numbers that the formula takes besides; `settings` are these numbers
    """

    formula: ClassVar[Callable[..., tuple[Any, ...]]]
    memory: ClassVar[tuple[float, ...]] = ()
    names: ClassVar[tuple[str, ...]] = ("lr",)
    lr = above_zero(0.01)

    def __init__(self, parameters: Iterable[Value] | None, lr: float) -> None:
        self.parameters = [] if parameters is None else list(parameters)
        if parameters is not None:
            self.refuse_nothing()
        for parameter in self.parameters:
            if type(parameter) is not Value or parameter.primitive is not None:
                raise TypeError(
                    f"parameter {describe(parameter)}: expected a leaf, such as Value(0.5)"
                )
        self.lr = lr
        self.memories = dict.fromkeys(self.parameters, self.memory)

    @property
    def settings(self) -> tuple[float, ...]:
        return tuple(getattr(self, name) for name in self.names)

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0; without it, backward() adds to what is there."""
        self.ask("sets .grad")
        set_grads((parameter, 0.0) for parameter in self.parameters)

    def step(self) -> None:
        """Move all parameters or none; NonFiniteError names the first that would be lost.

        A parameter whose `grad` is None stays.
        """
        self.ask("sets .data")
        live = [parameter for parameter in self.parameters if parameter._grad is not None]
        given = [one._data for one in live], [one._grad for one in live]
        memory = zip(*[self.memories[one] for one in live], strict=True) if self.memory else ()
        settings = map(repeat, self.settings)
        moved = map(self.formula, repeat(math), *given, *memory, *settings)
        data, *rest = zip(*moved, strict=True) if live else ((),)
        if sum(map(sum, (data, *rest))) * 0.0:  # NaN, and so true, if anything is not finite
            for parameter, *numbers in zip(live, data, *rest, strict=True):
                if not all(map(math.isfinite, numbers)):
                    raise self.lost(parameter)
        if not self.memory:
            set_numbers(zip(live, data, strict=True))
            return
        memories = self.memories | dict(zip(live, zip(*rest, strict=True), strict=True))
        moves = zip(repeat(set_number), live, data)
        # as in set_numbers: one loop in C, where neither Ctrl-C nor another thread gets in between
        remember = (object.__setattr__, self, "memories", memories)
        deque(starmap(call, [*moves, remember]), maxlen=0)

    def lost(self, parameter: Value) -> NonFiniteError:
        """Return the error that says which parameter would not be finite."""
        i = next(i for i, one in enumerate(self.parameters) if one is parameter)
        return NonFiniteError(
            f"{parameter.name or f'parameter {i}'} = {parameter.data!r} has the gradient "
            f"{parameter.grad!r}; no parameter was moved: try a learning rate below {self.lr!r}, "
            "or look for the operation that overflowed"
        )

    def refuse_nothing(self) -> None:
        if not self.parameters:
            raise ValueError(f"{type(self).__name__} without parameters: pass network.parameters()")

    def ask(self, what: str) -> None:
        """Ask the guard before parameters change: not while a function is traced."""
        self.refuse_nothing()
        if (watcher := guard()) is not None:
            for parameter in self.parameters:
                watcher.write(parameter, what)


class SGD(Optimizer):
    """Gradient descent: each step moves every parameter against its gradient, p ← p - lr·g.

    >>> w = Value(1.0)
    >>> optimizer = SGD([w], lr=0.25)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> w.data
    0.5
    """

    def __init__(self, parameters: Iterable[Value] | None = None, lr: float = 0.001) -> None:
        super().__init__(parameters, lr)

    @staticmethod
    def formula(f: Any, p: Any, g: Any, /, lr: Any) -> tuple[Any, ...]:
        return (p - lr * g,)


class Adam(Optimizer):
    """Steps of about lr, whatever the size of the gradients (Kingma & Ba 2015, algorithm 1).

    It remembers of each parameter the means m of its gradients and v of their squares, in which the
    past fades with β₁ and β₂: p ← p - lr·m̂/(√v̂ + ε), where m̂ = m/(1 - β₁ᵗ) and v̂ = v/(1 - β₂ᵗ)
    mend that both means begin at 0.
    """

    memory = (0.0, 0.0, 1.0, 1.0)  # m, v, β₁ᵗ, β₂ᵗ
    names = ("lr", "beta1", "beta2", "eps")
    beta1, beta2, eps = below_one(), below_one(), above_zero(1e-8)

    def __init__(
        self,
        parameters: Iterable[Value] | None = None,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
    ) -> None:
        super().__init__(parameters, lr)
        self.beta1, self.beta2 = betas
        self.eps = eps

    @staticmethod
    def formula(
        f: Any, p: Any, g: Any, m: Any, v: Any, power1: Any, power2: Any, /,
        lr: Any, beta1: Any, beta2: Any, eps: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        m, power1 = beta1 * m + (1 - beta1) * g, power1 * beta1
        v, power2 = beta2 * v + (1 - beta2) * (g * g), power2 * beta2
        step = m / (1 - power1) / (f.sqrt(v / (1 - power2)) + eps)
        return p - lr * step, m, v, power1, power2
