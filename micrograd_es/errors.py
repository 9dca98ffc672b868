"""What can go wrong, each with its way out.

Wrong types raise Python's own TypeError, too large ones OverflowError.
"""

from collections.abc import Iterable


class MicrogradError(Exception):
    """Every error of this package that is not one of Python's own."""


class DomainError(MicrogradError, ValueError):
    """A primitive has no value there, or no partial where one is really used."""


class PrimitiveError(MicrogradError, TypeError):
    """A row does not say what a row must say: a partial for each argument, by a formula."""


class GradientMismatch(MicrogradError, AssertionError):  # noqa: N818  # the name says what it is
    """A gradient that somebody claims is not the one that was measured."""


class GraphError(MicrogradError, RuntimeError):
    """The graph is not the one of the forward pass: it has a cycle, or data was changed since."""


class TraceError(MicrogradError, TypeError):
    """A function that is compiled asks for a number, where there are only symbols yet."""


class TraceWarning(UserWarning):
    """A function that is compiled does what is right in value, and perhaps not in slope."""


class NonFiniteError(MicrogradError, ArithmeticError):
    """A gradient is infinite or NaN, so that a step along it would destroy the parameters."""


class MissingExtra(MicrogradError, ImportError):  # noqa: N818  # the name says what it is
    """Something that this needs is not installed; the message says what installs it."""


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that somebody who wrote this one probably meant; None if none is like it.

    >>> nearest("tahn", ["exp", "tan", "tanh"]), nearest("Exp", ["exp"]), nearest("x", ["exp"])
    ('tanh', 'exp', None)
    """
    from difflib import get_close_matches

    written = name[:100].lower()
    by_small = {known.lower(): known for known in names}
    close = get_close_matches(written, by_small)  # the best first, but letters swapped before it
    best = min(close, key=lambda small: sorted(small) != sorted(written), default=None)
    return None if best is None else by_small[best]


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """Return what an error adds after a mistyped name: the nearest one as a question, or nothing.

    >>> did_you_mean("tahn", ["exp", "tanh"])
    "; did you mean 'tanh'?"
    """
    meant = nearest(name, names) if isinstance(name, str) else None
    return "" if meant is None else f"; did you mean {meant!r}?"
