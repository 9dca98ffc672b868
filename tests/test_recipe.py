"""The recipe of CONTRIBUTING.md, carried out on a copy of the tree."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.amount import THOROUGH

ROOT = Path(__file__).parent.parent
RECIPE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
USED = """
import micrograd_es as me
from micrograd_es import nn, Value, draw
from micrograd_es.cli.expression import FUNCTIONS

assert "softsign" in me.__all__ and me.softsign(3.0) == 0.75
assert Value(-1.0).softsign().data == FUNCTIONS["softsign"](-1.0) == -0.5
net = nn.MLP(2, [3, 1], activation="softsign")
for backend in ("python", "numpy", "llvm"):
    program = me.compile(lambda x, z: net([x, z]), net.parameters(), backend=backend)
    value, slopes = program.value_and_grad([0.5], [-2.0])
    output = net([0.5, -2.0])
    output.backward()
    assert abs(value - output.data) < 1e-12
    assert all(abs(s - p.grad) < 1e-12 for s, p in zip(slopes, net.parameters(), strict=True))
    net.zero_grad()
assert "softsign" in draw.graph(output)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The tree, with the two lines of the recipe where it says."""
    copy = tmp_path_factory.mktemp("recipe") / "tree"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
    row, truth = re.findall(r"```python\n +?(softsign.*| {4}\"softsign.*)\n", RECIPE)
    for place, mark, line in (
        ("micrograd_es/primitives.py", "# fmt: on\n", f"{row}\n# fmt: on\n"),
        ("benchmarks/truth.py", "TRUTH: dict[str, Callable[..., arb]] = {\n", None),
    ):
        text = (copy / place).read_text(encoding="utf-8")
        before, found, after = text.rpartition(mark)
        assert found
        (copy / place).write_text(before + (line or f"{found}{truth}\n") + after, encoding="utf-8")
    run(copy, "docs/tables.py")
    return copy


def run(copy, *words):
    done = subprocess.run(
        [sys.executable, *words], cwd=copy, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_row_is_public_a_method_an_activation_compiled_and_drawn(copy):
    run(copy, "-c", USED)
    for page in ("primitives.md", "primitives.es.md"):
        assert "softsign" in (copy / "docs" / page).read_text(encoding="utf-8")


def test_the_laws_hold_it_to_what_they_hold_all_rows_to(copy):
    words = (
        ["tests", "-k", "softsign or house"]
        if THOROUGH
        else ["tests/test_primitives.py", "-k", "softsign"]
    )
    run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words)
