"""What a type checker says of values, operators, rows of the table and gradients of outputs.

This file is read by mypy and basedpyright, and never run: assert_type says what an expression is,
and a line with `type: ignore` must be an error, or the checkers complain of the comment.
"""

from decimal import Decimal
from fractions import Fraction
from typing import assert_type

import numpy as np

from micrograd_es import (
    Value,
    clip,
    dot,
    gradient,
    leaky_relu,
    maximum,
    softmax,
    tanh,
    topological_order,
    total,
    where,
)

v, w = Value(1.5, name="v"), Value(Fraction(1, 2))

assert_type(v + 1, Value)
assert_type(1 - v, Value)
assert_type(v**2 / w % 3 // 2.0, Value)
assert_type(2**v * Fraction(1, 3) + Decimal(1), Value)
assert_type(np.float64(2.0) * v, Value)
assert_type(-abs(+v), Value)
assert_type(v < w, bool)
assert_type(v == 1.5, bool)
assert_type({v: 1.0}, dict[Value, float])
assert_type(max(v, w), Value)
assert_type(sum([v, w], Value(0.0)), Value)
assert_type(float(v), float)
assert_type(int(v), int)
assert_type(round(v), int)
assert_type(round(v, 2), float)
assert_type(v.data, float)
assert_type(v.args, tuple[Value, ...])
v.data, v.name, v.grad = 2.0, None, 0.0
assert_type(v.backward(), None)
v + "1"  # type: ignore[operator]
v @ w  # type: ignore[operator]
Value("2")  # type: ignore[arg-type]
Value(v)  # type: ignore[arg-type]
Value(1 + 2j)  # type: ignore[arg-type]
v.data = "2"  # type: ignore[assignment]
v.children()  # type: ignore[attr-defined]


class Mine(Value):  # type: ignore[misc]
    """Value is final."""


assert_type(tanh(v), Value)
assert_type(tanh(2.0), float)
assert_type(tanh(Fraction(1, 2)), float)
assert_type(v.tanh(), Value)
assert_type(v.atan2(2), Value)
assert_type(v.clip(0, 1), Value)
assert_type(v.leaky_relu(0.1), Value)
assert_type(tanh.name, str)
assert_type(maximum(v, 0), Value)
assert_type(maximum(0, v), Value)
assert_type(maximum(1.0, 2), float)
assert_type(leaky_relu(v, slope=0.1), Value)
assert_type(leaky_relu(2.0), float)
assert_type(total([v, w]), Value)
assert_type(total([1.0, 2.0]), float)
assert_type(total([v, 1.0]), Value | float)
assert_type(dot([v, w], [1.0, 2.0], bias=w), Value)
assert_type(dot([1.0], [2.0]), float)
assert_type(softmax([v, w]), list[Value])
assert_type(softmax([1.0, 2.0]), list[float])
assert_type(clip(2.0, 0, 1), float)
assert_type(where(v > 0, lambda: v, 0), Value)
tanh("1")  # type: ignore[call-overload]
tanh()  # type: ignore[call-overload]
tanh(v, w)  # type: ignore[call-overload]
v.tanh(1)  # type: ignore[call-arg]
maximum(v)  # type: ignore[call-overload]
total(v)  # type: ignore[call-overload]
total(["1"])  # type: ignore[list-item]

assert_type(gradient(v * w, [v, w]), list[Value])
assert_type(topological_order(v), list[Value])
gradient(v * w, v)  # type: ignore[arg-type]
gradient([v], [v])  # type: ignore[arg-type]
