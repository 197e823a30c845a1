"""Is the journal as it was written? Each segment is a hash chain (`chain`); this walks them all.

What a crash leaves (a torn last line, a segment without an end) and what `agentlog gc` removed is told apart from
tampering: a line changed, removed, added or put elsewhere, a segment that is missing without gc having said so.

Whoever can write the folder can also forge a whole chain anew. Against that a head is kept elsewhere: `anchors()` are
lines "segment sequence head"; `check(..., anchors)` then demands that very chain.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from agentlog.chain import head_of, unchained
from agentlog.errors import StoreError, UsageError
from agentlog.gather import parse_line
from agentlog.retention import removed_segments
from agentlog.segments import Segments

Verdict = Literal["whole", "torn", "open", "tampered", "removed", "unreadable"]
_ANCHOR = re.compile(r"(\S+)\s+(\d+)\s+([0-9a-f]{32})\s*\Z")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The head of a segment's chain after its line `sequence`, as somebody noted it."""

    segment: str
    sequence: int
    head: str

    def __str__(self) -> str:
        return f"{self.segment} {self.sequence} {self.head}"


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of one segment.

    verdict  whole: closed in order; open: its writer lives or was killed between two lines; torn: its last line, or a line
             that the disk took in part, is half; removed: by gc; tampered, unreadable: `problems` say why
    notes    what is unusual and innocent
    """

    segment: str
    verdict: Verdict
    records: int = 0
    head: str = ""
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def anchor(self) -> Anchor:
        return Anchor(self.segment, self.records, self.head)


@dataclass(slots=True)
class _Walk:
    """The state of walking one chain."""

    segment: str
    heads: dict[int, str]
    """sequence -> head that an anchor demands"""
    head: str = ""
    records: int = 0
    torn: int = 0
    ended: bool = False
    previous: str | None = None
    following: str | None = None
    problems: list[str] = field(default_factory=list)

    def line(self, number: int, line: bytes) -> None:
        """Take the next whole line."""
        record, parts = parse_line(line), unchained(line)
        if record is None or parts is None:
            self.torn += 1  # noise, or what a full disk took of a line: the chain tells which, at the next line
            return
        text, said = parts
        if head_of(self.head, text) != said:
            self.problems.append(f"line {number}: it does not follow from the lines before it (changed, removed or added here)")
        elif self.ended:
            self.problems.append(f"line {number}: it comes after the segment's end")
        if record.get("q") != self.records + 1:
            self.problems.append(f"line {number}: its sequence is {record.get('q')}, {self.records + 1} was expected")
        self.records = record["q"] if isinstance(record.get("q"), int) else self.records + 1
        self._meaning(record, number)
        self.head = said
        if self.heads.get(self.records, said) != said:
            self.problems.append(f"line {number}: its head is not the anchored {self.heads[self.records]}")

    def _meaning(self, record: dict[str, Any], number: int) -> None:
        if record.get("e") == "segment.start":
            self.previous = record.get("previous")
            if record.get("segment") != self.segment or number != 1:
                self.problems.append(f"line {number}: it is the first line of segment {record.get('segment')}")
        elif number == 1:
            self.problems.append("line 1: the segment's own first line is missing")
        if record.get("e") == "segment.end":
            self.ended, self.following = True, record.get("next")
            if record.get("head") != self.head or record.get("records") != self.records - 1:
                self.problems.append(f"line {number}: the end names another head or number of records than there are")


def check(folder: Path, anchors: Iterable[Anchor] = ()) -> list[Checked]:
    """Every segment of the store in `folder`, and those that are missing. Raises StoreError."""
    segments, wanted = Segments(folder), _by_segment(anchors)
    removed = removed_segments(folder)
    try:
        walks = {name: _walk(segments, name, wanted.get(name, {})) for name in segments.files()}
    finally:
        segments.close()
    found = [_judge(walk, walks.keys()) if isinstance(walk, _Walk) else walk for walk in walks.values()]
    known = {name: walk for name, walk in walks.items() if isinstance(walk, _Walk)}
    missing = _missing(known, walks.keys(), wanted)
    for name, reason in missing.items():
        found.append(_gone(name, reason, removed, wanted.get(name, {})))
    told = [
        Checked(name, "removed", entry.records, entry.head)
        for name, entry in removed.items()
        if name not in missing and name not in walks
    ]
    return sorted([*found, *told], key=lambda checked: checked.segment)


def read_anchors(text: str) -> list[Anchor]:
    """The anchors of `text`, one a line: "segment sequence head". Raises UsageError."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _ANCHOR.match(line)
        if match is None:
            raise UsageError(
                f"{line[:60]!r} is no anchor; an anchor is 'segment sequence head', as `agentlog verify --heads` prints it"
            )
        found.append(Anchor(match[1], int(match[2]), match[3]))
    return found


def _by_segment(anchors: Iterable[Anchor]) -> dict[str, dict[int, str]]:
    found: dict[str, dict[int, str]] = {}
    for anchor in anchors:
        found.setdefault(anchor.segment, {})[anchor.sequence] = anchor.head
    return found


def _walk(segments: Segments, name: str, heads: dict[int, str]) -> _Walk | Checked:
    walk, number, end = _Walk(name, heads), 0, 0
    try:
        for place, data in segments.chunks(name, 0):
            for line in data.split(b"\n")[:-1]:
                number += 1
                walk.line(number, line)
            end = place + len(data)
        if segments.plain_size(name) > end:
            walk.torn += 1
    except StoreError as error:
        return Checked(name, "unreadable", walk.records, walk.head, (str(error),))
    missing = [sequence for sequence in heads if sequence > walk.records]
    if missing:
        walk.problems.append(f"it ends after record {walk.records}; anchored record {max(missing)} is missing")
    return walk


def _judge(walk: _Walk, there: Collection[str]) -> Checked:
    notes = [f"{walk.torn} line{'s' if walk.torn > 1 else ''} written only in part"] if walk.torn else []
    if not walk.ended:
        notes.append("no end: its writer still runs, or was killed")
    elif walk.following and walk.following not in there:
        notes.append(f"its next segment {walk.following} is not there: never begun, or removed")
    if not walk.records:
        notes.append("no record")
    verdict: Verdict = "tampered" if walk.problems else "torn" if walk.torn else "whole" if walk.ended else "open"
    return Checked(walk.segment, verdict, walk.records, walk.head, tuple(walk.problems), tuple(notes))


def _missing(walks: dict[str, _Walk], there: Iterable[str], wanted: dict[str, dict[int, str]]) -> dict[str, str]:
    """Segments that others or anchors name and that are not there, with who names them.

    That a segment's end names its next one proves nothing: its writer may have been killed between the two.
    """
    present = set(there)
    named = {walk.previous: f"{name} continues it" for name, walk in walks.items() if walk.previous}
    named |= dict.fromkeys(wanted, "an anchor names it")
    return {name: reason for name, reason in named.items() if name not in present}


def _gone(name: str, reason: str, removed: dict[str, Any], heads: dict[int, str]) -> Checked:
    entry = removed.get(name)
    if entry is None:
        return Checked(name, "tampered", problems=(f"it is missing, and gc did not remove it ({reason})",))
    if heads and max(heads) == entry.records and heads[max(heads)] != entry.head:
        return Checked(
            name, "tampered", entry.records, entry.head, ("gc removed a segment with another head than the anchored one",)
        )
    return Checked(name, "removed", entry.records, entry.head)


def heads(checked: Iterable[Checked]) -> Iterator[Anchor]:
    """The anchors worth keeping elsewhere: the head of each segment that is there."""
    return (one.anchor for one in checked if one.records and one.verdict in ("whole", "open", "torn"))
