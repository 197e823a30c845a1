"""A kernel for tests: cells in, everything a front end would see out."""

from __future__ import annotations

import os
import queue
import re
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""


@dataclass
class Seen:
    """What a front end saw of one cell."""

    reply: dict[str, Any] = field(default_factory=dict)
    streams: dict[str, str] = field(default_factory=dict)
    messages: list[tuple[str, Any]] = field(default_factory=list)

    @property
    def status(self) -> str:
        return str(self.reply.get("status"))


class TestKernel:
    """A kernel of this interpreter with its own store, working folder and IPython profile."""

    __test__ = False

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.store = folder / "store"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ipython").mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTEST"))}
        kept |= {"IPYTHONDIR": str(folder / "ipython"), "AGENTLOG_DIR": str(folder / "store"), "MPLBACKEND": "agg"}
        self.errors = open(folder / "stderr.txt", "wb")  # noqa: SIM115
        self.manager = KernelManager(kernel_name="python3")
        self.manager.kernel_spec.argv[0] = sys.executable
        self.sockets = tempfile.TemporaryDirectory(prefix="kernel-")
        if os.name == "posix":  # ports that are free may be somebody else's when the kernel comes to take them
            self.manager.transport, self.manager.ip = "ipc", str(Path(self.sockets.name, "s"))
        self.manager.start_kernel(
            extra_arguments=list(arguments), env=kept | environment, cwd=str(folder), stdout=self.errors, stderr=self.errors
        )
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def send(self, code: str, *, metadata: dict[str, Any] | None = None, subshell: str | None = None, **options: Any) -> str:
        """Ask for a cell to be run; returns the id of the request."""
        silent = options.get("silent", False)
        content = {"silent": silent, "store_history": not silent, "user_expressions": {}, "allow_stdin": False}
        message = self.client.session.msg(
            "execute_request", content | {"stop_on_error": False, "code": code} | options, metadata=metadata
        )
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def run(self, code: str, *, answers: tuple[str, ...] = (), interrupt_at: str | None = None, **options: Any) -> Seen:
        """Run a cell and wait for its reply and its idle message."""
        options.setdefault("allow_stdin", bool(answers))
        request = self.send(code, **options)
        seen, waiting = Seen(), list(answers)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if waiting:
                self._answer(waiting)
            try:
                message = self.client.get_iopub_msg(timeout=0.1 if waiting else 1)
            except queue.Empty:
                continue
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                seen.streams[content["name"]] = seen.streams.get(content["name"], "") + content["text"]
                if interrupt_at and interrupt_at in content["text"]:
                    self.manager.interrupt_kernel()
            elif kind == "status" and content["execution_state"] == "idle":
                seen.reply = self.reply(request)
                return seen
            elif kind not in ("status", "execute_input"):
                seen.messages.append((kind, content))
        raise TimeoutError(f"no idle message after {PATIENCE} s for {code!r}")

    def settle(self) -> None:
        """Read away what earlier requests still had to say."""
        self.reply(self.client.kernel_info())

    def reply(self, request: str) -> dict[str, Any]:
        """What the kernel answered on the shell channel."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            message = self.client.get_shell_msg(timeout=PATIENCE)
            if message["parent_header"].get("msg_id") == request:
                return dict(message["content"])
        raise TimeoutError(f"no reply after {PATIENCE} s")

    def _answer(self, waiting: list[str]) -> None:
        try:
            self.client.get_stdin_msg(timeout=0.1)
        except queue.Empty:
            return
        self.client.input(waiting.pop(0))

    def wait_dead(self) -> int | None:
        """Wait until the process is gone; its exit code."""
        deadline = time.monotonic() + PATIENCE
        process = self.manager.provisioner.process
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        return process.poll()

    def close(self) -> None:
        """End the kernel in order, or else."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=not self.manager.is_alive())
        self.manager.cleanup_resources()
        self.errors.close()
        self.sockets.cleanup()


NOISE = (
    (re.compile(r"0x[0-9a-f]+"), "0x?"),
    (re.compile(r"/[^\s'\"]*/(?=zoo_)"), "~/"),
    (re.compile(r"ipykernel_\d+[/\\]\d+\.py"), "ipykernel_?"),
    (re.compile(r"<ipython-input-[^>]*>"), "<ipython-input>"),
    (re.compile(r"[\d.]+(?:e[-+]?\d+)? ?(?:ns|us|µs|μs|ms|s|min)\b"), "T"),
    (re.compile(r"\d+\.\d+e[-+]\d+"), "T"),
    (re.compile(r"Thread-\d+"), "Thread-N"),
    (re.compile(r"Task-\d+"), "Task-N"),
    (re.compile(r"pid[ =:]*\d+"), "pid"),
    (re.compile(r"(?:The slowest run took|This could mean)[^\n]*\n?"), ""),
)


def plain(data: Any) -> Any:
    """`data` without what differs from run to run: addresses, times, process and thread numbers."""
    if isinstance(data, str):
        for pattern, instead in NOISE:
            data = pattern.sub(instead, data)
        return data
    if isinstance(data, dict):
        return {key: plain(value) for key, value in data.items() if key not in ("started", "engine_info", "engine_uuid")}
    if isinstance(data, (list, tuple)):
        return [plain(item) for item in data]
    return data
