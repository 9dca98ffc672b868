"""Code as native instructions over the batch, by llvmlite: as many samples at once as fit a vector.

The code is cut into pieces of some hundred operations, so that the time to compile is linear in its
length; what one piece leaves for a later one waits in an array. Functions come from the vectors of
glibc's libmvec where it has them, else from libm, lane by lane: NaN and infinity are kept by both.
"""

from __future__ import annotations

import ctypes
import struct
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code
from micrograd_es.compiler.numpy_backend import NumpyBackend
from micrograd_es.errors import MissingExtra

Array = Any
ARGUMENTS = "ptr %waiting, ptr %x, ptr %p, ptr %sums, i64 %stride"  # of a piece
PIECE = 300  # operations
LARGEST = 20_000  # operations: some seconds to compile
FLAGS = "contract nsz"  # a·b + c may be one operation; NaN and infinity are what they are
SIGNS = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
INTRINSICS = {"abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil"}
COMPARISONS = {"if_less": "olt", "if_at_most": "ole", "if_equal": "oeq"}
IN_LIBM = {"pow", "atan2", "hypot"}  # of two arguments
VECTORS = {8: ("avx512f", "_ZGVeN8v"), 4: ("avx2", "_ZGVdN4v"), 2: ("sse2", "_ZGVbN2v")}


@cache
def machine() -> Machine:
    return Machine()


class Machine:
    """What this processor offers, and LLVM's compiler for it."""

    def __init__(self) -> None:
        try:
            import llvmlite.binding as llvm
        except ImportError as error:
            raise MissingExtra(
                "the llvm backend needs llvmlite: pip install 'micrograd-es[llvm]'"
            ) from error
        self.llvm = llvm
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        features = llvm.get_host_cpu_features()
        self.width = next((w for w, (name, _) in VECTORS.items() if features.get(name)), 1)
        for library in ("libm.so.6", "libmvec.so.1"):
            try:
                llvm.load_library_permanently(library)
            except RuntimeError:
                continue  # another C library: its functions are in the process, or lane by lane
        self.features = features.flatten()

    def vector_function(self, name: str) -> str | None:
        """Return the symbol of a function of whole vectors; None if there is none."""
        if self.width == 1:
            return None
        prefix = VECTORS[self.width][1] + "v" * (name in IN_LIBM)
        symbol = f"{prefix}_{name}"
        return symbol if self.llvm.address_of_symbol(symbol) else None

    def compiled(self, text: str, name: str) -> tuple[Any, Any]:
        """Return the function of that name, and what must live as long as it does."""
        target = self.llvm.Target.from_default_triple().create_target_machine(
            cpu=self.llvm.get_host_cpu_name(), features=self.features, opt=1
        )
        module = self.llvm.parse_assembly(text)
        module.triple, module.data_layout = target.triple, str(target.target_data)
        engine = self.llvm.create_mcjit_compiler(module, target)  # which owns both from now on
        engine.finalize_object()
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64, ctypes.c_int64)
        return kind(engine.get_function_address(name)), engine


class Writer:
    """Writes code as LLVM's text: run(columns, parameters, sums, samples, stride)."""

    def __init__(self, code: Code, outputs: Sequence[int], machine: Machine) -> None:
        self.code, self.outputs, self.machine = code, outputs, machine
        self.width = machine.width
        wide = self.width > 1
        self.type = f"<{self.width} x double>" if wide else "double"
        self.bits = f"<{self.width} x i1>" if wide else "i1"
        self.suffix = f"v{self.width}f64" if wide else "f64"
        self.align = 8 * self.width
        self.declared: dict[str, str] = {}
        self.lines: list[str] = []
        self.names: dict[int, str] = {}
        self.count = 0

    def text(self) -> str:
        live = self.code.live(self.outputs)
        body = [place for place in live if self.code.ops[place][0] not in LEAVES]
        pieces = [body[i : i + PIECE] for i in range(0, len(body), PIECE)] or [[]]
        piece_of = {place: i for i, piece in enumerate(pieces) for place in piece}
        slots = self.slots(pieces, piece_of)
        written = defaultdict(list)
        for slot, place in enumerate(self.outputs):
            written[piece_of.get(place, 0)].append((slot, place))
        functions = [
            self.piece(i, piece, slots, written[i], piece_of) for i, piece in enumerate(pieces)
        ]
        rows = max(slots.values(), default=0) + 1
        return "\n".join([*self.declared.values(), *functions, self.loop(len(pieces), rows)])

    def slots(self, pieces: list[list[int]], piece_of: dict[int, int]) -> dict[int, int]:
        """Return the row of the waiting array for each result that a later piece needs."""
        last: dict[int, int] = {}
        for place, number in piece_of.items():
            for arg in self.code.ops[place][1:]:
                last[arg] = max(last.get(arg, 0), number)
        for place in self.outputs:
            if place in piece_of:
                last[place] = max(last.get(place, 0), piece_of[place])
        slots: dict[int, int] = {}
        free: list[int] = []
        ending: dict[int, list[int]] = defaultdict(list)
        for i, piece in enumerate(pieces):
            for place in piece:
                if last.get(place, i) > i:
                    slots[place] = free.pop() if free else len({*slots.values()})
                    ending[last[place]].append(slots[place])
            free += ending[i]
        return slots

    # ---- a piece

    def piece(
        self,
        number: int,
        places: list[int],
        slots: dict[int, int],
        outputs: list[tuple[int, int]],
        piece_of: dict[int, int],
    ) -> str:
        self.lines, self.names = [], {}
        for place in places:
            self.names[place] = self.operation(place, slots)
            if place in slots:
                row = self.row("%waiting", slots[place])
                self.lines.append(f"store {self.type} {self.names[place]}, ptr {row}")
        for slot, place in outputs:
            found, row = self.value(place, slots), self.row("%sums", slot)
            before = self.put(f"load {self.type}, ptr {row}")
            after = self.put(f"fadd {self.type} {before}, {found}")
            self.lines.append(f"store {self.type} {after}, ptr {row}")
        head = f"define internal void @piece{number}({ARGUMENTS}) noinline nounwind {{"
        return "\n".join([head, *(f"  {line}" for line in self.lines), "  ret void", "}"])

    def put(self, instruction: str) -> str:
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"{name} = {instruction}")
        return name

    def row(self, array: str, number: int) -> str:
        return self.put(f"getelementptr {self.type}, ptr {array}, i64 {number}")

    def value(self, place: int, slots: dict[int, int]) -> str:
        """Return the name of what is at a place, loaded if this piece does not have it yet."""
        if place not in self.names:
            kind, *what = self.code.ops[place]
            if kind == CONSTANT:
                return self.constant(what[0])
            if kind == INPUT:
                offset = self.put(f"mul i64 %stride, {what[0]}")
                address = self.put(f"getelementptr double, ptr %x, i64 {offset}")
                self.names[place] = self.put(f"load {self.type}, ptr {address}, align 8")
            elif kind == PARAMETER:
                address = self.put(f"getelementptr double, ptr %p, i64 {what[0]}")
                self.names[place] = self.spread(self.put(f"load double, ptr {address}"))
            else:
                row = self.row("%waiting", slots[place])
                self.names[place] = self.put(f"load {self.type}, ptr {row}")
        return self.names[place]

    def spread(self, scalar: str) -> str:
        """Return a vector of one number in every lane."""
        if self.width == 1:
            return scalar
        first = self.put(f"insertelement {self.type} poison, double {scalar}, i64 0")
        lanes = f"<{self.width} x i32> zeroinitializer"
        return self.put(f"shufflevector {self.type} {first}, {self.type} poison, {lanes}")

    def constant(self, number: float) -> str:
        bits = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if self.width == 1:
            return bits
        return f"<{', '.join([f'double {bits}'] * self.width)}>"

    def operation(self, place: int, slots: dict[int, int]) -> str:
        name, *args = self.code.ops[place]
        v = [self.value(arg, slots) for arg in args]
        if name in SIGNS:
            return self.put(f"{SIGNS[name]} {FLAGS} {self.type} {v[0]}, {v[1]}")
        if name == "neg":
            return self.put(f"fneg {self.type} {v[0]}")
        if name == "above":
            zero, one = self.constant(0.0), self.constant(1.0)
            otherwise = self.choose("uno", v[0], v[0], v[0], zero)  # NaN stays NaN
            return self.choose("ogt", v[0], zero, one, otherwise)
        if name in ("max", "min"):
            return self.extreme("gt" if name == "max" else "lt", *v)
        if name in COMPARISONS:
            return self.choose(COMPARISONS[name], *v)
        if name in INTRINSICS:
            return self.called(f"llvm.{INTRINSICS[name]}.{self.suffix}", v)
        if name == "copysign":
            return self.called(f"llvm.copysign.{self.suffix}", v)
        symbol = self.machine.vector_function(name)
        return self.called(symbol, v) if symbol else self.lane_by_lane(name, v)

    def choose(self, comparison: str, a: str, b: str, x: str, z: str) -> str:
        chosen = self.put(f"fcmp {comparison} {self.type} {a}, {b}")
        return self.put(f"select {self.bits} {chosen}, {self.type} {x}, {self.type} {z}")

    def extreme(self, comparison: str, a: str, b: str) -> str:
        """Return the larger or smaller one; NaN if one is."""
        larger = self.put(f"fcmp o{comparison} {self.type} {a}, {b}")
        odd = self.put(f"fcmp uno {self.type} {a}, {a}")
        first = self.put(f"or {self.bits} {larger}, {odd}")
        return self.put(f"select {self.bits} {first}, {self.type} {a}, {self.type} {b}")

    def called(self, symbol: str, v: Sequence[str], kind: str = "") -> str:
        kind = kind or self.type
        types = ", ".join([kind] * len(v))
        self.declared[symbol] = f"declare {kind} @{symbol}({types}) nounwind"
        given = ", ".join(f"{kind} {x}" for x in v)
        return self.put(f"call {kind} @{symbol}({given})")

    def lane_by_lane(self, name: str, v: Sequence[str]) -> str:
        if self.width == 1:
            return self.called(name, v)
        made = "poison"
        for lane in range(self.width):
            each = [self.put(f"extractelement {self.type} {x}, i64 {lane}") for x in v]
            result = self.called(name, each, "double")
            made = self.put(f"insertelement {self.type} {made}, double {result}, i64 {lane}")
        return made

    # ---- the loop over the batch

    def loop(self, pieces: int, rows: int) -> str:
        calls = [f"  call void @piece{i}({ARGUMENTS})" for i in range(pieces)]
        return "\n".join(
            [
                "define void @run(ptr %columns, ptr %p, ptr %sums, i64 %samples, i64 %stride) {",
                "entry:",
                f"  %waiting = alloca [{rows} x {self.type}], align 64",
                "  br label %loop",
                "loop:",
                "  %i = phi i64 [0, %entry], [%next, %loop]",
                "  %x = getelementptr double, ptr %columns, i64 %i",
                *calls,
                f"  %next = add i64 %i, {self.width}",
                "  %more = icmp slt i64 %next, %samples",
                "  br i1 %more, label %loop, label %done",
                "done:",
                "  ret void",
                "}",
            ]
        )


def suits(code: Code, outputs: Sequence[int]) -> bool:
    """Return whether native code pays: not for one long computation that is run once."""
    return any(op[0] == INPUT for op in code.ops) and code.count(outputs) <= LARGEST


class LlvmBackend:
    """Runs native code: the sums of the outputs over the samples; each sample's by numpy."""

    def __init__(self, code: Code, outputs: Sequence[int], machine: Machine) -> None:
        self.width, self.count = machine.width, len(outputs)
        self.operations = code.count(outputs)
        self.inputs = 1 + max((op[1] for op in code.ops if op[0] == INPUT), default=-1)
        text = Writer(code, outputs, machine).text()
        self.function, self.alive = machine.compiled(text, "run")
        self.each = NumpyBackend(code, outputs).each

    def __str__(self) -> str:
        pieces = -(-self.operations // PIECE)
        size = f"{self.operations} operations in {pieces} pieces"
        return f"native code: {size}, {self.width} samples at once"

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        whole = samples - samples % self.width
        totals = np.zeros(self.count)
        data = np.empty((max(self.inputs, 1), samples + self.width))
        for i, column in enumerate(columns[: self.inputs]):
            data[i, :samples] = column
            data[i, samples:] = column[-1]  # fills the last vector; its lanes are left out below
        numbers = np.ascontiguousarray(parameters, dtype=float)
        for start, end, lanes in ((0, whole, self.width), (whole, samples, samples - whole)):
            if end > start:
                sums = aligned(self.count * self.width)
                self.function(
                    data.ctypes.data + 8 * start, numbers.ctypes.data, sums.ctypes.data,
                    end - start, data.shape[1],
                )  # fmt: skip
                totals += sums.reshape(self.count, self.width)[:, :lanes].sum(axis=1)
        return totals


def aligned(size: int) -> Array:
    """Return zeros that begin where a vector may."""
    spare = np.zeros(size + 8)
    skip = (-spare.ctypes.data % 64) // 8
    return spare[skip : skip + size]
