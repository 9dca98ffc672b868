"""Basic operations as LLVM's text, on vectors of doubles of one width."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

from micrograd_es.compiler.code import Code
from micrograd_es.compiler.llvm.machine import Machine

FLAGS = "contract nsz"  # a·b + c may be one operation; NaN and infinity are what they are
SIGNS = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
INTRINSICS = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "copysign": "copysign",
    "fma": "fma", "round": "rint",
}  # fmt: skip
SHIFT = 1.5 * 2.0**52  # a number added to it is rounded to a whole one
LN2 = (math.log(2), 2.3190468138462996e-17)  # ln 2 in two parts
LEAST = -708.0  # exp of it is the smallest that is normal
ENTRY = "entry"  # the first block of a function
COMPARISONS = {"if_less": "olt", "if_at_most": "ole", "if_equal": "oeq"}

Start = dict[str, tuple[str, str]]
Next = tuple[dict[str, str], str]


class Instructions:
    """Writes instructions, a line each, and knows what they need to be declared.

    A value is the name of an LLVM register or a literal, of type `type`: a vector, or one double.
    """

    def __init__(self, machine: Machine, width: int) -> None:
        self.machine, self.width = machine, width
        wide = width > 1
        self.type = f"<{width} x double>" if wide else "double"
        self.bits = f"<{width} x i1>" if wide else "i1"
        self.whole = f"<{width} x i64>" if wide else "i64"
        self.suffix = f"v{width}f64" if wide else "f64"
        self.declared: dict[str, str] = {}
        self.lines: list[str] = []
        self.block = ENTRY
        self.count = 0
        self.decays: dict[str, tuple[str, str]] = {}

    def put(self, instruction: str) -> str:
        self.count += 1
        name = f"%v{self.count}"
        self.lines.append(f"{name} = {instruction}")
        return name

    def function(self, head: str) -> str:
        """Return the lines written so far as the body of a function, and begin anew."""
        body, self.lines, self.block, self.decays = self.lines, [], ENTRY, {}
        lines = "\n".join(f"  {line}" for line in body)
        return f"define {head} nounwind {{\n{ENTRY}:\n{lines}\n}}"

    def label(self, name: str) -> None:
        self.block = name
        self.lines.append(f"{name}:")

    def loop(self, name: str, start: Start, body: Callable[[], Next]) -> dict[str, str]:
        """Write body, at least once, and again as long as it says; return the variables after it.

        start  the variables: (type, first value) of each; body returns their next values, and
               whether to go on
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
        """Return the next value of a variable that counts, and whether it is below the end."""
        following = self.put(f"add i64 {variable}, {by}")
        return following, self.put(f"icmp slt i64 {following}, {end}")

    # ---- memory

    def at(self, base: str, number: str | int, kind: str = "") -> str:
        """Return the address of a row of an array."""
        return self.put(f"getelementptr {kind or self.type}, ptr {base}, i64 {number}")

    def load(self, address: str, kind: str = "", align: int = 0) -> str:
        aligned = f", align {align}" * bool(align)
        return self.put(f"load {kind or self.type}, ptr {address}{aligned}")

    def store(self, value: str, address: str, kind: str = "", align: int = 0) -> None:
        aligned = f", align {align}" * bool(align)
        self.lines.append(f"store {kind or self.type} {value}, ptr {address}{aligned}")

    # ---- numbers

    def constant(self, number: float) -> str:
        bits = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
        if self.width == 1:
            return bits
        return f"<{', '.join([f'double {bits}'] * self.width)}>"

    def spread(self, scalar: str) -> str:
        """Return a vector of one number in every lane."""
        if self.width == 1:
            return scalar
        first = self.put(f"insertelement {self.type} poison, double {scalar}, i64 0")
        lanes = f"<{self.width} x i32> zeroinitializer"
        return self.put(f"shufflevector {self.type} {first}, {self.type} poison, {lanes}")

    def lanes_below(self, count: str) -> str:
        """Return which lanes have a number below a count."""
        if self.width == 1:
            return self.put(f"icmp slt i64 0, {count}")
        kind = f"<{self.width} x i64>"
        first = self.put(f"insertelement {kind} poison, i64 {count}, i64 0")
        zeros = f"<{self.width} x i32> zeroinitializer"
        spread = self.put(f"shufflevector {kind} {first}, {kind} poison, {zeros}")
        numbers = ", ".join(f"i64 {lane}" for lane in range(self.width))
        return self.put(f"icmp slt {kind} <{numbers}>, {spread}")

    def sum_of(self, vector: str) -> str:
        """Return the sum of all lanes."""
        if self.width == 1:
            return vector
        name = f"llvm.vector.reduce.fadd.{self.suffix}"
        self.declared[name] = f"declare double @{name}(double, {self.type})"
        return self.put(f"call reassoc double @{name}(double -0.0, {self.type} {vector})")

    # ---- operations

    def code(self, code: Code, outputs: Sequence[int], names: dict[int, str]) -> list[str]:
        """Write what the outputs need, given the names of the leaves; return theirs."""
        for place in code.live(outputs):
            if place in code.numbers:
                names[place] = self.constant(code.numbers[place])
            elif place not in names:
                name, *args = code.ops[place]
                names[place] = self.operation(name, [names[arg] for arg in args])
        return [names[place] for place in outputs]

    def operation(self, name: str, v: Sequence[str]) -> str:
        """Write a basic operation on values, and return its result."""
        if name in SIGNS:
            return self.put(f"{SIGNS[name]} {FLAGS} {self.type} {v[0]}, {v[1]}")
        if name == "neg":
            return self.put(f"fneg {self.type} {v[0]}")
        if name == "product_error":
            product = self.put(f"fmul {self.type} {v[0]}, {v[1]}")  # no FLAGS: it is rounded
            return self.operation("fma", [*v, self.operation("neg", [product])])
        if name == "difference_error":
            return self.difference_error(*v)
        if name == "above":
            zero, one = self.constant(0.0), self.constant(1.0)
            otherwise = self.choose("uno", v[0], v[0], v[0], zero)  # NaN stays NaN
            return self.choose("ogt", v[0], zero, one, otherwise)
        if name in ("max", "min"):
            return self.extreme("gt" if name == "max" else "lt", *v)
        if name in COMPARISONS:
            return self.choose(COMPARISONS[name], *v)
        if name == "tanh":
            return self.operation("copysign", [self.decay(v[0])[0], v[0]])
        if name == "sech2":
            _, half = self.decay(v[0])
            return self.operation("mul", [half, half])
        if name in INTRINSICS:
            return self.called(f"llvm.{INTRINSICS[name]}.{self.suffix}", v)
        symbol = self.machine.vector_function(name, self.width)
        return self.called(symbol, v) if symbol else self.lane_by_lane(name, v)

    def difference_error(self, a: str, b: str) -> str:
        """Return a - b - fl(a - b), exactly, as jets.difference; no FLAGS: all is rounded."""
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
        if x not in self.decays:
            number = self.constant
            less_one, e = self.exponential(self.operation("copysign", [x, number(-1.0)]))
            below = self.operation("fma", [e, e, number(1.0)])
            share = self.operation("div", [number(1.0), below])
            above = self.operation("fma", [less_one, e, less_one])
            half = self.operation("mul", [e, share])
            twice = self.operation("add", [half, half])
            self.decays[x] = self.operation("mul", [above, share]), twice
        return self.decays[x]

    def exponential(self, x: str) -> tuple[str, str]:
        """Return exp(x) - 1 and exp(x) for x ≤ 0, both right where they are small; NaN of NaN.

        x = k·ln 2 + r with |r| ≤ ln(2)/2; exp(r) - 1 by its Taylor polynomial, 2^k by its bits.
        What is below the smallest normal number is as if x were LEAST, whose square is 0.
        """
        number = self.constant
        x = self.choose("olt", x, number(LEAST), number(LEAST), x)
        shifted = self.operation("fma", [x, number(1 / math.log(2)), number(SHIFT)])
        k, r = self.operation("sub", [shifted, number(SHIFT)]), x
        for part in LN2:
            r = self.operation("fma", [k, number(-part), r])
        polynomial = number(1 / math.factorial(13))
        for n in range(12, 1, -1):
            polynomial = self.operation("fma", [polynomial, r, number(1 / math.factorial(n))])
        small = self.operation("fma", [self.operation("mul", [r, r]), polynomial, r])
        bits = self.put(f"bitcast {self.type} {shifted} to {self.whole}")  # the low ones are k
        biased = self.put(f"add {self.whole} {bits}, {self.all(1023)}")
        bits = self.put(f"shl {self.whole} {biased}, {self.all(52)}")
        power = self.put(f"bitcast {self.whole} {bits} to {self.type}")
        less_one = self.operation("sub", [power, number(1.0)])
        less_one = self.operation("fma", [power, small, less_one])
        return less_one, self.operation("fma", [power, small, power])

    def all(self, number: int) -> str:
        """Return a whole number in every lane."""
        return str(number) if self.width == 1 else f"<{', '.join([f'i64 {number}'] * self.width)}>"

    def choose(self, comparison: str, a: str, b: str, x: str, z: str) -> str:
        chosen = self.put(f"fcmp {comparison} {self.type} {a}, {b}")
        return self.select(chosen, x, z)

    def select(self, chosen: str, x: str, z: str) -> str:
        return self.put(f"select {self.bits} {chosen}, {self.type} {x}, {self.type} {z}")

    def extreme(self, comparison: str, a: str, b: str) -> str:
        """Return the larger or smaller one; NaN if one is."""
        larger = self.put(f"fcmp o{comparison} {self.type} {a}, {b}")
        odd = self.put(f"fcmp uno {self.type} {a}, {a}")
        return self.select(self.put(f"or {self.bits} {larger}, {odd}"), a, b)

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
