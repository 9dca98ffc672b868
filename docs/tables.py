"""Writes docs/primitives.md and docs/primitives.es.md, and by stubs.py what type checkers read.

    python docs/tables.py

The formulas of the partials are what the rules give on named values, and what each row answers at
extreme arguments is computed here, not stored: the table says it once.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from docs import stubs
from micrograd_es import floats
from micrograd_es.check.row import points_of
from micrograd_es.errors import DomainError
from micrograd_es.nodes import node_of
from micrograd_es.primitive import Primitive
from micrograd_es.primitives import TABLE
from micrograd_es.testing.strategies import COUNTED
from micrograd_es.value import Undefined, Value, is_constant, topological_order

HERE = Path(__file__).parent
EXTREMES = {
    "0": 0.0,
    "−0": -0.0,
    "+∞": math.inf,
    "−∞": -math.inf,
    "NaN": math.nan,
    "5e−324": 5e-324,
    "1.8e308": 1.7976931348623157e308,
}
CONSTANTS = {
    floats.LN2: r"\ln 2",
    floats.LOG2E: r"\log_2 e",
    floats.LOG10E: r"\log_{10} e",
    floats.TWO_BY_SQRT_PI: r"\tfrac{2}{\sqrt{\pi}}",
}
WORDS = {
    "en": {
        "title": "The table of primitives",
        "intro": """\
Every row of `micrograd_es/primitives.py`; `softmax`, `clip` and `where` are written with them.
This page is written by `docs/tables.py` from those rows: the partials are what their rules give
on named values. $y$ is the result; a function of any number of arguments is shown with three.
Where a slope jumps, the last column says which one is taken. How many digits are right is in
[accuracy.md](accuracy.md).""",
        "columns": ("name", "value", "partials", "domain", "at a kink"),
        "left": "the slope on the left",
        "right": "the slope on the right",
        "mean": "the mean of the slopes on both sides",
        "jump": "the value jumps, the slope is 0",
        "wholes": "every whole number",
        "halves": "every half of an odd number",
        "zero": "all arguments 0",
        "answers": "What they answer at extreme arguments",
        "about": """\
The value, and after the semicolon its slope. **domain** and **overflow**: a `DomainError` or an
`OverflowError` at once. **no slope**: an error only if the slope is really used. A dot stands
for the extreme argument; the slope is by it.""",
        "domain": "domain",
        "overflow": "overflow",
        "none": "no slope",
        "point": ".",
    },
    "es": {
        "title": "La tabla de primitivas",
        "intro": """\
Cada fila de `micrograd_es/primitives.py`; `softmax`, `clip` y `where` se escriben con ellas.
Esta página la escribe `docs/tables.py` a partir de esas filas: las derivadas parciales son lo
que dan sus reglas con valores que tienen nombre. $y$ es el resultado; una función de cualquier
número de argumentos se muestra con tres. Donde una pendiente salta, la última columna dice cuál
se toma. Cuántas cifras son correctas está en [accuracy.md](accuracy.md).""",
        "columns": ("nombre", "valor", "derivadas parciales", "dominio", "en un punto anguloso"),
        "left": "la pendiente de la izquierda",
        "right": "la pendiente de la derecha",
        "mean": "la media de las pendientes de ambos lados",
        "jump": "el valor salta, la pendiente es 0",
        "wholes": "cada número entero",
        "halves": "cada mitad de un número impar",
        "zero": "todos los argumentos 0",
        "answers": "Qué responden con argumentos extremos",
        "about": """\
El valor y, tras el punto y coma, su pendiente. **dominio** y **desborda**: un `DomainError` o
un `OverflowError` en el acto. **sin pendiente**: un error solo si la pendiente se usa de
verdad. Un punto ocupa el lugar del argumento extremo; la pendiente es respecto de él.""",
        "domain": "dominio",
        "overflow": "desborda",
        "none": "sin pendiente",
        "point": "{,}",
        "a > 0, or whole b (b >= 0 if a = 0)": "a > 0, o b entero (b >= 0 si a = 0)",
        "b > 0, or a = 0": "b > 0, o a = 0",
        "a != 0, or b != 0": "a != 0, o b != 0",
        "b != 0, or a = 0": "b != 0, o a = 0",
        "at least one value": "al menos un valor",
    },
}


def page(language: str) -> str:
    say = WORDS[language]
    rows = [list(say["columns"]), ["---"] * 5]
    for row in TABLE.values():
        written = [re.sub(r"(\d)\.(\d)", rf"\1{say['point']}\2", text) for text in formulas(row)]
        rows.append([f"`{row.name}`", *written, domain(row, say), kinks(row, say)])
    sign = say["point"].strip("{}")
    extremes = (x.replace(".", sign) for x in EXTREMES)
    answers = [["", *extremes], ["---"] * (1 + len(EXTREMES))]
    for row in TABLE.values():
        for place, written in places(row):
            cells = (answer(row, place, x, say) for x in EXTREMES.values())
            answers.append([f"`{written}`", *(cell.replace(".", sign) for cell in cells)])
    return "\n\n".join(
        [
            f"# {say['title']}",
            " ".join(say["intro"].split()),
            table(rows),
            f"## {say['answers']}",
            " ".join(say["about"].split()),
            table(answers) + "\n",
        ]
    )


def table(rows: Sequence[Sequence[str]]) -> str:
    escaped = ([cell.replace("|", r"\|") for cell in row] for row in rows)
    return "\n".join(f"| {' | '.join(row)} |" for row in escaped)


# ---- formulas ------------------------------------------------------------------------------------


def formulas(row: Primitive) -> tuple[str, str]:
    """Return the row's value and its partials in LaTeX."""
    size = 3 if row.arity is None else row.arity
    point = next(p for p in points_of(row) if len(p) == size) if size else ()
    names = {1: ["x"], 2: ["a", "b"], 4: ["a", "b", "k", "m"]}
    if row.name in COUNTED and size == 2:
        names[2] = ["x", "n"]
    names = names.get(size) or [f"x_{i}" for i in range(1, size + 1)]
    args = [Value(x, name=name) for x, name in zip(point, names, strict=True)]
    y = Value(row.value(*point), name="y") if point else Value(0.0)
    partials = ", ".join(f"${latex(row.partial(i, y, args))}$" for i in range(size))
    return f"${row.as_latex(*names)}$", partials


def latex(made: Any) -> str:
    """Return a partial, a number or a graph over named leaves, in LaTeX."""
    if type(made) is not Value:
        return number(made)
    text: dict[Value, str] = {}
    for node in topological_order(made):
        if node.primitive is None or is_constant(node):
            text[node] = node.name or number(node.data)
        else:
            text[node] = node.primitive.as_latex(*(text[arg] for arg in node.args))
    return text[made]


def number(x: float) -> str:
    return CONSTANTS.get(x) or (f"-{CONSTANTS[-x]}" if -x in CONSTANTS else f"{x:.4g}")


def domain(row: Primitive, say: dict[str, Any]) -> str:
    text = say.get(row.domain, row.domain)
    if not text or re.search("[a-z]{2}| o ", text):
        return text
    for sign, name in ((">=", r"\ge"), ("<=", r"\le"), ("!=", r"\ne")):
        text = text.replace(sign, name)
    return f"${text}$"


def kinks(row: Primitive, say: dict[str, Any]) -> str:
    texts = []
    for kink, convention in row.kinks.items():
        at = {operator.sub: "$a = b$", math.hypot: say["zero"]}.get(
            row.switch, f"${'x' if row.arity == 1 else 'a'} = {kink:g}$"
        )
        if row.period:
            at = say["halves" if kink else "wholes"]
        texts.append(f"{at}: {say[convention]}")
    return "; ".join(texts)


# ---- answers -------------------------------------------------------------------------------------


def places(row: Primitive) -> list[tuple[int, str]]:
    """Return (place of the extreme argument, how the call is written); the others are 2."""
    if row.arity == 1:
        return [(0, row.as_text("·"))]
    if row.name in COUNTED or row.arity == 0:
        return []
    first, second = (0, row.as_text("·", "2")), (1, row.as_text("2", "·"))
    return [first, second] if row.arity == 2 else [first]


def answer(row: Primitive, place: int, x: float, say: dict[str, Any]) -> str:
    """Return what the row answers: value; slope."""
    numbers = [x] if row.arity == 1 else [x, 2.0] if place == 0 else [2.0, x]
    try:
        node = node_of(row, *map(Value, numbers))
    except DomainError:
        return say["domain"]
    except OverflowError:
        return say["overflow"]
    slope = node.partials[place]
    shown = say["none"] if isinstance(slope, Undefined) else short(float(slope))
    return f"{short(node.data)}; {shown}"


def short(x: float) -> str:
    if math.isnan(x):
        return "NaN"
    return f"{x:.4g}".replace("inf", "∞").replace("-", "−").replace("e+", "e").replace("e−0", "e−")


def main() -> None:
    for language, name in (("en", "primitives.md"), ("es", "primitives.es.md")):
        (HERE / name).write_text(page(language), encoding="utf-8")
    stubs.main()


if __name__ == "__main__":
    main()
