"""The basic operations: what every backend can run, and what numpy and C call it.

    BASIC         how many operands each takes
    numpy_name    what numpy, and jax.numpy, call one: asin is arcsin there

All other rows are written in these, in forms.py; how each backend computes them is said there. Most
have the name that they have in Python's math. The others are

    above(x)                1 where x > 0, 0 where it is not, NaN where x is NaN
    product_error(a, b)     a·b - fl(a·b): what the product loses by rounding
    difference_error(a, b)  a - b - fl(a - b): what the difference loses by rounding
    if_less(a, b, x, z)     x where a < b, else z; if_at_most and if_equal likewise
"""

from __future__ import annotations

UNARY = """
    neg abs exp exp2 expm1 log log2 log10 log1p sqrt cbrt sin cos tan asin acos atan sinh cosh tanh
    sech2 asinh acosh atanh erf erfc floor ceil round above
"""
BINARY = """
    add sub mul div pow atan2 hypot fmod copysign max min product_error difference_error
"""
BASIC = {
    **dict.fromkeys(UNARY.split(), 1),
    **dict.fromkeys(BINARY.split(), 2),
    **dict.fromkeys(("if_less", "if_at_most", "if_equal"), 4),
}
RENAMED = {
    "neg": "negative", "sub": "subtract", "mul": "multiply", "div": "divide",
    "round": "rint", "pow": "power", "max": "maximum", "min": "minimum", "asin": "arcsin",
    "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "atan2": "arctan2",
}  # fmt: skip


def numpy_name(name: str) -> str:
    """Return what numpy calls a basic operation; its own name where numpy has none."""
    return RENAMED.get(name, name)
