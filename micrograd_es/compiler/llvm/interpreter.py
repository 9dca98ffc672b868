"""An interpreter in native code, for programs too long to be compiled: it is made once for all.

Each operation has a handler: a function that reads its operands from rows of the workspace, stores
the result in another, and jumps to the handler of the next operation, whose address stands in the
code. Sums of products, which is most of a network, take one jump for the whole sum.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Sequence
from functools import cache
from itertools import chain

import numpy as np

from micrograd_es.compiler.backends.matrices import spaces, sums_of_products
from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, Code
from micrograd_es.compiler.forms import BASIC
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.kernel import START, VECTOR, Kernel, module
from micrograd_es.compiler.llvm.machine import Machine, Native

SIZES = {"if_less": 4, "if_at_most": 4, "if_equal": 4} | dict.fromkeys(
    (
        "add", "sub", "mul", "div", "pow", "atan2", "hypot", "fmod", "copysign", "max", "min",
        "product_error", "difference_error",
    ),
    2,
)  # fmt: skip  # how many operands, if not one
AT_ONCE = 4  # products that a sum adds at once, so that none waits for the one before
WORD = 4  # bytes
STATE = "ptr %c, ptr %s, ptr %x, i64 %stride, ptr %sums"  # code, rows, sample, …
ZERO, ONE = 0, 1  # rows that hold these numbers

# Code is words: two are the address of a handler, then come its operands, byte offsets of rows or
# numbers.


def handlers(write: Instructions) -> dict[str, str]:
    """Return the handlers as text."""
    made = {name: basic(write, name) for name in sorted(BASIC)}
    made |= {"sum": sum_of_products(write), "end": end(write)}
    made |= {kind: leaf(write, kind) for kind in sorted(LEAVES)}
    return made | {"output": output(write)}


def handler(write: Instructions, name: str, size: int) -> str:
    """Return what is written as a handler that goes on after so many operands."""
    go_on(write, write.at("%c", 2 + size, "i32"))
    return write.function(f"tailcc ptr @{name}_({STATE})")


def go_on(write: Instructions, after: str) -> None:
    """Write the jump to the handler of the operation that is there."""
    address = write.load(after, "ptr", align=WORD)
    state = STATE.replace("%c", after)
    found = write.put(f"musttail call tailcc ptr {address}({state})")
    write.lines.append(f"ret ptr {found}")


def word(write: Instructions, number: int, base: str = "%c") -> str:
    """Return an operand as a number."""
    found = write.load(write.at(base, number, "i32"), "i32", align=WORD)
    return write.put(f"zext i32 {found} to i64")


def row(write: Instructions, number: int, base: str = "%c") -> str:
    """Return the address of the row that an operand names."""
    return write.at("%s", word(write, number, base), "i8")


def basic(write: Instructions, name: str) -> str:
    size = SIZES.get(name, 1)
    v = [write.load(row(write, 3 + i)) for i in range(size)]
    write.store(write.operation(name, v), row(write, 2))
    return handler(write, name, 1 + size)


def leaf(write: Instructions, kind: str) -> str:
    """Return the handler of an input, a parameter or a constant."""
    if kind == INPUT:
        offset = write.put(f"mul i64 {word(write, 3)}, %stride")
        write.store(write.load(write.at("%x", offset, "double"), align=8), row(write, 2))
        return handler(write, kind, 2)
    if kind == CONSTANT:
        address, size = write.at("%c", 3, "i32"), 3
    else:
        address, size = write.at("%x", word(write, 3), "double"), 2  # at the start, x is p
    write.store(write.spread(write.load(address, "double", align=WORD)), row(write, 2))
    return handler(write, kind, size)


def output(write: Instructions) -> str:
    """Return the handler that adds a result to a row of the sums."""
    total = write.at("%sums", word(write, 2), "i8")
    found = write.operation("add", [write.load(total), write.load(row(write, 3))])
    write.store(found, total)
    return handler(write, "output", 2)


def end(write: Instructions) -> str:
    write.lines = [f"%after = getelementptr i8, ptr %c, i64 {2 * WORD}", "ret ptr %after"]
    return write.function(f"tailcc ptr @end_({STATE})")


def sum_of_products(write: Instructions) -> str:
    """Return the handler of first + Σ a·b: operands result, first, how many rounds, a, b, …"""
    first, rounds = write.load(row(write, 3)), word(write, 4)
    pairs = write.at("%c", 5, "i32")
    stop = write.at(pairs, write.put(f"mul i64 {rounds}, {2 * AT_ONCE * WORD}"), "i8")
    starts = [first, *[write.constant(0.0)] * (AT_ONCE - 1)]

    def add_pairs() -> Next:
        following = {}
        for i in range(AT_ONCE):
            a, b = (write.load(row(write, 2 * i + side, "%pair")) for side in (0, 1))
            following[f"sum{i}"] = write.operation("fma", [a, b, f"%sum{i}"])
        after = write.at("%pair", 2 * AT_ONCE, "i32")
        return following | {"pair": after}, write.put(f"icmp ne ptr {after}, {stop}")

    variables = {f"sum{i}": (write.type, start) for i, start in enumerate(starts)}
    found = write.loop("round", variables | {"pair": ("ptr", pairs)}, add_pairs)
    sums = [found[f"sum{i}"] for i in range(AT_ONCE)]
    while len(sums) > 1:
        pairwise = zip(sums[::2], sums[1::2], strict=True)
        sums = [write.operation("add", pair) for pair in pairwise]
    write.store(sums[0], row(write, 2))
    go_on(write, found["pair"])
    return write.function(f"tailcc ptr @sum_({STATE})")


def run(write: Instructions, head: str, x: str, stride: str, sums: str) -> str:
    """Return a function that runs code until it ends, and returns what comes after."""
    given = f"ptr %code, ptr %work, ptr {x}, i64 {stride}, ptr {sums}"
    first = write.load("%code", "ptr", align=WORD)
    found = write.put(f"call tailcc ptr {first}({given})")
    write.lines.append("ret void" if " void " in head else f"ret ptr {found}")
    return write.function(head)


@cache
def interpreter(machine: Machine, width: int) -> tuple[Native, dict[str, tuple[int, ...]]]:
    """Return the interpreter of vectors of a width, and the words of its handlers' addresses."""
    write = Instructions(machine, width)
    found = handlers(write)
    start = run(write, f"internal ptr @start({START})", "%p", "0", "%p")
    vector = run(write, f"internal void @vector({VECTOR})", "%x", "%stride", "%sums")
    native = machine.compiled(module(write, [*found.values(), start, vector]))
    words = struct.Struct("=II")
    return native, {
        name: words.unpack(struct.pack("=Q", native.address(f"{name}_"))) for name in found
    }


def interpreted(code: Code, outputs: Sequence[int], machine: Machine, width: int) -> Kernel:
    """Return code for the interpreter."""
    native, addresses = interpreter(machine, width)
    made = Encoder(code, outputs, addresses, width)
    return Kernel(
        native=native,
        width=width,
        outputs=len(outputs),
        inputs=1 + max((op[1] for op in code.ops if op[0] == INPUT), default=-1),
        rows=made.rows,
        code=np.array(made.words, dtype=np.uint32),
        told=f"{code.count(outputs)} operations as {made.count} of an interpreter, "
        f"{width} sample{'s' * (width > 1)} at once",
    )


class Encoder:
    """The words of a code, and the rows it needs: a row is used again when its value is done with.

    What depends on no input comes first, up to an "end"; it is run once, and its rows are kept.
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
        self.row: dict[int, int] = {}  # where the row of a place begins, in bytes
        live = code.live(outputs)
        self.sums = sums_of_products(code, live, outputs)
        inside = {x for terms in self.sums.values() for x in terms.swallowed}
        needs = {place: self.needs(place) for place in live if place not in inside}
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
        for known in (0.0, 1.0):  # in the rows ZERO and ONE
            self.emit(CONSTANT, self.new_row(), *words_of(known))
        for place in once:
            self.put(place, needs[place])
        self.emit("end")
        for place in each:
            self.put(place, needs[place])
        for number, place in enumerate(outputs):
            self.emit("output", number * self.unit, self.row[place])
        self.emit("end")

    def needs(self, place: int) -> Sequence[int]:
        if place in self.sums:
            terms = self.sums[place]
            return [*terms.rest, *chain.from_iterable(terms.pairs)]
        name, *args = self.code.ops[place]
        return () if name in LEAVES else args

    def put(self, place: int, needs: Sequence[int]) -> None:
        """Append an operation, whose result may stand where an operand did that is not needed."""
        name, what = self.code.ops[place][:2]
        operands: Sequence[int] = [self.row[x] for x in needs]
        if place in self.sums:
            name, operands = "sum", self.rounds(operands, len(self.sums[place].rest))
        elif name in LEAVES:
            operands = words_of(what) if name == CONSTANT else (what,)
        self.free += [self.row[x] for x in self.ends.get(place, ())]
        self.row[place] = self.new_row()
        self.emit(name, self.row[place], *operands)

    def rounds(self, operands: Sequence[int], rest: int) -> Sequence[int]:
        """Return the operands of a sum, of which some are no products, as full rounds."""
        first = operands[0] if rest else ZERO * self.unit
        pairs = [*operands[rest:]]
        for other in operands[1:rest]:
            pairs += (other, ONE * self.unit)
        pairs += [ZERO * self.unit] * (-len(pairs) % (2 * AT_ONCE))
        return [first, len(pairs) // (2 * AT_ONCE), *pairs]

    def new_row(self) -> int:
        if self.free:
            return self.free.pop()
        self.rows += 1
        return (self.rows - 1) * self.unit

    def emit(self, name: str, *operands: int) -> None:
        self.count += name not in LEAVES
        self.words += self.addresses[name]
        self.words += operands


def words_of(number: float) -> tuple[int, ...]:
    """Return a double as two words, as they stand in memory."""
    return struct.unpack("=II", struct.pack("=d", number))
