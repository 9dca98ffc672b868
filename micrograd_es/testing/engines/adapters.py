"""Autodiff engines behind one door: what the laws need of each, a handful of functions.

An engine of your own, in ten lines (a file `mine.py`, then --micrograd-es-engine mine:engine):

    from micrograd_es.testing import Engine

    engine = Engine(
        "mine",
        functions={"add": operator.add, "mul": operator.mul, "tanh": MyValue.tanh},
        leaf=MyValue,
        data=lambda v: v.data,
        grad=lambda v: v.grad,
        backward=lambda v: v.backward(),
    )

One that keeps no graph, and turns functions into gradients, gives `value_and_grad` in their place.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from micrograd_es.errors import MicrogradError, MissingExtra
from micrograd_es.functions import grad as gradient_of_function
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.testing.programs import Program
from micrograd_es.value import Value, topological_order

Function = Callable[..., Any]
PYTHON_OPERATORS: dict[str, Function] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "neg": operator.neg,
}


@dataclass(frozen=True)
class Engine:
    """An autodiff engine: its functions by their names in our table, and how to ask for slopes.

    leaf, data, grad, backward   of an engine that keeps a graph: a number as a leaf, the number of
                                 a value, the slope that it has after backward(output)
    value_and_grad               of one that does not: (f, point) -> (number, slopes)
    assign                       give a leaf another number: (leaf, number); if that is allowed
    gradient                     (f, values) -> slopes that can be differentiated again; if it can
    over                         (program, numbers) -> slopes over Fractions, or any exact numbers
    distribution                 the package whose version is reported
    """

    name: str
    functions: Mapping[str, Function]
    leaf: Any = None
    data: Any = None
    grad: Any = None
    backward: Any = None
    value_and_grad: Any = None
    assign: Any = None
    gradient: Any = None
    over: Any = None
    distribution: str = ""
    graph: bool = field(init=False)

    def __post_init__(self) -> None:
        keeps = (self.leaf, self.data, self.grad, self.backward)
        object.__setattr__(self, "graph", all(keeps))
        if not self.graph and (any(keeps) or self.value_and_grad is None):
            raise MicrogradError(
                f"engine {self.name}: give leaf, data, grad and backward, or value_and_grad"
            )
        if unknown := set(self.functions) - set(TABLE):
            raise MicrogradError(
                f"engine {self.name}: {min(unknown)!r} is no function of our table, which has "
                f"{', '.join(TABLE)}"
            )

    @property
    def version(self) -> str:
        """The version of the package, or "" if it has none."""
        try:
            return version(self.distribution) if self.distribution else ""
        except PackageNotFoundError:
            return ""

    def slopes(self, f: Function, point: Sequence[float]) -> tuple[float, list[float]]:
        """Return (f's value, its gradient) at a point, as floats; f takes values of the engine."""
        if self.value_and_grad is not None:
            y, found = self.value_and_grad(f, list(point))
            return float(y), [float(slope) for slope in found]
        leaves = [self.leaf(x) for x in point]
        output = f(*leaves)
        self.backward(output)
        return float(self.data(output)), [float(self.grad(leaf)) for leaf in leaves]

    def run(self, program: Program) -> tuple[float, list[float]]:
        """Return (value, gradient) of a program at its point."""
        return self.slopes(lambda *xs: program.run(self.functions, xs), program.point)


# ---- ours ----------------------------------------------------------------------------------------


def rows_swept(program: Program, numbers: Sequence[Any]) -> list[Any]:
    """Return a program's slopes by the rows of our table, over any numbers.

    The graph is built on floats, for a Value holds nothing else; its rows are then swept, here and
    not by backward(), over the numbers.
    """
    leaves = [Value(x) for x in program.point]
    order = topological_order(program.run(TABLE, leaves))
    known = dict(zip(leaves, numbers, strict=True))
    kind = type(numbers[0])
    for node in order:
        if node.primitive is not None:
            args = [known[arg] for arg in node.args]
            known[node] = node.primitive.value(*args) if args else kind(node.data)
    slopes = {order[-1]: kind(1)}
    for node in reversed(order):
        args, row = [known[arg] for arg in node.args], node.primitive
        if row is None:
            continue
        for i, arg in enumerate(node.args):
            share = slopes[node] * row.partial(i, known[node], args)
            slopes[arg] = slopes[arg] + share if arg in slopes else share
    return [slopes.get(leaf, kind(0)) for leaf in leaves]


def ours() -> Engine:
    def flat(row: Primitive) -> Function:  # dot and its like take lists; here, arguments
        return lambda *args: row.node(*args)

    rows = {name: row if row.gather is None else flat(row) for name, row in TABLE.items()}
    return Engine(
        "micrograd_es",
        functions={**rows, **PYTHON_OPERATORS, "power": operator.pow},
        leaf=Value,
        data=lambda v: v.data,
        grad=lambda v: v.grad,
        backward=lambda v: v.backward(),
        assign=lambda leaf, x: setattr(leaf, "data", x),
        gradient=lambda f, xs: gradient_of_function(lambda args: f(*args))(xs),
        over=rows_swept,
        distribution="micrograd-es",
    )


def tiny() -> Engine:
    """The page that opens the book, as an engine of its own; it has no functions of lists."""
    page = import_module("micrograd_es.tiny")

    def gradient(f: Function, xs: Sequence[Any]) -> Any:
        inputs = [x * 1.0 if type(x) is page.Value else page.Value(x) for x in xs]  # f's own
        return page.gradient(f(*inputs), inputs)

    rows = {name: row for name, row in vars(page).items() if name in TABLE}
    signs = {name: sign for name, sign in PYTHON_OPERATORS.items() if name in rows}
    return Engine(
        "tiny",
        functions={**rows, **signs},
        leaf=page.Value,
        data=lambda v: v.data,
        grad=lambda v: v.grad,
        backward=lambda v: v.backward(),
        assign=lambda leaf, x: setattr(leaf, "data", x),
        gradient=gradient,
        distribution="micrograd-es",
    )


def compiled(name: str, backend: str, package: str) -> Engine:
    """Ours, every function compiled for a backend before it is run; inputs are its parameters."""
    import_module(package)
    eager, compile = ours(), import_module("micrograd_es.compiler").compile

    def value_and_grad(f: Function, point: Sequence[float]) -> Any:
        leaves = [Value(x) for x in point]
        return compile(lambda: f(*leaves), leaves, backend=backend).value_and_grad()

    return Engine(
        name,
        functions=eager.functions,
        value_and_grad=value_and_grad,
        gradient=eager.gradient,
        distribution="micrograd-es",
    )


# ---- the field -----------------------------------------------------------------------------------


def micrograd() -> Engine:
    engine = import_module("micrograd.engine")

    def over(program: Program, numbers: Sequence[object]) -> list[Any]:
        leaves = [engine.Value(x) for x in numbers]
        program.run(functions, leaves).backward()
        return [leaf.grad for leaf in leaves]

    functions = {
        **PYTHON_OPERATORS,
        "square": lambda x: x**2,
        "reciprocal": lambda x: x**-1,
        "relu": engine.Value.relu,
    }
    return Engine(
        "micrograd",
        functions=functions,
        leaf=engine.Value,
        data=lambda v: v.data,
        grad=lambda v: v.grad,
        backward=lambda v: v.backward(),
        assign=lambda leaf, x: setattr(leaf, "data", x),
        over=over,
        distribution="micrograd",
    )


def named(module: object, names: str, **others: str) -> dict[str, Function]:
    """Return functions of a module, by our names where theirs are others."""
    theirs = {**{name: name for name in names.split()}, **others}
    return {ours: getattr(module, name) for ours, name in theirs.items() if hasattr(module, name)}


UFUNCS = "square sqrt exp exp2 expm1 log log2 log10 log1p sin cos tan sinh cosh tanh abs"
ARCS = {name: f"arc{name[1:]}" for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")}
ARCS["atan2"] = "arctan2"


def torch() -> Engine:
    torch = import_module("torch")

    def tensor(x: object) -> Any:
        return torch.tensor(x, dtype=torch.float64, requires_grad=True)

    def gradient(f: Function, xs: Sequence[Any]) -> list[Any]:
        inputs = [x.clone() if torch.is_tensor(x) else tensor(x) for x in xs]
        output = f(*inputs)
        if not output.requires_grad:
            return [torch.zeros((), dtype=torch.float64) for _ in inputs]
        return list(torch.autograd.grad(output, inputs, create_graph=True, materialize_grads=True))

    def assign(leaf: Any, x: float) -> None:
        with torch.no_grad():
            leaf.fill_(x)

    inner = torch.nn.functional
    functions = {
        **named(torch, f"{UFUNCS} reciprocal sigmoid relu erf erfc maximum minimum hypot xlogy"),
        **named(torch, "asin acos atan asinh acosh atanh atan2"),
        **named(inner, "softplus silu elu leaky_relu gelu", log_sigmoid="logsigmoid"),
        **PYTHON_OPERATORS,
        "power": torch.pow,
        "softplus": lambda x: torch.logaddexp(x, torch.zeros_like(x)),
    }
    del functions["elu"], functions["leaky_relu"]  # of two arguments with us
    return Engine(
        "torch",
        functions=functions,
        leaf=tensor,
        data=lambda v: v.item(),
        grad=lambda v: 0.0 if v.grad is None else v.grad.item(),
        backward=lambda v: v.backward() if v.requires_grad else None,
        assign=assign,
        gradient=gradient,
        distribution="torch",
    )


def jax() -> Engine:
    jax = import_module("jax")
    jax.config.update("jax_enable_x64", True)
    numpy = jax.numpy

    def number(x: object) -> Any:
        return numpy.asarray(x, dtype=numpy.float64)

    def value_and_grad(f: Function, point: Sequence[float]) -> Any:
        inputs = [number(x) for x in point]
        return jax.value_and_grad(f, argnums=tuple(range(len(inputs))))(*inputs)

    def gradient(f: Function, xs: Sequence[object]) -> Any:
        inputs = [number(x) for x in xs]
        return jax.grad(f, argnums=tuple(range(len(inputs))))(*inputs)

    functions = {
        **named(numpy, f"{UFUNCS} reciprocal maximum minimum hypot cbrt", power="power", **ARCS),
        **named(jax.nn, "sigmoid relu softplus silu gelu", log_sigmoid="log_sigmoid"),
        **named(jax.scipy.special, "erf erfc xlogy"),
        **PYTHON_OPERATORS,
        "gelu": lambda x: jax.nn.gelu(x, approximate=False),
    }
    return Engine(
        "jax",
        functions=functions,
        value_and_grad=value_and_grad,
        gradient=gradient,
        distribution="jax",
    )


def autograd() -> Engine:
    autograd, numpy = import_module("autograd"), import_module("autograd.numpy")

    def value_and_grad(f: Function, point: Sequence[float]) -> Any:
        return autograd.value_and_grad(f, tuple(range(len(point))))(*point)

    def gradient(f: Function, xs: Sequence[object]) -> Any:
        return autograd.grad(f, tuple(range(len(xs))))(*xs)

    functions = {
        **named(numpy, f"{UFUNCS} reciprocal maximum minimum", power="power", **ARCS),
        **PYTHON_OPERATORS,
        "softplus": lambda x: numpy.logaddexp(x, 0.0),
        "relu": lambda x: numpy.maximum(x, 0.0),
    }
    return Engine(
        "autograd",
        functions=functions,
        value_and_grad=value_and_grad,
        gradient=gradient,
        distribution="autograd",
    )


def mygrad() -> Engine:
    mygrad, inner = import_module("mygrad"), import_module("mygrad.nnet.activations")
    functions = {
        **named(mygrad, f"{UFUNCS} reciprocal maximum minimum cbrt", power="power", **ARCS),
        **named(inner, "sigmoid relu", log_sigmoid="logsigmoid"),
        **PYTHON_OPERATORS,
        "softplus": lambda x: mygrad.logaddexp(x, 0.0),
    }
    return Engine(
        "mygrad",
        functions=functions,
        leaf=lambda x: mygrad.tensor(x, dtype=float),
        data=lambda v: v.item(),
        grad=lambda v: 0.0 if v.grad is None else float(v.grad),
        backward=lambda v: v.backward(),
        distribution="mygrad",
    )


ENGINES: dict[str, Callable[[], Engine]] = {
    "micrograd_es": ours,
    "tiny": tiny,
    "compiled": partial(compiled, "compiled", "numpy", "numpy"),
    "native": partial(compiled, "native", "llvm", "llvmlite"),
    "micrograd": micrograd,
    "torch": torch,
    "jax": jax,
    "autograd": autograd,
    "mygrad": mygrad,
}


@cache
def engine_named(name: str) -> Engine:
    """Return an engine of the list, or one of your own, as "module:name".

    MissingExtra if its package is not installed; MicrogradError if there is no such engine.
    """
    module, colon, attribute = name.partition(":")
    if not colon and name not in ENGINES:
        raise MicrogradError(
            f"engine {name!r}: expected one of {', '.join(ENGINES)}, or one of your own as "
            "module:name"
        )
    try:
        if not colon:
            return ENGINES[name]()
        if "" not in sys.path:
            sys.path.insert(0, "")  # a file beside the tests, as `python -m` finds it
        found = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if colon and error.name == module:
            raise MicrogradError(f"engine {name}: there is no module {module} here") from error
        raise MissingExtra(f"engine {name} needs {error.name}: pip install {error.name}") from error
    except AttributeError as error:
        raise MicrogradError(f"engine {name}: {error}") from error
    if not isinstance(found, Engine):
        raise MicrogradError(f"{name} is {found!r}: expected a micrograd_es.testing.Engine")
    return found
