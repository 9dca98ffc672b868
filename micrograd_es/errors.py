"""What can go wrong, each with its way out. Wrong types raise Python's own TypeError, too large ones OverflowError."""


class MicrogradError(Exception):
    """Every error of this package that is not one of Python's own."""


class DomainError(MicrogradError, ValueError):
    """A primitive was asked for a value, or for a partial that is really used, where it has none."""


class GraphError(MicrogradError, RuntimeError):
    """The graph is no longer the one that the forward pass made: it has a cycle, or data was changed since."""


class NonFiniteError(MicrogradError, ArithmeticError):
    """A gradient is infinite or NaN, so that a step along it would destroy the parameters."""
