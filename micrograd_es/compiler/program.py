"""A function of one sample as a program over columns of samples: its value and its gradient.

    compile(f, parameters)              f as a Program
    program(*columns)                   its value
    program.value_and_grad(*columns)    its value and its gradient by the parameters
    program.minimize(…)                 many steps downhill in one call; also .sgd and .adam
    program.source(language)            the program as text
    program.plan()                      how it is run

This file holds the parts together and decides which backend runs a program. It computes nothing:
that is done by the backends, and for a sample that gives no number by replay.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property, partial
from importlib.util import find_spec
from operator import attrgetter
from typing import Any

import numpy as np

from micrograd_es.coercion import describe, guard
from micrograd_es.collector import paused
from micrograd_es.compiler.arguments import input_names, leaves_of
from micrograd_es.compiler.backends.matrices import ArrayPlan
from micrograd_es.compiler.backends.numpy import NumpyBackend
from micrograd_es.compiler.backends.python import PythonBackend
from micrograd_es.compiler.code import Code
from micrograd_es.compiler.columns import Array, columns_of, names_in_code, real_array
from micrograd_es.compiler.descent import Minimization, count, walker
from micrograd_es.compiler.export import HEADS, source_text
from micrograd_es.compiler.linear import LinearTrace, linearize
from micrograd_es.compiler.llvm.backend import LlvmBackend
from micrograd_es.compiler.llvm.machine import machine
from micrograd_es.compiler.lowering import lower
from micrograd_es.compiler.replay import eager_outputs
from micrograd_es.compiler.trace import trace
from micrograd_es.errors import NonFiniteError
from micrograd_es.optim import SGD, Adam, Optimizer
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value, set_numbers

NUMBER = attrgetter("_data")
Runner = PythonBackend | NumpyBackend | LlvmBackend
BACKENDS = ("auto", "python", "numpy", "llvm")
REDUCTIONS = ("mean", "sum", None)
SOURCE_LANGUAGES = ("python", *HEADS)
NONFINITE_CHOICES = ("raise", "return")
REPAIR_BLOCK = 4096  # samples
EXPECTED_CALLS = 100  # of a program for which "auto" chooses a backend
OVERHEAD = 250  # a call of numpy costs as much as so many samples, a build as so many operations
BUILD_COST = 25_000  # numbers that numpy computes while llvm builds one operation


def compile(
    f: Callable[..., object],
    parameters: Sequence[Value] = (),
    reduce: str | None = "mean",
    backend: str = "auto",
    on_nonfinite: str = "raise",
    inputs: int | None = None,
    forms: Mapping[Primitive, Callable[..., object]] | None = None,
) -> Program:
    """Return f as a program: traced once, differentiated, and run over whole columns of samples.

    f             a function of one sample: from its inputs, as separate Values, to one Value
    parameters    the leaves that f captures and that the gradient is by: net.parameters()
    reduce        what becomes of the samples' values and gradients: their "mean", their "sum", or
                  None, which keeps them apart
    backend       "python", eager's own arithmetic; "numpy"; "llvm", native code (extra llvm), an
                  interpreter for long programs; "auto": llvm if it is installed and the time to
                  build it pays within 100 calls like the first, else numpy
    on_nonfinite  "raise": a sample that gives NaN or infinity is run again in eager mode, where
                  only the branches chosen count; if it is not finite there either, the error names
                  it. "return": NaN or infinity is returned
    inputs        how many inputs f takes, where its signature does not say; arguments with a
                  default are no inputs
    forms         formulas for primitives of your own whose value is not written in primitives:
                  {softsign: lambda x: x / (1 + abs(x))}

    TraceError for a branch on a symbol, and for a captured Value that is not listed; ValueError or
    TypeError, with what is expected, for an option that is none.

    >>> w = Value(3.0)
    >>> program = compile(lambda x: w * x**2, parameters=[w])
    >>> program.value_and_grad([1.0, 2.0])
    (7.5, array([2.5]))
    """
    for option, choice, choices in (
        ("backend", backend, BACKENDS),
        ("reduce", reduce, REDUCTIONS),
        ("on_nonfinite", on_nonfinite, NONFINITE_CHOICES),
    ):
        if choice not in choices:
            raise ValueError(
                f"{option} {choice!r}: expected one of {', '.join(map(repr, choices))}"
            )
    if not isinstance(forms, Mapping | None):
        raise TypeError(f"forms={forms!r}: expected {{primitive: function}}")
    for row, form in (forms or {}).items():
        if not isinstance(row, Primitive) or not callable(form):
            raise TypeError(f"forms={{{row!r}: {form!r}}}: expected {{primitive: function}}")
    return Program(
        f, leaves_of(parameters), reduce, backend, on_nonfinite, inputs, dict(forms or {})
    )


class Program:
    """A compiled function: call it with a column of numbers for each input.

    `program(*columns)` is the value; `program.value_and_grad(*columns)` is (value, gradient), where
    the gradient is a flat float64 array in the order of the parameters. Each call reads the
    parameters' `data`, unless it is given a flat array as `parameters=`. print(program) shows the
    program as Python.

    linear   the trace as straight-line code
    inputs   what the code calls the inputs
    backend  "auto" until the first call, then "numpy" or "llvm"
    """

    def __init__(
        self,
        f: Callable[..., object],
        parameters: list[Value],
        reduce: str | None,
        backend: str,
        on_nonfinite: str,
        inputs: int | None,
        forms: dict[Primitive, Callable[..., Any]],
    ) -> None:
        self.f, self.parameters, self.reduce = f, parameters, reduce
        self.backend = "numpy" if backend == "auto" and not find_spec("llvmlite") else backend
        self.on_nonfinite, self.forms = on_nonfinite, forms
        names = input_names(f, inputs)
        with paused():
            self.linear: LinearTrace = linearize(trace(f, parameters, len(names)))
        self.inputs = names_in_code(names, self.linear.rows)

    # ---- running

    def __call__(self, *columns: object, parameters: object = None) -> Any:
        """Return the value: a float, or an array of one for each sample with reduce=None."""
        return self.run(columns, parameters, slopes=False)[0]

    def value_and_grad(self, *columns: object, parameters: object = None) -> tuple[Any, Array]:
        """Return (value, gradient by the parameters): a float and an array (parameters,).

        With reduce=None they are arrays (samples,) and (samples, parameters).
        """
        value, *slopes = self.run(columns, parameters, slopes=True)
        return value, slopes[0]

    def run(self, columns: Sequence[object], parameters: object, slopes: bool) -> tuple[Any, ...]:
        """Return (value, slopes) by the backend, with what is not finite repaired or refused."""
        arrays, samples = columns_of(columns, self.inputs)
        numbers = self.parameter_numbers(parameters)
        self.choose_backend(samples)
        runner = self.gradient_runner if slopes else self.value_runner
        with np.errstate(all="ignore"):
            if self.reduce is None:
                rows = runner.each(arrays, samples, numbers)
                self.repair(rows, arrays, numbers)
                return rows[:, 0], rows[:, 1:]
            totals = runner.sums(arrays, samples, numbers)
            if self.on_nonfinite == "raise" and not np.isfinite(totals).all():
                totals = self.repaired_sums(runner, arrays, samples, numbers)
            if self.reduce == "mean":
                totals = totals / samples
            return float(totals[0]), totals[1:]

    def repaired_sums(
        self, runner: Runner, columns: Sequence[Array], samples: int, numbers: Array
    ) -> Array:
        """Return the sums with every sample repaired; NonFiniteError if they are too large."""
        totals: Array = np.zeros(())
        for start in range(0, samples, REPAIR_BLOCK):
            block = [column[start : start + REPAIR_BLOCK] for column in columns]
            rows = runner.each(block, min(REPAIR_BLOCK, samples - start), numbers)
            self.repair(rows, block, numbers, start)
            totals = totals + rows.sum(axis=0)
        if not np.isfinite(totals).all():
            raise NonFiniteError(
                f"the sum over {samples} samples is too large for a float (1.8e308), although each "
                "sample is finite: scale the output of f"
            )
        return totals

    # ---- many steps downhill

    def minimize(
        self,
        *columns: object,
        rule: Optimizer,
        steps: int,
        progress: Callable[[int, float], object] | None = None,
        every: int | None = None,
    ) -> Array:
        """Take steps by a rule, such as optim.Adam(lr=0.01); return the value before each of them.

        With the llvm backend all steps are one native call. The parameters have their new numbers
        afterwards, whatever happens: each step moves all of them or none. The rule begins afresh.
        progress  called with (steps taken, value before the last of them) after `every` steps, by
                  default a hundredth of them
        NonFiniteError where the value or a parameter would not be finite: the descent diverges, lr
        is too large; with on_nonfinite="return" the values end there instead.
        """
        if not isinstance(rule, Optimizer):
            raise TypeError(f"rule={describe(rule)}: expected one of optim, such as SGD(lr=0.01)")
        if self.reduce is None:
            raise ValueError('a descent needs one value: compile with reduce="mean" or "sum"')
        if not self.parameters:
            raise ValueError("a descent has nothing to move: compile with parameters=[…]")
        arrays, samples = columns_of(columns, self.inputs)
        self.choose_backend(samples, calls=count("steps", steps))
        walk = None
        if isinstance(self.gradient_runner, LlvmBackend):
            divisor = samples if self.reduce == "mean" else 1
            kernel = self.gradient_runner.kernel
            walk = walker(kernel, machine(), rule, arrays, samples, divisor)
        run = partial(self.run, arrays, slopes=True)
        minimization = Minimization(rule, self.parameter_numbers(None), run, walk)
        try:
            return minimization.go(steps, every, progress)  # type: ignore[no-any-return]  # an array
        except NonFiniteError:
            if self.on_nonfinite == "raise":
                raise
            return minimization.values[: minimization.done + 1]
        finally:
            self.write_back(minimization.numbers)

    def sgd(self, *columns: object, lr: float, steps: int, **options: Any) -> Array:
        """Take steps of gradient descent, p ← p - lr·slope: minimize with optim.SGD."""
        return self.minimize(*columns, rule=SGD(lr=lr), steps=steps, **options)

    def adam(
        self,
        *columns: object,
        lr: float = 0.001,
        steps: int,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        **options: Any,
    ) -> Array:
        """Take steps of Adam: minimize with optim.Adam."""
        rule = Adam(lr=lr, betas=(beta1, beta2), eps=eps)
        return self.minimize(*columns, rule=rule, steps=steps, **options)

    # ---- the parameters

    def parameter_numbers(self, parameters: object) -> Array:
        """Return the numbers given for the parameters, or if None those that they have now."""
        if parameters is None:
            if (tracing := guard()) is not None:  # a program called in a function that is traced
                for p in self.parameters:
                    tracing.read(p, "reads .data")
            return np.fromiter(map(NUMBER, self.parameters), float, len(self.parameters))
        numbers = np.ascontiguousarray(real_array("parameters", parameters), dtype=float)
        if numbers.shape != (len(self.parameters),):
            raise ValueError(
                f"parameters of shape {numbers.shape}: expected ({len(self.parameters)},)"
            )
        return numbers

    def write_back(self, parameters: object) -> None:
        """Set the parameters' numbers to those of a flat array: all of them, or none."""
        set_numbers(zip(self.parameters, self.parameter_numbers(parameters).tolist(), strict=True))

    # ---- samples that are not finite

    def repair(self, rows: Array, columns: Sequence[Array], numbers: Array, start: int = 0) -> None:
        """Replace rows that are not finite by what eager gives; raise what eager raises.

        start  the number of the first sample, for the error
        """
        if self.on_nonfinite == "return":
            return
        for i in np.flatnonzero(~np.isfinite(rows).all(axis=1)):
            sample = [float(column[i]) for column in columns]
            leaves = [
                Value(x, p.name) for x, p in zip(numbers.tolist(), self.parameters, strict=True)
            ]
            outputs = eager_outputs(self.linear, start + int(i), sample, leaves)
            rows[i] = outputs[: rows.shape[1]]

    # ---- the backend

    @cached_property
    def basic_code(self) -> tuple[Code, list[int]]:
        """The program in basic operations, and the places of its outputs."""
        with paused():
            return lower(self.linear, self.forms, doubting=False)

    @cached_property
    def code_to_run(self) -> tuple[Code, list[int]]:
        """The code that numpy and llvm run.

        With on_nonfinite="raise" its value is NaN where an operation hides what eager refuses.
        """
        if self.on_nonfinite == "return":
            return self.basic_code
        with paused():
            return lower(self.linear, self.forms)

    @cached_property
    def gradient_runner(self) -> Runner:
        """The backend's object that computes the value and the slopes."""
        return self.make_runner(slopes=True)

    @cached_property
    def value_runner(self) -> Runner:
        """The backend's object that computes the value alone."""
        return self.make_runner(slopes=False)

    def make_runner(self, slopes: bool) -> Runner:
        """Return an object of the backend's class, with `sums` and `each`."""
        if self.backend == "python":
            doubting = self.on_nonfinite == "raise"
            return PythonBackend(self.linear, self.inputs, slopes, doubting)
        code, outputs = self.code_to_run
        wanted = outputs if slopes else outputs[:1]
        if self.backend == "llvm":
            return LlvmBackend(code, wanted, machine())
        return NumpyBackend(code, wanted)

    def choose_backend(self, samples: int, calls: int = EXPECTED_CALLS) -> None:
        """If the backend is "auto", choose numpy or llvm, once and for all calls.

        It is llvm where its machine code pays: building it takes as long per operation as numpy
        takes for BUILD_COST numbers. The measurements are in docs/compiler.md.
        """
        if self.backend == "auto":
            code, outputs = self.code_to_run
            rows = NumpyBackend(code, outputs).plan_of_sums.rows()
            work = calls * (samples + OVERHEAD) * rows
            pays = work > BUILD_COST * (code.count(outputs) + OVERHEAD)
            self.backend = "llvm" if pays else "numpy"

    def plan(self) -> ArrayPlan | LlvmBackend | PythonBackend:
        """Return how the program is run, to be printed: print(program.plan())."""
        self.choose_backend(samples=EXPECTED_CALLS)
        runner = self.gradient_runner
        return runner.plan_of_sums if isinstance(runner, NumpyBackend) else runner

    # ---- the program as a thing

    def source(self, language: str = "python") -> str:
        """Return the program of one sample as text in "python", "numpy", "jax" or "c"."""
        if language == "python":
            return self.linear.python_text(self.inputs)
        if language not in SOURCE_LANGUAGES:
            expected = ", ".join(SOURCE_LANGUAGES)
            raise ValueError(f"language {language!r}: expected one of {expected}")
        return source_text(*self.basic_code, self.inputs, language)

    def __str__(self) -> str:
        before, after = self.linear.before, self.linear.after
        return f"# {before} operations as traced, {after} as compiled\n{self.source()}"

    def __repr__(self) -> str:
        names = ", ".join(self.inputs)
        return (
            f"Program({names}; {len(self.parameters)} parameters, {self.linear.after} operations)"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments of `compile`, which compiles f again where it is loaded.

        f has to be an object that holds its parameters, such as one with __call__.
        """
        arguments = (self.f, self.parameters, self.reduce, self.backend, self.on_nonfinite)
        return compile, (*arguments, len(self.inputs), self.forms)

    def __deepcopy__(self, memo: dict[int, object]) -> Program:
        f = deepcopy(self.f, memo)
        if f is self.f and self.parameters:  # a plain function, which captures the old parameters
            raise TypeError(
                "a deep copy of this program would have parameters that its function does not "
                "know: compile an object with __call__ that holds them, or compile the copy's loss"
            )
        again, (_, parameters, *others) = self.__reduce__()
        return again(f, deepcopy(parameters, memo), *others)  # type: ignore[no-any-return]  # a Program
