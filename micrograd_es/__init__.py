"""Gradients from scratch: a graph of scalar values that knows who is responsible for the error.

Every public name, once; the functions of the table are read from its rows. Type checkers read the
same list in `__init__.pyi`, which `docs/tables.py` writes.
"""

import builtins
import sys

from micrograd_es import losses, nn, optim
from micrograd_es import operators as operators  # hangs the operators on Value
from micrograd_es.check import (
    GradientCheck,
    PrimitiveCheck,
    assert_gradient,
    check_directions,
    check_gradient,
    check_hessian,
    check_primitive,
    taylor_test,
)
from micrograd_es.errors import (
    DomainError,
    GradientMismatch,
    GraphError,
    MicrogradError,
    NonFiniteError,
    PrimitiveError,
    TraceError,
)
from micrograd_es.explanation import (
    Explanation,
    NonFinite,
    Responsibility,
    explain,
    find_nonfinite,
    origins,
    responsibility,
)
from micrograd_es.fields import Field, Landscape
from micrograd_es.functions import derivative, grad, hessian, hvp, jacobian, jvp, value_and_grad
from micrograd_es.primitive import Primitive, where
from micrograd_es.primitives import *
from micrograd_es.value import Value, gradient, topological_order

LATER = ("Program", "compile")  # of the compiler, which is imported when one is first asked for


def __getattr__(name):  # typed in __init__.pyi
    """Import the compiler, and numpy with it, when one of its names is first asked for."""
    if name in LATER:
        from micrograd_es import compiler

        return getattr(compiler, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if "hypothesis" in sys.modules:  # imported later, it calls the same door
    import micrograd_es_doors

    micrograd_es_doors.register()

# A star import leaves out `abs`, `round` and `compile`: the built-in ones are not covered.
__all__ = [
    name
    for name, thing in vars().items()
    if name[0] != "_" and name != "LATER" and not hasattr(builtins, name)
    if type(thing) is not type(sys) or thing in (losses, nn, optim)
]  # fmt: skip
