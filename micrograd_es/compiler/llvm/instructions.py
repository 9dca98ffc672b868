"""LLVM's text, instruction by instruction, on vectors of doubles of one width.

    Instructions.operation(name, values)   a basic operation
    Instructions.write_code(code, …)       all operations of a code
    Instructions.load, .store, .loop, …    memory and control flow
    Instructions.function(head)            what was written so far, as a function

For vectors of four, operation("mul", ["%a", "%b"]) writes

    %v1 = fmul contract nsz <4 x double> %a, %b

and returns "%v1". What the functions do is said in kernel.py, straight_line.py and interpreter.py.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

from micrograd_es.compiler.code import Code
from micrograd_es.compiler.llvm.machine import Machine

FLAGS = "contract nsz"  # a·b + c may be one operation; NaN and infinity are kept
FLOAT_INSTRUCTIONS = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
INTRINSICS = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "copysign": "copysign",
    "fma": "fma", "round": "rint",
}  # fmt: skip
ROUNDER = 1.5 * 2.0**52  # so large that a number added to it is rounded to an integer
LN2_PARTS = (math.log(2), 2.3190468138462996e-17)  # ln 2 to twice the digits, as a sum
LOWEST_EXPONENT = -708.0  # below it exp is no longer a normal number
ENTRY = "entry"  # the first block of a function
ORDERED = {  # comparisons that are false for NaN
    "if_less": "olt", "if_at_most": "ole", "if_equal": "oeq",
}  # fmt: skip

Start = dict[str, tuple[str, str]]  # variables of a loop: {name: (type, first value)}
Next = tuple[dict[str, str], str]  # {name: next value}, and whether the loop goes on


class Instructions:
    """Writes instructions, a line each, and remembers which functions they need declared.

    A value is the name of an LLVM register or a literal, of type `type`: a vector, or one double.

    lines     what was written since the last `function`
    declared  {symbol: declaration}
    tanh_of   {value: what `decay` returned for it}, so that tanh and sech2 of it share the work
    """

    def __init__(self, machine: Machine, width: int) -> None:
        self.machine, self.width = machine, width
        wide = width > 1
        self.type = f"<{width} x double>" if wide else "double"
        self.bits = f"<{width} x i1>" if wide else "i1"
        self.integers = f"<{width} x i64>" if wide else "i64"
        self.suffix = f"v{width}f64" if wide else "f64"
        self.declared: dict[str, str] = {}
        self.lines: list[str] = []
        self.block = ENTRY
        self.count = 0
        self.tanh_of: dict[str, tuple[str, str]] = {}

    def put(self, instruction: str) -> str:
        """Write an instruction, and return the register of its result."""
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"{name} = {instruction}")
        return name

    def function(self, head: str) -> str:
        """Return the lines written so far as a function; what follows is another one's."""
        body, self.lines, self.block, self.tanh_of = self.lines, [], ENTRY, {}
        lines = "\n".join(f"  {line}" for line in body)
        return f"define {head} nounwind {{\n{ENTRY}:\n{lines}\n}}"

    def label(self, name: str) -> None:
        """Begin a block of instructions that can be jumped to."""
        self.block = name
        self.lines.append(f"{name}:")

    def loop(self, name: str, start: Start, body: Callable[[], Next]) -> dict[str, str]:
        """Write a loop that runs body at least once; return its variables after the last time.

        start  the variables and their first values
        body   writes the body, in which a variable i is the register %i, and returns Next
        """
        before = self.block
        self.lines.append(f"br label %{name}")
        self.label(name)
        top = len(self.lines)
        following, again = body()
        self.lines[top:top] = [
            f"%{one} = phi {kind} [{first}, %{before}], [{following[one]}, %{self.block}]"
            for one, (kind, first) in start.items()
        ]
        self.lines.append(f"br i1 {again}, label %{name}, label %after_{name}")
        self.label(f"after_{name}")
        return following

    def count_up(self, variable: str, end: str, by: int = 1) -> tuple[str, str]:
        """Return a counter's next value, and whether it is below the end."""
        following = self.put(f"add i64 {variable}, {by}")
        return following, self.put(f"icmp slt i64 {following}, {end}")

    # ---- memory

    def address(self, base: str, number: str | int, kind: str = "") -> str:
        """Return the address of a numbered element of an array, by default of vectors."""
        return self.put(f"getelementptr {kind or self.type}, ptr {base}, i64 {number}")

    def load(self, address: str, kind: str = "", align: int = 0) -> str:
        """Return what is at an address, by default a vector."""
        aligned = f", align {align}" * bool(align)
        return self.put(f"load {kind or self.type}, ptr {address}{aligned}")

    def store(self, value: str, address: str, kind: str = "", align: int = 0) -> None:
        """Write a value to an address."""
        aligned = f", align {align}" * bool(align)
        self.lines.append(f"store {kind or self.type} {value}, ptr {address}{aligned}")

    # ---- numbers

    def constant(self, number: float) -> str:
        """Return a literal with one number in every lane, by its bits."""
        bits = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if self.width == 1:
            return bits
        return f"<{', '.join([f'double {bits}'] * self.width)}>"

    def broadcast(self, scalar: str, kind: str = "double") -> str:
        """Return a vector with a scalar in every lane."""
        if self.width == 1:
            return scalar
        vector = f"<{self.width} x {kind}>"
        first = self.put(f"insertelement {vector} poison, {kind} {scalar}, i64 0")
        lanes = f"<{self.width} x i32> zeroinitializer"
        return self.put(f"shufflevector {vector} {first}, {vector} poison, {lanes}")

    def lanes_below(self, count: str) -> str:
        """Return the mask of the lanes whose number, from 0, is below a count."""
        if self.width == 1:
            return self.put(f"icmp slt i64 0, {count}")
        numbers = ", ".join(f"i64 {lane}" for lane in range(self.width))
        counts = self.broadcast(count, "i64")
        return self.put(f"icmp slt {self.integers} <{numbers}>, {counts}")

    def lane_sum(self, vector: str) -> str:
        """Return the sum of all lanes."""
        if self.width == 1:
            return vector
        name = f"llvm.vector.reduce.fadd.{self.suffix}"
        self.declared[name] = f"declare double @{name}(double, {self.type})"
        return self.put(f"call reassoc double @{name}(double -0.0, {self.type} {vector})")

    # ---- operations

    def write_code(self, code: Code, outputs: Sequence[int], names: dict[int, str]) -> list[str]:
        """Write the operations that the outputs need, and return the outputs' values.

        names  {place: value} of the inputs and parameters; it receives those of all places
        """
        for place in code.live(outputs):
            if place in code.constants:
                names[place] = self.constant(code.constants[place])
            elif place not in names:
                name, *args = code.ops[place]
                names[place] = self.operation(name, [names[arg] for arg in args])
        return [names[place] for place in outputs]

    def operation(self, name: str, v: Sequence[str]) -> str:
        """Write a basic operation on the values v, and return its result."""
        if name in FLOAT_INSTRUCTIONS:
            return self.put(f"{FLOAT_INSTRUCTIONS[name]} {FLAGS} {self.type} {v[0]}, {v[1]}")
        if name == "neg":
            return self.put(f"fneg {self.type} {v[0]}")
        if name == "product_error":
            product = self.put(f"fmul {self.type} {v[0]}, {v[1]}")  # without FLAGS it is rounded
            return self.operation("fma", [*v, self.operation("neg", [product])])
        if name == "difference_error":
            return self.difference_error(*v)
        if name == "above":
            zero, one = self.constant(0.0), self.constant(1.0)
            otherwise = self.choose("uno", v[0], v[0], v[0], zero)  # NaN stays NaN
            return self.choose("ogt", v[0], zero, one, otherwise)
        if name in ("max", "min"):
            return self.extremum("ogt" if name == "max" else "olt", *v)
        if name in ORDERED:
            return self.choose(ORDERED[name], *v)
        if name == "tanh":
            return self.operation("copysign", [self.decay(v[0])[0], v[0]])
        if name == "sech2":
            _, half = self.decay(v[0])
            return self.operation("mul", [half, half])
        if name in INTRINSICS:
            return self.call(f"llvm.{INTRINSICS[name]}.{self.suffix}", v)
        symbol = self.machine.vector_function(name, self.width)
        return self.call(symbol, v) if symbol else self.call_by_lane(name, v)

    def difference_error(self, a: str, b: str) -> str:
        """Return a - b - fl(a - b), exactly, as jets.difference; FLAGS would change it."""
        d = self.put(f"fsub {self.type} {a}, {b}")
        lowered = self.put(f"fsub {self.type} {d}, {a}")
        before = self.put(f"fsub {self.type} {d}, {lowered}")
        rest = self.put(f"fsub {self.type} {a}, {before}")
        above = self.put(f"fadd {self.type} {b}, {lowered}")
        return self.put(f"fsub {self.type} {rest}, {above}")

    def decay(self, x: str) -> tuple[str, str]:
        """Return tanh(-|x|) and the root of its slope.

        They are (e² - 1)/(e² + 1) and 2e/(e² + 1) with e = exp(-|x|); e² - 1 is written
        (e - 1)·e + (e - 1), which is right for small x too.
        """
        if x not in self.tanh_of:
            number = self.constant
            less_one, e = self.exponential(self.operation("copysign", [x, number(-1.0)]))
            below = self.operation("fma", [e, e, number(1.0)])
            share = self.operation("div", [number(1.0), below])
            above = self.operation("fma", [less_one, e, less_one])
            half = self.operation("mul", [e, share])
            twice = self.operation("add", [half, half])
            self.tanh_of[x] = self.operation("mul", [above, share]), twice
        return self.tanh_of[x]

    def exponential(self, x: str) -> tuple[str, str]:
        """Return exp(x) - 1 and exp(x) for x ≤ 0, both to a few ulp; NaN for NaN.

        x = k·ln 2 + r with |r| ≤ ln(2)/2: exp(r) - 1 by its Taylor polynomial, 2^k by its bits. An
        x below LOWEST_EXPONENT counts as that, because tanh and sech2 need only that exp(x)² is 0.
        """
        number = self.constant
        x = self.choose("olt", x, number(LOWEST_EXPONENT), number(LOWEST_EXPONENT), x)
        shifted = self.operation("fma", [x, number(1 / math.log(2)), number(ROUNDER)])
        k, r = self.operation("sub", [shifted, number(ROUNDER)]), x
        for part in LN2_PARTS:
            r = self.operation("fma", [k, number(-part), r])
        polynomial = number(1 / math.factorial(13))
        for n in range(12, 1, -1):
            polynomial = self.operation("fma", [polynomial, r, number(1 / math.factorial(n))])
        small = self.operation("fma", [self.operation("mul", [r, r]), polynomial, r])
        bits = self.put(f"bitcast {self.type} {shifted} to {self.integers}")  # the low ones are k
        biased = self.put(f"add {self.integers} {bits}, {self.integer(1023)}")
        bits = self.put(f"shl {self.integers} {biased}, {self.integer(52)}")
        power = self.put(f"bitcast {self.integers} {bits} to {self.type}")
        less_one = self.operation("sub", [power, number(1.0)])
        less_one = self.operation("fma", [power, small, less_one])
        return less_one, self.operation("fma", [power, small, power])

    def integer(self, number: int) -> str:
        """Return a literal with one integer in every lane."""
        return str(number) if self.width == 1 else f"<{', '.join([f'i64 {number}'] * self.width)}>"

    def choose(self, comparison: str, a: str, b: str, x: str, z: str) -> str:
        """Return x in the lanes where the comparison of a and b holds, else z."""
        return self.select(self.put(f"fcmp {comparison} {self.type} {a}, {b}"), x, z)

    def select(self, mask: str, x: str, z: str) -> str:
        """Return x in the lanes of a mask, else z."""
        return self.put(f"select {self.bits} {mask}, {self.type} {x}, {self.type} {z}")

    def extremum(self, comparison: str, a: str, b: str) -> str:
        """Return the larger or smaller one; NaN if one is."""
        first = self.put(f"fcmp {comparison} {self.type} {a}, {b}")
        is_nan = self.put(f"fcmp uno {self.type} {a}, {a}")
        return self.select(self.put(f"or {self.bits} {first}, {is_nan}"), a, b)

    def call(self, symbol: str, v: Sequence[str], kind: str = "") -> str:
        """Return symbol(v…), of vectors or of another type; declare it."""
        kind = kind or self.type
        types = ", ".join([kind] * len(v))
        self.declared[symbol] = f"declare {kind} @{symbol}({types}) nounwind"
        arguments = ", ".join(f"{kind} {x}" for x in v)
        return self.put(f"call {kind} @{symbol}({arguments})")

    def call_by_lane(self, name: str, v: Sequence[str]) -> str:
        """Return name(v…), a function of doubles, called for each lane."""
        if self.width == 1:
            return self.call(name, v)
        vector = "poison"
        for lane in range(self.width):
            each = [self.put(f"extractelement {self.type} {x}, i64 {lane}") for x in v]
            result = self.call(name, each, "double")
            vector = self.put(f"insertelement {self.type} {vector}, double {result}, i64 {lane}")
        return vector
