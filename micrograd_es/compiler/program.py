"""What `compile` gives: a program that takes columns of samples and gives value and gradient."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property, partial
from importlib.util import find_spec
from operator import attrgetter
from typing import Any

import numpy as np

from micrograd_es.coercion import describe, guard
from micrograd_es.collector import paused
from micrograd_es.compiler.arguments import inputs_of, leaves_of
from micrograd_es.compiler.backends.matrices import Plan
from micrograd_es.compiler.backends.numpy import NumpyBackend
from micrograd_es.compiler.backends.python import PythonBackend
from micrograd_es.compiler.code import Code
from micrograd_es.compiler.columns import Array, columns_of, names_of, real
from micrograd_es.compiler.descent import Descent, count, walker
from micrograd_es.compiler.export import HEADS, exported
from micrograd_es.compiler.linear import Linear, linear
from micrograd_es.compiler.llvm.backend import LlvmBackend
from micrograd_es.compiler.llvm.machine import machine
from micrograd_es.compiler.lowering import lowered
from micrograd_es.compiler.replay import replay
from micrograd_es.compiler.trace import trace
from micrograd_es.errors import NonFiniteError
from micrograd_es.explanation.diagnosis import find_nonfinite
from micrograd_es.optim import SGD, Adam, Optimizer
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value, gradient, set_numbers

Runs = PythonBackend | NumpyBackend | LlvmBackend
NUMBER = attrgetter("_data")
BACKENDS = ("auto", "python", "numpy", "llvm")
REDUCTIONS = ("mean", "sum", None)
LANGUAGES = ("python", *HEADS)
MENDED = 4096  # samples at once
CALLS = 100  # that "auto" expects
OVERHEAD = 250  # samples that a call of numpy takes more; operations that a build of llvm does
BUILD = 25_000  # numbers computed by numpy, in the time in which llvm builds one operation


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

    f             takes one sample's inputs as separate Values and gives one
    parameters    the leaves that f captures and that the gradient is by: net.parameters()
    reduce        what becomes of the samples' values and gradients: their "mean", their "sum", or
                  None, which keeps them apart
    backend       "python", which is eager's own arithmetic; "numpy"; "llvm", native code (extra
                  llvm), which for long programs is an interpreter; "auto" is llvm where it is
                  installed and building it will pay within 100 calls like the first, else numpy
    on_nonfinite  "raise": a sample that gives NaN or inf is run again in plain Python, where only
                  the branches chosen count, and if it is still none, named; "return": given back
    inputs        how many f takes, if it does not say; arguments with a default are no inputs
    forms         of primitives of your own whose value is not written in primitives: their formula
                  that is, {softsign: lambda x: x / (1 + abs(x))}

    TraceError for a branch on a number that is not there yet, and for a captured Value that is not
    listed.

    >>> w = Value(3.0)
    >>> program = compile(lambda x: w * x**2, parameters=[w])
    >>> program.value_and_grad([1.0, 2.0])
    (7.5, array([2.5]))
    """
    for what, given, known in (
        ("backend", backend, BACKENDS),
        ("reduce", reduce, REDUCTIONS),
        ("on_nonfinite", on_nonfinite, ("raise", "return")),
    ):
        if given not in known:
            raise ValueError(f"{what} {given!r}: expected one of {', '.join(map(repr, known))}")
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

    `program(*columns)` is the value, `program.value_and_grad(*columns)` (value, gradient), a flat
    float64 array in the order of the parameters. The parameters' `data` is read at each call,
    unless a flat array is given as `parameters=`. print(program) shows it as Python.
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
        known = backend != "auto" or find_spec("llvmlite")
        self.backend = backend if known else "numpy"  # "auto" until it is called
        self.on_nonfinite, self.forms = on_nonfinite, forms
        names = inputs_of(f, inputs)
        with paused():
            self.linear: Linear = linear(trace(f, parameters, len(names)))
        self.inputs = names_of(names, self.linear.rows)

    # ---- running

    def __call__(self, *columns: object, parameters: object = None) -> Any:
        """Return the value: a float, or one for each sample if nothing is reduced."""
        return self.run(columns, parameters, slopes=False)[0]

    def value_and_grad(self, *columns: object, parameters: object = None) -> tuple[Any, Array]:
        """Return (value, gradient by the parameters); rows of it if nothing is reduced."""
        value, *slopes = self.run(columns, parameters, slopes=True)
        return value, slopes[0]

    def run(self, columns: Sequence[object], parameters: object, slopes: bool) -> tuple[Any, ...]:
        arrays, samples = columns_of(columns, self.inputs)
        numbers = self.numbers(parameters)
        self.choose_backend(samples)
        runner = self.with_slopes if slopes else self.without
        with np.errstate(all="ignore"):
            if self.reduce is None:
                rows = runner.each(arrays, samples, numbers)
                self.mend(rows, arrays, numbers)
                return rows[:, 0], rows[:, 1:]
            totals = runner.sums(arrays, samples, numbers)
            if self.on_nonfinite == "raise" and not np.isfinite(totals).all():
                totals = self.mended_sums(runner, arrays, samples, numbers)
            if self.reduce == "mean":
                totals = totals / samples
            return float(totals[0]), totals[1:]

    def mended_sums(
        self, runner: Runs, columns: Sequence[Array], samples: int, numbers: Array
    ) -> Array:
        """Return the sums, block by block of samples; plain Python mends what it can of them."""
        totals: Array = np.zeros(())
        for start in range(0, samples, MENDED):
            block = [column[start : start + MENDED] for column in columns]
            rows = runner.each(block, min(MENDED, samples - start), numbers)
            self.mend(rows, block, numbers, start)
            totals = totals + rows.sum(axis=0)
        if not np.isfinite(totals).all():
            raise NonFiniteError(
                f"the sum over {samples} samples is too large for a float (1.8e308), though that "
                "of none is: scale what f gives"
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
        if isinstance(self.with_slopes, LlvmBackend):
            divisor = samples if self.reduce == "mean" else 1
            kernel = self.with_slopes.kernel
            walk = walker(kernel, machine(), rule, arrays, samples, divisor)
        run = partial(self.run, arrays, slopes=True)
        descent = Descent(rule, self.numbers(None), run, walk)
        try:
            return descent.go(steps, every, progress)  # type: ignore[no-any-return]  # an array
        except NonFiniteError:
            if self.on_nonfinite == "raise":
                raise
            return descent.values[: descent.done + 1]
        finally:
            self.write_back(descent.numbers)

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

    def numbers(self, parameters: object) -> Array:
        """Return the numbers of the parameters, as they are now or as they are given."""
        if parameters is None:
            if (asked := guard()) is not None:
                for p in self.parameters:
                    asked.read(p, "reads .data")
            return np.fromiter(map(NUMBER, self.parameters), float, len(self.parameters))
        numbers = np.ascontiguousarray(real("parameters", parameters), dtype=float)
        if numbers.shape != (len(self.parameters),):
            raise ValueError(
                f"parameters of shape {numbers.shape}: expected ({len(self.parameters)},)"
            )
        return numbers

    def write_back(self, parameters: object) -> None:
        """Give the parameters the numbers of a flat array: all of them, or none."""
        set_numbers(zip(self.parameters, self.numbers(parameters).tolist(), strict=True))

    def mend(self, rows: Array, columns: Sequence[Array], numbers: Array, start: int = 0) -> None:
        """Replace what is not finite by what plain Python says; raise where it is none either.

        start  the number of the first sample
        """
        if self.on_nonfinite == "return":
            return
        for i in np.flatnonzero(~np.isfinite(rows).all(axis=1)):
            sample = [float(column[i]) for column in columns]
            rows[i] = self.replayed(start + int(i), sample, numbers)[: rows.shape[1]]

    def replayed(self, i: int, sample: list[float], numbers: Array) -> list[float]:
        """Return a sample's value and slopes as eager has them, of the branches chosen."""
        names = (p.name for p in self.parameters)
        leaves = [Value(x, name) for x, name in zip(numbers.tolist(), names, strict=True)]
        try:
            output = replay(self.linear, sample, leaves)
            found = [output.data, *(g.data for g in gradient(output, leaves))]
        except (ValueError, ArithmeticError) as error:
            raise type(error)(f"sample {i} {tuple(sample)}: {error}") from error
        if not all(map(math.isfinite, found)):
            born = find_nonfinite(output) or f"a slope is not finite: {found[1:]}"
            raise NonFiniteError(f"sample {i} {tuple(sample)}: {born}")
        return found

    # ---- what is run

    @cached_property
    def lowered(self) -> tuple[Code, list[int]]:
        with paused():
            return lowered(self.linear, self.forms, doubting=False)

    @cached_property
    def doubting(self) -> tuple[Code, list[int]]:
        """The same, whose value is NaN where an operation hides what eager refuses."""
        with paused():
            return lowered(self.linear, self.forms)

    @cached_property
    def with_slopes(self) -> Runs:
        return self.made(slopes=True)

    @cached_property
    def without(self) -> Runs:
        return self.made(slopes=False)

    def made(self, slopes: bool) -> Runs:
        doubting = self.on_nonfinite == "raise"
        if self.backend == "python":
            return PythonBackend(self.linear, self.inputs, slopes, doubting)
        code, outputs = self.doubting if doubting else self.lowered
        wanted = outputs if slopes else outputs[:1]
        if self.backend == "llvm":
            return LlvmBackend(code, wanted, machine())
        return NumpyBackend(code, wanted)

    def choose_backend(self, samples: int, calls: int = CALLS) -> None:
        """Choose between numpy and llvm, for good, at the first call if it is "auto".

        llvm where its machine code pays: building it takes as long per operation as numpy takes for
        BUILD numbers. The measurements are in docs/compiler.md.
        """
        if self.backend == "auto":
            code, outputs = self.doubting if self.on_nonfinite == "raise" else self.lowered
            runner = NumpyBackend(code, outputs)
            work = calls * (samples + OVERHEAD) * runner.summed.rows()
            pays = work > BUILD * (code.count(outputs) + OVERHEAD)
            self.backend = "llvm" if pays else "numpy"

    def plan(self) -> Plan | LlvmBackend | PythonBackend:
        """Return how it is run: print(program.plan())."""
        self.choose_backend(samples=CALLS)
        runner = self.with_slopes
        return runner.summed if isinstance(runner, NumpyBackend) else runner

    def source(self, language: str = "python") -> str:
        """Return the program of one sample as text: "python", "numpy", "jax" or "c"."""
        if language == "python":
            return self.linear.python(self.inputs)
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r}: expected one of {', '.join(LANGUAGES)}")
        return exported(*self.lowered, self.inputs, language)

    def __str__(self) -> str:
        before, after = self.linear.before, self.linear.after
        return f"# {before} operations as traced, {after} as compiled\n{self.source()}"

    def __repr__(self) -> str:
        names = ", ".join(self.inputs)
        return (
            f"Program({names}; {len(self.parameters)} parameters, {self.linear.after} operations)"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what it is made of; it is compiled again where it is loaded.

        f travels with its parameters: it is an object that holds them, such as one with __call__.
        """
        made_of = (self.f, self.parameters, self.reduce, self.backend, self.on_nonfinite)
        return compile, (*made_of, len(self.inputs), self.forms)

    def __deepcopy__(self, memo: dict[int, object]) -> Program:
        f = deepcopy(self.f, memo)
        if f is self.f and self.parameters:  # a function keeps the Values that it captured
            raise TypeError(
                "a deep copy of this program would have parameters that its function does not "
                "know: compile an object with __call__ that holds them, or compile the copy's loss"
            )
        compiled, (_, parameters, *others) = self.__reduce__()
        return compiled(f, deepcopy(parameters, memo), *others)  # type: ignore[no-any-return]  # a Program
