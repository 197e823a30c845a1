# ruff: noqa: F811
"""A store that others wrote, that is damaged, full, locked away, shared or out of time: the cells go on, and it is said."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kernel_host import PATIENCE, TestKernel
from shell_host import bare, of_kind, run, shell  # noqa: F401

import agentlog
from agentlog.journal import Journal
from agentlog.settings import Limits
from agentlog.store import Store


def _context(shell: Any) -> str:
    return str(shell.run_line_magic("agentlog", "context"))


def _status(shell: Any) -> str:
    return str(shell.run_line_magic("agentlog", "status"))


def _waited(condition: Any) -> Any:
    """What `condition` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


# --- others wrote in it -----------------------------------------------------------------------------------------------


def _future(folder: Path) -> str:
    """A segment of a newer agentlog, with kinds and fields that this one does not know; its name."""
    journal = Journal(folder, Limits())
    path = journal.open()
    journal.append({"e": "cell.start", "i": "01zzzzzzzzzzzzzzzzzz", "s": "01future", "source": {"new": "form"}, "t": 5})
    journal.append({"e": "dream", "i": "01zzzzzzzzzzzzzzzzz2", "s": "01future", "m": ["?"]})
    journal.close()
    path.write_text(path.read_text().replace('"schema":1', '"schema":99'))
    return path.stem


def test_a_newer_journal_beside_ours(shell: Any, store_folder: Path) -> None:
    """Cells are recorded and explained; the status names the newer segment and says what to do."""
    name = _future(store_folder)
    assert run(shell, "prices = {'apple': 3}").success
    assert isinstance(run(shell, "prices['pear']").error_in_exec, KeyError)
    assert "KeyError" in _context(shell)
    assert "apple" in _context(shell)
    status = _status(shell)
    assert name in status
    assert "upgrade" in status


DAMAGES = {
    "noise": lambda path: path.write_bytes(os.urandom(50_000)),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_index_under_a_running_shell(damage: str, shell: Any, store_folder: Path) -> None:
    """The next cell and its context are as ever: the index is made anew, and no fault is left in the status."""
    run(shell, "prices = {'apple': 3}")
    run(shell, "prices['pear']")
    assert "apple" in _context(shell)
    DAMAGES[damage](store_folder / "index.sqlite")
    assert isinstance(run(shell, "prices['plum']").error_in_exec, KeyError)
    assert "plum" in _context(shell)
    assert "faults     none" in _status(shell)


# --- no room, no right ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for 400 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(place)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_disk_that_fills_up_under_a_kernel(small_disk: Path, tmp_path: Path) -> None:
    """While there is no room cells run and show what they would; the status says so; with room again the rest follows."""
    kernel = TestKernel(tmp_path / "kernel", "--ext=agentlog", AGENTLOG_DIR=str(small_disk / "store"))
    try:
        assert kernel.run("before = 1").status == "ok"
        filler = small_disk / "filler"
        filler.write_bytes(b"")
        with open(filler, "ab", buffering=0) as file:
            try:
                while file.write(bytes(4096)) == 4096:
                    pass
            except OSError:
                pass
        for number in range(30):
            seen = kernel.run(f"print('during', {number}, '{'x' * 300}')")
            assert (seen.status, seen.streams["stdout"].split()[:2]) == ("ok", ["during", str(number)])
        assert kernel.run("1/0").status == "error"
        ((_, status),) = kernel.run("%agentlog status").messages
        assert "records wait in memory" in status["data"]["text/plain"]
        filler.unlink()
        assert kernel.run("after = 2").status == "ok"
    finally:
        kernel.close()
    store = Store.open(small_disk / "store")
    sources = [cell.source[:14] for cell in store.executions()]
    statuses = [cell.status for cell in store.executions()]
    store.close()
    assert sources == ["before = 1", *["print('during'"] * 30, "1/0", "after = 2"]
    assert statuses == ["ok"] * 31 + ["error", "ok"]


@pytest.mark.usefixtures("expect_faults")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody without rights")
def test_a_folder_that_becomes_read_only(bare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The open segment goes on; what would need a new file (a blob) is missed, and said; cells and context go on."""
    with tempfile.TemporaryDirectory() as place:  # not below a folder that only root may enter
        folder = Path(place) / "store"
        monkeypatch.setenv("AGENTLOG_DIR", str(folder))
        agentlog.load_ipython_extension(bare)
        run(bare, "prices = {'apple': 3}")
        for path in (Path(place), folder, *folder.rglob("*")):
            os.chmod(path, 0o555 if path.is_dir() else 0o444)
        os.seteuid(65534)
        try:
            assert run(bare, "print('x' * 100_000)").success
            assert isinstance(run(bare, "prices['plum']").error_in_exec, KeyError)
            assert "plum" in _context(bare)
            assert "Permission denied" in _status(bare)
        finally:
            os.seteuid(0)
        agentlog.unload_ipython_extension(bare)
        assert [start["source"] for start in of_kind(folder, "cell.start")][-1] == "prices['plum']"


NO_LOCKS = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
int flock(int fd, int what) { errno = ENOLCK; return -1; }
static int answer(const char *name, int fd, int command, void *argument) {
    if (command == F_SETLK || command == F_SETLKW || command == F_GETLK || command == F_OFD_SETLK) { errno = ENOLCK; return -1; }
    return ((int (*)(int, int, ...))dlsym(RTLD_NEXT, name))(fd, command, argument);
}
int fcntl(int fd, int command, ...) { va_list l; va_start(l, command); void *a = va_arg(l, void *); va_end(l); return answer("fcntl", fd, command, a); }
int fcntl64(int fd, int command, ...) { va_list l; va_start(l, command); void *a = va_arg(l, void *); va_end(l); return answer("fcntl64", fd, command, a); }
"""


@pytest.fixture
def without_locks(tmp_path: Path) -> dict[str, str]:
    """The environment of processes for which no file can be locked, as on some network disks."""
    compiler = shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs Linux and a C compiler")
    (tmp_path / "nolocks.c").write_text(NO_LOCKS)
    library = tmp_path / "nolocks.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(library), str(tmp_path / "nolocks.c"), "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def test_a_disk_without_locks(without_locks: dict[str, str], tmp_path: Path) -> None:
    """Writers need none; readers, several at once, keep their index where they can, in memory if need be, and tell the same."""
    kernel = TestKernel(tmp_path / "k", "--ext=agentlog", **without_locks)
    try:
        kernel.run("prices = {'apple': 3}")
        assert kernel.run("prices['pear']").status == "error"
        ((_, shown),) = kernel.run("%agentlog context").messages
        assert "apple" in shown["data"]["text/plain"]
        store = kernel.store
    finally:
        kernel.close()
    environment = {**os.environ, **without_locks, "AGENTLOG_DIR": str(store), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "agentlog", "history", "--json"]
    readers = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
    answers = [(*reader.communicate(timeout=PATIENCE), reader.returncode) for reader in readers]
    assert {code for _, _, code in answers} == {0}, answers
    assert len({out for out, _, _ in answers}) == 1
    assert "prices['pear']" in answers[0][0].decode()


# --- deaths and shortages ---------------------------------------------------------------------------------------------


def test_a_kernel_that_runs_out_of_memory_goes_on_recording(tmp_path: Path) -> None:
    """Under RLIMIT_AS the user's MemoryError is shown and explained, cells before and after it are recorded, nothing of ours fails."""
    kernel = TestKernel(tmp_path, "--ext=agentlog")
    try:
        kernel.run("import resource\nsize = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()")
        kernel.run("resource.setrlimit(resource.RLIMIT_AS, (size + 100_000_000, resource.getrlimit(resource.RLIMIT_AS)[1]))")
        seen = kernel.run("rows = 10 ** 9\nbig = bytearray(rows)")
        assert (seen.status, seen.reply["ename"]) == ("error", "MemoryError")
        assert kernel.run("hoard = []\nwhile True: hoard.append(bytearray(1_000_000))").reply["ename"] == "MemoryError"
        assert kernel.run("hoard.clear(); 'goes on'").status == "ok"
        ((_, shown),) = kernel.run("%agentlog context").messages
        assert "MemoryError" in shown["data"]["text/plain"]
    finally:
        kernel.close()
    errors = [error["failure"]["type"] for error in of_kind(kernel.store, "error")]
    assert errors == ["MemoryError", "MemoryError"]
    statuses = [end.get("status", "ok") for end in of_kind(kernel.store, "cell.end")]
    assert statuses[:5] == ["ok", "ok", "error", "error", "ok"]


def test_a_kernel_that_the_system_kills_is_explained_by_the_next(tmp_path: Path) -> None:
    """After a SIGKILL, as the out-of-memory killer sends it: a new kernel in the same folder tells in which cell, what it
    printed last, and that no stack can exist."""
    first = TestKernel(tmp_path, "--ext=agentlog")
    try:
        first.run("rows = 3")
        first.send("import os, time\nprint('filling memory', flush=True)\ntime.sleep(600)")
        _waited(lambda: [piece for piece in of_kind(first.store, "stream") if "filling" in piece["text"]])
        os.kill(first.manager.provisioner.pid, signal.SIGKILL)
        first.wait_dead()
    finally:
        first.close()
    store = Store.open(first.store)
    dead = store.last_failure()
    assert dead is not None
    death = store.death(dead)
    store.close()
    assert (dead.status, dead.source.split("\n")[0]) == ("died", "import os, time")
    assert death is not None
    assert death.output == ("filling memory",)
    assert "no Python stack" in (death.no_stack or "")
    second = TestKernel(tmp_path, "--ext=agentlog")
    try:
        second.run("1")
        session = dead.session
        ((_, shown),) = second.run(f"%agentlog context --session {session}").messages
        assert "died" in shown["data"]["text/plain"]
        assert "filling memory" in shown["data"]["text/plain"]
    finally:
        second.close()


def test_two_kernels_in_one_folder(tmp_path: Path) -> None:
    """Each is explained by its own cells; nothing of one is in the other's context."""
    kernels = [TestKernel(tmp_path, "--ext=agentlog") for _ in range(2)]
    try:
        for name, kernel in zip(("apple", "pear"), kernels, strict=True):
            kernel.run(f"fruit = {{'{name}': 1}}")
        for kernel in kernels:
            kernel.send("fruit['plum']")
        for name, other, kernel in zip(("apple", "pear"), ("pear", "apple"), kernels, strict=True):
            ((_, shown),) = kernel.run("%agentlog context").messages
            assert name in shown["data"]["text/plain"]
            assert other not in shown["data"]["text/plain"]
    finally:
        for kernel in kernels:
            kernel.close()
    store = Store.open(kernels[0].store)
    told = {session.id: [cell.source for cell in store.executions(session.id)] for session in store.sessions()}
    store.close()
    assert sorted(told.values()) == [[f"fruit = {{'{name}': 1}}", "fruit['plum']"] for name in ("apple", "pear")]


def test_a_clock_that_jumps_under_a_kernel(tmp_path: Path) -> None:
    """A day back, two days forth, back again: cells stay in the order in which they ran, and last as long as they did."""
    kernel = TestKernel(tmp_path, "--ext=agentlog")
    jump = "clock.time = lambda: real() + {0}\nclock.time_ns = lambda: real_ns() + {0} * 10 ** 9"
    cells = ["import time\nfrom agentlog.clock import clock\nreal, real_ns = clock.time, clock.time_ns"]
    for days in (-1, 2, 0):
        cells += [jump.format(days * 86_400), f"print({days}); time.sleep(0.01)"]
    try:
        for code in cells:
            assert kernel.run(code).status == "ok"
        assert kernel.run("undefined_name").status == "error"
        ((_, shown),) = kernel.run("%agentlog context").messages
        assert "NameError" in shown["data"]["text/plain"]
    finally:
        kernel.close()
    store = Store.open(kernel.store)
    executions = store.executions()
    printed = [event.text for event in store.events(kinds={"stream"})]  # type: ignore[attr-defined]
    last = store.last_failure()
    session = store.session()
    store.close()
    assert [one.source for one in executions] == [*cells, "undefined_name"]
    assert all(one.ms is not None and 0 <= one.ms < PATIENCE * 1000 for one in executions)
    assert all(one.ms is not None and one.ms >= 10 for one in executions[2::2][:3])
    assert "".join(printed) == "-1\n2\n0\n"
    assert last is not None
    assert (last.source, session.how) == ("undefined_name", "exit")
