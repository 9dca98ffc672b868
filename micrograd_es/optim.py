"""Who moves the parameters."""

import math
from collections.abc import Iterable

from micrograd_es.coercion import as_float, guard, shown
from micrograd_es.errors import NonFiniteError
from micrograd_es.value import Value, set_grads, set_numbers


class SGD:
    """Gradient descent: each step moves every parameter against its gradient, p ← p -
    lr·∂error/∂p.
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = list(parameters)
        if not self.parameters:
            raise ValueError("SGD without parameters: pass network.parameters()")
        for parameter in self.parameters:
            if type(parameter) is not Value or parameter.primitive is not None:
                raise TypeError(
                    f"parameter {shown(parameter)}: expected a leaf, such as Value(0.5)"
                )
        self.lr = lr

    @property
    def lr(self) -> float:
        """The learning rate; it may be set at any time, to a finite number above 0."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        number = as_float(lr)
        if not 0 < number < math.inf:
            raise ValueError(
                f"lr={lr!r}: the learning rate is a finite number above 0, for example 0.01"
            )
        self._lr = number

    def zero_grad(self) -> None:
        """Set every parameter's gradient to 0; without it, backward() adds to what is there."""
        self.ask("sets .grad")
        set_grads((parameter, 0.0) for parameter in self.parameters)

    def step(self) -> None:
        """Move all parameters, or none, whatever interrupts; one whose `grad` is None stays.

        NonFiniteError names the first that would be lost.
        """
        self.ask("sets .data")
        lr, isfinite = self.lr, math.isfinite
        moved = []
        for i, parameter in enumerate(self.parameters):
            if parameter._grad is None:
                continue
            data = parameter._data - lr * parameter._grad
            if not isfinite(data):
                name = parameter.name or f"parameter {i}"
                raise NonFiniteError(
                    f"{name} = {parameter.data!r} has the gradient {parameter.grad!r}; "
                    f"no parameter was moved: try a learning rate below {lr!r}, or look for the "
                    "operation that overflowed"
                )
            moved.append((parameter, data))
        set_numbers(moved)

    def ask(self, what: str) -> None:
        """Ask the guard before parameters change: not while a function is traced."""
        if (asked := guard()) is not None:
            for parameter in self.parameters:
                asked.write(parameter, what)
