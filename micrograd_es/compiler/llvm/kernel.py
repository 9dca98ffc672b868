"""Native code over the samples, as many at once as fit a vector.

    module_text(write, functions)   an LLVM module: a program's functions, and the loops around them
    Kernel                          the module compiled, and what it needs to be called
    Workspace                       the memory for a number of samples, and the arguments of a call

A program gives two functions: @start, which computes once what depends on no sample; and @vector,
which adds the outputs of the samples from %x on into %sums. The loops around them are

    @totals   the outputs, summed over the samples, into %out: by @part, whole vectors first, then
              the samples that fill no vector
    @each     the outputs of each vector of samples, one vector after the other, into %sums
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from micrograd_es.compiler.columns import Array
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.machine import Native

START_ARGS = "ptr %code, ptr %work, ptr %p"  # it returns the code with which @vector goes on
VECTOR_ARGS = "ptr %code, ptr %work, ptr %x, i64 %stride, ptr %p, ptr %sums"
KERNEL_ARGS = (
    "ptr %code, ptr %work, ptr %p, ptr %columns, ptr %sums, ptr %out, i64 %outputs, i64 %samples, "
    "i64 %stride"
)  # of @totals and of @each
PART_ARGS = f"{KERNEL_ARGS}, i64 %first, i64 %end, i64 %lanes"
MEMSET = "@llvm.memset.p0.i64"
LONGEST_VECTOR = 8  # doubles; memory for vectors begins at a multiple of as many


def module_text(write: Instructions, functions: Sequence[str]) -> str:
    """Return the text of a module: the functions of a program, and the loops over its samples."""
    loops = [part_function(write), totals_function(write.width), each_function(write)]
    return "\n".join([*write.declared.values(), *functions, *loops])


def totals_function(width: int) -> str:
    """Return @totals, which clears %out and calls @part twice."""
    part = PART_ARGS.replace("%code", "%body")
    vectors = part.replace("%first", "0").replace("%end", "%whole").replace("%lanes", f"{width}")
    rest = part.replace("%first", "%whole").replace("%end", "%samples").replace("%lanes", "%rest")
    return f"""
declare void {MEMSET}(ptr, i8, i64, i1)
define void @totals({KERNEL_ARGS}) nounwind {{
  %body = call ptr @start({START_ARGS})
  %bytes = mul i64 %outputs, 8
  call void {MEMSET}(ptr %out, i8 0, i64 %bytes, i1 false)
  %rest = srem i64 %samples, {width}
  %whole = sub i64 %samples, %rest
  call void @part({vectors})
  call void @part({rest})
  ret void
}}"""


def each_function(write: Instructions) -> str:
    """Return @each, which clears a row of %sums for every vector and fills it by @vector."""
    body = write.put(f"call ptr @start({START_ARGS})")
    size = write.put(f"mul i64 %outputs, {8 * write.width}")

    def samples() -> Next:
        write.lines.append(f"call void {MEMSET}(ptr %row, i8 0, i64 {size}, i1 false)")
        write.lines.append("%x = getelementptr double, ptr %columns, i64 %i")
        arguments = VECTOR_ARGS.replace("%code", body).replace("%sums", "%row")
        write.lines.append(f"call void @vector({arguments})")
        following, again = write.count_up("%i", "%samples", by=write.width)
        return {"i": following, "row": write.address("%row", size, "i8")}, again

    write.loop("each_vector", {"i": ("i64", "0"), "row": ("ptr", "%sums")}, samples)
    write.lines.append("ret void")
    return write.function(f"void @each({KERNEL_ARGS})")


def part_function(write: Instructions) -> str:
    """Return @part, which adds the outputs of the samples from %first to %end to %out.

    @vector sums them lane by lane; then the first %lanes lanes, which hold samples, are added up.
    """
    some = write.put("icmp slt i64 %first, %end")
    write.lines.append(f"br i1 {some}, label %clear, label %done")
    write.label("clear")
    size = write.put(f"mul i64 %outputs, {8 * write.width}")
    write.lines.append(f"call void {MEMSET}(ptr %sums, i8 0, i64 {size}, i1 false)")
    mask = write.lanes_below("%lanes")

    def samples() -> Next:
        write.lines.append("%x = getelementptr double, ptr %columns, i64 %i")
        write.lines.append(f"call void @vector({VECTOR_ARGS})")
        following, again = write.count_up("%i", "%end", by=write.width)
        return {"i": following}, again

    def output() -> Next:
        sums = write.load(write.address("%sums", "%k"))
        sums = write.select(mask, sums, write.constant(0.0))
        out = write.address("%out", "%k", "double")
        total = write.put(f"fadd double {write.lane_sum(sums)}, {write.load(out, 'double')}")
        write.store(total, out, "double")
        following, again = write.count_up("%k", "%outputs")
        return {"k": following}, again

    write.loop("each_vector", {"i": ("i64", "%first")}, samples)
    write.loop("each_output", {"k": ("i64", "0")}, output)
    write.lines.append("br label %done")
    write.label("done")
    write.lines.append("ret void")
    return write.function(f"internal void @part({PART_ARGS})")


@dataclass(frozen=True)
class Kernel:
    """A program in native code.

    width        samples in a vector
    outputs      how many numbers it gives for each sample
    inputs       how many columns it reads
    rows         how many vectors it needs to work in, besides one for each output
    code         what an interpreter reads; empty where the instructions themselves are native
    description  how it runs, for people
    workspaces   idle ones; a call takes one out while it runs, so that two threads never share one
    """

    native: Native
    width: int
    outputs: int
    inputs: int
    rows: int
    code: NDArray[np.float64] | NDArray[np.uint32]
    description: str
    workspaces: list[Workspace] = field(default_factory=list)

    def workspace(self, columns: Sequence[Array], samples: int) -> Workspace:
        """Return memory to work in, with the columns copied into it."""
        try:
            workspace = self.workspaces.pop()
        except IndexError:
            workspace = Workspace(self, samples)
        if workspace.samples != samples:
            workspace = Workspace(self, samples)
        for row, column in zip(workspace.columns, columns, strict=False):
            row[:samples] = column
            row[samples:] = column[-1]  # fills the last vector with numbers that are safe to use
        return workspace


class Workspace:
    """The memory in which a kernel works on a number of samples, and its addresses."""

    def __init__(self, kernel: Kernel, samples: int) -> None:
        self.samples, self.outputs = samples, kernel.outputs
        self.columns = np.zeros((max(kernel.inputs, 1), samples + kernel.width))
        self.out = np.zeros(kernel.outputs + LONGEST_VECTOR)
        self.memory = aligned_memory((kernel.rows + kernel.outputs) * kernel.width)
        self.work = self.memory.ctypes.data
        self.sums = self.work + 8 * kernel.width * kernel.rows
        self.code_at, self.columns_at = kernel.code.ctypes.data, self.columns.ctypes.data
        self.out_at, self.stride = self.out.ctypes.data, samples + kernel.width

    def arguments(self, parameters: int, sums: int | None = None) -> tuple[int, ...]:
        """Return the arguments of @totals or @each, given the addresses of parameters and sums."""
        return (
            self.code_at, self.work, parameters, self.columns_at, sums or self.sums, self.out_at,
            self.outputs, self.samples, self.stride,
        )  # fmt: skip


def aligned_memory(size: int) -> Array:
    """Return memory for `size` doubles that begins where a vector may begin."""
    memory = np.empty(size + LONGEST_VECTOR)
    skip = -memory.ctypes.data % (8 * LONGEST_VECTOR) // 8
    return memory[skip : skip + size]
