"""What a type checker says of derivatives of functions, of fields, networks and programs."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

from micrograd_es import (
    Field,
    Program,
    Value,
    check_gradient,
    compile,
    derivative,
    explain,
    grad,
    hessian,
    hvp,
    jacobian,
    losses,
    nn,
    optim,
    value_and_grad,
)
from micrograd_es.check import GradientCheck


def square(x: Value) -> Value:
    """Return x²: a function of a value, as users write it."""
    return x * x


assert_type(grad(square)(3.0), float)
assert_type(grad(square)(3), float)
assert_type(grad(square)(Value(3.0)), Value)
assert_type(grad(grad(square))(3.0), float)
assert_type(grad(lambda p: p[0] * p[1])([1.0, 2.0]), list[float])
assert_type(grad(lambda p: p["w"] ** 2)({"w": 1.5}), dict[str, float])
assert_type(grad(lambda x, y: x * y, 1)(1.0, 2.0), Any)
assert_type(value_and_grad(square)(3.0), tuple[float, float])
assert_type(value_and_grad(lambda p: p[0])([Value(1.0)]), tuple[Value, list[Value]])
assert_type(hessian(lambda p: p[0] ** 2)([1.0]), list[list[float]])
assert_type(hvp(lambda p: p[0] ** 2, [1.0], [1.0]), list[float])
assert_type(derivative(square, 2)(3.0), float)
assert_type(derivative(square)(Value(3.0)), Value)
assert_type(jacobian(lambda p: [p[0]])([1.0]), Any)
grad(3.0)  # type: ignore[call-overload]
grad(square)()  # type: ignore[call-overload]
derivative(square, "2")  # type: ignore[arg-type]

hill = Field(lambda x, y: 9 - x**2 - 4 * y**2)
assert_type(hill.value(1.0, 1.0), float)
assert_type(hill.gradient(1.0, 1.0), tuple[float, ...])
assert_type(hill.hessian(1.0, 1.0), list[list[float]])
assert_type(hill.kind(0.0, 0.0), str)
Field(3.0)  # type: ignore[arg-type]

net = nn.MLP(2, [3, 1], activation="tanh")
assert_type(net, nn.MLP)
assert_type(net.parameters(), list[Value])
assert_type(net([1.0, 2.0]), Any)  # a Value, or a list of them: the number of outputs says which
error = losses.squared_error(net([1.0, 2.0]), 1.0)
optimizer = optim.SGD(net.parameters(), lr=0.1)
assert_type(optimizer, optim.SGD)
assert_type(optimizer.lr, float)
assert_type(optimizer.step(), None)
nn.MLP(2)  # type: ignore[call-arg]
nn.MLP(2, [3, 1], activation=3)  # type: ignore[arg-type]
optim.SGD(net.parameters(), rate=0.1)  # type: ignore[call-arg]
optim.SGD([1.0], lr=0.1)  # type: ignore[list-item]

program = compile(lambda x, y: net([x, y]), net.parameters())
assert_type(program, Program)
assert_type(program.value_and_grad([1.0], [2.0]), tuple[Any, NDArray[np.float64]])
assert_type(program.sgd([1.0], [2.0], lr=0.1, steps=2), NDArray[np.float64])
assert_type(program.source("c"), str)
compile(3.0)  # type: ignore[arg-type]
program.sgd([1.0], [2.0], lr=0.1)  # type: ignore[call-arg]

assert_type(check_gradient(square, [3.0], [6.0]), GradientCheck)
assert_type(str(explain(net([1.0, 2.0]), net.parameters()[0])), str)
