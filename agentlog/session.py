"""Sessions: the life of a kernel or process, and the tasks inside it.

`begin` opens the session of the process itself. `start_session` opens a named task inside it; which task is current
follows context variables, so concurrent agents under threads and asyncio do not mix. What is slow to find out (is the
git tree dirty?) is learned on the writer's thread and recorded when known.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import agentlog
from agentlog import tasks
from agentlog.events import Scalar, SessionEnded, SessionLearned, SessionStarted
from agentlog.followers.start import start_follower
from agentlog.gitstate import git, git_folder, git_head, git_head_here, working_folder
from agentlog.guard import guarded
from agentlog.ids import new_id
from agentlog.processes import host_name, process_start
from agentlog.recorder import Recorder


def current_session(recorder: Recorder) -> str:
    """The task that is current in this context, else the session of the process."""
    return tasks.task_id() or recorder.session


def begin(recorder: Recorder, *, life: str = "process", notebook: str | None = None, kernel: str | None = None) -> str:
    """Open the session of this process and return its id. What it ran on goes with it."""
    recorder.session = new_id()
    recorder.session_of = tasks.task_id
    recorder.parent = recorder.settings.parent_session or session_of_process(recorder.folder, os.getppid())
    start = process_start(os.getpid())
    recorder.record(
        SessionStarted(
            session=recorder.session,
            life=life,
            parent=recorder.parent,
            host=host_name(),
            pid=os.getpid(),
            started_at=float(start) if start else None,
            python=sys.version.split()[0],
            executable=sys.executable,
            argv=tuple(getattr(sys, "argv", ())),
            cwd=working_folder(),
            notebook=notebook,
            kernel=kernel,
            platform=sys.platform,
            git=git_head_here(),
            packages=packages_loaded(),
            environment=tuple(sorted(os.environ)),
            agentlog=agentlog.__version__,
            trace=os.environ.get("TRACEPARENT") or None,
        ),
        now=True,
    )
    if os.environ.get("AGENTLOG_CALLS"):
        _watch_calls()
    if os.environ.get("AGENTLOG_BUDGET"):
        _watch_budget(recorder)
    recorder.later(lambda: _learn_git(recorder, recorder.session))
    if os.environ.get("AGENTLOG_FOLLOW"):
        recorder.later(lambda: start_follower(recorder.folder))
    atexit.register(_end_at_exit, recorder, os.getpid())
    return recorder.session


def end(recorder: Recorder, how: str = "exit", detail: str | None = None) -> None:
    """Close the session of this process. Idempotent."""
    if not recorder.session:
        return
    atexit.unregister(_end_at_exit)
    _stop_watching_calls()
    _report_repeated(recorder)
    tasks.end_all(how)
    recorder.flush()
    recorder.record(SessionEnded(session=recorder.session, how=how, detail=detail), now=True)
    recorder.session = ""


def _end_at_exit(recorder: Recorder, pid: int) -> None:
    """The interpreter ends in order. A forked child that gets here leaves its parent's session alone."""
    if os.getpid() == pid:
        end(recorder, "exit")


def learn(recorder: Recorder, known: Mapping[str, str], *, notebook: str | None = None) -> dict[str, str]:
    """Record packages imported since `known` (and the notebook's path, once found); returns all that are known now."""
    packages = packages_loaded()
    fresh = {name: version for name, version in packages.items() if known.get(name) != version}
    if fresh or notebook:
        recorder.record(SessionLearned(packages=fresh, notebook=notebook))
    return packages


def session_of_process(folder: Path, pid: int) -> str | None:
    """The session that process `pid` of this machine records in `folder`: children need no variable to know."""
    start = process_start(pid)
    for segment in (folder / "journal").glob(f"*-{pid}-*.jsonl"):
        with suppress(OSError, ValueError), open(segment, encoding="utf-8") as lines:
            first, second = json.loads(next(lines, "{}")), json.loads(next(lines, "{}"))
            if first.get("start") == start and second.get("e") == "session.start":
                return str(second["s"])
    return None


def packages_loaded() -> dict[str, str]:
    """Top-level packages in memory that say their version, by a plain look into their dictionaries."""
    found = {}
    for name, module in list(sys.modules.items()):
        if "." in name or name.startswith("_") or type(module) is not ModuleType or name in sys.stdlib_module_names:
            continue
        version = vars(module).get("__version__") or _version_apart(name)
        if type(version) is str and version:
            found[name] = version[:40]
    return found


def _version_apart(package: str) -> object:
    """Of a package that looks its version up when it is asked (matplotlib): what the module it is kept in says."""
    kept = sys.modules.get(f"{package}._version")
    return vars(kept).get("version") if type(kept) is ModuleType else None


@guarded("calls")
def _watch_calls() -> None:
    from agentlog.hooks.calls import watch_if_asked

    watch_if_asked()


def _report_repeated(recorder: Recorder) -> None:
    rates = sys.modules.get("agentlog.rates")
    if rates is not None:
        rates.rate.report(recorder)


def _stop_watching_calls() -> None:
    calls = sys.modules.get("agentlog.hooks.calls")
    if calls is not None:
        calls.stop()


@guarded("budget")
def _watch_budget(recorder: Recorder) -> None:
    from agentlog.costs.allowance import attach

    attach(recorder)


def _learn_git(recorder: Recorder, session: str) -> None:
    cwd = working_folder()
    if cwd is None or git_folder(Path(cwd)) is None:
        return
    status = git("status", "--porcelain", "--untracked-files=no", cwd=cwd)
    if status is not None:
        facts: dict[str, Scalar] = {**git_head(Path(cwd)), "dirty": bool(status.strip())}
        recorder.record(SessionLearned(session=session, git=facts), now=True)
