"""The article's pictures by name, drawn with characters: what a terminal shows of them.

drawing(name, story, words)     one of DRAWINGS, as text
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from micrograd_es.draw.characters import arrow, curve
from micrograd_es.fields import Field
from micrograd_es.lesson.story import Story, error_curve, error_map, rate_outcomes
from micrograd_es.primitives import exp
from micrograd_es.texts import Language

Drawing = Callable[[Story, Language], list[str]]
Interval = tuple[float, float]

# The article's fields: a well, flat in the middle and far away; a long hill, on which few gradients
# point to the top; a valley with two floors, of slopes of all lengths; and the network's squared
# error, which has a saddle where both weights are 0.
WELL = Field(lambda x, y: 1 - exp(-(x * x + y * y) / 2))
HILL = Field(lambda x, y: exp(-x * x / 8 - y * y))
VALLEY = Field(lambda x: (x * x - 1) ** 2 / 2 + x / 4)
SADDLE = Field(lambda w1, w2: (4 * w1 * w2 - 1) ** 2)
AROUND, ALONG, NEAR = (-3.0, 3.0), (-1.9, 1.9), (-0.65, 0.65)  # what is shown of them


def drawing(name: str, story: Story, words: Language) -> str:
    """Return what characters can show of a picture of the article, by its name in DRAWINGS."""
    more = words.say("drawing_more", name=name)
    return "\n".join([*DRAWINGS[name](story, words), "", more])


def arrows_of(field: Field, side: Interval) -> Drawing:
    """Return the drawing of a field's gradients as arrows, in a square."""
    low, high = side
    middles = [low + (high - low) * (i + 0.5) / 11 for i in range(11)]

    def draw(story: Story, words: Language) -> list[str]:
        rows = ["  ".join(arrow(*field.gradient(x, y)) for x in middles) for y in middles[::-1]]
        return [words.say("drawing_arrows"), "", *rows]

    return draw


def profile_of(field: Field, side: Interval) -> Drawing:
    """Return the drawing of a field of one number as a curve."""
    low, high = side

    def draw(story: Story, words: Language) -> list[str]:
        heights = [field.value(low + (high - low) * i / 111) for i in range(112)]
        return [words.say("drawing_curve", low=low, high=high), "", *curve(heights)]

    return draw


def map_of(count: int | None = None) -> Drawing:
    """Return the drawing of the error from above, with the first places of the path, or all."""

    def draw(story: Story, words: Language) -> list[str]:
        part = replace(story.descent, steps=story.descent.steps[:count])
        return error_map(replace(story, descent=part), words)

    return draw


def errors(story: Story, words: Language) -> list[str]:
    return [words.say("curve_text"), "", *error_curve(story.descent, words)]


DRAWINGS: Mapping[str, Drawing] = {
    "field": arrows_of(WELL, AROUND),
    "slopes": profile_of(VALLEY, ALONG),
    "surface": map_of(),
    "weights": map_of(1),
    "step": map_of(2),
    "path": map_of(),
    "rates": rate_outcomes,
    "errors": errors,
    "minima": map_of(),
    "directions": arrows_of(HILL, AROUND),
    "saddle": arrows_of(SADDLE, NEAR),
}
