"""The calculus: one row for each function, and no graph. Derivatives are written here and nowhere else.

The promise is that every partial of a row is right to 4 ulp wherever it is a normal number (4 + n ulp
if one rule serves n arguments). So where the textbook form cancels (1 - y² loses every digit of tanh'
beyond |x| = 19), the slope is a row of its own: its value is the accurate float formula, its partial
again a formula; and derivatives of any order are made of such partials.
"""

# mypy: disable-error-code="has-type"
# because a rule may name rows that are written further down, and looks them up when it is asked.

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

from micrograd_es import floats, jets
from micrograd_es.coercion import Undecided
from micrograd_es.floats import LN2, LOG2E, LOG10E, TWO_BY_SQRT_PI
from micrograd_es.primitive import Primitive, components, elements_of

# ---- the rules of functions of any number of arguments: a partial for each -----------------------


def dot_partials(y: object, *args: object) -> tuple[Any, ...]:
    """Return the x's for the w's, the w's for the x's, and 1 for the bias if there is one."""
    n = len(args) // 2
    return (*args[n : 2 * n], *args[:n], 1) if len(args) % 2 else (*args[n:], *args[:n])


def softmax_first_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    """Return y·(1 - y), with 1 - y as the sum of the others, and -y·other for each of them."""
    _, *others = softmax(xs)
    return (y * total(others), *(-y * other for other in others))


def unit_first_partials(y: Any, *xs: Any) -> tuple[Any, ...]:
    """Return (1 - y²)/length, with 1 - y² as the sum of the others' squares, and -y·other/length."""
    length, (_, *others) = norm(xs), unit(xs)
    over_length = [other / length for other in others]
    # a square before its division by the length would underflow
    first = total([other * over for other, over in zip(others, over_length, strict=True)])
    return (first, *(-y * over for over in over_length))


def dot_args(ws: Iterable[object], xs: Iterable[object], bias: object = None) -> tuple[Any, ...]:
    ws, xs = elements_of(ws), elements_of(xs)
    if len(ws) != len(xs):
        raise ValueError(
            f"dot of {len(ws)} weights and {len(xs)} inputs: give as many of one as of the other"
        )
    return (*ws, *xs) if bias is None else (*ws, *xs, bias)


# ---- the table -----------------------------------------------------------------------------------

# fmt: off
#                           name             value               partials of y by each argument
add           = Primitive("add",           operator.add,       (1, 1),
                          text="%s + %s", latex="%s + %s", group="arithmetic", commutative=True, neutral=0, public=False)
sub           = Primitive("sub",           operator.sub,       (1, -1),
                          text="%s - %s", latex="%s - %s", group="arithmetic", neutral=0, public=False)
mul           = Primitive("mul",           operator.mul,       (lambda y, a, b: b,     lambda y, a, b: a),
                          text="%s * %s", latex=r"%s \cdot %s", group="arithmetic", commutative=True, neutral=1, public=False)
div           = Primitive("div",           operator.truediv,   (lambda y, a, b: 1 / b, lambda y, a, b: -y / b),
                          text="%s / %s", latex=r"\frac{%s}{%s}", domain="b != 0", instead="where(b != 0, lambda: a / b, 0)", group="arithmetic", neutral=1, public=False)
neg           = Primitive("neg",           operator.neg,       -1,
                          text="-%s", latex="-%s", group="arithmetic", public=False)
reciprocal    = Primitive("reciprocal",    lambda x: 1 / x,    lambda y, x: -y / x,
                          latex=r"\frac{1}{%s}", domain="x != 0", instead="where(x != 0, lambda: 1 / x, 0)", group="arithmetic")
mod           = Primitive("mod",           operator.mod,       (1, lambda y, a, b: -floordiv(a, b)),
                          text="%s % %s", latex=r"%s \bmod %s", domain="b != 0", instead="where(b != 0, lambda: a % b, 0)",
                          kinks={0: "jump"}, period=1, switch=operator.truediv, group="arithmetic")
floordiv      = Primitive("floordiv",      operator.floordiv,  (0, 0),
                          text="%s // %s", latex=r"\lfloor{%s / %s}\rfloor", domain="b != 0", instead="where(b != 0, lambda: a // b, 0)",
                          kinks={0: "jump"}, period=1, switch=operator.truediv, group="arithmetic")
square        = Primitive("square",        lambda x: x * x,    lambda y, x: 2 * x,
                          latex="%s^2", group="arithmetic")

# ---- powers, roots, logarithms
power         = Primitive("power",         math.pow,           (lambda y, a, b: power_slope(a, b), lambda y, a, b: power_jet(a, b, 0, 1)),
                          text="%s ** %s", latex="%s^{%s}", domain="a > 0, or whole b (b >= 0 if a = 0)", instead="where(a > 0, lambda: a ** b, 0)")
power_slope   = Primitive("power_slope",   jets.power_slope,   (lambda y, a, b: power_jet(a, b, 2, 0), lambda y, a, b: power_jet(a, b, 1, 1)),
                          title="slope of power", domain=power.domain, group="slope")
power_jet     = Primitive("power_jet",     jets.power_jet,     (lambda y, a, b, k, m: power_jet(a, b, k + 1, m),
                                                                lambda y, a, b, k, m: power_jet(a, b, k, m + 1), 0, 0),
                          title="derivative of power", domain=power.domain, group="slope")
sqrt          = Primitive("sqrt",          math.sqrt,          lambda y, x: 0.5 / y,
                          latex=r"\sqrt{%s}", domain="x >= 0", instead="sqrt(abs(x))")
cbrt          = Primitive("cbrt",          jets.cbrt,          lambda y, x: y / x / 3,
                          latex=r"\sqrt[3]{%s}")
exp           = Primitive("exp",           math.exp,           lambda y, x: y,
                          latex="e^{%s}")
exp2          = Primitive("exp2",          math.exp2,          lambda y, x: y * LN2,
                          latex="2^{%s}")
expm1         = Primitive("expm1",         math.expm1,         lambda y, x: exp(x))
log           = Primitive("log",           math.log,           lambda y, x: 1 / x,
                          domain="x > 0", instead="where(x > 0, lambda: log(x), 0)")
log2          = Primitive("log2",          math.log2,          lambda y, x: LOG2E / x,
                          latex=r"\log_2(%s)", domain="x > 0", instead="where(x > 0, lambda: log2(x), 0)")
log10         = Primitive("log10",         math.log10,         lambda y, x: LOG10E / x,
                          latex=r"\log_{10}(%s)", domain="x > 0", instead="where(x > 0, lambda: log10(x), 0)")
log1p         = Primitive("log1p",         math.log1p,         lambda y, x: 1 / (1 + x),
                          domain="x > -1", instead="where(x > -1, lambda: log1p(x), 0)")

exprel        = Primitive("exprel",        jets.exprel,        lambda y, x: exprel_jet(x, 1))
exprel_jet    = Primitive("exprel_jet",    jets.exprel_jet,    (lambda y, x, n: exprel_jet(x, n + 1), 0),
                          title="derivative of exprel", domain="0 <= n < 1000", group="slope")

# ---- circular and hyperbolic
sin           = Primitive("sin",           math.sin,           lambda y, x: cos(x), group="activation")
cos           = Primitive("cos",           math.cos,           lambda y, x: -sin(x))
tan           = Primitive("tan",           math.tan,           lambda y, x: 1 + y * y)
sinc          = Primitive("sinc",          jets.sinc,          lambda y, x: sinc_jet(x, 1))
sinc_jet      = Primitive("sinc_jet",      jets.sinc_jet,      (lambda y, x, n: sinc_jet(x, n + 1), 0),
                          title="derivative of sinc", domain="0 <= n < 1000", group="slope")
asin          = Primitive("asin",          math.asin,          lambda y, x: asin_slope(x),
                          domain="-1 <= x <= 1", instead="asin(clip(x, -1, 1))")
acos          = Primitive("acos",          math.acos,          lambda y, x: -asin_slope(x),
                          domain="-1 <= x <= 1", instead="acos(clip(x, -1, 1))")
asin_slope    = Primitive("asin_slope",    floats.asin_slope,  lambda y, x: x * y * atanh_slope(x),
                          title="slope of asin", latex=r"\frac{1}{\sqrt{1 - (%s)^2}}", domain="-1 < x < 1", group="slope")
atan          = Primitive("atan",          math.atan,          lambda y, x: lorentzian(x))
lorentzian    = Primitive("lorentzian",    floats.lorentzian,  lambda y, x: -2 * (x * y) * y,
                          title="slope of atan", latex=r"\frac{1}{1 + (%s)^2}", group="slope")
atan2         = Primitive("atan2",         math.atan2,         (lambda y, a, b: atan2_slope(a, b), lambda y, a, b: -atan2_slope(b, a)))
atan2_slope   = Primitive("atan2_slope",   floats.atan2_slope, (lambda y, a, b: -2 * y * atan2_slope(b, a),
                                                                lambda y, a, b: (atan2_slope(b, a) - y) * (atan2_slope(b, a) + y)),
                          title="slope of atan2", domain="a != 0, or b != 0", group="slope")
sinh          = Primitive("sinh",          math.sinh,          lambda y, x: cosh(x))
cosh          = Primitive("cosh",          math.cosh,          lambda y, x: sinh(x))
tanh          = Primitive("tanh",          math.tanh,          lambda y, x: sech2(x), group="activation")
sech2         = Primitive("sech2",         floats.sech2,       lambda y, x: -2 * y * tanh(x),
                          title="slope of tanh", group="slope")
asinh         = Primitive("asinh",         math.asinh,         lambda y, x: 1 / hypot(1, x))
acosh         = Primitive("acosh",         math.acosh,         lambda y, x: 1 / (sqrt(x - 1) * sqrt(x + 1)),
                          domain="x >= 1", instead="acosh(maximum(x, 1))")
atanh         = Primitive("atanh",         math.atanh,         lambda y, x: atanh_slope(x),
                          domain="-1 < x < 1", instead="atanh(clip(x, -0.999, 0.999))")
atanh_slope   = Primitive("atanh_slope",   floats.atanh_slope, lambda y, x: 2 * x * y * y,
                          title="slope of atanh", latex=r"\frac{1}{1 - (%s)^2}", domain="-1 < x < 1", group="slope")

# ---- bells and their sums
erf           = Primitive("erf",           math.erf,           lambda y, x: TWO_BY_SQRT_PI * gauss(x))
erfc          = Primitive("erfc",          math.erfc,          lambda y, x: -TWO_BY_SQRT_PI * gauss(x))
gauss         = Primitive("gauss",         floats.gauss,       lambda y, x: -2 * (x * y),
                          title="slope of erf", latex="e^{-(%s)^2}", group="slope")
normal_cdf    = Primitive("normal_cdf",    floats.normal_cdf,  lambda y, x: normal(x),
                          title="slope of gelu", latex=r"\Phi(%s)", group="slope")
normal        = Primitive("normal",        floats.normal,      lambda y, x: -x * y,
                          title="slope of gelu", latex=r"\varphi(%s)", group="slope")

# ---- for learning machines
sigmoid       = Primitive("sigmoid",       floats.sigmoid,     lambda y, x: logistic(x),
                          latex=r"\sigma(%s)", group="activation")
logistic      = Primitive("logistic",      floats.logistic,    lambda y, x: -y * tanh(x / 2),
                          title="slope of sigmoid", latex=r"\sigma'(%s)", group="slope")
log_sigmoid   = Primitive("log_sigmoid",   floats.log_sigmoid, lambda y, x: sigmoid(-x), group="activation")
softplus      = Primitive("softplus",      floats.softplus,    lambda y, x: sigmoid(x), group="activation")
silu          = Primitive("silu",          floats.silu,        lambda y, x: sigmoid(x) + y * sigmoid(-x), group="activation")
gelu          = Primitive("gelu",          floats.gelu,        lambda y, x: normal_cdf(x) + x * normal(x), group="activation")
relu          = Primitive("relu",          floats.relu,        lambda y, x: step(x),
                          kinks={0: "left"}, group="activation")
leaky_relu    = Primitive("leaky_relu",    floats.leaky_relu,  (lambda y, x, slope: step(x) + (1 - step(x)) * slope,
                                                                lambda y, x, slope: (1 - step(x)) * minimum(x, 1)),
                          kinks={0: "left"}, gather=lambda x, slope=0.01: (x, slope), group="activation")
elu           = Primitive("elu",           floats.elu,         (lambda y, x, alpha: step(x) + (1 - step(x)) * alpha * exp(minimum(x, 1)),
                                                                lambda y, x, alpha: (1 - step(x)) * expm1(minimum(x, 1))),
                          kinks={0: "left"}, gather=lambda x, alpha=1.0: (x, alpha), group="activation")
hard_tanh     = Primitive("hard_tanh",     floats.hard_tanh,   lambda y, x: step(1 - abs(x)),
                          kinks={-1: "left", 1: "right"}, group="activation")
xlogy         = Primitive("xlogy",         floats.xlogy,       (lambda y, a, b: log(b), lambda y, a, b: quotient(a, b)),
                          latex=r"%s \cdot \log(%s)", domain="b > 0, or a = 0", instead="where(b > 0, lambda: xlogy(a, b), 0)")
quotient      = Primitive("quotient",      floats.quotient,    (lambda y, a, b: 1 / b, lambda y, a, b: -y / b),
                          title="slope of xlogy", latex=r"\frac{%s}{%s}", domain="b != 0, or a = 0", group="slope")

# ---- choices: flat almost everywhere, or made of flat pieces
abs           = Primitive("abs",           math.fabs,          lambda y, x: sign(x),
                          text="|%s|", latex=r"\lvert{%s}\rvert", kinks={0: "mean"}, group="choice")
sign          = Primitive("sign",          floats.sign,        0, kinks={0: "jump"}, group="choice")
step          = Primitive("step",          floats.step,        0, kinks={0: "jump"}, group="choice")
floor         = Primitive("floor",         floats.floor,       0,
                          latex=r"\lfloor %s \rfloor", kinks={0: "jump"}, period=1, group="choice")
ceil          = Primitive("ceil",          floats.ceil,        0,
                          latex=r"\lceil %s \rceil", kinks={0: "jump"}, period=1, group="choice")
round         = Primitive("round",         floats.round,       0, kinks={0.5: "jump"}, period=1, group="choice")
maximum       = Primitive("maximum",       floats.maximum,     (lambda y, a, b: exceeds(a, b), lambda y, a, b: exceeds(b, a)),
                          kinks={0: "mean"}, switch=operator.sub, group="choice")
minimum       = Primitive("minimum",       floats.minimum,     (lambda y, a, b: exceeds(b, a), lambda y, a, b: exceeds(a, b)),
                          kinks={0: "mean"}, switch=operator.sub, group="choice")
exceeds       = Primitive("exceeds",       floats.exceeds,     (0, 0),
                          title="slope of maximum", latex="[%s > %s]", kinks={0: "jump"}, switch=operator.sub, group="slope")
detach        = Primitive("detach",        float,              0, group="choice")
identity      = Primitive("identity",      float,              1, group="arithmetic", public=False)

# ---- of any number of arguments
dot           = Primitive("dot",           floats.dot,         dot_partials, gather=dot_args, group="list")
total         = Primitive("total",         floats.total,       lambda y, *xs: (1,) * len(xs), gather=elements_of, group="list")
mean          = Primitive("mean",          floats.mean,        lambda y, *xs: (1 / len(xs),) * len(xs),
                          domain="at least one value", gather=elements_of, group="list")
prod          = Primitive("prod",          floats.prod,         lambda y, *xs: (*other_products(xs),), gather=elements_of, group="list")
other_product = Primitive("other_product", floats.other_product, lambda y, x, *others: (0, *other_products(others)),
                          title="slope of prod", group="slope")
hypot         = Primitive("hypot",         math.hypot,         (lambda y, a, b: hypot_slope(a, b), lambda y, a, b: hypot_slope(b, a)),
                          latex=r"\sqrt{(%s)^2 + (%s)^2}", kinks={0: "mean"}, switch=math.hypot)
hypot_slope   = Primitive("hypot_slope",   floats.unit_first,  (lambda y, a, b: hypot_slope(b, a) * atan2_slope(a, b),
                                                                lambda y, a, b: -hypot_slope(b, a) * atan2_slope(b, a)),
                          title="slope of hypot", kinks={0: "jump"}, switch=math.hypot, group="slope")
norm          = Primitive("norm",          floats.norm,        lambda y, *xs: (*unit(xs),),
                          latex=r"\lVert{%s}\rVert", kinks={0: "mean"}, switch=math.hypot, gather=elements_of, group="list")
unit_first    = Primitive("unit_first",    floats.unit_first,  unit_first_partials, kinks={0: "jump"}, switch=math.hypot,
                          title="slope of norm", group="slope")
log_sum_exp   = Primitive("log_sum_exp",   floats.log_sum_exp, lambda y, *xs: (*softmax(xs),),
                          domain="at least one value", gather=elements_of, group="list")
softmax_first = Primitive("softmax_first", floats.softmax_first, softmax_first_partials,
                          title="softmax", group="slope")
# fmt: on

TABLE = {name: row for name, row in globals().items() if isinstance(row, Primitive)}
PUBLIC = {name: row for name, row in TABLE.items() if row.public and row.group != "slope"}


# ---- functions made of rows ----------------------------------------------------------------------


def softmax(values: Iterable[object]) -> list[Any]:
    """Return exp(x) / Σ exp(x) for each x: numbers above 0 that add up to 1.

    Of n Values, n rows of n arguments; where only its logarithm at one place is needed, as in a
    cross entropy, xs[k] - log_sum_exp(xs) does with one.
    """
    return components(softmax_first, floats.softmax, values)


def unit(values: Iterable[object]) -> list[Any]:
    """Return the vector divided by its length: the slope of norm. The zero vector stays."""
    return components(unit_first, floats.unit, values)


def other_products(values: Iterable[object]) -> list[Any]:
    """Return for each value the product of the others: the slope of prod."""
    return components(other_product, floats.other_products, values)


def clip(x: Any, low: Any, high: Any) -> Any:
    """Return x kept between low and high; at a bound, x and the bound share the slope: ½ each."""
    ordered = low <= high
    if not isinstance(ordered, Undecided) and not ordered:
        raise ValueError(f"clip between {low!r} and {high!r}: give the lower bound first")
    return minimum(maximum(x, low), high)


__all__ = [*PUBLIC, "clip", "softmax"]  # what the front door offers, read from the rows
