"""Why a gradient is what it is: the paths add up to it, and the most responsible ones are found."""

import json
import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from micrograd_es import Value, detach, explain, maximum, responsibility, sqrt, topological_order
from micrograd_es.cli.commands import main
from micrograd_es.value import reverse_sweep
from tests.support.rows import leaves, programs, run

whole = st.integers(-4, 4).map(float)


def every_path(output, leaf):
    """Yield the partials of every path from output to leaf, by walking all of them."""
    if output is leaf:
        yield ()
    for arg, partial in zip(output.args, output.partials, strict=True):
        for below in every_path(arg, leaf):
            yield (partial, *below)


@given(programs(), st.tuples(whole, whole, whole), st.sampled_from(range(3)))
def test_the_products_of_all_paths_add_up_to_the_gradient(program, point, i):
    inputs = leaves(*point)
    output = run(program, inputs)
    assume(output is not inputs[i])
    found = explain(output, inputs[i], k=10_000)
    output.backward()
    products = [math.prod(path) for path in every_path(output, inputs[i])]
    assert found.count == len(products) == len(found.paths)
    assert found.gradient == inputs[i].grad == sum(products)
    assert (found.rest, math.fsum(path.product for path in found.paths)) == (0.0, inputs[i].grad)
    assert sorted(path.product for path in found.paths) == sorted(products)
    for path in found.paths:
        assert path.product == math.prod(link.partial for link in path.links)


@given(programs(), st.tuples(whole, whole, whole), st.integers(1, 4))
def test_the_k_most_responsible_paths_are_those_with_the_largest_products(program, point, k):
    inputs = leaves(*point)
    output = run(program, inputs)
    assume(output is not inputs[0])
    sizes = sorted((abs(math.prod(p)) for p in every_path(output, inputs[0])), reverse=True)
    found = explain(output, inputs[0], k)
    assert [abs(path.product) for path in found.paths] == sizes[:k]
    assert math.fsum([*(path.product for path in found.paths), found.rest]) == found.gradient
    assert [path.weight for path in found.paths] == pytest.approx(
        [size / sum(sizes) if sum(sizes) else 0.0 for size in sizes[:k]]
    )


@given(programs(), st.tuples(whole, whole, whole))
def test_the_flow_through_the_edges_into_the_output_and_out_of_the_leaf_is_whole(program, point):
    inputs = leaves(*point)
    output = run(program, inputs)
    found = explain(output, inputs[0])
    assume(any(path.product for path in found.paths) and output is not inputs[0])
    out = sum(part for (node, _), part in found.flow.items() if node is output)
    into = sum(part for (node, i), part in found.flow.items() if node.args[i] is inputs[0])
    assert (out, into) == (pytest.approx(1.0), pytest.approx(1.0))
    for node in topological_order(output):  # what goes into a node comes out of it
        if node.args and node is not output:
            down = sum(found.flow.get((node, i), 0.0) for i in range(len(node.args)))
            up = sum(part for (user, i), part in found.flow.items() if user.args[i] is node)
            assert down == pytest.approx(up)


@given(programs(), st.tuples(whole, whole, whole), st.integers(1, 3))
def test_every_line_of_the_derivation_is_worth_the_gradient(program, point, k):
    inputs = leaves(*point)
    output = run(program, inputs)
    assume(output is not inputs[0])
    found = explain(output, inputs[0], k)
    lines = found.derivation()
    assert [value for _, value in lines] == pytest.approx([found.gradient] * 4)
    for line, _ in lines[1:]:  # and so are its numbers, read from the page
        text = (
            line.split("&=")[1].replace(r"\cdot", "*").replace(r"\left", "").replace(r"\right", "")
        )
        assert re.fullmatch(r"[-+*()\d.e ]+", text)
        assert eval(text) == pytest.approx(found.gradient, rel=1e-4, abs=1e-4)
    assert found.latex().count("&=") == 4


def test_paths_beyond_number_are_counted_without_listing_them():
    x = Value(1.0, name="x")
    y = x
    for _ in range(200):
        y = y * 0.5 + y * 0.4
    found = explain(y, x, 3)
    assert found.count == 2**200
    assert found.gradient == pytest.approx(0.9**200)
    assert [path.product for path in found.paths] == pytest.approx(
        [0.5**200, *[0.5**199 * 0.4] * 2]
    )
    assert "[" in found.text("en")
    assert max(map(len, found.text("en").split("\n"))) < 140


def test_the_explanation_in_words():
    x, y = Value(2.0, name="x"), Value(-1.0, name="y")
    z = (x * y + x) * x + x.tanh()
    z.name = "z"
    es, en = explain(z, x, 3).text("es"), explain(z, x, 3).text("en")
    assert es.startswith("¿Por qué ∂z/∂x = 0,07065?")
    assert en.startswith("Why is ∂z/∂x = 0.07065?")
    assert "x → tanh(x) → z" in en
    assert "(-1) · 1 · 2 · 1 = -2" in en
    assert "… and 1 more, which together contribute 0" in en
    assert "no depende" in explain(z, Value(1.0, name="q")).text("es")
    assert str(explain(z, x)) in (explain(z, x).text("es"), explain(z, x).text("en"))
    flat = explain(x * y - y * x, x)
    assert math.isnan(flat.paths[0].share)
    assert flat.as_dict()["paths"][0]["share"] is None


def test_an_output_explains_itself_by_the_empty_path():
    x = Value(3.0, name="x")
    found = explain(x, x)
    assert (found.gradient, found.count, found.rest) == (1.0, 1, 0.0)
    assert "x\n    1 = 1" in found.text("en")
    assert [value for _, value in found.derivation()] == [1.0] * 4


def test_wrong_use_of_explain_is_an_error_with_its_way_out():
    with pytest.raises(TypeError, match="output and leaf are Values"):
        explain(Value(1.0), 2.0)
    with pytest.raises(ValueError, match="ask for at least 1"):
        explain(Value(1.0), Value(2.0), k=0)


def test_names_that_latex_would_stumble_over_are_escaped():
    a = Value(2.0, name="w_1^2 50%")
    assert r"w\_1\^{}2 50\%" in explain(a * 3, a).latex()


@pytest.mark.parametrize(
    ("language", "says"), [("es", "Un camino lleva de w1 a E"), ("en", "One path leads")]
)
def test_the_command_explains_the_article_s_responsibilities(capsys, language, says):
    assert main(["explain", "--lang", language]) == 0
    out = capsys.readouterr().out
    assert says in out
    assert "4 · 1 · 1 · 1 = 4" in out
    assert "6 · 1 · 1 = 6" in out


def test_the_command_explains_in_numbers_and_refuses_what_it_would_not_use(capsys):
    assert main(["explain", "--json", "--w1", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["gradient"] for one in found] == [4.0, 8.0]
    for idle in ("--lr", "--steps"):
        assert main(["explain", idle, "1"]) == main(["explain", f"{idle}=1"]) == 2
        assert f"explain {idle}" in capsys.readouterr().err


def cancel(x):
    root = sqrt(x)
    return x + (root - root)


@pytest.mark.parametrize(
    "f",
    [
        cancel,
        lambda x: x + sqrt(detach(x)),
        lambda x: 3 * x + sqrt(x * 0 + detach(x)) * 0,
        lambda x: maximum(x + 1, sqrt(x)),
    ],
)
def test_who_is_responsible_is_said_wherever_backward_gives_a_gradient(f):
    x = Value(0.0, name="x")
    output = f(x)
    output.backward()
    (share,) = responsibility(output, [x])
    assert share.gradient == x.grad
    assert {edge.arg: edge.after for edge in reverse_sweep(output)}[x] == x.grad
