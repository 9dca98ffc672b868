"""How much is tried: a little in README's command, all of it in the gate, by the same tests."""

import pytest
from hypothesis import settings

EVERYDAY, GATE = 5, 30  # examples that hypothesis draws for a test that does not say how many
THOROUGH = settings().max_examples >= GATE
slow = pytest.mark.slow


def examples(count):
    """Return the settings of a test that the gate tries with another number of examples."""
    return settings(max_examples=count if THOROUGH else max(1, count * EVERYDAY // GATE))


def some(cases, every=4):
    """Return the cases as parameters, of which README's command takes one in `every`."""
    params = (case if isinstance(case, tuple) else (case,) for case in cases)
    return [
        pytest.param(*param, marks=[slow] if i % every else []) for i, param in enumerate(params)
    ]
