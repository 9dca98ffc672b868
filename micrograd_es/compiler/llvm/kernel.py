"""Native code over the samples, as many at once as fit a vector.

A module gives two functions: @start, once, for what depends on no sample; and @vector, for the
samples from %x on, which adds its outputs into %sums. `module` adds the loops around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from micrograd_es.compiler.columns import Array
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.machine import Native

START = "ptr %code, ptr %work, ptr %p"  # returns the code from which @vector goes on
VECTOR = "ptr %code, ptr %work, ptr %x, i64 %stride, ptr %p, ptr %sums"
GIVEN = (
    "ptr %code, ptr %work, ptr %p, ptr %columns, ptr %sums, ptr %out, i64 %outputs, i64 %samples, "
    "i64 %stride"
)  # of @totals, which fills %out; and of @apart, which fills %sums
PART = f"{GIVEN}, i64 %first, i64 %end, i64 %lanes"
MEMSET = "@llvm.memset.p0.i64"
SPARE = 8  # doubles: room to begin where a vector may


def module(write: Instructions, functions: Sequence[str]) -> str:
    """Return the text of a module: the functions of a program, and the loop over its samples."""
    whole = [part(write), totals(write.width), apart(write)]
    return "\n".join([*write.declared.values(), *functions, *whole])


def totals(width: int) -> str:
    """Return @totals: whole vectors first, then the samples that fill no vector."""
    return f"""
declare void {MEMSET}(ptr, i8, i64, i1)
define void @totals({GIVEN}) nounwind {{
  %body = call ptr @start({START})
  %bytes = mul i64 %outputs, 8
  call void {MEMSET}(ptr %out, i8 0, i64 %bytes, i1 false)
  %rest = srem i64 %samples, {width}
  %whole = sub i64 %samples, %rest
  call void @part({with_body(GIVEN)}, i64 0, i64 %whole, i64 {width})
  call void @part({with_body(GIVEN)}, i64 %whole, i64 %samples, i64 %rest)
  ret void
}}"""


def apart(write: Instructions) -> str:
    """Return @apart: the outputs of each vector of samples, one vector after the other."""
    body = write.put(f"call ptr @start({START})")
    size = write.put(f"mul i64 %outputs, {8 * write.width}")

    def samples() -> Next:
        write.lines.append(f"call void {MEMSET}(ptr %found, i8 0, i64 {size}, i1 false)")
        write.lines.append("%x = getelementptr double, ptr %columns, i64 %i")
        given = VECTOR.replace("%code", body).replace("%sums", "%found")
        write.lines.append(f"call void @vector({given})")
        following, again = write.count_up("%i", "%samples", by=write.width)
        return {"i": following, "found": write.at("%found", size, "i8")}, again

    write.loop("each_vector", {"i": ("i64", "0"), "found": ("ptr", "%sums")}, samples)
    write.lines.append("ret void")
    return write.function(f"void @apart({GIVEN})")


def with_body(arguments: str) -> str:
    return arguments.replace("%code", "%body")


def part(write: Instructions) -> str:
    """Return @part: the outputs of the samples from first to end, added up over some lanes."""
    some = write.put("icmp slt i64 %first, %end")
    write.lines.append(f"br i1 {some}, label %clear, label %done")
    write.label("clear")
    size = write.put(f"mul i64 %outputs, {8 * write.width}")
    write.lines.append(f"call void {MEMSET}(ptr %sums, i8 0, i64 {size}, i1 false)")
    counted = write.lanes_below("%lanes")

    def samples() -> Next:
        write.lines.append("%x = getelementptr double, ptr %columns, i64 %i")
        write.lines.append(f"call void @vector({VECTOR})")
        following, again = write.count_up("%i", "%end", by=write.width)
        return {"i": following}, again

    def output() -> Next:
        found = write.select(counted, write.load(write.at("%sums", "%k")), write.constant(0.0))
        place = write.at("%out", "%k", "double")
        total = write.put(f"fadd double {write.sum_of(found)}, {write.load(place, 'double')}")
        write.store(total, place, "double")
        following, again = write.count_up("%k", "%outputs")
        return {"k": following}, again

    write.loop("each_vector", {"i": ("i64", "%first")}, samples)
    write.loop("each_output", {"k": ("i64", "0")}, output)
    write.lines.append("br label %done")
    write.label("done")
    write.lines.append("ret void")
    return write.function(f"internal void @part({PART})")


@dataclass(frozen=True)
class Kernel:
    """A program in native code.

    rows  how many vectors it needs to work in, besides one for each output
    code  what an interpreter reads; empty where the instructions themselves are native
    told  how it runs, for people
    """

    native: Native
    width: int
    outputs: int
    inputs: int
    rows: int
    code: Array
    told: str
    spaces: list[Space] = field(default_factory=list)  # taken out while one is used

    def space(self, columns: Sequence[Array], samples: int) -> Space:
        """Return memory to work in, with the columns in it."""
        try:
            space = self.spaces.pop()
        except IndexError:
            space = Space(self, samples)
        if space.samples != samples:
            space = Space(self, samples)
        for row, column in zip(space.columns, columns, strict=False):
            row[:samples] = column
            row[samples:] = column[-1]  # fills the last vector
        return space


class Space:
    """The memory in which a kernel works on so many samples, and where it is."""

    def __init__(self, kernel: Kernel, samples: int) -> None:
        self.samples, self.outputs = samples, kernel.outputs
        self.columns = np.zeros((max(kernel.inputs, 1), samples + kernel.width))
        self.out = np.zeros(kernel.outputs + SPARE)
        self.memory = aligned((kernel.rows + kernel.outputs) * kernel.width)
        self.work = self.memory.ctypes.data
        self.sums = self.work + 8 * kernel.width * kernel.rows
        self.code_at, self.columns_at = kernel.code.ctypes.data, self.columns.ctypes.data
        self.out_at, self.stride = self.out.ctypes.data, samples + kernel.width

    def given(self, parameters: int, sums: int | None = None) -> tuple[int, ...]:
        """Return the arguments of @totals or @apart, with parameters that are at an address."""
        return (
            self.code_at, self.work, parameters, self.columns_at, sums or self.sums, self.out_at,
            self.outputs, self.samples, self.stride,
        )  # fmt: skip


def aligned(size: int) -> Array:
    """Return memory for so many doubles, which begins where a vector may."""
    memory = np.empty(size + SPARE)
    skip = -memory.ctypes.data % (8 * SPARE) // 8
    return memory[skip : skip + size]
