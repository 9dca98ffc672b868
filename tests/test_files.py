"""A file is written whole or not at all, as its owner had it, and nothing is left beside it."""

import os
import signal
import stat
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from micrograd_es import files
from micrograd_es.files import write


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("step", ["replace", "fsync"])
@pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_goes_wrong_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, problem):
    path = tmp_path / "kept.txt"
    assert write(path, b"first") == path

    def fail(*_):
        raise problem

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(type(problem)) as told:
        write(path, b"second")
    if isinstance(problem, OSError):
        assert (told.value.filename, told.value.strerror) == (str(path), "No space left on device")
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["kept.txt"]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o755])
def test_the_mode_of_a_file_is_kept_and_a_new_one_gets_the_usual_one(tmp_path, mode):
    old, new, plain = (tmp_path / name for name in ("old", "new", "plain"))
    old.touch()
    old.chmod(mode)
    plain.touch()
    for path in (old, new):
        write(path, b"data")
    assert stat.S_IMODE(old.stat().st_mode) == mode
    assert new.stat().st_mode == plain.stat().st_mode


def test_a_file_that_may_not_be_written_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "kept"
    path.write_bytes(b"kept")
    monkeypatch.setattr(os, "access", lambda *_: False)  # who runs the tests may be allowed to
    with pytest.raises(PermissionError, match=r"Permission denied.*kept"):
        write(path, b"data")
    assert path.read_bytes() == b"kept"
    assert names(tmp_path) == ["kept"]
    write(tmp_path / "new", b"data")


def test_a_link_laid_in_the_place_of_the_temporary_file_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"kept")
    (tmp_path / ".file.part").symlink_to(other)
    with pytest.raises(OSError, match=r"file"):
        write(tmp_path / "file", b"data")
    assert other.read_bytes() == b"kept"
    assert not (tmp_path / "file").exists()


def test_a_link_is_written_through_even_one_that_dangles(tmp_path):
    (tmp_path / "far").mkdir()
    for target in ("file", "far/file", "far/none-yet"):
        link, real = tmp_path / "link", tmp_path / target
        link.symlink_to(target)
        write(link, target.encode())
        assert link.is_symlink()
        assert real.read_bytes() == target.encode()
        link.unlink()
    chain = [tmp_path / name for name in ("a", "b", "c")]
    for one, other in pairwise(chain):
        one.symlink_to(other)
    write(chain[0], b"end of the chain")
    assert [path.is_symlink() for path in chain] == [True, True, False]


def test_a_loop_of_links_a_folder_and_no_folder_are_errors_that_name_the_path(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    for name in ("loop", "folder", "none/file"):
        with pytest.raises(OSError, match=name) as told:
            write(tmp_path / name, b"")
        assert told.value.filename == str(tmp_path / name)
    assert names(tmp_path) == ["folder", "loop"]


def test_a_pipe_gets_the_data_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write(pipe, b"through")
    reader.join()
    assert got == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


def test_a_full_device_is_an_error(tmp_path):
    with pytest.raises(OSError, match=r"No space left on device.*'/dev/full'"):
        write("/dev/full", b"data")


@pytest.mark.parametrize("name", ["page.html", "ñ" * 127, "x" * 255, ".hidden"])
def test_what_a_killed_process_leaves_is_taken_over_by_the_next(tmp_path, name):
    code = (
        "import os, signal, sys; from micrograd_es.files import write\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "write(sys.argv[1], b'half')"
    )
    path = tmp_path / name
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = names(tmp_path)
    assert left != name
    write(path, b"whole")
    assert (path.read_bytes(), names(tmp_path)) == (b"whole", [name])


def test_a_reader_never_finds_a_part_while_threads_write(tmp_path):
    path = tmp_path / "shared"
    write(path, b"")

    def write_often(letter):
        for _ in range(10):
            write(path, letter * 50_000)

    writers = [threading.Thread(target=write_often, args=(letter,)) for letter in (b"a", b"b")]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert path.read_bytes() in (b"", b"a" * 50_000, b"b" * 50_000)
    assert names(tmp_path) == ["shared"]


def test_it_writes_without_locks_too(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)
    assert write(tmp_path / "file", b"data").read_bytes() == b"data"
    assert names(tmp_path) == ["file"]


def test_a_relative_path_is_given_back_as_it_was(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert write("file", b"data") == Path("file")
