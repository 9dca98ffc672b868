"""The house itself: imports go down only, README code runs, public docstrings' examples hold, both
READMEs match.
"""

import ast
import doctest
import importlib
import inspect
import re
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.support.amount import some

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "micrograd_es"

BOOK = [  # in reading order
    *("tiny", "errors", "files", "collector", "coercion", "value", "primitive", "nodes", "jets"),
    *("floats", "primitives", "arrays", "operators", "structures", "taylor", "functions"),
    *("optim", "fields", "nn", "losses"),
]
ANNEXES = {"files", "collector", "jets", "floats", "structures", "taylor"}  # looked up, not read
USES = ["texts", "explanation", "check", "compiler", "draw", "lesson", "testing", "cli"]
CIRCLE = {"value", "primitive", "nodes"}  # a row makes nodes, a node knows its row
DOORS = {"__init__", "__main__"}  # the front door names, and holds no logic


def room(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {room(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def test_the_top_level_is_the_book_and_a_folder_is_a_use_of_it():
    assert {path.stem for path in PACKAGE.glob("*.py")} == {*BOOK, *DOORS}
    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} == {*USES}


def test_the_extra_of_the_benchmarks_installs_all_that_they_and_the_package_import():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["bench"]]
    installed = {re.split("[=>]", name)[0].removeprefix("python-") for name in listed}
    names = set()
    for path in [*ROOT.glob("benchmarks/*.py"), *PACKAGE.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(node.module)
    own = {"micrograd_es", "micrograd_es_doors", "benchmarks", "pytest"}  # which runs our plugin
    foreign = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - own
    assert foreign <= installed


def imports_of(path: Path) -> set[str]:
    """The rooms of the package that a file imports, for type checkers or anywhere in a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module="micrograd_es", names=names):
                found |= {name.name for name in names if name.name in {*BOOK, *USES}}
            case ast.ImportFrom(module=str(module)) if module.startswith("micrograd_es."):
                inside = (
                    f"{module.removeprefix('micrograd_es.')}.{name.name}" for name in node.names
                )
                found |= {module.removeprefix("micrograd_es."), *MODULES.keys() & {*inside}}
            case ast.Call(
                func=ast.Name(id="import_module"), args=[ast.Constant(value=str(module))]
            ) if module.startswith("micrograd_es."):
                found.add(module.removeprefix("micrograd_es."))
    return found - {"declarations"}  # a stub


@pytest.mark.parametrize("name", [*BOOK])
def test_a_file_of_the_book_imports_only_what_stands_before_it(name):
    before = {*BOOK[: BOOK.index(name)]} | (CIRCLE if name in CIRCLE else set())
    assert imports_of(MODULES[name]) <= before


@pytest.mark.parametrize("use", USES)
def test_a_folder_imports_the_book_and_the_folders_before_it(use):
    before = USES[: USES.index(use)]
    for name, path in MODULES.items():
        if name.partition(".")[0] != use:
            continue
        for other in imports_of(path):
            top = other.partition(".")[0]
            assert top in {*BOOK, *before, use} or (use, top) == ("cli", "testing"), (name, other)
            assert other != use, f"{name} imports its own front door"
    assert use == "cli" or "testing" not in before


@pytest.mark.parametrize("use", USES)
def test_files_of_a_folder_import_each_other_one_way_only(use):
    inside = {
        name: {other for other in imports_of(path) if other.startswith(f"{use}.")}
        for name, path in MODULES.items()
        if name.startswith(f"{use}.") and not path.stem.startswith("__")
    }
    assert [*TopologicalSorter(inside).static_order()]  # CycleError names a circle


@pytest.mark.parametrize("name", BOOK)
def test_a_file_of_the_book_runs_as_a_script(name):
    """So no name beside it hides one of the standard library."""
    done = subprocess.run([sys.executable, MODULES[name]], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("use", USES)
def test_a_folder_says_what_one_can_do_here_and_in_which_order_to_read(use):
    folder = MODULES[use].parent
    for door in folder.rglob("__init__.py"):
        said = ast.get_docstring(ast.parse(door.read_text(encoding="utf-8")))
        for path in door.parent.glob("*.py"):
            assert path.name == "__init__.py" or path.name in said, (
                f"{door} does not say {path.name}"
            )


def test_the_book_reads_in_an_afternoon(capsys):
    read = [name for name in BOOK if name not in ANNEXES]
    lines = {name: len(MODULES[name].read_text(encoding="utf-8").splitlines()) for name in read}
    with capsys.disabled():
        print(f"\nthe book: {sum(lines.values())} lines, {lines}")  # noqa: T201  # README says it
    assert sum(lines.values()) <= 3000
    assert "at most 3,000 lines" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "3000 líneas como mucho" in (ROOT / "README.es.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in MODULES if name != "__main__"])
def test_examples_in_docstrings_hold(name):
    module = importlib.import_module(
        "micrograd_es" if name == "__init__" else f"micrograd_es.{name}"
    )
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", ["primitives.md", "primitives.es.md"])
def test_the_table_in_the_docs_is_current(name):
    from docs.tables import page

    told = page("es" if ".es." in name else "en")
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == told, "run docs/tables.py"


def test_what_type_checkers_read_is_what_is_there():
    import micrograd_es
    from docs import stubs
    from micrograd_es import operators

    assert (PACKAGE / "__init__.pyi").read_text() == stubs.front_door(), "run docs/tables.py"
    assert (PACKAGE / "declarations.pyi").read_text() == stubs.declarations(), "run docs/tables.py"
    declared = re.findall(r"import (\w+) as|^(\w+):", stubs.front_door(), re.MULTILINE)
    declared = [name or row for name, row in declared]
    assert {*micrograd_es.__all__} == {*declared} - {
        "operators",
        "abs",
        "round",
        "compile",
        "Program",
    }
    assert all(hasattr(micrograd_es, name) for name in declared)
    attached = re.findall(r"def (\w+)\(", stubs.declarations())
    assert all(callable(getattr(micrograd_es.Value, name)) for name in attached)
    assert {*operators.METHODS} <= {*attached}


def test_what_is_declared_more_closely_takes_what_the_function_takes():
    import micrograd_es

    body = ast.parse((PACKAGE / "signatures.pyi").read_text(encoding="utf-8")).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    assert functions
    for node in functions:
        taken = [*inspect.signature(getattr(micrograd_es, node.name)).parameters]
        given = [arg.arg for arg in node.args.args]
        optional = [name for name in taken if name == "argnums"]  # an overload leaves it out
        assert taken in (given, [*given, *optional]), node.name


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


PAGES = [("README.md", "README.es.md"), ("docs/testing.md", "docs/testing.es.md")]
PAGES += [("docs/compiler.md", "docs/compiler.es.md")]


@pytest.mark.parametrize("page", some([page for pair in PAGES for page in pair], 2))
def test_the_code_of_a_page_runs_and_prints_what_it_says(page, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # it writes a picture
    monkeypatch.setenv("MICROGRAD_ES_LANG", "es" if ".es." in page else "en")
    namespace: dict[str, object] = {"__name__": "page"}
    found = blocks(ROOT / page, "python")
    assert len(found) >= 3
    for block in found:
        exec(compile(block, page, "exec"), namespace)
        printed = capsys.readouterr().out.splitlines()
        promised = re.findall(r"#> ?(.*)", block)
        assert [line.rstrip() for line in printed] == [line.rstrip() for line in promised]


@pytest.mark.parametrize("pair", PAGES, ids=lambda pair: pair[0])
def test_both_languages_hold_the_same_code_and_the_same_sections(pair):
    one, other = (ROOT / page for page in pair)

    def code(path):
        return [re.sub(r"#.*", "", block) for block in blocks(path, "python")] + blocks(path, "sh")

    def levels(path):
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        return re.findall(r"^(#+) ", text, re.MULTILINE)

    assert code(one) == code(other)
    assert levels(one) == levels(other)


def test_both_languages_of_the_contributing_page_hold_the_same_code_rows_and_sections():
    def shape(name):
        page = (ROOT / name).read_text(encoding="utf-8")
        code = re.findall(r"^ *```\w+\n.*?```", page, re.DOTALL | re.MULTILINE)
        prose = re.sub(r"^ *```\w+\n.*?```", "", page, flags=re.DOTALL | re.MULTILINE)
        rows = [re.findall(r"`[^`]+`", row) for row in re.findall(r"^\|.*", prose, re.MULTILINE)]
        return code, rows, re.findall(r"^(?:#+|\d\.|-) ", prose, re.MULTILINE)

    assert shape("CONTRIBUTING.md") == shape("CONTRIBUTING.es.md")
    assert all(shape("CONTRIBUTING.md"))


WRITTEN = {"accuracy.md", "conformance.md", "primitives.md", "primitives.es.md", "scaling.md"}


def test_prose_ends_by_column_100():
    """Not so code, tables, pictures, and the pages that scripts write."""
    pages = [*ROOT.glob("*.md"), *ROOT.glob("tests/*.md"), *ROOT.glob("docs/**/*.md")]
    long = {}
    for path in pages:
        text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        lines = [line for line in text.splitlines() if line[:1] not in ("|", "!")]
        if path.name not in WRITTEN and (found := [line for line in lines if len(line) > 100]):
            long[path.name] = found
    assert not long


def test_every_lint_exception_carries_its_reason_on_its_line():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    rules = project[project.index("\nignore = [") :].splitlines()
    silent = [line for line in rules if re.match(r' *"\S+["\]]', line) and "#" not in line]
    for path in [*PACKAGE.rglob("*.py"), *ROOT.glob("*/*.py")]:
        text = path.read_text(encoding="utf-8")
        silent += re.findall(r".*# (?:noqa|type: ignore)[^#\n]*$", text, re.MULTILINE)
    assert not silent
