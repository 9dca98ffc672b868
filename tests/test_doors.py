"""Who does not use the package pays nothing for it: pytest and hypothesis import it when asked."""

import subprocess
import sys

import pytest

OURS = "[name for name in sys.modules if name.partition('.')[0] == 'micrograd_es']"


def run(*arguments, **more):
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, **more)


def test_the_doors_themselves_import_nothing():
    code = "import sys; a = {*sys.modules}; import micrograd_es_doors; print(*{*sys.modules} - a)"
    assert {*run("-c", code).stdout.split()} <= {"micrograd_es_doors", "__future__"}


def test_importing_hypothesis_imports_none_of_the_package():
    done = run("-c", f"import hypothesis, sys; print({OURS})")
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_foreign_project_s_tests_run_without_the_package_and_its_own_may_import_it(tmp_path):
    (tmp_path / "test_foreign.py").write_text(
        f"import sys\nimport hypothesis\nBEFORE = {OURS}\n"
        "def test_nothing_of_ours_is_there():\n    assert BEFORE == []\n"
        f"def test_it_can_be_imported():\n    import micrograd_es\n    assert {OURS}\n"
    )
    done = run("-m", "pytest", "-q", cwd=tmp_path)
    assert "2 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("first", ["hypothesis", "micrograd_es"])
def test_hypothesis_draws_a_value_whichever_is_imported_first(first):
    second = "micrograd_es" if first == "hypothesis" else "hypothesis"
    code = (
        f"import {first}, {second}\n"
        "from hypothesis import find, strategies\n"
        "print(find(strategies.from_type(micrograd_es.Value), lambda v: v.data > 3))"
    )
    done = run("-c", code)
    assert (done.stdout.startswith("Value(data="), done.stderr) == (True, "")


def test_the_laws_let_the_plugin_in_without_an_option():
    laws = ["--pyargs", "micrograd_es.testing.laws", "-k", "reuse"]
    done = run("-m", "pytest", *laws)
    assert ": 2 kept" in done.stdout, done.stdout


@pytest.mark.parametrize(
    "module",
    ["signal", "micrograd_es.errors", "micrograd_es.lesson.story", "micrograd_es.cli", "json"],
)
def test_an_interrupt_while_the_command_is_imported_shows_no_traceback(module):
    code = (
        "import os, signal, sys\n"
        "class Interrupt:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupt())\n"
        f"sys.modules.pop({module!r}, None)\n"
        "from micrograd_es_doors import main\n"
        "sys.exit(main())"
    )
    done = run("-c", code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
