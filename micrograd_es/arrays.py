"""Where Values meet numpy: np.exp(v), np.float64(2) * v, array * v. It keeps the gradient.

What numpy itself drops is in docs/numpy.md.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

from micrograd_es import primitives as table
from micrograd_es.coercion import as_float
from micrograd_es.primitive import Primitive
from micrograd_es.value import Value

SPELLINGS: dict[str, Primitive] = {  # what numpy calls on the elements of an array of objects
    "absolute": table.abs,
    "fabs": table.abs,
    "rint": table.round,
    "arcsin": table.asin,
    "arccos": table.acos,
    "arctan": table.atan,
    "arctan2": table.atan2,
    "arcsinh": table.asinh,
    "arccosh": table.acosh,
    "arctanh": table.atanh,
}
SAME = """
    exp exp2 expm1 log log2 log10 log1p sqrt cbrt square reciprocal hypot maximum minimum
    sin cos tan sinh cosh tanh sign floor ceil
"""  # the rows that numpy calls as we do


def of_numbers(test: Callable[..., bool]) -> Callable[..., bool]:
    """Return a test of floats as a test of Values and numbers."""
    return lambda *values: test(*(v.data if type(v) is Value else as_float(v) for v in values))


def comparing(compare: Callable[..., object]) -> Callable[..., object]:
    """Return a comparison of Values and numbers; of symbols, in a trace, it gives a condition."""
    return lambda *values: compare(*(v if type(v) is Value else as_float(v) for v in values))


TESTS: dict[str, Callable[..., object]] = {
    "less": comparing(operator.lt),
    "less_equal": comparing(operator.le),
    "equal": comparing(operator.eq),
    "not_equal": comparing(operator.ne),
    "greater": comparing(operator.gt),
    "greater_equal": comparing(operator.ge),
    "isfinite": of_numbers(math.isfinite),
    "isinf": of_numbers(math.isinf),
    "isnan": of_numbers(math.isnan),
}
UFUNCS: dict[str, Callable[..., Any]] = {
    **{name: table.TABLE[name] for name in SAME.split()},
    **SPELLINGS,
    "add": table.add,
    "subtract": table.sub,
    "multiply": table.mul,
    "divide": table.div,
    "true_divide": table.div,
    "mod": table.mod,
    "remainder": table.mod,
    "floor_divide": table.floordiv,
    "power": table.power,
    "float_power": table.power,
    "negative": table.neg,
    "positive": lambda v: v,
    "logaddexp": lambda a, b: table.log_sum_exp([a, b]),
    **TESTS,
}


def array_ufunc(
    v: Value, ufunc: Any, method: str, *inputs: object, out: Any = (None,), **options: object
) -> Any:
    """Answer a function of numpy: by a Value, or by an array of Values if an input is an array.

    numpy calls it in place of its own code wherever a Value is among the inputs (NEP 13).
    """
    import numpy

    if method == "reduce" and ufunc.__name__ in ("add", "multiply", "maximum", "minimum"):
        return v  # np.sum(v): the sum of one
    function = UFUNCS.get(ufunc.__name__)
    if function is None or method != "__call__":
        what = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        raise TypeError(f"np.{what} of a Value: of numpy's functions it knows {', '.join(UFUNCS)}")
    if options:
        raise TypeError(
            f"np.{ufunc.__name__} of a Value takes no {', '.join(options)}: leave it out"
        )
    (target,) = out
    if target is not None and target.dtype != object:
        raise TypeError(
            f"an array of {target.dtype} cannot hold Values: write a = a * v in place of a *= v"
        )
    elements = (numpy.asarray(x, dtype=object) for x in inputs)
    result = numpy.frompyfunc(function, len(inputs), 1)(*elements, out=target)
    return result.astype(bool) if ufunc.__name__ in TESTS and hasattr(result, "astype") else result
