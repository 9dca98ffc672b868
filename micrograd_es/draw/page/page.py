"""A page that plays graphs step by step, in one file: no network, strict about what may run.

    page(output)            the page of one graph
    play(output, words)     a graph, ready to be played
    assemble(title, …)      a page of several graphs, with sections of its own around them

Every number of the page is computed here and written as one JSON object; the script in assets/
draws. Only the graphs are drawn here, as everywhere, so that they are seen without JavaScript too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from micrograd_es.draw.graph import Svg, draw_view
from micrograd_es.draw.page.steps import Steps, steps_of
from micrograd_es.draw.view import SYMBOLS, View, view_of
from micrograd_es.errors import NonFiniteError
from micrograd_es.texts import LANGUAGES, Language, legible, sentences
from micrograd_es.value import Undefined, Value

LIMIT = 200  # nodes that a page shows one by one
SPOKEN = "page_"  # the keys of the sentences that a page may say begin so
Parts = Mapping[str, Any]


class Page(str):
    """A whole page as the text of an HTML file, which notebooks show in a frame."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{escape(self)}" '
            'width="100%" height="900" title="micrograd_es"></iframe>'
        )


@dataclass(frozen=True, slots=True)
class Extra:
    """What a page has beside its graphs: HTML before and after them, style, script and numbers."""

    before: str = ""
    after: str = ""
    style: str = ""
    script: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


PLAIN = Extra()


def page(output: Value, language: str | None = None, title: str = "") -> Page:
    """Return a page that plays the forward and the backward pass of an output, one operation at a
    press.

    Its title is the output's name unless given. It opens in es or en, the language of the
    environment unless given, and speaks both. No `grad` is touched. ValueError for more than 200
    nodes; NonFiniteError for numbers that are not finite; DomainError where backward() raises it.
    """
    words = Language(language)
    graph = play(output, words)
    parts = {"name": legible(title) or graph.view.nodes[-1].name}
    return assemble("page_graph_title", parts, {"graph": graph}, words)


# ---- a graph that is played ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Played:
    """A graph with its picture and the steps of both passes."""

    view: View
    steps: Steps
    svg: Svg


def play(output: Value, words: Language) -> Played:
    """Return a graph, ready to be played; ValueError if it is too large, NonFiniteError for numbers
    that are not finite.
    """
    view = view_of(output, fold=LIMIT, play=True)
    if view.reduced:
        raise ValueError(
            f"{view.size} nodes: a page shows up to {LIMIT} one by one; "
            "draw.graph(output) folds a larger graph"
        )
    for node in view.nodes:
        data, grad = node.values[0].data, node.grads[0]
        if not (math.isfinite(data) and math.isfinite(grad)):
            raise NonFiniteError(
                f"{node.name} has data {data} and grad {grad}: a page shows finite numbers; "
                "find_nonfinite(output) tells where they come from"
            )
    title = words.say("page_graph_told", name=view.nodes[-1].name)
    return Played(view, steps_of(view), draw_view(view, title, words))


def numbers_of(graph: Played) -> dict[str, Any]:
    """Return everything that the page plays of a graph, ready for json."""
    nodes = graph.view.nodes
    return {
        "names": [node.name for node in nodes],
        "data": [node.values[0].data for node in nodes],
        "computed": [node.shape == "operation" for node in nodes],
        "edges": {
            f"{edge.start}-{i}": [0.0 if type(p) is Undefined else float(p) for p in edge.partials]
            for i, node in enumerate(nodes)
            for edge in node.edges
        },
        "forward": [astuple(step) for step in graph.steps.forward],
        "backward": [astuple(step) for step in graph.steps.backward],
    }


# ---- the page and its parts ----------------------------------------------------------------------


def assemble(
    title: str, parts: Parts, graphs: Mapping[str, Played], words: Language, extra: Extra = PLAIN
) -> Page:
    """Return the page that plays these graphs.

    title is the key of its title, and parts is what all its sentences are filled with.
    """
    style = f"{asset('page.css')}{extra.style}"
    script = "".join([*map(asset, ("words.js", "state.js", "steps.js")), extra.script])
    script += asset("start.js")
    text = {
        code: {key: said for key, said in sentences(code).items() if key.startswith(SPOKEN)}
        for code in LANGUAGES
    }
    data = {"title": title, "parts": parts, "text": text, **extra.data}
    data["graphs"] = {key: numbers_of(graph) for key, graph in graphs.items()}
    html = Template(asset("page.html")).substitute(
        lang=words.code,
        title=escape(words.say(title, **parts)),
        title_key=title,
        style=style,
        style_digest=digest(style),
        sections=f"{extra.before}{steps_section(graphs)}{extra.after}",
        data=to_json(data),
        script=script,
        script_digest=digest(script),
    )
    return Page(fill(html, words, parts))


def steps_section(graphs: Mapping[str, Played]) -> str:
    """Return the section that plays the graphs, one at a time."""
    choices = "".join(
        f'<label class="choice"><input type="radio" name="graph" value="{key}">'
        f'<span data-t="page_graph_{key}"></span></label>'
        for key in graphs
    )
    figures = "".join(
        f'<div class="graph" data-graph="{key}" tabindex="0" role="region" '
        f'data-l="page_graph_region">{graph.svg}</div>'
        for key, graph in graphs.items()
    )
    marks = ["leaf", "constant", "operation", "output", "data", "partial", "grad", "done"]
    if any(node.symbol == SYMBOLS["dot"] for graph in graphs.values() for node in graph.view.nodes):
        marks.append("dot")
    if any("sech²" in step.letters for graph in graphs.values() for step in graph.steps.backward):
        marks.append("sech")
    chooser = f'<fieldset><legend data-t="page_graph"></legend>{choices}</fieldset>'
    return Template(asset("steps.html")).substitute(
        chooser=chooser if len(graphs) > 1 else "", figures=figures, marks=list_of(marks)
    )


def list_of(marks: Iterable[str]) -> str:
    """Return the list that explains the marks of a picture."""
    return "".join(f'<li data-t="page_mark_{mark}"></li>' for mark in marks)


def asset(name: str, package: str = __package__) -> str:
    """Return the text of a file in the folder assets of a package."""
    return files(package).joinpath("assets", name).read_text(encoding="utf-8")


def fill(html: str, words: Language, parts: Parts) -> str:
    """Write a sentence into every element that names its key: data-t for what the element says,
    data-l for its label. The page writes them anew in the language of its reader.
    """

    def say(key: str) -> str:
        return escape(words.say(key, **parts))

    html = re.sub(r'(data-t="(\w+)"[^<>]*>)(?=</)', lambda match: match[1] + say(match[2]), html)
    return re.sub(r'data-l="(\w+)"', lambda match: f'{match[0]} aria-label="{say(match[1])}"', html)


def digest(text: str) -> str:
    """Return what a content security policy calls a text that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def to_json(data: Any) -> str:
    """Return json that cannot end the element that holds it; floats to 8 digits."""
    text = json.dumps(
        round_numbers(data), ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )
    return text.replace("<", "\\u003c")


def round_numbers(data: Any) -> Any:
    """Return the same data with 8 digits of every float, and a whole number without its point."""
    if isinstance(data, float):
        short = float(f"{data:.8g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(data, Mapping):
        return {key: round_numbers(part) for key, part in data.items()}
    return [round_numbers(part) for part in data] if isinstance(data, list | tuple) else data
