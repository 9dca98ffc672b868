"""Code as text for others: numpy, JAX, C. One sample's value and slopes; arrays where arrays are.

Python's own text is that of the rows (linear.py); this one is of basic operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from micrograd_es.compiler.code import CONSTANT, INPUT, LEAVES, PARAMETER, Code

# fmt: off
SIGNS = {"add": "({} + {})", "sub": "({} - {})", "mul": "{} * {}", "div": "{} / {}", "neg": "-{}"}
ARRAYS = {  # as numpy and jax.numpy have them; M is the module
    **SIGNS, "abs": "M.abs({})", "round": "M.rint({})", "pow": "M.power({}, {})",
    "max": "M.maximum({}, {})",
    "min": "M.minimum({}, {})",
    "above": "M.where({0} > 0, 1.0, M.where({0} <= 0, 0.0, {0}))", "asin": "M.arcsin({})",
    "acos": "M.arccos({})", "atan": "M.arctan({})", "asinh": "M.arcsinh({})",
    "acosh": "M.arccosh({})", "atanh": "M.arctanh({})", "atan2": "M.arctan2({}, {})",
    "hypot": "M.hypot({}, {})", "fmod": "M.fmod({}, {})", "copysign": "M.copysign({}, {})",
    "erf": "erf({})", "erfc": "erfc({})", "sech2": "sech2({})",
    "product_error": "product_error({}, {})", "difference_error": "difference_error({}, {})",
    "if_less": "M.where({} < {}, {}, {})", "if_at_most": "M.where({} <= {}, {}, {})",
    "if_equal": "M.where({} == {}, {}, {})",
}
IN_C = {
    **SIGNS, "abs": "fabs({})", "round": "rint({})", "max": "larger({}, {})",
    "min": "smaller({}, {})",
    "above": "({0} > 0 ? 1.0 : {0} <= 0 ? 0.0 : {0})", "if_less": "({} < {} ? {} : {})",
    "if_at_most": "({} <= {} ? {} : {})", "if_equal": "({} == {} ? {} : {})",
    "pow": "pow({}, {})", "atan2": "atan2({}, {})", "hypot": "hypot({}, {})",
    "fmod": "fmod({}, {})", "copysign": "copysign({}, {})",
    "product_error": "product_error({}, {})", "difference_error": "difference_error({}, {})",
}
# fmt: on
ROUNDING = """

def product_error(a, b):  # what a * b loses by rounding (Dekker, 1971)
    c, d = 134217729.0 * a, 134217729.0 * b
    a1, b1 = c - (c - a), d - (d - b)
    a2, b2 = a - a1, b - b1
    return ((a1 * b1 - a * b) + a1 * b2 + a2 * b1) + a2 * b2


def difference_error(a, b):  # what a - b loses by rounding (Knuth, 1969)
    d = a - b
    lowered = d - a
    return (a - (d - lowered)) - (b + lowered)
"""
HEADS = {
    "numpy": """import math

import numpy as np

erf, erfc = np.vectorize(math.erf, otypes=[float]), np.vectorize(math.erfc, otypes=[float])


def sech2(x):
    e = np.exp(-np.abs(x))
    return 4 * (e / (1 + e * e)) ** 2
"""
    + ROUNDING,
    "jax": """import jax
import jax.numpy as jnp
from jax.scipy.special import erf, erfc

jax.config.update("jax_enable_x64", True)


def sech2(x):
    e = jnp.exp(-jnp.abs(x))
    return 4 * (e / (1 + e * e)) ** 2
"""
    + ROUNDING,
    "c": """#include <math.h>

static double larger(double a, double b) { return a > b || a != a ? a : b; }
static double smaller(double a, double b) { return a < b || a != a ? a : b; }
static double sech2(double x) {
    const double e = exp(-fabs(x)), half = e / (1 + e * e);
    return 4 * (half * half);
}
/* what a * b and a - b lose by rounding */
static double product_error(double a, double b) { return fma(a, b, -(a * b)); }
static double difference_error(double a, double b) {
    const double d = a - b, lowered = d - a;
    return (a - (d - lowered)) - (b + lowered);
}
""",
}
MODULES = {"numpy": "np", "jax": "jnp"}


def exported(code: Code, outputs: Sequence[int], inputs: Sequence[str], language: str) -> str:
    """Return code as a function value_and_grad(inputs…, p) in a language of HEADS."""
    in_c = language == "c"
    leaf: dict[str, Callable[..., str]] = {
        INPUT: (lambda i: f"x[{i}]") if in_c else (lambda i: inputs[i]),
        PARAMETER: "p[{}]".format,
        CONSTANT: number_in_c if in_c else number_in_python,
    }
    names: dict[int, str] = {}
    lines: list[str] = []
    for place in code.live(outputs):
        name, *args = code.ops[place]
        if name in LEAVES:
            names[place] = leaf[name](args[0])
            continue
        form = (IN_C if in_c else ARRAYS).get(name)
        call = ("{}" if in_c else "M.{}").format(name) + "({})"
        text = (form or call).format(*(names[arg] for arg in args))
        names[place] = f"v{len(lines)}"
        lines.append(f"v{len(lines)} = {text}")
    results = [names[place] for place in outputs]
    return (c_function if in_c else array_function)(lines, results, inputs, language)


def array_function(
    lines: Sequence[str], results: Sequence[str], inputs: Sequence[str], language: str
) -> str:
    body = [f"    {line}".replace("M.", f"{MODULES[language]}.") for line in lines]
    head = f"def value_and_grad({', '.join([*inputs, 'p'])}):"
    value, *slopes = results
    tail = f"    return {value}, [{', '.join(slopes)}]"
    return "\n".join([HEADS[language], "", head, *body, tail, ""])


def c_function(
    lines: Sequence[str], results: Sequence[str], inputs: Sequence[str], language: str
) -> str:
    told = f"/* x: {', '.join(inputs) or 'nothing'}; out: the value, then the slopes by p */"
    head = "void value_and_grad(const double *x, const double *p, double *out) {"
    body = [f"    const double {line};" for line in lines]
    tail = [f"    out[{i}] = {result};" for i, result in enumerate(results)]
    return "\n".join([HEADS[language], told, head, *body, *tail, "}", ""])


def number_in_python(x: float) -> str:
    return f"({x!r})" if math.isfinite(x) else f'float("{x}")'


def number_in_c(x: float) -> str:
    special = {"inf": "INFINITY", "-inf": "(-INFINITY)", "nan": "NAN"}
    return special.get(repr(x)) or (repr(x) if x >= 0 else f"({x!r})")
