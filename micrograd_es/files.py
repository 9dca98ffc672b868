"""Files: written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write data to path at once: a reader finds the old file or the new one, never a part.

    What goes wrong leaves the old file as it was, and raises the OSError that names the path.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as problem:
        raise type(problem)(problem.errno, problem.strerror, str(target)) from None
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(name, 0o666 & ~umask)  # as open() would have made it; mkstemp says 0o600
        os.replace(name, target)
    except OSError as problem:
        with suppress(OSError):
            os.unlink(name)
        raise type(problem)(problem.errno, problem.strerror, str(target)) from None
    return target
