"""Derivatives of high order by Taylor series: right to the last digits, fast, with the errors of
gradients.
"""

import math
import random
from types import SimpleNamespace

import pytest
from flint import arb, ctx

from benchmarks.truth import TRUTH, points
from micrograd_es import (
    DomainError,
    Primitive,
    Value,
    cos,
    derivative,
    detach,
    exp,
    gradient,
    log,
    maximum,
    primitives,
    reciprocal,
    relu,
    sin,
    sqrt,
    tanh,
    total,
)
from micrograd_es.functions import Run
from micrograd_es.primitives import TABLE
from micrograd_es.taylor import ARITHMETIC, System

ORDER = 20
SMOOTH = [
    name
    for name, row in TABLE.items()
    if row.arity == 1 and not row.kinks and name not in ("detach", "identity")
]
OURS, EXACT = SimpleNamespace(**TABLE), SimpleNamespace(**TRUTH)
COMPOSITIONS = {
    "log(1 + e^(x sin x)) / √x": lambda m, x: m.log(1 + m.exp(m.sin(x) * x)) / m.sqrt(x),
    "x^2.5": lambda m, x: m.power(x, x * 0 + 2.5),
    "x^x": lambda m, x: m.power(x, x),
    "2^(-x)": lambda m, x: m.power(x * 0 + 2, -x),
    "tanh(3x - 1)": lambda m, x: m.tanh(3 * x - 1),
    "e^(-x²)": lambda m, x: m.exp(-x * x),
    "1/(1 + x²)": lambda m, x: 1 / (1 + x * x),
    "(x - 1)/(x + 1)": lambda m, x: (x - 1) / (x + 1),
    "sin(1/x)": lambda m, x: m.sin(1 / x),
    "√(1 + √x)": lambda m, x: m.sqrt(1 + m.sqrt(x)),
    "log log(2 + x)": lambda m, x: m.log(m.log(2 + x)),
    "σ(x) σ(-x)": lambda m, x: m.sigmoid(x) * m.sigmoid(-x),
    "gelu(silu(x))": lambda m, x: m.gelu(m.silu(x)),
    "atan2(x, 1 + x)": lambda m, x: m.atan2(x, 1 + x),
    "hypot(x, 3)": lambda m, x: m.hypot(x, x * 0 + 3),
    "‖(x, 2x, 1)‖": lambda m, x: m.norm(x, 2 * x, x * 0 + 1),
    "log Σ e^x": lambda m, x: m.log_sum_exp(x, 2 * x, -x),
    "x·(1 - x)·(2 - x)": lambda m, x: m.prod(x, 1 - x, 2 - x),
    "xlogy(x, 1 + x)": lambda m, x: m.xlogy(x, 1 + x),
    "erf(x)·tan(x/4)": lambda m, x: m.erf(x) * m.tan(x / 4),
}


def exact(f, x):
    """Return the derivative of order 20 in ball arithmetic: the central difference, step 2^-100."""
    ctx.prec = 6000 + ORDER * max(0, -math.frexp(x)[1])
    h = arb(2.0 ** min(math.frexp(x)[1], 0)) * arb(2) ** -100
    nudges = (arb(ORDER) / 2 - k for k in range(ORDER + 1))
    signs = ((-1) ** k * math.comb(ORDER, k) for k in range(ORDER + 1))
    terms = (sign * f(arb(x) + n * h) for sign, n in zip(signs, nudges, strict=True))
    return sum(terms, arb(0)) / h**ORDER


def size_of_terms(f, x):
    """Return what the derivative would be if every number on the way counted as positive."""
    run = Run.of(f, (x,))
    system = System(run.output, run.inputs[0], ORDER)
    series = [[abs(line.data)] + [0.0] * ORDER for line in system.lines]
    series[0][1] = 1.0
    for k in range(1, ORDER + 1):
        for line, c in zip(system.lines, series, strict=True):
            if line.row is None or line.level + k > ORDER:
                continue
            a, b = (series[line.args[i]] for i in (0, -1))
            if line.row not in ARITHMETIC:
                each = (sum(j * series[y][j] * series[p][k - j] for j in range(1, k + 1))
                        for p, y in line.terms)  # fmt: skip
                c[k] = sum(each) / k
            elif line.row is primitives.mul:
                c[k] = sum(a[j] * b[k - j] for j in range(k + 1))
            elif line.row is primitives.div:
                c[k] = (a[k] + sum(c[j] * b[k - j] for j in range(k))) / b[0]
            else:
                c[k] = a[k] + b[k]
    return series[system.output][ORDER] * math.factorial(ORDER)


def check(f, truth, x):
    true = exact(truth, x)
    if not abs(true) < 1e290:
        return
    found, size = derivative(f, ORDER)(x), size_of_terms(f, x)
    ctx.prec = 200
    assert float(abs(arb(found) - true)) <= 1e-12 * size + 1e-290, (x, found, float(true))


@pytest.mark.parametrize("name", SMOOTH)
def test_the_twentieth_derivative_of_every_smooth_row_is_that_of_ball_arithmetic(name):
    for (x,) in points(TABLE[name], 6, random.Random(name)):
        check(TABLE[name], TRUTH[name], x)


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_twentieth_derivative_of_compositions_is_that_of_ball_arithmetic(name):
    f, rng = COMPOSITIONS[name], random.Random(name)
    ours = SimpleNamespace(**vars(OURS))
    for several in ("norm", "log_sum_exp", "prod"):
        setattr(ours, several, lambda *xs, row=TABLE[several]: row(xs))
    for x in (rng.uniform(0.1, 3), rng.uniform(0.1, 3), 10 ** rng.uniform(-2, 0)):
        check(lambda v: f(ours, v), lambda v: f(EXACT, v), x)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: total([sin(x), cos(x), x * x]) / 3,
        lambda x: relu(x) * maximum(x, -1) + abs(x),
        lambda x: detach(x) * x + detach(sqrt(abs(x) - 0.1)) * x,
        lambda x: x - x,
        lambda x: 3.0,
        lambda x: tanh(x) ** 3 - 2 / x,
        lambda x: 0.0 * x + exp(-0.0 * x),
    ],
)
@pytest.mark.parametrize("x", [0.7, -1.3])
def test_derivatives_agree_with_gradients_of_gradients(f, x):
    run = Run.of(f, (x,))
    y = run.output
    for n in range(5):
        assert derivative(f, n)(x) == pytest.approx(y.data, rel=1e-13, abs=1e-13)
        (y,) = gradient(y, run.inputs)


def test_a_row_of_one_s_own_has_derivatives_of_any_order():
    own = Primitive("own", lambda x: math.exp(3 * x), lambda y, x: 3 * y)
    assert derivative(own, ORDER)(0.1) == pytest.approx(3**ORDER * math.exp(0.3), rel=1e-14)
    open_ended = Primitive("log_of", math.log, lambda y, x: exp(-y))
    assert derivative(open_ended, 9)(2.0) == pytest.approx(math.factorial(8) / 2**9, rel=1e-13)


def test_a_value_that_f_uses_is_followed_through_all_orders():
    w = Value(2.0)
    third = derivative(lambda x: exp(w * x), 3)(0.0)
    assert third == 8.0
    assert gradient(third, [w])[0] == 12.0


@pytest.mark.parametrize("n", [2, 5, 20])
@pytest.mark.parametrize(
    ("f", "x", "error", "says"),
    [
        (sqrt, 0.0, DomainError, r"sqrt\(0.0\) has the value 0.0, but no finite slope"),
        (lambda x: sqrt(x) ** 4, 0.0, DomainError, r"sqrt\(0.0\) has the value 0.0"),
        (lambda x: x**1.5, 0.0, DomainError, r"no finite slope|undefined"),
        (lambda x: log(x - 1), 1.0, DomainError, r"log\(0.0\) is undefined"),
    ],
)
def test_where_there_is_no_derivative_the_error_is_that_of_gradients(n, f, x, error, says):
    with pytest.raises(error, match=says):
        derivative(f, n)(x)


@pytest.mark.parametrize(("f", "x"), [(log, 1e-30), (reciprocal, -1e-19), (sqrt, 1e-200)])
def test_a_derivative_beyond_the_largest_float_is_an_error(f, x):
    with pytest.raises(OverflowError, match="too large"):
        derivative(f, ORDER)(x)


def test_the_units_of_the_argument_keep_coefficients_in_range():
    assert derivative(lambda x: x**3 * (1 / x**2), 2)(1e100) == pytest.approx(0.0, abs=1e-115)
    assert derivative(lambda x: x**40 / x**38, 2)(1e-7) == pytest.approx(2.0, rel=1e-12)
    assert derivative(lambda x: exp(700 + x), 20)(9.0) == pytest.approx(math.exp(709.0))


def test_what_is_no_number_stays_none():
    assert math.isnan(derivative(log, 3)(math.nan))
    assert derivative(lambda x: exp(-x), 5)(math.inf) == 0.0
