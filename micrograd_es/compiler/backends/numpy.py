"""A plan run by numpy, block by block: few calls, arrays that are reused, any number of samples.

    NumpyBackend.sums(columns, samples, parameters)   the outputs, summed over the samples
    NumpyBackend.each(columns, samples, parameters)   each sample's outputs
    NUMPY_FUNCTIONS                                         the basic operations on arrays

What is run is decided in matrices.py.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from micrograd_es.compiler.backends.matrices import (
    ONE,
    ArrayOperation,
    ArrayPlan,
    GradientBlock,
    Operand,
    make_plan,
)
from micrograd_es.compiler.basic import BASIC, numpy_name
from micrograd_es.compiler.code import CONSTANT, INPUT, PARAMETER, Code
from micrograd_es.compiler.columns import Array
from micrograd_es.jets import difference, product_error

Call = Callable[[], object]
Rows = slice | NDArray[np.intp]


def above(x: Array, out: Array) -> None:
    """Set out to 1 where x > 0, else to 0; NaN stays NaN."""
    np.maximum(np.sign(x, out=out), 0.0, out=out)


def sech2(x: Array, out: Array) -> None:
    """Set out to 4·(e/(1 + e²))² with e = exp(-|x|), which does not overflow."""
    e = np.exp(np.negative(np.abs(x, out=out), out=out), out=out)
    np.divide(e, 1 + e * e, out=out)
    np.multiply(out, out, out=out)
    np.multiply(out, 4.0, out=out)


def fill(function: Callable[..., Any]) -> Callable[..., None]:
    """Return a function of arrays as one that fills `out`, as numpy's own do."""

    def apply(*arrays: Array, out: Array) -> None:
        out[...] = function(*arrays)

    return apply


NUMPY_FUNCTIONS: dict[str, Callable[..., object]] = {
    **{name: getattr(np, numpy_name(name)) for name in BASIC if hasattr(np, numpy_name(name))},
    "above": above,
    "sech2": sech2,
    "product_error": fill(product_error),
    "difference_error": fill(lambda a, b: difference(a, b)[1]),
    "erf": fill(np.vectorize(math.erf, otypes=[float])),
    "erfc": fill(np.vectorize(math.erfc, otypes=[float])),
    "if_less": fill(lambda a, b, x, z: np.where(a < b, x, z)),
    "if_at_most": fill(lambda a, b, x, z: np.where(a <= b, x, z)),
    "if_equal": fill(lambda a, b, x, z: np.where(a == b, x, z)),
}


class BlockRunner:
    """The arrays for blocks of one size, and the calls that fill them; for one thread at a time.

    A call takes no arguments: it works on arrays that exist already. `array` has two, the column
    (numbers × 1) and the block (numbers × samples); `row` says in which row of them a place is.
    """

    def __init__(self, plan: ArrayPlan, size: int) -> None:
        self.plan, self.size = plan, size
        ops = plan.code.ops
        leaves = [i for i, op in enumerate(ops) if op[0] in (PARAMETER, CONSTANT)]
        parameters = [i for i in leaves if ops[i][0] == PARAMETER]
        lifted = sorted(plan.lifted)
        self.inputs = [(i, op[1]) for i, op in enumerate(ops) if op[0] == INPUT]
        self.row = {
            "column": row_numbers([ONE, *leaves], plan.column),
            "block": row_numbers([ONE, *(i for i, _ in self.inputs), *lifted], plan.block),
        }
        self.array = {
            "column": np.ones((len(self.row["column"]), 1)),
            "block": np.ones((len(self.row["block"]), size)),
        }
        for place, number in plan.constants:
            self.array["column"][self.row["column"][place]] = number
        self.lift = self.rows("block", lifted), self.rows("column", lifted)
        self.parameters = self.rows("column", parameters)
        self.parameter_numbers = slice_or_indices([ops[i][1] for i in parameters])
        self.column = [call for operation in plan.column for call in self.calls(operation)]
        self.block = [call for operation in plan.block for call in self.calls(operation)]
        slots = [slot for block in plan.slopes for row in block.slots for slot in row]
        self.slot_sums = np.empty(len(slots))
        self.slopes = [*self.slope_calls(plan.slopes)]
        self.order = np.argsort(slots)  # each output is one slot

    def start(self, parameters: Array) -> None:
        """Compute what does not depend on the sample."""
        column = self.array["column"]
        column[self.parameters, 0] = parameters[self.parameter_numbers]
        for call in self.column:
            call()
        if self.plan.lifted:
            self.array["block"][self.lift[0]] = column[self.lift[1]]

    def fill(self, columns: Sequence[Array]) -> None:
        """Compute a block of samples."""
        block = self.array["block"]
        for place, number in self.inputs:
            block[self.row["block"][place]] = columns[number]
        for call in self.block:
            call()

    def sums(self) -> Array:
        """Return the sums of the outputs over the samples of the block."""
        for call in self.slopes:
            call()
        return self.slot_sums[self.order]

    def outputs(self, places: Sequence[int]) -> Array:
        """Return each sample's outputs, a row of each."""
        space = "block" if all(place in self.row["block"] for place in places) else "column"
        return self.array[space][[self.row[space][place] for place in places]].T

    # ---- array operations as calls

    def rows(self, space: str, places: Sequence[int]) -> Rows:
        """Return the rows of places: a slice if they are consecutive, else an array."""
        return slice_or_indices([self.row[space][place] for place in places])

    def read(self, operand: Operand, broadcast: bool = True) -> tuple[list[Call], Array]:
        """Return the calls that gather an operand, and the array in which it is afterwards.

        broadcast  whether one row may stand for many that are all the same
        """
        if operand.space == "constant":
            return [], operand.what
        array, rows = self.array[operand.space], self.rows(operand.space, operand.what)
        if isinstance(rows, slice):
            return [], array[rows]
        if len({*rows.tolist()}) == 1 and broadcast:
            return [], array[rows[0] : rows[0] + 1]
        gathered = np.empty((len(rows), array.shape[1]))
        return [lambda: np.take(array, rows, axis=0, out=gathered, mode="clip")], gathered

    def calls(self, operation: ArrayOperation) -> list[Call]:
        """Return the calls that compute an array operation into its rows."""
        out = self.array[operation.space][self.rows(operation.space, operation.places)]
        name = operation.name
        if name == "products" and not operation.operands and len(operation.places) == 1:
            return [*self.sum_of_rows(operation, out)]
        operands = [self.read(operand, name != "matmul") for operand in operation.operands]
        calls = [call for gather, _ in operands for call in gather]
        arrays = [array for _, array in operands]
        if name == "matmul":
            left, right = arrays
            calls.append(self.matmul(operation, left, right, out))
        elif name == "products":
            calls += self.products(arrays, out)
        else:
            calls.append(partial(NUMPY_FUNCTIONS[name], *arrays, out=out))
        for operand in operation.added:
            gather, array = self.read(operand)
            calls += [*gather, partial(np.add, out, array, out=out)]
        return calls

    def matmul(self, operation: ArrayOperation, left: Array, right: Array, out: Array) -> Call:
        """Return the call of weights (results × k) times the k rows of each group."""
        groups, results, k = operation.shape
        weights = left.reshape(results, k)
        if groups == 1:
            return partial(np.matmul, weights, right, out=out)
        if right.shape[1] == 1:  # one sample: the groups take its part, as rows of one matrix
            out = out.reshape(groups, results)
            return partial(np.matmul, right.reshape(groups, k), weights.T, out=out)
        out = out.reshape(groups, results, -1)
        return partial(np.matmul, weights, right.reshape(groups, k, -1), out=out)

    def products(self, arrays: list[Array], out: Array) -> list[Call]:
        """Return the calls of Σ left · right, a pair at a time."""
        if not arrays:
            return [partial(out.fill, 0.0)]
        first, *others = zip(arrays[::2], arrays[1::2], strict=True)
        spare = np.empty_like(out)
        calls: list[Call] = [partial(np.multiply, *first, out=out)]
        for pair in others:
            calls.append(partial(np.multiply, *pair, out=spare))
            calls.append(partial(np.add, out, spare, out=out))
        return calls

    def sum_of_rows(self, operation: ArrayOperation, out: Array) -> Iterator[Call]:
        """Yield the calls of a sum without products: consecutive rows are added up by one call."""
        rows = defaultdict[str, list[int]](list)
        yield partial(out.fill, sum(x.what for x in operation.added if x.space == "constant"))
        for operand in operation.added:
            if operand.space != "constant":
                rows[operand.space].append(self.row[operand.space][operand.what[0]])
        spare = np.empty_like(out)
        for space, each in rows.items():
            for first, last in consecutive_ranges(each):
                array = self.array[space][first : last + 1]
                partial_sum = spare if array.shape[1] == out.shape[1] else spare[:, :1]
                yield partial(np.add.reduce, array, axis=0, keepdims=True, out=partial_sum)
                yield partial(np.add, out, partial_sum, out=out)

    def slope_calls(self, blocks: Sequence[GradientBlock]) -> Iterator[Call]:
        """Yield the calls that compute the outputs, block by block, into `slot_sums`."""
        end = 0
        for block in blocks:
            i, j = len(block.left), len(block.right)
            out = self.slot_sums[end : end + i * j].reshape(i, j)
            end += i * j
            sides = []
            for side in (block.left, block.right):
                places = [place for terms in side for place in terms]
                gather, array = self.read(Operand(block.space, places), broadcast=False)
                yield from gather
                sides.append(array)
            left, right = sides
            times = 1 if block.space == "block" else self.size
            yield partial(fill_outer, left, right, out, times)


def fill_outer(left: Array, right: Array, out: Array, times: int) -> None:
    """Set out[i, j] to `times` · Σ left[i] · right[j]."""
    i, j = out.shape
    np.matmul(left.reshape(i, -1), right.reshape(j, -1).T, out=out)
    if times != 1:
        out *= times


def slice_or_indices(rows: Sequence[int]) -> Rows:
    """Return rows as a slice if they are consecutive, which numpy reads in place; else an array."""
    if rows and list(rows) == list(range(rows[0], rows[0] + len(rows))):
        return slice(rows[0], rows[0] + len(rows))
    return np.array(rows, dtype=np.intp)


def consecutive_ranges(rows: Iterable[int]) -> list[tuple[int, int]]:
    """Return (first, last) of each range of consecutive rows; a row that comes twice is in two."""
    ranges: list[tuple[int, int]] = []
    for row in sorted(rows):
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1] = ranges[-1][0], row
        else:
            ranges.append((row, row))
    return ranges


def row_numbers(first: Sequence[int], operations: Sequence[ArrayOperation]) -> dict[int, int]:
    """Return {place: row}: those that come first, then the results of each array operation."""
    places = [*first, *(place for operation in operations for place in operation.places)]
    return {place: row for row, place in enumerate(places)}


class NumpyBackend:
    """Runs code over columns of samples, by one plan for sums and another for each sample.

    runners  idle ones, by (whether they sum, size of block); a call takes one out while it runs, so
             that two threads never share arrays
    """

    def __init__(self, code: Code, outputs: Sequence[int]) -> None:
        self.code, self.outputs = code, outputs
        self.runners: dict[tuple[bool, int], list[BlockRunner]] = {}

    @cached_property
    def plan_of_sums(self) -> ArrayPlan:
        """The plan whose outputs are summed over the samples."""
        return make_plan(self.code, self.outputs)

    @cached_property
    def plan_of_each(self) -> ArrayPlan:
        """The plan whose outputs are kept apart."""
        return make_plan(self.code, self.outputs, summed=False)

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs over the samples."""
        totals = np.zeros(len(self.outputs))
        for _, runner in self.blocks(self.plan_of_sums, columns, samples, parameters):
            totals = totals + runner.sums()
        return totals

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        rows = np.empty((samples, len(self.outputs)))
        for start, runner in self.blocks(self.plan_of_each, columns, samples, parameters):
            rows[start : start + runner.size] = runner.outputs(self.outputs)
        return rows

    def blocks(
        self, plan: ArrayPlan, columns: Sequence[Array], samples: int, parameters: Array
    ) -> Iterator[tuple[int, BlockRunner]]:
        """Yield the first sample of each block, and the runner that has computed the block."""
        with np.errstate(all="ignore"):
            for start in range(0, samples, plan.block_size):
                size = min(plan.block_size, samples - start)
                idle = self.runners.get((plan is self.plan_of_sums, size), [])
                try:
                    runner = idle.pop()
                except IndexError:
                    runner = BlockRunner(plan, size)
                runner.start(parameters)
                runner.fill([column[start : start + size] for column in columns])
                yield start, runner
                self.give_back(runner)

    def give_back(self, runner: BlockRunner) -> None:
        """Keep a runner for the next call; where there are many sizes, forget the others."""
        key = (runner.plan is self.plan_of_sums, runner.size)
        if key not in self.runners and len(self.runners) > 3:
            self.runners = {}
        self.runners.setdefault(key, []).append(runner)
