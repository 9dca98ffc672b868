"""Random straight-line programs, as data: printed as Python, replayed on the numbers of any engine.

What they compute stays in the range where floats are at their best, away from kinks and from the
ends of domains: a gradient that is wrong there is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from micrograd_es.nodes import UNDEFINED
from micrograd_es.primitive import Primitive, elements_of
from micrograd_es.primitives import TABLE

ARITHMETIC = ("add", "sub", "mul")
CONSTANTS = (2.0, 3.0, 0.5, -1.5)  # as operands of the operators
INFIX = {"add", "sub", "mul", "div"}
WRITTEN = {*INFIX, "neg", "power"}  # with signs, not as calls
LARGEST = 1e3  # of a result and of its partials
GO_ON = (False, *[True] * 7)  # asked before each line: hypothesis shrinks by leaving lines out
MARGIN = 0.05  # to a kink, and to the end of a domain
Line = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A straight-line computation, and the point at which it runs.

    point  the numbers of its inputs
    lines  (function, operand, …): a function by its name in the table; an operand is the place of
           an earlier result, an int that counts the inputs first, or a constant, a float

    >>> print(Program((2.0, 3.0), (("mul", 0, 1), ("tanh", 2))))
    from micrograd_es import Value
    from micrograd_es.primitives import tanh
    x0, x1 = Value(2.0), Value(3.0)
    y0 = x0 * x1
    y1 = tanh(y0)
    y1.backward()  # x0.grad, x1.grad
    """

    point: tuple[float, ...]
    lines: tuple[Line, ...]

    def __post_init__(self) -> None:
        if not self.point or not self.lines:
            raise ValueError("a program has at least one input and one line")
        for i, (name, *operands) in enumerate(self.lines, start=len(self.point)):
            wrong = [x for x in operands if type(x) is not float and not 0 <= x < i]
            arity = TABLE[name].arity if name in TABLE else -1
            if wrong or not operands or arity not in (None, len(operands)):
                raise ValueError(
                    f"line {(name, *operands)!r}: expected a function of the table, and as many "
                    f"operands as it has, floats or places from 0 to {i - 1}"
                )

    def run(self, functions: Mapping[str, Callable[..., Any]], inputs: Iterable[Any]) -> Any:
        """Return the last result, of the functions of any engine applied to its values."""
        results = list(inputs)
        for name, *operands in self.lines:
            args = (x if type(x) is float else results[x] for x in operands)
            results.append(functions[name](*args))
        return results[-1]

    def __call__(self, *numbers: float) -> float:
        """Return the last result for other inputs, as a float."""
        return float(self.run(VALUES, numbers))

    def written(self, leaf: Callable[[float], str] = repr) -> list[str]:
        """Return the program as lines of Python, the first of which gives the inputs."""
        names = [f"x{i}" for i in range(len(self.point))]
        numbers = ", ".join(map(leaf, self.point))
        lines = [f"{', '.join(names)} = {numbers}"]
        for i, (name, *operands) in enumerate(self.lines):
            args = [as_operand(x) if type(x) is float else names[x] for x in operands]
            lines.append(f"y{i} = {apply_function(name, args)}")
            names.append(f"y{i}")
        return lines

    def __str__(self) -> str:
        named = {name for name, *_ in self.lines} - WRITTEN - {"abs"}
        head = ["from micrograd_es import Value"]
        if named:
            head.append(f"from micrograd_es.primitives import {', '.join(sorted(named))}")
        slopes = ", ".join(f"x{i}.grad" for i in range(len(self.point)))
        last = f"y{len(self.lines) - 1}.backward()  # {slopes}"
        return "\n".join([*head, *self.written("Value({!r})".format), last])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print, in the report of a test that failed, what a reader can paste into Python."""
        printer.text("\n" + "\n".join(f"    {line}" for line in [*str(self).split("\n"), ""]))


def as_operand(number: float) -> str:
    return repr(number) if number >= 0 else f"({number!r})"


def apply_function(name: str, args: list[str]) -> str:
    """Return a function applied to arguments, as it is written in Python."""
    if name in WRITTEN:
        return TABLE[name].text % tuple(args)
    if name == "dot":
        n = len(args) // 2
        lists = [f"[{', '.join(part)}]" for part in (args[:n], args[n : 2 * n])]
        return f"dot({', '.join([*lists, *args[2 * n :]])})"
    together = ", ".join(args)
    return f"{name}([{together}])" if TABLE[name].gather is elements_of else f"{name}({together})"


class Unfit(ValueError):  # noqa: N818  # the numbers are, nobody erred
    """None of the functions is at ease at the numbers that were drawn."""


VALUES = {name: row.value for name, row in TABLE.items()}


def grow(
    pick: Callable[[Sequence[Any]], Any],
    number: Callable[[], float],
    functions: Sequence[str],
    inputs: int = 3,
    most: int = 8,
    constants: Sequence[float] = CONSTANTS,
) -> Program:
    """Return a program of up to `most` lines; pick chooses one of several, number gives a float.

    With random.Random it is random; with hypothesis it also shrinks. What the last line does not
    need is left out. Unfit if no function is at ease at the numbers drawn: draw again.
    """
    if not functions or inputs < 1:
        raise ValueError("a program has at least one function and one input")
    point = tuple(number() for _ in range(inputs))
    results, lines = list(point), list[Line]()
    for _ in range(most + 8):  # some may not fit
        if len(lines) == most or (lines and not pick(GO_ON)):
            break
        places = range(len(results))[::-1]  # the newest first, to which hypothesis shrinks
        newest = [places[0]] * len(places)  # as likely as all others, lest most lines be unused
        operands = [pick([*newest, *places]), pick([*places, *constants])]
        if type(operands[1]) is float and pick((False, True)):
            operands.reverse()
        fitting = [line for name in functions if (line := fits(name, operands, results))]
        if not fitting:
            continue
        lines.append(pick(fitting))
        results.append(compute(lines[-1], results))
    if not lines:
        raise Unfit(f"{', '.join(functions)} at {point}")
    return needed_lines(point, lines)


def fits(name: str, operands: Sequence[Any], results: Sequence[float]) -> Line | None:
    """Return the line of a function of those operands, or of the first, if it is at ease there."""
    row = TABLE[name]
    line = (name, *operands[: row.arity])
    constant = [type(x) is float for x in line[1:]]
    if any(constant) and (name not in INFIX or all(constant)):
        return None
    args = [x if type(x) is float else results[x] for x in line[1:]]
    return line if is_at_ease(row, args) else None


def is_at_ease(row: Primitive, args: Sequence[float]) -> bool:
    """Return whether value and partials are moderate, and no kink or end of a domain is near."""
    try:
        y = row.value(*args)
        partials = [row.partial(i, y, args) for i in range(len(args))]
        beside = [row.value(*(x + d for x in args)) for d in (-MARGIN, MARGIN)]
    except UNDEFINED:
        return False
    moderate = all(abs(x) <= LARGEST for x in (y, *partials, *beside))  # false for NaN
    return moderate and row.distance_to_kink(args) > MARGIN


def compute(line: Line, results: Sequence[float]) -> float:
    name, *operands = line
    return TABLE[name].value(*(x if type(x) is float else results[x] for x in operands))


def needed_lines(point: tuple[float, ...], lines: Sequence[Line]) -> Program:
    """Return the program of those lines that the last one needs, with new places."""
    size = len(point)
    wanted, place = {size + len(lines) - 1}, {i: i for i in range(size)}
    for i in range(len(lines) - 1, -1, -1):
        if size + i in wanted:
            wanted.update(x for x in lines[i][1:] if type(x) is int)
    kept: list[Line] = []
    for i, (name, *operands) in enumerate(lines, start=size):
        if i in wanted:
            place[i] = size + len(kept)
            kept.append((name, *(x if type(x) is float else place[x] for x in operands)))
    return Program(point, tuple(kept))
