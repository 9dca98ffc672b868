"""Gradients from scratch: a graph of scalar values that knows who is responsible for the error."""

import sys
from typing import TYPE_CHECKING, Any

from micrograd_es import losses, nn, optim
from micrograd_es import notation as notation  # hangs the operators on Value
from micrograd_es.attribution import Responsibility, responsibility
from micrograd_es.check import (
    GradientCheck,
    assert_gradient,
    check_directions,
    check_gradient,
    check_hessian,
    taylor_test,
)
from micrograd_es.diagnosis import NonFinite, find_nonfinite, origins
from micrograd_es.errors import (
    DomainError,
    GradientMismatch,
    GraphError,
    MicrogradError,
    NonFiniteError,
    PrimitiveError,
    TraceError,
)
from micrograd_es.explanation import Explanation, explain
from micrograd_es.fields import Field, Landscape
from micrograd_es.functions import (
    derivative,
    grad,
    hessian,
    hvp,
    jacobian,
    jvp,
    value_and_grad,
)
from micrograd_es.primitive import Primitive, where
from micrograd_es.primitives import (
    abs as abs,
)
from micrograd_es.primitives import (
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    cbrt,
    ceil,
    clip,
    cos,
    cosh,
    detach,
    dot,
    elu,
    erf,
    erfc,
    exp,
    exp2,
    expm1,
    exprel,
    floor,
    floordiv,
    gelu,
    hard_tanh,
    hypot,
    leaky_relu,
    log,
    log1p,
    log2,
    log10,
    log_sigmoid,
    log_sum_exp,
    maximum,
    mean,
    minimum,
    mod,
    norm,
    power,
    prod,
    reciprocal,
    relu,
    sigmoid,
    sign,
    silu,
    sin,
    sinc,
    sinh,
    softmax,
    softplus,
    sqrt,
    square,
    step,
    tan,
    tanh,
    total,
    xlogy,
)
from micrograd_es.primitives import (
    round as round,
)
from micrograd_es.row_check import PrimitiveCheck, check_primitive
from micrograd_es.value import Value, gradient, topological_order

if TYPE_CHECKING:
    from micrograd_es.compiler import Program as Program
    from micrograd_es.compiler import compile as compile


def __getattr__(name: str) -> Any:
    """Import the compiler, and numpy with it, when one of its names is first asked for."""
    if name in ("compile", "Program"):
        from micrograd_es import compiler

        return getattr(compiler, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if "hypothesis" in sys.modules:  # imported later, it calls the same door
    from micrograd_es_doors import register

    register()

# `abs`, `round` and `compile` are left out of a star import: the built-in ones are not covered.
__all__ = [
    "DomainError",
    "Explanation",
    "Field",
    "GradientCheck",
    "GradientMismatch",
    "GraphError",
    "Landscape",
    "MicrogradError",
    "NonFinite",
    "NonFiniteError",
    "Primitive",
    "PrimitiveCheck",
    "PrimitiveError",
    "Responsibility",
    "TraceError",
    "Value",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "assert_gradient",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "ceil",
    "check_directions",
    "check_gradient",
    "check_hessian",
    "check_primitive",
    "clip",
    "cos",
    "cosh",
    "derivative",
    "detach",
    "dot",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "exprel",
    "find_nonfinite",
    "floor",
    "floordiv",
    "gelu",
    "grad",
    "gradient",
    "hard_tanh",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "leaky_relu",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_sigmoid",
    "log_sum_exp",
    "losses",
    "maximum",
    "mean",
    "minimum",
    "mod",
    "nn",
    "norm",
    "optim",
    "origins",
    "power",
    "prod",
    "reciprocal",
    "relu",
    "responsibility",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinc",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "step",
    "tan",
    "tanh",
    "taylor_test",
    "topological_order",
    "total",
    "value_and_grad",
    "where",
    "xlogy",
]
