"""One kernel process and the line to it: started, known to answer, watched until it ends.

`Link` lives as long as the process; a restart makes a new one.
"""

from __future__ import annotations

import ast
import asyncio
import json
import os
import shutil
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.errors import KernelBusy, KernelError, KernelStartError
from agentlog_ipy.channels import Dispatch, Foreign, Request
from agentlog_ipy.footprint import Footprint
from agentlog_ipy.found import FoundProcess
from agentlog_ipy.process import LocalProcess, Process, gone
from agentlog_ipy.wire import Message, Wire, ZmqWire

WATCH = 0.1
"""Seconds between two looks whether the process is alive."""
SIDE = "_agentlog_side"
_ASK_AGAIN = 1.0
_BUSY = 1.0
"""Seconds after which a kernel that others use counts as busy."""


@dataclass(frozen=True)
class Wishes:
    """What the runner wants of a kernel at its start."""

    record: bool = True
    memory: int | None = None
    seconds: float = 60.0


@dataclass
class Facts:
    """What the kernel said about itself."""

    language: str = ""
    implementation: str = ""
    version: str = ""
    features: tuple[str, ...] = ()
    pid: int | None = None
    python: str | None = None
    session: str | None = None
    store: str | None = None
    segment: str | None = None
    missing: bool = False
    look: bool = False
    prepared: bool = False
    faults: tuple[str, ...] = field(default=())


def signals() -> dict[str, int]:
    """The signals that reach a kernel which answers no message; real-time ones where there are any, since programs
    use SIGUSR1 themselves. Empty on Windows."""
    first = getattr(signal, "SIGRTMIN", None)
    if first is not None:
        return {"stack": first + 11, "look": first + 12, "stop": first + 13}
    if hasattr(signal, "SIGUSR1"):
        return {"stack": signal.SIGUSR1, "look": signal.SIGWINCH, "stop": signal.SIGUSR2}
    return {}


class Link:
    """The line to one kernel process.

    dead  resolves to the exit code when the process ends
    """

    def __init__(self, process: Process, folder: Path, wishes: Wishes) -> None:
        self.process = process
        self.folder = folder
        self.wishes = wishes
        self.facts = Facts()
        self.dispatch: Dispatch
        self.dead: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.signals = signals()
        self.footprint = Footprint(None)
        self._subshell: str | None = None
        self._watcher: asyncio.Task[None] | None = None

    # --- life -----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start or find the process and wait until it answers and its output arrives. Raises KernelStartError."""
        try:
            await self.process.start()
            self.dispatch = Dispatch(self._wire())
            await self.dispatch.open()
            self._watcher = asyncio.ensure_future(self._watch())
            await self._until_it_answers()
            await self._prepare()
        except BaseException:
            await self.close(kill=self.process.owned, keep=False)
            raise

    def _wire(self) -> Wire:
        make = getattr(self.process, "wire", None)
        return make() if make is not None else ZmqWire(self.process.connection)

    async def close(self, *, kill: bool = False, keep: bool | None = None) -> None:
        """Leave no socket and no task; an owned process ends (at once with `kill`), unless it is to be kept."""
        keep = bool(getattr(self.process, "keep", False)) if keep is None else keep
        if self.process.owned and not keep and not self.dead.done():
            if not kill:
                await self._shut_down()
            await self.process.kill()
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if hasattr(self, "dispatch"):
            await self.dispatch.close()
        await self.process.clean()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _shut_down(self) -> None:
        """Let the kernel end itself, so that what is registered for its exit runs."""
        if not hasattr(self, "dispatch"):
            return
        self.dispatch.send("control", "shutdown_request", {"restart": False})
        await gone(self.process, 2.0)

    async def _watch(self) -> None:
        while True:
            code = await self.process.exit_code()
            self.footprint.look()
            if code is not None:
                if not self.dead.done():
                    self.dead.set_result(code)
                return
            await asyncio.sleep(WATCH)

    # --- the beginning --------------------------------------------------------------------------------------------

    async def _until_it_answers(self) -> None:
        """Ask until a reply and its idle come: only then no output is lost. Asks the control channel where a kernel
        that others use may be busy."""
        deadline = clock.monotonic() + self.wishes.seconds
        channel = "shell" if self.process.owned else "control"
        while True:
            request = self.dispatch.send(channel, "kernel_info_request", {})
            if await self.wait(request, min(_ASK_AGAIN, max(0.05, deadline - clock.monotonic()))):
                break
            if self.dead.done():
                raise KernelStartError(self._said("ended before it answered", self.dead.result()))
            if request.reply.done() and channel == "control":
                break  # some kernels send no status for control messages
            if clock.monotonic() > deadline:
                raise KernelStartError(self._said(f"did not answer within {self.wishes.seconds:g} s", None))
        self._learn(request.reply.result())

    def _learn(self, info: Message) -> None:
        language = info.get("language_info") or {}
        self.facts.language = str(language.get("name", "")).lower()
        self.facts.implementation = str(info.get("implementation", ""))
        self.facts.version = str(info.get("implementation_version", ""))
        self.facts.features = tuple(info.get("supported_features") or ())

    def _said(self, what: str, code: int | None) -> str:
        name = getattr(self.process, "spec", None) or getattr(self.process, "file", "?")
        code_text = f" (exit code {code})" if code is not None else ""
        errors = self.process.stderr()
        said = f"; it said: {errors[-1500:]}" if errors else "; it said nothing on stderr"
        return f"kernel {str(name)!r} {what}{code_text}{said}"

    async def _prepare(self) -> None:
        """Load our half into a Python kernel and learn who it is. A busy kernel is asked and answers when it can."""
        if self.facts.language != "python" or self.facts.implementation not in ("ipython", ""):
            self._local_pid()
            return
        preparing = self._evaluation(_prepare_expression(self._options()), None)
        if await self.wait(preparing, self.wishes.seconds if self.process.owned else _BUSY):
            self._prepared(preparing)
        elif not self.dead.done():
            await self._prepare_beside(preparing)

    async def _prepare_beside(self, request: Request) -> None:
        """A cell of somebody else's runs since before we came: we know when it is done by our own request behind it."""
        self.dispatch.foreign[request.id] = Foreign(clock.monotonic(), "a cell that was sent before this client came")
        request.settled.add_done_callback(lambda _: self._was_busy(request))
        subshell = await self.subshell()
        if subshell is not None:
            beside = self._evaluation(_prepare_expression(self._options()), subshell)
            if await self.wait(beside, _BUSY):
                self._prepared(beside)

    def _was_busy(self, request: Request) -> None:
        self.dispatch.others_end(request.id)
        if request.complete:
            self._prepared(request)

    def _prepared(self, request: Request) -> None:
        """Take over what our half said."""
        said = _value(request.reply.result())
        here = said.get("host") == socket.gethostname()
        for name in ("python", "session", "store", "segment", "missing", "look"):
            setattr(self.facts, name, said.get(name))
        self.facts.faults = tuple(said.get("faults", ()))
        self.facts.pid = said["pid"] if here else None
        self.facts.prepared = True
        if here and isinstance(self.process, FoundProcess):
            self.process.known_as(said["pid"])
        self._local_pid()

    def _local_pid(self) -> None:
        if self.facts.pid is None and isinstance(self.process, LocalProcess):
            self.facts.pid = self.process.pid
        self.footprint = Footprint.of(self.facts.pid)

    def _options(self) -> dict[str, Any]:
        within_reach = isinstance(self.process, (LocalProcess, FoundProcess))
        ours = isinstance(self.process, LocalProcess) and not self.process.keep
        return {
            "stack_file": str(self.folder / "stacks.txt") if within_reach else None,
            "look_file": str(self.folder / "look.json"),
            "signals": self.signals,
            "record": self.wishes.record,
            "memory": self.wishes.memory,
            "empty_stdin": self.process.owned,
            "die_with_parent": os.getpid() if ours else None,
        }

    # --- questions ------------------------------------------------------------------------------------------------

    async def wait(self, request: Request, seconds: float | None) -> bool:
        """Until `request` is complete (True), the time is over or the process is dead (False)."""
        waited: set[asyncio.Future[Any]] = {request.settled, self.dead}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return request.complete

    async def replied(self, request: Request, seconds: float | None) -> bool:
        """Until the kernel has answered `request` (True), though output may still come; False as for `wait`."""
        waited: set[asyncio.Future[Any]] = {request.reply, self.dead}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return request.reply.done() and not request.reply.cancelled()

    async def ask(self, kind: str, content: Message, *, beside: bool = False, seconds: float = 10.0) -> Message:
        """Send a shell request and return the content of its reply; `beside` a running cell by way of a subshell.

        Raises KernelBusy when it is not answered in time, KernelError when the kernel is dead.
        """
        request = self.dispatch.send("shell", kind, content, subshell=await self._beside() if beside else None)
        return await self._answer(request, seconds)

    async def _answer(self, request: Request, seconds: float) -> Message:
        waited: set[asyncio.Future[Any]] = {request.reply, self.dead}
        await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if request.reply.done() and not request.reply.cancelled():
            return request.reply.result()
        if self.dead.done():
            raise KernelError("the kernel is dead: restart() starts a new one")
        raise KernelBusy(f"the kernel did not answer a {request.kind} within {seconds:g} s")

    async def evaluate(self, call: str, *, beside: bool = False, seconds: float = 10.0) -> Any:
        """What `call` (of our half in the kernel) returns."""
        if not self.facts.prepared:
            raise KernelError(f"this needs a Python kernel (this one: {self.facts.implementation or self.facts.language})")
        subshell = await self._beside() if beside else None
        request = self._evaluation(f"__import__('sys').modules['{SIDE}'].{call}", subshell)
        return _value(await self._answer(request, seconds))

    def _evaluation(self, expression: str, subshell: str | None) -> Request:
        content = {
            "code": "", "silent": True, "store_history": False, "user_expressions": {"v": expression},
            "allow_stdin": False, "stop_on_error": False,
        }  # fmt: skip
        return self.dispatch.send("shell", "execute_request", content, subshell=subshell)

    async def _beside(self) -> str:
        """The subshell that answers while a cell runs. Raises KernelBusy."""
        subshell = await self.subshell()
        if subshell is None:
            raise KernelBusy("the kernel runs a cell and has no subshells (ipykernel 7 has): ask again when it is done")
        return subshell

    async def subshell(self) -> str | None:
        """A subshell that answers beside a running cell; made on first use. None where the kernel has none."""
        if self._subshell is None and "kernel subshells" in self.facts.features:
            request = self.dispatch.send("control", "create_subshell_request", {})
            with suppress(KernelError):
                self._subshell = (await self._answer(request, 0.5)).get("subshell_id")
        return self._subshell


def _prepare_expression(options: dict[str, Any]) -> str:
    """An expression that puts our half into a module of its own and begins it; no name appears in the namespace."""
    source = files("agentlog_ipy").joinpath("side.py").read_text()
    module = f"__import__('sys').modules.setdefault('{SIDE}', __import__('types').ModuleType('{SIDE}'))"
    return f"(lambda m: (exec(compile({source!r}, '<agentlog>', 'exec'), m.__dict__), m.begin({options!r}))[1])({module})"


def _value(reply: Message) -> Any:
    """The JSON that a user expression carried."""
    found = (reply.get("user_expressions") or {}).get("v") or {}
    if found.get("status") != "ok":
        raise KernelError(f"the kernel could not answer: {found.get('ename', 'no value')}: {found.get('evalue', '')}"[:500])
    return json.loads(ast.literal_eval(found["data"]["text/plain"]))
