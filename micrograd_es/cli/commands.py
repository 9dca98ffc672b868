"""`micrograd-es`: what each command does. Nothing else in the package prints or exits.

    main(argv)    runs a command and returns its exit status

A command is a function of the options and the language; DO lists them. What it cannot do is raised
as a Refusal, which is told in one place.
"""

from __future__ import annotations

import errno
import json
import os
import random
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import redirect_stdout, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TextIO

from micrograd_es.cli.checking import as_record, check
from micrograd_es.cli.expression import read
from micrograd_es.cli.options import COMMANDS, format_help, parse, preview
from micrograd_es.cli.refusal import Refusal
from micrograd_es.draw.characters import plain
from micrograd_es.draw.page.page import LIMIT, Page
from micrograd_es.draw.page.page import page as draw_page
from micrograd_es.errors import MicrogradError, MissingExtra
from micrograd_es.explanation.paths import explain
from micrograd_es.files import write
from micrograd_es.lesson.characters import drawing
from micrograd_es.lesson.network import Lesson
from micrograd_es.lesson.page import lesson_page
from micrograd_es.lesson.story import Story, as_dict, sections, tell
from micrograd_es.texts import Language, excerpt
from micrograd_es.value import topological_order

OK, NOT_REACHED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if the target was reached, 1 if not, 2 for a bad argument or
    where nothing can be written, 130 if it was interrupted. None of these shows a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ŷ shows ?, and nothing breaks
    language, command, words = preview(list(sys.argv[1:] if argv is None else argv))
    try:
        if sys.stdout is None:  # `micrograd-es >&-`
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        try:
            code = run(command, words, language)
        except Refusal as refusal:
            code = refuse(refusal, language)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # `micrograd-es | head`
        code = OK
    except OSError as problem:  # a full disk
        code = refuse(Refusal("error_output", problem=problem.strerror), language)
    silence(sys.stdout)
    return code


def silence(stream: TextIO | None) -> None:
    """Redirect a stream to nowhere: at its end Python would try to write what is left in it."""
    if stream is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(command: str, words: list[str], language: Language) -> int:
    """Do what the words ask and return the exit status; Refusal says why it cannot be done."""
    options = parse(command, words, language)
    if options.help:
        show(format_help(command, language))
        return OK
    if options.version:
        try:
            show(f"micrograd-es {version('micrograd-es')}")
        except PackageNotFoundError:
            show(language.say("version_unknown"))
        return OK
    return DO[command](options, language)


# ---- the commands --------------------------------------------------------------------------------


def tell_story(options: Namespace, language: Language) -> int:
    """Tell the article's descent; 0 if it reaches the target."""
    story = story_of(options)
    show(as_json(as_dict(story)) if options.json else as_text(story, language))
    return OK if story.descent.verdict == "reached" else NOT_REACHED


def explain_weights(options: Namespace, language: Language) -> int:
    """Say why each weight of the lesson has its responsibility, path by path."""
    lesson = lesson_of(options)
    network = lesson.network()
    _, error = lesson.forward(network)
    explanations = [explain(error, weight) for weight in network.parameters()]
    texts = (one.text(language.code) for one in explanations)
    records = (one.as_dict() for one in explanations)
    show(as_json([*records]) if options.json else "\n\n".join(texts))
    return OK


def draw_picture(options: Namespace, language: Language) -> int:
    """Write a picture, or draw it with characters: without matplotlib, or if no file is named."""
    name, story = options.picture, story_of(options)
    if options.output is None:
        show(drawing(name, story, language))
        return OK
    try:
        from micrograd_es.draw.plots import save
        from micrograd_es.lesson.pictures import picture

        path = save(picture(name, story, language.code), options.output)
    except MissingExtra:
        show(drawing(name, story, language))
        raise Refusal("plot_missing") from None
    except OSError as problem:
        raise unwritten(options.output, problem) from None
    return announce("written_picture", path, language)


def write_page(options: Namespace, language: Language) -> int:
    """Write the lesson as a page, or the page of an expression of the learner's own."""
    try:
        path = write(options.output, page_of(options, language).encode())
    except OSError as problem:
        raise unwritten(options.output, problem) from None
    except MicrogradError as problem:
        raise Refusal("expression_undefined", problem=problem) from None
    return announce("written_page", path, language)


def check_function(options: Namespace, language: Language) -> int:
    """Check the gradient of a function of the user's own; 0 if it passes, 1 if not."""
    with redirect_stdout(sys.stderr):  # stdout is for the outcome, not for what the module prints
        outcome = check(options)
    show(as_json(as_record(outcome)) if options.json else outcome.table(language))
    return OK if outcome.verdict == "pass" else NOT_REACHED


IN_ORDER = (tell_story, explain_weights, draw_picture, write_page, check_function)
DO = dict(zip(COMMANDS, IN_ORDER, strict=True))


# ---- from options to what is told ----------------------------------------------------------------


def lesson_of(options: Namespace) -> Lesson:
    """Return the lesson with what the options change; a seed draws both weights from U(-1, 1)."""
    rng = random.Random(options.seed)
    weights = {} if options.seed is None else {key: rng.uniform(-1, 1) for key in ("w1", "w2")}
    changes = {key: getattr(options, key, None) for key in ("x", "target", "w1", "w2", "loss")}
    return Lesson(**weights | {key: it for key, it in changes.items() if it is not None})


def story_of(options: Namespace) -> Story:
    """Return the story of the lesson at the learning rate and the number of steps given."""
    return tell(lesson_of(options), options.lr, options.steps)


def page_of(options: Namespace, language: Language) -> Page:
    """Return the page of the lesson, or of the expression."""
    if options.expression is None:
        return lesson_page(lesson_of(options), language.code)
    output = read(options.expression, options.at)
    if (count := len(topological_order(output))) > LIMIT:
        raise Refusal("expression_large", count=count, most=LIMIT)
    return draw_page(output, language.code, options.expression)


def unwritten(path: str, problem: OSError) -> Refusal:
    """Return the refusal that says why a file was not written."""
    return Refusal("error_file", path=excerpt(path), problem=problem.strerror)


# ---- what is printed -----------------------------------------------------------------------------


def announce(key: str, path: Path, language: Language) -> int:
    """Say which file was written, and the address by which a browser opens it."""
    show(language.say(key, path=excerpt(str(path), 300), address=path.absolute().as_uri()))
    return OK


def refuse(refusal: Refusal, language: Language) -> int:
    """Say on stderr what was wrong, if it can be said there; return the exit status for it."""
    if sys.stderr is not None:
        sentence = f"micrograd-es: {refusal.say(language)}\n{language.say('see_help')}"
        try:
            print(sentence, file=sys.stderr, flush=True)
        except (OSError, ValueError):  # The disk is full, or the checked module closed stderr.
            silence(sys.stderr)
    return REFUSED


def show(text: str) -> None:
    """Print, in plain ASCII where the terminal cannot do better."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        text = plain(text)
    print(text)


def as_json(record: object) -> str:
    """Return plain data as JSON, in which every number is finite."""
    return json.dumps(record, allow_nan=False, indent=2)


def as_text(story: Story, language: Language) -> str:
    """Return the sections under numbered titles, which are bold where the terminal can."""
    bold, regular = ("\x1b[1m", "\x1b[0m") if has_colour() else ("", "")
    lines: list[str] = []
    for i, (title, section) in enumerate(sections(story, language), start=1):
        lines += [f"{bold}{i}. {title}{regular}", *(f"   {line}".rstrip() for line in section), ""]
    return "\n".join(lines)


def has_colour() -> bool:
    """Whether titles are bold: on a terminal, unless NO_COLOR is set (no-color.org)."""
    plain_terminal = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain_terminal
