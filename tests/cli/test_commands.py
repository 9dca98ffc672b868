"""The command line never shows a traceback: whatever it is given, and wherever it has to write."""

import contextlib
import io
import itertools
import re
import signal
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es.cli import commands, options
from micrograd_es.cli.commands import main
from micrograd_es.cli.options import COMMANDS, OPTIONS, options_of
from micrograd_es.texts import LANGUAGES, Language, excerpt
from tests.support.amount import some

MODULE = [sys.executable, "-m", "micrograd_es"]


def shell(words, redirected):
    """Run the command in a shell, with its streams led elsewhere."""
    line = f"{' '.join(MODULE)} {words} {redirected}"
    return subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)


# ---- where it writes -----------------------------------------------------------------------------


@pytest.mark.parametrize("words", some(["", "--json", "explain", "plot field", "plot --help"]))
@pytest.mark.parametrize(
    ("redirected", "reason"), [(">&-", "Bad file descriptor"), (">/dev/full", "No space left")]
)
def test_a_closed_or_full_stdout_is_a_sentence(words, redirected, reason):
    done = shell(f"{words} --lang en", redirected)
    assert done.returncode == 2
    assert done.stderr.startswith(f"micrograd-es: could not write the output: {reason}")
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("words", some(["--nope", "plot nothing"]))
@pytest.mark.parametrize(
    "redirected", ["2>&-", "2>/dev/full", ">&- 2>&-", ">/dev/full 2>/dev/full"]
)
def test_where_nothing_can_be_said_the_exit_code_still_says_it(words, redirected):
    done = shell(words, redirected)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("words", some(["", "--json", "explain", "plot errors", "--help"]))
def test_a_reader_that_leaves_at_once_is_no_error(words):
    done = shell(words, "| true; exit ${PIPESTATUS[0]}")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_an_interrupt_ends_it_without_a_traceback(sent, code, tmp_path):
    slow = "import time\ndef f(x):\n    print('here', flush=True)\n    time.sleep(60)\n"
    (tmp_path / "slow.py").write_text(slow)
    running = subprocess.Popen(
        [*MODULE, "check", "slow:f", "--at", "1"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert running.stderr.readline() == "here\n"
    running.send_signal(sent)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (code, "", "")


# ---- what it checks ------------------------------------------------------------------------------

FAULTS = {
    "exit": "raise SystemExit(3)",
    "exit_by_sys": "__import__('sys').exit('bye')",
    "arithmetic": "1 / 0",
    "missing": "import nothing_of_that_name",
    "base": "class Rare(BaseException): pass\nraise Rare('rare')",
    "generator": "raise GeneratorExit",
    "recursion": "def f(): f()\nf()",
    "mute": "class Mute(Exception):\n    def __str__(self): 1 / 0\nraise Mute",
    "empty": "raise ValueError",
    "lines": "raise ValueError('one\\ntwo\\x1b[31m')",
    "long": "raise ValueError('x' * 10**6)",
    "group": "raise ExceptionGroup('all', [ValueError('one')])",
    "braces": "raise KeyError('{nothing}')",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def refused(capsys, *argv):
    """Return the sentence by which the command refuses."""
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    sentence, see_help = err.splitlines()
    assert (out, "--help" in see_help) == ("", True)
    return sentence


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_checked_module_or_function_raises_is_a_sentence(name, language, folder, capsys):
    (folder / f"import_{name}.py").write_text(FAULTS[name])
    inside = "".join(f"    {line}\n" for line in FAULTS[name].split("\n"))
    (folder / f"call_{name}.py").write_text(f"def g(x):\n{inside}")
    for text in (f"import_{name}:g", f"import_{name}.py:g"):
        told = refused(capsys, "check", text, "--at", "1", "--lang", language)
        assert {"es": "no se pudo cargar", "en": "could not load"}[language] in told
        assert len(told) < 500
    told = refused(capsys, "check", f"call_{name}:g", "--at", "1", "--lang", language)
    assert {"es": "g en (1.0) lanza", "en": "g at (1.0) raises"}[language] in told
    deep = name == "recursion" and sys.gettrace() is not None  # then the tracer recurs too deeply
    assert deep or f"call_{name}.py:" in told
    assert len(told) < 500
    assert "\x1b" not in told


@pytest.mark.parametrize("source", ["(", "\0", "x = '", "\tx\n y", "# coding: nothing"])
def test_a_file_that_is_no_python_is_a_sentence(source, folder, capsys):
    (folder / "broken.py").write_text(source)
    for text in ("broken:f", "broken.py:f"):
        assert "could not load" in refused(capsys, "check", text, "--at", "1", "--lang", "en")


def test_an_interrupt_inside_the_function_is_an_interrupt(folder, capsys):
    (folder / "stopped.py").write_text("def f(x): raise KeyboardInterrupt")
    (folder / "stopped_at_once.py").write_text("raise KeyboardInterrupt")
    for module in ("stopped", "stopped_at_once"):
        assert main(["check", f"{module}:f", "--at", "1"]) == 130
    assert capsys.readouterr() == ("", "")


def test_a_module_that_closes_stderr_is_refused_by_the_exit_code(folder):
    (folder / "shut.py").write_text("import sys\nsys.stderr.close()\n1 / 0")
    done = shell("check shut:f --at 1", "")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize(
    "words",
    some(["check nothing:f --at 1", "check math:sqrt --at 4 --gradient 0.25", "page -o a.html"]),
)
def test_a_folder_that_is_gone_is_no_traceback(words, tmp_path):
    gone = tmp_path / "gone"
    line = f"mkdir {gone} && cd {gone} && rmdir {gone} && {' '.join(MODULE)} {words}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 2)
    assert "Traceback" not in done.stderr


# ---- what it is given ----------------------------------------------------------------------------

LONG = [
    "a" * 100_000,
    "1" * 100_000,
    "0" * 100_000 + "x",
    "\x1b[31m" * 5000,
    "é́" * 3000,
    "[" * 9999,
]
PLACES = [[row.label] for row in options_of("") if row.type and row.name != "lang"]
PLACES += [[], ["plot"], ["plot", "field", "-o"], ["page", "-o"], ["page", "-o", "a.html", "--at"]]
PLACES += [["page", "-o", "a.html", "--expression"], ["check"], ["check", "math:sqrt", "--at"]]


@pytest.mark.parametrize("place", PLACES, ids=" ".join)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_argument_of_any_length_is_refused_in_a_short_sentence(place, language, capsys):
    for text in LONG:
        told = refused(capsys, *place, text, "--lang", language)
        assert len(told) < 1000
        assert "\x1b" not in told
    refused(capsys, *place, "--" + LONG[0], "--lang", language)


def test_a_file_whose_name_is_too_long_for_the_disk_is_a_sentence(capsys, tmp_path):
    for name in ("a" * 300, "b/" * 3000 + "c"):
        told = refused(capsys, "page", "-o", f"{tmp_path}/{name}.html", "--lang", "en")
        assert "could not write" in told
        assert len(told) < 200


MISTYPED = [
    ("explian", "explain"), ("chekc", "check"), ("--stpes 3", "--steps"), ("--Loss a", "--loss"),
    ("--loss sqared", "squared"), ("--loss ABSOLUTE", "absolute"), ("--lang eng", "en"),
    ("plot surfaec", "surface"), ("plot Sadle", "saddle"), ("plot field --outptu a", "--output"),
    ("page -o a.html --expresion a", "--expression"), ("check math:sqtr --at 4", "sqrt"),
    ("check maht:sqrt --at 4", "math"), ("check mnie.py:f --at 4", "mine.py"),
    ("check mnie:f --at 4", "mine"), ("check mine:losss --at 4", "loss"),
    ("check mine.py:los --at 4", "loss"), ("check math:sqrt --att 4", "--at"),
    ("check numpy.lnalg:norm --at 4", "linalg"), ("check numpi:sqrt --at 4", "numpy"),
    ("check pack.mdoel:loss --at 4", "model"), ("check pakc.model:loss --at 4", "pack"),
    ("check pack/modle.py:loss --at 4", "model.py"), ("check needs:loss --at 4", "json"),
    ("check reads:loss --at 4", "mine.py"), ("help", "--help"), ("explain version", "--version"),
    ("steps=3", "--steps"), ("plot field output=a.svg", "--output"),
    ("page -o a.html --expression tnah(a) --at a=1", "tanh"),
    ("page -o a.html --expression alfa+1 --at alpha=1", "alpha"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "meant"), MISTYPED)
def test_a_mistyped_name_is_answered_with_the_nearest_one(
    words, meant, folder, capsys, monkeypatch
):
    (folder / "pack").mkdir()
    for name in ("mine", "pack/model", "pack/__init__"):
        (folder / f"{name}.py").write_text("def loss(x): return x")
    (folder / "needs.py").write_text("import jsno")
    (folder / "reads.py").write_text("open('mien.py')")
    for language, question in (("en", 'Did you mean "{}"?'), ("es", "¿Querías decir «{}»?")):
        monkeypatch.setenv("MICROGRAD_ES_LANG", language)
        assert question.format(meant) in refused(capsys, *words.split())


def test_a_name_that_is_like_no_other_gets_no_advice(capsys):
    for words in ("qqqqqq", "--qqqqqq", "plot qqqqqq", "--loss qqqqqq", "check qqqqqq:f --at 1"):
        assert "mean" not in refused(capsys, *words.split(), "--lang", "en")


def test_a_command_after_an_option_is_told_to_come_first(capsys):
    told = refused(capsys, "--x", "2", "explain", "--lang", "en")
    assert told == "micrograd-es: the command comes first: micrograd-es explain …"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_given_at_every_level_and_width(command, flag, capsys, monkeypatch):
    words = command.split()
    for width, language in itertools.product((*range(1, 30, 4), 80, 200), LANGUAGES):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main([*words, flag, "--lang", language]) == 0
        out, err = capsys.readouterr()
        assert (out.startswith({"es": "uso: ", "en": "usage: "}[language]), err) == (True, "")
        for row in options_of(command):
            assert row.name in out or not row.names.startswith("-")
    for faulty in (["--nope"], ["--lr", "x"], ["one", "two"]):
        assert main([*words, *faulty, flag]) == 0
    assert capsys.readouterr().err == ""


# ---- the table ---------------------------------------------------------------------------------


def start(command):
    """Return the words of a command with what it needs, so that one more word is what is judged."""
    words = {"plot": "plot field", "check": "check math:sqrt --at 4", "page": "page -o a.html"}
    return words.get(command, command).split()


BELONGS = [(row, command) for row in OPTIONS for command in row.commands]


@pytest.mark.parametrize(("row", "command"), BELONGS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_is_in_the_help_of_its_command(row, command, language, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert main([*command.split(), "--help", "--lang", language]) == 0
    facts = {"endings": ", ".join(map(str, row.allowed)), "default": row.default}
    told = re.escape(Language(language).say(f"help_{row.help}", **facts))
    name = row.label if row.names.startswith("-") else "[A-ZÓ:]+"
    assert re.search(rf"{name}( \[[^]]*\])? {told}", " ".join(capsys.readouterr().out.split()))


KNOWN = {command: {row.name for row in options_of(command)} for command in COMMANDS}
FOREIGN = [
    (row, command)
    for row in OPTIONS
    for command in COMMANDS
    if row.names.startswith("-") and row.name not in KNOWN[command]
]


@pytest.mark.parametrize(("row", "command"), FOREIGN)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_is_refused_by_name_where_it_does_not_belong(row, command, language, capsys):
    for words in ([row.label], [row.label, "1"], [f"{row.label}=1"]):
        told = refused(capsys, *start(command), *words, "--lang", language)
        assert f"{command} {row.label}".lstrip() in told


WRONG = {
    options.number: ["a", "", "inf", "1e400", "0x1"], options.rate: ["a", "", "0", "-1"],
    options.integer: ["1.5", "", "-1", "9" * 19, "²"], options.choice: ["qqq", "", "ES"],
    options.file: ["a.gif", "", "html"], options.letter: ["a", "", "1=2", "a=b"],
    options.function: ["sqrt", ""],
}  # fmt: skip
BAD = [(row, command, word) for row, command in BELONGS for word in WRONG.get(row.type, ())]


def test_every_type_but_str_refuses_something():
    assert {row.type for row in OPTIONS} == {None, str, *WRONG}


@pytest.mark.parametrize(("row", "command", "word"), BAD)
def test_a_wrong_word_is_refused_with_the_word_and_what_was_expected(row, command, word, capsys):
    named = row.names.startswith("-")
    words = [*start(command), f"{row.names.split()[-1]}={word}"] if named else [command, word]
    for language, expects in (("es", "espera"), ("en", "expects")):
        told = refused(capsys, "--lang", language, *words)
        assert expects in told or row.name == "lang"  # which is told in the environment's language
        assert word.rpartition("=")[2][:60] in told


@pytest.mark.parametrize("command", COMMANDS)
def test_the_language_may_be_named_before_and_after_the_command(command, capsys):
    told = []
    for language in LANGUAGES:
        rest = [*start(command)[1:], "--version", "--nope"]
        for words in (
            ["--lang", language, *command.split(), *rest, "--help"],
            [*command.split(), "--lang", language, *rest, "--help"],
            [*command.split(), *rest, "--help", f"--lang={language}"],
        ):
            assert main(words) == 0
            told.append(capsys.readouterr().out)
    assert told[0] == told[1] == told[2] != told[3] == told[4] == told[5]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_language_is_refused_before_and_after_the_command(command, capsys):
    for words in (["--lang", "fr", *start(command)], [*start(command), "--lang", "fr"]):
        assert '"fr"' in refused(capsys, *words) or "«fr»" in refused(capsys, *words)


SWITCHES = ["--json=1", "plot --help=no", "check --json=x"]
SWITCHES += ["-hx"] * (sys.version_info < (3, 13))  # since then argparse shows help


@pytest.mark.parametrize("words", SWITCHES)
def test_a_switch_takes_no_value_in_either_language(words, capsys):
    assert "takes no value" in refused(capsys, *words.split(), "--lang", "en")
    assert "no lleva ningún valor" in refused(capsys, *words.split(), "--lang", "es")


WORDS = [*filter(None, COMMANDS), "picture", "function", "-o", "-h"]
WORDS += [word for row in OPTIONS if row.type is options.choice for word in row.allowed]
WORDS += [f"--{row.name}" for row in OPTIONS]
WORDS += [
    "math:sqrt",
    "micrograd_es:tanh",
    "no:no",
    ":",
    "1",
    "-1",
    "4.5",
    "1e400",
    "a=1",
    "a",
    "--",
]
WORDS += ["a*b", "log(a)", "a.html", "a.svg/", "-", "", "--x=", "--lr=0", "--at=1", "=", "-oa.gif"]


@given(
    st.lists(st.sampled_from(WORDS) | st.text(st.characters(exclude_characters="\0")), max_size=6)
)
def test_no_words_make_it_raise(words):
    streams = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        code = main([*words, "-h"] if "-o" in words else words)  # no files here
    assert code in (0, 1, 2)
    out, err = (stream.getvalue() for stream in streams)
    assert bool(err) == (code == 2)
    assert "Traceback" not in out + err


def test_a_version_is_told_even_of_what_was_never_installed(capsys, monkeypatch):
    def missing(name):
        raise commands.PackageNotFoundError(name)

    monkeypatch.setattr(commands, "version", missing)
    assert main(["--version", "--lang", "en"]) == 0
    assert capsys.readouterr().out == "micrograd-es (not installed: no version)\n"


@given(st.text(), st.integers(1, 80))
def test_an_excerpt_is_one_printable_line(text, most):
    found = excerpt(text, most)
    assert found.isprintable()
    assert len(found) <= most + 1
