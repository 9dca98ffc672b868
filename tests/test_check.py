"""The checker: what is right never fails, what is wrong never passes, and it says what it saw."""

import math
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from benchmarks.checkers import CASES, harsh_points, wrong_slopes
from micrograd_es import GradientMismatch, nn
from micrograd_es.check import (
    assert_gradient,
    check_directions,
    check_gradient,
    check_hessian,
    taylor_test,
)
from micrograd_es.fields import Landscape

GROSS = ("sign", "double", "half", "zero", "1 %", "0.1 %", "1e-4", "1e-5", "infinite", "NaN")


@pytest.mark.parametrize("name", CASES)
def test_right_slopes_never_fail_and_wrong_ones_never_pass(name):
    case = CASES[name]
    for x, slope in harsh_points(case, 6, random.Random(1)):
        right = check_gradient(case.f, [x], [slope])
        assert right.verdict != "fail", right
        for kind, wrong in wrong_slopes(slope):
            if kind in GROSS:
                found = check_gradient(case.f, [x], [wrong])
                assert found.verdict != "pass", (kind, found)


def test_it_is_hardly_ever_blind():
    rng = random.Random(2)
    found = [
        check_gradient(case.f, [x], [slope]).verdict
        for case in CASES.values()
        for x, slope in harsh_points(case, 8, rng)
    ]
    assert found.count("inconclusive") <= 0.03 * len(found)


def verdict(f, x, slope):
    (one,) = check_gradient(f, [x], [slope]).inputs
    return one.verdict, one.reason


def test_a_kink_is_found_with_its_interval_and_every_slope_between_is_right():
    for slope, expected in ((-1.0, "pass"), (0.3, "pass"), (1.0, "pass"), (1.2, "fail")):
        assert verdict(abs, 0.0, slope) == (expected, "kink: slopes from -1 to 1")
    (one,) = check_gradient(lambda x: max(x - 1, 0.0), [1.0], [0.0]).inputs
    assert one.interval == (0.0, 1.0)


@given(st.floats(-11, -3), st.booleans())
def test_a_kink_nearby_is_not_taken_for_one_here(power, right):
    x = 1.0 + (1 if right else -1) * 10.0**power
    claims = {0.0: not right, 1.0: right, 0.5: False}
    for slope, true in claims.items():
        found = verdict(lambda t: max(t - 1, 0.0), x, slope)[0]
        assert found == ("pass" if true else "fail") or (found == "inconclusive" and power < -9)


def test_vertical_tangents_noise_cancellation_and_domains_have_their_words():
    assert verdict(math.sqrt, 0.0, math.inf) == ("pass", "vertical tangent")
    assert verdict(math.sqrt, 0.0, 5.0) == ("fail", "vertical tangent")
    assert verdict(math.cbrt, 0.0, -math.inf) == ("fail", "vertical tangent")
    assert verdict(lambda x: x * math.log(x) if x else 0.0, 0.0, -math.inf)[0] == "inconclusive"
    assert verdict(math.sin, 1.0, math.inf) == ("fail", "it is finite")
    assert verdict(math.sin, 1.0, math.nan)[0] == "fail"
    big = verdict(lambda x: 1e15 + math.sin(x), 1.0, math.cos(1.0))
    assert big[0] == "inconclusive"
    assert "cancellation" in big[1] or "noise" in big[1]
    jitter = random.Random(0)
    noisy = verdict(lambda x: math.sin(x) + 1e-6 * jitter.random(), 1.0, math.cos(1.0))
    assert noisy[0] == "inconclusive"
    assert noisy[1].startswith("noise: f is off its course by ")
    steep = verdict(lambda x: x * math.sqrt(x), 0.0, 0.0)
    assert steep == ("inconclusive", "the slope changes too fast here to be measured to 1e-06")
    alone = verdict(lambda x: math.sqrt(-((x - 1) ** 2)), 1.0, 0.0)
    assert alone == ("inconclusive", "outside the domain: f has no value nearby")
    assert verdict(lambda x: x * math.inf, 1.0, 1.0)[0] == "inconclusive"


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: x * x, 0.0, 0.0),
        (math.cos, 0.0, 0.0),
        (math.cos, 1e-20, -1e-20),
        (lambda x: 5.0, 2.0, 0.0),
        (math.floor, 2.5, 0.0),
        (lambda x: math.sin(2 * math.pi * x), 8.0, 2 * math.pi),
        (lambda x: math.sin(1 / x), 1e-3, -math.cos(1e3) * 1e6),
        (math.exp, 700.0, math.exp(700.0)),
        (math.asin, 1.0, math.inf),
        (lambda x: (x + math.hypot(x, 2)) / 2, -216.6, (1 - 216.6 / math.hypot(216.6, 2)) / 2),
        (lambda x: math.fsum([0.3, x, -0.7, 1e3, -1e3]), 0.01, 1.0),
    ],
)
def test_flat_steep_fast_and_jagged_functions_pass(f, x, slope):
    assert verdict(f, x, slope)[0] == "pass"


def test_there_is_no_absolute_tolerance():
    assert verdict(lambda x: 1e-6 * math.tanh(x), 0.5, 0.0)[0] == "fail"
    assert (
        verdict(lambda x: 1e-200 * math.tanh(x), 0.5, 1.0001 * 1e-200 / math.cosh(0.5) ** 2)[0]
        == "fail"
    )
    assert verdict(lambda x: x * x, 0.0, 1e-9)[0] == "fail"


def test_what_the_function_raises_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        check_gradient(lambda x: 1 / (x - x), [1.0], [1.0])

    def broken(x):
        return math.sin(x) if x == 1.0 else undefined_name  # noqa: F821  # the point of the test

    with pytest.raises(NameError):
        check_gradient(broken, [1.0], [math.cos(1.0)])
    with pytest.raises(ValueError, match="1 slopes for 2 inputs"):
        check_gradient(lambda x, y: x * y, [1.0, 2.0], [1.0])


def test_an_assertion_shows_the_table_of_all_inputs():
    assert_gradient(lambda x, y: x * y, [3.0, 2.0])
    with pytest.raises(GradientMismatch) as told:
        assert_gradient(lambda x, y: x * y, [3.0, 2.0], [2.0, 3.1])
    assert str(told.value).splitlines() == [
        "the gradient at (3.0, 2.0) is not the one measured:",
        "input  claimed  measured   verdict",
        "1      2        2 ± 1e-14  pass",
        "2      3.1      3 ± 1e-14  fail: off by 0.1",
    ]


def test_the_tolerance_is_the_reader_s():
    slope = math.cos(1.0) * (1 + 1e-7)
    assert verdict(math.sin, 1.0, slope)[0] == "pass"
    (one,) = check_gradient(math.sin, [1.0], [slope], tolerance=1e-8).inputs
    assert one.verdict == "fail"
    assert one.resolution < 1e-8


def test_second_derivatives_are_checked_row_by_row():
    rows = check_hessian(lambda x, y: x * x * y, [3.0, 5.0])
    assert [[one.claimed for one in row.inputs] for row in rows] == [[10.0, 6.0], [6.0, 0.0]]
    assert {row.verdict for row in rows} == {"pass"}
    wrong = check_hessian(lambda x, y: x * x * y, [3.0, 5.0], [[10.0, 6.0], [6.0, 1.0]])
    assert [row.verdict for row in wrong] == ["pass", "fail"]


def loss_of(seed):
    network = nn.MLP(3, [4, 1], activation="tanh", rng=random.Random(seed))
    return Landscape(lambda: (network([1.0, 2.0, -0.5]) - 1) ** 2, network.parameters())


@settings(max_examples=10)
@given(st.integers(0, 99), st.integers(0, 20))
def test_whole_losses_are_checked_along_directions_and_by_taylor(seed, place):
    loss = loss_of(seed)
    right = loss.gradient(*loss.here)
    assume(abs(right[place]) > 1e-2)
    wrong = [g * (1.05 if i == place else 1) for i, g in enumerate(right)]
    rng = random.Random(seed)
    assert check_directions(loss.value, loss.here, right, 2, rng).verdict == "pass"
    assert check_directions(loss.value, loss.here, wrong, 2, rng).verdict == "fail"
    assert taylor_test(loss.value, loss.here, right, rng).verdict == "pass"
    found = taylor_test(loss.value, loss.here, wrong, rng)
    assert found.verdict == "fail"
    assert found.order == pytest.approx(1, abs=0.2)


def test_directions_are_never_the_same_twice_and_a_straight_line_has_no_remainder():
    seen = []

    def f(*xs):
        seen.append(xs)
        return math.fsum(xs)

    check_directions(f, [1.0, 2.0], [1.0, 1.0], 2)
    assert len({round((b - 2) / (a - 1), 9) for a, b in seen if a != 1}) >= 2
    straight = taylor_test(lambda x, y: 2 * x + y, [1.0, 2.0])
    assert (straight.verdict, math.isnan(straight.order)) == ("pass", True)
