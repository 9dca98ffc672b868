"""The article's lesson as a page: the descent to play with, and backpropagation step by step."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from micrograd_es.draw.page.page import (
    Page,
    choices,
    marks,
    player,
    slider,
    stepped,
    stepper,
    tag,
    written,
)
from micrograd_es.lesson.network import ZONE, Lesson, Step
from micrograd_es.lesson.playground import (
    ARROWS,
    MESH,
    POWERS,
    SIZE,
    STEPS,
    TILT,
    TURN,
    Board,
    Run,
    height,
)
from micrograd_es.losses import squared_error
from micrograd_es.nn import MLP
from micrograd_es.texts import Language
from micrograd_es.value import Value

PAD = 20.0  # around the map, in pixels
LONGEST = 30.0  # pixels of an arrow; longer ones are cut
LEVELS = 6  # level lines: the zone, and from there twice as far each, or more


def lesson_page(lesson: Lesson, language: str) -> Page:
    """Return the page of a lesson, which opens in es or en and speaks both."""
    tongue = Language(language)
    board = Board(lesson)
    _, error = lesson.forward(lesson.network())
    graphs = {"net": stepped(error, tongue), "tanh": stepped(two_two_one(), tongue)}
    parts = {"x": lesson.x, "target": lesson.target, "zone": ZONE}
    sections = [
        tag("p", "page_intro", tongue, parts),
        descent(board, tongue, parts),
        stepper(graphs, tongue),
        f"<footer>{tag('strong', 'page_honest', tongue)}{marks(HONEST, tongue)}</footer>",
    ]
    return written("page_title", parts, sections, graphs, {"descent": board.data}, tongue)


HONEST = ("page_honest_two", "page_honest_way", "page_honest_twice", "page_honest_lost")


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


# ---- the descent ---------------------------------------------------------------------------------


def descent(board: Board, tongue: Language, parts: Mapping[str, object]) -> str:
    """Return the section that plays the descent."""
    presets = "".join(
        f'<button type="button" data-preset="{one}">{tag("span", f"page_{one}", tongue)}</button>'
        for one in ("small", "good", "twice", "large")
    )
    losses = {"absolute": "page_absolute", "squared": "page_squared"}
    play = '<button type="button" id="play"></button>'
    turn = (
        f'<div class="controls"><div class="slider"><label for="turn">'
        f'{tag("span", "page_turn", tongue)}</label><input id="turn" type="range" '
        f'min="-3.2" max="3.2" step="0.05" value="{TURN}"></div></div>'
    )
    notes = tag("li", "page_mark_ridge", tongue) + tag(
        "li", "page_mark_log", tongue, class_="squared"
    )
    return f"""\
<section id="descent" data-loss="absolute" aria-labelledby="descent-title">
{tag("h2", "page_descent_title", tongue, id="descent-title")}
{tag("p", "page_descent_text", tongue)}
<div class="controls">{choices("loss", "page_error", losses, tongue)}
<fieldset>{tag("legend", "page_presets", tongue)}{presets}</fieldset></div>
<div class="controls">{slider("rate", "page_rate", len(board.rates) - 1, tongue)}
{slider("start", "page_start", len(board.starts) - 1, tongue)}
{slider("step", "page_step", STEPS, tongue)}</div>
{player("step", tongue, play)}
<div class="said" role="status"><p id="verdict"></p><p id="bound"></p></div>
<div class="pictures">
<figure>{tag("figcaption", "page_map", tongue)}{seen_from_above(board, tongue)}
{marks(map_marks(board.lesson), tongue, parts)}</figure>
<figure>{tag("figcaption", "page_surface", tongue)}{surface(board, tongue)}
{turn}<ul>{notes}</ul></figure>
<div>{table(board, tongue)}</div>
<figure>{tag("figcaption", "page_curve", tongue)}{curve(board, tongue)}
{marks(("page_mark_now", "page_mark_edge"), tongue)}</figure>
</div>
</section>
"""


def map_marks(lesson: Lesson) -> tuple[str, ...]:
    """Return what explains the marks of the map, as far as this lesson has them."""
    found = ["path", "here", "uphill", "field"]
    if lesson.x:
        found += ["zone", "lines"]
    if lesson.x and lesson.target:
        found += ["saddle"]
    return tuple(f"page_mark_{one}" for one in found)


def table(board: Board, tongue: Language) -> str:
    """Return the table of weights and their responsibilities, at the end of the good run."""
    step = good(board).steps[-1]
    n = tongue.number

    def row(head: str, *cells: tuple[str, float]) -> str:
        told = "".join(f'<td id="is-{name}">{n(x)}</td>' for name, x in cells)
        return f'<tr><th scope="row">{head}</th>{told}{"<td></td>" * (2 - len(cells))}</tr>'

    heads = "".join(tag("th", f"page_{key}", tongue, scope="col")
                    for key in ("weight", "value", "responsibility"))  # fmt: skip
    rows = [
        row("w1", ("w1", step.w1), ("g1", step.g1)),
        row("w2", ("w2", step.w2), ("g2", step.g2)),
        row("ŷ = w2 · w1 · x", ("output", step.output)),
        row("E", ("error", step.error)),
    ]
    caption = tag("caption", "page_table", tongue)
    return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def good(board: Board) -> Run:
    """Return the run that is seen at first: at the good rate, if there is one."""
    runs = board.runs["absolute"][0]
    place = board.presets("absolute")["good"]
    return runs[len(runs) // 2 if place is None else place]


# ---- its pictures: what is seen at first, and without JavaScript ---------------------------------

Point = tuple[float, float]


def seen_from_above(board: Board, tongue: Language) -> str:
    """Return the map: heights as shades and level lines, the zone, the arrows, and the path."""
    lesson, half = board.lesson, board.half

    def px(w: Point) -> Point:
        return PAD + SIZE * (w[0] + half) / (2 * half), PAD + SIZE * (half - w[1]) / (2 * half)

    def region(off: float, style: str) -> str:
        outlines = ([px(w) for w in outline] for outline in between(lesson, off, half) if outline)
        return "".join(f'<polygon class="{style}" points="{pairs(line)}"/>' for line in outlines)

    side = f'x="{PAD}" y="{PAD}" width="{SIZE}" height="{SIZE}"'
    corner = abs(lesson.x) * half * half + abs(lesson.target)
    ratio = max(2.0, (corner / ZONE) ** (1 / LEVELS))
    heights = [float(f"{ZONE * ratio**k:.2g}") for k in range(LEVELS)]
    parts = [f'<rect class="h7" {side}/>']
    for i, off in reversed(list(enumerate(heights))):
        parts.append(region(off, "zone" if i == 0 else f"level h{i}"))
    for loss, scale in board.arrow.items():
        arrows = " ".join(arrow(px((s.w1, s.w2)), s, scale) for s in field(board, loss))
        parts.append(f'<path class="field {loss}" d="{arrows}"/>')
    parts += [level(board, off, px) for off in heights[1:]]
    points = [px((step.w1, step.w2)) for step in good(board).steps]
    zero = px((0.0, 0.0))
    if lesson.x and lesson.target:  # else it is no saddle
        at = f'x="{zero[0]:.0f}" y="{zero[1] + 5:.0f}"'
        parts.append(f'<text {at} text-anchor="middle">×</text>')
    parts += [
        f'<rect class="axis" {side}/>',
        f'<polyline id="path" class="way" points="{pairs(points)}"/>',
        f'<g id="dots" class="dots">{dots(points)}</g>',
        '<path id="uphill" class="uphill" d=""/>',
        f'<circle id="here" class="here" r="7" cx="{points[-1][0]:.1f}" cy="{points[-1][1]:.1f}"/>',
    ]
    ticks = []
    for w in (-half, 0.0, half):
        x, y = px((w, w))
        ticks.append(number_at(x, PAD + SIZE + 18, "middle", w, tongue))
        ticks.append(number_at(PAD - 6, y + 5, "end", w, tongue))
    names = ((PAD + SIZE * 0.75, PAD + SIZE + 18, "w1"), (PAD - 6, PAD + SIZE / 4 + 5, "w2"))
    ticks += [
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{"middle" if name == "w1" else "end"}">'
        f"{name}</text>"
        for x, y, name in names
    ]
    clip = f'<clipPath id="square"><rect {side}/></clipPath>'
    inside = f'<g clip-path="url(#square)">{"".join(parts)}</g>'
    box = "-36 0 476 446"
    return svg("map", "page_map", clip + inside + "".join(ticks), tongue, "", box)


def between(lesson: Lesson, off: float, half: float) -> Iterator[list[Point]]:
    """Yield the outlines of |ŷ - t| ≤ off for w1 > 0 and for w1 < 0, inside the square.

    ŷ = x·w1·w2, so that for each w1 it holds from w2 = (t - off)/(x·w1) to (t + off)/(x·w1).
    """
    if not lesson.x:
        return
    beyond = 1.05 * half
    low, high = sorted(((lesson.target - off) / lesson.x, (lesson.target + off) / lesson.x))
    across = [beyond * 1.13 ** (-i) for i in range(33)] + [1e-9 * half]
    for sign in (1, -1):
        one = [(sign * a, max(-beyond, min(beyond, sign * high / a))) for a in across]
        other = [(sign * a, max(-beyond, min(beyond, sign * low / a))) for a in across]
        yield [*one, *reversed(other)]


def level(board: Board, off: float, px: Any) -> str:
    """Return the height of a level line, where both weights are equal and negative: E, by loss."""
    product = (board.lesson.target + off) / board.lesson.x if board.lesson.x else -1.0
    place = math.sqrt(product) if product > 0 else math.inf
    if place > 0.95 * board.half:
        return ""
    x, y = px((-place, -place))
    return "".join(
        f'<text class="height {loss}" text-anchor="middle" x="{x:.0f}" y="{y + 4:.0f}" '
        f'data-n="{e:g}">{e:g}</text>'
        for loss, e in (("absolute", off), ("squared", off * off))
    )


def field(board: Board, loss: str) -> list[Step]:
    """Return the gradient on a grid: the middles of cells."""
    size = 2 * board.half / ARROWS
    middles = [size * (i + 0.5) - board.half for i in range(ARROWS)]
    return [board.look(a, b, loss) for b in middles for a in middles]


def arrow(at: Point, step: Step, scale: float) -> str:
    """Return the path of an arrow uphill, as long as the slope, up to LONGEST."""
    length = min(LONGEST, scale * step.length)
    if length < 1:
        return ""
    u, v = step.g1 / step.length, -step.g2 / step.length
    head = min(6.0, length / 2)
    x, y = at[0] + length * u / 2, at[1] + length * v / 2  # its middle is where it belongs
    a, b = head * (u - v / 2), head * (v + u / 2)
    c, d = head * (u + v / 2), head * (v - u / 2)
    return (
        f"M{x - length * u:.1f} {y - length * v:.1f}L{x:.1f} {y:.1f}l{-a:.1f} {-b:.1f}"
        f"M{x:.1f} {y:.1f}l{-c:.1f} {-d:.1f}"
    )


def surface(board: Board, tongue: Language) -> str:
    """Return the error as a surface, with the path lying on it, as it is seen at first."""
    heights = board.surface["absolute"]
    at = [i / (MESH - 1) - 0.5 for i in range(MESH)]
    corners = [[project(u, v, z) for u, z in zip(at, row, strict=True)]
               for v, row in zip(at, heights, strict=True)]  # fmt: skip
    cells = []
    for j in range(MESH - 1):
        for i in range(MESH - 1):
            places = ((j, i), (j, i + 1), (j + 1, i + 1), (j + 1, i))
            four = [corners[a][b] for a, b in places]
            mean = sum(heights[a][b] for a, b in places) / 4
            points = " ".join(f"{x:.0f},{y:.0f}" for x, y, _ in four)
            shape = f'<polygon class="h{min(7, int(8 * mean))}" points="{points}"/>'
            cells.append((sum(corner[2] for corner in four), shape))
    cells.sort(key=lambda cell: -cell[0])
    span, top = 2 * board.half, board.tops["absolute"]
    path = [
        project(s.w1 / span, s.w2 / span, height(s.error, top, "absolute") + 0.02)
        for s in good(board).steps
    ]
    names = []
    for name, u, v in (("w1", 0.62, 0.0), ("w2", 0.0, 0.62)):
        x, y, _ = project(u, v, 0.0)
        names.append(f'<text id="axis-{name}" x="{x:.1f}" y="{y:.1f}">{name}</text>')
    inside = (
        f'<g id="mesh">{"".join(shape for _, shape in cells)}</g>{"".join(names)}'
        f'<polyline id="ridge" class="way" points="{pairs(path)}"/>'
        f'<g id="ridge-dots" class="dots">{dots(path)}</g>'
    )
    return svg("surface", "page_surface", inside, tongue, 'tabindex="0"', "0 0 440 420")


def project(u: float, v: float, z: float) -> tuple[float, float, float]:
    """Return where a point of the surface is seen at first: x, y, and how far away."""
    cos, sin = math.cos(TURN), math.sin(TURN)
    x, depth = u * cos - v * sin, u * sin + v * cos
    y = 0.7 * z * math.cos(TILT) + depth * math.sin(TILT)
    return 220 + 270 * x, 270 - 270 * y, depth


def curve(board: Board, tongue: Language) -> str:
    """Return the error of every step, on a logarithmic scale."""
    low, high = POWERS
    parts = []
    for tick in range(low, high + 1, 2):
        y = 170 - 150 * (tick - low) / (high - low)
        parts.append(f'<path class="axis" d="M60 {y:.0f}H420"/>')
        parts.append(f'<text x="54" y="{y + 5:.0f}" text-anchor="end">{power_of_ten(tick)}</text>')
    parts += [
        number_at(60 + 360 * part, 190, "middle", STEPS * part, tongue) for part in (0.0, 0.5, 1.0)
    ]
    points = []
    for step in good(board).steps:
        power = min(high, max(low, math.log10(max(step.error, 1e-300))))
        points.append((60 + 360 * step.number / STEPS, 170 - 150 * (power - low) / (high - low)))
    parts.append(f'<polyline id="curve-line" class="way" points="{pairs(points)}"/>')
    x, y = points[-1]
    parts.append(f'<circle id="curve-here" class="here" r="6" cx="{x:.1f}" cy="{y:.1f}"/>')
    return svg("curve", "page_curve", "".join(parts), tongue, "", "0 0 440 200")


def svg(
    name: str, key: str, inside: str, tongue: Language, more: str = "", box: str = "0 0 440 440"
) -> str:
    return (
        f'<svg id="{name}" viewBox="{box}" role="img" data-l="{key}" '
        f'aria-label="{tongue.say(key)}" {more}>{inside}</svg>'
    )


def power_of_ten(power: int) -> str:
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def number_at(x: float, y: float, anchor: str, n: float, tongue: Language) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" data-n="{n:.4g}">'
        f"{tongue.number(n, 'g')}</text>"
    )


def pairs(points: Sequence[Sequence[float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)


def dots(points: Sequence[Sequence[float]]) -> str:
    return "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y, *_ in points)
