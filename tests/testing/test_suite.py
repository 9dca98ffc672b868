"""The property-test suite itself: it draws what it says, its rungs agree, and no bug escapes it."""

import json
import math
import operator
import random
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from micrograd_es import MicrogradError, Value, nn
from micrograd_es.cli.commands import main
from micrograd_es.errors import MissingExtra
from micrograd_es.primitives import TABLE
from micrograd_es.testing import (
    ENGINES,
    MUTANTS,
    Engine,
    Program,
    engine_named,
    judge,
    strategies,
    survivors,
)
from micrograd_es.testing.laws import LAWS, hold
from micrograd_es.testing.laws.law import Broken, Law
from micrograd_es.testing.mutants import OUTSIDE
from micrograd_es.testing.oracles import judgement as oracles
from micrograd_es.testing.programs import compute, grow, is_at_ease
from tests.draw.test_graph import test_a_range_goes_from_the_smallest_to_the_largest as ranges_test
from tests.lesson.test_story import (
    test_the_bound_that_is_told_is_the_one_below_which_a_rate_settles as bound_test,
)
from tests.support.amount import THOROUGH, examples, slow, some
from tests.test_coercion import test_a_number_on_one_side_is_what_a_value_is_there as number_test
from tests.test_fields import (
    test_stationary_points_come_in_order_whatever_the_order_of_the_grid as order_test,
)

OURS = engine_named("micrograd_es")
pytest_plugins = ["pytester"]


# ---- strategies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high"),
    [(1e308, math.inf), (1e308, 1.5e308), (-math.inf, -1e308), (0.0, 1e-310), (-1e-320, 1e-310)],
)
def test_numbers_come_from_every_interval(low, high):
    @given(strategies.numbers(low, high))
    def test(x):
        assert low <= x <= high

    test()


@pytest.mark.parametrize(
    "wanted",
    [
        lambda x: x == 0.0,
        lambda x: 0 < abs(x) < 1e-310,
        lambda x: abs(x) > 1e308,
        lambda x: 0 < abs(x) < 1e-200,
        lambda x: abs(x) > 1e200,
        lambda x: x < 0 and 1e-30 < -x < 1e-10,
        lambda x: 0 < abs(x - 0.5) < 1e-9,
        lambda x: x == 0.5,
    ],
)
def test_numbers_are_of_every_size_and_next_to_kinks(wanted):
    find(strategies.numbers(kinks=[0.5]), wanted, settings=settings(max_examples=2000))


@given(st.data())
def test_numbers_stay_between_their_ends(data):
    low, high = sorted(data.draw(st.tuples(*[st.floats(-1e300, 1e300)] * 2)))
    if low < high:
        assert low <= data.draw(strategies.numbers(low, high, kinks=[low, 0.0])) <= high


def test_numbers_between_nothing_are_refused():
    with pytest.raises(ValueError, match="give the lower one first"):
        strategies.numbers(1.0, 1.0)


@pytest.mark.parametrize("row", some(TABLE.values(), 6), ids=lambda row: row.name)
@examples(20)
@given(data=st.data())
def test_a_row_has_a_finite_value_at_its_points(row, data):
    if row.name != "constant":
        assert math.isfinite(row.value(*data.draw(strategies.points(row))))


def test_points_reach_the_edges_of_a_domain_and_the_ties_of_a_choice():
    few = settings(max_examples=2000)
    assert find(strategies.points(TABLE["asin"]), lambda p: p[0] == 1.0, settings=few)
    assert find(strategies.points(TABLE["maximum"]), lambda p: p[0] == p[1] != 0, settings=few)
    intervals = [(1.0, 2.0), (0.0, math.inf)]
    assert find(strategies.points(intervals), lambda p: p[1] > 1e9, settings=few)


@given(st.from_type(Value), strategies.values(st.just(2.0)))
def test_hypothesis_knows_how_to_draw_a_value(any_value, two):
    assert type(any_value) is Value
    assert two.data == 2.0


@given(strategies.networks(inputs=2), strategies.primitives_table(["exp", "tanh"]))
def test_networks_and_rows_are_drawn(network, row):
    assert isinstance(network, nn.MLP)
    assert len(network.layers) <= 3
    assert type(network([1.0, -1.0])) is Value
    assert row in (TABLE["exp"], TABLE["tanh"])


# ---- programs ------------------------------------------------------------------------------------


@given(strategies.programs())
def test_a_program_prints_as_python_that_gives_its_gradient(program):
    leaves = [Value(x) for x in program.point]
    output = program.run(TABLE, leaves)
    output.backward()
    names: dict = {}
    exec(str(program), names)
    printed = names[f"y{len(program.lines) - 1}"]
    slopes = [names[f"x{i}"].grad for i in range(len(leaves))]
    assert (printed.data, slopes) == (output.data, [leaf.grad for leaf in leaves])
    assert eval(repr(program)) == program
    assert program(*program.point) == output.data


@given(strategies.programs(most=12))
def test_every_line_of_a_program_is_needed_and_moderate(program):
    used = {x for line in program.lines for x in line[1:] if type(x) is int}
    last = len(program.point) + len(program.lines) - 1
    assert set(range(len(program.point), last)) <= used
    leaves = [Value(x) for x in program.point]
    program.run(TABLE, leaves).backward()
    assert all(math.isfinite(leaf.grad) for leaf in leaves)


def test_a_failure_shrinks_to_the_lines_that_fail_and_prints_them():
    found = find(
        strategies.programs(),
        lambda program: any(name == "tanh" for name, *_ in program.lines),
        settings=settings(max_examples=1000, database=None),
    )
    assert [name for name, *_ in found.lines] == ["tanh"]

    @settings(max_examples=200, database=None, derandomize=True)
    @given(program=strategies.programs())
    def test(program):
        assert all(name != "tanh" for name, *_ in program.lines)

    with pytest.raises(AssertionError) as error:
        test()
    printed = "\n".join(error.value.__notes__)
    assert "y0 = tanh(x2)\n    y0.backward()" in printed


SELDOM = st.sampled_from(["log", "sqrt", "acosh", "power", "div", "relu"])


@examples(60)
@given(SELDOM.flatmap(lambda name: strategies.programs([name])))
def test_programs_of_functions_that_are_seldom_at_ease_are_at_ease(program):
    results = list(program.point)
    for line in program.lines:
        args = [x if type(x) is float else results[x] for x in line[1:]]
        assert is_at_ease(TABLE[line[0]], args)
        results.append(compute(line, results))


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"constant", "power_jet"}))
def test_whatever_the_function_a_program_prints_as_python_that_runs(name):
    arity = TABLE[name].arity or 3
    point = (1.5, 2.5, 3.5)[:arity]
    program = Program(point, ((name, *range(arity)),))
    if name in ("asin", "acos", "atanh", "asin_slope", "atanh_slope"):
        program = Program((0.5,), program.lines)
    names: dict = {}
    exec(str(program), names)
    assert names["y0"].data == program(*program.point)


def test_a_negative_constant_is_printed_in_parentheses():
    assert Program((2.0,), (("power", -1.5, 0),)).written()[1] == "y0 = (-1.5) ** x0"


def test_a_program_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one input and one line"):
        Program((1.0,), ())
    with pytest.raises(ValueError, match="at least one function and one input"):
        grow(random.choice, random.random, [])


@pytest.mark.parametrize("line", [("nope", 0), ("add", 0, 2), ("tanh", -1), ("add", 0), ("tanh",)])
def test_a_line_that_is_none_is_refused(line):
    with pytest.raises(ValueError, match="expected a function of the table"):
        Program((1.0, 2.0), (line,))


# ---- oracles -------------------------------------------------------------------------------------

RUNGS = {"exact": oracles.exact, "proven": oracles.proven, "50 digits": oracles.at_50_digits}


@given(strategies.programs(["add", "sub", "mul"], floats=st.integers(-5, 5).map(float)))
def test_all_rungs_agree_where_floats_are_exact(program):
    try:
        slopes, _, _ = oracles.exact(program)
    except oracles.Unsure:
        return
    for rung in (oracles.proven, oracles.at_50_digits):
        found, room, sizes = rung(program)
        assert oracles.verdict(slopes, found, room, sizes) != "fail"
        assert found == slopes


@settings(max_examples=200)
@given(strategies.programs(list(oracles.TEXTBOOK), most=10))
def test_the_proven_and_the_50_digit_truth_are_the_same(program):
    try:
        (one, _, sizes), (other, _, _) = oracles.proven(program), oracles.at_50_digits(program)
    except oracles.Unsure:
        return
    assert one == pytest.approx(other, rel=1e-14, abs=1e-25 * max(sizes))


@given(strategies.programs(), st.integers(0, 2), st.sampled_from([-1.0, 0.0, 1.01, 1.00001]))
def test_every_rung_refuses_a_slope_that_is_wrong(program, i, factor):
    _, slopes = OURS.run(program)
    wrong = [s * factor if j == i else s for j, s in enumerate(slopes)]
    if abs(wrong[i] - slopes[i]) <= 1e-6 * max(map(abs, slopes)):
        return
    for rung in RUNGS.values():
        try:
            found, room, sizes = rung(program)
        except oracles.Unsure:
            continue
        assert oracles.verdict(slopes, found, room, sizes) != "fail"
        if room[i] < 1e-9 * abs(found[i]):
            assert oracles.verdict(wrong, found, room, sizes) == "fail"


@pytest.mark.parametrize("rung", [oracles.proven, oracles.at_50_digits])
def test_a_subnormal_slope_may_be_off_by_its_own_rounding(rung):
    lines = (("sub", 0, 3.0), ("softplus", 1), ("div", 2.0, 2), ("erf", 3))
    program = Program((0.437,), lines)
    _, slopes = OURS.run(program)
    found, room, sizes = rung(program)
    assert 0 < abs(slopes[0]) < 1e-310
    assert slopes != found
    assert oracles.verdict(slopes, found, room, sizes) != "fail"


@pytest.mark.parametrize(
    ("program", "claimed"),
    [
        (Program((-1.0,), (("log", 0),)), [-1.0]),
        (Program((-2.0,), (("log1p", 0),)), [-1.0]),
        (Program((1.0, 20.0), (("tanh", 1), ("mul", 0, 1000.0), ("add", 2, 3))), [1000.0, -8e-16]),
        (Program((0.0,), (("sqrt", 0),)), [1.0]),
    ],
)
def test_what_is_wrong_never_passes(program, claimed, monkeypatch):
    for available in (lambda module: True, lambda module: module == "mpmath"):
        monkeypatch.setattr(oracles, "available", available)
        try:
            assert judge(program, claimed).verdict != "pass"
        except ValueError as error:
            # there is no value at all: as Python up to 3.13 says it, and from 3.14 on
            assert str(error).startswith(("math domain error", "expected"))  # noqa: PT017  # or passes


@given(st.floats(-5, 5).filter(lambda x: abs(x) > 0.01), st.sampled_from(["erf", "expm1"]))
def test_slopes_computed_plainly_pass(x, name):
    y = math.expm1(x)
    plain = {"erf": 2 / math.sqrt(math.pi) * math.exp(-x * x), "expm1": y + 1}[name]
    for rung in (oracles.proven, oracles.at_50_digits):
        found, room, sizes = rung(Program((x,), ((name, 0),)))
        assert oracles.verdict([plain], found, room, sizes) != "fail"


def test_the_exact_rung_leaves_what_may_be_rounded_to_others():
    lines = (("sub", 0, 1), ("mul", 2, 5.0), ("mul", 3, 4))
    program = Program((8271452323467085.0, -8181173235486504.0, 3.0), lines)
    _, slopes = OURS.run(program)
    found = judge(program, slopes)
    assert (found.rung, found.verdict) == ("proven", "pass")


def test_as_many_slopes_as_inputs_are_judged():
    with pytest.raises(ValueError, match="2 slopes for 1 inputs"):
        judge(Program((1.0,), (("tanh", 0),)), [1.0, 2.0])


def test_a_function_that_no_textbook_has_is_measured():
    program = Program((0.5,), (("gelu", 0),))
    _, slopes = OURS.run(program)
    found = judge(program, slopes)
    assert (found.rung, found.verdict) == ("finite differences", "pass")
    assert judge(program, [1.001 * slopes[0]]).verdict == "fail"


def test_a_kink_is_for_no_rung_that_proves():
    assert judge(Program((0.0,), (("abs", 0),)), [0.3]).rung == "finite differences"


def test_without_flint_mpmath_judges_and_without_both_differences_do(monkeypatch):
    program = Program((0.5,), (("tanh", 0),))
    _, slopes = OURS.run(program)
    monkeypatch.setattr(oracles, "available", lambda module: module == "mpmath")
    assert judge(program, slopes).rung == "50 digits"
    monkeypatch.setattr(oracles, "available", lambda module: False)
    assert judge(program, slopes).rung == "finite differences"


@given(st.integers(1, 10**18), st.integers(1, 10**18), st.integers(1, 50))
def test_residues_are_a_field(a, b, n):
    x, y = oracles.Mod(a), oracles.Mod(b)
    assert (x + y) - y == x == (x * y) / y == 1 / (1 / x)
    assert -x + x == oracles.Mod(0)
    assert x**n * x == x ** (n + 1)
    assert 2 - x == -(x - 2)
    assert oracles.Mod(oracles.residue(Fraction(a, 7))) * 7 == x
    assert float(oracles.Mod(3)) == 3.0


# ---- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", some(LAWS.values(), 3), ids=lambda law: law.name)
def test_our_engine_keeps_every_law(law):
    found = law.check(OURS, 60 if THOROUGH else 8)
    assert (found.verdict, found.example) == ("kept", "")
    assert sum(found.rungs.values()) > 0


SLOW_COMPILED = {"depth", "slopes", "slopes_of_slopes", "determinism"}  # benchmarks/conformance.py


@pytest.mark.parametrize("engine", ["compiled", "native"])
@pytest.mark.parametrize("name", some(sorted(set(LAWS) - SLOW_COMPILED), 7))
def test_our_compiled_engines_keep_every_law_that_applies(name, engine):
    found = LAWS[name].check(engine_named(engine), 20 if THOROUGH else 3)
    assert found.verdict in ("kept", "not applicable"), found


@pytest.mark.parametrize("law", LAWS.values(), ids=lambda law: law.name)
def test_a_law_is_one_sentence(law):
    assert law.sentence.endswith(".")
    assert len(law.sentence) < 100


@slow
@pytest.mark.parametrize("name", MUTANTS)
def test_every_bug_is_noticed(name):
    with MUTANTS[name].applied():
        assert any(found.verdict != "kept" for found in hold(OURS, examples=12))
    x = Value(3.0)
    (2 - x * x + x.relu()).backward()
    assert x.grad == -5.0  # and put back


@slow
@pytest.mark.parametrize(
    ("name", "test"),
    [
        ("half_the_bound", lambda: bound_test("squared")),
        ("points_unsorted", lambda: order_test([6.3, 3.1, 0.0])),
        ("ranges_reversed", ranges_test),
        ("number_unguarded", lambda: number_test("div")),
    ],
)
def test_the_bugs_of_rooms_without_a_law_are_noticed_by_their_tests(name, test):
    test()
    with OUTSIDE[name].applied(), pytest.raises(AssertionError):
        test()
    test()


def test_there_are_enough_bugs():
    assert len(MUTANTS) >= 30


@pytest.mark.parametrize("name", sorted(set(ENGINES) - {"micrograd_es", "compiled", "native"}))
def test_adapters_of_engines_that_are_installed_give_gradients(name):
    try:
        engine = engine_named(name)
    except MissingExtra:
        pytest.skip(f"{name} is not installed here; benchmarks/conformance.py holds it to all laws")
    assert engine.version
    for law in ("reuse", "arithmetic_is_exact", "chain_rule"):
        assert LAWS[law].check(engine, 10).verdict == "kept"


class Tape:
    """A toy engine with a bug: the second use of a node overwrites the first."""

    def __init__(self, data, args=()):
        self.data, self.args, self.grad = data, args, 0.0

    def __add__(self, other):
        other = other if isinstance(other, Tape) else Tape(other)
        return Tape(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        other = other if isinstance(other, Tape) else Tape(other)
        return Tape(self.data * other.data, [(self, other.data), (other, self.data)])

    def backward(self, grad=1.0):
        self.grad = grad
        for arg, partial in self.args:
            arg.backward(grad * partial)


TAPE = Engine(
    "tape",
    functions={"add": operator.add, "mul": operator.mul},
    leaf=Tape,
    data=lambda v: v.data,
    grad=lambda v: v.grad,
    backward=lambda v: v.backward(),
)


def test_an_engine_of_ten_lines_is_held_to_the_laws_with_its_smallest_case():
    found = {one.law: one for one in hold(TAPE)}
    assert found["reuse"].verdict == "broken"
    expected = "x0 = 0.0; y0 = x0 + x0; y1 = y0 + y0: the gradient is 1.0, expected 4.0 ± 0 (exact)"
    assert found["reuse"].example == expected
    assert found["depth"].verdict == "broken"
    assert "RecursionError" in found["depth"].example
    assert found["symmetry"].verdict == "not applicable"
    assert found["symmetry"].example.startswith("it has no gradients that can be differentiated")


def test_a_law_that_cannot_tell_is_blind():
    @lambda statement: Law(statement, lambda engine: [{"x": st.integers()}])
    def shrug(engine, x):
        """Nobody knows."""
        return "inconclusive"

    assert shrug.check(OURS).verdict == "blind"


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(MicrogradError, match="give leaf, data, grad and backward"):
        Engine("half", functions={}, leaf=float)
    with pytest.raises(MicrogradError, match="expected one of micrograd_es, tiny, compiled"):
        engine_named("nope")
    with pytest.raises(MicrogradError, match=r"expected a micrograd_es\.testing\.Engine"):
        engine_named("math:pi")
    with pytest.raises(MicrogradError, match="there is no module no_such_module here"):
        engine_named("no_such_module:engine")
    with pytest.raises(MicrogradError, match="has no attribute 'engine'"):
        engine_named("math:engine")
    with pytest.raises(MicrogradError, match="'Tanh' is no function of our table"):
        Engine("misspelt", functions={"Tanh": math.tanh}, value_and_grad=len)


def test_survivors_are_the_bugs_that_a_test_does_not_notice():
    def square_is_right():
        x = Value(3.0)
        (x * x).backward()
        assert x.grad == 6.0

    few = {name: MUTANTS[name] for name in ("assign_for_add", "sin_sign")}
    assert [mutant.name for mutant in survivors(square_is_right, few)] == ["sin_sign"]
    with pytest.raises(MicrogradError, match="fails without any bug"):
        survivors(lambda: 1 / 0, few)


def test_the_same_cases_are_drawn_in_every_run_unless_seeded():
    law = LAWS["reuse"]
    assert law.check(OURS).rungs == law.check(OURS).rungs
    assert law.check(OURS, rng=7).verdict == "kept"


def test_random_programs_without_hypothesis_are_the_same_for_the_same_seed():
    def one(seed):
        rng = random.Random(seed)
        return grow(rng.choice, lambda: rng.uniform(-3, 3), ["add", "mul", "tanh"])

    assert one(1) == one(1) != one(2)


def test_a_moody_engine_is_broken():
    moods = iter(range(10**9))

    def mood(v):
        return v.grad + (next(moods) == 9)

    engine = Engine(
        "moody",
        functions={"add": operator.add, "mul": operator.mul},
        leaf=Value,
        data=lambda v: v.data,
        grad=mood,
        backward=lambda v: v.backward(),
    )
    found = LAWS["arithmetic_is_exact"].check(engine)
    assert found.verdict == "broken"
    assert "when it was tried again" in found.example


def test_broken_is_an_assertion_error():
    assert issubclass(Broken, AssertionError)


# ---- the plugin ----------------------------------------------------------------------------------

quiet = pytest.mark.filterwarnings("ignore")


@quiet
def test_the_plugin_is_silent_unless_asked(pytester):
    pytester.makepyfile("def test_one(): pass")
    found = pytester.runpytest_inprocess()
    found.assert_outcomes(passed=1)
    assert "laws" not in found.stdout.str()


@quiet
def test_the_plugin_holds_an_engine_to_the_laws_and_writes_what_it_found(pytester):
    pytester.makepyfile(
        mine="""
        from micrograd_es import Value
        from micrograd_es.testing import Engine
        import operator

        engine = Engine(
            "mine",
            functions={"add": operator.sub, "mul": operator.mul},
            leaf=Value,
            data=lambda v: v.data,
            grad=lambda v: v.grad,
            backward=Value.backward,
        )
        """
    )
    found = pytester.runpytest_inprocess(
        "--pyargs", "micrograd_es.testing.laws", "-k", "reuse or second_backward",
        "--micrograd-es-engine", "mine:engine", "--micrograd-es-json", "found.json",
        "-p", "no:xdist",
    )  # fmt: skip
    found.assert_outcomes(failed=2, skipped=1)
    found.stdout.fnmatch_lines(["*laws: mine*", "broken*reuse*y0 = x0 + x0*", "mine: 2 broken*"])
    written = json.loads((pytester.path / "found.json").read_text())
    assert {one["law"]: one["verdict"] for one in written}["reuse"] == "broken"


@quiet
@pytest.mark.parametrize(
    ("option", "problem"),
    [("engine", "engine 'nope'*expected one of*"), ("mutant", "bug 'nope'*expected one of*")],
)
def test_the_plugin_refuses_what_it_does_not_know(pytester, option, problem):
    found = pytester.runpytest_inprocess(f"--micrograd-es-{option}=nope")
    found.stderr.fnmatch_lines([f"*{problem}"])
    assert found.ret == pytest.ExitCode.USAGE_ERROR


@quiet
def test_the_plugin_tells_which_bugs_the_tests_do_not_notice(pytester, monkeypatch):
    for name in set(MUTANTS) - {"assign_for_add", "sin_sign"}:
        monkeypatch.delitem(MUTANTS, name)
    pytester.makepyfile(
        """
        from micrograd_es import Value

        def test_square():
            x = Value(3.0)
            (x * x).backward()
            assert x.grad == 6.0
        """
    )
    found = pytester.runpytest_inprocess("--micrograd-es-mutants", "-p", "no:xdist")
    found.stdout.fnmatch_lines(["not noticed*sin_sign*", "1 of 2 bugs noticed: 50%"])
    assert found.ret == pytest.ExitCode.TESTS_FAILED


@quiet
def test_tests_that_fail_without_a_bug_are_not_run_under_any(pytester):
    pytester.makepyfile("def test_it(): assert False")
    found = pytester.runpytest_inprocess("--micrograd-es-mutants", "-p", "no:xdist")
    found.stdout.fnmatch_lines(["not run: tests that do not pass*"])


@quiet
def test_an_engine_without_laws_is_said_to_do_nothing(pytester):
    pytester.makepyfile("def test_it(): pass")
    found = pytester.runpytest_inprocess("--micrograd-es-engine=micrograd_es")
    found.stdout.fnmatch_lines(["none was run: add --pyargs micrograd_es.testing.laws"])


# ---- the command ---------------------------------------------------------------------------------

MINE = """
print("loaded")
from micrograd_es import relu, tanh

def loss(x, y):
    return tanh(x) * y

def bend(x):
    return relu(x)

def broken(x):
    return x.nothing

number = 3
"""


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ("mine:loss --at 1.0 -2e0 --lang en", 0, "2      0.761594156"),
        ("mine:loss --at 1.0 -2e0 --lang es", 0, "0,761594156 ±"),
        ("mine.py:loss --at 1 2 --gradient 0.8 0.76 --lang en", 1, "fail: off by"),
        ("mine:bend --at 0 --gradient 0.3 --lang es", 0, "correcta: punto anguloso: "),
        ("math:sqrt --at 4 --gradient 0.25 --lang en", 0, "pass"),
        ("math:sqrt --at 4 --lang en", 2, "gives no Value when it is given Values"),
        ("mine:loss --at 1 --lang en", 2, "does not take 1 inputs"),
        ("mine:loss --at 1 2 --gradient 3 --lang es", 2, "hace falta una para cada una"),
        ("mine:broken --at 1 --lang en", 2, "broken at (1.0) raises AttributeError"),
        ("mine:number --at 1 --lang en", 2, "is no function, but int"),
        ("mine:nothing --at 1 --lang en", 2, "could not load"),
        ("nothing:at_all --at 1 --lang es", 2, "no se pudo cargar"),
        ("mine --at 1 --lang en", 2, "such as module:function"),
        ("mine:loss --lang en", 2, "check expects a point"),
        ("mine:loss --at one --lang en", 2, "expects a number"),
    ],
)
def test_a_function_is_checked_from_the_command_line(
    args, code, says, tmp_path, capsys, monkeypatch
):
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["check", *args.split()]) == code
    out, err = capsys.readouterr()
    assert says in (err if code == 2 else out)
    assert "loaded" not in out


def test_a_check_is_plain_data_too(capsys):
    assert main(["check", "micrograd_es:sqrt", "--at", "0", "--gradient", "1", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "fail"
    assert found["inputs"][0]["measured"] is None  # it is infinite
    assert found["inputs"][0]["cause"] == "vertical"


def test_importing_the_package_brings_none_of_its_test_suite():
    code = "import sys, micrograd_es; print([m for m in sys.modules if m.split('.')[0] in "
    code += "('hypothesis', 'pytest', 'numpy', 'flint') or m.startswith('micrograd_es.testing')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
