"""What may be written after `micrograd-es`: one table, a row an option.

    preview(argv)                    the language, the command and all other words
    parse(command, words, …)         the options as a Namespace; Refusal says what is wrong
    format_help(command, language)   what --help shows

argparse splits the words into options. The types of the rows judge them afterwards, because --help
counts even among mistakes, and because argparse's own sentences exist in English only.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from unicodedata import normalize

from micrograd_es.cli.refusal import Refusal
from micrograd_es.errors import nearest
from micrograd_es.lesson.characters import DRAWINGS
from micrograd_es.lesson.network import LOSSES
from micrograd_es.texts import LANGUAGES, Language, excerpt

COMMANDS = STORY, EXPLAIN, PLOT, PAGE, CHECK = "", "explain", "plot", "page", "check"
NETWORK = STORY, EXPLAIN, PLOT, PAGE  # the commands for which the article's network may be changed
HUGE = (1e30,)  # the largest number: where the story multiplies options, no product overflows
MOST = (1e308,)

# ---- types: what a word becomes, or a Refusal that says what was expected ------------------------


def number(word: str, largest: float, **parts: str) -> float:
    """Return a float that is 0, or of a size from 1/largest to largest."""
    try:
        x = float(word)
    except ValueError:
        x = math.nan
    if not (x == 0 or 1 / largest <= abs(x) <= largest):
        raise Refusal("error_number", largest=f"{largest:g}", **parts)
    return x


def rate(word: str, largest: float) -> float:
    """Return a number above 0."""
    if (x := number(word, largest)) <= 0:
        raise Refusal("error_rate", text=x)
    return x


def integer(word: str, lowest: int, highest: int) -> int:
    """Return an int from the lowest to the highest."""
    digits = word.lstrip("0") or "0"
    short = word.isascii() and word.isdigit() and len(digits) <= len(str(highest))
    if not (short and lowest <= int(digits) <= highest):
        raise Refusal("error_whole", lowest=lowest, highest=highest)
    return int(digits)


def choice(word: str, *choices: str) -> str:
    """Return the word, which must be one of the choices."""
    if word not in choices:
        raise Refusal("error_choice", nearest(word, choices), choices=", ".join(choices))
    return word


def file(word: str, *endings: str) -> str:
    """Return the name of a file, which must have one of the endings."""
    if not word.endswith(endings):
        raise Refusal("error_ending", endings=", ".join(endings))
    return word


def function(word: str) -> str:
    """Return the name of a function, which must follow that of its module."""
    if ":" not in word:
        raise Refusal("check_no_function")
    return word


def letter(word: str, largest: float) -> tuple[str, float]:
    """Return the letter and the number of a word such as a=2."""
    name, equals, digits = word.partition("=")
    if not (equals and name.isidentifier()):
        raise Refusal("error_at")
    name = normalize("NFKC", name)  # Python reads names so.
    return name, number(digits, largest, option=f"--at {excerpt(name)}", text=excerpt(digits))


# ---- the table -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """A row: an option or, if its name has no dashes, a word that is known by its place."""

    names: str
    type: Callable[..., Any] | None  # None for a switch, which takes no value
    allowed: tuple[Any, ...]  # the type's further arguments: limits, choices or endings
    default: Any  # a list, if the option takes many words
    commands: tuple[str, ...]
    help: str  # the key of the text, without its help_

    @property
    def name(self) -> str:
        """Return its longest name without dashes, by which the Namespace knows it."""
        return self.names.split()[-1].removeprefix("--")

    @property
    def has_place(self) -> bool:
        """Whether it is a word known by its place, not by a name with dashes."""
        return not self.names.startswith("-")

    @property
    def label(self) -> str:
        """Return how sentences name it: a word known by its place, by the command it follows."""
        return self.commands[0] if self.has_place else f"--{self.name}"

    def convert(self, found: Any) -> Any:
        """Return what the type makes of the words that argparse found; a default stays.

        A Refusal by the type learns which option and which word it is about.
        """
        if isinstance(found, list):
            return [self.convert(word) for word in found]
        if self.type is None or not isinstance(found, str):
            return found
        try:
            return self.type(found, *self.allowed)
        except Refusal as refusal:
            refusal.parts = {"option": self.label, "text": excerpt(found)} | refusal.parts
            raise


METAVARS: Mapping[Any, str] = {str: "TEXT", letter: "a=2", file: "FILE"}  # of numbers, N
PICTURES = tuple(DRAWINGS)
DRAWN = ".svg", ".png", ".pdf"
# fmt: off
OPTIONS = (
    #      names           type      allowed        default commands                 help
    Option("picture",      choice,   PICTURES,      "",     (PLOT,),                 "picture"),
    Option("function",     function, (),            "",     (CHECK,),                "function"),
    Option("--x",          number,   HUGE,          None,   NETWORK,                 "x"),
    Option("--target",     number,   HUGE,          None,   NETWORK,                 "target"),
    Option("--w1",         number,   HUGE,          None,   NETWORK,                 "w1"),
    Option("--w2",         number,   HUGE,          None,   NETWORK,                 "w2"),
    Option("--seed",       integer,  (0, 10**18),   None,   NETWORK,                 "seed"),
    Option("--loss",       choice,   tuple(LOSSES), None,   (STORY, EXPLAIN, PLOT),  "loss"),
    Option("--lr",         rate,     HUGE,          None,   (STORY, PLOT),           "lr"),
    Option("--steps",      integer,  (1, 100_000),  500,    (STORY, PLOT),           "steps"),
    Option("--expression", str,      (),            None,   (PAGE,),                 "expression"),
    Option("--at",         letter,   HUGE,          [],     (PAGE,),                 "at"),
    Option("--at",         number,   MOST,          [],     (CHECK,),                "at_point"),
    Option("--gradient",   number,   MOST,          [],     (CHECK,),                "gradient"),
    Option("-o --output",  file,     DRAWN,         None,   (PLOT,),                 "output"),
    Option("-o --output",  file,     (".html",),    None,   (PAGE,),                 "output"),
    Option("--json",       None,     (),            False,  (STORY, EXPLAIN, CHECK), "json"),
    Option("--lang",       choice,   LANGUAGES,     None,   COMMANDS,                "lang"),
    Option("--version",    None,     (),            False,  COMMANDS,                "version"),
    Option("-h --help",    None,     (),            False,  COMMANDS,                "help"),
)
# fmt: on


def options_of(command: str) -> list[Option]:
    """Return the rows of a command."""
    return [option for option in OPTIONS if command in option.commands]


# ---- from words to a Namespace -------------------------------------------------------------------


def preview(argv: list[str]) -> tuple[Language, str, list[str]]:
    """Return the language, the command, and all other words.

    The language must be known before anything is said: it is what --lang names, wherever that
    stands, or that of the environment. Before the command, nothing but --lang may stand.
    """
    parser = Parser()
    parser.add_argument("--lang", nargs="?")
    words = attach_expression(argv)
    options, others = parser.parse_known_args(words)
    language = Language(options.lang if options.lang in LANGUAGES else None)
    command = others[0] if others and others[0] in COMMANDS else STORY
    if command:
        words.remove(command)
    return language, command, words


def parse(command: str, words: list[str], language: Language) -> argparse.Namespace:
    """Return the options of a command; Refusal says what is wrong with them.

    With --help or --version among them, nothing else is judged.
    """
    parser, _ = build_parsers(language)
    try:
        options, unknown = parser.parse_known_args([command, *words])
    except argparse.ArgumentError as problem:  # --json=1
        raise Refusal("error_no_value", option=problem.argument_name) from None
    if options.help or options.version:
        return options
    if unknown:
        raise unknown_argument(command, unknown[0])
    for option in options_of(command):
        setattr(options, option.name, option.convert(getattr(options, option.name)))
    if command == PAGE:
        complete_page(options)
    if command == CHECK and not options.at:
        raise Refusal("check_no_point")
    return options


def attach_expression(words: list[str]) -> list[str]:
    """Return the words with `--expression -h` as `--expression=-h`: there, h is a letter."""
    for i, (word, after) in enumerate(pairwise(words)):
        if word == "--expression" and re.match("-[^-]", after):
            return [*words[:i], f"{word}={after}", *words[i + 2 :]]
    return words


def unknown_argument(command: str, word: str) -> Refusal:
    """Return the refusal of a word that is none of the command's, with the nearest that is."""
    if word in COMMANDS[1:]:
        return Refusal("error_command_first", command=word)
    name, _, _ = word.partition("=")
    labels = [option.label for option in options_of(command)]
    if f"--{name}" in labels:  # help, steps=3
        name = f"--{name}"
    meant = nearest(name, labels if name.startswith("-") else COMMANDS)
    return Refusal("error_unknown", meant, argument=excerpt(f"{command} {word}".lstrip()))


def complete_page(options: argparse.Namespace) -> None:
    """Make a dict of the letters; refuse options that do not go together."""
    names = [name for name, _ in options.at]
    network = [option for option in OPTIONS if option.commands == NETWORK]
    idle = [option.label for option in network if getattr(options, option.name) is not None]
    if options.expression is None and names:
        raise Refusal("error_at_alone")
    if twice := [name for name in names if names.count(name) > 1]:
        raise Refusal("error_at_twice", name=excerpt(twice[0]))
    if options.expression is not None and idle:
        raise Refusal("error_expression", option=idle[0])
    if options.output is None:
        raise Refusal("error_no_output")
    options.at = dict(options.at)


# ---- the parsers ---------------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """A parser that leaves it to us to say what is wrong, and takes -inf or -a for a word."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, add_help=False, allow_abbrev=False, exit_on_error=False)
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        self._negative_number_matcher = re.compile("-[^-]")


def build_parsers(language: Language) -> tuple[Parser, dict[str, Parser]]:
    """Return the parser of all words, the first of which is the command, and those of commands."""
    parser = Parser()
    commands = parser.add_subparsers(dest="command", prog="")
    for command in COMMANDS:
        one = commands.add_parser(command, **describe(command, language))
        group = one.add_argument_group(language.say("help_options"))
        for option in options_of(command):
            group.add_argument(*option.names.split(), **settings_of(option, language))
    return parser, commands.choices


def settings_of(option: Option, language: Language) -> dict[str, Any]:
    """Return how argparse reads an option: without its type, so that a wrong word stays text."""
    facts = {"endings": ", ".join(map(str, option.allowed)), "default": str(option.default)}
    shared = {"help": language.say(f"help_{option.help}", **facts), "default": option.default}
    if option.type is None:
        return {"action": "store_true", **shared}
    metavar = "|".join(option.allowed) if option.type is choice else METAVARS.get(option.type, "N")
    if option.has_place:
        metavar = language.say(f"help_{option.name}_name")
    words = (
        {"nargs": "*", "action": "extend"} if option.default == [] else {"nargs": "?", "const": ""}
    )
    return {"metavar": metavar, **words, **shared}


def describe(command: str, language: Language) -> dict[str, Any]:
    """Return how a command is written and what it does, with the pictures or the commands."""
    places = [option.name for option in options_of(command) if option.has_place]
    names = [language.say(f"help_{name}_name") for name in places]
    usage = " ".join(["micrograd-es", *filter(None, [command]), *names, "[--lang es|en] […]"])
    does = {name: language.say(f"help_command_{name or 'story'}") for name in COMMANDS}
    lines = [does[command]]
    if command == PLOT:
        lines += ["", f"{language.say('help_pictures')}:"]
        lines += [f"  {name:<22}{language.say(f'picture_{name}')}" for name in DRAWINGS]
    if command == STORY:
        lines += ["", *(f"micrograd-es {name} --help: {does[name]}" for name in COMMANDS[1:])]
        lines += ["", language.say("help_exit_codes")]
    return {"usage": usage, "description": "\n".join(lines)}


def format_help(command: str, language: Language) -> str:
    """Return the help of a command, with argparse's only heading in the language."""
    _, parsers = build_parsers(language)
    return parsers[command].format_help().replace("usage: ", language.say("help_usage"), 1)
