"""What may be written after `micrograd-es`: the commands, and the options of each.

argparse finds them, we judge them, so that every sentence exists in both languages.
"""

from __future__ import annotations

import argparse
import math
import re
from unicodedata import normalize

from micrograd_es.lesson.characters import DRAWINGS
from micrograd_es.lesson.network import LOSSES
from micrograd_es.texts import LANGUAGES, Language, excerpt

NUMBERS = ("x", "target", "w1", "w2", "lr")
# The smallest, the largest, and what it is if not given.
WHOLE = {"steps": (1, 100_000, 500), "seed": (0, 10**18, None)}
CHOICES = {"loss": tuple(LOSSES), "lang": LANGUAGES}
LISTS = ("at", "gradient")
SWITCHES = ("json", "version", "help")
ENDINGS = {"plot": (".svg", ".png", ".pdf"), "page": (".html",)}  # of the file that --output names
SHORT = {"output": ("-o",), "help": ("-h",)}
METAVARS = {"output": "FILE", "expression": "TEXT"}
LESSON = ("x", "target", "w1", "w2", "seed", "loss")
ALWAYS = ("lang", "version", "help")
COMMANDS = {
    "": (*LESSON, "lr", "steps", "json", *ALWAYS),
    "explain": (*LESSON, "json", *ALWAYS),
    "plot": (*LESSON, "lr", "steps", "output", *ALWAYS),
    "page": ("x", "target", "w1", "w2", "seed", "expression", "at", "output", *ALWAYS),
    "check": ("at", "gradient", "json", *ALWAYS),
}
POSITIONALS = {"plot": "picture", "check": "function"}
LARGEST = 1e30  # of an option, and 1/LARGEST the smallest: no product the story needs overflows


class Help(argparse.RawDescriptionHelpFormatter):
    """Help whose heading can be translated."""

    usage = "usage: "

    def add_usage(self, usage, actions, groups, prefix=None):  # type: ignore[no-untyped-def]  # argparse's own
        super().add_usage(usage, actions, groups, self.usage)


def command_of(argv: list[str]) -> tuple[str, list[str]]:
    """Return the command and what follows it; the command is "" if the first word is none."""
    if argv and argv[0] in COMMANDS and argv[0]:
        return argv[0], argv[1:]
    return "", argv


def parser(command: str, tongue: Language) -> argparse.ArgumentParser:
    """Return the parser; a wrong argument passes through it as text, for `parsed` to judge."""

    class Heading(Help):
        usage = tongue.say("help_usage")

    name = f" {tongue.say(f'help_{POSITIONALS[command]}_name')}" if command in POSITIONALS else ""
    others = [f"micrograd-es {other} --help: {told(other, tongue)}" for other in COMMANDS if other]
    made = argparse.ArgumentParser(
        "micrograd-es",
        usage=f"micrograd-es{' ' * bool(command)}{command}{name} [--lang es|en] […]",
        description=told(command, tongue),
        epilog="\n".join([*others, "", tongue.say("help_epilog")]) if not command else None,
        add_help=False,
        allow_abbrev=False,
        exit_on_error=False,
        formatter_class=Heading,
    )
    if command == "plot":
        pictures = (f"{one:<22}{tongue.say(f'picture_{one}')}" for one in DRAWINGS)
        named = made.add_argument_group(tongue.say("help_pictures"), "\n".join(pictures))
        named.add_argument("picture", nargs="?", default="", help=argparse.SUPPRESS)
    if command == "check":
        named = made.add_argument_group(tongue.say("help_function"))
        named.add_argument("function", nargs="?", default="", help=argparse.SUPPRESS)
    group = made.add_argument_group(tongue.say("help_options"))
    for option in COMMANDS[command]:
        flags = [*SHORT.get(option, ()), f"--{option}"]
        key = "help_at_point" if (command, option) == ("check", "at") else f"help_{option}"
        told_of = tongue.say(key, endings=", ".join(ENDINGS.get(command, ())))
        if option in SWITCHES:
            group.add_argument(*flags, action="store_true", help=told_of)
        elif option in LISTS:
            shown = "N" if command == "check" else "a=2"
            group.add_argument(
                *flags, nargs="*", action="extend", default=[], metavar=shown, help=told_of
            )
        else:
            shown = "|".join(CHOICES.get(option, (METAVARS.get(option, "N"),)))
            group.add_argument(*flags, nargs="?", const="", metavar=shown, help=told_of)
    return made


def told(command: str, tongue: Language) -> str:
    return tongue.say(f"help_command_{command}" if command else "help_description")


def parsed(command: str, argv: list[str], tongue: Language) -> argparse.Namespace:
    """Return the options; ValueError with a sentence in the reader's language."""
    try:
        options, unknown = parser(command, tongue).parse_known_args(joined(argv))
    except argparse.ArgumentError as problem:  # --json=1
        told = tongue.say("error_no_value", option=problem.argument_name)
        raise ValueError(told) from None
    if options.help or options.version:
        return options
    if unknown:
        raise ValueError(unknown_argument(command, unknown[0].strip(), tongue))
    given = vars(options)
    for name in given.keys() & {*NUMBERS}:
        given[name] = number(f"--{name}", given[name], tongue)
    if given.get("lr") is not None and given["lr"] <= 0:
        raise ValueError(tongue.say("error_rate", text=given["lr"]))
    for name in given.keys() & WHOLE.keys():
        given[name] = whole(name, given[name], tongue)
    for name in given.keys() & CHOICES.keys():
        choice(f"--{name}", given[name], CHOICES[name], tongue)
    if command == "plot":
        choice("plot", options.picture, tuple(DRAWINGS), tongue)
    if command == "check":
        for name in LISTS:
            given[name] = [number(f"--{name}", text, tongue, 1e308) for text in given[name]]
        if ":" not in options.function:
            text = excerpt(options.function)
            raise ValueError(tongue.say("check_no_function", text=text))
        if not options.at:
            raise ValueError(tongue.say("check_no_point"))
    if command == "page":
        options.at = numbers_at(options.at, options.expression, tongue)
        idle = [name for name in LESSON if given.get(name) is not None]
        if options.expression is not None and idle:
            raise ValueError(tongue.say("error_expression", option=f"--{idle[0]}"))
    if command == "page" and options.output is None:
        raise ValueError(tongue.say("error_no_output"))
    if (file := given.get("output")) is not None and not file.endswith(ENDINGS[command]):
        endings = ", ".join(ENDINGS[command])
        raise ValueError(tongue.say("error_ending", text=excerpt(file), endings=endings))
    return options


def unknown_argument(command: str, text: str, tongue: Language) -> str:
    """Return the sentence about an argument that there is not, and the one that was meant."""
    if text in COMMANDS:
        return tongue.say("error_command_first", command=text)
    argument = excerpt(f"{command} {text}".lstrip())
    option, _, _ = text.partition("=")
    options = [f"--{name}" for name in COMMANDS[command]]
    if f"--{option}" in options:  # help, steps=3
        option = f"--{option}"
    known = options if option.startswith("-") else COMMANDS
    return tongue.say("error_unknown", argument=argument) + tongue.suggestion(option, known)


def joined(argv: list[str]) -> list[str]:
    """Return argv with `--w1 -1e-3` as `--w1=-1e-3`: argparse would see another option in it."""
    takers = {f"--{name}" for name in (*NUMBERS, "expression")}
    out: list[str] = []
    for text in argv:
        if out and out[-1] in takers and text.startswith("-") and text[1:2] != "-":
            out[-1] += f"={text}"
        elif re.match(r"-[\d.]", text):
            out.append(f" {text}")  # no option starts with a blank, and float() does not mind it
        else:
            out.append(text)
    return out


def number(
    option: str, text: str | None, tongue: Language, largest: float = LARGEST
) -> float | None:
    if text is None:
        return None
    try:
        x = float(text)
    except ValueError:
        x = math.nan
    if not (x == 0 or 1 / largest <= abs(x) <= largest):
        most = f"{largest:g}"
        written = excerpt(text)
        raise ValueError(tongue.say("error_number", option=option, text=written, largest=most))
    return x


def numbers_at(
    texts: list[str], expression: str | None, tongue: Language
) -> dict[str, float | None]:
    """Return the numbers that a=2 b=-3 gives to letters."""
    if texts and expression is None:
        raise ValueError(tongue.say("error_at_alone"))
    found = {}
    for text in texts:
        name, equals, digits = text.partition("=")
        if not (equals and name.isidentifier()):
            raise ValueError(tongue.say("error_at", text=excerpt(text)))
        name = normalize("NFKC", name)  # as Python reads a name
        if name in found:
            raise ValueError(tongue.say("error_at_twice", name=excerpt(name)))
        found[name] = number(f"--at {excerpt(name)}", digits, tongue)
    return found


def whole(name: str, text: str | None, tongue: Language) -> int | None:
    lowest, highest, default = WHOLE[name]
    if text is None:
        return default
    digits = text.lstrip("0") or "0"
    short = text.isascii() and text.isdigit() and len(digits) <= len(str(highest))
    if not (short and lowest <= int(digits) <= highest):
        told = {"option": f"--{name}", "text": excerpt(text), "lowest": lowest, "highest": highest}
        raise ValueError(tongue.say("error_whole", **told))
    return int(digits)


def choice(option: str, text: str | None, choices: tuple[str, ...], tongue: Language) -> None:
    if text is not None and text not in choices:
        told = {"option": option, "text": excerpt(text), "choices": ", ".join(choices)}
        raise ValueError(tongue.say("error_choice", **told) + tongue.suggestion(text, choices))


def wished_language(argv: list[str]) -> str | None:
    """Return the language that --lang asks for, which must be known before anything is said."""
    for i, text in enumerate(argv):
        option, _, code = text.partition("=")
        if option == "--lang":
            code = code or next(iter(argv[i + 1 : i + 2]), "")
            return code if code in LANGUAGES else None
    return None
