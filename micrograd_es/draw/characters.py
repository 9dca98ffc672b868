"""Drawings for a terminal, made of characters.

arrow(u, v)              a direction
curve(ys)                a curve, in Braille dots
heights(f, x, y, …)      a function seen from above, in shades; mark_on_map puts a path on it
plain(text)              any of it in ASCII, for a terminal that has nothing better
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence

ARROWS = "→↗↑↖←↙↓↘"
SHADES = " ░▒▓█"
# The bit of each of the 2 × 4 dots of a Braille character, by row and column (Unicode 2800-28FF).
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
Point = tuple[float, float]


def arrow(u: float, v: float) -> str:
    """Return the arrow nearest to the direction (u, v), of eight; a dot if it has no direction."""
    if u == v == 0:
        return "·"
    return ARROWS[round(math.atan2(v, u) / (math.pi / 4)) % 8]


def curve(ys: Sequence[float], width: int = 56, height: int = 8) -> list[str]:
    """Return y against its index as lines of Braille dots, from the largest y to the smallest."""
    low, high = min(ys), max(ys)
    columns, rows = 2 * width, 4 * height
    cells = [[0] * width for _ in range(height)]
    before = None
    for column in range(columns):
        place = column / (columns - 1) * (len(ys) - 1)
        left = min(int(place), max(len(ys) - 2, 0))
        right = min(left + 1, len(ys) - 1)
        y = ys[left] + (place - left) * (ys[right] - ys[left])
        row = round((high - y) / ((high - low) or 1) * (rows - 1))
        before = row if before is None else before
        for r in range(min(row, before), max(row, before) + 1):
            cells[r // 4][column // 2] |= DOTS[r % 4][column % 2]
        before = row
    return ["".join(chr(0x2800 + cell) for cell in line) for line in cells]


def heights(
    f: Callable[[float, float], float],
    x: Point,
    y: Point,
    bounds: Sequence[float],
    width: int,
    height: int,
) -> list[list[str]]:
    """Return f seen from above as rows of shades: one shade more for each bound that f exceeds."""
    rows = []
    for j in range(height):
        v = y[1] - (y[1] - y[0]) * j / (height - 1)
        across = (x[0] + (x[1] - x[0]) * i / (width - 1) for i in range(width))
        rows.append([SHADES[sum(f(u, v) > bound for bound in bounds)] for u in across])
    return rows


def mark_on_map(
    rows: list[list[str]], x: Point, y: Point, path: Sequence[Point], mark: str
) -> None:
    """Write the mark at every point of the path that lies on the map."""
    height, width = len(rows), len(rows[0])
    for u, v in path:
        i = round((u - x[0]) / (x[1] - x[0]) * (width - 1))
        j = round((y[1] - v) / (y[1] - y[0]) * (height - 1))
        if 0 <= i < width and 0 <= j < height:
            rows[j][i] = mark


ASCII = str.maketrans(
    dict(zip("→↗↑↖←↙↓↘░▒▓█─│┤└├┼▶·", ">/^\\</v\\.:+#-||`|+>*", strict=True))
    | {"∂": "d", "η": "eta", "λ": "lambda", "√": "sqrt", "Σ": "sum ", "Π": "product ", "∞": "inf"}
    | {"«": '"', "»": '"', "≤": "<=", "±": "+-", "…": "...", "−": "-", "×": "x", "÷": "/"}
    | {"¿": "", "¡": "", "²": "^2", "–": "-"}
)


def plain(text: str) -> str:
    """Return text in ASCII: letters without accents, lines and dots as -, | and *."""
    dots = "".join("*" if "\u2800" < c <= "\u28ff" else " " if c == "\u2800" else c for c in text)
    letters = unicodedata.normalize("NFKD", dots.translate(ASCII))
    return letters.encode("ascii", "ignore").decode()
