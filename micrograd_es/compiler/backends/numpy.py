"""A plan run by numpy, block by block: few calls, reused buffers, any number of samples."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from micrograd_es.compiler.backends.matrices import ONE, Operand, Plan, Slopes, Step, planned
from micrograd_es.compiler.code import CONSTANT, INPUT, PARAMETER, Code
from micrograd_es.compiler.columns import Array

Call = Callable[[], object]
Rows = slice | NDArray[np.intp]

# fmt: off
FUNCTIONS: dict[str, Callable[..., object]] = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "abs": np.abs, "exp": np.exp, "exp2": np.exp2, "expm1": np.expm1, "log": np.log,
    "log2": np.log2, "log10": np.log10, "log1p": np.log1p, "sqrt": np.sqrt, "cbrt": np.cbrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "asin": np.arcsin, "acos": np.arccos,
    "atan": np.arctan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh,
    "acosh": np.arccosh, "atanh": np.arctanh, "floor": np.floor, "ceil": np.ceil, "round": np.rint,
    "pow": np.power, "atan2": np.arctan2, "hypot": np.hypot, "fmod": np.fmod,
    "copysign": np.copysign, "max": np.maximum, "min": np.minimum,
}
# fmt: on


def above(x: Array, out: Array) -> None:
    np.maximum(np.sign(x, out=out), 0.0, out=out)  # NaN stays NaN


def sech2(x: Array, out: Array) -> None:
    e = np.exp(np.negative(np.abs(x, out=out), out=out), out=out)
    np.divide(e, 1 + e * e, out=out)
    np.multiply(out, out, out=out)
    np.multiply(out, 4.0, out=out)


def product_error(a: Array, b: Array, out: Array) -> None:
    """a·b - fl(a·b), exactly, as jets.product_error."""
    (a1, a2), (b1, b2) = halves(a), halves(b)
    out[...] = ((a1 * b1 - a * b) + a1 * b2 + a2 * b1) + a2 * b2


def halves(a: Array) -> tuple[Array, Array]:
    """Return two numbers of 26 bits whose sum is a."""
    c = 134217729.0 * a  # 2²⁷ + 1
    high = c - (c - a)
    return high, a - high


def difference_error(a: Array, b: Array, out: Array) -> None:
    """a - b - fl(a - b), exactly, as jets.difference."""
    d = a - b
    lowered = d - a
    out[...] = (a - (d - lowered)) - (b + lowered)


def by_element(function: Callable[[float], float]) -> Callable[..., None]:
    """Return a function of floats as one of arrays."""
    over = np.vectorize(function, otypes=[float])

    def apply(x: Array, out: Array) -> None:
        out[...] = over(x)

    return apply


def choosing(compare: Callable[[Array, Array], Array]) -> Callable[..., None]:
    def choose(a: Array, b: Array, x: Array, z: Array, out: Array) -> None:
        out[...] = np.where(compare(a, b), x, z)

    return choose


FUNCTIONS |= {
    "above": above,
    "sech2": sech2,
    "product_error": product_error,
    "difference_error": difference_error,
    "erf": by_element(math.erf),
    "erfc": by_element(math.erfc),
    "if_less": choosing(np.less),
    "if_at_most": choosing(np.less_equal),
    "if_equal": choosing(np.equal),
}


class Runner:
    """The arrays of one size of block, and the calls that fill them: for one thread at a time."""

    def __init__(self, plan: Plan, size: int) -> None:
        self.plan, self.size = plan, size
        ops = plan.code.ops
        leaves = [i for i, op in enumerate(ops) if op[0] in (PARAMETER, CONSTANT)]
        parameters = [(i, op[1]) for i, op in enumerate(ops) if op[0] == PARAMETER]
        self.inputs = [(i, op[1]) for i, op in enumerate(ops) if op[0] == INPUT]
        self.place = {
            "column": numbered([ONE, *leaves], plan.column),
            "block": numbered(
                [ONE, *(i for i, _ in self.inputs), *sorted(plan.lifted)], plan.block
            ),
        }
        self.array = {
            "column": np.ones((len(self.place["column"]), 1)),
            "block": np.ones((len(self.place["block"]), size)),
        }
        for place, number in plan.constants:
            self.array["column"][self.place["column"][place]] = number
        self.lift = [
            self.rows("block", sorted(plan.lifted)),
            self.rows("column", sorted(plan.lifted)),
        ]
        self.parameters = self.rows("column", [place for place, _ in parameters])
        self.taken = consecutive([number for _, number in parameters])
        self.column = [call for step in plan.column for call in self.calls(step)]
        self.block = [call for step in plan.block for call in self.calls(step)]
        self.found = np.empty(sum(len(one) for block in plan.slopes for one in block.slots))
        self.slopes = [*self.slope_calls(plan.slopes)]
        slots = [slot for block in plan.slopes for one in block.slots for slot in one]
        self.order = np.argsort(slots)  # each output is one slot

    def start(self, parameters: Array) -> None:
        """Compute what does not depend on the sample."""
        column = self.array["column"]
        column[self.parameters, 0] = parameters[self.taken]
        for call in self.column:
            call()
        if self.plan.lifted:
            self.array["block"][self.lift[0]] = column[self.lift[1]]

    def fill(self, columns: Sequence[Array]) -> None:
        """Compute a block of samples."""
        block = self.array["block"]
        for place, number in self.inputs:
            block[self.place["block"][place]] = columns[number]
        for call in self.block:
            call()

    def sums(self) -> Array:
        """Return the sums of the outputs over the samples of the block."""
        for call in self.slopes:
            call()
        return self.found[self.order]

    def outputs(self, places: Sequence[int]) -> Array:
        """Return each sample's outputs, a row of each."""
        space = "block" if all(place in self.place["block"] for place in places) else "column"
        return self.array[space][[self.place[space][place] for place in places]].T

    # ---- steps as calls without arguments, on arrays that are there already

    def rows(self, space: str, places: Sequence[int]) -> Rows:
        """Return the rows of places: a slice if they are consecutive, else an array."""
        return consecutive([self.place[space][place] for place in places])

    def reading(self, operand: Operand, whole: bool = False) -> tuple[list[Call], Array]:
        """Return the calls that bring an operand together, and the array in which it then is.

        whole  a row for each place, also where they are all the same, which else is one for all
        """
        if operand.space == "constant":
            return [], operand.what
        array, rows = self.array[operand.space], self.rows(operand.space, operand.what)
        if isinstance(rows, slice):
            return [], array[rows]
        if len({*rows.tolist()}) == 1 and not whole:
            return [], array[rows[0] : rows[0] + 1]  # one row for all
        made = np.empty((len(rows), array.shape[1]))
        return [lambda: np.take(array, rows, axis=0, out=made, mode="clip")], made

    def calls(self, step: Step) -> list[Call]:
        out = self.array[step.space][self.rows(step.space, step.places)]
        if step.name == "products" and not step.operands and len(step.places) == 1:
            return [*self.sum_of_rows(step, out)]
        read = [self.reading(operand, step.name == "matmul") for operand in step.operands]
        calls = [call for before, _ in read for call in before]
        arrays = [array for _, array in read]
        make = {"matmul": self.matmul, "products": self.products}.get(step.name)
        if make is not None:
            calls += make(step, arrays, out)
        else:
            function = FUNCTIONS[step.name]
            calls.append(lambda: function(*arrays, out=out))
        for operand in step.extra:
            before, array = self.reading(operand)
            calls += [*before, partial(np.add, out, array, out=out)]
        return calls

    def matmul(self, step: Step, arrays: list[Array], out: Array) -> list[Call]:
        groups, results, k = step.shape
        left, right = arrays
        weights = left.reshape(results, k)
        if groups == 1:
            return [lambda: np.matmul(weights, right, out=out)]
        if right.shape[1] == 1:  # of one sample: the groups are what there is many of
            samples, sums = right.reshape(groups, k), out.reshape(groups, results)
            return [lambda: np.matmul(samples, weights.T, out=sums)]
        turned, made = right.reshape(groups, k, -1), out.reshape(groups, results, -1)
        return [lambda: np.matmul(weights, turned, out=made)]

    def products(self, step: Step, arrays: list[Array], out: Array) -> list[Call]:
        """Return Σ left · right, a pair at a time."""
        if not arrays:
            return [partial(out.fill, 0.0)]
        first, *others = zip(arrays[::2], arrays[1::2], strict=True)
        spare = np.empty_like(out)
        calls: list[Call] = [partial(np.multiply, *first, out=out)]
        for pair in others:
            calls.append(partial(np.multiply, *pair, out=spare))
            calls.append(partial(np.add, out, spare, out=out))
        return calls

    def sum_of_rows(self, step: Step, out: Array) -> Iterator[Call]:
        """Yield the calls that add up one sum without products: rows in a row take one call."""
        rows = defaultdict[str, list[int]](list)
        yield partial(out.fill, sum(x.what for x in step.extra if x.space == "constant"))
        for operand in step.extra:
            if operand.space != "constant":
                rows[operand.space].append(self.place[operand.space][operand.what[0]])
        spare = np.empty_like(out)
        for space, each in rows.items():
            for first, last in runs(each):
                array = self.array[space][first : last + 1]
                kept = spare if array.shape[1] == out.shape[1] else spare[:, :1]
                yield partial(np.add.reduce, array, axis=0, keepdims=True, out=kept)
                yield partial(np.add, out, kept, out=out)

    def slope_calls(self, blocks: Sequence[Slopes]) -> Iterator[Call]:
        """Yield the calls that compute the outputs, block by block, into `found`."""
        end = 0
        for block in blocks:
            i, j = len(block.left), len(block.right)
            out = self.found[end : end + i * j].reshape(i, j)
            end += i * j
            sides = []
            for side in (block.left, block.right):
                everything = [x for one in side for x in one]
                before, array = self.reading(Operand(block.space, everything), whole=True)
                yield from before
                sides.append(array)
            left, right = sides
            yield partial(outer, left, right, out, 1 if block.space == "block" else self.size)


def outer(left: Array, right: Array, out: Array, times: int) -> None:
    """Set out[i, j] to the sum of left[i] · right[j], so many times."""
    i, j = out.shape
    np.matmul(left.reshape(i, -1), right.reshape(j, -1).T, out=out)
    if times != 1:
        out *= times


def consecutive(rows: Sequence[int]) -> Rows:
    """Return rows as a slice if they are consecutive, else as an array."""
    if rows and list(rows) == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return np.array(rows, dtype=np.intp)


def runs(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return (first, last) of the rows that follow each other; a row that comes twice is two."""
    found: list[tuple[int, int]] = []
    for row in sorted(rows):
        if found and row == found[-1][1] + 1:
            found[-1] = found[-1][0], row
        else:
            found.append((row, row))
    return found


def numbered(first: Sequence[int], steps: Sequence[Step]) -> dict[int, int]:
    """Return the row of each place: what is given first, then the results of each step."""
    places = [*first, *(place for step in steps for place in step.places)]
    return {place: row for row, place in enumerate(places)}


class NumpyBackend:
    """Runs code over columns: the sums of its outputs, or each sample's."""

    def __init__(self, code: Code, outputs: Sequence[int]) -> None:
        self.code, self.outputs = code, outputs
        self.runners: dict[tuple[bool, int], list[Runner]] = {}  # taken out while one runs

    @cached_property
    def summed(self) -> Plan:
        return planned(self.code, self.outputs)

    @cached_property
    def apart(self) -> Plan:
        return planned(self.code, self.outputs, summed=False)

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        totals = np.zeros(len(self.outputs))
        for start, runner in self.blocks(self.summed, samples, parameters):
            runner.fill([column[start : start + runner.size] for column in columns])
            totals = totals + runner.sums()
            self.give_back(runner)
        return totals

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        rows = np.empty((samples, len(self.outputs)))
        for start, runner in self.blocks(self.apart, samples, parameters):
            runner.fill([column[start : start + runner.size] for column in columns])
            rows[start : start + runner.size] = runner.outputs(self.outputs)
            self.give_back(runner)
        return rows

    def blocks(self, plan: Plan, samples: int, parameters: Array) -> Iterator[tuple[int, Runner]]:
        """Yield the first sample of each block, and a runner that knows the parameters."""
        most = plan.block_size
        with np.errstate(all="ignore"):
            for start in range(0, samples, most):
                size = min(most, samples - start)
                spare = self.runners.get((plan is self.summed, size), [])
                try:
                    runner = spare.pop()
                except IndexError:
                    runner = Runner(plan, size)
                runner.start(parameters)
                yield start, runner

    def give_back(self, runner: Runner) -> None:
        """Keep a runner for the next call; those of sizes not met lately are dropped."""
        key = (runner.plan is self.summed, runner.size)
        if key not in self.runners and len(self.runners) > 3:
            self.runners = {}
        self.runners.setdefault(key, []).append(runner)
