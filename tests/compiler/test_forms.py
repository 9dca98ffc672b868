"""A law over the table: lowered forms keep what the rows promise, in every backend, everywhere.

At points from the smallest denormals to the largest floats, in tails, with NaN and infinity in
each argument, and for long lists: compiled and eager are NaN or infinite in the same places, and
within ULPS of each other where they are finite.
"""

import itertools
import math
import random

import numpy as np
import pytest

import micrograd_es as me
from micrograd_es import Primitive, Value, compile, where
from micrograd_es.compiler import program as program_module
from micrograd_es.compiler.hiding import BOUNDED, HIDES_NAN, args_hidden_by
from micrograd_es.compiler.llvm import backend as llvm_backend
from micrograd_es.compiler.llvm.machine import machine
from micrograd_es.compiler.symbols import CHOICE_NAMES, CHOICE_ROWS
from micrograd_es.primitives import TABLE
from micrograd_es.testing.strategies import COUNTED
from tests.support.amount import some

inf, nan = math.inf, math.nan
ULPS = 24  # of a value or a slope, and one more for each argument
BACKENDS = ["python", "numpy", "llvm", "llvm 1", "llvm 2", "interpreter"]
ROWS = sorted(row.name for row in TABLE.values() if row.arity != 0 and row.name not in COUNTED)
SPECIAL = [
    0.0, -0.0, inf, -inf, nan, 5e-324, 1e-310, 1e-300, 1e-160, 1e-9, 0.5, 1.0, 2.0, 3.0, 1.7, 40.0,
    -1.0, -2.0, -0.3, -1e-300, -5e-324, 1e3, -1e3, 1e160, 1e300, -1e300, 1.7e308, 710.0, -745.0,
    -17.6, -36.9, 26.5, 88.5, 709.7, -745.2, 2.0**53 + 1,
]  # fmt: skip
SIZE = {  # what is added up: of what a sum cancels, no more digits can be right
    "dot": lambda xs: sum(abs(a * b) for a, b in zip(xs, xs[len(xs) // 2 :], strict=False)),
    "total": lambda xs: sum(map(abs, xs)),
    "mean": lambda xs: sum(abs(x) / len(xs) for x in xs),
    "log_sum_exp": lambda xs: max(1.0, *map(abs, xs)),
}


def anywhere(rng):
    return rng.choice((-1, 1)) * 10 ** rng.uniform(*rng.choice([(-323, 308), (-3, 3)]))


def lists(name, length):
    """Return lists of arguments: of one size, of all sizes, with one that is special."""
    rng = random.Random(f"{name} {length}")
    points = [tuple(anywhere(rng) for _ in range(length)) for _ in range(40)]
    points += [
        tuple(rng.uniform(-1, 1) * 10.0**exponent for _ in range(length))
        for exponent in (0, 1, 2, 100, 300, -300, -307) * 8
    ]
    points += [tuple(1e6 + rng.uniform(-5, 5) for _ in range(length)) for _ in range(8)]
    for i, x in itertools.product(range(min(length, 4)), (nan, inf, -inf, 0.0, 1e300, 5e-324)):
        point = [rng.uniform(-3, 3) for _ in range(length)]
        point[i] = x
        points.append(tuple(point))
    return [*points, *((x,) * length for x in (0.0, -40.0, 1e-3, 1e30, inf, -inf))]


def points_of(row):
    """Return points of a row, of one length each."""
    rng = random.Random(row.name)
    if row.arity is None:
        return [lists(row.name, n) for n in (1, 2, 3, 4, 7, 110)]
    if row.arity == 1:
        return [
            [(x,) for x in (*SPECIAL, *(-x for x in SPECIAL), *(anywhere(rng) for _ in range(300)))]
        ]
    pairs = [*itertools.product(SPECIAL, SPECIAL)]
    pairs += [(anywhere(rng), anywhere(rng)) for _ in range(300)]
    return [pairs]


def eager(row, point):
    """Return the value and the partials; None if it is refused; NaN for a partial that is."""
    try:
        node = row.node(*map(Value, point))
    except (ValueError, ArithmeticError):
        return None
    return [node.data, *(float(p) if type(p) in (float, int) else nan for p in node.partials)]


def compiled(f, points, backend, monkeypatch, **options):
    """Return the outputs as they are, before what is not finite is run again."""
    shift = [Value(-0.0) for _ in points[0]]  # x + -0.0 is x, and the slope by it is that by x
    name, _, width = backend.partition(" ")
    if name == "interpreter":
        monkeypatch.setattr(llvm_backend, "COMPILE_LIMIT", -1)
    if width:
        monkeypatch.setattr(machine(), "width", int(width))
    program = compile(
        lambda *xs: f(*(x + w for x, w in zip(xs, shift, strict=True))), shift, inputs=len(shift),
        backend=name.replace("interpreter", "llvm"), reduce=None, **options,
    )  # fmt: skip
    columns = [np.array(column) for column in zip(*points, strict=True)]
    with np.errstate(all="ignore"):
        return program.gradient_runner.each(columns, len(points), np.full(len(shift), -0.0))


def unlike(row, point, expected, got, to_the_bit):
    """Return what is wrong, if something is."""
    if expected is None:
        return "is not refused" if np.isfinite(got).all() else ""
    everything = all(map(math.isfinite, expected))
    if to_the_bit and not everything:
        return "" if not np.isfinite(got).all() else "hides what is not finite"
    for i, (true, x) in enumerate(zip(expected, got.tolist(), strict=True)):
        which = f"output {i}: {x!r}, eager {true!r}"
        if math.isfinite(true) != math.isfinite(x):
            return which
        if not math.isfinite(true):
            if i == 0 and math.isinf(true) and x != true:
                return which
            continue
        size = max(abs(true), SIZE.get(row.name, lambda xs: 0.0)(point) if i == 0 else 0.0)
        if row.name in ("silu", "gelu") and i == 1 and point[0] and abs(point[0]) < 3:
            size = max(size, 0.25)  # the slope is a sum that is 0 near -1
        if row.name == "atan2_slope" and i == 2 and any(point):
            size = max(size, math.hypot(*point) ** -2)  # the slope is a difference of squares
        if row.name == "power_slope" and i == 2 and point[0]:
            size = max(size, abs(expected[0] * (1 + math.log(abs(point[0])))))  # of two terms
        if abs(true - x) > (0 if to_the_bit else ULPS + len(point)) * math.ulp(size):
            return which
    return ""


def exempt(row, point, expected):
    """Return whether eager itself is not exact there: a factor of its slope has few digits."""
    tiny = any(0 < abs(x) <= 1e-300 for x in point)
    return tiny and expected is not None and row.name in ("power", "power_slope", "atan2_slope")


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", some(ROWS, 8))
def test_a_lowered_row_is_what_the_row_is(name, backend, monkeypatch):
    row = TABLE[name]
    for points in points_of(row):
        if row.arity is None and backend not in ("numpy", "llvm") and len(points[0]) > 7:
            continue  # they share the code
        got = compiled(row.node, points, backend, monkeypatch, on_nonfinite="return")
        doubted = compiled(row.node, points, backend, monkeypatch)
        for point, one, other in zip(points, got, doubted, strict=True):
            expected = eager(row, point)
            refused = expected is None or not np.isfinite(expected).all()
            if refused and np.isfinite(point).all():
                assert not np.isfinite(other).all(), point
            elif not exempt(row, point, expected):
                assert not unlike(row, point, expected, one, backend == "python"), point


# ---- what hides an infinity ----------------------------------------------------------------------

FINITE = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0, 1e-300, 1e300, -30.0, 700.0, -745.0]
ALL = {**TABLE, **{row.name: row for row in CHOICE_ROWS}}


def results(row, i, odd):
    """Return what a row gives of finite numbers, but for one argument."""
    size = row.arity or 3
    places = [[odd] if j == i else FINITE[:: 1 if size < 3 else 3] for j in range(size)]
    if row.name == "power_jet":
        places[2:] = [[0.0, 1.0, 2.0]] * 2
    for point in itertools.product(*places):
        try:
            yield row.value(*point)
        except (ValueError, ArithmeticError):
            yield nan


@pytest.mark.parametrize("name", sorted({*ROWS, *CHOICE_NAMES}))
def test_what_hides_an_infinity_is_said_to_hide_it(name):
    row, size = ALL[name], ALL[name].arity or 3
    branches = (2, 3) if name in CHOICE_NAMES or name == "power_jet" else ()
    for i in (i for i in range(size) if i not in branches):
        infinite = [math.isfinite(y) for odd in (inf, -inf) for y in results(row, i, odd)]
        odd = [math.isfinite(y) for y in results(row, i, nan)]
        said = i in args_hidden_by(name, size)
        assert said or not any(infinite), f"argument {i} may be infinite"
        assert not any(odd) or (said and name in HIDES_NAN), f"argument {i} may be NaN"
    if name in BOUNDED:
        assert not any(math.isinf(y) for x in (inf, -inf, 1e308) for y in results(row, 0, x))


my_row = Primitive("my_row", lambda x: 1 / (1 + me.exp(x)), lambda y, x: -y * (1 - y))
steep = Primitive("steep", lambda x: 0.5 * x, lambda y, x: 1 / me.exp(x))
CASES = {
    "a quotient": (lambda w, x: w * me.atan(1 / x), [1.0, 0.0]),
    "an extreme": (lambda w, x: w * me.minimum(1 / x, 5), [1.0, 0.0]),
    "a product": (lambda w, x: w * me.tanh(x * x), [1.0, 1e200]),
    "a sum": (lambda w, x: w * me.sigmoid(x + x), [1.0, 1.7e308]),
    "a logarithm": (lambda w, x: w * me.exp(me.log(x)), [1.0, 0.0]),
    "a condition": (lambda w, x: where(1 / x > 0, w * x, w), [1.0, 0.0]),
    "a branch": (lambda w, x: w * where(x >= 0, lambda: me.atan(1 / x), 0), [1.0, 0.0, -1.0]),
    "a branch of a branch": (
        lambda w, x: where(
            x > 0, lambda: where(x > 1, lambda: me.tanh(w / (x - 2)), lambda: w * x), 0
        ),
        [3.0, 2.0, 0.5, -1.0],
    ),
    "a row of one's own": (lambda w, x: my_row(w * x), [1.0, 800.0]),
    "its slope": (lambda w, x: steep(w * x), [1.0, 800.0]),
    "its slope in a branch": (lambda w, x: where(x > 0, lambda: steep(w * x), 0), [1.0, 800.0]),
    "a slope": (lambda w, x: me.atan2(w * x, x), [1.0, 1e308]),
}
CALM = {
    "atan of 1/x": lambda w, x: w * where(x > 0, lambda: me.atan(1 / x), 0),
    "a root": lambda w, x: where(x > 0, lambda: w * me.sqrt(w * x), lambda: w * x),
    "a logarithm": lambda w, x: where(x > 0, lambda: me.log(w * x), lambda: w * w),
    "a power": lambda w, x: where(x > 0, lambda: x**w, lambda: w * w * x),
    "in a branch": lambda w, x: where(x > 0, lambda: where(x > 1, me.log(w * x), w), w * x),
    "a row of one's own": lambda w, x: where(x < 0, lambda: my_row(-w / x), lambda: w * x),
}


def outcome(f, x):
    w = Value(2.0)
    try:
        y = f(w, Value(x))
        y.backward()
    except (ValueError, ArithmeticError) as error:
        return type(error)
    return pytest.approx((y.data, w.grad), rel=1e-13)


@pytest.mark.parametrize("backend", ["python", "numpy", "llvm"])
@pytest.mark.parametrize("case", CASES)
def test_what_eager_refuses_inside_a_program_refuses(case, backend):
    f, xs = CASES[case]
    w = Value(2.0)
    program = compile(lambda x: f(w, x), [w], backend=backend)
    for x in xs:
        expected = outcome(f, x)
        if isinstance(expected, type):
            with pytest.raises(expected, match="sample 0"):
                program.value_and_grad([x])
        else:
            value, slopes = program.value_and_grad([x])
            assert (value, slopes[0]) == expected


@pytest.mark.parametrize("backend", ["numpy", "llvm"])
@pytest.mark.parametrize("case", CALM)
def test_a_branch_that_is_not_chosen_costs_no_second_run(case, backend, monkeypatch):
    w, xs = Value(2.0), [2.0, 0.0, -1.0, 0.5]
    program = compile(lambda x: CALM[case](w, x), [w], backend=backend, reduce=None)
    monkeypatch.setattr(program_module, "eager_outputs", None)
    values, slopes = program.value_and_grad(xs)
    for x, value, slope in zip(xs, values, slopes, strict=True):
        assert (value, slope[0]) == outcome(CALM[case], x)


def test_what_comes_out_is_given_back_if_asked_for():
    w = Value(2.0)
    program = compile(lambda x: w * me.atan(1 / x), [w], on_nonfinite="return", backend="numpy")
    assert program([0.0]) == pytest.approx(math.pi)
