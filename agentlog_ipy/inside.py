"""Looking inside a kernel without a cell of the user's: names, help, completions, history, and the context of a failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import TypeVar

from agentlog import guard
from agentlog.errors import AgentlogError
from agentlog.events import Value, value_from_plain
from agentlog.terminal import Terminal
from agentlog.valuetext import nested
from agentlog_ipy.link import Facts, Link
from agentlog_ipy.reply import Reply

T = TypeVar("T")


class Variables(dict[str, Value]):
    """Name -> description; `str()` has a line for each."""

    def __str__(self) -> str:
        return "\n".join(f"{name} = {nested(value, 100)}" for name, value in self.items())


@dataclass(frozen=True, slots=True)
class Inspected:
    """One name. `value`: its description, None where it holds nothing; `help`: what the kernel says about it."""

    name: str
    value: Value | None
    help: str

    def __str__(self) -> str:
        head = f"{self.name} = {nested(self.value, 200)}" if self.value is not None else self.name
        return f"{head}\n{self.help}".rstrip()


@dataclass(frozen=True, slots=True)
class Past:
    """A cell that ran: its number in the kernel's history, and its source."""

    count: int
    source: str


async def variables(link: Link, *, beside: bool) -> Variables:
    """Every name of the user's."""
    found: Mapping[str, Mapping[str, object]] = await link.evaluate("variables()", beside=beside)
    return Variables({name: value_from_plain(value) for name, value in found.items()})


async def inspect(link: Link, name: str, detail: int, *, beside: bool) -> Inspected:
    """One name."""
    content = {"code": name, "cursor_pos": len(name), "detail_level": detail}
    said = await link.ask("inspect_request", content, beside=beside)
    value = await link.evaluate(f"one({name!r})", beside=beside) if link.facts.prepared else None
    return Inspected(name, value_from_plain(value) if value else None, _plain(said.get("data", {}).get("text/plain", "")))


def _plain(text: str) -> str:
    screen = Terminal()
    screen.feed(text)
    return screen.text()


async def complete(link: Link, code: str, cursor: int | None, *, beside: bool) -> list[str]:
    """The candidates at the cursor."""
    content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    return list((await link.ask("complete_request", content, beside=beside)).get("matches", ()))


async def history(link: Link, count: int, *, beside: bool) -> list[Past]:
    """The last `count` cells."""
    content = {"output": False, "raw": True, "hist_access_type": "tail", "n": count, "unique": False}
    said = await link.ask("history_request", content, beside=beside)
    return [Past(int(line), source) for _, line, source in said.get("history", ())]


def not_recorded(facts: Facts) -> str:
    """Why this kernel is not recorded, and what to do."""
    if facts.missing:
        return f"not recorded: {facts.python} has no agentlog; add it with {facts.python} -m pip install 'agentlog[jupyter]'"
    if not facts.prepared:
        return (
            f"not recorded: recording needs an IPython kernel, this one is {facts.implementation or facts.language or 'unknown'}"
        )
    return f"not recorded: {'; '.join(facts.faults) or 'the extension did not begin a session'}"


# --- the context of a failure ---------------------------------------------------------------------------------------


async def with_context(reply: Reply, store: Path, session: str) -> Reply:
    """`reply` with the debugging context of its failure, where the store has it."""
    text = await off_loop(lambda: context_text(store, session, reply.execution, reply.max_tokens))
    return replace(reply, context=text) if text else reply


def context_text(folder: Path, session: str, execution: str, max_tokens: int) -> str | None:
    """The context of an execution as text, None where it is not in the store."""
    from agentlog.context import build
    from agentlog.store import Store

    try:
        store = Store.open(folder)
        try:
            return build(store, session=session, execution=execution).render("text", max_tokens)
        finally:
            store.close()
    except AgentlogError:
        return None
    except Exception as error:  # a fault of the reading side is no reason to lose the reply
        guard.note("context", error)
        return None


async def off_loop(function: Callable[[], T]) -> T:
    """Run `function` on a thread of its own that ends with it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def finish(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            result = function()
        except BaseException as error:
            loop.call_soon_threadsafe(finish, None, error)
        else:
            loop.call_soon_threadsafe(finish, result, None)

    Thread(target=work, name="agentlog-read", daemon=True).start()
    return await done
