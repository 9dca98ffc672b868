"""The page plays what the engine computes: every number in it is computed here once more."""

import base64
import contextlib
import hashlib
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_es
from micrograd_es import Value, draw, exp, total
from micrograd_es.cli.commands import main
from micrograd_es.cli.expression import FUNCTIONS, read
from micrograd_es.cli.refusal import Refusal
from micrograd_es.draw.page.steps import steps_of
from micrograd_es.draw.view import view_of
from micrograd_es.errors import DomainError, NonFiniteError
from micrograd_es.lesson.network import LOSSES, ZONE, Lesson, descend
from micrograd_es.lesson.page import lesson_page, two_two_one
from micrograd_es.lesson.playground import STEPS
from micrograd_es.optim import SGD
from micrograd_es.texts import Language, sentences
from micrograd_es.value import gradient, is_constant, topological_order
from tests.support.amount import examples
from tests.support.rows import ROWS, leaves, programs, run

PAGES = {language: lesson_page(Lesson(), language) for language in ("es", "en")}


def played(page):
    text = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    return json.loads(text[1])


DATA = played(PAGES["es"])
DESCENT = DATA["descent"]
RUNS = [
    (loss, start, rate, DESCENT["runs"][loss][i][j])
    for loss in LOSSES
    for i, start in enumerate(DESCENT["starts"])
    for j, rate in enumerate(DESCENT["rates"])
]


# ---- the descent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "start", "rate", "found"), RUNS)
def test_every_number_of_a_descent_is_the_engine_s(loss, start, rate, found):
    lesson = Lesson(w1=start[0], w2=start[1], loss=loss)
    network = lesson.network()
    optimizer = SGD(network.parameters(), rate)
    for step in found["steps"]:
        output, error = lesson.forward(network)
        optimizer.zero_grad()
        error.backward()
        (w1, w2) = network.parameters()
        expected = [w1.data, w2.data, output.data, error.data, w1.grad, w2.grad]
        for told, x in zip(step, expected, strict=True):
            assert told == pytest.approx(x, rel=5.1e-4 if 1e-4 <= abs(x) < 1e6 else 5.1e-3)
        optimizer.step()


@pytest.mark.parametrize(("loss", "start", "rate", "found"), RUNS)
def test_what_is_said_of_a_rate_agrees_with_what_it_does(loss, start, rate, found):
    lesson = Lesson(w1=start[0], w2=start[1], loss=loss)
    whole = descend(lesson, rate, STEPS, goal=0, halve=False)
    outputs = [step.output for step in whole.steps]
    outside = [abs(output - 1) > ZONE for output in outputs]
    if found["verdict"] == "reached":
        assert not any(outside[found["count"] :])
        assert outside[found["count"] - 1] or found["count"] == 0
        assert len(outside) - found["count"] >= 10
    else:
        assert found["verdict"] == whole.verdict
        assert any(outside[-10:])
    shown = whole.steps[: len(found["steps"])]
    at = shown[0] if found["verdict"] == "diverges" else shown[-1]
    curvature = 2 * 16 * (at.w1**2 + at.w2**2)  # of (4·w1·w2 - 1)², across the valley
    assert found["curvature"] == pytest.approx(curvature)
    assert found["bound"] == pytest.approx(2 / curvature)
    jumps = abs(np.diff([step.output for step in shown[-10:]]))
    assert found["jump"] == pytest.approx(max(jumps, default=0.0))
    if loss == "squared" and found["verdict"] in ("reached", "slow"):
        assert rate < found["bound"]
    elif found["verdict"] in ("reached", "slow"):
        assert found["jump"] <= 2 * DESCENT["zone"] == 2 * ZONE


def test_the_presets_are_what_they_are_called():
    for loss, places in DESCENT["presets"].items():
        runs = DESCENT["runs"][loss][0]
        told = {name: runs[place]["verdict"] for name, place in places.items()}
        assert (told["small"], told["good"]) == ("slow", "reached")
        assert told["large"] in ("bounces", "diverges")
        assert DESCENT["rates"][places["twice"]] == 2 * DESCENT["rates"][places["good"]]
    assert {run["verdict"] for *_, run in RUNS} >= {"slow", "reached", "bounces", "diverges"}


def test_the_surface_and_the_arrows_are_the_error_and_its_gradient():
    low, high = DESCENT["low"], DESCENT["high"]
    for loss, rows in DESCENT["mesh"].items():
        along = np.linspace(low, high, len(rows))
        for w2, row in zip(along, rows, strict=True):
            errors = [float(LOSSES[loss](Value(w1) * w2 * 4, 1)) for w1 in along]
            assert row == pytest.approx(errors, rel=5.1e-4, abs=1e-6)
        places = DESCENT["places"]
        for k, found in enumerate(DESCENT["fields"][loss]):
            w1, w2 = Value(places[k % len(places)]), Value(places[k // len(places)])
            slopes = [g.data for g in gradient(LOSSES[loss](w2 * (w1 * 4), 1), [w1, w2])]
            assert found == pytest.approx(slopes, rel=5.1e-4)
        assert len(DESCENT["fields"][loss]) == len(places) ** 2
        assert low < places[0] < places[-1] < high


numbers = st.sampled_from([0.0, 1e30, -1e30, 1e-30]) | st.floats(0.05, 3) | st.floats(-3, -0.05)


@examples(12)
@given(st.builds(Lesson, x=numbers, target=numbers, w1=numbers, w2=numbers))
def test_whatever_the_lesson_the_page_has_only_numbers_and_stays_small(lesson):
    page = lesson_page(lesson, "en")
    shown = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"\b(nan|inf|NaN|Infinity)\b", shown)
    assert len(page.encode()) <= 300_000
    told = played(page)["descent"]
    for loss, places in told["presets"].items():
        verdicts = {name: told["runs"][loss][0][i]["verdict"]
                    for name, i in places.items() if i is not None}  # fmt: skip
        assert verdicts.get("small", "slow") == "slow"
        assert verdicts.get("good", "reached") == "reached"
        assert verdicts.get("large", "bounces") in ("bounces", "diverges")


# ---- step by step --------------------------------------------------------------------------------


@given(programs())
def test_the_steps_are_those_of_backward_to_the_bit(program):
    output = run(program, leaves(1.0, -2.5, 3.0))
    order = topological_order(output)
    view = view_of(output, play=True)
    found = steps_of(view)
    assert all(node.grad == 0 for node in order)
    output.backward()
    assert [node.values for node in view.nodes] == [[value] for value in order]
    assert [node.grads for node in view.nodes] == [[value.grad] for value in order]
    assert [step.node for step in found.forward] == [i for i, n in enumerate(order) if n.args]
    edges = sum(not is_constant(arg) for node in order for arg in node.args)
    assert len(found.backward) == edges
    for step in found.backward:
        assert step.after == step.before + (step.grad * step.partial if step.grad else 0.0)
    names = [node.name for node in view.nodes if node.shape != "constant"]
    assert len(set(names)) == len(names)


@given(programs())
def test_the_arithmetic_of_a_forward_step_is_the_operation(program):
    output = run(program, leaves(1.0, -2.5, 3.0))
    view = view_of(output, play=True)
    for step in steps_of(view).forward:
        node = view.nodes[step.node].values[0]
        assert [abs(arg.data) for arg in node.args] == list(step.operands)
        assert len(re.findall(r"\{\d+\}", step.pattern)) == len(node.args)


def test_the_article_s_steps_are_written_out():
    lesson = Lesson()
    _, error = lesson.forward(lesson.network())
    found = steps_of(view_of(error, play=True))
    assert [step.letters for step in found.forward] == [
        "h = w1 · x",
        "ŷ = w2 · h",
        "ŷ − 1",
        "E = |ŷ − 1|",
    ]
    assert [step.letters for step in found.backward] == [
        "∂E/∂(ŷ − 1) += ∂E/∂E · sign(ŷ − 1)",
        "∂E/∂ŷ += ∂E/∂(ŷ − 1) · 1",
        "∂E/∂w2 += ∂E/∂ŷ · h",
        "∂E/∂h += ∂E/∂ŷ · w2",
        "∂E/∂w1 += ∂E/∂h · x",
        "∂E/∂x += ∂E/∂h · w1",
    ]


def test_letters_say_what_a_reader_of_the_formula_would():
    a, b, y = Value(2.0, name="a"), Value(-3.0), Value(0.5, name="y")
    found = steps_of(view_of(total([a * b - (-a), a / b]) + (a + y) ** 2, play=True))
    letters = [step.letters for step in [*found.forward, *found.backward]]
    for expected in ("v2 = a · v1", "v3 = -a", "v4 = v2 − v3", "v6 = v4 + v5", "v8 = v7^2"):
        assert expected in letters
    assert "∂f/∂v1 += ∂f/∂v5 · ((-v5) / v1)" in letters  # y is taken: the output is f
    assert "∂f/∂v7 += ∂f/∂v8 · ∂v8/∂v7" in letters  # power's slope is a row nobody writes by hand
    assert found.forward[0].pattern == "{0} · (-{1})"
    long = steps_of(view_of((exp(a) * 2).sin() * a.gelu(), play=True))
    assert all(len(step.letters) < 80 for step in long.backward)


def test_leaves_of_one_name_are_told_apart():
    page = played(draw.page(Value(1.0, name="a") * Value(2.0, name="a") + Value(3.0), "en"))
    assert page["graphs"]["graph"]["names"] == ["a", "a′", "v1", "v2", "y"]


def test_what_cannot_be_played_says_so_at_once():
    for number in (math.inf, math.nan):
        with pytest.raises(NonFiniteError, match=r"find_nonfinite\(output\)"):
            draw.page(Value(number) * 2)
    with pytest.raises(DomainError, match="no finite slope"):
        draw.page(Value(0.0).sqrt())
    with pytest.raises(TypeError, match="has no graph: give a Value"):
        draw.page(2.0)
    with pytest.raises(ValueError, match=r"301 nodes: a page shows up to 200 .*draw\.graph"):
        draw.page(total([Value(1.0) for _ in range(300)]))


def test_a_page_of_an_undefined_slope_that_nothing_uses_is_played():
    x = Value(0.0, name="x")
    page = draw.page(x.sqrt() * 0.0, "en")
    assert [step[6] for step in played(page)["graphs"]["graph"]["backward"]] == [0, 0]


def test_the_page_of_a_value_touches_no_grad_and_shows_itself_in_notebooks():
    x = Value(2.0, name="x<b>")
    page = draw.page(x * x, "es", title="a < b & c")
    assert x.grad == 0.0
    assert "<h1" in page
    assert "a &lt; b &amp; c" in page
    frame = page._repr_html_()
    assert frame.startswith('<iframe sandbox="allow-scripts" srcdoc="')
    assert "<b>" not in page
    assert frame.count("<") == 2
    assert played(page)["graphs"]["graph"]["edges"] == {"0-1": [2, 2]}


# ---- the file ------------------------------------------------------------------------------------


class Outline(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.addresses, self.styled, self.handlers, self.keys = [], [], [], [], set()

    def handle_starttag(self, tag, attributes):
        held = dict(attributes)
        self.ids += [held["id"]] if "id" in held else []
        self.addresses += [held[a] for a in ("src", "href", "xlink:href", "action") if a in held]
        self.styled += ["style"] if "style" in held else []
        self.handlers += [name for name in held if name.startswith("on")]
        self.keys |= {held[a] for a in ("data-t", "data-l") if a in held}


@pytest.mark.parametrize("page", [*PAGES.values(), draw.page(two_two_one(), "es")], ids=repr)
def test_the_page_is_one_small_file_that_asks_for_nothing_and_runs_only_its_own(page):
    assert len(page.encode()) <= 300_000
    outline = Outline()
    outline.feed(page)
    assert (outline.addresses, outline.styled, outline.handlers) == ([], [], [])
    assert len(set(outline.ids)) == len(outline.ids)
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", page)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    expected = ["default-src 'none'"]
    for element in ("script", "style"):
        text = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        expected.append(f"{element}-src 'sha256-{digest}'")
    assert policy.split("; ") == [*expected, "base-uri 'none'", "form-action 'none'"]
    assert outline.keys <= sentences("es").keys()


def test_the_largest_graphs_stay_small_files_too():
    v = Value(0.5, name="v")
    chain, fan = Value(1.0), v
    for _ in range(45):
        chain = chain * v + v
    for _ in range(97):
        chain = chain.sin()
    for _ in range(60):
        fan = fan.sin() * v
    for output in (chain, fan):
        assert len(draw.page(output, "es").encode()) <= 300_000


def test_both_languages_hold_the_same_numbers():
    assert played(PAGES["en"])["descent"] == DESCENT
    assert '<html lang="es">' in PAGES["es"]
    assert "Learning rate η" in re.sub(r"<script.*", "", PAGES["en"], flags=re.DOTALL)


def test_the_page_is_the_same_bytes_every_time():
    assert lesson_page(Lesson(), "es") == PAGES["es"]


@pytest.mark.parametrize(
    "change", [{"x": 0.0}, {"target": 0.0}, {"w1": 0.0, "w2": 0.0}, {"x": 1e30}]
)
def test_lessons_at_the_edge_have_a_page_too(change):
    page = lesson_page(replace(Lesson(), **change), "es")
    assert played(page)["descent"]["starts"]


# ---- expressions ---------------------------------------------------------------------------------

ES, EN = Language("es"), Language("en")


@pytest.mark.parametrize(
    ("text", "numbers", "expected"),
    [
        ("(a*b + c).tanh()", {"a": 2, "b": -3, "c": 10}, math.tanh(4)),
        ("-a**2 + +3", {"a": 2}, -1.0),
        ("log_sum_exp([a, b, 0])", {"a": 0, "b": 0}, math.log(3)),
        ("atan2(a, 1) / clip(a, 0, 1)", {"a": 1}, math.pi / 4),
        (" exp(a) ", {"a": 0}, 1.0),
        ("where(a > 0, lambda: log(a), 0)", {"a": -1}, 0.0),
        ("where(a > 0, lambda: log(a), 0)", {"a": 1}, 0.0),
        ("where(a != b, (a - b).log(), lambda: a)", {"a": 3, "b": 3}, 3.0),
        ("2 * where(1 <= a, where(a < 3, a, 5), 7)", {"a": 2}, 4.0),
        ("2", {}, 2.0),
        ("1e-3", {}, 0.001),
    ],
)
def test_expressions_are_read_as_they_are_meant(text, numbers, expected):
    value = read(text, numbers)
    assert value.data == pytest.approx(expected)
    names = {node.name for node in topological_order(value) if node.name}
    assert names <= numbers.keys()
    assert "where" in text or names == numbers.keys()


@pytest.mark.parametrize("row", [row for row in ROWS if row.instead], ids=lambda row: row.name)
def test_what_an_error_advises_can_be_written_as_an_expression(row):
    names = re.findall(r"\b[abx]\b", row.instead)
    for number in (-1.5, 0.0, 2.5):
        numbers = dict.fromkeys(names, number)
        assert type(read(row.instead, numbers)) is Value


@pytest.mark.parametrize(
    ("text", "es", "en"),
    [
        ("a +", "no entiendo", "cannot read"),
        ("", "no entiendo", "cannot read"),
        ("[a]", "no entiendo", "cannot read"),
        ("a\0", "no entiendo", "cannot read"),
        ("(" * 500 + "a" + ")" * 500, "no entiendo", "cannot read"),
        ("-" * 1900 + "a", "no entiendo", "cannot read"),
        ("a" * 2001, "2000 caracteres", "2000 characters"),
        ("b", "falta el número de b", "b has no number"),
        ("2", "no está en la expresión", "not in the expression"),
        ("a.data", "y no «a.data»", 'not "a.data"'),
        ("a if a else 1", "y no «a if a else 1»", 'not "a if'),
        ("(lambda: a)()", "y no «(lambda: a)()»", "lambda"),
        ("__import__('os')", "no conozco la función «__import__»", 'no function "__import__"'),
        ("a.__class__(a)", "no conozco la función «__class__»", "__class__"),
        ("exp(x=a)", "y no «exp(x=a)»", "exp(x=a)"),
        ("a + 'b'", "y no «'b'»", "'b'"),
        ("a + True", "y no «True»", "True"),
        ("a + 1j", "y no «1j»", "1j"),
        ("[x for x in a]", "y no «[x for x in a]»", "for x in"),
        ("log(a - 1)", "no se puede calcular: log", "cannot be computed"),
        ("9**9**9 + a", "no se puede calcular", "cannot be computed"),
        ("exp(a, a)", "no se puede calcular", "cannot be computed"),
        ("a / 0", "no se puede calcular", "cannot be computed"),
        ("dot([a], [a, a])", "no se puede calcular", "cannot be computed"),
        ("clip(a, 5, 2)", "no se puede calcular", "cannot be computed"),
        ("a > 0", "y no «a > 0»", 'not "a > 0"'),
        ("where(a, 1, 2)", "y no «where(a, 1, 2)»", "where(a, 1, 2)"),
        ("where(0 < a < 2, 1, 2)", "y no «where(0", "where(0"),
        ("where(a > 0, lambda x: a, 2)", "y no «lambda x: a»", "lambda x: a"),
        ("where(a > 0, tnah(a), 2)", "¿Querías decir «tanh»?", 'Did you mean "tanh"?'),
        ("sqtr(a)", "¿Querías decir «sqrt»?", 'Did you mean "sqrt"?'),
        ("a.Exp()", "¿Querías decir «exp»?", 'Did you mean "exp"?'),
        ("a_ * 2", "¿Querías decir «a»?", 'Did you mean "a"?'),
        ("'\\d' + a", "y no «'\\d'»", "'\\d'"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(text, es, en):
    with pytest.raises(Refusal) as refused:
        read(text, {"a": 1.0})
    assert es in refused.value.say(ES)
    assert en in refused.value.say(EN)


@given(st.text(max_size=40) | st.text("ab+-*/()., [1e0]tanhlog", max_size=40))
def test_no_text_does_anything_but_give_a_value_or_a_sentence(text):
    with contextlib.suppress(Refusal):
        assert type(read(text, {"a": 1.0})) is Value


def test_every_function_of_an_expression_is_one_that_people_write():
    assert {"tanh", "exp", "relu", "total", "clip", "hypot"} <= FUNCTIONS.keys()
    assert FUNCTIONS.keys() <= {*dir(micrograd_es), "round"}


# ---- the command ---------------------------------------------------------------------------------


def test_the_command_writes_pages(tmp_path, capsys):
    lesson, own = tmp_path / "lesson.html", tmp_path / "own.html"
    assert main(["page", "-o", str(lesson), "--lang", "es"]) == 0
    assert lesson.read_text(encoding="utf-8") == PAGES["es"]
    numbers = ["--at", "a=2", "b=-3", "c=10"]
    assert main(["page", "--expression", "(a*b + c).tanh()", *numbers, "-o", str(own)]) == 0
    assert "<h1" in own.read_text(encoding="utf-8")
    assert main(["page", "--expression", "-a", "--at", "a=-1", "-o", str(own)]) == 0
    twice = ["--at", "a=-1", "--at", "b=2"]
    assert main(["page", "--expression", "a+b", *twice, "-o", str(own)]) == 0
    choice = ["--expression", "where(a > 0, lambda: log(a), b)", "--at", "a=-1", "b=2"]
    assert main(["page", *choice, "-o", str(own)]) == 0
    told, err = capsys.readouterr()
    assert told.startswith(f"Página escrita en {lesson}. Se abre con un navegador: file:///")
    assert (len(told.splitlines()), err) == (5, "")


@pytest.mark.parametrize(
    ("options", "es", "en"),
    [
        ([], "espera un archivo", "expects a file"),
        (["-o", "a.svg"], "termine en .html", "ends in .html"),
        (["-o", "no/where.html"], "no se ha podido escribir", "could not write"),
        (["--at", "a=1", "-o", "a.html"], "falta la expresión", "there is no expression"),
        (["--expression", "a", "--at", "a", "-o", "a.html"], "como a=2", "such as a=2"),
        (["--expression", "a", "--at", "a=x", "-o", "a.html"], "--at a espera", "--at a expects"),
        (["--expression", "sqrt(a)", "--at", "a=0", "-o", "a.html"], "calcular", "computed"),
        (
            ["--expression", "+".join("a" * 300), "--at", "a=0", "-o", "a.html"],
            "300 nodos",
            "300 n",
        ),
        (["--lr", "1", "-o", "a.html"], "«page --lr»", '"page --lr"'),
        (
            ["--expression", "2", "--x", "3", "-o", "a.html"],
            "--x es de la red",
            "--x is the network's",
        ),
        (["--expression", "a", "--at", "a=1", "a=2", "-o", "a.html"], "dos números", "two numbers"),
        (
            ["--expression", "exp(a*1000)", "--at", "a=0.7095", "-o", "a.html"],
            "calcular",
            "computed",
        ),
    ],
)
def test_pages_that_cannot_be_are_refused_in_a_sentence(
    options, es, en, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    for language, sentence in (("es", es), ("en", en)):
        assert main(["page", *options, "--lang", language]) == 2
        assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
