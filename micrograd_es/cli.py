"""`micrograd-es`: tells and does the article's descent. The only print, the only exit."""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import NoReturn

from micrograd_es.draw.terminal import plain
from micrograd_es.explanation import explain
from micrograd_es.language import LANGUAGES, Language
from micrograd_es.lesson import LOSSES, Lesson
from micrograd_es.story import Story, as_dict, sections, tell

NUMBERS = ("x", "target", "w1", "w2", "lr")
WHOLE = ("steps", "seed")
CHOICES = {"loss": tuple(LOSSES), "lang": LANGUAGES}
SWITCHES = ("json", "version", "help")
LARGEST = 1e30  # of an option, and 1/LARGEST the smallest: no product the story needs overflows
OK, NOT_REACHED, BAD_ARGUMENTS = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if the target was reached, 1 if not, 2 for bad arguments."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ŷ shows ?, and nothing breaks
    try:
        code = run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:  # `micrograd-es | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return code


def run(argv: list[str]) -> int:
    tongue = Language(wished_language(argv))
    explaining, argv = argv[:1] == ["explain"], argv[argv[:1] == ["explain"] :]
    try:
        options = parsed(argv, tongue)
        if explaining and (idle := {arg.partition("=")[0] for arg in argv} & {"--lr", "--steps"}):
            raise ValueError(tongue.say("error_unknown", argument=f"explain {min(idle)}"))
    except ValueError as problem:
        print(f"micrograd-es: {problem}\n{tongue.say('see_help')}", file=sys.stderr)
        return BAD_ARGUMENTS
    if options.help or options.version:
        print(
            parser(tongue).format_help()
            if options.help
            else f"micrograd-es {version('micrograd-es')}"
        )
        return OK
    if explaining:
        show(explained(lesson_of(options), tongue, options.json))
        return OK
    story = tell(lesson_of(options), options.lr, options.steps)
    show(as_json(story) if options.json else as_text(story, tongue))
    return OK if story.descent.verdict == "reached" else NOT_REACHED


def show(text: str) -> None:
    """Print, in plain ASCII where the terminal cannot do better."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = plain(text)
    print(text)


def explained(lesson: Lesson, tongue: Language, as_numbers: bool) -> str:
    """Return why each weight of the lesson has its responsibility, path by path."""
    network = lesson.network()
    _, error = lesson.forward(network)
    found = [explain(error, weight) for weight in network.parameters()]
    if as_numbers:
        return json.dumps([one.as_dict() for one in found], allow_nan=False, indent=2)
    return "\n\n".join(one.text(tongue.code) for one in found)


def as_json(story: Story) -> str:
    return json.dumps(as_dict(story), allow_nan=False, indent=2)


def as_text(story: Story, tongue: Language) -> str:
    """Return the sections under numbered titles, which are bold where the terminal can."""
    bold, plain = ("\x1b[1m", "\x1b[0m") if colour() else ("", "")
    lines: list[str] = []
    for i, (title, told) in enumerate(sections(story, tongue), start=1):
        lines += [f"{bold}{i}. {title}{plain}", *(f"   {line}".rstrip() for line in told), ""]
    return "\n".join(lines)


def colour() -> bool:
    """Whether to write bold titles: to a terminal, unless NO_COLOR is set (no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def lesson_of(options: argparse.Namespace) -> Lesson:
    """Return the lesson with what the options change; a seed draws both weights from U(-1, 1)."""
    lesson = Lesson(loss=options.loss)
    if options.seed is not None:
        rng = random.Random(options.seed)
        lesson = replace(lesson, w1=rng.uniform(-1, 1), w2=rng.uniform(-1, 1))
    given = {key: getattr(options, key) for key in ("x", "target", "w1", "w2")}
    return replace(lesson, **{key: number for key, number in given.items() if number is not None})


# ---- options: argparse finds them, we judge them, so that every sentence exists in both languages


class Parser(argparse.ArgumentParser):
    """An ArgumentParser that raises instead of leaving."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


class Help(argparse.RawDescriptionHelpFormatter):
    """Help whose heading can be translated."""

    usage = "usage: "

    def add_usage(self, usage, actions, groups, prefix=None):  # type: ignore[no-untyped-def]  # argparse's own
        super().add_usage(usage, actions, groups, self.usage)


def parser(tongue: Language) -> Parser:
    """Return the parser; a wrong argument passes through it as text, for `parsed` to judge."""

    class Heading(Help):
        usage = tongue.say("help_usage")

    made = Parser(
        "micrograd-es",
        usage="micrograd-es [explain] [--lang es|en] […]",
        description=tongue.say("help_description"),
        epilog=f"{tongue.say('help_explain')}\n\n{tongue.say('help_epilog')}",
        add_help=False,
        allow_abbrev=False,
        formatter_class=Heading,
    )
    group = made.add_argument_group(tongue.say("help_options"))
    for name in (*NUMBERS, *WHOLE):
        group.add_argument(
            f"--{name}", nargs="?", const="", metavar="N", help=tongue.say(f"help_{name}")
        )
    for name, choices in CHOICES.items():
        group.add_argument(
            f"--{name}",
            nargs="?",
            const="",
            metavar="|".join(choices),
            help=tongue.say(f"help_{name}"),
        )
    for name in SWITCHES:
        group.add_argument(f"--{name}", action="store_true", help=tongue.say(f"help_{name}"))
    return made


def parsed(argv: list[str], tongue: Language) -> argparse.Namespace:
    """Return the options; ValueError with a sentence in the reader's language."""
    options, unknown = parser(tongue).parse_known_args(joined(argv))
    if unknown:
        raise ValueError(tongue.say("error_unknown", argument=unknown[0]))
    for name in NUMBERS:
        setattr(options, name, number(name, getattr(options, name), tongue))
    if options.lr is not None and options.lr <= 0:
        raise ValueError(tongue.say("error_rate", text=options.lr))
    for name, lowest, default in (("steps", 1, 500), ("seed", 0, None)):
        text = getattr(options, name)
        if text is not None and not (text.isascii() and text.isdigit() and int(text) >= lowest):
            raise ValueError(
                tongue.say("error_whole", option=f"--{name}", text=text, lowest=lowest)
            )
        setattr(options, name, default if text is None else int(text))
    for name, choices in CHOICES.items():
        text = getattr(options, name)
        if text is not None and text not in choices:
            listed = ", ".join(choices)
            raise ValueError(
                tongue.say("error_choice", option=f"--{name}", text=text, choices=listed)
            )
    options.loss = options.loss or "absolute"
    return options


def joined(argv: list[str]) -> list[str]:
    """Return argv with `--w1 -1e-3` as `--w1=-1e-3`: argparse would see another option in it."""
    out: list[str] = []
    for text in argv:
        if (
            out
            and out[-1] in {f"--{name}" for name in NUMBERS}
            and text.startswith("-")
            and text[1:2] != "-"
        ):
            out[-1] += f"={text}"
        else:
            out.append(text)
    return out


def number(name: str, text: str | None, tongue: Language) -> float | None:
    if text is None:
        return None
    try:
        x = float(text)
    except ValueError:
        x = math.nan
    if not (x == 0 or 1 / LARGEST <= abs(x) <= LARGEST):
        raise ValueError(
            tongue.say("error_number", option=f"--{name}", text=text, largest=f"{LARGEST:g}")
        )
    return x


def wished_language(argv: list[str]) -> str | None:
    """Return the language that --lang asks for, which must be known before anything is said."""
    for i, text in enumerate(argv):
        option, _, code = text.partition("=")
        if option == "--lang":
            code = code or next(iter(argv[i + 1 : i + 2]), "")
            return code if code in LANGUAGES else None
    return None
