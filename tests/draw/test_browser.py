"""The pages in a real browser: by address and by pressing, in both languages, for everybody.

They need Chromium and the extra `browser`. Where these are missing the tests are skipped, unless
MICROGRAD_ES_BROWSER=required, as in the gate.
"""

import importlib.util
import math
import os
import re
import shutil

import pytest

from micrograd_es import Value, draw
from micrograd_es.lesson.network import Lesson, descend
from micrograd_es.lesson.page import lesson_page, two_two_one
from micrograd_es.texts import sentences
from micrograd_es.value import topological_order
from tests.support.amount import slow

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
EXTRA = all(importlib.util.find_spec(name) for name in ("playwright", "axe_playwright_python"))
REQUIRED = os.environ.get("MICROGRAD_ES_BROWSER") == "required"
pytestmark = [
    slow,
    pytest.mark.skipif(
        not (REQUIRED or (CHROMIUM and EXTRA)),
        reason="needs Chromium, and pip install -e '.[browser]'",
    ),
]
QUIET = "--no-sandbox --disable-gpu --disable-quic --disable-background-networking"
QUIET += " --no-first-run --disable-component-update --disable-sync"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield made
        made.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    root = tmp_path_factory.mktemp("pages")
    a, b, c = (Value(x, name=name) for x, name in ((2.0, "a"), (-3.0, "b"), (10.0, "c")))
    pages = {
        "lesson": lesson_page(Lesson(), "es"),
        "own": draw.page((a * b + c).tanh() / a, "en"),
        "frame": f"<!doctype html><html lang=en>{draw.page(a * b, 'en')._repr_html_()}",
    }
    for name, text in pages.items():
        (root / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: (root / f"{name}.html").as_uri() for name in pages}


@pytest.fixture
def visit(browser, files):
    """Open a page at a state; whatever is asked of the network or complained of fails the test."""
    contexts, wrong = [], []

    def opened(name="lesson", address="", width=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: wrong.append(f"console: {told.text}"))
        page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
        page.on("request", lambda asked: asked.url.startswith("file:") or wrong.append(asked.url))
        page.goto(f"{files[name]}{address}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def number(x, language, digits=4):
    """Return x as the page writes it, for numbers that are not far from 1."""
    text = f"{float(f'{x:.{digits}g}'):.10f}".rstrip("0").rstrip(".").replace("-", "−")
    return text.replace(".", ",") if language == "es" else text


def until(locator):
    from playwright.sync_api import expect

    return expect(locator)


def shown(page):
    """Return what the table of weights shows."""
    names = ("w1", "w2", "output", "error", "g1", "g2")
    return [page.locator(f"#is-{name}").inner_text() for name in names]


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    ("loss", "rate", "step"), [("absolute", 0.01, 3), ("absolute", 0.1, 40), ("squared", 0.02, 5)]
)
def test_an_address_leads_to_its_state(visit, language, loss, rate, step):
    page = visit(address=f"#lang={language}&loss={loss}&rate={rate}&step={step}")
    run = descend(Lesson(loss=loss), rate, 40, goal=0, halve=False)
    at = run.steps[step]
    numbers = (at.w1, at.w2, at.output, at.error, at.g1, at.g2)
    assert shown(page) == [number(x, language) for x in numbers]
    told = sentences(language)
    said = page.locator("#verdict").inner_text()
    key = "page_is_bounces" if rate == 0.1 else "page_is_reached"
    assert told[key].partition("{")[0] in said
    assert page.locator("#dots circle").count() == step + 1
    assert page.title() == told["page_title"]
    assert f"step={step}" in page.evaluate("location.hash")


def test_what_an_address_cannot_mean_leads_to_the_usual_state(visit):
    usual = visit().inner_text("main")
    odd = visit(address="#lang=xx&loss=y&rate=abc&start=-4&step=none&graph=no&op=-3")
    assert odd.inner_text("main") == usual
    far = visit(address="#rate=1e9&start=99&step=1e9&op=1e9")
    assert "diverge" in far.locator("#verdict").inner_text()


def test_presets_say_what_becomes_of_a_rate_and_never_a_number_that_is_none(visit):
    page = visit(address="#lang=es")
    for preset in ("small", "good", "twice", "large"):
        page.click(f"[data-preset={preset}]")
        assert page.get_attribute(f"[data-preset={preset}]", "aria-pressed") == "true"
        assert sentences("es")[f"page_{preset}_text"] in page.inner_text("#verdict")
    told = page.evaluate("""() => {
        const told = [];
        for (const loss of descent.losses)
            descent.starts.forEach((_, start) => descent.rates.forEach((lr, rate) => {
                change({ loss, start, rate, step: Infinity });
                const text = document.querySelector("#descent").outerHTML;
                const said = [$("verdict").textContent, $("bound").textContent];
                told.push([loss, lr, run(), ...said, text]);
            }));
        return told;
    }""")
    for loss, rate, run, verdict, bound, text in told:
        assert not re.search(r"NaN|Infinity|undefined|null|\{\w+\}", text)
        key = f"page_is_{run['verdict']}"
        assert said("es", key) in verdict or said("es", f"{key}_one") in verdict
        assert ("2/λ" in bound) == (loss == "squared")
        wild = run["verdict"] == "diverges"
        if loss == "squared":
            above = rate > run["bound"]
            ending = ("wild" if above else "far") if wild else "above" if above else "below"
            assert ("cabe." in bound) == (ending == "below")
            assert ("es demasiado." in bound) == (ending in ("wild", "above"))
            assert ("no basta" in bound) == (ending == "far")
        elif not wild:
            assert ("el paso no cabe" in bound) == (run["jump"] > 1)
            maybe = run["jump"] <= 1 and run["verdict"] == "bounces"
            assert ("según por dónde" in bound) == maybe
    assert {run["verdict"] for _, _, run, *_ in told} >= {"slow", "reached", "bounces", "diverges"}


def said(language, key):
    """Return how a sentence begins, up to its first number."""
    return sentences(language).get(key, "no such sentence").partition("{")[0]


def test_the_descent_is_walked_by_pressing_and_by_keys(visit):
    page = visit(address="#lang=en&rate=0.01")
    page.click("#step-next")
    page.click("#step-next")
    assert page.inner_text("#step-text") == "2 of 23"
    page.click("#step-back")
    page.click("#step-last")
    assert page.inner_text("#step-text") == "23 of 23"
    page.focus("#step")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#step-text") == "22 of 23"
    page.focus("#rate")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#rate-text") == "η = 0.02"
    assert "rate=0.02" in page.evaluate("location.hash")
    page.check("[name=loss][value=squared]")
    assert "2/λ" in page.inner_text("#bound")
    page.evaluate("location.hash = '#lang=es&rate=0.1'")
    until(page.locator("html")).to_have_attribute("lang", "es")
    assert page.inner_text("#rate-text") == "η = 0,1"


def test_it_plays_by_itself_and_at_once_for_those_who_want_no_motion(visit):
    page = visit(address="#lang=en&rate=0.02")
    page.clock.install()
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.clock.run_for(710)
    assert page.inner_text("#step-text") == "2 of 17"
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    still = visit(address="#lang=en&rate=0.02", reduced_motion="reduce")
    still.click("#play")
    assert still.inner_text("#step-text") == "17 of 17"


def numbers_in(text):
    return [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", text)]


def on_map(w1, w2):
    """Return where two weights are on the map: a square of 400 pixels for the weights -2 … 2."""
    return 20 + 100 * (w1 + 2), 20 + 100 * (2 - w2)


def test_the_path_and_the_curve_are_drawn_where_the_numbers_say(visit):
    page = visit(address="#loss=squared&rate=0.01")
    page.click("#step-last")
    steps = page.evaluate("run().steps")
    path = numbers_in(page.get_attribute("#path", "points"))
    assert path == pytest.approx([x for w1, w2, *_ in steps for x in on_map(w1, w2)], abs=0.06)
    assert page.locator("#dots circle").count() == len(steps)
    here = [float(page.get_attribute("#here", name)) for name in ("cx", "cy")]
    assert here == pytest.approx(path[-2:], abs=0.06)
    curve = numbers_in(page.get_attribute("#curve-line", "points"))
    places = [(60 + 9 * i, 95 - 75 * math.log10(step[3]) / 8) for i, step in enumerate(steps)]
    assert curve == pytest.approx([x for place in places for x in place], abs=0.06)


@pytest.mark.parametrize("loss", ["absolute", "squared"])
def test_every_arrow_points_uphill_and_none_is_longer_than_it_may_be(visit, loss):
    page = visit(address=f"#loss={loss}")
    places, gradients = page.evaluate(f"[descent.places, descent.fields.{loss}]")
    drawn = page.get_attribute(f"path.field.{loss}", "d")
    shafts = [numbers_in(part) for part in re.findall(r"M[^M]*L[^l]*", drawn)]
    expected = [(on_map(w1, w2), gradients[len(places) * j + i])
                for j, w2 in enumerate(places) for i, w1 in enumerate(places)]  # fmt: skip
    for x, y, u, v in shafts:
        assert math.hypot(u - x, v - y) <= 30.2
        middle = ((x + u) / 2, (y + v) / 2)
        place, (g1, g2) = min(expected, key=lambda one: math.dist(one[0], middle))
        assert math.dist(place, middle) < 0.2
        ahead = math.atan2(y - v, u - x)  # the y axis of a picture goes down
        assert math.cos(ahead - math.atan2(g2, g1)) > 0.95
    assert len(shafts) > 90
    page.click("#step-first")
    x, y, u, v, *_ = numbers_in(page.get_attribute("#uphill", "d"))
    assert (x, y) == pytest.approx(on_map(1.5, 1))
    assert (u - x) / (y - v) == pytest.approx(4 / 6, abs=0.02)  # uphill: along (4, 6)
    assert u > x


def test_the_zone_and_the_level_lines_are_where_the_error_is_what_they_say(visit):
    page = visit(address="#lang=en")
    for outline in page.locator("polygon.zone").all():
        points = numbers_in(outline.get_attribute("points"))
        pairs = zip(points[::2], points[1::2], strict=True)
        weights = [((x - 220) / 100, (220 - y) / 100) for x, y in pairs]
        inside = [(w1, w2) for w1, w2 in weights if max(abs(w1), abs(w2)) < 2]
        assert len(inside) > 20
        for w1, w2 in inside:
            assert abs(4 * w1 * w2 - 1) == pytest.approx(0.5, abs=0.02)
    labels = page.locator("text.height.absolute").all()
    assert len(labels) >= 3
    for label in labels:
        x, y = (float(label.get_attribute(name)) for name in ("x", "y"))
        error = abs(4 * (x - 220) / 100 * (220 - y + 4) / 100 - 1)
        assert error == pytest.approx(float(label.text_content()), rel=0.02)


def test_the_surface_turns_and_is_as_high_as_the_error(visit):
    page = visit()
    project = """([turn, tilt, u, v, z]) => {
        Object.assign(view, { turn, tilt });
        return project(u, v, z);
    }"""
    assert page.evaluate(project, [0, 0, 0.5, 0.2, 1]) == pytest.approx([355, 81, 0.2])
    quarter = page.evaluate(project, [math.pi / 2, 0.4, 0.3, 0.1, 0.6])
    assert quarter == pytest.approx(page.evaluate(project, [0, 0.4, -0.1, 0.3, 0.6]))
    assert page.evaluate("height(8.111)") == pytest.approx(8.111 / 17, abs=1e-3)  # in a corner 17
    page = visit()
    first = page.inner_html("#mesh")
    page.focus("#surface")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    turned = page.inner_html("#mesh")
    assert turned != first
    box = page.locator("#surface").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120)
    page.mouse.up()
    assert page.inner_html("#mesh") != turned
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.focus("#turn")
    page.keyboard.press("End")
    assert abs(page.evaluate("view.turn")) <= 3.2


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("graph", ["net", "tanh"])
def test_every_press_is_one_operation_and_the_last_shows_the_gradients(visit, graph, language):
    page = visit(address=f"#lang={language}&graph={graph}")
    lesson = Lesson()
    error = lesson.forward(lesson.network())[1] if graph == "net" else two_two_one()
    error.backward()
    order = topological_order(error)
    figure = f"[data-graph={graph}]"
    assert page.inner_text("#arithmetic") == sentences(language)["page_ready"]
    known = sum(not node.args for node in order)
    lines = []
    for op in range(1, page.evaluate("operations()") + 1):
        page.click("#op-next")
        lines.append(page.inner_text("#arithmetic"))
        filled = page.locator(f"{figure} .data").all_text_contents()
        forward = min(op, len(order) - known)
        assert sum(map(bool, filled)) == known + forward
        assert page.locator("#log li").count() == op
        assert page.locator(f"{figure} .now").count() >= 1
    assert len(set(lines)) == len(lines)
    if graph == "net":
        backward = sentences(language)["page_backward"]
        assert f"{backward}: ∂E/∂h += ∂E/∂ŷ · w2 = 1 · 1 = 1" in lines
    for i, node in enumerate(order):
        at = page.locator(f"{figure} [data-node='{i}']")
        assert at.locator(".data").text_content() == number(node.data, language)
        if at.locator(".grad").count():
            assert at.locator(".grad").text_content() == f"∂ {number(node.grad, language)}"
    page.click("#op-back")
    assert page.inner_text("#arithmetic") == lines[-2]
    page.click("#op-first")
    assert page.inner_text("#arithmetic") == sentences(language)["page_ready"]
    page.click("#op-last")
    assert page.inner_text("#arithmetic") == lines[-1]


def test_one_s_own_expression_has_the_same_stepper(visit):
    page = visit("own", "#lang=es&op=4")
    assert page.inner_text("#arithmetic") == "Hacia delante: y = v3 / a = 0,9993 / 2 = 0,4997"
    page.click("#op-last")
    assert page.locator("#descent").count() == 0
    assert "−" in page.text_content("[data-node='1'] .data")


@pytest.mark.parametrize("name", ["lesson", "own"])
def test_the_language_changes_every_text(visit, name):
    page = visit(name, "#lang=es")
    for language in ("en", "es"):
        page.click(f"[data-lang={language}]")
        told = sentences(language)
        assert page.evaluate("document.documentElement.lang") == language
        for element in page.locator("[data-t]").all():
            start = told[element.get_attribute("data-t")].partition("{")[0]
            assert element.text_content().startswith(start)
        for element in page.locator("[data-l]").all():
            assert element.get_attribute("aria-label") == told[element.get_attribute("data-l")]
        decimal = "." if language == "es" else ","
        text = page.inner_text("main")
        assert not re.search(rf"\d[{decimal}]\d", text)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1440])
@pytest.mark.parametrize("name", ["lesson", "own"])
def test_everybody_can_use_it_on_every_screen(visit, name, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = visit(name, "#rate=0.01&step=4&op=6", width=width, color_scheme=scheme)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for control in page.locator("button, .choice, .slider input").all():
        box = control.bounding_box()
        assert box["height"] >= 44
        assert box["width"] >= 44


def test_without_javascript_the_numbers_and_the_graphs_are_there(visit):
    page = visit(java_script_enabled=False)
    words = sentences("es")
    text = page.inner_text("main")
    assert words["page_noscript"] in text
    assert f"{words['page_good']}: η = 0,01: {words['page_is_reached'].format(steps=13)}" in text
    assert shown(page) == ["1,5", "1", "6", "5", "4", "6"]
    assert page.locator("[data-graph=net]").is_visible()
    assert page.locator("[data-graph=tanh]").is_visible()
    assert "∂ 6" in page.text_content("[data-graph=net]")
    for name in ("#map", "#step-next", "#log"):
        assert not page.locator(name).is_visible()


def test_on_paper_there_are_no_buttons(visit):
    page = visit(address="#op=5")
    page.emulate_media(media="print")
    assert not page.locator("#step-next").is_visible()
    assert not page.locator("#rate").is_visible()
    assert page.locator("#map").is_visible()
    assert page.locator("#log li").count() == 5


def test_in_a_notebook_s_frame_it_plays_as_well(visit):
    frame = visit("frame").frame_locator("iframe")
    frame.locator("#op-next").click()
    assert frame.locator("#arithmetic").inner_text() == "Forward: y = a · b = 2 · (−3) = −6"
