"""Fields, surfaces, descents and errors as pictures, by matplotlib (the extra `plot`).

Each function returns a Figure. Nothing is shown and nothing is saved, unless asked: `save(figure,
"map.svg")`. A field is any function of two numbers, a `Field`, or a `Landscape`: a loss over two
parameters of a network.
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

from micrograd_es.errors import MicrogradError, MissingExtra
from micrograd_es.fields import Field
from micrograd_es.files import write
from micrograd_es.language import Language

try:
    import matplotlib
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.ticker import FuncFormatter
except ImportError as problem:
    raise MissingExtra(
        "pictures need matplotlib: pip install 'micrograd-es[plot]'; "
        "micrograd_es.draw.terminal draws with characters, without it"
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
Interval = tuple[float, float]
Drawable = Field | Callable[..., Any]
Path2 = Sequence[tuple[float, ...]]


class Picture(Figure):
    """A Figure that notebooks show as SVG, and that is written in the same bytes every time."""

    def _repr_svg_(self) -> str:
        return rendered(self, "svg").decode()

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
    return write(path, rendered(figure, kind))


def rendered(figure: Figure, kind: str) -> bytes:
    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "micrograd-es"}):
        figure.savefig(out, format=kind, metadata=UNDATED.get(kind), dpi=200)
    return out.getvalue()


# ---- fields --------------------------------------------------------------------------------------


def arrows(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    profile: float | None = None,
    paths: Sequence[Path2] = (),
    marked: Mapping[str, Path2] | None = None,
    size: int = 13,
    names: tuple[str, str] = ("x", "y"),
    language: str | None = None,
) -> Figure:
    """Return the field of gradients: each arrow points to where the field climbs fastest there, and
    its length is that slope; beside a singularity, where 2 % are longer than all others, no longer
    than these. ValueError where the field has no gradient.

    With `profile`, a number on the second axis, the heights along that line are drawn above, and a
    line rings the steepest part: slopes from 80 % of the largest one. On top come paths, and what
    is `marked`: points and lines by their names.
    """
    tongue = Language(language)
    seen = seen_as_field(field)
    tall = 6.0 if profile is None else 7.8
    with sheet(tall) as figure:
        if profile is None:
            axes = figure.subplots()
        else:
            above, axes = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
            across = spread(x, 4 * POINTS)
            above.plot(across, [value(seen, u, profile) for u in across], color=ORANGE, lw=2.5)
            number = tongue.number(profile)
            above.set_title(tongue.say("plot_profile", name=names[1], number=number), loc="left")
            above.set_ylabel(tongue.say("plot_height"))
            axes.axhline(profile, color=ORANGE, lw=1.5, ls="--")
            decimal(tongue, above.yaxis)
        handles = [arrow_handle(INK, tongue.say("plot_gradient"))]
        fine = seen.grid(spread(x), spread(y))
        shade(axes, *heights(seen, x, y))
        most = largest(fine.magnitude)
        if profile is not None:
            axes.contour(*fine.axes, fine.magnitude, [0.8 * most], colors=BLUE, linewidths=2)
            handles.append(Line2D([], [], color=BLUE, lw=2, label=tongue.say("plot_steepest")))
        coarse = seen.grid(middles(x, size), middles(y, size))
        longest = 0.95 * min(x[1] - x[0], y[1] - y[0]) / size
        shrunk = longest / numpy.maximum(coarse.magnitude, most)  # a singularity does not grow
        (u, v), (du, dv) = coarse.axes, coarse.gradient
        arrow(axes, u, v, shrunk * du, shrunk * dv, INK)
        for path in paths:
            walk(axes, path)
        handles += [*handles_of(paths, None, tongue), *mark(axes, marked or {})]
        frame(axes, x, y, names, tongue)
        key(figure, handles)
    return figure


def directions(
    field: Drawable,
    x: Interval,
    y: Interval,
    towards: tuple[float, float],
    *,
    size: int = 9,
    names: tuple[str, str] = ("x", "y"),
    language: str | None = None,
) -> Figure:
    """Return where each gradient points, all at one length, beside the straight way `towards` a
    point, such as the maximum: the two need not be the same.
    """
    tongue = Language(language)
    seen = seen_as_field(field)
    with sheet(6) as figure:
        axes = figure.subplots()
        shade(axes, *heights(seen, x, y))
        coarse = seen.grid(middles(x, size), middles(y, size))
        across, up = (t - c for t, c in zip(towards, coarse.axes, strict=True))
        away = numpy.hypot(across, up)
        away[away == 0] = 1
        length = 0.8 * min(x[1] - x[0], y[1] - y[0]) / size
        ends = [c + length * d / away for c, d in zip(coarse.axes, (across, up), strict=True)]
        starts = numpy.stack(coarse.axes, axis=-1).reshape(-1, 2)
        stops = numpy.stack(ends, axis=-1).reshape(-1, 2)
        lines = LineCollection(list(zip(starts, stops, strict=True)), colors=BLUE, ls="--", lw=1.3)
        axes.add_collection(lines)
        (u, v), (du, dv) = coarse.axes, coarse.direction
        arrow(axes, u, v, length * du, length * dv, INK)
        axes.plot(*towards, "o", color="#CC0000", ms=11, mec="white")
        frame(axes, x, y, names, tongue)
        handles = [
            arrow_handle(INK, tongue.say("plot_direction")),
            Line2D([], [], color=BLUE, ls="--", label=tongue.say("plot_straight")),
            Line2D([], [], color="#CC0000", marker="o", ms=9, ls="", label=tongue.say("plot_top")),
        ]
        key(figure, handles)
    return figure


def slopes(
    curve: Drawable,
    x: Interval,
    points: Sequence[float],
    *,
    name: str = "x",
    language: str | None = None,
) -> Figure:
    """Return a function of one number with its tangents at some points: below each point an arrow
    uphill, as long as the slope there.
    """
    tongue = Language(language)
    seen = seen_as_field(curve)
    across = spread(x, 4 * POINTS)
    limits = padded([value(seen, u) for u in across])
    found = [(u, seen.value(u), seen.gradient(u)[0]) for u in points]
    most = max((abs(slope) for *_, slope in found), default=0.0) or 1.0
    reach = (x[1] - x[0]) / 9
    with sheet(5.4) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot(across, [value(seen, u) for u in across], color=ORANGE, lw=2.5)
        for u, height, slope in found:
            run = reach / 2
            above.plot([u - run, u + run], [height - run * slope, height + run * slope], color=INK)
            above.plot(u, height, "o", color=INK)
            below.plot(u, 0, "o", color=INK)
            told = minus(tongue.number(slope if abs(slope) > 1e-9 * most else 0.0, ".3g"))
            below.annotate(told, (u, 0), (0, -20), textcoords="offset points", ha="center")
            arrow(below, [u], [0], [reach * slope / most], [0], INK)
        above.set_ylabel(tongue.say("plot_height"))
        above.set_ylim(*limits)
        below.set(ylim=(-1, 1), yticks=[], xlabel=name, xlim=x)
        below.set_title(tongue.say("plot_slope"), loc="left")
        below.spines["left"].set_visible(False)
        decimal(tongue, above.yaxis, below.xaxis)
    return figure


# ---- the error over two weights ------------------------------------------------------------------


def surface(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    path: Path2 = (),
    zone: float | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return the field as a surface in 3-D, the zone up to a height marked, a path lying on it."""
    tongue = Language(language)
    seen = seen_as_field(field)
    (across, up), height = heights(seen, x, y)
    with sheet(5.6) as figure:
        axes: Any = figure.add_subplot(projection="3d", computed_zorder=False)
        low, high = numpy.nanmin(height), numpy.nanmax(height)
        axes.plot_surface(across, up, height, cmap=SHADES, rcount=40, ccount=40, alpha=0.9)
        bounds = [level for level in rounded_levels(height, 11) if inside(level, height)]
        if bounds:
            axes.contour(across, up, height, bounds, colors=GREY, linewidths=0.6, zorder=2)
        if inside(zone, height):
            axes.contour(across, up, height, [zone], colors=GREEN, linewidths=3, zorder=3)
        lift = 0.02 * (high - low)
        seen_of_it = [p for p in path if x[0] <= p[0] <= x[1] and y[0] <= p[1] <= y[1]]
        if seen_of_it:
            above = [value(seen, *p) + lift for p in seen_of_it]
            u, v = zip(*seen_of_it, strict=True)
            axes.plot(u, v, above, color="white", lw=4, zorder=5)
            axes.plot(u, v, above, "o-", color=BLUE, lw=2, ms=4, zorder=6)
            for letter, i in ends(seen_of_it):
                axes.text(u[i], v[i], above[i], f" {letter}", weight="bold", color=BLUE, zorder=7)
        axes.set(xlabel=names[0], ylabel=names[1], zlabel=tongue.say("plot_error"))
        axes.view_init(elev=32, azim=-125)
        decimal(tongue, axes.xaxis, axes.yaxis, axes.zaxis)
        key(figure, handles_of([seen_of_it], visible(zone, height), tongue))
    return figure


def contours(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    paths: Sequence[Path2] = (),
    gradient: float | None = None,
    zone: float | None = None,
    marked: Mapping[str, Path2] | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return the field seen from above with level lines, the zone up to a height, and paths on it.

    `gradient` draws the gradient where each path starts, times that number; `marked` draws points
    and lines by their names. A path that leaves the picture is cut at its edge.
    """
    tongue = Language(language)
    seen = seen_as_field(field)
    with sheet(6.2) as figure:
        axes = figure.subplots()
        found = heights(seen, x, y)
        shade(axes, *found)
        levels(axes, *found, tongue)
        paint_zone(axes, *found, zone)
        handles = handles_of(paths, visible(zone, found[1]), tongue)
        handles += mark(axes, marked or {})
        for path in paths:
            if path and gradient is not None:
                start = path[0]
                du, dv = (gradient * slope for slope in seen.gradient(*start))
                arrow(axes, [start[0]], [start[1]], [du], [dv], ORANGE)
            walk(axes, path)
        if gradient is not None:
            handles.append(arrow_handle(ORANGE, tongue.say("plot_scaled", scale=gradient)))
        frame(axes, x, y, names, tongue)
        key(figure, handles)
    return figure


def rates(
    field: Drawable,
    x: Interval,
    y: Interval,
    runs: Mapping[str, Path2],
    *,
    zone: float | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return descents side by side, each under its title, all over the same field."""
    tongue = Language(language)
    found = heights(seen_as_field(field), x, y)
    rows = max(1, math.ceil(len(runs) / 2))
    with sheet(0.5 + 2.9 * rows) as figure:
        panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, (title, path) in zip(panels, runs.items(), strict=False):
            shade(axes, *found)
            paint_zone(axes, *found, zone)
            walk(axes, path)
            frame(axes, x, y, names, tongue)
            lines = [part for line in title.split("\n") for part in textwrap.wrap(line, 30)]
            axes.set_title("\n".join(lines), fontsize=10, loc="left")
            axes.label_outer()
        for axes in panels[len(runs) :]:
            axes.set_axis_off()
        key(figure, handles_of(list(runs.values()), visible(zone, found[1]), tongue))
    return figure


def errors(
    runs: Mapping[str, Sequence[float]], *, goal: float | None = None, language: str | None = None
) -> Figure:
    """Return the error of every step, once on a linear and once on a logarithmic scale.

    The linear scale ends at 1.5 times the largest first error; the logarithmic one leaves out 0.
    """
    tongue = Language(language)
    with sheet(6.6) as figure:
        linear, logarithmic = panels = figure.subplots(2, 1, sharex=True)
        for axes in panels:
            for i, (label, run) in enumerate(runs.items()):
                seen = [e if e > 0 else math.nan for e in run] if axes is logarithmic else run
                every = max(1, len(run) // 12)
                style = LINES[(i + i // len(CYCLE)) % len(LINES)]
                colour = CYCLE[i % len(CYCLE)]
                axes.plot(seen, style, color=colour, label=label, markevery=every)
            if goal is not None:
                told = tongue.say("plot_goal", goal=goal)
                axes.axhline(goal, color=GREEN, lw=2, ls=":", label=told)
            axes.set_ylabel(tongue.say("plot_error"))
            axes.grid(alpha=0.3)
        linear.set_ylim(0, 1.5 * max((run[0] for run in runs.values() if run), default=0) or 1.0)
        linear.set_title(tongue.say("plot_linear"), loc="left")
        if any(error > 0 for run in runs.values() for error in run):
            logarithmic.set_yscale("log")
        logarithmic.set_title(tongue.say("plot_logarithmic"), loc="left")
        logarithmic.set_xlabel(tongue.say("column_step"))
        decimal(tongue, linear.yaxis, logarithmic.xaxis)
        key(figure, linear.get_lines())
    return figure


# ---- what the pictures share ---------------------------------------------------------------------


@contextmanager
def sheet(tall: float) -> Iterator[Picture]:
    """Give an empty figure, 6 inches wide, and settle its layout once it is drawn."""
    with matplotlib.rc_context(STYLE):
        figure = Picture(figsize=(6, tall), layout="constrained")
        yield figure
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # else each saving moves things a little


def seen_as_field(f: Drawable) -> Field:
    return f if isinstance(f, Field) else Field(f)


def value(field: Field, *point: float) -> float:
    """Return the field at a point; NaN, which matplotlib leaves blank, where it is undefined."""
    try:
        return field.value(*point)
    except (MicrogradError, OverflowError):
        return math.nan


def heights(field: Field, x: Interval, y: Interval) -> tuple[Any, np.ndarray]:
    """Return ((xs, ys), values) on a fine grid."""
    axes = numpy.meshgrid(spread(x), spread(y))
    points = zip(*(c.ravel().tolist() for c in axes), strict=True)
    values = numpy.array([value(field, *point) for point in points])
    if not numpy.isfinite(values).any():
        raise ValueError(f"nothing to draw: the field is undefined on all of {x} × {y}")
    return axes, numpy.where(numpy.isfinite(values), values, math.nan).reshape(axes[0].shape)


def spread(interval: Interval, count: int = POINTS) -> list[float]:
    """Return the coordinates of a fine grid, the ends included."""
    return list(numpy.linspace(*interval, count).tolist())


def middles(interval: Interval, count: int) -> list[float]:
    """Return the middles of equal parts of an interval."""
    low, high = interval
    return [low + (high - low) * (i + 0.5) / count for i in range(count)]


def largest(magnitude: np.ndarray) -> float:
    """Return the largest slope but for the uppermost 2 %, which may be near a singularity."""
    known = magnitude[numpy.isfinite(magnitude)]
    if not known.size:
        raise ValueError("nothing to draw: the field has a gradient nowhere in the picture")
    return float(numpy.quantile(known, 0.98)) or 1.0


def rounded_levels(values: np.ndarray, count: int) -> list[float]:
    """Return about `count` heights with equal areas between them, of two digits."""
    parts = numpy.nanquantile(values, numpy.linspace(0.04, 0.96, count))
    return sorted({float(f"{part:.2g}") for part in parts})


def shade(axes: Axes, grid: Any, values: np.ndarray) -> None:
    low, high = numpy.nanmin(values), numpy.nanmax(values)
    if low < high:
        colours = 0.4 + 0.6 * matplotlib.colormaps[SHADES](numpy.linspace(0, 1, 24))[:, :3]
        axes.contourf(*grid, values, numpy.linspace(low, high, 25), colors=colours)


def levels(axes: Axes, grid: Any, values: np.ndarray, tongue: Language) -> None:
    """Draw level lines with their heights."""
    bounds = [level for level in rounded_levels(values, 11) if inside(level, values)]
    if bounds:
        lines = axes.contour(*grid, values, bounds, colors=GREY, linewidths=0.8)
        axes.clabel(lines, fontsize=9, fmt=tongue.number, colors=INK)


def inside(height: float | None, values: np.ndarray) -> bool:
    """Whether a level line at that height can be drawn."""
    return height is not None and bool(numpy.nanmin(values) < height < numpy.nanmax(values))


def visible(height: float | None, values: np.ndarray) -> float | None:
    return height if inside(height, values) else None


def paint_zone(axes: Axes, grid: Any, values: np.ndarray, zone: float | None) -> None:
    if zone is not None and inside(zone, values):
        axes.contourf(*grid, values, [numpy.nanmin(values), zone], colors=[GREEN], alpha=0.35)
        axes.contour(*grid, values, [zone], colors=GREEN, linewidths=1.5)


def ends(path: Path2) -> list[tuple[str, int]]:
    """Return the letters at a path's ends: A and B, or A alone."""
    return [("A", 0)] + [("B", -1)] * (len(path) > 1)


def walk(axes: Axes, path: Path2) -> None:
    """Draw a path: a dot for each step, A where it starts, B at its end."""
    if not path:
        return
    u, v = (numpy.array(c) for c in zip(*path, strict=True))
    axes.plot(u, v, "-", color="white", lw=4)
    axes.plot(u, v, "o-", color=BLUE, lw=1.8, ms=4)
    for letter, i in ends(path):
        axes.plot(u[i], v[i], "o", color=BLUE, ms=13, mec="white")
        axes.text(
            u[i], v[i], letter, color="white", weight="bold", size=9, ha="center", va="center",
            clip_on=True,
        )  # fmt: skip


def arrow(axes: Axes, u: Any, v: Any, du: Any, dv: Any, colour: str) -> None:
    """Draw arrows from (u, v), as long as (du, dv) on the axes."""
    axes.quiver(
        u, v, du, dv, color=colour, angles="xy", scale_units="xy", scale=1, width=0.006, zorder=4,
        headwidth=4.5, headlength=5, headaxislength=4.5, minshaft=1.5, minlength=0.5,
    )  # fmt: skip


def mark(axes: Axes, marked: Mapping[str, Path2]) -> list[Any]:
    """Draw points and lines by their names; return what explains them."""
    found: list[Any] = []
    for label, line in marked.items():
        style: dict[str, Any] = {"lw": 2.5} if len(line) > 1 else {"marker": "X", "ms": 11, "lw": 0}
        found += axes.plot(*zip(*line, strict=True), color=GREEN, label=label, **style)
    return found


def arrow_handle(colour: str, label: str) -> Line2D:
    return Line2D([], [], color=colour, marker=r"$\rightarrow$", ms=14, ls="", label=label)


def handles_of(paths: Sequence[Path2], zone: float | None, tongue: Language) -> list[Any]:
    found: list[Any] = []
    longest = max(map(len, paths), default=0)
    if longest:
        told = tongue.say("plot_path" if longest > 1 else "plot_weights")
        style = "-" if longest > 1 else ""
        found.append(Line2D([], [], color=BLUE, marker="o", ls=style, label=told))
    if zone is not None:
        found.append(Patch(color=GREEN, alpha=0.6, label=tongue.say("plot_zone", zone=zone)))
    return found


def key(figure: Figure, handles: Sequence[Any]) -> None:
    """Explain the marks below the picture."""
    if handles:
        figure.legend(handles=handles, loc="outside lower left")


def frame(axes: Axes, x: Interval, y: Interval, names: tuple[str, str], tongue: Language) -> None:
    axes.set(xlim=x, ylim=y, xlabel=names[0], ylabel=names[1])
    decimal(tongue, axes.xaxis, axes.yaxis)


def padded(numbers: Sequence[float]) -> Interval:
    if not numpy.isfinite(numbers).any():
        raise ValueError("nothing to draw: the function is undefined on the whole interval")
    low, high = numpy.nanmin(numbers), numpy.nanmax(numbers)
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def decimal(tongue: Language, *axes: Any) -> None:
    """Write the numbers of axes with the decimal sign of the language."""
    for axis in axes:
        axis.set_major_formatter(FuncFormatter(lambda x, _: minus(tongue.number(x, ".10g"))))


def minus(text: str) -> str:
    return text.replace("-", "−")
