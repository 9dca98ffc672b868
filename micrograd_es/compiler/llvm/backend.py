"""Code as native instructions, by llvmlite: compiled itself, or run by a compiled interpreter."""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_es.compiler.code import INPUT, Code
from micrograd_es.compiler.columns import Array
from micrograd_es.compiler.llvm.interpreter import interpreted
from micrograd_es.compiler.llvm.kernel import GIVEN, Kernel, aligned
from micrograd_es.compiler.llvm.machine import Machine
from micrograd_es.compiler.llvm.straight_line import straight_line

LONGEST = 20_000  # operations that are compiled: some seconds
LONGEST_ONCE = 2_000  # if they are run for one sample only: longer ones do not fit a core's cache


class LlvmBackend:
    """Runs native code: the sums of the outputs over the samples, or each sample's."""

    def __init__(self, code: Code, outputs: Sequence[int], machine: Machine) -> None:
        of_samples = any(op[0] == INPUT for op in code.ops)
        width = machine.width if of_samples else 1
        longest = LONGEST if of_samples else LONGEST_ONCE
        size = code.count(outputs) + len(outputs)
        make = straight_line if size <= longest else interpreted
        self.kernel: Kernel = make(code, outputs, machine, width)
        self.totals = self.kernel.native.function("totals", GIVEN)
        self.apart = self.kernel.native.function("apart", GIVEN)

    def __str__(self) -> str:
        return f"native code: {self.kernel.told}"

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        space, width = self.kernel.space(columns, samples), self.kernel.width
        vectors = -(-samples // width)
        found = aligned(vectors * space.outputs * width)
        self.apart(*space.given(parameters.ctypes.data, found.ctypes.data))
        self.kernel.spaces.append(space)
        by_vector = found.reshape(vectors, space.outputs, width)
        return by_vector.transpose(0, 2, 1).reshape(-1, space.outputs)[:samples]

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        space = self.kernel.space(columns, samples)
        self.totals(*space.given(parameters.ctypes.data))
        found = space.out[: space.outputs].copy()
        self.kernel.spaces.append(space)
        return found
