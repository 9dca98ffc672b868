"""The checker: what is right never fails, what is wrong never passes, and it says what it saw."""

import itertools
import math
import random
import struct
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.checkers import CASES, NASTY, harsh_points, wrong_slopes
from micrograd_es import GradientMismatch, Value, log, nn, where
from micrograd_es.check.gradients import (
    assert_gradient,
    check_directions,
    check_gradient,
    check_hessian,
    taylor_test,
)
from micrograd_es.fields import Landscape
from micrograd_es.testing.mutants import CHECKER_MUTANTS
from tests.support.amount import THOROUGH, examples, slow, some

GROSS = ("sign", "double", "half", "zero", "1 %", "0.1 %", "1e-4", "1e-5", "infinite", "NaN")


@pytest.mark.parametrize("name", some([*CASES, *NASTY]))
def test_right_slopes_never_fail_and_wrong_ones_never_pass(name):
    case = (CASES | NASTY)[name]
    for x, slope in harsh_points(case, 4 if THOROUGH else 2, random.Random(1)):
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

    told = "outside the domain: nearby, f raises NameError: name 'undefined_name' is not defined"
    assert verdict(broken, 1.0, math.cos(1.0)) == ("inconclusive", told)
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


def test_second_derivatives_of_a_gradient_that_is_none_of_f_do_not_pass():
    for f in (math.sin, lambda x: math.exp(x) * x, lambda x: float(x) ** 2):
        with pytest.raises(GradientMismatch):
            check_hessian(f, [1.0])


def loss_of(seed):
    network = nn.MLP(3, [4, 1], activation="tanh", rng=random.Random(seed))
    return Landscape(lambda: (network([1.0, 2.0, -0.5]) - 1) ** 2, network.parameters())


@examples(10)
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


# ---- what cannot be told is not told -------------------------------------------------------------


GRIDS = {
    "float32": lambda x: struct.unpack("f", struct.pack("f", math.sin(x)))[0],
    "float16": lambda x: struct.unpack("e", struct.pack("e", math.sin(x)))[0],
    "digits": lambda x: round(math.sin(x), 5),
    "float32 inside": lambda x: math.sin(struct.unpack("f", struct.pack("f", x))[0]),
    "numpy": lambda x: np.sin(np.float32(x)),
    "cancellation": lambda x: (1e8 + math.sin(x)) - 1e8,
}


@pytest.mark.parametrize("name", GRIDS)
def test_on_a_grid_the_right_slope_never_fails_and_zero_never_passes(name):
    for x in (0.1, 0.7, 1.2, 2.0, 2.9, -1.1):
        assert verdict(GRIDS[name], x, math.cos(x))[0] != "fail"
        told = verdict(GRIDS[name], x, 0.0)
        assert told[0] != "pass"
        if told[0] == "inconclusive":
            assert told[1].startswith("f moves in steps of ")
        assert verdict(GRIDS[name], x, -math.cos(x))[0] == "fail"


HIDDEN = {  # grids on which the kink of a function is nearer than the next stair
    "float16": lambda f, x: struct.unpack("e", struct.pack("e", f(x)))[0],
    "digits": lambda f, x: round(f(x), 2),
    "digits inside": lambda f, x: f(round(x, 2)),
    "cut": lambda f, x: math.floor(1e3 * f(x)) / 1e3,
    "256ths": lambda f, x: round(f(x) * 256) / 256,
    "cancellation": lambda f, x: (f(x) + 1e13) - 1e13,
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("x", [3e-6, -2e-5, 4e-4, -1e-3])
def test_a_kink_that_a_grid_hides_accuses_no_slope_on_either_side(name, x):
    f = partial(HIDDEN[name], lambda t: math.log1p(abs(t)))
    slope = math.copysign(1 / (1 + abs(x)), x)
    assert verdict(f, x, slope)[0] == "inconclusive"
    assert verdict(f, x, 0.0)[0] == "inconclusive"
    assert verdict(f, x, 10 * slope)[0] == "fail"


def test_a_slope_passes_on_a_grid_where_coarse_steps_tell_it_well_enough():
    def f(x):
        return round(math.sin(x), 10)

    assert verdict(f, 0.7, math.cos(0.7))[0] == "pass"
    assert verdict(f, 0.7, 1.001 * math.cos(0.7))[0] == "fail"
    assert verdict(f, 0.7, math.inf)[0] == "inconclusive"
    assert verdict(f, 0.7, 0.0)[0] == "inconclusive"
    assert verdict(lambda x: round(math.sqrt(x), 9), 0.1, 0.5 / math.sqrt(0.1))[0] != "fail"


FAR = [1e6 + 0.5, 1e6, -3e9 + 0.25, 2e11 + 0.5, 1e12 + 0.5, -1e12 + 0.1, 7e13 + 0.25]


@pytest.mark.parametrize("x", [0.5, 2.5, 3.0, -7.25, 99.0, 1e3 + 0.25, *FAR])
def test_a_floor_never_fails(x):
    for f in (math.floor, lambda t: float(round(t)), lambda t: 3.0 * math.ceil(t / 3)):
        assert verdict(f, x, 0.0)[0] != "fail"


@pytest.mark.parametrize("x", [1e308, -1.7e308, 1.7976931348623157e308, 9e307])
def test_a_slope_is_measured_up_to_the_largest_float(x):
    for f, slope in ((lambda t: 1e-9 * t, 1e-9), (lambda t: math.log(abs(t)), 1 / x)):
        assert verdict(f, x, slope)[0] == "pass"
        assert verdict(f, x, 1.01 * slope)[0] == "fail"


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: (1 - math.cos(x)) / x**2, 1e-3, -1e-3 / 12),
        (lambda x: ((x + 1e8) - 1e8) ** 2, 1e-5, 2e-5),
        (lambda x: ((x + 1e8) - 1e8) ** 2, 0.3, 0.6),
        (lambda x: math.exp(x) - 1 - x, 1e-6, math.expm1(1e-6)),
        (lambda x: math.log(1 + x) / x, -1.5e-7, -0.5),
        (lambda x: (x * x - 1) / (x - 1), 1 - 1e-10, 1.0),
    ],
)
def test_a_difference_of_large_numbers_is_not_mistaken_for_a_slope(f, x, slope):
    assert verdict(f, x, slope)[0] != "fail"
    for wrong in (-slope, 0.0, 1.01 * slope):
        assert verdict(f, x, wrong)[0] != "pass"


def test_where_there_is_no_slope_none_passes():
    def waves(x):
        return x * math.sin(1 / x) if x else 0.0

    for slope in (0.0, 0.5, -1.0):
        told = verdict(waves, 0.0, slope)
        assert told == ("inconclusive", "the quotients do not settle: there may be no slope")
    assert verdict(lambda x: 5.0 if x == 0 else x, 0.0, 1.0) == (
        "inconclusive",
        "f jumps here by 5",
    )


def test_a_function_may_give_a_value_or_the_scalar_of_an_array_library():
    assert check_gradient(lambda x: where(x > 0, lambda: log(x), 0), [2.0]).verdict == "pass"
    for wrap in (np.array, np.float64, Value, Fraction):
        assert verdict(lambda x, wrap=wrap: wrap(x * x), 3.0, 6.0)[0] == "pass"
    for text in ("3", None, 1j):
        with pytest.raises(TypeError):
            check_gradient(lambda x, text=text: text, [3.0], [0.0])


def test_whatever_is_raised_nearby_ends_the_domain():
    assert verdict(lambda x: x**0.5, 1e-8, 0.5 / 1e-8**0.5)[0] == "pass"  # complex below 0
    assert verdict(lambda x: [1.0, x][int(x > 1)] if x < 1.5 else {}[x], 1.2, 1.0)[0] == "pass"


class MuteError(Exception):
    def __str__(self):
        raise self


@pytest.mark.parametrize(
    "problem",
    [MuteError(), RuntimeError("x" * 10**6), TypeError("one\ntwo\x1b[31m"), LookupError()],
)
def test_whatever_is_raised_nearby_is_told_on_one_line(problem):
    def f(x):
        if x != 1.0:
            raise problem
        return x

    _, line = str(check_gradient(f, [1.0], [1.0])).split("\n")
    assert f"f raises {type(problem).__name__}: " in line
    assert (line.isprintable(), len(line) < 500) == (True, True)


def test_two_values_at_one_point_are_inconclusive():
    calls = itertools.count()
    assert verdict(lambda x: x + 1e-9 * next(calls), 1.0, 1.0)[1].endswith("values at one point")
    last = [0.0]

    def slow(x):
        last.append(x)
        return x * x + 1e-3 * last[-2]

    assert verdict(slow, 1.0, 2.0)[1].endswith("values at one point")
    rare = itertools.count()
    assert verdict(lambda x: x * x + (next(rare) > 60), 1.0, 2.0)[0] == "inconclusive"
    f = random.Random(0)
    many = check_gradient(lambda *xs: math.fsum(xs) + f.random(), [1.0] * 50, [1.0] * 50)
    assert {one.cause for one in many.inputs} == {"two"}


@pytest.mark.parametrize("tolerance", [0, -1e-6, math.nan, math.inf, 2])
def test_a_tolerance_that_means_nothing_is_refused(tolerance):
    with pytest.raises(ValueError, match="give a share of the slope"):
        check_gradient(math.sin, [1.0], [0.5], tolerance)


def test_a_check_of_nothing_is_refused():
    for check in (check_gradient, check_directions, taylor_test):
        with pytest.raises(ValueError, match="a point of no numbers"):
            check(lambda: 3.0, [])
    for rows in (None, []):
        with pytest.raises(ValueError, match="a point of no numbers"):
            check_hessian(lambda: 3.0, [], rows)
    with pytest.raises(ValueError, match="along no direction"):
        check_directions(math.sin, [1.0], [0.5], count=0)
    with pytest.raises(ValueError, match="1 rows for 2 inputs"):
        check_hessian(lambda x, y: x * y, [1.0, 2.0], [[0.0, 1.0]])


UNTOLD = {  # of x·y: what hides a slope that is wrong by 1 %, or has none
    "rounded": lambda x, y: round(math.sin(x * y), 3),
    "offset": lambda x, y: 1e8 + math.sin(x * y),
    "float32": lambda x, y: struct.unpack("f", struct.pack("f", math.sin(x * y)))[0],
    "NaN": lambda x, y: math.nan,
    "infinite": lambda x, y: math.inf,
}


@pytest.mark.parametrize("name", UNTOLD)
def test_taylor_passes_no_wrong_slope_because_its_remainder_is_lost(name):
    slopes = [2 * math.cos(2.0), math.cos(2.0)]
    for seed in range(10):
        rng = random.Random(seed)
        assert taylor_test(UNTOLD[name], [1.0, 2.0], slopes, rng).verdict != "fail"
        wrong = [1.01 * slopes[0], slopes[1]]
        assert taylor_test(UNTOLD[name], [1.0, 2.0], wrong, rng).verdict != "pass"


def test_taylor_accuses_no_slope_of_a_stair_or_a_kink():
    for seed in range(5):
        rng = random.Random(seed)
        stairs = taylor_test(lambda x, y: math.floor(x) + y, [1e6 + 0.5, 2.5], [0.0, 1.0], rng)
        assert stairs.verdict != "fail"
        kink = taylor_test(lambda x, y: abs(x - 1) + y * y, [1.0, 2.0], [0.0, 4.0], rng)
        assert kink.verdict != "fail"


@pytest.mark.parametrize("x", [math.inf, -math.inf, math.nan])
def test_there_is_nothing_to_measure_at_an_infinite_point_even_of_a_finite_function(x):
    assert verdict(lambda t: math.tanh(t) if t == t else 1.0, x, 0.0)[0] == "inconclusive"


def test_taylor_does_not_accuse_a_slope_for_the_rounding_of_the_function():
    def f(x, y):
        return struct.unpack("f", struct.pack("f", math.sin(x * y)))[0]

    slopes = [2 * math.cos(2.0), math.cos(2.0)]
    for seed in range(20):
        assert taylor_test(f, [1.0, 2.0], slopes, random.Random(seed)).verdict != "fail"


# ---- many inputs ---------------------------------------------------------------------------------


def tanhs(*xs):
    return sum(map(math.tanh, xs))


@given(st.integers(0, 199), st.sampled_from(["sign", "zero", "1 %"]), st.integers(0, 99))
@examples(10)
def test_of_many_inputs_the_wrong_one_is_found_and_named(place, kind, seed):
    rng = random.Random(seed)
    point = [rng.uniform(-3, 3) for _ in range(200)]
    claims = [1 / math.cosh(x) ** 2 for x in point]
    claims[place] *= {"sign": -1, "zero": 0, "1 %": 1.01}[kind]
    checks = check_gradient(tanhs, point, claims).inputs
    assert [i for i, one in enumerate(checks) if one.verdict != "pass"] == [place]
    assert checks[place].together == 0


def test_right_claims_for_many_inputs_take_few_calls_and_say_that_they_moved_together():
    calls = []

    def f(*xs):
        calls.append(xs)
        return tanhs(*xs)

    point = [i / 100 for i in range(-150, 150)]
    found = check_gradient(f, point, [1 / math.cosh(x) ** 2 for x in point])
    assert found.verdict == "pass"
    assert len(calls) < 2000
    line = "pass: moved together with 299 other inputs, not alone"
    assert all(row.endswith(line) for row in str(found).splitlines()[1:])


def test_among_many_inputs_kinks_dead_and_odd_ones_are_judged_as_if_alone():
    def f(*xs):
        return math.fsum(max(x, 0.0) for x in xs) + 1e-9 * math.sin(xs[0])

    point = [0.3, 0.0, *(-1.0 - i for i in range(40)), *(1.0 + i for i in range(40))]
    claims = [1.0 + 1e-9 * math.cos(0.3), 0.5, *[0.0] * 40, *[1.0] * 40]
    found = check_gradient(f, point, claims)
    assert found.verdict == "pass"
    assert found.inputs[1].cause == "kink"
    claims[5], claims[70] = math.nan, 0.0
    verdicts = [one.verdict for one in check_gradient(f, point, claims).inputs]
    assert [i for i, one in enumerate(verdicts) if one == "fail"] == [5, 70]


def test_of_many_inputs_those_that_noise_hides_are_inconclusive_together():
    def f(*xs):
        return struct.unpack("f", struct.pack("f", math.fsum(map(math.tanh, xs))))[0]

    point = [i / 40 for i in range(-50, 50)]
    claims = [1 / math.cosh(x) ** 2 for x in point]
    checks = check_gradient(f, point, claims).inputs
    assert {(one.verdict, one.cause, one.together) for one in checks} == {
        ("inconclusive", "stairs", 99)
    }
    claims[17] *= -1
    verdicts = [one.verdict for one in check_gradient(f, point, claims).inputs]
    assert [i for i, one in enumerate(verdicts) if one == "fail"] == [17]


def test_of_many_inputs_the_flattest_are_measured_alone():
    point = [i / 4 for i in range(40)]
    checks = check_gradient(tanhs, point, [1 / math.cosh(x) ** 2 for x in point]).inputs
    assert checks[1].together == 39
    assert checks[-1].together == 0
    assert {one.verdict for one in checks} == {"pass", "inconclusive"}


def test_a_function_that_gives_no_value_for_values_has_the_gradient_0():
    assert check_gradient(lambda x: 3.0, [2.0]).verdict == "pass"
    assert check_gradient(lambda x: float(x), [2.0]).verdict == "fail"


# ---- the bounds are true, and bugs in the checker are noticed ------------------------------------


def calibrated():
    """Whether the true slope is within each bound, no verdict is wrong, and few are withheld."""
    rng, withheld = random.Random(5), []
    names = ["sin", "x³ - x", "(1 - cos x)/x²", "relu(x - 1)", "sin(x) - x", "sin(1/x)"]
    names += ["float32(tanh)", "|sin(1000x)|", "sin + 1e-9·noise", "sin(2²⁰πx)"]
    for name in names:
        case = (CASES | NASTY)[name]
        for x, slope in harsh_points(case, 25, rng):
            (one,) = check_gradient(case.f, [x], [slope]).inputs
            if one.verdict == "fail" or not abs(one.measured - slope) <= one.bound:
                return False
            withheld.append(one.verdict == "inconclusive")
    return sum(withheld) < 0.35 * len(withheld)


def test_the_true_slope_is_within_the_bound():
    assert calibrated()


@slow
@slow
@pytest.mark.parametrize("name", CHECKER_MUTANTS)
def test_every_bug_in_the_checker_is_noticed(name):
    with CHECKER_MUTANTS[name].applied():
        assert not calibrated()


@pytest.mark.parametrize(
    ("kink", "noise", "size", "reason"),
    [(1 - 1e-12, 1.5e-9, 1e-3, "noise"), (1 - 1e-8, 9e-9, 100.0, "steep")],
)
def test_a_kink_whose_place_noise_hides_passes_and_fails_no_slope_between(
    kink, noise, size, reason
):
    """Whether the point is at the kink or a little beside it cannot be told: nor can the slope."""
    line = check_gradient(
        lambda x: size * abs(x - kink) + noise * math.sin(1e13 * x), [1.0], [-size / 2]
    ).inputs[0]
    assert (line.verdict, line.cause) == ("inconclusive", reason)
