"""Native code over the samples: as many at once as fit a vector, and the sums of its outputs.

A module gives two functions, and `module` adds the loop around them: @start, once, for what depends
on no sample; @vector, for the samples from %x on, which adds its outputs into %sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from micrograd_es.compiler.instructions import Instructions
from micrograd_es.compiler.machine import Native

Array = Any
START = "ptr %code, ptr %work, ptr %p"  # returns the code from which @vector goes on
VECTOR = "ptr %code, ptr %work, ptr %x, i64 %stride, ptr %p, ptr %sums"
GIVEN = (
    "ptr %code, ptr %work, ptr %p, ptr %columns, ptr %sums, ptr %out, i64 %outputs, i64 %samples, "
    "i64 %stride"
)  # of @totals, which fills %out
PART = f"{GIVEN}, i64 %first, i64 %end, i64 %lanes"
SPARE = 8  # doubles: room to begin where a vector may


def module(write: Instructions, functions: Sequence[str]) -> str:
    """Return the text of a module: the functions of a program, and the loop over its samples."""
    whole = [part(write), totals(write.width)]
    return "\n".join([*write.declared.values(), *functions, *whole])


def totals(width: int) -> str:
    """Return @totals: whole vectors first, then the samples that fill no vector."""
    return f"""
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @totals({GIVEN}) nounwind {{
  %body = call ptr @start({START})
  %bytes = mul i64 %outputs, 8
  call void @llvm.memset.p0.i64(ptr %out, i8 0, i64 %bytes, i1 false)
  %rest = srem i64 %samples, {width}
  %whole = sub i64 %samples, %rest
  call void @part({with_body(GIVEN)}, i64 0, i64 %whole, i64 {width})
  call void @part({with_body(GIVEN)}, i64 %whole, i64 %samples, i64 %rest)
  ret void
}}"""


def with_body(arguments: str) -> str:
    return arguments.replace("%code", "%body")


def part(write: Instructions) -> str:
    """Return @part: the outputs of the samples from first to end, summed over some lanes."""
    write.lines = f"""\
%some = icmp slt i64 %first, %end
br i1 %some, label %clear, label %done
clear:
%bytes = mul i64 %outputs, {8 * write.width}
call void @llvm.memset.p0.i64(ptr %sums, i8 0, i64 %bytes, i1 false)
br label %loop
loop:
%i = phi i64 [%first, %clear], [%next, %loop]
%x = getelementptr double, ptr %columns, i64 %i
call void @vector({VECTOR})
%next = add i64 %i, {write.width}
%more = icmp slt i64 %next, %end
br i1 %more, label %loop, label %reduce
reduce:""".splitlines()
    counted = write.lanes_below("%lanes")
    write.lines += [
        "br label %each", "each:",
        "%k = phi i64 [0, %reduce], [%after, %each]",
    ]  # fmt: skip
    found = write.select(counted, write.load(write.at("%sums", "%k")), write.constant(0.0))
    total, place = write.sum_of(found), write.at("%out", "%k", "double")
    sum_ = write.put(f"fadd double {total}, {write.load(place, 'double')}")
    write.lines += [
        f"store double {sum_}, ptr {place}",
        "%after = add i64 %k, 1",
        "%again = icmp slt i64 %after, %outputs",
        "br i1 %again, label %each, label %done",
        "done:",
        "ret void",
    ]
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

    def workspace(self) -> tuple[Array, int, int]:
        """Return memory to work in, and where in it to work and where to sum."""
        work = np.empty((self.rows + self.outputs) * self.width + SPARE)
        start = work.ctypes.data + -work.ctypes.data % (8 * SPARE)
        return work, start, start + 8 * self.width * self.rows

    def filled(self, columns: Sequence[Array], samples: int) -> Array:
        """Return the columns as rows of one array, the last sample repeated to fill a vector."""
        data = np.empty((max(self.inputs, 1), samples + self.width))
        for i, column in enumerate(columns[: self.inputs]):
            data[i, :samples] = column
            data[i, samples:] = column[-1]
        return data
