"""Draw the picture that opens the README: the 1-1-1 network with every number the engine computed.

    python docs/pictures.py

Writes docs/network.es.svg and docs/network.en.svg. Above the network the values go forward, below
it the responsibilities go back.
"""

from itertools import pairwise
from pathlib import Path

from micrograd_es.lesson.network import Lesson
from micrograd_es.texts import Language
from micrograd_es.value import topological_order

WORDS = {
    "es": ("hacia delante: valores", "hacia atrás: responsabilidades",
           "entrada", "oculta", "salida", "error", "un paso en contra"),
    "en": ("forward: values", "backward: responsibilities",
           "input", "hidden", "output", "error", "one step against it"),
}  # fmt: skip
BLUE, ORANGE, INK = "#0072B2", "#D55E00", "#222"  # told apart by colour-blind eyes, and by position
CENTRES = {"x": 70, "h": 260, "ŷ": 450, "E": 640}


def text(
    x: float, y: float, words: str, colour: str = INK, size: int = 15, weight: str = "400"
) -> str:
    return (
        f'<text x="{x}" y="{y}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="middle">{words}</text>'
    )


def arrow(x1: float, x2: float, y: float, colour: str) -> str:
    way = 1 if x2 > x1 else -1
    return (
        f'<path d="M{x1} {y}H{x2 - 7 * way}" stroke="{colour}" stroke-width="2.5" fill="none"/>'
        f'<path d="M{x2} {y}l{-11 * way} -5.5v11z" fill="{colour}"/>'
    )


def picture(code: str) -> str:
    """Return the network as SVG: one forward and one backward pass at the article's numbers."""
    number = Language(code).number
    forward, backward, *labels, step = WORDS[code]
    lesson = Lesson()
    network = lesson.network()
    output, error = lesson.forward(network)
    error.backward()
    nodes = {node.name: node for node in topological_order(error)}
    w1, w2 = network.parameters()
    shares = {share.name: share.share for share in lesson.responsibility()}
    parts = [
        (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 710 330" '
            'font-family="DejaVu Sans, Verdana, sans-serif">'
        ),
        '<rect width="710" height="330" rx="12" fill="#fff"/>',
        text(355, 34, f"{forward} →", BLUE, 17, "700"),
        text(355, 262, f"← {backward}", ORANGE, 17, "700"),
    ]
    names = list(CENTRES)
    for left, right in pairwise(names):
        parts.append(arrow(CENTRES[left] + 38, CENTRES[right] - 38, 118, BLUE))
        parts.append(arrow(CENTRES[right] - 38, CENTRES[left] + 38, 158, ORANGE))
    for (name, x), label in zip(CENTRES.items(), labels, strict=True):
        shape = (
            f'<rect x="{x - 34}" y="104" width="68" height="68" rx="8"'
            if name == "E"
            else f'<circle cx="{x}" cy="138" r="36"'
        )
        parts.append(f'{shape} fill="#F4F7FA" stroke="{INK}" stroke-width="2"/>')
        parts.append(text(x, 145, name, INK, 22, "700"))
        parts.append(text(x, 84, f"{name} = {number(nodes[name].data)}", BLUE, 16, "700"))
        parts.append(text(x, 64, label, "#666", 13))
        if name != "x":
            parts.append(text(x, 200, f"∂E/∂{name} = {number(nodes[name].grad)}", ORANGE, 14))
    for x, weight, formula in ((165, w1, "w1 · x"), (355, w2, "w2 · h")):
        parts.append(text(x, 110, formula, BLUE, 14))
        parts.append(text(x, 142, f"{weight.name} = {number(weight.data)}", INK, 15, "700"))
        share = number(100 * shares[str(weight.name)])
        parts.append(text(x, 180, f"∂E/∂{weight.name} = {number(weight.grad)}", ORANGE, 15, "700"))
        parts.append(text(x, 224, f"{share} %", ORANGE, 20, "700"))
    parts.append(text(545, 110, f"|ŷ − {number(lesson.target)}|", BLUE, 14))
    rate = lesson.rate()
    after = lesson.at(w1.data - rate * w1.grad, w2.data - rate * w2.grad)
    before, then = (f"ŷ {number(output.data)}", f"E {number(error.data)}")
    told = f"{step}: {before} → {number(after.output)}, {then} → {number(after.error)}"
    parts.append(text(355, 302, told, INK, 16))
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    for language in WORDS:
        Path(__file__).with_name(f"network.{language}.svg").write_text(
            picture(language), encoding="utf-8"
        )
