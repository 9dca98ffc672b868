"""Many steps downhill in one call, by a rule of optim: a step of numpy, and a loop of native ones.

Minimization(rule, numbers, run, walk).go(steps, …)    the steps, and the error before each
walker(kernel, machine, rule, …)                  takes native steps as far as they go
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from micrograd_es.compiler.code import INPUT, PARAMETER, Code
from micrograd_es.compiler.llvm.instructions import Instructions, Next
from micrograd_es.compiler.llvm.kernel import KERNEL_ARGS, Kernel
from micrograd_es.compiler.llvm.machine import Machine, Native
from micrograd_es.compiler.terms import Term, m
from micrograd_es.errors import NonFiniteError
from micrograd_es.optim import Optimizer

Array = Any
Formula = Callable[..., tuple[Any, ...]]  # see optim.Optimizer
CHUNK = 10_000  # native steps, after which the keyboard may interrupt
LOOP = (
    f"ptr %totals, {KERNEL_ARGS.replace('%p,', '%now,')}, ptr %next, ptr %settings, ptr %values, "
    "i64 %length, i64 %steps, double %divisor"
)


def first_rows(rule: Optimizer, numbers: Array) -> Array:
    """Return the rows of a descent: the parameters, then what the rule remembers of each."""
    length = -(-len(numbers) // 8) * 8  # whole vectors
    rows = np.tile(np.array([[0.0], *([x] for x in rule.memory)]), length)
    rows[0, : len(numbers)] = numbers
    return rows


def next_rows(rule: Optimizer, rows: Array, gradient: Array) -> Array:
    """Return the rows after a step, made by numpy."""
    slopes = np.zeros(rows.shape[1])
    slopes[: len(gradient)] = gradient
    with np.errstate(all="ignore"):
        return np.array(rule.formula(np, rows[0], slopes, *rows[1:], *rule.settings))


def write_step(
    formula: Formula, write: Instructions, rows: Sequence[str], settings: Sequence[str]
) -> list[str]:
    """Write a rule's formula as instructions over registers, and return its results."""
    code = Code()
    names = dict[int, str]()
    for kind, given in ((INPUT, rows), (PARAMETER, settings)):
        for i, name in enumerate(given):
            names[code.leaf(kind, i)] = name
    results = [one.place for one in formula(m, *(Term(code, place) for place in names))]
    return write.write_code(code, results, names)


class Minimization:
    """Parameters on their way downhill.

    rows    the parameters, and what the rule remembers of each
    values  the error before each step
    run     parameters → (value, gradient), where native code cannot go on, or there is none
    walk    takes native steps, see `walker`; None if there is none
    """

    def __init__(
        self,
        rule: Optimizer,
        numbers: Array,
        run: Callable[[Array], tuple[Any, ...]],
        walk: Callable[[Array, Array], int] | None,
    ) -> None:
        self.rule, self.count = rule, len(numbers)
        self.rows, self.run, self.walk = first_rows(rule, numbers), run, walk
        self.values, self.done = np.empty(0), 0

    @property
    def numbers(self) -> Array:
        return self.rows[0, : self.count]

    def go(
        self, steps: int, every: int | None, progress: Callable[[int, float], Any] | None
    ) -> Array:
        """Take the steps, and return the error before each of them."""
        steps = count("steps", steps)
        if every is None:
            every = -(-steps // 100) if progress else CHUNK
        every = count("every", every)
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
        moved = next_rows(self.rule, self.rows, slopes)
        if not (math.isfinite(value) and np.isfinite(moved).all()):
            raise NonFiniteError(
                f"step {self.done} from the value {self.values[0]}: {why}. The parameters are as "
                f"before it; try a learning rate below {self.rule.lr}"
            )
        self.rows, self.done = moved, self.done + 1


def count(name: str, given: Any) -> int:
    """Return a count of things: a whole number above 0, of whatever integer type."""
    number = operator.index(given) if hasattr(given, "__index__") else 0
    if number < 1:
        raise ValueError(f"{name}={given!r}: expected a whole number above 0")
    return number


def walker(
    kernel: Kernel,
    machine: Machine,
    rule: Optimizer,
    columns: Sequence[Array],
    samples: int,
    divisor: float,
) -> Callable[[Array, Array], int]:
    """Return a function (rows, values) that goes a step for each value, and returns how many.

    It fills the values, the error before each step, and stops before a step from which the error or
    a parameter would not be finite.
    """
    function = native_loop(rule.formula, len(rule.memory), len(rule.names), machine).function(
        "descend", LOOP, "i64"
    )
    workspace, given = kernel.workspace(columns, samples), np.array(rule.settings, dtype=float)
    totals = kernel.native.address("totals")

    def walk(rows: Array, values: Array) -> int:
        other = np.empty_like(rows)
        done = function(
            totals, *workspace.arguments(rows.ctypes.data), other.ctypes.data, given.ctypes.data,
            values.ctypes.data, rows.shape[1], len(values), divisor,
        )  # fmt: skip
        if done % 2:  # steps go to and fro between the two
            rows[...] = other
        return int(done)

    return walk


@cache
def native_loop(formula: Formula, memories: int, settings: int, machine: Machine) -> Native:
    """Return @descend for the formula of a rule: the sums of a program, a step, and again."""
    write = Instructions(machine, machine.width)
    divisor, slopes = write.broadcast("%divisor"), write.address("%out", 1, "double")
    given = [
        write.broadcast(write.load(write.address("%settings", i, "double"), "double"))
        for i in range(settings)
    ]

    def move() -> Next:
        """Move as many parameters as fit a vector."""
        rows = [write.address("%p", "%j", "double"), write.address("%q", "%j", "double")]
        length = write.put("mul i64 %length, 8")
        before, after = ([one] for one in rows)
        for _ in range(memories):
            before.append(write.address(before[-1], length, "i8"))
            after.append(write.address(after[-1], length, "i8"))
        p, *memory = [write.load(row, align=8) for row in before]
        slope = write.load(write.address(slopes, "%j", "double"), align=8)
        moved = write_step(
            formula, write, [p, write.operation("div", [slope, divisor]), *memory], given
        )
        for row, numbers in zip(after, moved, strict=True):
            write.store(numbers, row, align=8)
        odd = "%odd"  # 0, but NaN if anything is not finite
        for number in moved:
            difference = write.put(f"fsub {write.type} {number}, {number}")
            odd = write.put(f"fadd {write.type} {odd}, {difference}")
        following, again = write.count_up("%j", "%length", by=write.width)
        return {"j": following, "odd": odd}, again

    def step() -> Next:
        write.lines.append(f"call void %totals({KERNEL_ARGS})")
        value = write.put(f"fdiv double {write.load('%out', 'double')}, %divisor")
        write.store(value, write.address("%values", "%k", "double"), "double")
        nothing = (write.type, write.constant(0.0))
        moved = write.loop("move", {"j": ("i64", "0"), "odd": nothing}, move)
        odd = write.put(f"fsub double {value}, {value}")  # 0, but NaN of what is not finite
        odd = write.put(f"fadd double {odd}, {write.lane_sum(moved['odd'])}")
        finite = write.put(f"fcmp oeq double {odd}, 0.0")
        one = write.put(f"zext i1 {finite} to i64")
        done = write.put(f"add i64 %k, {one}")
        more = write.put(f"icmp slt i64 {done}, %steps")
        return {"k": done, "p": "%q", "q": "%p"}, write.put(f"and i1 {finite}, {more}")

    start = {"k": ("i64", "0"), "p": ("ptr", "%now"), "q": ("ptr", "%next")}
    write.lines.append(f"ret i64 {write.loop('step', start, step)['k']}")
    text = write.function(f"i64 @descend({LOOP})")
    return machine.compile("\n".join([*write.declared.values(), text]))
