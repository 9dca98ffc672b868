"""The article's lesson as a page: the descent to play with, and backpropagation step by step.

lesson_page(lesson, language)     the page; assets/ holds its HTML, style and script
"""

from __future__ import annotations

import random
from string import Template

from micrograd_es.draw.page.page import Extra, Page, assemble, asset, list_of, play
from micrograd_es.lesson.network import ZONE, Lesson
from micrograd_es.lesson.playground import Playground, Trial
from micrograd_es.losses import squared_error
from micrograd_es.nn import MLP
from micrograd_es.texts import Language
from micrograd_es.value import Value

SCRIPTS = ("descent.js", "map.js", "surface.js")


def lesson_page(lesson: Lesson, language: str) -> Page:
    """Return the page of a lesson, which opens in es or en and speaks both."""
    words = Language(language)
    playground = Playground(lesson)
    _, error = lesson.forward(lesson.network())
    graphs = {"net": play(error, words), "tanh": play(two_two_one(), words)}
    extra = Extra(
        before=f'<p data-t="page_intro"></p>{descent_section(playground, words)}',
        after=text_of("footer.html"),
        style=text_of("descent.css"),
        script="".join(map(text_of, SCRIPTS)),
        data={"descent": playground.data},
    )
    blanks = {"x": lesson.x, "target": lesson.target, "zone": ZONE}
    return assemble("page_title", blanks, graphs, words, extra)


def text_of(name: str) -> str:
    """Return the text of one of the lesson's assets."""
    return asset(name, "micrograd_es.lesson")


def two_two_one() -> Value:
    """Return the squared error of a 2-2-1 network with tanh, with short names."""
    network = MLP(2, [2, 1], activation="tanh", rng=random.Random(4))
    names = ("w1", "w2", "b1", "w3", "w4", "b2", "w5", "w6", "b3")
    for parameter, name in zip(network.parameters(), names, strict=True):
        parameter.data, parameter.name = round(parameter.data, 1), name
    hidden, last = network.layers
    h = hidden([Value(1.0, name="x1"), Value(-2.0, name="x2")])
    for i, neuron in enumerate(h, start=1):
        neuron.name, neuron.args[0].name = f"h{i}", f"a{i}"
    output = last(h)
    error: Value = squared_error(output, 1.0)
    output.name, error.name = "ŷ", "E"
    return error


def descent_section(playground: Playground, words: Language) -> str:
    """Return the section that plays the descent.

    Without JavaScript it says what becomes of each preset, and its table shows the start.
    """
    lesson, runs = playground.lesson, playground.runs["absolute"][0]
    presets = {name: i for name, i in playground.presets("absolute").items() if i is not None}
    outcomes = "".join(
        f"<li>{words.say(f'page_{name}')}: {outcome(runs[i], words)}</li>"
        for name, i in presets.items()
    )
    marks = ["path", "here", "uphill", "field"]
    if lesson.x:
        marks += ["zone", "lines"]
    if lesson.x and lesson.target:
        marks.append("saddle")
    start = runs[0].steps[0]
    cells = {name: words.number(getattr(start, name))
             for name in ("w1", "w2", "output", "error", "g1", "g2")}  # fmt: skip
    html = Template(text_of("descent.html"))
    return html.substitute(outcomes=outcomes, map_marks=list_of(marks), **cells)


def outcome(run: Trial, words: Language) -> str:
    """Return what becomes of a descent, in a sentence."""
    one = "_one" if run.verdict == "reached" and run.count == 1 else ""
    sentence = words.say(f"page_is_{run.verdict}{one}", steps=run.count, limit=len(run.steps) - 1)
    return f"η = {words.number(run.lr)}: {sentence}"
