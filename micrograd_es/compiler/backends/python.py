"""A program run sample by sample in plain Python: eager's own arithmetic, to the bit.

It does not run a sample again that gives NaN; that is program.py's decision.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from micrograd_es.compiler.columns import Array
from micrograd_es.compiler.linear import LinearTrace


class PythonBackend:
    """Runs the text that print(program) shows; a sample that raises gives NaN.

    doubting  whether a sample gives NaN too where an operation hides what eager refuses
    """

    def __init__(
        self, linear: LinearTrace, inputs: Sequence[str], slopes: bool, doubting: bool = True
    ) -> None:
        self.function = linear.python_function(inputs, slopes, doubting)
        self.slopes = slopes
        self.outputs = len(linear.outputs) if slopes else 1

    def __str__(self) -> str:
        return "plain Python, sample by sample"

    def each(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the outputs of each sample, a row of each."""
        p = parameters.tolist()
        rows = np.empty((samples, self.outputs))
        for i in range(samples):
            try:
                outputs = self.function(*(float(column[i]) for column in columns), p)
                rows[i] = [outputs[0], *outputs[1]] if self.slopes else outputs
            except (ArithmeticError, ValueError):
                rows[i] = math.nan
        return rows

    def sums(self, columns: Sequence[Array], samples: int, parameters: Array) -> Array:
        """Return the sums of all outputs, added up from the first sample to the last."""
        totals = np.zeros(self.outputs)
        for row in self.each(columns, samples, parameters):
            totals += row
        return totals
