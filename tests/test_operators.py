"""What is not a number meets every operator, on both sides, and every function, in every place.

Always a Value, a number, or an error that names the type; how many of each is in the test's output.
"""

import datetime
import io
import operator
import re
import sys
import uuid
from collections import Counter
from enum import Enum
from pathlib import Path

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import MicrogradError, Value, operators
from micrograd_es.primitives import TABLE


class Colour(Enum):
    RED = 1


BAD = [
    "2", b"2", bytearray(b"2"), memoryview(b"2"), 2j, None, [2.0], (2.0, 1.0), {"a": 1.0}, {2.0},
    frozenset(), object(), Value, len, (lambda x: x), iter([1.0]), (i for i in range(2)), range(2),
    slice(2), Ellipsis, NotImplemented, operator, ValueError("2"), Colour.RED,
    datetime.date(2026, 1, 1), datetime.timedelta(1), io.StringIO("2"), uuid.UUID(int=2),
    re.compile("2"), Path("2"), np.array(["a"]), np.array([2j]), np.complex128(2j), np.str_("2"),
    np.datetime64("2026-01-01"), np.timedelta64(2, "s"), np.dtype(float),
]  # fmt: skip
OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow]
COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]
LISTS = ["total", "mean", "prod", "norm", "log_sum_exp", "softmax"]


def uses(bad):
    """Yield every use of a bad operand as a function without arguments, with its name."""
    v = Value(0.5)
    for apply in OPERATORS + COMPARISONS:
        yield apply.__name__, lambda apply=apply: apply(v, bad)
        yield f"r{apply.__name__}", lambda apply=apply: apply(bad, v)
    for row in TABLE.values():
        if row.arity == 1:
            yield row.name, lambda row=row: row(bad)
        elif row.arity == 2:
            yield row.name, lambda row=row: row(v, bad)
            yield row.name, lambda row=row: row(bad, v)
            yield row.name, lambda row=row: row(bad, bad)
    for name, row in operators.METHODS.items():
        if row.arity == 2:
            yield f"v.{name}", lambda name=name: getattr(v, name)(bad)
    for name in LISTS:
        function = getattr(me, name)
        yield name, lambda function=function: function(bad)
        yield name, lambda function=function: function([v, bad])
        yield name, lambda function=function: function([bad])
    yield "dot", lambda: me.dot([v, v], bad)
    yield "dot", lambda: me.dot([v], [bad])
    yield "dot", lambda: me.dot([v], [1.0], bad)
    yield "clip", lambda: me.clip(v, bad, 1.0)
    yield "clip", lambda: me.clip(bad, 0.0, 1.0)
    yield "where", lambda: me.where(True, bad, v)
    yield "Value", lambda: Value(bad)
    yield "data", lambda: setattr(Value(1.0), "data", bad)
    yield "gradient", lambda: me.gradient(v, [bad])
    yield "gradient", lambda: me.gradient(bad, [v])
    yield "grad", lambda: me.grad(lambda x: bad)(1.0)
    yield "SGD", lambda: me.optim.SGD([v], lr=bad)


ONCE = (type(iter([])), type(i for i in ()), io.StringIO)
ITERABLES = (list, tuple, range, *ONCE)


def fair(bad, made) -> bool:
    """Whether a result is a Value or a number, or an array or list of them."""
    if isinstance(made, list | np.ndarray):
        return all(isinstance(element, Value | float | bool | np.bool_) for element in made)
    return isinstance(made, Value | float | bool | np.bool_) or (
        made == [] and isinstance(bad, ITERABLES)
    )


def names(bad, error) -> bool:
    """Whether an error says which type it could not take."""
    kinds = {type(bad).__name__, getattr(bad, "__name__", ""), "ufunc", "array", "numpy"} - {""}
    elements = {"str", "int", "complex"}  # of a text, of bytes, of an array
    counted = "give as many of one as of the other"  # a list, but of another length
    return any(word in str(error) for word in {*kinds, *elements, counted, str(bad)[:20]})


def outcome(use):
    """Return what a use gives, or its error if it is one that a user may expect."""
    try:
        return use()
    except (TypeError, MicrogradError, OverflowError, ValueError) as error:
        return error


def test_whatever_is_put_in_is_a_value_or_an_error_that_names_its_type(capsys):
    counted: Counter[str] = Counter()
    for bad in BAD:
        for name, use in uses(bad):
            if isinstance(bad, ONCE) and name in LISTS:
                continue  # an iterator is a list of values
            made = outcome(use)
            counted[type(made).__name__] += 1
            if isinstance(made, Exception):
                assert names(bad, made), (name, bad, made)
            else:
                assert fair(bad, made), (name, bad, made)
    with capsys.disabled():
        found = ", ".join(f"{count} {kind}" for kind, count in counted.most_common())
        sys.stdout.write(f"\n{len(BAD)} kinds of bad operands, {counted.total()} uses: {found}\n")
    assert len(BAD) >= 30
    assert counted["TypeError"] > 0.9 * counted.total()


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**400, 1e308, -1e308, 0, -0.0])
def test_extreme_numbers_give_a_value_or_an_error_of_ours_or_of_overflow(number):
    for name, use in uses(number):
        if name in ("SGD", "data", "clip", "gradient", *LISTS):
            continue  # they take no single number, or say why not in tests of their own
        made = outcome(use)
        refused = isinstance(made, MicrogradError | OverflowError)
        listless = name == "dot" and isinstance(made, TypeError)
        assert refused or listless or isinstance(made, bool) or fair(number, made), (name, made)
