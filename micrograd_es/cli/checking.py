"""The gradient of a function of the user's own, who names it on the command line.

check(options)     loads the function and checks its gradient; Refusal says why it cannot
as_record(check)   the outcome as plain data
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from runpy import run_path
from types import SimpleNamespace
from typing import Any

from micrograd_es.check.gradients import GradientCheck, check_gradient
from micrograd_es.cli.refusal import Refusal
from micrograd_es.errors import nearest
from micrograd_es.texts import excerpt, message_of
from micrograd_es.value import Value


def check(options: Namespace) -> GradientCheck:
    """Return the check of the function that the options name.

    Whatever the user's own code raises becomes a Refusal, SystemExit too; only Ctrl-C does not.
    """
    try:
        function = load(options.function)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        parts = {"text": excerpt(options.function), "problem": message_of(problem)}
        raise Refusal("check_not_found", nearest_to_missing(problem), **parts) from None
    try:
        refuse_misfit(function, options)
        return check_gradient(function, options.at, options.gradient or None)
    except (KeyboardInterrupt, Refusal):
        raise
    except BaseException as problem:
        raise blame(options, problem) from None


def load(text: str) -> Any:
    """Return the function of "module:function", or of "file.py:function"."""
    module, _, name = text.rpartition(":")
    sys.path.insert(0, str(Path.cwd()))
    script = module.endswith(".py")
    found: Any = SimpleNamespace(**run_path(module)) if script else import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def nearest_to_missing(problem: BaseException) -> str | None:
    """Return the name nearest to the attribute, module or file that was not found, if any."""
    with suppress(OSError):  # The current folder may have been removed.
        match problem:
            case AttributeError(name=str(name)):
                return nearest(name, dir(problem.obj))
            case ModuleNotFoundError(name=str(name)):
                return nearest_module(name)
            case FileNotFoundError(filename=str(filename)):
                missing = Path(filename)
                beside = missing.parent.glob(f"*{missing.suffix}")
                return nearest(missing.name, (path.name for path in beside))
    return None


def nearest_module(dotted: str) -> str | None:
    """Return the name nearest to a module's: in its package, or here before anywhere else."""
    package, _, name = dotted.rpartition(".")
    here = getattr(sys.modules.get(package), "__path__", []) if package else [str(Path.cwd())]
    known = [] if package else [*sys.stdlib_module_names, *list_modules(sys.path)]
    return nearest(name, list_modules(here)) or nearest(name, known)


def list_modules(folders: Iterable[str]) -> list[str]:
    """Return the names of the modules and packages in some folders."""
    return [module.name for module in iter_modules(folders)]


def refuse_misfit(function: Any, options: Namespace) -> None:
    """Raise a Refusal if the function cannot be checked with these numbers."""
    name, size = function_name(options), len(options.at)
    if not callable(function):
        raise Refusal("check_not_callable", name=name, kind=type(function).__name__)
    try:
        signature(function).bind(*options.at)
    except TypeError:
        raise Refusal("check_inputs", name=name, count=size) from None
    except ValueError:
        pass  # Some built-in functions have no signature.
    if options.gradient and len(options.gradient) != size:
        raise Refusal("check_slopes", count=len(options.gradient), inputs=size)
    if not options.gradient and type(function(*map(Value, options.at))) is not Value:
        raise Refusal("check_no_values", name=name)


def function_name(options: Namespace) -> str:
    """Return the function's name without its module, short enough for a sentence."""
    return excerpt(options.function.rpartition(":")[2])


def blame(options: Namespace, problem: BaseException) -> Refusal:
    """Return the refusal that says what the user's function raised, and on which line."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    place = frame.filename
    with suppress(OSError, ValueError):  # The current folder is gone, or on another disk.
        place = os.path.relpath(place)
    point = f"({excerpt(', '.join(map(repr, options.at)))})"
    said = {"kind": type(problem).__name__, "problem": message_of(problem)}
    line = f"{place}:{frame.lineno}"
    return Refusal("check_raised", name=function_name(options), point=point, line=line, **said)


def as_record(outcome: GradientCheck) -> Any:
    """Return a check as plain data; a number that is not finite is None."""
    inputs = [{**asdict(one), "reason": one.reason} for one in outcome.inputs]
    text = json.dumps({"verdict": outcome.verdict, "inputs": inputs})
    return json.loads(text, parse_constant=lambda _: None)
