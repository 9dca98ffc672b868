"""`micrograd-es`: tells and does the article's descent. The only print, the only exit."""

from __future__ import annotations

import errno
import json
import math
import os
import random
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout, suppress
from dataclasses import asdict, replace
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from runpy import run_path
from types import SimpleNamespace
from typing import Any, TextIO

from micrograd_es.check.gradients import GradientCheck, check_gradient
from micrograd_es.cli.expression import read
from micrograd_es.cli.options import command_of, parsed, parser, wished_language
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
from micrograd_es.texts import Language, excerpt, message_of
from micrograd_es.value import Value, topological_order

OK, NOT_REACHED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; return 0 if the target was reached, 1 if not, 2 for a bad argument or
    where nothing can be written, 130 if it was interrupted. None of these shows a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ŷ shows ?, and nothing breaks
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        if sys.stdout is None:  # `micrograd-es >&-`
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        code = run(argv)
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # `micrograd-es | head`
        code = OK
    except OSError as problem:  # a full disk
        tongue = Language(wished_language(argv))
        code = refuse(tongue.say("error_output", problem=problem.strerror), tongue)
    silence(sys.stdout)
    return code


def silence(stream: TextIO | None) -> None:
    """Lead a stream nowhere, so that Python does not try at its end to write what is left in it."""
    if stream is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def run(argv: list[str]) -> int:
    tongue = Language(wished_language(argv))
    command, rest = command_of(argv)
    try:
        options = parsed(command, rest, tongue)
    except ValueError as problem:
        return refuse(str(problem), tongue)
    if options.help:
        show(parser(command, tongue).format_help())
        return OK
    if options.version:
        try:
            show(f"micrograd-es {version('micrograd-es')}")
        except PackageNotFoundError:
            show(tongue.say("version_unknown"))
        return OK
    commands = {"": story, "explain": explanations, "plot": plot, "page": page, "check": check}
    return commands[command](options, tongue)


def story(options: Namespace, tongue: Language) -> int:
    found = story_of(options)
    show(as_json(found) if options.json else as_text(found, tongue))
    return OK if found.descent.verdict == "reached" else NOT_REACHED


def explanations(options: Namespace, tongue: Language) -> int:
    show(explained(lesson_of(options), tongue, options.json))
    return OK


def plot(options: Namespace, tongue: Language) -> int:
    """Write a picture, or draw it with characters: without matplotlib, or if no file is named."""
    name, found = options.picture, story_of(options)
    if options.output is None:
        show(drawing(name, found, tongue))
        return OK
    try:
        from micrograd_es.draw import plots
        from micrograd_es.lesson import pictures

        path = plots.save(pictures.picture(name, found, tongue.code), options.output)
    except MissingExtra:
        show(drawing(name, found, tongue))
        return refuse(tongue.say("plot_missing"), tongue)
    except OSError as problem:
        return refuse(unwritten(options, problem, tongue), tongue)
    return tell_file("written_picture", path, tongue)


def page(options: Namespace, tongue: Language) -> int:
    """Write the lesson as a page, or the page of an expression of the learner's own."""
    try:
        path = write(options.output, paged(options, tongue).encode())
    except OSError as problem:
        return refuse(unwritten(options, problem, tongue), tongue)
    except MicrogradError as problem:
        return refuse(tongue.say("expression_undefined", problem=problem), tongue)
    except ValueError as problem:
        return refuse(str(problem), tongue)
    return tell_file("written_page", path, tongue)


def unwritten(options: Namespace, problem: OSError, tongue: Language) -> str:
    path = excerpt(options.output)
    return tongue.say("error_file", path=path, problem=problem.strerror)


def tell_file(key: str, path: Path, tongue: Language) -> int:
    """Say what was written, and the address by which a browser opens it."""
    show(tongue.say(key, path=excerpt(str(path), 300), address=path.absolute().as_uri()))
    return OK


def paged(options: Namespace, tongue: Language) -> Page:
    if options.expression is None:
        return lesson_page(lesson_of(options), tongue.code)
    output = read(options.expression, options.at, tongue)
    if (count := len(topological_order(output))) > LIMIT:
        raise ValueError(tongue.say("expression_large", count=count, most=LIMIT))
    return draw_page(output, tongue.code, options.expression)


def check(options: Namespace, tongue: Language) -> int:
    """Check the gradient of a function of the user's own; 0 if it passes, 1 if not."""
    with redirect_stdout(sys.stderr):  # what the user's own module prints
        try:
            function = loaded(options.function)
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # whatever a module does at its import: SystemExit, too
            text, reason = excerpt(options.function), message_of(problem)
            told = tongue.say("check_not_found", text=text, problem=reason)
            return refuse(told + suggestion(problem, tongue), tongue)
        try:
            if problem_told := mismatched(function, options, tongue):
                return refuse(problem_told, tongue)
            found = check_gradient(function, options.at, options.gradient or None)
        except KeyboardInterrupt:
            raise
        except BaseException as problem:
            return refuse(raised(options, problem, tongue), tongue)
    if options.json:
        show(json.dumps(as_record(found), allow_nan=False, indent=2))
    else:
        show(found.table(tongue))
    return OK if found.verdict == "pass" else NOT_REACHED


def loaded(text: str) -> Callable[..., Any]:
    """Return the function of "module:function", or of "file.py:function"."""
    module, _, name = text.rpartition(":")
    sys.path.insert(0, os.getcwd())
    script = module.endswith(".py")
    made: Any = SimpleNamespace(**run_path(module)) if script else import_module(module)
    for part in name.split("."):
        made = getattr(made, part)
    function: Callable[..., Any] = made
    return function


def suggestion(problem: BaseException, tongue: Language) -> str:
    """Return the question whether the nearest name was meant: of an attribute, a module or a file
    beside the one that was not found.
    """
    if isinstance(problem, AttributeError) and problem.name is not None:
        return tongue.suggestion(problem.name, dir(problem.obj))
    with suppress(OSError):  # the folder where we are is gone
        if isinstance(problem, ModuleNotFoundError) and problem.name is not None:
            package, _, name = problem.name.rpartition(".")
            if package:
                folders = getattr(sys.modules.get(package), "__path__", [])
                return tongue.suggestion(name, modules_in(folders))
            known = [*modules_in(sys.path), *sys.stdlib_module_names]
            return tongue.suggestion(name, modules_in([os.getcwd()])) or tongue.suggestion(
                name, known
            )
        if isinstance(problem, FileNotFoundError) and isinstance(problem.filename, str):
            missing = Path(problem.filename)
            beside = missing.parent.glob(f"*{missing.suffix}")
            return tongue.suggestion(missing.name, (path.name for path in beside))
    return ""


def modules_in(folders: Iterable[str]) -> list[str]:
    return [found.name for found in iter_modules(folders)]


def mismatched(function: Any, options: Namespace, tongue: Language) -> str | None:
    """Return why the function cannot be checked so, in a sentence; None if it can."""
    name, size = excerpt(options.function.rpartition(":")[2]), len(options.at)
    if not callable(function):
        return tongue.say("check_not_callable", name=name, kind=type(function).__name__)
    with suppress(ValueError):  # some built-in functions do not tell
        try:
            signature(function).bind(*options.at)
        except TypeError:
            return tongue.say("check_inputs", name=name, count=size)
    if options.gradient and len(options.gradient) != size:
        return tongue.say("check_slopes", count=len(options.gradient), inputs=size)
    if not options.gradient and type(function(*map(Value, options.at))) is not Value:
        return tongue.say("check_no_values", name=name)
    return None


def raised(options: Namespace, problem: BaseException, tongue: Language) -> str:
    """Return what the user's function raised, and its line."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    place = frame.filename
    with suppress(OSError, ValueError):  # the folder where we are is gone, or on another disk
        place = os.path.relpath(place)
    return tongue.say(
        "check_raised",
        name=excerpt(options.function.rpartition(":")[2]),
        point=f"({excerpt(', '.join(map(repr, options.at)))})",
        kind=type(problem).__name__,
        problem=message_of(problem),
        line=f"{place}:{frame.lineno}",
    )


def as_record(found: GradientCheck) -> dict[str, Any]:
    """Return a check as plain data; what is not finite is null."""

    def plain(thing: Any) -> Any:
        if isinstance(thing, tuple):
            return [*map(plain, thing)]
        return None if isinstance(thing, float) and not math.isfinite(thing) else thing

    inputs = [
        {**{key: plain(value) for key, value in asdict(one).items()}, "reason": one.reason}
        for one in found.inputs
    ]
    return {"verdict": found.verdict, "inputs": inputs}


def refuse(problem: str, tongue: Language) -> int:
    """Say on stderr what was wrong, if it can be said there; return the exit code for it."""
    if sys.stderr is not None:
        try:
            print(f"micrograd-es: {problem}\n{tongue.say('see_help')}", file=sys.stderr, flush=True)
        except (OSError, ValueError):  # full; or closed, by a module that was checked
            silence(sys.stderr)
    return REFUSED


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


def story_of(options: Namespace) -> Story:
    return tell(lesson_of(options), options.lr, options.steps)


def lesson_of(options: Namespace) -> Lesson:
    """Return the lesson with what the options change; a seed draws both weights from U(-1, 1)."""
    lesson = Lesson(loss=getattr(options, "loss", None) or "absolute")
    if options.seed is not None:
        rng = random.Random(options.seed)
        lesson = replace(lesson, w1=rng.uniform(-1, 1), w2=rng.uniform(-1, 1))
    given = {key: getattr(options, key) for key in ("x", "target", "w1", "w2")}
    return replace(lesson, **{key: number for key, number in given.items() if number is not None})
