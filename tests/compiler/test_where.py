"""`where` chooses for each sample, and the other branch contributes nothing."""

from contextlib import nullcontext

import pytest

import micrograd_es as me
from micrograd_es import Value, where
from tests.support.every_backend import compile, each_backend


@each_backend
@pytest.mark.parametrize("compare", ["<", "<=", ">", ">=", "==", "!="])
def test_where_chooses_for_each_sample(backend, compare):
    w = Value(3.0)

    def f(x):
        conditions = {
            "<": x < 1,
            "<=": x <= 1,
            ">": x > 1,
            ">=": x >= 1,
            "==": x == 1,
            "!=": x != 1,
        }
        return where(conditions[compare], lambda: w * x, lambda: -x)

    warns = pytest.warns(me.errors.TraceWarning) if compare in ("==", "!=") else nullcontext()
    with warns:
        program = compile(f, [w], backend=backend, reduce=None)
    values, slopes = program.value_and_grad([0.5, 1.0, 2.0])
    for x, value, slope in zip([0.5, 1.0, 2.0], values, slopes, strict=True):
        chosen = eval(f"{x} {compare} 1")
        assert (value, slope[0]) == ((3 * x, x) if chosen else (-x, 0.0))


@each_backend
def test_an_untaken_branch_contributes_nothing_even_where_it_is_undefined(backend):
    w = Value(2.0)

    def f(x):
        return where(x > 0, lambda: w * me.sqrt(x) * me.log(x), lambda: w * x)

    value, gradient = compile(f, [w], backend=backend).value_and_grad([-1.0, 0.0, 1.0, -4.0])
    assert (value, gradient.tolist()) == (-10 / 4, [-5 / 4])
