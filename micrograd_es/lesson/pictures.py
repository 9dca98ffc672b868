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
class Scene:
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
    return PICTURES[name](Scene(story, language))


def field(scene: Scene) -> Figure:
    """A field of gradients and its profile: long arrows where it is steep."""
    return plots.arrows(WELL, AROUND, AROUND, profile=0.0, language=scene.language)


def slopes(scene: Scene) -> Figure:
    """The length of the gradient is the slope."""
    floor = VALLEY.stationary_points(ALONG)[0].point[0]
    return plots.slopes(VALLEY, ALONG, [-1.5, floor, -0.5, 0.5, 1.5], language=scene.language)


def surface(scene: Scene) -> Figure:
    """The error over the two weights, in 3-D, with the descent on it."""
    x, y = around(scene.path)
    return plots.surface(
        scene.error, x, y, path=scene.path, zone=scene.zone, language=scene.language
    )


def weights(scene: Scene) -> Figure:
    """The error from above, with the weights where they are now."""
    return above(scene, [scene.path[:1]], around(scene.path))


def step(scene: Scene) -> Figure:
    """One step: the gradient points uphill, the step goes the other way."""
    path = scene.path[:2]
    start = path[0]
    reach = 2.5 * max(math.dist(start, path[-1]), 1e-3 * math.hypot(*start), 1e-6)
    near = tuple((w - reach, w + reach) for w in start)
    length = scene.error.magnitude(*start)
    return above(scene, [path], near, gradient=0.7 * reach / length if length else None)


def path(scene: Scene) -> Figure:
    """The whole descent, seen from above."""
    return above(scene, [scene.path], around(scene.path))


def minima(scene: Scene) -> Figure:
    """All the minima: a hyperbola; each descent ends at the point of it that lies on its way."""
    lesson, rate = scene.story.lesson, scene.story.descent.lr
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
        curve = {Language(scene.language).say("plot_minima", product=product): line}
    return above(scene, paths, (x, y), marked=curve)


def rates(scene: Scene) -> Figure:
    """The same descent at several learning rates."""
    words = Language(scene.language)
    descents = list(outcomes(scene.story, words))
    runs = {
        f"{role}: η = {words.number(run.lr)}\n{text}": points(run.steps)
        for role, run, text in descents
    }
    x, y = around([point for _, run, _ in descents for point in points(visible_steps(run))])
    return plots.rates(scene.error, x, y, runs, zone=scene.zone, language=scene.language)


def errors(scene: Scene) -> Figure:
    """The error of every step, at several learning rates."""
    words = Language(scene.language)
    runs = {
        f"{role}, η = {words.number(run.lr)}: {text}": [step.error for step in run.steps]
        for role, run, text in outcomes(scene.story, words)
    }
    return plots.errors(runs, language=scene.language)


def directions(scene: Scene) -> Figure:
    """A field whose arrows do not point to its maximum."""
    return plots.directions(HILL, AROUND, AROUND, (0.0, 0.0), language=scene.language)


def saddle(scene: Scene) -> Figure:
    """Where both weights are 0 the error has a saddle: flat, and no minimum; paths turn aside."""
    return plots.arrows(
        SADDLE,
        NEAR,
        NEAR,
        paths=[SADDLE.path(start, 0.01, 80) for start in BESIDE],
        marked={Language(scene.language).say("plot_saddle"): [(0.0, 0.0)]},
        names=("w1", "w2"),
        language=scene.language,
    )


def above(scene: Scene, paths: Sequence[Sequence[Point]], frame: Any, **more: Any) -> Figure:
    return plots.contours(
        scene.error, *frame, paths=paths, zone=scene.zone, language=scene.language, **more
    )


def around(path: Sequence[Point]) -> Window:
    """Return the window that shows a path with room around it."""
    w1, w2 = zip(*path, strict=True)
    return window(w1), window(w2)


def points(steps: Sequence[Step]) -> list[Point]:
    """Return the weights at every step."""
    return [(step.w1, step.w2) for step in steps]


PICTURES: Mapping[str, Callable[[Scene], Figure]] = {
    picture_of.__name__: picture_of
    for picture_of in (
        field, slopes, surface, weights, step, path, rates, errors, minima, directions, saddle,
    )
}  # fmt: skip
