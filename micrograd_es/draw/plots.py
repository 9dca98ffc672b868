"""Fields, surfaces, descents and errors as pictures, by matplotlib (the extra `plot`).

    arrows, directions, slopes    gradients: as they are, all of one length, on a curve
    surface, contours, rates      the error over two weights, with descents on it
    errors                        the error of every step
    save(figure, "map.svg")       writes a figure; nothing else is shown or saved

Each function returns a Figure. A field is any function of two numbers, a `Field`, or a `Landscape`:
a loss over two parameters of a network.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from micrograd_es.coercion import as_float
from micrograd_es.draw.figure import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    INK,
    LARGEST,
    LINES,
    ORANGE,
    POINTS,
    SHADES,
    Drawable,
    Interval,
    Points,
    add_legend,
    arrow_handle,
    arrow_starts,
    as_field,
    coordinates,
    draw_arrows,
    draw_dashes,
    draw_levels,
    draw_marks,
    draw_path,
    draw_shades,
    draw_zone,
    height_if_inside,
    heights,
    is_inside,
    largest_slope,
    letters_at_ends,
    line_handle,
    localize_numbers,
    new_figure,
    part_that_fits,
    path_handles,
    round_heights,
    save,
    set_axes,
    true_minus,
    value,
    with_room,
)
from micrograd_es.texts import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from micrograd_es.fields import Field

__all__ = ["arrows", "contours", "directions", "errors", "rates", "save", "slopes", "surface"]

# ---- fields --------------------------------------------------------------------------------------


def arrows(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    profile: float | None = None,
    paths: Sequence[Points] = (),
    marked: Mapping[str, Points] | None = None,
    size: int = 13,
    names: tuple[str, str] = ("x", "y"),
    language: str | None = None,
) -> Figure:
    """Return the field of gradients: each arrow points to where the field climbs fastest there, and
    its length is that slope; beside a singularity, where 2 % are longer than all others, no longer
    than these. ValueError where the field has no gradient.

    With `profile`, a number on the second axis, the heights along that line are drawn above, and a
    line where the slope is 80 % of the largest. On top come paths, and what is `marked`: points and
    lines by their names.
    """
    words = Language(language)
    field = as_field(field)
    tall = 6.0 if profile is None else 7.8
    with new_figure(tall) as figure:
        if profile is None:
            axes = figure.subplots()
        else:
            axes = draw_profile(figure, field, x, profile, names[1], words)
        handles = [arrow_handle(INK, words.say("plot_gradient"))]
        fine = field.grid(coordinates(x), coordinates(y))
        draw_shades(axes, *heights(field, x, y))
        most = largest_slope(fine.magnitude)
        if profile is not None:
            axes.contour(*fine.axes, fine.magnitude, [0.8 * most], colors=BLUE, linewidths=2)
            handles.append(line_handle(color=BLUE, lw=2, label=words.say("plot_steepest")))
        (across, wide), (up, high) = arrow_starts(x, size, 0.95), arrow_starts(y, size, 0.95)
        coarse = field.grid(across, up)
        longest = 0.95 * min(wide, high)
        most = numpy.maximum(coarse.magnitude, most)  # a singularity does not grow
        (u, v), (du, dv) = coarse.axes, coarse.gradient
        draw_arrows(axes, u, v, longest * (du / most), longest * (dv / most), INK)
        for path in paths:
            draw_path(axes, path)
        handles += [*path_handles(paths, None, words), *draw_marks(axes, marked or {})]
        set_axes(axes, x, y, names, words)
        add_legend(figure, handles)
    return figure


def draw_profile(
    figure: Figure, field: Field, x: Interval, profile: float, name: str, words: Language
) -> Axes:
    """Draw the heights of a field along a line at the top of a figure; return the axes below."""
    panels: tuple[Axes, Axes] = figure.subplots(2, 1, sharex=True, height_ratios=(1, 3))
    above, axes = panels
    across = coordinates(x, 4 * POINTS)
    above.plot(across, [value(field, u, profile) for u in across], color=ORANGE, lw=2.5)
    above.set_title(words.say("plot_profile", name=name, number=profile), loc="left")
    above.locator_params(axis="y", nbins=3)  # the panel is low
    set_axes(above, x, above.get_ylim(), ("x", words.say("plot_height")), words)
    axes.axhline(profile, color=ORANGE, lw=1.5, ls="--")
    return axes


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
    words = Language(language)
    field = as_field(field)
    with new_figure(6) as figure:
        axes = figure.subplots()
        draw_shades(axes, *heights(field, x, y))
        (us, wide), (vs, high) = arrow_starts(x, size, 0.8), arrow_starts(y, size, 0.8)
        coarse = field.grid(us, vs)
        across, up = (t - c for t, c in zip(towards, coarse.axes, strict=True))
        away = numpy.hypot(across, up)
        away[away == 0] = 1
        length = 0.8 * min(wide, high)
        tips = [c + length * d / away for c, d in zip(coarse.axes, (across, up), strict=True)]
        draw_dashes(axes, coarse.axes, tips)
        (u, v), (du, dv) = coarse.axes, coarse.direction
        draw_arrows(axes, u, v, length * du, length * dv, INK)
        axes.plot(*towards, "o", color="#CC0000", ms=11, mec="white")
        set_axes(axes, x, y, names, words)
        handles = [
            arrow_handle(INK, words.say("plot_direction")),
            line_handle(color=BLUE, ls="--", label=words.say("plot_straight")),
            line_handle(color="#CC0000", marker="o", ms=9, ls="", label=words.say("plot_top")),
        ]
        add_legend(figure, handles)
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
    words = Language(language)
    field = as_field(curve)
    across = coordinates(x, 4 * POINTS)
    limits = with_room([value(field, u) for u in across])
    tangents = [(u, field.value(u), field.gradient(u)[0]) for u in points]
    steepest = max((abs(slope) for *_, slope in tangents), default=0.0) or 1.0
    reach = (x[1] - x[0]) / 9
    with new_figure(5.4) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot(across, [value(field, u) for u in across], color=ORANGE, lw=2.5)
        for u, height, slope in tangents:
            run = reach / 2
            above.plot([u - run, u + run], [height - run * slope, height + run * slope], color=INK)
            above.plot(u, height, "o", color=INK)
            below.plot(u, 0, "o", color=INK)
            number = words.number(slope if abs(slope) > 1e-9 * steepest else 0.0, ".3g")
            offset = {"xytext": (0, -20), "textcoords": "offset points"}
            below.annotate(true_minus(number), (u, 0), **offset, ha="center")
            draw_arrows(below, [u], [0], [reach * slope / steepest], [0], INK)
        tips = [*x, *(u + reach * slope / steepest for u, _, slope in tangents)]
        set_axes(above, x, limits, (name, words.say("plot_height")), words)
        below.set(ylim=(-1, 1), yticks=[], xlabel=name, xlim=(min(tips), max(tips)))
        below.set_title(words.say("plot_slope"), loc="left")
        below.spines["left"].set_visible(False)
        localize_numbers(words, below.xaxis)
    return figure


# ---- the error over two weights ------------------------------------------------------------------


def surface(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    path: Points = (),
    zone: float | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return the field as a surface in 3-D, the zone up to a height marked, a path lying on it."""
    words = Language(language)
    field = as_field(field)
    (across, up), height = heights(field, x, y)
    with new_figure(5.6) as figure:
        axes: Any = figure.add_subplot(projection="3d", computed_zorder=False)
        low, high = numpy.nanmin(height), numpy.nanmax(height)
        axes.plot_surface(across, up, height, cmap=SHADES, rcount=40, ccount=40, alpha=0.9)
        if bounds := round_heights(height):
            axes.contour(across, up, height, bounds, colors=GREY, linewidths=0.6, zorder=2)
        if is_inside(zone, height):
            axes.contour(across, up, height, [zone], colors=GREEN, linewidths=3, zorder=3)
        lift = 0.02 * (high - low)
        inside = [p for p in path if x[0] <= p[0] <= x[1] and y[0] <= p[1] <= y[1]]
        if inside:
            above = [value(field, *p) + lift for p in inside]
            u, v = zip(*inside, strict=True)
            axes.plot(u, v, above, color="white", lw=4, zorder=5)
            axes.plot(u, v, above, "o-", color=BLUE, lw=2, ms=4, zorder=6)
            for letter, i in letters_at_ends(inside):
                axes.text(u[i], v[i], above[i], f" {letter}", weight="bold", color=BLUE, zorder=7)
        axes.set(xlabel=names[0], ylabel=names[1], zlabel=words.say("plot_error"))
        axes.view_init(elev=32, azim=-125)
        localize_numbers(words, axes.xaxis, axes.yaxis, axes.zaxis)
        add_legend(figure, path_handles([inside], height_if_inside(zone, height), words))
    return figure


def contours(
    field: Drawable,
    x: Interval,
    y: Interval,
    *,
    paths: Sequence[Points] = (),
    gradient: float | None = None,
    zone: float | None = None,
    marked: Mapping[str, Points] | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return the field seen from above with level lines, the zone up to a height, and paths on it.

    `gradient` draws the gradient where each path starts, times that number, or times less where
    it would not fit; `marked` draws points and lines by their names. A path that leaves the picture
    is cut at its edge.
    """
    words = Language(language)
    field = as_field(field)
    with new_figure(6.2) as figure:
        axes = figure.subplots()
        grid, values = heights(field, x, y)
        draw_shades(axes, grid, values)
        draw_levels(axes, grid, values, words)
        draw_zone(axes, grid, values, zone)
        handles = path_handles(paths, height_if_inside(zone, values), words)
        handles += draw_marks(axes, marked or {})
        if gradient is not None:
            slopes = {path[0]: field.gradient(*path[0]) for path in paths if path}
            moves = {p: [gradient * slope for slope in s] for p, s in slopes.items()}
            part = min((part_that_fits(p, move, x, y) for p, move in moves.items()), default=1.0)
            for (u, v), (du, dv) in moves.items():
                draw_arrows(axes, [u], [v], [part * du], [part * dv], ORANGE)
            handles.append(arrow_handle(ORANGE, words.say("plot_scaled", scale=part * gradient)))
        for path in paths:
            draw_path(axes, path)
        set_axes(axes, x, y, names, words)
        add_legend(figure, handles)
    return figure


def rates(
    field: Drawable,
    x: Interval,
    y: Interval,
    runs: Mapping[str, Points],
    *,
    zone: float | None = None,
    names: tuple[str, str] = ("w1", "w2"),
    language: str | None = None,
) -> Figure:
    """Return descents side by side, each under its title, all over the same field."""
    words = Language(language)
    grid, values = heights(as_field(field), x, y)
    rows = max(1, math.ceil(len(runs) / 2))
    with new_figure(0.5 + 3.1 * rows) as figure:
        panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False).ravel()
        for axes, (title, path) in zip(panels, runs.items(), strict=False):
            draw_shades(axes, grid, values)
            draw_zone(axes, grid, values, zone)
            draw_path(axes, path)
            set_axes(axes, x, y, names, words)
            lines = [part for line in title.split("\n") for part in textwrap.wrap(line, 30)]
            axes.set_title("\n".join(lines), fontsize=10, loc="left")
        for axes in panels[len(runs) :]:
            axes.set_axis_off()
        add_legend(figure, path_handles(list(runs.values()), height_if_inside(zone, values), words))
    return figure


def errors(
    runs: Mapping[str, Sequence[float]], *, goal: float | None = None, language: str | None = None
) -> Figure:
    """Return the error of every step, once on a linear and once on a logarithmic scale.

    The linear scale ends at 1.5 times the largest first error; the logarithmic one leaves out 0. An
    error that is infinite, NaN or beyond 1e250 is left blank: the line of a run that diverged ends.
    """
    words = Language(language)
    known = {label: [e if abs(e) <= LARGEST else math.nan for e in map(as_float, run)]
             for label, run in runs.items()}  # fmt: skip
    firsts = [next((e for e in run if e == e), 0.0) for run in known.values()]
    with new_figure(6.6) as figure:
        linear, logarithmic = panels = figure.subplots(2, 1, sharex=True)
        for axes in panels:
            for i, (label, run) in enumerate(known.items()):
                points = (
                    run if axes is linear else [e if e > 1 / LARGEST else math.nan for e in run]
                )
                every = max(1, len(run) // 12)
                style = LINES[(i + i // len(CYCLE)) % len(LINES)]
                colour = CYCLE[i % len(CYCLE)]
                axes.plot(points, style, color=colour, label=label, markevery=every)
            if goal is not None and abs(goal) <= LARGEST:
                label = words.say("plot_goal", goal=goal)
                axes.axhline(goal, color=GREEN, lw=2, ls=":", label=label)
            axes.set(xlabel=words.say("column_step"), ylabel=words.say("plot_error"))
            axes.tick_params(labelbottom=True)
            axes.grid(alpha=0.3)
        top = 1.5 * max(firsts, default=0.0)
        linear.set_ylim(0, top if top > 1 / LARGEST else 1.0)
        linear.set_title(words.say("plot_linear"), loc="left")
        if any(error > 1 / LARGEST for run in known.values() for error in run):
            logarithmic.set_yscale("log")
        logarithmic.set_title(words.say("plot_logarithmic"), loc="left")
        localize_numbers(words, linear.yaxis, *(axes.xaxis for axes in panels))
        add_legend(figure, linear.get_lines())
    return figure
