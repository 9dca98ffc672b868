"""Gradients from scratch: a graph of scalar values that knows who is responsible for the error."""

from micrograd_es import losses, nn, optim
from micrograd_es import notation as notation  # hangs the operators on Value
from micrograd_es.attribution import Responsibility, responsibility
from micrograd_es.check import GradientCheck, check_gradient
from micrograd_es.errors import DomainError, GraphError, MicrogradError, NonFiniteError
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import (
    abs as abs,
)
from micrograd_es.primitives import (
    cos,
    detach,
    dot,
    exp,
    log,
    maximum,
    minimum,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    sqrt,
    step,
    tanh,
    total,
)
from micrograd_es.value import Value, gradient, topological_order

# `abs` is left out of a star import: there the built-in one serves, which knows Values too.
__all__ = [
    "DomainError",
    "GradientCheck",
    "GraphError",
    "MicrogradError",
    "NonFiniteError",
    "Primitive",
    "Responsibility",
    "Value",
    "check_gradient",
    "cos",
    "detach",
    "dot",
    "exp",
    "gradient",
    "log",
    "losses",
    "maximum",
    "minimum",
    "nn",
    "optim",
    "power",
    "relu",
    "responsibility",
    "sigmoid",
    "sign",
    "sin",
    "sqrt",
    "step",
    "tanh",
    "topological_order",
    "total",
]
