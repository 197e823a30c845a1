"""What `agentlog exec` and `agentlog kernels` do, for agents that have only a shell."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from agentlog.errors import NotFound, UsageError
from agentlog.ids import parse_timestamp
from agentlog.redact import was_redacted
from agentlog.settings import store_folder
from agentlog_ipy.footprint import Footprint
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.registry import Entry, Registry
from agentlog_ipy.reply import Reply
from agentlog_ipy.sync import run_blocking

SHOW = "agentlog show {execution} --full"


@dataclass(frozen=True)
class Executed:
    """The reply of one `exec`, as a command's result."""

    reply: Reply
    kernel: str

    @property
    def exit_code(self) -> int:
        """0 ok, 1 it failed, 2 it was not run."""
        return 0 if self.reply.ok else 2 if self.reply.status == "not_run" else 1

    def __str__(self) -> str:
        return str(self.reply)

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        reply = self.reply
        return {
            "kernel": self.kernel,
            "status": reply.status,
            "execution": reply.execution,
            "count": reply.count,
            "stdout": reply.stdout,
            "stderr": reply.stderr,
            "outputs": [
                {"result": out.result, "text": out.text, "images": [asdict(image) for image in out.images]}
                for out in reply.outputs
            ],
            "error": str(reply.error) if reply.error else None,
            "context": reply.context,
            "notes": list(reply.notes),
            "seconds": reply.seconds,
            "peak": reply.peak,
        }


def execute(args: argparse.Namespace, place: str | Path | None) -> Executed:
    """`agentlog exec`."""
    return Executed(run_blocking(_execute(args, _code_of(args), _store(place))), args.kernel)


async def _execute(args: argparse.Namespace, code: str, store: Path) -> Reply:
    kernel = await Registry(store).open(
        args.kernel, spec=args.spec, cwd=args.cwd, record=not args.no_record, max_tokens=args.tokens
    )
    kernel.handle = SHOW
    try:
        reply = await kernel.run(code, timeout=args.timeout, answers=args.answer, kill=args.kill)
    finally:
        await kernel.close()
    if reply.death is not None:
        return replace(reply, notes=(*reply.notes, f"agentlog exec --kernel {args.kernel} starts a new one"))
    return reply


def _code_of(args: argparse.Namespace) -> str:
    given = [args.code is not None, args.file is not None]
    if sum(given) != 1:
        raise UsageError("agentlog exec needs code, or --file FILE ('-' reads standard input)")
    if args.code == "-" or args.file == "-":
        return sys.stdin.read()
    if args.file is None:
        return str(args.code)
    try:
        return Path(args.file).read_text(encoding="utf-8")
    except OSError as reason:
        raise NotFound(f"{args.file} cannot be read: {reason.strerror}") from None
    except UnicodeDecodeError as reason:
        raise UsageError(f"{args.file} is not UTF-8: {reason}") from None


def _store(place: str | Path | None) -> Path:
    return Path(place).absolute() if place is not None else store_folder()


# --- kernels --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Standing:
    """A named kernel and what it does."""

    entry: Entry
    state: str
    resident: int | None

    def __str__(self) -> str:
        entry = self.entry
        memory = f"{self.resident // (1 << 20):,} MB" if self.resident else "-"
        since = parse_timestamp(entry.started).astimezone().strftime("%Y-%m-%d %H:%M")
        return f"{entry.name:16} {self.state:10} pid {entry.pid:<8} {memory:>9}  {entry.spec:12} since {since}  {entry.cwd}"


@dataclass(frozen=True)
class Listing:
    """All named kernels of a store."""

    kernels: tuple[Standing, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.kernels)) or "no kernels; agentlog exec starts one"

    def as_json(self) -> list[dict[str, Any]]:
        """For programs."""
        return [{**asdict(one.entry), "state": one.state, "resident": one.resident} for one in self.kernels]


@dataclass(frozen=True)
class Said:
    """What was done, a line each."""

    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def as_json(self) -> list[str]:
        """For programs."""
        return list(self.lines)


def kernels(args: argparse.Namespace, place: str | Path | None) -> Listing | Said:
    """`agentlog kernels`."""
    registry = Registry(_store(place))
    if args.action == "list":
        return run_blocking(_listing(registry))
    names = [entry.name for entry in registry.entries()] if args.all else args.names
    if not names and not args.all:
        raise UsageError(f"agentlog kernels {args.action} needs the name of a kernel, or --all")
    return Said(tuple(run_blocking(_each(registry, args, names))))


async def _listing(registry: Registry) -> Listing:
    return Listing(tuple([await _standing(entry) for entry in registry.entries()]))


async def _standing(entry: Entry) -> Standing:
    if not entry.alive:
        return Standing(entry, "dead", None)
    footprint = Footprint(entry.pid)
    footprint.look()
    kernel = await Kernel.attach(entry.connection_file, record=False).start()
    try:
        return Standing(entry, "busy" if kernel.busy else "idle", footprint.resident)
    finally:
        await kernel.close()


async def _each(registry: Registry, args: argparse.Namespace, names: list[str]) -> list[str]:
    done = []
    for name in names:
        if args.action == "restart":
            done.append(await restart_named(registry, name, replay=args.replay))
        else:
            done.append(await getattr(registry, args.action)(name))
    return done


async def restart_named(registry: Registry, name: str, *, replay: bool) -> str:
    """A new process for the kernel called `name`; with `replay` the cells that were ok run again, from the journal."""
    entry = registry.get(name)
    sources = _sources(registry.store, entry.session) if replay else []
    await registry.stop(name)
    kernel = await registry.open(name, spec=entry.spec, cwd=entry.cwd, max_tokens=1000)
    try:
        return f"{name}: restarted" + (await _replay(kernel, sources) if replay else ", without variables")
    finally:
        await kernel.close()


def _sources(store: Path, session: str | None) -> list[str]:
    """The sources of the cells that were ok, as the journal has them."""
    from agentlog.store import Store

    if session is None:
        raise UsageError("nothing to replay: this kernel was not recorded")
    opened = Store.open(store)
    try:
        return [one.source for one in opened.executions(session) if one.status == "ok" and one.within is None]
    finally:
        opened.close()


async def _replay(kernel: Kernel, sources: list[str]) -> str:
    """Run the sources until one fails; one in which something was redacted is never run from the journal."""
    for done, source in enumerate(sources):
        if was_redacted(source):
            return f"; {done} cell(s) ran again, then one holds a redacted secret and cannot be replayed: {_first(source)}"
        reply = await kernel.run(source)
        if not reply.ok:
            return f"; {done} cell(s) ran again, then {_first(source)} ended as {reply.status}: {reply.error}"
    return f"; {len(sources)} cell(s) ran again"


def _first(source: str) -> str:
    return repr((source.strip().splitlines() or [""])[0][:80])
