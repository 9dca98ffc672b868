"""Files: written whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows has no such locks: there, one program writes a file at a time
    fcntl = None  # type: ignore[assignment]  # the module, or None


def write(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write data to path at once: a reader finds the old file or the new one, never a part.

    As open() would do it, the mode of a file is kept, one that may not be written is refused, the
    file behind a link is written, and a pipe or a device gets the data itself. What goes wrong
    leaves the old file as it was, and raises the OSError that names the path. A killed process
    leaves a file `.NAME.part` beside the target, which the next one takes over.
    """
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            Path(path).write_bytes(data)  # a pipe, a device; a folder refuses
        else:
            target = Path(os.path.realpath(path))
            if target.is_symlink():
                target.stat()  # a loop of links: it refuses
            replace(target, data)
    except OSError as problem:
        raise type(problem)(problem.errno, problem.strerror, os.fspath(path)) from None
    return Path(path)


def replace(target: Path, data: bytes) -> None:
    """Put a file with this data in the place of the target, and both on the disk."""
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    part = target.with_name(f".{target.name[:50]}.part")
    with locked(part) as file:
        try:
            if target.exists():
                shutil.copymode(target, part)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            if fcntl is None:
                file.close()  # Windows moves no open file
            os.replace(part, target)
        except BaseException:  # an interrupt, too
            with suppress(OSError):
                part.unlink()
            raise
    with suppress(OSError):  # some file systems, and Windows, have no handle for a folder
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name of the file
        finally:
            os.close(folder)


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Open a file, emptied, that no other process or thread holds so; a link is refused."""
    while True:
        with open(path, "ab", opener=no_link) as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            if is_at(path, file):
                file.truncate(0)
                yield file
                return


def no_link(path: str, flags: int) -> int:
    """Open a file, but not one to which somebody laid a link: its name can be guessed."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def is_at(path: Path, file: BinaryIO) -> bool:
    """Whether the open file still has this name: while we waited, its holder may have moved it."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(file.fileno()))
    return False
