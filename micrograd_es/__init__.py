"""Gradients from scratch: a graph of scalar values that knows who is responsible for the error."""

from micrograd_es import notation as notation  # hangs the operators on Value
from micrograd_es.errors import DomainError, GraphError, MicrogradError, NonFiniteError
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import (
    abs,
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
