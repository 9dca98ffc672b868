"""What can go wrong, each with its way out.

Wrong types raise Python's own TypeError, too large ones OverflowError.
"""


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
