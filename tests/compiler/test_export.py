"""A program as text gives what the program gives."""

import ctypes
import math
import random
import shutil
import subprocess

import pytest
from hypothesis import given

import micrograd_es as me
from micrograd_es import Value
from micrograd_es.primitives import TABLE
from micrograd_es.testing import strategies
from micrograd_es.testing.programs import grow
from tests.support.amount import examples
from tests.support.every_backend import (
    FUNCTIONS,
    compile,
    compile_lines,
)


def test_a_program_is_printed_as_python_that_gives_what_it_gives():
    a, b = Value(2.0), Value(3.0)
    program = compile(lambda x: me.tanh(a * x + b) - 1 * (a * x + b), [a, b], backend="python")
    printed = str(program)
    assert printed.splitlines()[0] == "# 12 operations as traced, 8 as compiled"
    assert printed.splitlines()[1] == "def value_and_grad(x, p):"
    assert printed.count("tanh(") == 1
    names: dict = {"tanh": math.tanh, "sech2": TABLE["sech2"]}
    exec(printed, names)
    value, slopes = names["value_and_grad"](0.5, [2.0, 3.0])
    assert (value, slopes) == (program([0.5]), program.value_and_grad([0.5])[1].tolist())


def test_nothing_is_simplified_that_changes_a_nan():
    w = Value(1.0)
    program = compile(lambda x: 0 * x + w, [w], on_nonfinite="return")
    assert math.isnan(program([math.inf]))
    short = compile(lambda x: --(x * 1) / 1 + 0 - 0, [w])  # noqa: B002  # twice negated
    assert short.linear.after == 0


@examples(30)
@given(strategies.programs(FUNCTIONS))
def test_numpy_and_jax_texts_give_what_the_program_gives(program):
    compiled = compile_lines(program, "numpy")
    value, slopes = compiled.value_and_grad()
    names: dict = {}
    exec(compiled.source("numpy"), names)
    got, found = names["value_and_grad"]([*program.point])
    assert float(got) == pytest.approx(value, rel=1e-12, abs=1e-13)
    scale = max(map(abs, slopes))
    assert [*map(float, found)] == pytest.approx(slopes.tolist(), rel=1e-11, abs=1e-13 * scale)


def test_a_text_in_a_language_nobody_speaks_is_refused(line):
    with pytest.raises(
        ValueError, match="language 'fortran': expected one of python, numpy, jax, c"
    ):
        line.source("fortran")
    assert line.source("c").count("pow(") == 0  # squares are products
    assert "import jax.numpy as jnp" in line.source("jax")


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_c_text_gives_what_the_program_gives(tmp_path):
    rng = random.Random(5)
    made = [
        grow(rng.choice, lambda: round(rng.uniform(-4, 4), 3), FUNCTIONS, most=14)
        for _ in range(12)
    ]
    for i, program in enumerate(made):
        compiled = compile_lines(program, "numpy")
        text = compiled.source("c").replace("void value_and_grad", f"void f{i}")
        (tmp_path / f"f{i}.c").write_text(text)
    files = [str(tmp_path / f"f{i}.c") for i in range(len(made))]
    library = str(tmp_path / "all.so")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, *files, "-lm"], check=True)
    loaded = ctypes.CDLL(library)
    for i, program in enumerate(made):
        value, slopes = compile_lines(program, "numpy").value_and_grad()
        size = len(program.point)
        p, out = (ctypes.c_double * size)(*program.point), (ctypes.c_double * (size + 1))()
        loaded[f"f{i}"](None, p, out)
        scale = max(map(abs, slopes))
        assert out[0] == pytest.approx(value, rel=1e-12, abs=1e-13)
        assert [*out[1:]] == pytest.approx(slopes.tolist(), rel=1e-11, abs=1e-13 * scale)


def test_jax_text_gives_what_the_program_gives():
    pytest.importorskip("jax", reason="jax is not installed here")
    a, b = Value(0.5), Value(-1.5)
    program = compile(lambda x: me.softplus(a * x) * me.erf(b) + me.relu(x - a), [a, b])
    names: dict = {}
    exec(program.source("jax"), names)
    value, slopes = names["value_and_grad"](2.0, [0.5, -1.5])
    expected, gradient = program.value_and_grad([2.0])
    assert float(value) == pytest.approx(expected, rel=1e-13)
    assert [*map(float, slopes)] == pytest.approx(gradient.tolist(), rel=1e-12)
