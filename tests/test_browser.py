"""The pages in a real browser: by address and by pressing, in both languages, for everybody.

They need Chromium and the extra `browser`. Where these are missing the tests are skipped, unless
MICROGRAD_ES_BROWSER=required, as in the gate.
"""

import importlib.util
import os
import re
import shutil

import pytest

from micrograd_es import Value, draw
from micrograd_es.lesson.network import Lesson, descend
from micrograd_es.lesson.page import lesson_page, two_two_one
from micrograd_es.texts import sentences
from micrograd_es.value import topological_order

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
EXTRA = all(importlib.util.find_spec(name) for name in ("playwright", "axe_playwright_python"))
REQUIRED = os.environ.get("MICROGRAD_ES_BROWSER") == "required"
pytestmark = pytest.mark.skipif(
    not (REQUIRED or (CHROMIUM and EXTRA)),
    reason="needs Chromium, and pip install -e '.[browser]'",
)
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
        for (const loss of D.descent.losses)
            D.descent.starts.forEach((_, start) => D.descent.rates.forEach((lr, rate) => {
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
    assert page.inner_text("#step-told") == "2 of 23"
    page.click("#step-back")
    page.click("#step-last")
    assert page.inner_text("#step-told") == "23 of 23"
    page.focus("#step")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text("#step-told") == "22 of 23"
    page.focus("#rate")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#rate-told") == "η = 0.02"
    assert "rate=0.02" in page.evaluate("location.hash")
    page.check("[name=loss][value=squared]")
    assert "2/λ" in page.inner_text("#bound")
    page.evaluate("location.hash = '#lang=es&rate=0.1'")
    until(page.locator("html")).to_have_attribute("lang", "es")
    assert page.inner_text("#rate-told") == "η = 0,1"


def test_it_plays_by_itself_and_at_once_for_those_who_want_no_motion(visit):
    page = visit(address="#lang=en&rate=0.02")
    page.clock.install()
    page.click("#play")
    assert page.inner_text("#play") == "Pause"
    page.clock.run_for(710)
    assert page.inner_text("#step-told") == "2 of 17"
    page.click("#play")
    assert page.inner_text("#play") == "Play"
    still = visit(address="#lang=en&rate=0.02", reduced_motion="reduce")
    still.click("#play")
    assert still.inner_text("#step-told") == "17 of 17"


def test_what_is_played_is_what_the_library_drew(visit):
    page = visit()
    drawn = lesson_page(Lesson(), "es")
    static = {name: re.search(rf'<[^>]*id="{name}"[^>]*>', drawn)[0]
              for name in ("path", "curve-line", "ridge", "here", "curve-here")}  # fmt: skip
    page.click("#step-last")
    for name, text in static.items():
        played = page.evaluate(f"document.getElementById('{name}').outerHTML")
        number_in = r"(?<=[\",\s])-?\d+(?:\.\d+)?(?=[\",\s])"
        wanted, found = ([*map(float, re.findall(number_in, one))] for one in (text, played))
        assert len(wanted) >= 2
        assert found == pytest.approx(wanted, abs=0.15)  # of numbers of four digits
    page.click("#step-first")
    x, y, tip_x, tip_y = (float(x) for x in re.findall(
        r"-?[\d.]+", page.get_attribute("#uphill", "d"))[:4])  # fmt: skip
    assert (tip_x - x) / (y - tip_y) == pytest.approx(4 / 6)  # uphill: along (4, 6)
    assert tip_x > x


def test_the_surface_is_the_static_one_at_first_and_turns(visit, files):
    page = visit()
    first = page.evaluate("document.getElementById('mesh').innerHTML")
    static = re.search(r'<g id="mesh">(.*?)</g>', lesson_page(Lesson(), "es"))[1]
    points = [[float(x) for x in re.findall(r"[-\d.]+(?=[, \"])", text)]
              for text in (first.replace("h", ""), static.replace("h", ""))]  # fmt: skip
    assert points[0] == pytest.approx(points[1], abs=0.56)
    page.focus("#surface")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    turned = page.evaluate("document.getElementById('mesh').innerHTML")
    assert turned != first
    box = page.locator("#surface").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 120)
    page.mouse.up()
    assert page.evaluate("document.getElementById('mesh').innerHTML") != turned
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.focus("#turn")
    page.keyboard.press("End")
    assert abs(page.evaluate("state.turn")) <= 3.2


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


def test_without_javascript_the_pictures_are_there(visit):
    page = visit(java_script_enabled=False)
    assert sentences("es")["page_noscript"] in page.inner_text("main")
    assert page.locator("#map").is_visible()
    assert page.locator("#mesh polygon").count() > 100
    assert page.locator("[data-graph=tanh]").is_visible()
    assert not page.locator("#step-next").is_visible()
    assert "∂ 6" in page.text_content("[data-graph=net]")


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
