"""A row of any name compiles, is printed as Python that runs, and gives what eager gives."""

import pytest

from micrograd_es import Primitive, Value, compile, tanh

NAMES = [
    "my row", "", "2nd", "a-b", "lambda", "None", "p", "v0", "x0", "float", "value", "tanh", "ñ",
    "value_and_grad", "ArithmeticError", "__builtins__", "ﬁt", "x²", "input", "\n", "😀",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backend", ["python", "numpy", "llvm"])
def test_a_row_of_any_name_compiles(name, backend):
    row = Primitive(name, lambda x: 3 * x, lambda y, x: 3)
    other = Primitive(name, lambda x: 5 * x, lambda y, x: 5)
    w = Value(2.0)
    program = compile(lambda x: row(w * x) + other(w) + tanh(w - w), [w], backend=backend)
    value, slopes = program.value_and_grad([4.0])
    assert (value, slopes.tolist()) == (34.0, [17.0])


def test_rows_whose_names_become_one_stay_apart():
    rows = [
        Primitive(name, lambda x, k=k: k * x, lambda y, x, k=k: k)
        for k, name in enumerate(["a b", "a_b", "a-b", "a.b"], 1)
    ]
    w = Value(1.0)
    program = compile(lambda: sum(row(w) for row in rows), [w], backend="python")
    assert program.value_and_grad()[0] == 10.0
    assert [line.split(" = ")[1] for line in str(program).splitlines() if "a_b" in line] == [
        "a_b(p[0])", "a_b_(p[0])", "a_b__(p[0])", "a_b___(p[0])",
    ]  # fmt: skip
