"""Python's cyclic collector, paused: it would walk a growing graph again and again."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# The collector is one for the process, and so is what is known of it.
inside, enabled = 0, True  # how many blocks are open, in all threads; whether it ran before them
one_at_a_time = threading.Lock()


@contextmanager
def paused() -> Iterator[None]:
    """Have no collection inside the block; for what makes many objects that stay, and no cycles."""
    global inside, enabled
    with one_at_a_time:
        if not inside:
            enabled = gc.isenabled()
            gc.disable()
        inside += 1
    try:
        yield
    finally:
        with one_at_a_time:
            inside -= 1
            if not inside and enabled:
                gc.enable()
