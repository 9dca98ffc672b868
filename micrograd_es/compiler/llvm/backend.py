"""Which native code runs a program: its own, or an interpreter where that would be too long.

LlvmBackend.sums(columns, samples, parameters)   the outputs, summed over the samples
LlvmBackend.each(columns, samples, parameters)   each sample's outputs
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_es.compiler.code import INPUT, Code
from micrograd_es.compiler.columns import Array
from micrograd_es.compiler.llvm.interpreter import interpreter_kernel
from micrograd_es.compiler.llvm.kernel import KERNEL_ARGS, Kernel, aligned_memory
from micrograd_es.compiler.llvm.machine import Machine
from micrograd_es.compiler.llvm.straight_line import straight_line_kernel

COMPILE_LIMIT = 20_000  # operations: they take some seconds to compile
COMPILE_LIMIT_ONCE = 2_000  # where they run for one sample only: more do not fit a core's cache


class LlvmBackend:
    """Runs native code: the sums of the outputs over the samples, or each sample's."""

    def __init__(self, code: Code, outputs: Sequence[int], machine: Machine) -> None:
        has_samples = any(op[0] == INPUT for op in code.ops)
        width = machine.width if has_samples else 1
        limit = COMPILE_LIMIT if has_samples else COMPILE_LIMIT_ONCE
        size = code.count(outputs) + len(outputs)
        make = straight_line_kernel if size <= limit else interpreter_kernel
        self.kernel: Kernel = make(code, outputs, machine, width)
        self.call_totals = self.kernel.native.function("totals", KERNEL_ARGS)
        self.call_each = self.kernel.native.function("each", KERNEL_ARGS)

    def __str__(self) -> str:
        return f"native code: {self.kernel.description}"

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        workspace, width = self.kernel.workspace(columns, samples), self.kernel.width
        vectors, outputs = -(-samples // width), workspace.outputs
        rows = aligned_memory(vectors * outputs * width)
        self.call_each(*workspace.arguments(parameters.ctypes.data, rows.ctypes.data))
        self.kernel.workspaces.append(workspace)
        by_vector = rows.reshape(vectors, outputs, width)
        return by_vector.transpose(0, 2, 1).reshape(-1, outputs)[:samples]

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        workspace = self.kernel.workspace(columns, samples)
        self.call_totals(*workspace.arguments(parameters.ctypes.data))
        sums = workspace.out[: workspace.outputs].copy()
        self.kernel.workspaces.append(workspace)
        return sums
