"""Python's cyclic collector, paused: it would walk a growing graph again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Have no collection inside the block; for what makes many objects that stay, and no cycles.

    Blocks may overlap in threads: the collector runs again when the one that stopped it ends.
    """
    enabled = gc.isenabled()
    try:
        if enabled:  # one that saw it stopped must not stop it after the other's end
            gc.disable()
        yield
    finally:
        if enabled:
            gc.enable()
