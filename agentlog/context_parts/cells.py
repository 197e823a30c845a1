"""The cells themselves: what the crashed one printed, and the sources of those involved."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from agentlog.ancestry import tree_of
from agentlog.blame import blame
from agentlog.context_parts.givers import Giver, givers
from agentlog.context_parts.values import said_words
from agentlog.events import StreamWritten
from agentlog.outline import Item, Section, item, section
from agentlog.situation import Situation, user_frames

if TYPE_CHECKING:
    from agentlog.past import Execution

_TRACEBACK = re.compile(r"^(?:-{20,}\n\S.*Traceback \(most recent call last\)|Traceback \(most recent call last\):)", re.M)
"""Where a printed traceback begins: the failure is told already."""
_GAVE_NONE, _GAVE = 1.0, 0.7
"""What the source of a function is worth that gave None, or another value that failed."""
_SHORT = 6
"""Lines of a source that are shown first."""
_ALARM = re.compile(r"error|warning|exception|failed|traceback|fatal|critical", re.I)


def sections(case: Situation) -> list[Section]:
    """`output` of the execution in focus, and `sources`."""
    return [section("output", _output(case)), section("sources", _sources(case))]


def _output(case: Situation) -> list[Item]:
    """What the cell printed, a stream at a time, without the traceback: the failure is told already."""
    if case.execution is None:
        return []
    streams: dict[str, list[str]] = {}
    for event in case.store.events(execution=case.execution.id, kinds={StreamWritten.kind}):
        if isinstance(event, StreamWritten):
            streams.setdefault(event.name, []).append(event.text)
    headline = f"{case.failure.type}: " if case.failure else None
    printed = {name: _said("".join(chunks), headline) for name, chunks in streams.items()}
    return [_stream(name, lines) for name, lines in printed.items() if lines]


def _said(text: str, headline: str | None) -> list[str]:
    lines = [line.rstrip() for line in _TRACEBACK.split(text)[0].splitlines() if line.strip()]
    return [line for line in lines if headline is None or not line.startswith(headline)]


def _stream(name: str, lines: list[str]) -> Item:
    alarms = [line for line in lines[:-2] if _ALARM.search(line)][-3:]
    short = "\n".join(_clip([*alarms, *lines[-2:]]))
    longer = ("\n".join(_clip([*alarms, *lines[-8:]])), "\n".join(_clip(lines[-40:], 400)))
    return item(0.9 if name == "stderr" else 0.6, short, *longer, name=name)


def _clip(lines: list[str], room: int = 160) -> list[str]:
    return [line if len(line) <= room else line[:room] + "..." for line in dict.fromkeys(lines)]


def _sources(case: Situation) -> list[Item]:
    if case.execution is None:
        return []
    worths = {case.execution.id: 1.0}
    fault = blame(case)
    if fault is not None and not fault.here:
        worths[fault.execution] = 2.2
    for frame in user_frames(case.root) if case.root else ():
        worths.setdefault(frame.cell or "", 1.2)
    gave = {giver.cell.id: giver for giver in reversed(givers(case)) if giver.cell.id not in worths}
    worths |= {cell: _GAVE_NONE if giver.none else _GAVE for cell, giver in gave.items()}
    for maker in _makers(case) if case.root else ():
        worths.setdefault(maker.id, 0.7)
    known = [(case.by_id[cell], worth) for cell, worth in worths.items() if cell in case.by_id]
    own = case.execution.id
    return [
        _source(cell, gave.get(cell.id), worth)
        for cell, worth in known
        if not _told(case, cell) and (cell.id == own or not _only_imports(cell.source))
    ]


def _told(case: Situation, cell: Execution) -> bool:
    """Is the whole cell one line that the failure or the cause shows?"""
    fault = blame(case)
    shown = [fault.reason if fault is not None else "", *((frame.source or "") for frame in case.way if frame.cell == cell.id)]
    source = cell.source.strip()
    return bool(source) and "\n" not in source and any(source in text for text in shown)


def _only_imports(source: str) -> bool:
    """Does the cell import, and do nothing else? Then it says nothing of the data."""
    tree = tree_of(source)
    return tree is not None and bool(tree.body) and all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in tree.body)


def _makers(case: Situation) -> list[Execution]:
    """The cells that last wrote the names of the failing cell, newest first."""
    words = said_words(case)
    makers = {version.execution.id: version.execution for name, version in case.values.items() if name in words}
    return sorted(makers.values(), key=lambda execution: execution.id, reverse=True)[:6]


def _source(execution: Execution, giver: Giver | None, worth: float) -> Item:
    """The cell; of a long one that is shown for a function in it, the function."""
    lines = execution.source.rstrip().splitlines()
    if giver is not None and len(lines) > _SHORT:
        lines = giver.source.splitlines()
    short = "\n".join(lines[:_SHORT]) + (f"\n... +{len(lines) - _SHORT} more lines" if len(lines) > _SHORT else "")
    return item(
        worth,
        short,
        "\n".join(lines[:40]) + (f"\n... +{len(lines) - 40} more lines" if len(lines) > 40 else ""),
        "\n".join(lines),
        name=execution.label,
    )
