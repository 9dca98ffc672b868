"""Graphs as pictures: nothing is left out, nothing overlaps, the same bytes every time."""

import io
import random
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import redirect_stdout
from functools import cache
from itertools import pairwise
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_es import Value, draw, explain, nn, topological_order, total
from micrograd_es.cli.commands import main
from micrograd_es.draw.characters import plain
from micrograd_es.draw.layout import lay_out
from micrograd_es.draw.view import view_of
from micrograd_es.lesson.network import Lesson
from micrograd_es.lesson.page import lesson_page
from micrograd_es.texts import Language
from tests.support.rows import leaves, programs, run


def article():
    lesson = Lesson()
    _, error = lesson.forward(lesson.network())
    return error


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter() if element.tag.endswith("text")]


@given(programs(), st.integers(20, 90))
def test_every_edge_runs_forward_and_nothing_overlaps(program, size):
    order = topological_order(run(program, leaves(1.0, 2.0, 3.0)))
    args = {node: list(dict.fromkeys(node.args)) for node in order}
    sizes = {node: float(size + 10 * (i % 3)) for i, node in enumerate(order)}
    found = lay_out(order, args, sizes)
    for node in order:
        for arg in node.args:
            assert found.layer[arg] < found.layer[node]
            assert len(found.bends[arg, node]) == found.layer[node] - found.layer[arg] - 1
    for layer in range(found.width):
        row = sorted((n for n in order if found.layer[n] == layer), key=found.height.get)
        for a, b in pairwise(row):
            assert found.height[b] - found.height[a] >= (sizes[a] + sizes[b]) / 2 - 1e-6


@given(programs())
def test_a_picture_holds_the_data_and_grad_of_every_node_and_the_partial_of_every_edge(program):
    output = run(program, leaves(1.0, -2.5, 3.0))
    output.backward()
    order = topological_order(output)
    number = Language("en").number
    expected = [f"∂ {number(node.grad)}" for node in order] if output.grad else []
    expected += [number(node.data) for node in order]
    written = texts(draw.graph(output, "en"))
    for text in set(expected):
        assert written.count(text) >= expected.count(text)
    assert draw.graph(output, "en") == draw.graph(output, "en")


@given(st.lists(programs(), min_size=1, max_size=4), st.integers(1, 30))
def test_a_folded_graph_stands_for_every_node_once_and_can_always_be_drawn(parts, fold):
    inputs = leaves(1.0, 2.0, 3.0)
    output = total([run(part, inputs) for part in parts for _ in range(3)])
    order = topological_order(output)
    view = view_of(output, fold)
    values = [value for node in view.nodes for value in node.values]
    assert len(set(values)) == len(values)
    assert len(values) == (fold if view.reduced == "cut" else len(order))
    assert view.size == len(order)
    for i, node in enumerate(view.nodes):
        assert all(edge.start < i for edge in node.edges)
    ET.fromstring(draw.graph(output, "en", fold))


def test_the_article_s_graph_says_everything_in_both_languages():
    error = article()
    assert "Aún no hay gradientes: falta llamar a backward()." in texts(draw.graph(error, "es"))
    assert "No gradients yet: call backward()." in texts(draw.graph(error, "en"))
    error.backward()
    es = texts(draw.graph(error, "es"))
    assert {"w1", "1,5", "∂ 4", "w2", "∂ 6", "ŷ (Σ w·x)", "E (|·|)", "4", "6"} <= set(es)
    assert "No gradients" not in draw.graph(error, "en")
    picture = draw.graph(error)
    assert picture._repr_svg_() == picture
    assert error._repr_svg_() == picture
    assert picture.count("stroke-dasharray") == 2  # the constant, and its edge


def test_what_is_undefined_is_drawn_with_a_question_mark():
    assert "?" in texts(draw.graph(Value(0.0).sqrt(), "en"))


def test_a_large_graph_is_folded_and_a_long_one_cut_and_both_say_so():
    net = nn.MLP(2, [16, 16, 1], rng=random.Random(1))
    net.name_parameters()
    error = total([(net([x, 1.0]) - 1.0) ** 2 for x in (0.1, 0.2, 0.3)])
    error.backward()
    order = topological_order(error)
    nodes = view_of(error, fold=80).nodes
    assert len(nodes) < 20
    assert sum(len(node.values) for node in nodes) == len(order)
    picture = draw.graph(error, "en")
    assert f"Folded: {len(order)} nodes" in picture
    assert {"48 × layers[0]", "48 × Σ w·x"} <= set(texts(picture))
    y = Value(1.0)
    for i in range(1000):
        y = (y * 0.5 + i).tanh() if i % 3 else -y
    assert f"Only the 80 of the {len(topological_order(y))} nodes" in draw.graph(y, "en")


def test_an_explanation_is_drawn_as_the_width_of_the_edges():
    x, y = Value(2.0, name="x"), Value(-1.0)
    z = (x * y + x) * x + x.tanh()
    view = view_of(z, fold=80, explanation=explain(z, x))
    into = [edge.flow for edge in view.nodes[-1].edges]
    assert sum(into) == pytest.approx(1.0)
    picture = draw.graph(z, "en", explanation=explain(z, x))
    widths = {float(w) for w in re.findall(r'stroke-width="([\d.]+)"', picture)}
    assert max(widths) == pytest.approx(1.5 + 8.5 * max(into), abs=0.06)


def test_graphs_as_text_for_other_tools_hold_every_node_and_edge():
    error = article()
    order = topological_order(error)
    edges = sum(len(node.args) for node in order)
    dot, mermaid = draw.to_dot(error, "en"), draw.to_mermaid(error, "en")
    assert (dot.count("shape="), dot.count("->")) == (len(order), edges)
    assert (mermaid.count("\n  n") - mermaid.count(" --> "), mermaid.count(" --> ")) == (
        len(order),
        edges,
    )
    quoted = Value(1.0, name='a "b" \\') * 2
    assert r"a \"b\" \\" in draw.to_dot(quoted)
    assert "a #quot;b#quot;" in draw.to_mermaid(quoted)


def test_a_graph_is_a_tree_of_characters_too():
    error = article()
    error.backward()
    assert draw.tree(error, "es").split("\n") == [
        "E (|·|) = 5   ∂ 1",
        "└─ [1] ŷ - 1 (−) = 5   ∂ 1",
        "   ├─ [1] ŷ (Σ w·x) = 6   ∂ 1",
        "   │  ├─ [6] w2 = 1   ∂ 6",
        "   │  └─ [1] h (Σ w·x) = 6   ∂ 1",
        "   │     ├─ [4] w1 = 1,5   ∂ 4",
        "   │     └─ [1,5] x = 4   ∂ 1,5",
        "   └─ 1",
    ]
    assert "∂" not in draw.tree(article(), "es")
    x = Value(2.0, name="x")
    square = x * x
    assert draw.tree(square + square, "en").count("↑") == 1
    y = x
    for _ in range(1000):
        y = y * 0.5 + 1.0
    lines = draw.tree(y, "en").split("\n")
    assert len(lines) == 81
    assert lines[-1] == "… and more: the graph has 4001 nodes."


@given(st.text())
def test_plain_text_is_ascii_and_keeps_what_already_was(text):
    assert plain(text).isascii()
    kept = "".join(c for c in text if c.isascii())
    assert plain(kept) == kept


def test_plain_drawings_can_be_read():
    assert plain("├─ ŷ = 5   ∂ 1 … ¿Por qué? η ≤ 2/λ ↗ ░▒▓█") == (
        "|- y = 5   d 1 ... Por que? eta <= 2/lambda / .:+#"
    )
    assert plain("⠉⠀⣿") == "* *"


def test_the_names_that_users_of_micrograd_know():
    x = Value(2.0)
    y = x * x + 1
    nodes, edges = draw.trace(y)
    assert (len(nodes), len(edges)) == (4, 3)
    assert draw.draw_dot(y) == draw.graph(y)
    with pytest.raises(ValueError, match="from left to right"):
        draw.draw_dot(y, rankdir="TB")


def test_importing_the_package_does_not_import_the_drawing():
    code = "import sys, micrograd_es; sys.exit('micrograd_es.draw.graph' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


DRAWERS = {
    "graph": draw.graph,
    "page": draw.page,
    "tree": draw.tree,
    "to_dot": draw.to_dot,
    "to_mermaid": draw.to_mermaid,
    "trace": draw.trace,
    "draw_dot": draw.draw_dot,
}


@pytest.mark.parametrize("draw_it", DRAWERS.values(), ids=DRAWERS)
@pytest.mark.parametrize(
    "thing", [3, 2.5, None, "x", [Value(1.0)], {Value(1.0)}, nn.Neuron(1), Value]
)
def test_what_has_no_graph_is_refused_by_every_drawing(draw_it, thing):
    with pytest.raises(TypeError, match=r"has no graph: give a Value, such as Value\(2.0\) \* 3"):
        draw_it(thing)


def test_every_public_drawing_is_held_to_that():
    assert DRAWERS.keys() == {name for name in draw.__all__ if not name[0].isupper()}


@pytest.mark.parametrize("fold", [0, -1, 2.5, "80", None, True])
def test_a_fold_that_is_no_number_of_nodes_is_refused(fold):
    with pytest.raises(ValueError, match="expected how many nodes are drawn"):
        draw.graph(Value(1.0) * 2, fold=fold)


def test_what_is_no_explanation_is_refused():
    with pytest.raises(TypeError, match="give what explain"):
        draw.graph(Value(1.0) * 2, explanation="why")


@pytest.mark.parametrize(
    "name", ["a\0b", "\x1b[31m", "\ud800", "\ufffe", "]]>", "<&\"'>", "a\nb\tc", "\x7f", "é̂\u202e"]
)
def test_whatever_a_name_holds_every_drawing_is_well_formed(name):
    x = Value(2.0, name=name)
    y = (x * Value(3.0, name=name * 9)).tanh()
    y.name = name
    y.backward()
    for language in ("es", "en"):
        svg, page = draw.graph(y, language), draw.page(y, language, name)
        ET.fromstring(svg.encode())
        for inner in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
            ET.fromstring(inner.encode())
        texts_of_it = [
            draw.tree(y, language),
            draw.to_dot(y, language),
            draw.to_mermaid(y, language),
        ]
        for text in [svg, page, *texts_of_it]:
            assert text.encode()
            assert all(c.isprintable() or c == "\n" for c in text)
        assert all(
            len(re.findall(r'(?<!\\)"', line)) % 2 == 0 for line in texts_of_it[1].split("\n")
        )


@given(st.text(max_size=30))
def test_any_name_gives_valid_svg(name):
    ET.fromstring(draw.graph(Value(2.0, name=name) * 3, "en").encode())


def test_a_range_goes_from_the_smallest_to_the_largest():
    ws = [Value(0.5 * i - 3) for i in range(40)]
    output = total([w * Value(0.1 * i + 1) for i, w in enumerate(ws)])
    output.backward()
    ranges = re.findall(r"(-?[\d.]+) … (-?[\d.]+)", draw.graph(output, language="en"))
    assert len(ranges) >= 3
    for low, high in ranges:
        assert float(low) < float(high)


@pytest.mark.parametrize("show", [draw.graph, draw.tree, draw.to_dot, draw.to_mermaid, draw.page])
def test_a_grad_of_none_is_shown_as_0(show):
    w, x = Value(2.0, name="w"), Value(3.0, name="x")
    output = w * x
    output.backward()
    w.grad = None
    shown = str(show(output))
    w.grad = 0.0
    assert shown == str(show(output))


# ---- walks ---------------------------------------------------------------------------------------


@cache
def module_of(name):
    """Return the module of the package, "" for another's; all files of the book are one module."""
    package, _, module = name.partition(".")
    return "" if package != "micrograd_es" else module if "." in module else "the book"


def entries(action):
    """Return (caller, module, function, its arguments) of each call into another module.

    The caller is the nearest function of the package; "" if there is none.
    """
    found = []

    def record(frame, event, _):
        if event != "call" or not (module := module_of(frame.f_globals.get("__name__", ""))):
            return
        above, caller = frame.f_back, ""
        while above is not None and not caller:
            caller = module_of(above.f_globals.get("__name__", ""))
            above = above.f_back
        if caller != module:
            found.append((caller, module, frame.f_code.co_name, dict(frame.f_locals)))

    sys.setprofile(record)
    try:
        action()
    finally:
        sys.setprofile(None)
    return found


def modules_entered(action):
    """Count how often each module is entered: a call from a function of another module into one of
    its functions, methods or properties is one entry.

    The files of the book (micrograd_es/*.py) do the arithmetic and count as one module. The files
    of cli/ are the command itself, which is where the counting begins and ends: they do not count.
    """
    modules = [module for _, module, *_ in entries(action)]
    return Counter(module for module in modules if not module.startswith("cli."))


def test_drawing_a_page_enters_seven_modules_and_five_of_them_once():
    """Counted from main to write, as modules_entered says. Each of the five does all of its work in
    one call; only the book, for numbers, and the sentences of texts are asked again and again.
    """
    with TemporaryDirectory() as folder:
        command = ["page", "--expression", "tanh(a * b + 1) / a", "--at", "a=2", "b=-3"]
        command += ["-o", f"{folder}/page.html"]
        with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
            main(command)  # what is imported late is there now
            entered = modules_entered(lambda: main(command))
    assert {module for module, times in entered.items() if times > 1} == {
        "the book",
        "texts.language",
    }
    assert {module for module, times in entered.items() if times == 1} == {
        *("draw.page.page", "draw.page.steps", "draw.view", "draw.graph", "draw.layout")
    }


def test_the_story_enters_six_modules():
    """Counted from main to write, as modules_entered says, where the first weights fit: a story of
    more steps makes the same calls more often.
    """
    command = ["--lang", "es", "--w1", "0.25"]
    with redirect_stdout(io.TextIOWrapper(io.BytesIO(), "utf-8")):
        main(command)  # what is imported late is there now
        entered = modules_entered(lambda: main(command))
    assert entered.keys() == {
        *("the book", "texts.language", "lesson.story", "lesson.network"),
        *("explanation.attribution", "draw.characters"),
    }


def test_the_page_of_the_lesson_enters_three_modules_more_than_any_page():
    entered = modules_entered(lambda: lesson_page(Lesson(x=0.0), "es"))
    assert len(entered) == 10
    assert {module for module in entered if module.startswith("lesson.")} == {
        *("lesson.page", "lesson.playground", "lesson.network")
    }


@pytest.mark.parametrize("name", ["graph", "page", "tree", "to_dot", "to_mermaid", "trace"])
def test_a_picture_walks_its_graph_once(name):
    """Counted are the calls of topological_order on the output from outside the book. A page also
    asks the book for reverse_sweep, which walks by itself; and steps.py walks the small graphs of
    the partials' formulas, which are not the picture's.
    """
    x, y = Value(2.0, name="x"), Value(-1.0, name="y")
    output = (x * y + x).tanh() * x
    output.backward()
    walks = [
        caller
        for caller, _, function, given in entries(lambda: DRAWERS[name](output))
        if function == "topological_order" and given["output"] is output
    ]
    assert walks == ["draw.view"]
