"""Code as native instructions, by llvmlite: compiled itself, or run by a compiled interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from micrograd_es.compiler.code import INPUT, Code
from micrograd_es.compiler.interpreter import interpreted
from micrograd_es.compiler.kernel import GIVEN, Kernel
from micrograd_es.compiler.machine import Machine
from micrograd_es.compiler.numpy_backend import NumpyBackend
from micrograd_es.compiler.straight_line import straight_line

Array = Any
LONGEST = 20_000  # operations that are compiled: some seconds
LONGEST_ONCE = 2_000  # if they are run for one sample only: longer ones do not fit a core's cache


class LlvmBackend:
    """Runs native code: the sums of the outputs over the samples; each sample's by numpy."""

    def __init__(self, code: Code, outputs: Sequence[int], machine: Machine) -> None:
        of_samples = any(op[0] == INPUT for op in code.ops)
        width = machine.width if of_samples else 1
        longest = LONGEST if of_samples else LONGEST_ONCE
        make = straight_line if code.count(outputs) <= longest else interpreted
        self.kernel: Kernel = make(code, outputs, machine, width)
        self.totals = self.kernel.native.function("totals", GIVEN)
        self.code, self.outputs = code, outputs

    def __str__(self) -> str:
        return f"native code: {self.kernel.told}"

    @cached_property
    def numpy(self) -> NumpyBackend:
        return NumpyBackend(self.code, self.outputs)

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        return self.numpy.each(columns, samples, parameters)

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        space = self.kernel.space(columns, samples)
        self.totals(*space.given(parameters.ctypes.data))
        found = space.out[: space.outputs].copy()
        self.kernel.spaces.append(space)
        return found
