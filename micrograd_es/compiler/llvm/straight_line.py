"""Code as straight-line native instructions, cut into pieces of some hundred operations.

    straight_line_kernel(code, outputs, machine, width)   the kernel

Each piece is a function, so that compiling takes time in proportion to the number of operations;
what one piece computes for a later one waits in a row of an array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code
from micrograd_es.compiler.llvm.instructions import Instructions
from micrograd_es.compiler.llvm.kernel import START_ARGS, VECTOR_ARGS, Kernel, module_text
from micrograd_es.compiler.llvm.machine import Machine

PIECE_LENGTH = 300  # operations


def straight_line_kernel(
    code: Code, outputs: Sequence[int], machine: Machine, width: int
) -> Kernel:
    """Return code as native instructions, `width` samples at once."""
    pieces = Pieces(code, outputs, Instructions(machine, width))
    native = machine.compile(module_text(pieces.write, pieces.functions()))
    count, operations = len(pieces.pieces), code.count(outputs)
    description = f"{operations} operations in {count} pieces, {width} samples at once"
    rows, inputs = pieces.rows, code.input_count()
    return Kernel(native, width, len(outputs), inputs, rows, np.empty(0), description)


class Pieces:
    """The pieces of a code, each a function.

    pieces   the places whose operations each piece computes
    writes   the outputs that each piece adds to the sums, as (number, place)
    waiting  {place: row of the array} for the results that a later piece needs
    names    the values that the piece being written has computed or loaded
    """

    def __init__(self, code: Code, outputs: Sequence[int], write: Instructions) -> None:
        self.code, self.outputs, self.write = code, outputs, write
        body = schedule(code, code.live(outputs))
        self.pieces = [body[i : i + PIECE_LENGTH] for i in range(0, len(body), PIECE_LENGTH)]
        self.piece_of = {place: i for i, piece in enumerate(self.pieces) for place in piece}
        self.writes = self.outputs_by_piece()
        self.waiting = self.waiting_rows()
        self.rows = max(self.waiting.values(), default=0) + 1
        self.names: dict[int, str] = {}

    def outputs_by_piece(self) -> list[list[tuple[int, int]]]:
        """Return the outputs that each piece writes, and append pieces for those left over.

        An output is written where it is computed, unless it is a leaf or that piece writes too many
        already: many parameters may share one slope, and no piece is to be long.
        """
        writes: list[list[tuple[int, int]]] = [[] for _ in self.pieces]
        left_over: list[tuple[int, int]] = []
        for number, place in enumerate(self.outputs):
            piece = self.piece_of.get(place)
            full = piece is None or len(writes[piece]) >= PIECE_LENGTH
            (left_over if full or piece is None else writes[piece]).append((number, place))
        for i in range(0, len(left_over), PIECE_LENGTH):
            self.pieces.append([])
            writes.append(left_over[i : i + PIECE_LENGTH])
        return writes

    def functions(self) -> list[str]:
        """Return the pieces as functions, @vector, which calls all of them, and @start."""
        pieces = [self.piece_function(i, piece) for i, piece in enumerate(self.pieces)]
        calls = [f"call void @piece{i}({VECTOR_ARGS})" for i in range(len(self.pieces))]
        self.write.lines = [*calls, "ret void"]
        vector = self.write.function(f"internal void @vector({VECTOR_ARGS})")
        self.write.lines = ["ret ptr %code"]
        return [*pieces, vector, self.write.function(f"internal ptr @start({START_ARGS})")]

    def waiting_rows(self) -> dict[int, int]:
        """Return the row in which each result waits that a later piece needs.

        A row is free again after the last piece that needs its result.
        """
        last: dict[int, int] = {}  # the last piece that needs a place
        for place, number in self.piece_of.items():
            for arg in self.code.ops[place][1:]:
                last[arg] = max(last.get(arg, 0), number)
        for number, outputs in enumerate(self.writes):
            for _, place in outputs:
                last[place] = max(last.get(place, 0), number)
        rows: dict[int, int] = {}
        free: list[int] = []
        ending: dict[int, list[int]] = defaultdict(list)
        count = 0
        for i, piece in enumerate(self.pieces):
            for place in piece:
                if last.get(place, i) > i:
                    if not free:
                        free.append(count)
                        count += 1
                    rows[place] = free.pop()
                    ending[last[place]].append(rows[place])
            free += ending[i]
        return rows

    def piece_function(self, number: int, places: list[int]) -> str:
        """Return a piece: its operations, then the outputs that it adds to the sums."""
        self.names, write = {}, self.write
        for place in places:
            name, *args = self.code.ops[place]
            self.names[place] = write.operation(name, [self.value(arg) for arg in args])
            if place in self.waiting:
                write.store(self.names[place], write.address("%work", self.waiting[place]))
        for row, place in self.writes[number]:
            result, total = self.value(place), write.address("%sums", row)
            write.store(write.operation("add", [write.load(total), result]), total)
        write.lines.append("ret void")
        return write.function(f"internal void @piece{number}({VECTOR_ARGS}) noinline")

    def value(self, place: int) -> str:
        """Return the value at a place, loaded unless this piece has it already."""
        if place not in self.names:
            self.names[place] = self.load(place)
        return self.names[place]

    def load(self, place: int) -> str:
        """Return the value of a leaf, or of a result that waits in its row."""
        kind, *content = self.code.ops[place]
        write = self.write
        if kind == CONSTANT:
            return write.constant(content[0])
        if kind == INPUT:
            offset = write.put(f"mul i64 %stride, {content[0]}")
            return write.load(write.address("%x", offset, "double"), align=8)
        if kind == PARAMETER:
            return write.broadcast(write.load(write.address("%p", content[0], "double"), "double"))
        return write.load(write.address("%work", self.waiting[place]))


def schedule(code: Code, live: Sequence[int]) -> list[int]:
    """Return the operations in order, sech2(x) right after tanh(x), whose work it shares."""
    slopes = {code.ops[place][1]: place for place in live if code.ops[place][0] == "sech2"}
    order: dict[int, None] = {}
    for place in live:
        name, *args = code.ops[place]
        if name in LEAVES:
            continue
        order[place] = None
        if name == "tanh" and args[0] in slopes:
            order[slopes[args[0]]] = None
    return [*order]
