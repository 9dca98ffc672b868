"""A program of a line, which several files test."""

import pytest

from micrograd_es import Value
from tests.support.every_backend import compile


@pytest.fixture
def line():
    w, b = Value(2.0, name="w"), Value(1.0, name="b")
    return compile(lambda x, y: (w * x + b - y) ** 2, [w, b])
