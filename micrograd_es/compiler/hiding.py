"""Which rows hide that an argument is infinite or NaN: their result may be finite all the same.

    args_hidden_by(name, count)   the numbers of those arguments

tanh(∞) is 1, 5 / ∞ is 0: whoever sees only the result does not know that something went wrong
before. These are facts alone; tests compare them with what the rows do, and lowering.py says what
follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence

from micrograd_es.compiler.symbols import CHOICE_NAMES

FIRST = """
    reciprocal exp exp2 expm1 atan lorentzian tanh sech2 erf erfc gauss normal normal_cdf sigmoid
    logistic log_sigmoid softplus silu gelu relu hard_tanh sign step sinc sinc_jet exprel exprel_jet
    asin_slope atanh_slope other_product
"""
SECOND = "div quotient xlogy leaky_relu"
BOTH = """
    atan2 atan2_slope hypot_slope maximum minimum exceeds power power_slope power_jet mod floordiv
    elu
"""
HIDES: dict[str, tuple[int, ...]] = {  # the arguments that may be so where the result is finite
    **dict.fromkeys(FIRST.split(), (0,)),
    **dict.fromkeys(SECOND.split(), (1,)),
    **dict.fromkeys([*BOTH.split(), *CHOICE_NAMES], (0, 1)),  # the branch not chosen may be so too
}
HIDES_ALL = {"log_sum_exp", "softmax_first", "unit_first"}  # each of any number of arguments
HIDES_NAN = {  # not only infinity
    *CHOICE_NAMES, "power", "power_slope", "power_jet", "leaky_relu", "elu", "other_product",
}  # fmt: skip
BOUNDED = {  # the result is never infinite
    "tanh", "sech2", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "lorentzian", "erf",
    "erfc", "gauss", "normal", "normal_cdf", "sigmoid", "logistic", "hard_tanh", "sign", "step",
    "exceeds", "softmax_first", "unit_first",
}  # fmt: skip


def args_hidden_by(name: str, count: int) -> Sequence[int]:
    """Return which of its arguments a row of the package may hide, as numbers from 0."""
    return range(count) if name in HIDES_ALL else HIDES.get(name, ())
