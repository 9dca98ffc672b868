"""What the pictures of matplotlib share: the empty figure, its style and marks, how it is saved.

plots.py puts them together; nothing here knows which picture it is.
"""

from __future__ import annotations

import io
import math
import os
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from micrograd_es.coercion import as_float, describe
from micrograd_es.errors import MicrogradError, MissingExtra
from micrograd_es.fields import Field
from micrograd_es.files import write
from micrograd_es.texts import Language

try:
    import matplotlib
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter, MaxNLocator
except ImportError as problem:
    raise MissingExtra(
        "pictures need matplotlib: pip install 'micrograd-es[plot]'; "
        "micrograd_es.draw.characters draws with characters, without it"
    ) from problem
import numpy

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which colour-blind eyes tell apart; marks differ in shape as well.
BLUE, ORANGE, GREEN, INK, GREY = "#0072B2", "#D55E00", "#009E73", "#222222", "#767676"
SHADES = "YlOrBr"  # light is low, dark is high: told apart without colour too
CYCLE = (BLUE, "#E69F00", GREEN, ORANGE, "#CC79A7")
LINES = ("o-", "s--", "^-.", "D:", "v-")
STYLE: Any = {
    "font.family": "DejaVu Sans",  # it comes with matplotlib: the same letters everywhere
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelsize": 12,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.markersize": 5,
    "hatch.linewidth": 0.6,
    "figure.dpi": 100,
}
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}  # else no two are alike
POINTS = 61  # of a picture's grid, along each axis
FINE = 121  # of the grid of level lines: a coarser one breaks those of a narrow valley
LEVELS = 10  # lines, at most
LARGEST = 1e250  # what is larger is left blank: matplotlib's own arithmetic would overflow
Interval = tuple[float, float]
Drawable = Field | Callable[..., Any]
Points = Sequence[tuple[float, ...]]


class Picture(Figure):
    """A Figure that notebooks show as SVG, and that is written in the same bytes every time."""

    def _repr_svg_(self) -> str:
        return render(self, "svg").decode()

    def savefig(self, fname: Any, **options: Any) -> None:
        kind = options.get("format") or Path(str(fname)).suffix.removeprefix(".")
        options.setdefault("metadata", UNDATED.get(kind))
        with matplotlib.rc_context({"svg.hashsalt": "micrograd-es"}):  # else names are random
            super().savefig(fname, **options)


def save(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write a figure as svg, png or pdf, by the name's ending: whole or not at all.

    The same figure gives the same bytes. ValueError for another ending.
    """
    kind = Path(path).suffix.lower().removeprefix(".")
    if kind not in ("svg", "png", "pdf"):
        raise ValueError(f"{os.fspath(path)!r}: a picture's name ends in .svg, .png or .pdf")
    return write(path, render(figure, kind))


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a file of this kind."""
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "micrograd-es"}):
        figure.savefig(out, format=kind, metadata=UNDATED.get(kind), dpi=200)
    return out.getvalue()


@contextmanager
def new_figure(tall: float) -> Iterator[Picture]:
    """Give an empty figure, 6 inches wide, and settle its layout once it is drawn."""
    with matplotlib.rc_context(STYLE):
        figure = Picture(figsize=(6, tall), layout="constrained")
        yield figure
        for _ in range(2):  # the labels that the first layout makes room for are the second's
            figure.draw_without_rendering()
        figure.set_layout_engine("none")  # else each saving moves things a little


def as_field(f: Drawable) -> Field:
    """Return f itself if it is a Field, else the field of that function."""
    return f if isinstance(f, Field) else Field(f)


def value(field: Field, *point: float) -> float:
    """Return the field at a point; NaN, which matplotlib leaves blank, where it is undefined or too
    large to be drawn.
    """
    try:
        height = field.value(*point)
    except (MicrogradError, OverflowError):
        return math.nan
    return height if abs(height) <= LARGEST else math.nan


def heights(field: Field, x: Interval, y: Interval) -> tuple[Any, np.ndarray]:
    """Return ((xs, ys), values) on a fine grid."""
    axes = numpy.meshgrid(coordinates(x, FINE), coordinates(y, FINE))
    points = zip(*(c.ravel().tolist() for c in axes), strict=True)
    values = numpy.array([value(field, *point) for point in points])
    if not numpy.isfinite(values).any():
        raise ValueError(
            f"nothing to draw: on all of {x} × {y} the field is undefined, or larger than {LARGEST}"
        )
    return axes, values.reshape(axes[0].shape)


def coordinates(interval: Interval, count: int = POINTS) -> list[float]:
    """Return the coordinates of a fine grid, the ends included; ValueError for no interval."""
    message = (
        f"interval {describe(interval)}: give two numbers, the smaller one first, such as (-1, 1)"
    )
    if not hasattr(interval, "__len__"):
        raise TypeError(message)
    if len(interval) != 2:
        raise ValueError(message)
    low, high = map(as_float, interval)
    if not -LARGEST <= low < high <= LARGEST:
        raise ValueError(message)
    return list(numpy.linspace(low, high, count).tolist())


def arrow_starts(interval: Interval, count: int, reach: float) -> tuple[list[float], float]:
    """Return coordinates at equal distances, and that distance, such that arrows from there that
    are at most `reach` of it long stay inside the interval.
    """
    low, high = interval
    apart = (high - low) / (count - 1 + 2 * reach)
    return [low + apart * (reach + i) for i in range(count)], apart


def largest_slope(magnitude: np.ndarray) -> float:
    """Return the largest slope but for the uppermost 2 %, which may be near a singularity."""
    known = magnitude[magnitude <= LARGEST]
    if not known.size:
        raise ValueError(
            f"nothing to draw: the field has no gradient in the picture, or one beyond {LARGEST}"
        )
    return float(numpy.quantile(known, 0.98)) or 1.0


def round_heights(values: np.ndarray) -> list[float]:
    """Return round heights at equal distances, so that lines are closer where it is steeper."""
    low, high = numpy.nanmin(values), numpy.nanmax(values)
    if not stretched(low, high):
        return []
    steps = MaxNLocator(LEVELS, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [float(level) for level in steps if is_inside(level, values)]


def stretched(low: float, high: float) -> bool:
    """Whether there is room for different heights between two numbers."""
    return bool(high - low > 1e-12 * max(abs(low), abs(high), 1 / LARGEST))


def draw_shades(axes: Axes, grid: Any, values: np.ndarray) -> None:
    """Colour the ground: the higher, the darker."""
    low, high = numpy.nanmin(values), numpy.nanmax(values)
    if stretched(low, high):
        colours = 0.4 + 0.6 * matplotlib.colormaps[SHADES](numpy.linspace(0, 1, 24))[:, :3]
        axes.contourf(*grid, values, numpy.linspace(low, high, 25), colors=colours)


def draw_levels(axes: Axes, grid: Any, values: np.ndarray, words: Language) -> None:
    """Draw level lines with their heights."""
    if bounds := round_heights(values):
        lines = axes.contour(*grid, values, bounds, colors=GREY, linewidths=0.8)
        axes.clabel(lines, fontsize=9, fmt=words.number, colors=INK)


def is_inside(height: float | None, values: np.ndarray) -> bool:
    """Whether a level line at that height can be drawn."""
    low, high = numpy.nanmin(values), numpy.nanmax(values)
    return height is not None and stretched(low, high) and bool(low < height < high)


def height_if_inside(height: float | None, values: np.ndarray) -> float | None:
    """Return the height if a level line there can be drawn, else None."""
    return height if is_inside(height, values) else None


def draw_zone(axes: Axes, grid: Any, values: np.ndarray, zone: float | None) -> None:
    """Colour all that is lower than the zone's height in green."""
    if zone is not None and is_inside(zone, values):
        axes.contourf(*grid, values, [numpy.nanmin(values), zone], colors=[GREEN], alpha=0.35)
        axes.contour(*grid, values, [zone], colors=GREEN, linewidths=1.5)


def letters_at_ends(path: Points) -> list[tuple[str, int]]:
    """Return the letters at a path's ends: A and B, or A alone."""
    return [("A", 0)] + [("B", -1)] * (len(path) > 1)


def draw_path(axes: Axes, path: Points) -> None:
    """Draw a path: a dot for each step, A where it starts, B at its end."""
    if not path:
        return
    u, v = (numpy.array(c) for c in zip(*path, strict=True))
    axes.plot(u, v, "-", color="white", lw=4)
    axes.plot(u, v, "o-", color=BLUE, lw=1.8, ms=4)
    for letter, i in letters_at_ends(path):
        axes.plot(u[i], v[i], "o", color=BLUE, ms=13, mec="white")
        axes.annotate(
            letter, (u[i], v[i]), color="white", weight="bold", size=9, ha="center", va="center",
            annotation_clip=True,
        )  # fmt: skip


def draw_arrows(axes: Axes, u: Any, v: Any, du: Any, dv: Any, colour: str) -> None:
    """Draw arrows from (u, v), as long as (du, dv) on the axes."""
    axes.quiver(
        u, v, du, dv, color=colour, angles="xy", scale_units="xy", scale=1, width=0.006, zorder=4,
        headwidth=4.5, headlength=5, headaxislength=4.5, minshaft=1.5, minlength=0.5,
    )  # fmt: skip


def part_that_fits(start: Sequence[float], move: Sequence[float], *sides: Interval) -> float:
    """Return how much of a move from a point fits inside the picture: 1 for all of it."""
    room = [
        ((high if by > 0 else low) - at) / by
        for at, by, (low, high) in zip(start, move, sides, strict=True)
        if by
    ]
    return min(1.0, *room) if room else 1.0


def draw_marks(axes: Axes, marked: Mapping[str, Points]) -> list[Any]:
    """Draw points and lines by their names; return what explains them."""
    handles: list[Any] = []
    for label, line in marked.items():
        style: dict[str, Any] = {"lw": 2.5} if len(line) > 1 else {"marker": "X", "ms": 11, "lw": 0}
        handles += axes.plot(*zip(*line, strict=True), color=GREEN, label=label, **style)
    return handles


def draw_dashes(axes: Axes, starts: Any, stops: Any) -> None:
    """Draw dashed lines from points to points, both given as (xs, ys)."""
    pairs = (numpy.stack(points, axis=-1).reshape(-1, 2) for points in (starts, stops))
    lines = LineCollection(list(zip(*pairs, strict=True)), colors=BLUE, ls="--", lw=1.3)
    axes.add_collection(lines)


def line_handle(**style: Any) -> Line2D:
    """Return what explains a line of this style."""
    return Line2D([], [], **style)


def arrow_handle(colour: str, label: str) -> Line2D:
    """Return what explains arrows of this colour."""
    return line_handle(color=colour, marker=r"$\rightarrow$", ms=14, ls="", label=label)


def path_handles(paths: Sequence[Points], zone: float | None, words: Language) -> list[Any]:
    """Return what explains paths, and the zone if there is one."""
    handles: list[Any] = []
    longest = max(map(len, paths), default=0)
    if longest:
        label = words.say("plot_path" if longest > 1 else "plot_weights")
        style = "-" if longest > 1 else ""
        handles.append(line_handle(color=BLUE, marker="o", ls=style, label=label))
    if zone is not None:
        handles.append(Patch(color=GREEN, alpha=0.6, label=words.say("plot_zone", zone=zone)))
    return handles


def add_legend(figure: Figure, handles: Sequence[Any]) -> None:
    """Explain the marks below the picture, which grows if they are many."""
    if handles:
        labels = [textwrap.fill(str(handle.get_label()), 76) for handle in handles]
        lines = sum(label.count("\n") + 1 for label in labels)
        figure.set_figheight(figure.get_figheight() + 0.22 * max(0, lines - 8))
        figure.legend(handles, labels, loc="outside lower left")


def set_axes(axes: Axes, x: Interval, y: Interval, names: tuple[str, str], words: Language) -> None:
    """Set the limits and the names of both axes, with numbers as the language writes them."""
    axes.set(xlim=x, ylim=y, xlabel=names[0], ylabel=names[1])
    axes.tick_params(labelbottom=True, labelleft=True)  # also where panels share their axes
    localize_numbers(words, axes.xaxis, axes.yaxis)


def with_room(numbers: Sequence[float]) -> Interval:
    """Return the interval that numbers span, a little wider at both ends."""
    if not numpy.isfinite(numbers).any():
        raise ValueError(
            "nothing to draw: on the whole interval the function is undefined, or larger than "
            f"{LARGEST}"
        )
    low, high = numpy.nanmin(numbers), numpy.nanmax(numbers)
    room = 0.08 * (high - low) if stretched(low, high) else 1 + abs(low) / 10
    return low - room, high + room


def localize_numbers(words: Language, *axes: Any) -> None:
    """Write the numbers of axes with the decimal sign of the language."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda x, _: true_minus(words.number(x, ".10g"))))


def true_minus(text: str) -> str:
    """Return text with minus signs where it has hyphens."""
    return text.replace("-", "−")
