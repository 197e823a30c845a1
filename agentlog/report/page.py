"""The HTML document of a report: everything is in the page itself, and everything recorded is escaped text.

The steps are plain HTML, readable and printable without scripts. The script adds stepping, the namespace at each step
(replayed from the changes in the data block: one copy of each value's text, a list of changes a step) and filters.
The content security policy of the page lets only its own style and script work, and reaches no network.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from importlib import resources
from typing import TYPE_CHECKING

from agentlog.diffs.html import body as diff_body
from agentlog.events import Change
from agentlog.html.stylesheet import STYLE, element, status_of, unfolding
from agentlog.ids import short
from agentlog.report.failures import Failures
from agentlog.report.images import Images
from agentlog.report.steps import Piece, Recording, Step
from agentlog.tables import duration
from agentlog.value_changes import SIGNS
from agentlog.valuetext import brief, nested

if TYPE_CHECKING:
    from agentlog.store import Store

MEGABYTE = 1_000_000
IMAGES_SHARE = 0.4
"""Of the size of the document, what images may have at least where there are some; they get what the text leaves."""
LINES = 30
"""An output of more lines scrolls by itself."""


@dataclass(frozen=True, slots=True)
class Room:
    """Characters that one text may have (head and tail are kept), and how many changes of a step are listed."""

    source: int
    output: int
    error: int
    changes: int


ROOMS = (
    Room(40_000, 20_000, 20_000, 200), Room(20_000, 6_000, 8_000, 60), Room(8_000, 2_000, 4_000, 30), Room(3_000, 800, 2_500, 16),
    Room(1_500, 300, 1_500, 8), Room(500, 120, 700, 4), Room(160, 60, 300, 2),
)  # fmt: skip
"""From the most generous on: the first with which the document is small enough is taken."""


def document(store: Store, recording: Recording, limit: int = 2 * MEGABYTE) -> str:
    """The report in at most `limit` bytes; what had to be cut or left out is said where it is missing."""
    images, failures = Images(store), Failures(store)
    wanted = images.wanted(recording)
    room_for_text = limit - min(int(limit * IMAGES_SHARE), wanted)
    steps, page = recording.steps, ""
    for room in ROOMS:
        page = _page(failures, recording, steps, room, Images(store))
        if len(page.encode()) <= room_for_text:
            break
    while len(page.encode()) > limit and len(steps) > 1:
        steps = steps[-max(int(len(steps) * 0.9 * limit / len(page.encode())), 1) :]
        page = _page(failures, recording, steps, ROOMS[-1], Images(store))
    return _page(failures, recording, steps, room, images.within(limit - len(page.encode()), recording)) if wanted else page


# --- the page -----------------------------------------------------------------------------------------------------


def _page(failures: Failures, recording: Recording, steps: tuple[Step, ...], room: Room, images: Images) -> str:
    css = STYLE + _file("report.css")
    script = _file("report.js")
    policy = f"default-src 'none'; img-src data:; style-src '{_hash(css)}'; script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    title = f"{recording.session.title} · {short(recording.session.id)}"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">'
        f'<meta name="referrer" content="no-referrer"><title>{escape(title)}</title><style>{css}</style></head>'
        f'<body class="agentlog"><a class="skip" href="#steps">To the steps</a>{_header(recording, steps)}{_file("report_bar.html")}'
        f'<main><section id="steps" aria-label="Steps"><ol>{"".join(_items(failures, steps, room, images))}</ol></section>{_NAMES}</main>'
        f'<script type="application/json" id="data">{_data(recording, steps)}</script><script>{script}</script></body></html>\n'
    )


_NAMES = (
    '<aside id="names" aria-label="Names at this step"><details open><summary>Names <span class="soft" id="names-when"></span></summary>'
    '<div id="names-list"><p class="soft">Stepping and the names at each step need the script of this page.</p></div></details></aside>'
)


def _file(name: str) -> str:
    return (resources.files("agentlog") / "report" / "files" / name).read_text(encoding="utf-8").strip("\n")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _header(recording: Recording, steps: tuple[Step, ...]) -> str:
    one = recording.session
    facts = {
        "session": short(one.id), "state": one.how, "started": one.started, "ended": one.ended, "agent": one.agent, "python": one.python,
        "notebook": one.notebook, "git": " ".join(str(fact) for fact in (one.git.get("branch"), str(one.git.get("commit") or "")[:10]) if fact),
    }  # fmt: skip
    listed = "".join(f"<li><b>{name}</b><span>{escape(str(fact))}</span></li>" for name, fact in facts.items() if fact)
    failed = [(number, step) for number, step in enumerate(steps) if step.failed]
    links = "".join(
        f'<li><a href="#s{number}">{escape(_label(step))}</a> {escape(_said(step))}</li>' for number, step in failed[:20]
    )
    more = f"<li>… {len(failed) - 20} more</li>" if len(failed) > 20 else ""
    failures = (
        unfolding(f'<span class="bad">{len(failed)} failed</span>', f"<ul>{links}{more}</ul>", opened=len(failed) <= 5)
        if failed
        else ""
    )
    left = len(recording.steps) - len(steps)
    cut = (
        f'<p class="warn cut">{left} earlier steps are left out to keep this document small: agentlog history --session {short(one.id)}</p>'
        if left
        else ""
    )
    cells = sum(step.execution is not None for step in steps)
    agents = len({step.agent for step in steps})
    counts = " · ".join(
        [f"{cells} cell{'s' * (cells != 1)}", f"{len(steps)} steps", *([f"{agents} agents"] if agents > 1 else [])]
    )
    about = unfolding(f'<span class="soft">{counts}</span>', f'<ul class="facts">{listed}</ul>')
    return f"<header><h1>{escape(one.title)}</h1>{about}{failures}{_before(recording)}{cut}</header>"


def _before(recording: Recording) -> str:
    if recording.before is None:
        return ""
    first = recording.before.first
    said = f": {str(first)[:160]}" if first is not None else ""
    return unfolding(f"Against the run before{escape(said)}", diff_body(recording.before, 40))


def _items(failures: Failures, steps: tuple[Step, ...], room: Room, images: Images) -> Iterator[str]:
    contexts = len([step for step in steps if step.failed])
    for number, step in enumerate(steps):
        kind = "cell" if step.execution else "event"
        failed = " failed" if step.failed else ""
        body = _cell(failures, step, room, images, contexts) if step.execution else _event(step, room)
        head = (
            f'<a class="label" href="#s{number}">{escape(_label(step))}</a> {status_of(step.status) if step.execution or step.failed else ""}'
            f' <span class="soft">{escape(step.agent)} · <time datetime="{escape(step.time)}">+{step.at:.1f} s</time>{_took(step)}</span>'
        )
        contexts -= step.failed
        yield f'<li id="s{number}" class="step {kind}{failed}"><div class="head">{head}</div>{body}</li>'


def _took(step: Step) -> str:
    ms = step.execution.ms if step.execution else step.told.ms if step.told else None
    return f" · {escape(duration(ms))}" if ms else ""


def _label(step: Step) -> str:
    return step.execution.label if step.execution is not None else step.kind


def _said(step: Step) -> str:
    return (
        (step.execution.error or step.execution.status)
        if step.execution is not None
        else step.told.text[:200]
        if step.told
        else ""
    )


def _cell(failures: Failures, step: Step, room: Room, images: Images, behind: int) -> str:
    one = step.execution
    assert one is not None
    parts = [f'<pre class="source"><code>{_cut(one.source.strip(chr(10)), room.source, one.id)}</code></pre>']
    parts += [_piece(piece, room, images, one.id) for piece in step.pieces]
    if step.result is not None and not any(piece.kind == "result" for piece in step.pieces):
        parts.append(f'<pre class="out">{_cut(brief(step.result), room.output, one.id)}</pre>')
    if step.failed:
        parts.append(failures.html(one, step.errors, step.death, room.error, behind))
    if step.changes:
        parts.append(_changes(step.changes, room.changes))
    return "".join(parts)


def _piece(piece: Piece, room: Room, images: Images, execution: str) -> str:
    if piece.image is not None:
        return images.html(piece, short(execution))
    missing = (
        f'\n<span class="soft cut">[{piece.missing} characters more: agentlog show {short(execution)} --full]</span>'
        if piece.missing
        else ""
    )
    kind = " stderr" if piece.kind == "stderr" else ""
    scrolls = ' long" tabindex="0" role="region" aria-label="long output' if piece.text.count("\n") > LINES else ""
    return f'<pre class="out{kind}{scrolls}">{_cut(piece.text.rstrip(chr(10)), room.output, execution)}{missing}</pre>'


def _changes(changes: tuple[Change, ...], most: int) -> str:
    named = ", ".join(f"{SIGNS[change.kind]}{change.name}" for change in changes[: min(most, 12)])
    more = f", … {len(changes) - min(most, 12)} more" if len(changes) > min(most, 12) else ""
    return f'<p class="changes soft mono">{escape(named + more)}</p>'


def _event(step: Step, room: Room) -> str:
    told = step.told
    assert told is not None
    result = f'<pre class="out">{_cut(told.result, room.output, told.id)}</pre>' if told.result else ""
    return f'<p class="said kind-{escape(step.kind)}">{_cut(told.text, room.source, told.id)}</p>{result}'


def _cut(text: str, room: int, identifier: str) -> str:
    """`text` escaped, its middle left out where it is longer than `room`."""
    if len(text) <= room + 80:
        return escape(text)
    tail = room // 3
    left = len(text) - room
    mark = element("span", f"[… {left} characters left out: agentlog show {short(identifier)}]", "soft cut")
    return f"{escape(text[: room - tail])}\n{mark}\n{escape(text[-tail:])}"


# --- data for the script --------------------------------------------------------------------------------------------


def _data(recording: Recording, steps: tuple[Step, ...]) -> str:
    """{"steps": [{"t", "p", "k", "c": [[sign, name, number of the value's text], ...]}, ...], "values": [text, ...], "before": [...]}.

    Names that were bound by steps that are left out come in `before`: (process, name, value).
    """
    values: dict[str, int] = {}

    def change(one: Change) -> list[object]:
        if one.new is None:
            return [SIGNS[one.kind], one.name]
        return [SIGNS[one.kind], one.name, values.setdefault(nested(one.new, 120), len(values))]

    skipped = recording.steps[: len(recording.steps) - len(steps)]
    bound = {(step.process, one.name): change(one) for step in skipped for one in step.changes}
    listed = [
        {"t": step.time, "p": step.process, "k": step.kind, "s": step.status, "f": int(step.failed), "c": [change(one) for one in step.changes]}
        for step in steps
    ]  # fmt: skip
    before = [[process, *one] for (process, _), one in bound.items()]
    data = {"steps": listed, "before": before, "values": list(values)}
    return (
        json.dumps(data, ensure_ascii=False, separators=(",", ":"))
        .replace("<", "\\u003c")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
