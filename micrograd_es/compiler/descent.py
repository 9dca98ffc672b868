"""Many steps downhill in one call: the rules that move the parameters, and their native loop."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from micrograd_es.compiler.code import INPUT, PARAMETER, Code
from micrograd_es.compiler.forms import Term, m
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.kernel import GIVEN, Kernel
from micrograd_es.compiler.llvm.machine import Machine, Native
from micrograd_es.errors import NonFiniteError

Array = Any
CHUNK = 10_000  # native steps, after which the keyboard may interrupt
LOOP = (
    f"ptr %totals, {GIVEN.replace('%p,', '%now,')}, ptr %next, ptr %settings, ptr %values, "
    "i64 %length, i64 %steps, double %divisor"
)


@dataclass(frozen=True)
class Rule:
    """How a step moves parameters: (functions, p, gradient, *memory, *settings) → (p, *memory).

    The formula is of operators and functions.sqrt, so that it moves arrays and writes instructions.
    memory  what the rule remembers of each parameter, at the start
    """

    formula: Callable[..., tuple[Any, ...]]
    memory: tuple[float, ...] = ()

    def start(self, numbers: Array) -> Array:
        """Return the rows of a descent: the parameters, then what is remembered of each."""
        length = -(-len(numbers) // 8) * 8  # whole vectors
        rows = np.tile(np.array([[0.0], *([x] for x in self.memory)]), length)
        rows[0, : len(numbers)] = numbers
        return rows

    def moved(self, rows: Array, gradient: Array, settings: Sequence[float]) -> Array:
        """Return the rows after a step."""
        slopes = np.zeros(rows.shape[1])
        slopes[: len(gradient)] = gradient
        with np.errstate(all="ignore"):
            return np.array(self.formula(np, rows[0], slopes, *rows[1:], *settings))

    def written(
        self, write: Instructions, rows: Sequence[str], settings: Sequence[str]
    ) -> list[str]:
        """Write the formula over values of registers, and return its results."""
        code = Code()
        names = dict[int, str]()
        for kind, given in ((INPUT, rows), (PARAMETER, settings)):
            for i, name in enumerate(given):
                names[code.leaf(kind, i)] = name
        results = [one.place for one in self.formula(m, *(Term(code, place) for place in names))]
        return write.code(code, results, names)


def adam(
    f: Any, p: Any, g: Any, mean: Any, square: Any, power1: Any, power2: Any,
    lr: Any, beta1: Any, beta2: Any, eps: Any,
) -> tuple[Any, ...]:  # fmt: skip
    """One step of Adam (Kingma & Ba 2015, algorithm 1); power1 and power2 are β₁ᵗ and β₂ᵗ."""
    mean = beta1 * mean + (1 - beta1) * g
    square = beta2 * square + (1 - beta2) * (g * g)
    power1, power2 = power1 * beta1, power2 * beta2
    step = mean / (1 - power1) / (f.sqrt(square / (1 - power2)) + eps)
    return p - lr * step, mean, square, power1, power2


SGD = Rule(lambda f, p, g, lr: (p - lr * g,))
ADAM = Rule(adam, memory=(0.0, 0.0, 1.0, 1.0))


class Descent:
    """Parameters on their way downhill.

    rows    the parameters, and what the rule remembers of each
    values  the error before each step
    run     parameters → (value, gradient), where native code cannot go on, or there is none
    walk    takes native steps, see `walker`; None if there is none
    """

    def __init__(
        self,
        rule: Rule,
        settings: Sequence[float],
        numbers: Array,
        run: Callable[[Array], tuple[Any, ...]],
        walk: Callable[[Array, Array], int] | None,
    ) -> None:
        self.rule, self.settings, self.count = rule, settings, len(numbers)
        self.rows, self.run, self.walk = rule.start(numbers), run, walk
        self.values, self.done = np.empty(0), 0

    @property
    def numbers(self) -> Array:
        return self.rows[0, : self.count]

    def go(
        self, steps: int, every: int | None, progress: Callable[[int, float], Any] | None
    ) -> Array:
        """Take the steps, and return the error before each of them."""
        steps = whole("steps", steps)
        usual = -(-steps // 100) if progress else CHUNK
        every = usual if every is None else whole("every", every)
        self.values = np.empty(steps)
        while self.done < steps:
            end = min(self.done - self.done % every + every, steps)
            if self.walk:
                self.done += self.walk(self.rows, self.values[self.done : end])
            if self.done < end:
                self.step()
            if progress and self.done == end:
                progress(end, float(self.values[end - 1]))
        return self.values

    def step(self) -> None:
        """Take one step in numpy; NonFiniteError if it would lose the parameters."""
        value, slopes, why = math.nan, np.empty(0), "the value or a parameter would not be finite"
        try:
            value, slopes = self.run(self.numbers)
        except (ValueError, ArithmeticError) as error:
            why = str(error)
        self.values[self.done] = value
        moved = self.rule.moved(self.rows, slopes, self.settings)
        if not (math.isfinite(value) and np.isfinite(moved[0]).all()):
            raise NonFiniteError(
                f"step {self.done} from the value {self.values[0]}: {why}. The parameters are as "
                f"before it; try a learning rate below {self.settings[0]}"
            )
        self.rows, self.done = moved, self.done + 1


def whole(name: str, given: Any) -> int:
    """Return a whole number above 0, of whatever integer type."""
    number = operator.index(given) if hasattr(given, "__index__") else 0
    if number < 1:
        raise ValueError(f"{name}={given!r}: expected a whole number above 0")
    return number


def walker(
    kernel: Kernel,
    machine: Machine,
    rule: Rule,
    settings: Sequence[float],
    columns: Sequence[Array],
    samples: int,
    divisor: float,
) -> Callable[[Array, Array], int]:
    """Return a function (rows, values) that goes a step for each value, and returns how many.

    It fills the values, the error before each step, and stops before a step from which the error or
    a parameter would not be finite.
    """
    function = native_loop(rule, len(settings), machine).function("descend", LOOP, "i64")
    space, given = kernel.space(columns, samples), np.array(settings, dtype=float)
    totals = kernel.native.address("totals")

    def walk(rows: Array, values: Array) -> int:
        other = np.empty_like(rows)
        done = function(
            totals, *space.given(rows.ctypes.data), other.ctypes.data, given.ctypes.data,
            values.ctypes.data, rows.shape[1], len(values), divisor,
        )  # fmt: skip
        if done % 2:  # steps go to and fro between the two
            rows[...] = other
        return int(done)

    return walk


@cache
def native_loop(rule: Rule, settings: int, machine: Machine) -> Native:
    """Return @descend for a rule: the sums of a program, a step, and again."""
    write = Instructions(machine, machine.width)
    divisor, slopes = write.spread("%divisor"), write.at("%out", 1, "double")
    given = [
        write.spread(write.load(write.at("%settings", i, "double"), "double"))
        for i in range(settings)
    ]

    def move() -> Next:
        """Move as many parameters as fit a vector."""
        rows = [write.at("%p", "%j", "double"), write.at("%q", "%j", "double")]
        length = write.put("mul i64 %length, 8")
        before, after = ([one] for one in rows)
        for _ in rule.memory:
            before.append(write.at(before[-1], length, "i8"))
            after.append(write.at(after[-1], length, "i8"))
        p, *memory = [write.load(row, align=8) for row in before]
        slope = write.load(write.at(slopes, "%j", "double"), align=8)
        moved = rule.written(write, [p, write.operation("div", [slope, divisor]), *memory], given)
        for row, numbers in zip(after, moved, strict=True):
            write.store(numbers, row, align=8)
        odd = write.put(f"fsub {write.type} {moved[0]}, {moved[0]}")
        odd = write.put(f"fadd {write.type} %odd, {odd}")
        following, again = write.count_up("%j", "%length", by=write.width)
        return {"j": following, "odd": odd}, again

    def step() -> Next:
        write.lines.append(f"call void %totals({GIVEN})")
        value = write.put(f"fdiv double {write.load('%out', 'double')}, %divisor")
        write.store(value, write.at("%values", "%k", "double"), "double")
        nothing = (write.type, write.constant(0.0))
        moved = write.loop("move", {"j": ("i64", "0"), "odd": nothing}, move)
        odd = write.put(f"fsub double {value}, {value}")  # 0, but NaN of what is not finite
        odd = write.put(f"fadd double {odd}, {write.sum_of(moved['odd'])}")
        finite = write.put(f"fcmp oeq double {odd}, 0.0")
        one = write.put(f"zext i1 {finite} to i64")
        done = write.put(f"add i64 %k, {one}")
        more = write.put(f"icmp slt i64 {done}, %steps")
        return {"k": done, "p": "%q", "q": "%p"}, write.put(f"and i1 {finite}, {more}")

    start = {"k": ("i64", "0"), "p": ("ptr", "%now"), "q": ("ptr", "%next")}
    write.lines.append(f"ret i64 {write.loop('step', start, step)['k']}")
    text = write.function(f"i64 @descend({LOOP})")
    return machine.compiled("\n".join([*write.declared.values(), text]))
