"""The house itself: imports go down only, README code runs, public docstrings' examples hold, both
READMEs match.
"""

import ast
import doctest
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "micrograd_es"

FLOORS = [
    {"errors", "floats", "files", "measure", "collector"},
    {"gate", "language"},
    {"value"},
    {"makers"},
    {"primitive"},
    {"primitives"},
    {"arrays"},
    {"notation", "taylor"},
    {"functions", "diagnosis"},
    {"fields", "attribution", "check", "nn", "losses", "optim"},
    {"explanation", "row_check"},
    {"draw.terminal", "draw.layout"},
    {"draw.graph", "draw.sheet", "expression"},
    {"draw.steps"},
    {"draw.text", "draw.page", "draw.plots"},
    {"draw"},
    {"compiler.symbols", "compiler.arguments", "compiler.code", "compiler.hiding"},
    {"compiler.trace"},
    {"compiler.linear"},
    {"compiler.forms", "compiler.matrices", "compiler.python_backend", "compiler.export"}
    | {"compiler.replay"},
    {"compiler.lowering", "compiler.numpy_backend", "compiler.machine", "compiler.columns"},
    {"compiler.instructions"},
    {"compiler.kernel"},
    {"compiler.straight_line", "compiler.interpreter"},
    {"compiler.llvm_backend", "compiler.descent"},
    {"compiler.program"},
    {"compiler"},
    {"testing.programs"},
    {"testing.oracles", "testing.engines", "testing.strategies", "testing.mutants"},
    {"testing", "testing.law"},
    {"testing.graph_laws", "testing.function_laws"},
    {"testing.machine_laws"},
    {"testing.laws"},
    {"testing.plugin"},
    {"lesson"},
    {"story", "board"},
    {"drawings", "lesson_page"},
    {"gallery", "options"},
    {"cli"},
    {"__main__"},
    {"__init__"},  # the front door: it names, and holds no logic
]
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}


def room(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


MODULES = {room(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def test_every_room_has_its_floor():
    assert MODULES.keys() == FLOOR.keys()


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


@pytest.mark.parametrize("name", MODULES)
def test_imports_go_down_only(name):
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    typing_only = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node in typing_only or not node.module:
            continue
        if node.module == "micrograd_es":
            below = [alias.name for alias in node.names if alias.name in FLOOR]
        elif node.module.startswith("micrograd_es."):
            below = [node.module.removeprefix("micrograd_es.")]
        else:
            continue
        for other in below:
            assert FLOOR[other] < FLOOR[name], f"{name} imports {other}"


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


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)


PAGES = [("README.md", "README.es.md"), ("docs/testing.md", "docs/testing.es.md")]
PAGES += [("docs/compiler.md", "docs/compiler.es.md")]


@pytest.mark.parametrize("page", [page for pair in PAGES for page in pair])
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
