"""Which rows hide that an argument is infinite or NaN: their result may be finite all the same.

tanh(∞) is 1, 5 / ∞ is 0. Facts only; a law compares them with what the rows do.
"""

from __future__ import annotations

from collections.abc import Sequence

CHOICES = ("if_less", "if_at_most", "if_equal")  # (a, b, x, z): x or z, by a and b
HIDES: dict[str, tuple[int, ...]] = {  # the arguments that may be so where the result is finite
    **dict.fromkeys(CHOICES, (0, 1)),  # and the branch that is not chosen, which may
    "div": (1,), "quotient": (1,), "xlogy": (1,), "leaky_relu": (1,), "elu": (0, 1),
    "atan2": (0, 1), "maximum": (0, 1), "minimum": (0, 1), "exceeds": (0, 1),
    "power": (0, 1), "power_slope": (0, 1), "power_jet": (0, 1), "other_product": (0,),
    "reciprocal": (0,), "exp": (0,), "exp2": (0,), "expm1": (0,), "atan": (0,), "lorentzian": (0,),
    "tanh": (0,), "sech2": (0,), "erf": (0,), "erfc": (0,), "gauss": (0,), "normal": (0,),
    "normal_cdf": (0,), "sigmoid": (0,), "logistic": (0,), "log_sigmoid": (0,), "softplus": (0,),
    "mod": (0, 1), "floordiv": (0, 1), "sinc": (0,), "sinc_jet": (0,), "exprel": (0,),
    "exprel_jet": (0,), "atan2_slope": (0, 1), "hypot_slope": (0, 1), "asin_slope": (0,),
    "atanh_slope": (0,), "silu": (0,), "gelu": (0,), "relu": (0,), "hard_tanh": (0,), "sign": (0,),
    "step": (0,),
}  # fmt: skip
HIDES_ALL = {"log_sum_exp", "softmax_first", "unit_first"}  # each of any number of arguments
HIDES_NAN = {*CHOICES, "power", "power_slope", "power_jet", "leaky_relu", "elu", "other_product"}
BOUNDED = {  # the result is never infinite
    "tanh", "sech2", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "lorentzian", "erf",
    "erfc", "gauss", "normal", "normal_cdf", "sigmoid", "logistic", "hard_tanh", "sign", "step",
    "exceeds", "softmax_first", "unit_first",
}  # fmt: skip


def hidden(name: str, count: int) -> Sequence[int]:
    """Return which of its arguments a row of the package may hide."""
    return range(count) if name in HIDES_ALL else HIDES.get(name, ())
