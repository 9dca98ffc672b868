"""Code as straight-line native instructions, cut into pieces of some hundred operations.

So the time to compile is linear in its length; what one piece leaves for a later one waits in an
array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code
from micrograd_es.compiler.llvm.instructions import Instructions
from micrograd_es.compiler.llvm.kernel import START, VECTOR, Kernel, module
from micrograd_es.compiler.llvm.machine import Machine

PIECE = 300  # operations


def straight_line(code: Code, outputs: Sequence[int], machine: Machine, width: int) -> Kernel:
    """Return code as native instructions."""
    pieces = Pieces(code, outputs, Instructions(machine, width))
    text = module(pieces.write, pieces.functions())
    operations, count = code.count(outputs), len(pieces.pieces)
    return Kernel(
        native=machine.compiled(text),
        width=width,
        outputs=len(outputs),
        inputs=1 + max((op[1] for op in code.ops if op[0] == INPUT), default=-1),
        rows=pieces.rows,
        code=np.empty(0),
        told=f"{operations} operations in {count} pieces, {width} samples at once",
    )


class Pieces:
    """The pieces of a code, each a function."""

    def __init__(self, code: Code, outputs: Sequence[int], write: Instructions) -> None:
        self.code, self.outputs, self.write = code, outputs, write
        body = together(code, code.live(outputs))
        self.pieces = [body[i : i + PIECE] for i in range(0, len(body), PIECE)]
        self.piece_of = {place: i for i, piece in enumerate(self.pieces) for place in piece}
        self.written = self.pieces_of_outputs()
        self.waiting = self.rows_that_wait()
        self.rows = max(self.waiting.values(), default=0) + 1
        self.names: dict[int, str] = {}

    def pieces_of_outputs(self) -> list[list[tuple[int, int]]]:
        """Return the outputs that each piece writes; pieces more for those of leaves, and too many.

        So no piece is long, and what many parameters share as their slope is written in several.
        """
        written: list[list[tuple[int, int]]] = [[] for _ in self.pieces]
        others: list[tuple[int, int]] = []
        for number, place in enumerate(self.outputs):
            piece = self.piece_of.get(place)
            late = piece is None or len(written[piece]) >= PIECE
            (others if late or piece is None else written[piece]).append((number, place))
        for i in range(0, len(others), PIECE):
            self.pieces.append([])
            written.append(others[i : i + PIECE])
        return written

    def functions(self) -> list[str]:
        made = [self.piece(i, piece) for i, piece in enumerate(self.pieces)]
        self.write.lines = [f"call void @piece{i}({VECTOR})" for i in range(len(self.pieces))]
        self.write.lines.append("ret void")
        vector = self.write.function(f"internal void @vector({VECTOR})")
        self.write.lines = ["ret ptr %code"]
        return [*made, vector, self.write.function(f"internal ptr @start({START})")]

    def rows_that_wait(self) -> dict[int, int]:
        """Return the row of the waiting array for each result that a later piece needs."""
        last: dict[int, int] = {}
        for place, number in self.piece_of.items():
            for arg in self.code.ops[place][1:]:
                last[arg] = max(last.get(arg, 0), number)
        for number, outputs in enumerate(self.written):
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

    def piece(self, number: int, places: list[int]) -> str:
        self.names, write = {}, self.write
        for place in places:
            name, *args = self.code.ops[place]
            self.names[place] = write.operation(name, [self.value(arg) for arg in args])
            if place in self.waiting:
                write.store(self.names[place], write.at("%work", self.waiting[place]))
        for row, place in self.written[number]:
            found, total = self.value(place), write.at("%sums", row)
            write.store(write.operation("add", [write.load(total), found]), total)
        write.lines.append("ret void")
        return write.function(f"internal void @piece{number}({VECTOR}) noinline")

    def value(self, place: int) -> str:
        """Return the name of what is at a place, loaded if this piece does not have it yet."""
        if place not in self.names:
            self.names[place] = self.loaded(place)
        return self.names[place]

    def loaded(self, place: int) -> str:
        kind, *what = self.code.ops[place]
        write = self.write
        if kind == CONSTANT:
            return write.constant(what[0])
        if kind == INPUT:
            offset = write.put(f"mul i64 %stride, {what[0]}")
            return write.load(write.at("%x", offset, "double"), align=8)
        if kind == PARAMETER:
            return write.spread(write.load(write.at("%p", what[0], "double"), "double"))
        return write.load(write.at("%work", self.waiting[place]))


def together(code: Code, live: Sequence[int]) -> list[int]:
    """Return the operations in order, those next to each other that share most of their work."""
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
