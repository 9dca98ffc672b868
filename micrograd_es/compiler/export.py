"""Code as text for other engines: numpy, JAX and C.

    source_text(code, outputs, inputs, language)   in one of the languages of HEADS

The text is a function of one sample, whose inputs may be arrays where the language has them. It is
written in basic operations; Python's own text, in linear.py, is written in rows.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from micrograd_es import jets
from micrograd_es.compiler.basic import numpy_name
from micrograd_es.compiler.code import CONSTANT, INPUT, PARAMETER, Code
from micrograd_es.compiler.linear import INFIX, python_literal

MODULES = {"numpy": "np", "jax": "jnp"}
COMPARISON_SIGNS = {"if_less": "<", "if_at_most": "<=", "if_equal": "=="}
C_NAMES = {"abs": "fabs", "round": "rint", "max": "larger", "min": "smaller"}
DEFINED = {"erf", "erfc", "sech2", "above", "product_error", "difference_error"}  # in the text
HEADS = {
    "numpy": """import math

import numpy as np

erf, erfc = np.vectorize(math.erf, otypes=[float]), np.vectorize(math.erfc, otypes=[float])
""",
    "jax": """import jax
import jax.numpy as jnp
from jax.scipy.special import erf, erfc

jax.config.update("jax_enable_x64", True)
""",
    "c": """#include <math.h>

static double larger(double a, double b) { return a > b || a != a ? a : b; }
static double smaller(double a, double b) { return a < b || a != a ? a : b; }
static double above(double x) { return x > 0 ? 1.0 : x <= 0 ? 0.0 : x; }
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
ARRAY_FUNCTIONS = """

def sech2(x):
    e = M.exp(-M.abs(x))
    return 4 * (e / (1 + e * e)) ** 2


def above(x):
    return M.where(x > 0, 1.0, M.where(x <= 0, 0.0, x))


def difference_error(a, b):
    return difference(a, b)[1]


"""


def source_text(code: Code, outputs: Sequence[int], inputs: Sequence[str], language: str) -> str:
    """Return code as a function value_and_grad(inputs…, p) in one of the languages of HEADS."""
    module = MODULES.get(language)

    def expression(name: str, args: list[int], names: dict[int, str]) -> tuple[str, str]:
        v = [names[arg] for arg in args]
        if name in INFIX:
            return INFIX[name] % tuple(v), ""
        if sign := COMPARISON_SIGNS.get(name):
            choice = "{}.where({} {} {}, {}, {})" if module else "{1} {2} {3} ? {4} : {5}"
            return choice.format(module, v[0], sign, *v[1:]), ""
        own = name if name in DEFINED else f"{module}.{numpy_name(name)}"
        return f"{own if module else C_NAMES.get(name, name)}({', '.join(v)})", ""

    x = (lambda i: inputs[i]) if module else "x[{}]".format
    leaf = {INPUT: x, PARAMETER: "p[{}]".format, CONSTANT: array_literal if module else c_literal}
    lines, names = code.assign(outputs, leaf, expression)
    results = [names[place] for place in outputs]
    if module:
        return array_text(lines, results, inputs, language)
    return c_text(lines, results, inputs)


def array_text(
    lines: Sequence[str], results: Sequence[str], inputs: Sequence[str], language: str
) -> str:
    """Return a function of Python on numpy's or JAX's arrays: (value, slopes)."""
    functions = ARRAY_FUNCTIONS.replace("M.", f"{MODULES[language]}.")
    functions += "\n\n".join(map(inspect.getsource, (jets.product_error, jets.difference)))
    head = f"def value_and_grad({', '.join([*inputs, 'p'])}):"
    value, *slopes = results
    body = [head, *lines, f"return {value}, [{', '.join(slopes)}]"]
    return f"{HEADS[language]}{functions}\n\n" + "\n    ".join(body) + "\n"


def c_text(lines: Sequence[str], results: Sequence[str], inputs: Sequence[str]) -> str:
    """Return a function of C, which fills `out` with the value and then the slopes."""
    comment = f"/* x: {', '.join(inputs) or 'nothing'}; out: the value, then the slopes by p */"
    body = ["void value_and_grad(const double *x, const double *p, double *out) {"]
    body += [f"const double {line};" for line in lines]
    body += [f"out[{i}] = {result};" for i, result in enumerate(results)]
    return f"{HEADS['c']}\n{comment}\n" + "\n    ".join(body) + "\n}\n"


def array_literal(number: float) -> str:
    """Return a float as Python writes it, in parentheses, so that -(-1.0) is not --1.0."""
    return f"({python_literal(number)})"


def c_literal(number: float) -> str:
    """Return a float as C writes it, in parentheses."""
    special = {"inf": "INFINITY", "-inf": "(-INFINITY)", "nan": "NAN"}
    return special.get(repr(number), f"({number!r})")
