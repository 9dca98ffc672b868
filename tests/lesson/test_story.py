"""The main job, as its reader sees it: sentences, numbers, languages, options, exit codes."""

import contextlib
import io
import json
import math
import os
import re
import string
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es.cli.commands import main
from micrograd_es.draw.characters import arrow, curve
from micrograd_es.lesson.network import Lesson, climb, descend, field, sweep
from micrograd_es.lesson.story import as_dict, tell
from micrograd_es.texts import Language, preferred_language, sentences
from tests.support.amount import examples, some


def told(capsys, *options):
    code = main(list(options))
    out, err = capsys.readouterr()
    return code, out, err


def test_languages_have_equal_keys_and_placeholders():
    es, en = sentences("es"), sentences("en")
    assert es.keys() == en.keys()

    def placeholders(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert {k: placeholders(v) for k, v in es.items()} == {
        k: placeholders(v) for k, v in en.items()
    }


def test_every_sentence_is_used_and_every_one_used_exists():
    from pathlib import Path

    import micrograd_es

    root = Path(micrograd_es.__file__).parent
    files = [path for path in root.rglob("*") if path.suffix in (".py", ".js")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # such as f"end_{verdict}"
    families = {"help", "end", "rate", "role", "column", "picture", "page"}
    families |= {"cause", "check", "verdict"}
    for key in sentences("es"):
        in_family = key.partition("_")[0] in families or key.endswith("_title")
        assert in_family or re.search(rf"['\"]{key}['\"]", source), key


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "es"),
        ({"LANG": "C"}, "es"),
        ({"LANG": "C.UTF-8"}, "es"),
        ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "es_MX.UTF-8"}, "es"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "en_GB", "LANG": "es_ES"}, "en"),
        ({"LC_ALL": "es_ES", "LC_MESSAGES": "en_GB"}, "es"),
        ({"LC_ALL": "", "LANG": "en_US"}, "en"),
        ({"MICROGRAD_ES_LANG": "en", "LC_ALL": "es_ES"}, "en"),
    ],
)
def test_the_environment_chooses_the_language(environment, language):
    assert preferred_language(environment) == language


def test_the_main_job_tells_the_article_in_spanish(capsys):
    code, out, _ = told(capsys, "--lang", "es")
    assert code == 0
    chain, step = "= 1 · 1 · 1 · 4 = 4", "de 6 a 5,5 y el error de 5 a 4,5"
    for sentence in (chain, step, "40,0 %", "60,0 %", "w1 · w2 = 0,25"):
        assert sentence in out
    assert not re.search(r"\d\.\d", out)
    assert "\x1b" not in out


def test_the_main_job_tells_the_article_in_english(capsys):
    code, out, _ = told(capsys, "--lang", "en")
    assert code == 0
    for sentence in (
        "40.0 %",
        "from 6 to 5.5",
        "from 5 to 4.5",
        "Reached in",
        "bounces",
        "diverges",
    ):
        assert sentence in out
    assert not re.search(r"\d,\d", out)


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (["--lr", "5"], 1, "diverges"),
        (["--steps", "3"], 1, "Not reached in 3 steps"),
        (["--w1", "0", "--w2", "0"], 1, "saddle"),
        (["--x", "0"], 1, "gradient is zero"),
        (["--loss", "squared"], 0, "Reached"),
        (["--loss", "squared", "--lr", "0.2"], 1, "diverges"),
        (["--seed", "3"], 0, "Reached"),
        (["--w1", "-1e-3"], 0, "Reached"),
        (["--w1", "0.25"], 0, "Reached in 0 steps"),
    ],
)
@pytest.mark.parametrize("json_too", some([True, False]))
def test_options_and_exit_codes(capsys, options, code, says, json_too):
    found, out, err = told(capsys, "--lang", "en", *options, *["--json"] * json_too)
    assert (found, err) == (code, "")
    assert not re.search(r"\b(nan|inf|infinity)\b", out, re.IGNORECASE)
    assert json.loads(out) if json_too else says in out


extreme = st.sampled_from(["0", "1", "-0.5", "3", "1e-30", "1e6", "1e15", "-1e30", "1e30"])
flags = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(("--x", "--target", "--w1", "--w2"), extreme)
    | {"--lr": st.sampled_from(["0.1", "1e-30", "1e-9", "1e10", "1e30"])}
    | {"--loss": st.sampled_from(["absolute", "squared"]), "--steps": st.sampled_from(["1", "40"])},
)


@examples(25)
@given(flags, st.sampled_from(["es", "en"]), st.booleans())
def test_whatever_the_numbers_the_story_is_told_in_words_and_finite_numbers(
    options, language, json_too
):
    argv = [text for option in options.items() for text in option] + ["--lang", language]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main([*argv, *["--json"] * json_too])
    assert code in (0, 1)
    assert not re.search(r"\b(nan|inf|infinity)\b", out.getvalue(), re.IGNORECASE)
    assert not json_too or json.loads(out.getvalue())


@pytest.mark.parametrize(
    ("options", "es", "en"),
    [
        (["--foo"], "no conozco", "unknown argument"),
        (["foo"], "no conozco", "unknown argument"),
        (["--x", "a"], "espera un número", "expects a number"),
        (["--x"], "espera un número", "expects a number"),
        (["--x", "nan"], "espera un número", "expects a number"),
        (["--lr", "0"], "mayor que 0", "above 0"),
        (["--steps", "0"], "entero", "whole number"),
        (["--seed", "-1"], "entero", "whole number"),
        (["--loss", "cubic"], "espera uno de", "expects one of"),
        (["--x", "1e200"], "hasta 1e+30", "no larger than 1e+30"),
        (["--json=1"], "json", "json"),
    ],
)
def test_bad_arguments_exit_with_2_and_a_sentence(capsys, options, es, en):
    for language, sentence in (("es", es), ("en", en)):
        code, out, err = told(capsys, "--lang", language, *options)
        assert (code, out) == (2, "")
        assert sentence in err
    assert told(capsys, "--lang", "fr")[0] == 2


def test_json_holds_the_same_numbers_in_every_language(capsys):
    (_, es, _), (_, en, _) = (
        told(capsys, "--json", "--lang", language) for language in ("es", "en")
    )
    assert es == en
    found = json.loads(es)
    assert [p["gradient"] for p in found["responsibility"]["parameters"]] == [4.0, 6.0]
    assert found["descent"]["steps"][1]["output"] == pytest.approx(5.5, rel=1e-15)
    assert abs(found["descent"]["steps"][-1]["output"] - 1) < 1e-6
    assert found["climb"]["steepest"]["slope"] == pytest.approx(found["climb"]["length"], rel=1e-4)


def test_help_and_version_in_both_languages(capsys):
    assert told(capsys, "--help", "--lang", "es")[1].startswith("uso: ")
    assert told(capsys, "--help", "--lang", "en")[1].startswith("usage: ")
    assert re.fullmatch(r"micrograd-es \d+\.\d+\.\d+(\.dev\d+)?\n", told(capsys, "--version")[1])


def test_the_module_runs_even_where_the_terminal_writes_ascii_only():
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "micrograd_es"]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" not in done.stdout.replace(b"?\n", b"\n").replace(b"? ", b" ")  # but as questions
    assert b"dE/dw1 = dE/d(y - 1) * " in done.stdout


def test_a_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} -m micrograd_es | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.stderr == b""


def test_importing_the_package_does_not_import_numpy():
    code = "import sys, micrograd_es, micrograd_es.cli; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_first_step_is_the_article_s_and_its_rate_the_closed_form():
    lesson = Lesson()
    assert lesson.rate() == pytest.approx((52 - math.sqrt(2512)) / 192, rel=1e-14)
    run = descend(lesson, lesson.rate(), 500)
    assert (run.steps[1].output, run.steps[1].error) == (pytest.approx(5.5), pytest.approx(4.5))
    assert run.verdict == "reached"


finite = st.floats(-3, 3).filter(lambda x: abs(x) > 0.05)


@given(finite, finite, finite, finite, st.sampled_from(["absolute", "squared"]))
def test_the_default_rate_takes_a_tenth_off_the_error_or_is_a_hundredth(x, target, w1, w2, loss):
    lesson = Lesson(x=x, target=target, w1=w1, w2=w2, loss=loss)
    start, rate = lesson.at(w1, w2), lesson.rate()
    after = lesson.at(w1 - rate * start.g1, w2 - rate * start.g2)
    expected = start.output - (start.output - target) / 10
    assert rate == 0.01 or after.output == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(finite, finite, finite)
def test_no_direction_climbs_faster_than_the_gradient_and_its_length_is_the_slope(x, w1, w2):
    lesson = Lesson(x=x, w1=w1, w2=w2, loss="squared")
    found = climb(lesson, directions=72)
    degrees, slope = found.steepest
    assert slope <= found.length * (1 + 1e-6) + 1e-6
    if found.length > 1e-3:
        assert min(abs(degrees - found.degrees), 360 - abs(degrees - found.degrees)) <= 2.6
        assert slope >= found.length * math.cos(math.radians(2.6)) - 1e-5


def test_twice_the_rate_takes_half_the_steps_and_too_large_a_rate_bounces_or_diverges():
    runs = dict(sweep(Lesson(), Lesson().rate()).runs)
    told = {role: run.verdict for role, run in runs.items()}
    assert told == {role: role for role in ("slow", "bounces", "diverges")} | {
        "good": "reached",
        "twice": "reached",
    }
    assert runs["good"].last.number == 2 * runs["twice"].last.number


@pytest.mark.parametrize("factor", [0.5, 0.9, 1.1, 2.0])
def test_a_constant_rate_settles_on_the_squared_error_only_below_the_bound(factor):
    near = Lesson(w1=0.5, w2=0.5 * (1 + 1e-6), loss="squared")
    rate = factor * 2 / near.curvature(near.w1, near.w2)
    steps = descend(near, rate, 30, goal=0).steps
    assert (steps[-1].error < steps[0].error) == (factor < 1)


@pytest.mark.parametrize("loss", some(["absolute", "squared"]))
def test_the_bound_that_is_told_is_the_one_below_which_a_rate_settles(loss):
    for x, w1, w2 in ((4.0, 1.5, 1.0), (-2.0, 0.5, 0.25), (1.0, 3.0, -1.0)):
        story = tell(Lesson(x=x, w1=w1, w2=w2, loss=loss), 0.01, 50)
        last, told = story.descent.last, as_dict(story)["stability"]
        measured = 2 * x * x * (last.w1**2 + last.w2**2)
        assert told["curvature"] == pytest.approx(measured)
        assert told["bound"] * measured == pytest.approx(2.0)


def test_the_field_is_centred_on_the_start():
    grid = field(Lesson())
    assert (grid[2][2].w1, grid[2][2].w2, grid[2][2].length) == (1.5, 1.0, math.hypot(4, 6))


def test_drawings():
    assert [arrow(*d) for d in ((1, 0), (1, 1), (0, 1), (-1, 0), (0, -1), (0, 0))] == list("→↗↑←↓·")
    drawn = curve([1.0, 0.0], width=4, height=2)
    assert [len(line) for line in drawn] == [4, 4]
    assert drawn[0][0] != "⠀" != drawn[1][-1]
    assert curve([2.0], width=3, height=1) == ["⠉⠉⠉"]


def test_numbers_are_written_as_the_language_writes_them():
    assert (Language("es").number(1.5), Language("en").number(1.5)) == ("1,5", "1.5")
    assert [Language("en").number(x) for x in (-0.0, math.inf, -math.inf)] == ["0", "∞", "-∞"]
    with pytest.raises(ValueError, match="es, en"):
        Language("fr")
