"""Every sentence shown to a person, by key, in Spanish and English; numbers as each writes them."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

LANGUAGES = ("es", "en")
VARIABLES = ("MICROGRAD_ES_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def preferred_language(environment: Mapping[str, str] | None = None) -> str:
    """Return the language the environment asks for: the first variable that is set decides.

    Unset, C and POSIX mean Spanish, the language of the lesson; any language but Spanish, English.
    """
    environment = os.environ if environment is None else environment
    name = next((environment[variable] for variable in VARIABLES if environment.get(variable)), "C")
    code = name.partition(".")[0].partition("_")[0].lower()
    return "es" if code in ("es", "c", "posix") else "en"


@cache
def sentences(language: str) -> dict[str, str]:
    """Return all sentences of a language by key."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r}: expected one of {', '.join(LANGUAGES)}")
    text = files("micrograd_es.texts").joinpath(f"{language}.json").read_text(encoding="utf-8")
    found: dict[str, str] = json.loads(text)
    return found


def humanize(formula: str) -> str:
    """Return a formula as people write it, where Python writes it for computers.

    >>> humanize("2 * x ** 3 - 1")
    '2 · x^3 − 1'
    """
    for python, people in ((" ** ", "^"), ("*", "·"), (" - ", " − "), ("sech2", "sech²")):
        formula = formula.replace(python, people)
    return formula


def legible(name: str) -> str:
    """Return a name on one line, with a sign in place of each character that cannot be shown: a
    control character, or half of a pair of surrogates.
    """
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in name
    )


def excerpt(text: str, most: int = 60) -> str:
    r"""Return what somebody wrote as a sentence can quote it: on one line, printable, not too long.

    >>> excerpt("a\tb\n") + excerpt("long" * 99, 6)
    'a blonglo…'
    """
    line = " ".join(text[: 2 * most].split())
    printable = legible(line)
    return printable if len(text) <= 2 * most and len(line) <= most else f"{printable[:most]}…"


def message_of(problem: BaseException) -> str:
    """Return what an exception says, as a sentence can quote it; its kind, if it says nothing."""
    try:
        text = str(problem)
    except Exception:
        text = ""
    return excerpt(text, 300) or type(problem).__name__


def format_table(rows: Sequence[Sequence[str]], align: str) -> list[str]:
    r"""Return the rows as lines of aligned cells; `align` has < or > for each column.

    >>> print(*format_table([["weight", "share"], ["w1", "2.5"]], "<>"), sep="\n")
    weight  share
    w1        2.5
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    styles = [f"{side}{width}" for side, width in zip(align, widths, strict=True)]
    return ["  ".join(map(format, row, styles)).rstrip() for row in rows]


class Language:
    """A language: `say("key", …)` gives a sentence, `number(x)` a number as it is written there."""

    def __init__(self, language: str | None = None) -> None:
        self.code = language or preferred_language()
        self.sentences = sentences(self.code)

    def say(self, key: str, **parts: object) -> str:
        """Return the sentence of that key; floats among its parts are written with `number`."""
        written = {
            k: self.number(part) if isinstance(part, float) else part for k, part in parts.items()
        }
        return self.sentences[key].format(**written)

    def number(self, x: float, spec: str = ".4g") -> str:
        """Return x with the decimal sign of the language; very large and small ones as 1.2e-07."""
        if math.isinf(x):
            return "∞" if x > 0 else "-∞"
        text = format(x + 0.0, spec)  # -0.0 + 0.0 is 0.0, which is what a reader expects
        return text.replace(".", ",") if self.code == "es" else text
