"""A page that plays a graph step by step, in one file: no network, strict about what may run.

What it plays is computed here; `assets/page.js` only shows it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from html import escape
from importlib.resources import files
from typing import Any

from micrograd_es.draw.graph import SYMBOLS, Svg, drawable, legible, picture, sketch
from micrograd_es.draw.page.steps import Steps, steps
from micrograd_es.errors import NonFiniteError
from micrograd_es.texts import LANGUAGES, Language, sentences
from micrograd_es.value import Undefined, Value, is_constant

LIMIT = 200  # nodes that a page shows one by one
SPOKEN = "page_"  # the sentences that a page may say begin so
Parts = Mapping[str, Any]


class Page(str):
    """A whole page as the text of an HTML file, which notebooks show in a frame."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return (
            f'<iframe sandbox="allow-scripts" srcdoc="{escape(self)}" '
            'width="100%" height="900" title="micrograd_es"></iframe>'
        )


def page(output: Value, language: str | None = None, title: str = "") -> Page:
    """Return a page that plays the forward and the backward pass of an output, one operation at a
    press.

    Its title is the output's name unless given. It opens in es or en, the language of the
    environment unless given, and speaks both. No `grad` is touched. ValueError for more than 200
    nodes; NonFiniteError for numbers that are not finite; DomainError as of backward().
    """
    tongue = Language(language)
    graphs = {"graph": stepped(output, tongue)}
    parts = {"name": legible(title or graphs["graph"].title)}
    return written("page_graph_title", parts, [stepper(graphs, tongue)], graphs, {}, tongue)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the picture of a node needs of it."""

    data: float
    grad: float
    name: str | None


@dataclass(frozen=True, slots=True)
class Stepped:
    """A graph with its steps, its picture, and what both are called."""

    title: str
    steps: Steps
    svg: Svg

    @property
    def data(self) -> dict[str, Any]:
        """Everything that the page plays of it, ready for json."""
        nodes = self.steps.nodes
        place = {node: i for i, node in enumerate(nodes)}
        edges: dict[str, list[float]] = {}
        for i, node in enumerate(nodes):
            for arg, partial in zip(node.args, node.partials, strict=True):
                slope = 0.0 if isinstance(partial, Undefined) else float(partial)
                edges.setdefault(f"{place[arg]}-{i}", []).append(slope)
        return {
            "names": self.steps.names,
            "data": [node.data for node in nodes],
            "made": [bool(node.args) for node in nodes],
            "edges": edges,
            "forward": [astuple(step) for step in self.steps.forward],
            "backward": [astuple(step) for step in self.steps.backward],
        }


def stepped(output: Value, tongue: Language) -> Stepped:
    """Return a graph ready to be played; ValueError if it is too large."""
    found = steps(drawable(output))
    for node, name, grad in zip(found.nodes, found.names, found.grads, strict=True):
        if not (math.isfinite(node.data) and math.isfinite(grad)):
            raise NonFiniteError(
                f"{name} has data {node.data} and grad {grad}: a page shows finite numbers; "
                "find_nonfinite(output) tells where they come from"
            )
    if len(found.nodes) > LIMIT:
        raise ValueError(
            f"{len(found.nodes)} nodes: a page shows up to {LIMIT} one by one; "
            "draw.graph(output) folds a larger graph"
        )
    drawn = sketch(output, tongue, fold=LIMIT)
    for node, name, grad, one in zip(
        found.nodes, found.names, found.grads, drawn.nodes, strict=True
    ):
        one.label = called(node, name)
        one.members = [Shown(node.data, grad, None)]
    played = type(drawn)(drawn.nodes, drawn.args, drawn.edges, drawn.flow, "", gradients=True)
    title = found.names[-1]
    return Stepped(title, found, picture(played, tongue.say("page_graph_told", name=title), tongue))


def called(node: Any, name: str) -> str:
    """Return the head of a node: its name, and its operation's symbol."""
    if is_constant(node):
        return ""
    if not node.args:
        return name
    return f"{name} ({SYMBOLS.get(node.primitive.name, node.primitive.name)})"


# ---- the page and its parts ----------------------------------------------------------------------


def written(
    title: str,
    parts: Parts,
    sections: list[str],
    graphs: Mapping[str, Stepped],
    data: Mapping[str, Any],
    tongue: Language,
) -> Page:
    """Return the page of these sections, with all that they play."""
    style, script = asset("page.css"), asset("page.js")
    text = {code: {key: told for key, told in sentences(code).items() if key.startswith(SPOKEN)}
            for code in LANGUAGES}  # fmt: skip
    held = {"title": title, "parts": parts, "text": text, **data}
    held["graphs"] = {key: graph.data for key, graph in graphs.items()}
    policy = (
        f"default-src 'none'; script-src '{digest(script)}'; style-src '{digest(style)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    say = tongue.say(title, **parts)
    buttons = "".join(
        f'<button type="button" data-lang="{code}" lang="{code}" '
        f'aria-pressed="{str(code == tongue.code).lower()}">{name}</button>'
        for code, name in (("es", "Español"), ("en", "English"))
    )
    return Page(f"""\
<!doctype html>
<html lang="{tongue.code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(say)}</title>
<style>{style}</style>
</head>
<body>
<header>
{tag("h1", title, tongue, parts)}
<div class="buttons" role="group" aria-label="Idioma / Language">{buttons}</div>
</header>
<main>
<noscript>{tag("p", "page_noscript", tongue)}</noscript>
{"".join(sections)}
</main>
<script type="application/json" id="data">{packed(held)}</script>
<script>{script}</script>
</body>
</html>
""")


def asset(name: str) -> str:
    return files("micrograd_es.draw.page").joinpath("assets", name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    """Return what a content security policy calls a text that may run."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def packed(held: Any) -> str:
    """Return json that cannot end the element that holds it; floats to 8 digits."""
    text = json.dumps(rounded(held), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def rounded(held: Any) -> Any:
    if isinstance(held, float):
        short = float(f"{held:.8g}")
        return int(short) if short.is_integer() and abs(short) < 1e15 else short
    if isinstance(held, Mapping):
        return {key: rounded(part) for key, part in held.items()}
    return [rounded(part) for part in held] if isinstance(held, list | tuple) else held


def tag(name: str, key: str, tongue: Language, parts: Parts | None = None, **more: str) -> str:
    """Return an element with a sentence, which the page says anew in the language of its reader."""
    extra = "".join(f' {attribute.rstrip("_")}="{value}"' for attribute, value in more.items())
    said = escape(tongue.say(key, **(parts or {})))
    return f'<{name} data-t="{key}"{extra}>{said}</{name}>'


def marks(keys: tuple[str, ...], tongue: Language, parts: Parts | None = None) -> str:
    """Return the list that explains the marks of a picture."""
    return f"<ul>{''.join(tag('li', key, tongue, parts) for key in keys)}</ul>"


def slider(name: str, key: str, last: int, tongue: Language) -> str:
    """Return a slider over whole numbers, with its name and what it stands at."""
    return (
        f'<div class="slider"><label for="{name}">{tag("span", key, tongue)}</label>'
        f'<output id="{name}-told" for="{name}"></output>'
        f'<input id="{name}" type="range" min="0" max="{last}" value="0" step="1"></div>'
    )


def player(name: str, tongue: Language, more: str = "") -> str:
    """Return the buttons that go to the first, the last and the neighbouring steps."""
    signs = {"first": "«", "back": "‹", "next": "›", "last": "»"}
    buttons = [
        f'<button type="button" id="{name}-{way}" data-l="page_{way}" '
        f'aria-label="{escape(tongue.say(f"page_{way}"))}">{sign}</button>'
        for way, sign in signs.items()
    ]
    return f'<div class="buttons">{"".join(buttons)}{more}</div>'


def choices(name: str, legend: str, options: Mapping[str, str], tongue: Language) -> str:
    """Return radio buttons: (what is chosen, the sentence that says it)."""
    radios = "".join(
        f'<label class="choice"><input type="radio" name="{name}" value="{value}">'
        f"{tag('span', key, tongue)}</label>"
        for value, key in options.items()
    )
    return f"<fieldset>{tag('legend', legend, tongue)}{radios}</fieldset>"


def stepper(graphs: Mapping[str, Stepped], tongue: Language) -> str:
    """Return the section that plays graphs, one at a time."""
    options = {key: f"page_graph_{key}" for key in graphs}
    chooser = choices("graph", "page_graph", options, tongue) if len(graphs) > 1 else ""
    figures = "".join(
        f'<div class="graph" data-graph="{key}" tabindex="0" role="region" '
        f'data-l="page_graph_region" aria-label="{escape(tongue.say("page_graph_region"))}">'
        f"{graph.svg}</div>"
        for key, graph in graphs.items()
    )
    told = ["leaf", "constant", "operation", "output", "data", "partial", "grad", "done"]
    if any(
        node.primitive and node.primitive.name == "dot"
        for g in graphs.values()
        for node in g.steps.nodes
    ):
        told.append("dot")
    if any("sech²" in step.letters for graph in graphs.values() for step in graph.steps.backward):
        told.append("sech")
    explained = marks(tuple(f"page_mark_{one}" for one in told), tongue)
    log = f'{tag("strong", "page_log", tongue)}<ol id="log" tabindex="0" data-l="page_log"></ol>'
    return f"""\
<section id="steps" aria-labelledby="steps-title">
{tag("h2", "page_steps_title", tongue, id="steps-title")}
{tag("p", "page_steps_text", tongue)}
<div class="controls">{chooser}{slider("op", "page_op", 0, tongue)}</div>
{player("op", tongue)}
<div class="said" role="status"><p id="arithmetic"></p></div>
{figures}
<div class="pictures"><div class="marks">{explained}</div><div class="log">{log}</div></div>
</section>
"""
