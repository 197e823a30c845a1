"""Writing with the interpreter's lock held: the same bytes and the same errors as `os.write`, and not on a slow disk."""

from __future__ import annotations

import ctypes  # noqa: F401  (a process that has loaded it writes directly)
import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from agentlog.pen import SLOW, Pen

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere it is os.write")


def test_bytes_arrive_whole_also_those_that_end_a_text_in_c(tmp_path: Path) -> None:
    """Length counts, not the first zero byte."""
    with open(tmp_path / "file", "wb", buffering=0) as file:
        pen = Pen()
        assert pen._direct is not None
        assert pen.write(file.fileno(), b"one\0two\n") == 8
        assert pen.write(file.fileno(), b"") == 0
    assert (tmp_path / "file").read_bytes() == b"one\0two\n"


def test_errors_are_those_of_os_write(tmp_path: Path) -> None:
    """A closed descriptor, a full disk."""
    with pytest.raises(OSError, match="Bad file") as raised:
        Pen().write(9999, b"x")
    assert raised.value.errno == errno.EBADF
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
            Pen().write(full.fileno(), b"x")


def test_a_slow_disk_gets_the_lock_handed_over(tmp_path: Path) -> None:
    """Other threads wait for it once, never again."""
    with open(tmp_path / "file", "wb", buffering=0) as file:
        pen = Pen()
        quick = pen._direct
        assert quick is not None

        def slow(descriptor: int, line: bytes, length: int) -> int:
            time.sleep(SLOW * 2)
            return quick(descriptor, line, length)

        pen._direct = slow
        assert pen.write(file.fileno(), b"1") == 1
        assert pen._direct is None
        assert pen.write(file.fileno(), b"2") == 1
    assert (tmp_path / "file").read_bytes() == b"12"


def test_a_process_without_ctypes_does_not_load_it() -> None:
    """Its import would cost more than it saves."""
    code = "import sys; from agentlog.pen import Pen; pen = Pen(); print('ctypes' in sys.modules, pen._direct)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"], capture_output=True, text=True
    )
    assert done.stdout == "False None\n"


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    """Many threads on one descriptor that appends."""
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    pen = Pen()

    def work(letter: str) -> None:
        for _ in range(500):
            pen.write(descriptor, (letter * 200 + "\n").encode())

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.close(descriptor)
    lines = (tmp_path / "file").read_text().splitlines()
    assert len(lines) == 2000
    assert all(line == line[0] * 200 for line in lines)
