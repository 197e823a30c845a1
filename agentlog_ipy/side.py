"""The runner's other half: this text runs inside the kernel, also in one whose Python has no agentlog.

It is sent as source with the first silent request, lives in a module of its own, and puts no name into the user's
namespace. Standard library only, Python 3.8 and later. Every answer is JSON.

Three signals let the runner reach a kernel that answers no message: one writes all stacks (faulthandler, also while
C code holds the interpreter's lock), one writes the running frames with their locals, one stops the running cell with
an exception that `except KeyboardInterrupt` and `except Exception` do not hold back.
"""

from __future__ import annotations

import array
import asyncio
import faulthandler
import json
import linecache
import os
import signal
import socket
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

FRAMES = 12
NAMES = 24
TEXT = 200
PIPES_SECONDS = 0.3
QUEUED = 100_000
"""Messages that the kernel keeps for a runner that cannot read at the moment."""

try:
    import fcntl
    import termios
except ImportError:  # Windows
    pass

_state: dict[str, Any] = {"files": {}}


class StoppedAtDeadline(BaseException):
    """The runner's time for this cell was over, and the cell did not react to an interrupt."""


# --- at the start ---------------------------------------------------------------------------------------------


def begin(options: dict[str, Any]) -> str:
    """Prepare this kernel for its runner and say who it is."""
    shell = _state["shell"] = options.pop("shell", None) or _shell()
    for prepare in (_signals, _limits, _children, _pipes, _queue, _record):
        try:
            prepare(shell, options)
        except Exception as reason:
            _state.setdefault("faults", []).append(prepare.__name__ + ": " + str(reason))
    return json.dumps(_facts(shell))


def _shell() -> Any:
    from IPython import get_ipython

    return get_ipython()


def _signals(shell: Any, options: Mapping[str, Any]) -> None:
    if threading.current_thread() is not threading.main_thread() or not options.get("stack_file"):
        return
    numbers = options.get("signals") or {}
    stack = _open(options["stack_file"])
    if not faulthandler.is_enabled():
        faulthandler.enable(file=stack)
    if numbers:
        faulthandler.register(numbers["stack"], file=stack, all_threads=True, chain=False)
        _state["look_file"] = options["look_file"]
        signal.signal(numbers["look"], _on_look)
        signal.signal(numbers["stop"], _on_stop)


def _open(path: str) -> TextIO:
    file: TextIO | None = _state["files"].get(path)
    if file is None:
        file = _state["files"][path] = open(path, "a")  # noqa: SIM115  (faulthandler writes to it as long as the kernel lives)
    return file


def _limits(shell: Any, options: Mapping[str, Any]) -> None:
    shell.call_pdb = False
    if options.get("die_with_parent") and sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)
        if os.getppid() == 1 != options["die_with_parent"]:
            os._exit(1)  # the runner is gone already
    if options.get("memory"):
        import resource

        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (options["memory"], hard))


def _children(shell: Any, options: Mapping[str, Any]) -> None:
    """`!command` reads an empty input; it would wait forever at the pseudo-terminal it is given."""
    if not options.get("empty_stdin") or os.name != "posix":
        return
    system, getoutput = shell.system, shell.getoutput
    shell.system = lambda command: system("exec </dev/null\n" + command)
    shell.getoutput = lambda command, *args, **kwargs: getoutput("exec </dev/null\n" + command, *args, **kwargs)


def _pipes(shell: Any, options: Mapping[str, Any]) -> None:
    """What child processes print goes through a pipe that a thread of ipykernel's reads: a cell that ends before that
    thread has read it loses the end of it to the next cell. So each cell waits for the pipes to be empty."""
    if options.get("empty_stdin") and sys.platform == "linux":
        shell.events.register("post_execute", _until_pipes_are_read)


def _queue(shell: Any, options: Mapping[str, Any]) -> None:
    """On a busy machine a cell prints faster than the runner gets to read: zmq keeps a thousand messages and drops what
    comes then, the final `idle` too."""
    if options.get("empty_stdin"):
        import zmq

        thread = shell.kernel.iopub_thread
        thread.schedule(lambda: thread.socket.setsockopt(zmq.SNDHWM, QUEUED))  # type: ignore[attr-defined]


def _until_pipes_are_read() -> None:
    deadline = time.monotonic() + PIPES_SECONDS
    for stream in (sys.stdout, sys.stderr):
        pipe, reader = getattr(stream, "_fid", None), getattr(stream, "watch_fd_thread", None)
        while type(pipe) is int and reader is not None and not _is_read(pipe, reader) and time.monotonic() < deadline:
            time.sleep(0.0005)


def _is_read(pipe: int, reader: threading.Thread) -> bool:
    """Is the pipe empty, and does its reader wait in `read` for more (not for its turn to pass on what it read)?"""
    waiting = array.array("i", [0])
    try:
        fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        with open(f"/proc/self/task/{reader.native_id}/syscall") as file:
            call = file.read().split()
    except OSError:
        return True
    return waiting[0] == 0 and len(call) > 1 and call[1].startswith("0x") and int(call[1], 16) == pipe


def _record(shell: Any, options: Mapping[str, Any]) -> None:
    if not options.get("record"):
        return
    try:
        import agentlog  # noqa: F401
    except ImportError:
        _state["missing"] = True
        return
    if "agentlog" not in shell.extension_manager.loaded:
        shell.extension_manager.load_extension("agentlog")


def _facts(shell: Any) -> dict[str, Any]:
    facts = {"pid": os.getpid(), "host": socket.gethostname(), "python": sys.executable, "version": sys.version.split()[0]}
    facts["faults"] = _state.get("faults", [])
    facts["missing"] = _state.get("missing", False)
    facts["look"] = "look_file" in _state
    recorders = sys.modules.get("agentlog.recorder")
    recorder = recorders.current() if recorders is not None else None
    if recorder is not None:
        facts["session"] = recorder.session
        facts["store"] = str(recorder.folder)
        facts["segment"] = str(recorder.journal.path)
    return facts


# --- what runs now --------------------------------------------------------------------------------------------


def look() -> str:
    """The running frames of the current cell, innermost last, with their locals (from another thread)."""
    return json.dumps(_running(sys._current_frames().get(threading.main_thread().ident or 0)))


def _on_look(number: int, frame: types.FrameType | None) -> None:
    found = json.dumps(_running(frame))
    path = _state["look_file"]
    with open(path + ".part", "w") as file:
        file.write(found)
    os.replace(path + ".part", path)


def _on_stop(number: int, frame: types.FrameType | None) -> None:
    if any(level.f_globals is _namespace() for level in _levels(frame)):
        raise StoppedAtDeadline("stopped at the deadline")


def _namespace() -> dict[str, Any]:
    namespace: dict[str, Any] = _state["shell"].user_ns
    return namespace


def _levels(frame: types.FrameType | None) -> Iterator[types.FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _running(frame: types.FrameType | None) -> dict[str, Any]:
    frames = list(_levels(frame))
    frames.reverse()
    cell = next((at for at, level in enumerate(frames) if level.f_globals is _namespace()), None)
    awaiting = cell is None
    if awaiting:
        task = cell_task()
        frames = _task_frames(task) if task is not None else []
        cell = next((at for at, level in enumerate(frames) if level.f_globals is _namespace()), len(frames))
    return {"awaiting": awaiting, "frames": [_frame(level) for level in frames[cell:][-FRAMES:]]}


def _frame(frame: types.FrameType) -> dict[str, Any]:
    code = frame.f_code
    module = frame.f_globals is _namespace() and code.co_name in ("<module>", "<cell line: 1>")
    names = [name for name in code.co_names if name in frame.f_locals] if module else list(frame.f_locals)
    own = frame.f_globals is _namespace() or not _library(code.co_filename)
    return {
        "file": code.co_filename,
        "line": frame.f_lineno,
        "function": code.co_name,
        "cell": frame.f_globals is _namespace(),
        "source": linecache.getline(code.co_filename, frame.f_lineno).strip(),
        "locals": _described({name: frame.f_locals[name] for name in names[:NAMES] if name in frame.f_locals}) if own else {},
    }


def _library(file: str) -> bool:
    return "site-packages" in file or file.startswith((sys.prefix, sys.base_prefix, "<frozen"))


def cell_task() -> Any:
    """The task that runs the current cell, where the cell awaits something."""
    loop = getattr(getattr(_state["shell"].kernel, "io_loop", None), "asyncio_loop", None)
    if loop is None:
        return None
    waiting = [task for task in asyncio.all_tasks(loop) if not task.done()]
    cells = [task for task in waiting if any(f.f_globals is _namespace() for f in _task_frames(task))]
    named = [task for task in cells if getattr(task.get_coro(), "__name__", "") == "run_cell_async"]
    found = named or cells
    return found[0] if found else None


def _task_frames(task: Any) -> list[types.FrameType]:
    frames: list[types.FrameType] = []
    part = task.get_coro()
    while part is not None and len(frames) < 200:
        frame = getattr(part, "cr_frame", None) or getattr(part, "gi_frame", None) or getattr(part, "ag_frame", None)
        if isinstance(frame, types.FrameType):
            frames.append(frame)
        part = getattr(part, "cr_await", None) or getattr(part, "gi_yieldfrom", None) or getattr(part, "ag_await", None)
    return frames


def cancel() -> str:
    """Cancel the task of the current cell (called on a subshell's thread)."""
    task = cell_task()
    if task is None or getattr(task.get_coro(), "__name__", "") != "run_cell_async":
        return json.dumps(False)
    _state["shell"].kernel.io_loop.asyncio_loop.call_soon_threadsafe(task.cancel)
    return json.dumps(True)


# --- values ---------------------------------------------------------------------------------------------------


def variables() -> str:
    """Every name of the user's and what it holds."""
    shell = _state["shell"]
    hidden, kept = shell.user_ns_hidden, {}
    for name, value in list(shell.user_ns.items()):
        if name.startswith("_") or name in hidden or isinstance(value, types.ModuleType) or name in ("In", "Out"):
            continue
        kept[name] = value
    return json.dumps(_described(kept))


def one(name: str) -> str:
    """What `name` holds, or null."""
    namespace = _namespace()
    return json.dumps(_described({name: namespace[name]})[name] if name in namespace else None)


def _described(values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        from agentlog.describe import describe_names
        from agentlog.events import plain
        from agentlog.recorder import current
        from agentlog.redact import Redactor
    except ImportError:
        return {name: _plainly(value) for name, value in values.items()}
    described = {name: plain(value) for name, value in describe_names(values).items()}
    recorder = current()
    redactor = recorder.redactor if recorder is not None else Redactor()
    redacted: dict[str, Any] = redactor.record({"locals": described})["locals"]
    return redacted


def _plainly(value: object) -> dict[str, Any]:
    """A description without agentlog: nothing of the user's is run for it."""
    kind = type(value)
    out: dict[str, Any] = {"t": kind.__name__}
    if kind in (int, float, bool, type(None)):
        out["v"] = value
    elif kind is str:
        out.update(v=value[:TEXT], n=len(value))  # type: ignore[index, arg-type]
    elif kind in (list, tuple, dict, set, frozenset, bytes, bytearray):
        out["n"] = len(value)  # type: ignore[arg-type]
    return out
