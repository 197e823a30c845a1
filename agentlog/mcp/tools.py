"""The eight tools. Their docstrings are what the agent reads, so they are short; `tests/test_mcp.py` counts their tokens.

Those that read are plain functions: the SDK runs them on worker threads, so a busy kernel never holds them up. Each is
the command of the same purpose, with its options, so an agent reads the same words in a shell, a notebook and here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from agentlog.clock import clock
from agentlog.commands import load, parser_for
from agentlog.desk import Desk
from agentlog.errors import KernelError, NotFound, UsageError
from agentlog.events import NamespaceChanged, StreamWritten
from agentlog.mcp.answers import Listed, Ran, Told, answer_of, execution_row, image_content, session_row, shown_images
from agentlog.mcp.hints import Refusing, RefusingLater, in_tools
from agentlog.mcp.kernels import Job, Kernels
from agentlog_ipy.reply import Reply

PAGE = 8_000
"""characters of one answer of `show_execution`"""
LIVE_SECONDS = 3.0
"""Longest wait for a kernel to say what a name holds now."""
PROGRESS_SECONDS = 1.0
SETTLE_SECONDS = 2.0

_Told = Annotated[CallToolResult, Told]
_Ran = Annotated[CallToolResult, Ran]
_Listed = Annotated[CallToolResult, Listed]


class Tools:
    """The tools of one server, over its store and its kernels."""

    def __init__(self, store: Path, kernels: Kernels) -> None:
        self.store = store
        self.kernels = kernels

    # --- running --------------------------------------------------------------------------------------------------

    async def run_code(
        self, ctx: Context, code: str = "", execution: str = "", kernel: str = "default", wait: float = 30,
        timeout: float | None = None, tokens: int = 1000, images: bool = False,
    ) -> _Ran:  # fmt: skip
        """Run code in a kernel that keeps its variables; a failure comes with its debugging context. If still running after
        `wait` s, returns its output so far: call again with its `execution` alone. `timeout` stops it."""
        async with RefusingLater():
            if bool(code.strip()) == bool(execution):
                raise UsageError("run_code takes code to run, or the execution to wait for")
            deadline = clock.monotonic() + wait
            job = self.kernels.job(execution) if execution else await self.kernels.run(kernel, code, timeout, wait)
            reply = await self._wait(ctx, job, wait, deadline)
            return self._ran(job, reply, tokens, images)

    async def _wait(self, ctx: Context, job: Job, wait: float, deadline: float) -> Reply | None:
        """The reply, or None at the deadline; says every second how it goes."""
        begun = clock.monotonic()
        while (left := deadline - clock.monotonic()) > 0:
            reply = await self.kernels.wait(job, min(PROGRESS_SECONDS, left))
            if reply is not None:
                return reply
            await ctx.report_progress(round(clock.monotonic() - begun, 1), wait, self.kernels.state(job))
        return await self.kernels.wait(job, 0)

    def _ran(self, job: Job, reply: Reply | None, tokens: int, images: bool) -> CallToolResult:
        found = reply or self.kernels.so_far(job)
        text = in_tools(found.render(tokens)) if found is not None else f"{self.kernels.state(job)}; this one waits"
        if reply is None:
            text += f"\nstill running: run_code(execution={job.execution[-6:]!r}) waits on, control_kernel('interrupt') stops it"
        opened = self.kernels.find(job.kernel)
        shown = shown_images(found) if found is not None else []
        answer = Ran(
            execution=job.execution, status=found.status if found is not None else "running", kernel=job.kernel,
            session=(opened.kernel.session if opened else None) or "", text=text, images=[image.path for image in shown],
        )  # fmt: skip
        result = answer_of(answer)
        if images:
            result.content.extend(content for image in shown if (content := image_content(image)) is not None)
        return result

    async def control_kernel(
        self, action: Literal["list", "interrupt", "restart", "stop"] = "list", kernel: str = "default", replay: bool = False
    ) -> _Listed:
        """List kernels; interrupt, restart or stop one. replay: run the cells that were ok again after the restart."""
        async with RefusingLater():
            said = ""
            if action == "restart":
                said = await self.kernels.restart(kernel, replay)
            elif action != "list":
                said = await getattr(self.kernels, action)(kernel)
            rows = self.kernels.listing()
            lines = [said] if said else [f"{row['name']}: {row['state']} ({row['of']})" for row in rows]
            return answer_of(Listed(text="\n".join(lines) or "no kernels; run_code starts one", rows=rows))

    # --- reading --------------------------------------------------------------------------------------------------

    def get_context(
        self, focus: str = "", session: str = "", tokens: int = 1500,
        format: Literal["text", "markdown", "json", "claude", "cursor", "codex"] = "text",
    ) -> _Told:  # fmt: skip
        """What is needed to fix the last failure: cause, values, changes. focus: In[n], execution id or a name.
        session: id or "last"; default: of the kernel used here, else the latest."""
        return self._tell("context", f"--tokens={tokens}", f"--format={format}", *_option("session", session), *_word(focus))

    def get_diff(self, a: str = "", b: str = "", since: str = "", session: str = "", tokens: int = 1000) -> _Told:
        """What differs: executions a and b (default: the failed cell and its last success), names since an execution, or a
        whole session ("last_ok": the last one of this notebook without a failure)."""
        whole = ["--last-ok"] if session == "last_ok" else _option("session", session)
        return self._tell("diff", f"--tokens={tokens}", *_option("since", since), *whole, *_word(a), *_word(b))

    async def explain_name(self, name: str, at: str = "", session: str = "") -> _Told:
        """What a variable holds now, and which cells made and changed it (`at`: as of that execution)."""
        async with RefusingLater():
            live = "" if at or session else await self._live(name)
            words = ["why", *_option("at", at), *_option("session", session), *_word(name)]
            try:
                past = str(await anyio.to_thread.run_sync(lambda: self._ask(*words)))
            except NotFound:
                if not live:
                    raise
                past = ""
            return answer_of(Told(text="\n".join(filter(None, (live, past)))))

    async def _live(self, name: str) -> str:
        found = self.kernels.find(self.kernels.used or "")
        if found is None or not name.isidentifier():
            return ""
        with suppress(KernelError, asyncio.TimeoutError):
            inspected = await asyncio.wait_for(found.kernel.inspect(name), LIVE_SECONDS)
            if inspected.value is not None:
                return f"now: {str(inspected).splitlines()[0]}"
        return ""

    def search_history(self, text: str = "", status: str = "", session: str = "", since: str = "", limit: int = 20) -> _Listed:
        """Executions: by text in source, output or error; status (failed, ok, ...); session (id, "all"); since ("2 days")."""
        where = ["--all"] if session == "all" else _option("session", session)
        filters = [*_option("text", text), *_option("status", status), *_option("since", since)]
        with Refusing():
            found = self._ask("history", f"--limit={limit}", *where, *filters)
            return answer_of(Listed(text=in_tools(str(found)), rows=[execution_row(one) for one in found.executions]))

    def list_sessions(self, limit: int = 10, notebook: str = "", since: str = "") -> _Listed:
        """Recorded sessions, latest first."""
        with Refusing():
            if not self.store.is_dir():
                return answer_of(Listed(text=f"no sessions yet in {self.store}"))
            found = self._ask("sessions", f"--limit={limit}", *_option("notebook", notebook), *_option("since", since))
            return answer_of(Listed(text=str(found), rows=[session_row(one) for one in found.sessions]))

    def show_execution(
        self, execution: str = "last", stream: Literal["", "stdout", "stderr"] = "", start: int = 0, end: int = 0
    ) -> _Told:
        """One execution whole (In[n], id or output handle), or characters start..end of one of its streams."""
        with Refusing():
            whole = self._shown(execution) if not (stream or start or end) or _is_handle(execution) else None
            if whole is None:
                return answer_of(self._stream(execution, stream or "stdout", start, end or start + PAGE))
            page = whole[start : end or start + PAGE]
            rest = start + len(page) if start + len(page) < len(whole) else 0
            more = f"\n[characters {start} to {rest} of {len(whole)}: start={rest} goes on]" if rest else ""
            return answer_of(Told(text=in_tools(page) + more, next=rest))

    def _shown(self, reference: str) -> str:
        if _is_handle(reference):
            return str(self._read(lambda desk: desk.store.blob(reference).decode("utf-8", "replace")))
        return str(self._ask("show", *_word(reference)))

    def _stream(self, reference: str, stream: str, start: int, end: int) -> Told:
        text = self.kernels.output(reference, stream, start, end + 1)
        if text is None:
            text = self._read(lambda desk: _recorded_stream(desk, reference, stream))[start : end + 1]
        more = len(text) > end - start
        return Told(text=text[: end - start], next=end if more else 0)

    # --- within ---------------------------------------------------------------------------------------------------

    def _tell(self, *words: str) -> CallToolResult:
        with Refusing():
            return answer_of(Told(text=in_tools(str(self._ask(*words)))))

    def _ask(self, command: str, *words: str) -> Any:
        """What `agentlog COMMAND WORDS` finds."""
        args = parser_for(command, "agentlog").parse_args(list(words))
        return self._read(lambda desk: load(command).run(args, desk))

    def _read(self, question: Callable[[Desk], Any]) -> Any:
        desk = Desk(self.store, self.kernels.session)
        try:
            self._settle(desk)
            return question(desk)
        finally:
            desk.close()

    def _settle(self, desk: Desk) -> None:
        """What the last cell changed is looked at after its reply: wait for it, so that an answer is not one cell behind."""
        execution, self.kernels.fresh = self.kernels.fresh, None
        deadline = clock.monotonic() + SETTLE_SECONDS
        while execution is not None and clock.monotonic() < deadline:
            if next(desk.store.events(execution=execution, kinds={NamespaceChanged.kind}, limit=1), None) is not None:
                return
            time.sleep(0.02)


def _recorded_stream(desk: Desk, reference: str, stream: str) -> str:
    found = desk.store.execution(reference, desk.session if reference.isdigit() else None)
    events = desk.store.events(execution=found.id, kinds={StreamWritten.kind})
    return "".join(desk.store.text(event) for event in events if isinstance(event, StreamWritten) and event.name == stream)


def _is_handle(reference: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", reference) is not None


def _option(name: str, value: str) -> list[str]:
    return [f"--{name}={value}"] if value else []


def _word(value: str) -> list[str]:
    """A positional argument; what begins with a dash is no option."""
    return ["--", value] if value.startswith("-") else [value] if value else []
