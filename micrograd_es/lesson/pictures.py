"""The article's pictures by name, drawn by matplotlib: a function each, which returns a Figure.

picture(name, story, language)     one of PICTURES
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from micrograd_es.draw import plots
from micrograd_es.fields import Field
from micrograd_es.lesson.characters import ALONG, AROUND, HILL, NEAR, SADDLE, VALLEY, WELL
from micrograd_es.lesson.network import LOSSES, ZONE, Step, descend
from micrograd_es.lesson.story import Story, outcomes, visible_steps, window
from micrograd_es.texts import Language

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BESIDE = ((0.6, -0.54), (-0.6, 0.54))  # where two descents start that pass the saddle
LIMIT = 500  # steps of the descents to the minima
Point = tuple[float, float]
Window = tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class View:
    """A story as the pictures see it: the error over the two weights, its zone, the path."""

    story: Story
    language: str

    @property
    def error(self) -> Field:
        lesson = self.story.lesson
        return Field(lambda w1, w2: LOSSES[lesson.loss](w2 * (w1 * lesson.x), lesson.target))

    @property
    def zone(self) -> float:
        """The article's green zone, as a height of the error."""
        return ZONE if self.story.lesson.loss == "absolute" else ZONE**2

    @property
    def path(self) -> list[Point]:
        return points(visible_steps(self.story.descent))


def picture(name: str, story: Story, language: str) -> Figure:
    """Return a picture of the article by its name, one of PICTURES."""
    return PICTURES[name](View(story, language))


def field(view: View) -> Figure:
    """A field of gradients and its profile: long arrows where it is steep."""
    return plots.arrows(WELL, AROUND, AROUND, profile=0.0, language=view.language)


def slopes(view: View) -> Figure:
    """The length of the gradient is the slope."""
    floor = VALLEY.stationary_points(ALONG)[0].point[0]
    return plots.slopes(VALLEY, ALONG, [-1.5, floor, -0.5, 0.5, 1.5], language=view.language)


def surface(view: View) -> Figure:
    """The error over the two weights, in 3-D, with the descent on it."""
    x, y = around(view.path)
    return plots.surface(view.error, x, y, path=view.path, zone=view.zone, language=view.language)


def weights(view: View) -> Figure:
    """The error from above, with the weights where they are now."""
    return above(view, [view.path[:1]], around(view.path))


def step(view: View) -> Figure:
    """One step: the gradient points uphill, the step goes the other way."""
    path = view.path[:2]
    start = path[0]
    reach = 2.5 * max(math.dist(start, path[-1]), 1e-3 * math.hypot(*start), 1e-6)
    near = tuple((w - reach, w + reach) for w in start)
    length = view.error.magnitude(*start)
    return above(view, [path], near, gradient=0.7 * reach / length if length else None)


def path(view: View) -> Figure:
    """The whole descent, seen from above."""
    return above(view, [view.path], around(view.path))


def minima(view: View) -> Figure:
    """All the minima: a hyperbola; each descent ends at the point of it that lies on its way."""
    lesson, rate = view.story.lesson, view.story.descent.lr
    w1, w2 = lesson.w1, lesson.w2
    starts = dict.fromkeys([(w1, w2), (w2, w1), (-w1, -w2), (-w2, -w1)])
    descents = (descend(replace(lesson, w1=a, w2=b), rate, LIMIT) for a, b in starts)
    paths = [points(visible_steps(descent)) for descent in descents]
    x, y = around([point for path in paths for point in path])
    curve = {}
    if lesson.x and lesson.target:
        product = lesson.target / lesson.x
        branch = [x[1] * 10 ** (-i / 40) for i in range(161)]
        line = [(w, product / w) for w in branch]
        line += [(math.nan, math.nan), *((-a, -b) for a, b in line)]
        curve = {Language(view.language).say("plot_minima", product=product): line}
    return above(view, paths, (x, y), marked=curve)


def rates(view: View) -> Figure:
    """The same descent at several learning rates."""
    words = Language(view.language)
    descents = list(outcomes(view.story, words))
    runs = {
        f"{role}: η = {words.number(run.lr)}\n{text}": points(run.steps)
        for role, run, text in descents
    }
    x, y = around([point for _, run, _ in descents for point in points(visible_steps(run))])
    return plots.rates(view.error, x, y, runs, zone=view.zone, language=view.language)


def errors(view: View) -> Figure:
    """The error of every step, at several learning rates."""
    words = Language(view.language)
    runs = {
        f"{role}, η = {words.number(run.lr)}: {text}": [step.error for step in run.steps]
        for role, run, text in outcomes(view.story, words)
    }
    return plots.errors(runs, language=view.language)


def directions(view: View) -> Figure:
    """A field whose arrows do not point to its maximum."""
    return plots.directions(HILL, AROUND, AROUND, (0.0, 0.0), language=view.language)


def saddle(view: View) -> Figure:
    """Where both weights are 0 the error has a saddle: flat, and no minimum; paths turn aside."""
    return plots.arrows(
        SADDLE,
        NEAR,
        NEAR,
        paths=[SADDLE.path(start, 0.01, 80) for start in BESIDE],
        marked={Language(view.language).say("plot_saddle"): [(0.0, 0.0)]},
        names=("w1", "w2"),
        language=view.language,
    )


def above(view: View, paths: Sequence[Sequence[Point]], frame: Any, **more: Any) -> Figure:
    return plots.contours(
        view.error, *frame, paths=paths, zone=view.zone, language=view.language, **more
    )


def around(path: Sequence[Point]) -> Window:
    """Return the window that shows a path with room around it."""
    w1, w2 = zip(*path, strict=True)
    return window(w1), window(w2)


def points(steps: Sequence[Step]) -> list[Point]:
    """Return the weights at every step."""
    return [(step.w1, step.w2) for step in steps]


PICTURES: Mapping[str, Callable[[View], Figure]] = {
    picture_of.__name__: picture_of
    for picture_of in (
        field, slopes, surface, weights, step, path, rates, errors, minima, directions, saddle,
    )
}  # fmt: skip
