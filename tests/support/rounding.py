"""How far a compiled program may be from the truth: the bound that its own operations give.

Running error analysis (Higham 2002, Accuracy and Stability of Numerical Algorithms, 3.3): every
operation adds what its own rounding may be, and hands on the errors of its arguments, each times
its partial. Additions are counted so that the bound holds in whatever order they are made, fused or
not. To first order, which the margin makes up for.
"""

import math
from dataclasses import dataclass

from micrograd_es import Value
from micrograd_es.compiler.code import CONSTANT, INPUT, PARAMETER
from micrograd_es.jets import difference, product_error
from micrograd_es.primitives import TABLE

UNIT = 2.0**-53
FUNCTION = 16  # units: 8 ulp, what libmvec, numpy and our own polynomials keep
MARGIN = 1.01
TINY = 1e-300  # below it numbers lose digits
CHOICES = {
    "if_less": lambda a, b: a < b, "if_at_most": lambda a, b: a <= b,
    "if_equal": lambda a, b: a == b,
}  # fmt: skip
ROUNDING = {  # what an operation loses, and the size of what it loses it of
    "product_error": lambda a, b: (product_error(a, b), abs(a * b)),
    "difference_error": lambda a, b: (difference(a, b)[1], abs(a) + abs(b)),
}


@dataclass
class Number:
    """A value, what it may be off by, and the sum of what was added up to make it."""

    value: float
    error: float = 0.0
    size: float = 0.0

    def __post_init__(self):
        self.size = self.size or abs(self.value)


def result(name, args):
    """Return an operation's result on numbers that may be off."""
    values, errors = [x.value for x in args], [x.error for x in args]
    if name in ("add", "sub"):
        size = args[0].size + args[1].size
        value = values[0] + values[1] if name == "add" else values[0] - values[1]
        return Number(value, sum(errors) + UNIT * size, size)
    if name in CHOICES:
        a, b, *branches = args
        sure = abs(a.value - b.value) > a.error + b.error or a.error + b.error == 0
        chosen = branches[0 if CHOICES[name](a.value, b.value) else 1]
        return Number(chosen.value, chosen.error if sure else math.inf)
    if name in ("max", "min"):
        chosen = (max if name == "max" else min)(args, key=lambda x: x.value)
        return Number(chosen.value, max(errors))
    if name == "above":
        sure = abs(values[0]) > errors[0] or errors[0] == 0
        return Number(float(values[0] > 0), 0.0 if sure else math.inf)
    if name == "copysign":
        return Number(math.copysign(*values), errors[0])
    if name == "fmod":  # exact, of these numbers
        return Number(math.fmod(*values), errors[0] + abs(values[0] / values[1]) * errors[1])
    if name in ROUNDING:  # of other numbers than these it is another one, of that size
        value, size = ROUNDING[name](*values)
        return Number(value, 2 * UNIT * size if any(errors) else 0.0)
    try:
        made = TABLE["power" if name == "pow" else name](*map(Value, values))
    except (ValueError, ArithmeticError):  # of a branch that is not taken
        return Number(math.nan, math.inf)
    handed_on = sum(abs(d) * e for d, e in zip(made.partials, errors, strict=True) if e)
    units = 1 if name in ("mul", "div", "neg", "abs", "sqrt") else FUNCTION
    return Number(made.data, handed_on + units * UNIT * abs(made.data) + TINY)


def bounds(program, samples, parameters):
    """Return (value, bound) for the sums over the samples: of the value, then of the slopes."""
    code, outputs = program.basic_code
    totals = [Number(0.0, 0.0, TINY) for _ in outputs]
    for sample in samples:
        found = {}
        for place in code.live(outputs):
            name, *args = code.ops[place]
            leaves = {INPUT: sample, PARAMETER: parameters}
            if name in leaves:
                found[place] = Number(leaves[name][args[0]])
            elif name == CONSTANT:
                found[place] = Number(args[0])
            else:
                found[place] = result(name, [found[arg] for arg in args])
        totals = [
            result("add", (total, found[place]))
            for total, place in zip(totals, outputs, strict=True)
        ]
    return [(total.value, MARGIN * total.error) for total in totals]


def farther_off(program, columns):
    """Return what is farther off than its bound, of the value and slopes of a program's sums."""
    assert program.reduce == "sum"
    value, gradient = program.value_and_grad(*columns)
    samples = [*zip(*columns, strict=True)] or [()]
    expected = bounds(program, samples, [p.data for p in program.parameters])
    return [
        f"output {i}: {got!r}, expected {true!r} ± {2 * error:.2g}"
        for i, (got, (true, error)) in enumerate(
            zip([value, *gradient.tolist()], expected, strict=True)
        )
        if not (abs(got - true) <= 2 * error or not math.isfinite(error))
    ]
