"""An interpreter in native code, for programs too long to be compiled; it is compiled once.

    interpreter_kernel(code, outputs, machine, width)   the kernel of a program
    interpreter(machine, width)                         the interpreter itself
    Encoder                                             code as the words that it reads

Each operation has a handler: a function that reads its operands from rows of the workspace, stores
the result in another, and jumps to the handler of the next operation, whose address stands in the
code. Sums of products, which is most of a network, take one jump for a whole sum.

Code is words of 32 bits. Two are the address of a handler; then come its operands: numbers, or rows
as the offsets of their first byte. With vectors of four, add of rows 2 and 3 into row 4 is

    address of @add_ (2 words), 128, 64, 96
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

import numpy as np

from micrograd_es.compiler.basic import BASIC
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, Code
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.kernel import START_ARGS, VECTOR_ARGS, Kernel, module_text
from micrograd_es.compiler.llvm.machine import Machine, Native
from micrograd_es.compiler.sums import needs_of, spaces, sums_of_products

PAIRS_AT_ONCE = 4  # products that a sum adds at once, so that none waits for the one before
WORD = 4  # bytes
STATE = "ptr %c, ptr %s, ptr %x, i64 %stride, ptr %sums"  # code, rows, first sample, …
ROW_OF_ZERO, ROW_OF_ONE = 0, 1  # rows that hold these numbers


def handlers(write: Instructions) -> dict[str, str]:
    """Return the handlers as text: of basic operations, leaves, sums, outputs and the end."""
    texts = {name: basic_handler(write, name) for name in sorted(BASIC)}
    texts |= {"sum": sum_handler(write), "end": end_handler(write)}
    texts |= {kind: leaf_handler(write, kind) for kind in sorted(LEAVES)}
    return texts | {"output": output_handler(write)}


def handler(write: Instructions, name: str, size: int) -> str:
    """Return the lines written so far as a handler, which goes on after `size` operands."""
    write_jump(write, write.address("%c", 2 + size, "i32"))
    return write.function(f"tailcc ptr @{name}_({STATE})")


def write_jump(write: Instructions, code: str) -> None:
    """Write the jump to the handler whose address stands at a place of the code."""
    address = write.load(code, "ptr", align=WORD)
    state = STATE.replace("%c", code)
    end = write.put(f"musttail call tailcc ptr {address}({state})")
    write.lines.append(f"ret ptr {end}")


def word(write: Instructions, number: int, base: str = "%c") -> str:
    """Return a word of the code as an integer."""
    bits = write.load(write.address(base, number, "i32"), "i32", align=WORD)
    return write.put(f"zext i32 {bits} to i64")


def row_address(write: Instructions, number: int, base: str = "%c") -> str:
    """Return the address of the row whose offset is a word of the code."""
    return write.address("%s", word(write, number, base), "i8")


def basic_handler(write: Instructions, name: str) -> str:
    """Return the handler of a basic operation: operands result, a, …"""
    v = [write.load(row_address(write, 3 + i)) for i in range(BASIC[name])]
    write.store(write.operation(name, v), row_address(write, 2))
    return handler(write, name, 1 + BASIC[name])


def leaf_handler(write: Instructions, kind: str) -> str:
    """Return the handler of an input, a parameter or a constant: operands result, which."""
    if kind == INPUT:
        offset = write.put(f"mul i64 {word(write, 3)}, %stride")
        write.store(
            write.load(write.address("%x", offset, "double"), align=8), row_address(write, 2)
        )
        return handler(write, kind, 2)
    if kind == CONSTANT:
        address, size = write.address("%c", 3, "i32"), 3
    else:  # @start passes the parameters as %x
        address, size = write.address("%x", word(write, 3), "double"), 2
    write.store(write.broadcast(write.load(address, "double", align=WORD)), row_address(write, 2))
    return handler(write, kind, size)


def output_handler(write: Instructions) -> str:
    """Return the handler that adds a result to a row of the sums: operands sum, result."""
    total = write.address("%sums", word(write, 2), "i8")
    result = write.operation("add", [write.load(total), write.load(row_address(write, 3))])
    write.store(result, total)
    return handler(write, "output", 2)


def end_handler(write: Instructions) -> str:
    """Return the handler that does not go on, but returns the code after it."""
    write.lines = [f"%after = getelementptr i8, ptr %c, i64 {2 * WORD}", "ret ptr %after"]
    return write.function(f"tailcc ptr @end_({STATE})")


def sum_handler(write: Instructions) -> str:
    """Return the handler of first + Σ a·b: operands result, first, how many rounds, a, b, …

    A round adds PAIRS_AT_ONCE products, each to a sum of its own; then the sums are added up.
    """
    first, rounds = write.load(row_address(write, 3)), word(write, 4)
    pairs = write.address("%c", 5, "i32")
    stop = write.address(pairs, write.put(f"mul i64 {rounds}, {2 * PAIRS_AT_ONCE * WORD}"), "i8")
    starts = [first, *[write.constant(0.0)] * (PAIRS_AT_ONCE - 1)]

    def add_pairs() -> Next:
        following = {}
        for i in range(PAIRS_AT_ONCE):
            a, b = (write.load(row_address(write, 2 * i + side, "%pair")) for side in (0, 1))
            following[f"sum{i}"] = write.operation("fma", [a, b, f"%sum{i}"])
        pair = write.address("%pair", 2 * PAIRS_AT_ONCE, "i32")
        return following | {"pair": pair}, write.put(f"icmp ne ptr {pair}, {stop}")

    variables = {f"sum{i}": (write.type, start) for i, start in enumerate(starts)}
    after = write.loop("round", variables | {"pair": ("ptr", pairs)}, add_pairs)
    sums = [after[f"sum{i}"] for i in range(PAIRS_AT_ONCE)]
    while len(sums) > 1:
        pairwise = zip(sums[::2], sums[1::2], strict=True)
        sums = [write.operation("add", pair) for pair in pairwise]
    write.store(sums[0], row_address(write, 2))
    write_jump(write, after["pair"])
    return write.function(f"tailcc ptr @sum_({STATE})")


def entry_function(write: Instructions, head: str, x: str, stride: str, sums: str) -> str:
    """Return a function that calls the first handler, and returns the code after the end."""
    first = write.load("%code", "ptr", align=WORD)
    state = f"ptr %code, ptr %work, ptr {x}, i64 {stride}, ptr {sums}"
    after = write.put(f"call tailcc ptr {first}({state})")
    write.lines.append("ret void" if " void " in head else f"ret ptr {after}")
    return write.function(head)


@cache
def interpreter(machine: Machine, width: int) -> tuple[Native, dict[str, tuple[int, ...]]]:
    """Return the interpreter of vectors of a width, and the words of its handlers' addresses."""
    write = Instructions(machine, width)
    texts = handlers(write)
    start = entry_function(write, f"internal ptr @start({START_ARGS})", "%p", "0", "%p")
    head = f"internal void @vector({VECTOR_ARGS})"
    vector = entry_function(write, head, "%x", "%stride", "%sums")
    native = machine.compile(module_text(write, [*texts.values(), start, vector]))
    words = struct.Struct("=II")
    return native, {
        name: words.unpack(struct.pack("=Q", native.address(f"{name}_"))) for name in texts
    }


def interpreter_kernel(code: Code, outputs: Sequence[int], machine: Machine, width: int) -> Kernel:
    """Return the kernel that interprets code, `width` samples at once."""
    native, addresses = interpreter(machine, width)
    encoder = Encoder(code, outputs, addresses, width)
    description = (
        f"{code.count(outputs)} operations as {encoder.count} of an interpreter, "
        f"{width} sample{'s' * (width > 1)} at once"
    )
    words = np.array(encoder.words, dtype=np.uint32)
    rows, inputs = encoder.rows, code.input_count()
    return Kernel(native, width, len(outputs), inputs, rows, words, description)


class Encoder:
    """The words of a code, and how many rows it needs: a row is used again when nobody reads it.

    What depends on no input comes first, up to an "end"; it runs once a call; its rows are kept.

    row       {place: offset of its row}
    ends      {place: the places whose last reader it is}
    count     how many handlers are called
    """

    def __init__(
        self,
        code: Code,
        outputs: Sequence[int],
        addresses: dict[str, tuple[int, ...]],
        width: int,
    ) -> None:
        self.code, self.addresses, self.unit = code, addresses, 8 * width
        self.words: list[int] = []
        self.count = self.rows = 0
        self.free: list[int] = []
        self.row: dict[int, int] = {}
        live = code.live(outputs)
        self.sums = sums_of_products(code, live, outputs)
        absorbed = {x for terms in self.sums.values() for x in terms.absorbed}
        needs = {x: needs_of(x, code, self.sums) for x in live if x not in absorbed}
        space = spaces(code, live)
        once = [place for place in needs if space[place] == "column"]
        each = [place for place in needs if space[place] != "column"]
        last: dict[int, int] = {}
        for place in (*once, *each):
            last.update(dict.fromkeys(needs[place], place))
        kept = {x for place in each for x in needs[place] if space[x] == "column"}
        self.ends: dict[int, list[int]] = defaultdict(list)
        for place in last.keys() - kept.union(outputs):
            self.ends[last[place]].append(place)
        for number in (0.0, 1.0):  # into ROW_OF_ZERO and ROW_OF_ONE
            self.emit(CONSTANT, self.new_row(), *words_of(number))
        for place in once:
            self.put(place, needs[place])
        self.emit("end")
        for place in each:
            self.put(place, needs[place])
        for number, place in enumerate(outputs):
            self.emit("output", number * self.unit, self.row[place])
        self.emit("end")

    def put(self, place: int, needs: Sequence[int]) -> None:
        """Append an operation, whose result may take the row of an operand that it reads last."""
        name, content = self.code.ops[place][:2]
        operands: Sequence[int] = [self.row[x] for x in needs]
        if place in self.sums:
            name, operands = "sum", self.rounds(operands, len(self.sums[place].rest))
        elif name in LEAVES:
            operands = words_of(content) if name == CONSTANT else (content,)
        self.free += [self.row[x] for x in self.ends.get(place, ())]
        self.row[place] = self.new_row()
        self.emit(name, self.row[place], *operands)

    def rounds(self, operands: Sequence[int], rest: int) -> Sequence[int]:
        """Return the operands of a sum as full rounds; the first `rest` of them are no factors.

        One of those is where the sum starts, others are products with 1; a product 0 · 0 is added
        until the last round is full.
        """
        first = operands[0] if rest else ROW_OF_ZERO * self.unit
        pairs = [*operands[rest:]]
        for other in operands[1:rest]:
            pairs += (other, ROW_OF_ONE * self.unit)
        pairs += [ROW_OF_ZERO * self.unit] * (-len(pairs) % (2 * PAIRS_AT_ONCE))
        return [first, len(pairs) // (2 * PAIRS_AT_ONCE), *pairs]

    def new_row(self) -> int:
        """Return the offset of a free row, or of a new one."""
        if self.free:
            return self.free.pop()
        self.rows += 1
        return (self.rows - 1) * self.unit

    def emit(self, name: str, *operands: int) -> None:
        """Append the address of a handler and its operands."""
        self.count += name not in LEAVES
        self.words += self.addresses[name]
        self.words += operands


def words_of(number: float) -> tuple[int, ...]:
    """Return a double as two words, as they stand in memory."""
    return struct.unpack("=II", struct.pack("=d", number))
