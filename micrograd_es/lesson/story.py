"""The article's descent in words and numbers, one section after another, in either language.

tell(lesson, lr, limit)      a Story: everything is computed here
sections(story, words)       its sections: a title and lines of text each
as_dict(story)               its numbers, ready for json
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from micrograd_es.draw.characters import arrow, curve, heights, mark_on_map
from micrograd_es.explanation.attribution import Share
from micrograd_es.lesson.network import (
    REACHED,
    Climb,
    Descent,
    Lesson,
    Rates,
    Step,
    climb,
    descend,
    field,
    sweep,
)
from micrograd_es.texts import Language, format_table

FOLD = 6  # steps shown at each end of a long descent


@dataclass(frozen=True, slots=True)
class Story:
    """All that the story says: computed once, then written as text or as json."""

    lesson: Lesson
    descent: Descent
    rates: Rates
    climb: Climb
    field: list[list[Step]]


def tell(lesson: Lesson, lr: float | None, limit: int) -> Story:
    """Run the lesson: the descent, the other learning rates, the directions and the field."""
    rate = lesson.rate() if lr is None else lr
    return Story(
        lesson, descend(lesson, rate, limit), sweep(lesson, rate), climb(lesson), field(lesson)
    )


def as_dict(story: Story) -> dict[str, object]:
    """Return the story as plain numbers, ready for json; nothing in it depends on the language."""
    lesson, rates = story.lesson, story.rates
    last = story.descent.last
    return {
        "lesson": asdict(lesson),
        "responsibility": lesson.responsibility().as_dict(),
        "descent": run_dict(story.descent),
        "rates": {
            "goal": rates.goal,
            "limit": rates.limit,
            "runs": [{"role": role} | run_dict(run, steps=False) for role, run in rates.runs],
        },
        "stability": {
            "curvature": finite(lesson.curvature(last.w1, last.w2)),
            "bound": bound(story),
        },
        "climb": {
            "length": story.climb.length,
            "degrees": story.climb.degrees,
            "steepest": dict(zip(("degrees", "slope"), story.climb.steepest, strict=True)),
        },
        "field": [[step_dict(step) for step in row] for row in story.field],
    }


def run_dict(run: Descent, steps: bool = True) -> dict[str, object]:
    summary = {"lr": run.lr, "verdict": run.verdict, "count": run.last.number}
    if steps:
        return summary | {"steps": [step_dict(step) for step in run.steps]}
    return summary | {"last": step_dict(run.last)}


def step_dict(step: Step) -> dict[str, object]:
    return asdict(step) | {"length": finite(step.length)}


def finite(x: float) -> float | None:
    """Return x, or None where json has no number for it."""
    return x if math.isfinite(x) else None


def bound(story: Story) -> float | None:
    """Return 2/λ where the descent ended: a constant rate settles there on (ŷ - t)² only below
    it.
    """
    last = story.descent.last
    curvature = story.lesson.curvature(last.w1, last.w2)
    return 2 / curvature if 0 < curvature < math.inf else None


def sections(story: Story, words: Language) -> Iterator[tuple[str, list[str]]]:
    """Yield (title, lines) of each section of the story."""
    say = words.say
    for key, lines in (
        ("network", network(story, words)),
        ("responsibility", responsibilities(story, words)),
        ("step", first_step(story, words)),
        ("descent", descent(story, words)),
        ("rates", rate_outcomes(story, words)),
        ("field", arrows(story, words)),
        ("map", error_map(story, words)),
    ):
        yield say(f"{key}_title"), lines


def network(story: Story, words: Language) -> list[str]:
    lesson, start = story.lesson, story.descent.steps[0]
    n = words.number
    formula = f"|{n(start.output)} - {n(lesson.target)}|" + (
        "²" if lesson.loss == "squared" else ""
    )
    return [
        f"x = {n(lesson.x)} ──w1={n(lesson.w1)}──▶ h ──w2={n(lesson.w2)}──▶ ŷ = {n(start.output)}",
        "",
        words.say("network_output", x=lesson.x, w1=lesson.w1, w2=lesson.w2, output=start.output),
        words.say("network_error", target=lesson.target, formula=formula, error=start.error),
        words.say("network_weights"),
    ]


def responsibilities(story: Story, words: Language) -> list[str]:
    shares = story.lesson.responsibility()
    lines = [words.say("responsibility_text"), "", *shares.table(words).split("\n"), ""]
    lines.append(words.say("chain_text"))
    return lines + [line for share in shares for line in chain(share, words)]


def chain(share: Share, words: Language) -> list[str]:
    """Return the chain rule that made a gradient, in letters and in numbers."""
    n = words.number
    letters = " · ".join(f"∂{name(link.of)}/∂{name(link.by)}" for link in share.chain)
    numbers = " · ".join(
        n(p) if p >= 0 else f"({n(p)})" for p in (link.partial for link in share.chain)
    )
    return [f"  ∂E/∂{share.name} = {letters}", f"        = {numbers} = {n(share.gradient)}"]


def name(label: str) -> str:
    return f"({label})" if " " in label else label


def first_step(story: Story, words: Language) -> list[str]:
    steps, n = story.descent.steps, words.number
    lines = [words.say("step_rule", lr=story.descent.lr)]
    if len(steps) < 2:
        return [*lines, ending(story.descent, words)]
    a, b = steps[:2]
    pairs = (("w1", a.w1, a.g1, b.w1), ("w2", a.w2, a.g2, b.w2))
    lines += [f"  {w}: {n(old)} - {n(a.lr)} · ({n(g)}) = {n(new)}" for w, old, g, new in pairs]
    lines.append(
        words.say("step_result", before=a.output, after=b.output, old=a.error, new=b.error)
    )
    if (story.lesson, round(b.output, 9)) == (Lesson(), 5.5):
        lines.append(words.say("step_article"))
    return lines


def descent(story: Story, words: Language) -> list[str]:
    run, n = story.descent, words.number
    keys = ("step", "w1", "w2", "output", "error", "g1", "g2", "length", "rate")
    rows = [[words.say(f"column_{key}") for key in keys]]
    for step in run.steps:
        fields = (step.w1, step.w2, step.output, step.error, step.g1, step.g2, step.length, step.lr)
        rows.append([str(step.number), *map(n, fields)])
    folded = len(rows) - 1 - 2 * FOLD
    lines = format_table(rows, ">" * len(keys))
    if folded > 1:
        lines[1 + FOLD : -FOLD] = [words.say("descent_folded", count=folded)]
    rule = "descent_halving" if story.lesson.loss == "absolute" else "descent_constant"
    remarks = (
        [words.say("remark_curve", product=story.lesson.target / story.lesson.x)]
        if story.lesson.x
        else []
    )
    if story.lesson.loss == "absolute":
        remarks.insert(0, words.say("remark_bounce"))
    curve = ["", words.say("curve_text"), *error_curve(run, words)] if len(run.steps) > 1 else []
    return [words.say(rule), "", *lines, "", ending(run, words), *remarks, *curve]


def ending(run: Descent, words: Language) -> str:
    last = run.last
    return words.say(f"end_{run.verdict}", steps=last.number, off=REACHED, output=last.output)


def error_curve(run: Descent, words: Language) -> list[str]:
    """Return the error of every step, on a logarithmic scale."""
    powers = [math.log10(max(step.error, 1e-12)) for step in run.steps]
    dots = curve(powers)
    ends = {
        0: words.number(10 ** max(powers), ".1e"),
        len(dots) - 1: words.number(10 ** min(powers), ".1e"),
    }
    lines = [f"{ends.get(i, ''):>8} ┤{line}" for i, line in enumerate(dots)]
    return [*lines, f"{'':>8} └ 0 … {run.last.number} {words.say('column_step')}"]


def outcomes(story: Story, words: Language) -> Iterator[tuple[str, Descent, str]]:
    """Yield (role, descent, what became of it) of each learning rate, from small to large."""
    for role, run in story.rates.runs:
        if role == "good" and run.verdict != "reached":
            role = "chosen"
        count = run.last.number
        one = "_one" if run.verdict == "reached" and count == 1 else ""
        outcome = words.say(f"rate_{run.verdict}{one}", steps=count, limit=story.rates.limit)
        yield words.say(f"role_{role}"), run, outcome


def rate_outcomes(story: Story, words: Language) -> list[str]:
    lines = [words.say("rates_text", goal=story.rates.goal, limit=story.rates.limit), ""]
    for role, run, outcome in outcomes(story, words):
        lines.append(f"  η = {words.number(run.lr):<10} {role:<14} {outcome}")
    runs = dict(story.rates.runs)
    good, twice = (runs[role].last.number for role in ("good", "twice"))
    if runs["good"].verdict == runs["twice"].verdict == "reached" and twice:
        lines += ["", words.say("rates_twice", ratio=good / twice)]
    if (limit := bound(story)) is not None:
        lines.append(words.say("rates_bound", bound=limit))
    return lines


def arrows(story: Story, words: Language) -> list[str]:
    n, gradient = words.number, story.climb
    lines = [words.say("field_text"), "", f"{'w2':>8}"]
    for row in story.field:
        cells = [f"{arrow(s.g1, s.g2)} {n(s.length, '.3g'):<6}" for s in row]
        lines += [f"{n(row[0].w2):>8}  {'  '.join(cells)}"]
    lines.append(f"{'w1':>8}  " + "  ".join(f"  {n(step.w1):<6}" for step in story.field[0]))
    degrees, slope = gradient.steepest
    measured = words.say("climb_measured", count=len(gradient.slopes), degrees=degrees, slope=slope)
    return [
        *lines,
        "",
        measured,
        words.say("climb_gradient", degrees=gradient.degrees, length=gradient.length),
    ]


def error_map(story: Story, words: Language) -> list[str]:
    """Return the map of the error with the path on it: o a step, A the start, B the end."""
    lesson, steps = story.lesson, visible_steps(story.descent)
    x, y = (window([getattr(step, w) for step in steps]) for w in ("w1", "w2"))
    top = abs(steps[0].output - lesson.target) or 1.0
    bounds = [ZONE_OF_MAP * top, top / 4, top / 2, top]
    rows = heights(lambda u, v: abs(lesson.x * u * v - lesson.target), x, y, bounds, 56, 18)
    path = [(step.w1, step.w2) for step in steps]
    for points, mark in ((path, "o"), (path[:1], "A"), (path[-1:] if len(path) > 1 else [], "B")):
        mark_on_map(rows, x, y, points, mark)
    n = words.number
    lines = [words.say("map_text", a=bounds[0], b=bounds[1], c=bounds[2], d=bounds[3]), ""]
    edges = {0: n(y[1]), len(rows) - 1: n(y[0])}
    lines += [
        f"{edges.get(i, 'w2' if i == len(rows) // 2 else ''):>8} │{''.join(row)}"
        for i, row in enumerate(rows)
    ]
    return [*lines, f"{'':>8} └{'─' * 56}", f"{'':>8}  {n(x[0]):<26}w1{n(x[1]):>28}"]


def visible_steps(run: Descent) -> tuple[Step, ...]:
    """Return the steps that a map can show: all, or the start of a descent that diverges."""
    return run.steps[:1] if run.verdict == "diverges" else run.steps


ZONE_OF_MAP = 0.05  # of the error at the start: what the map leaves white


def window(numbers: Sequence[float]) -> tuple[float, float]:
    """Return an interval around the numbers with room on both sides."""
    low, high = min(numbers), max(numbers)
    room = max(0.35 * (high - low), 0.5, 1e-6 * abs(low))
    return low - room, high + room
