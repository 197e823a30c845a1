"""What failed: the exception, the way of user code that led there, the failing expression with its parts."""

from __future__ import annotations

import re
from dataclasses import replace

from agentlog.events import Failure, Frame, Operand, Value
from agentlog.outline import Item, Section, deepening, item, section
from agentlog.past import Execution
from agentlog.situation import USER_FRAMES, Situation
from agentlog.valuetext import brief, depths, nested

CUT = "..."
_WRAPPED = frozenset({"args", "kwargs"})
"""Arguments of a decorator's wrapper: they hide what was handed over."""
_PLACES = re.compile(r'^[^\n]*\(most recent call last\):[ ]*\n|^\s*File "[^\n]*", line \d+[^\n]*\n?(?:^    [^\n]*\n)?', re.M)
_RECEIVED = re.compile(r"\n\s*(?:Arguments received by|Call arguments received by)[\s\S]*\Z")
_OPERATOR = re.compile(r"__(?!init__|call__|new__)\w+__$|\b_unpack_zerodim|<locals>\.new_method$")
"""Functions behind an operator or a subscript: the line shows what they were given."""
_ENDLESS = re.compile(r"(\S{60})(\S{180,})(\S{40})")


def sections(case: Situation) -> list[Section]:
    """The section `failure`, empty where nothing failed."""
    failure = case.failure
    if failure is None:
        return []
    root = case.root or failure
    items = [
        _headline(failure),
        *_time(case),
        *_said(case),
        *_where(case, root),
        *_border(root),
        *_chain(failure),
        *_operands(root),
        *_notes(failure),
    ]
    return [section("failure", items)]


def shorten(text: str, room: int) -> str:
    """`text` with its middle cut to about `room` characters: messages end in what matters as often as they begin with it."""
    return text if len(text) <= room else f"{text[: room * 2 // 3].rstrip()} {CUT} {text[-room // 3 :].lstrip()}"


def _readable(text: str) -> str:
    """`text` with the middle of endless words cut: texts that a library has put together without a space."""
    return _ENDLESS.sub(lambda found: f"{found[1]}{CUT}{found[3]} ({len(found[0])} characters)", text)


def label(frame: Frame, ran: Execution | None = None) -> str:
    """`In[2] line 13 in procData` or `app.py line 3 in main`. `ran`: the execution that failed; one that has no number has a name."""
    cell = f"In[{frame.count}]" if frame.count is not None else (frame.cell or "")[-6:]
    if frame.count is None and ran is not None and ran.id == frame.cell:
        cell = ran.label
    where = cell if frame.cell else frame.file.rsplit("/", 1)[-1]
    inside = f" in {frame.function}" if frame.function and not frame.function.startswith("<module") else ""
    return f"{where} line {frame.line}{inside}"


def _gist(message: str) -> str:
    """A message without the tracebacks and the lists of arguments that some libraries put into it."""
    return _readable(_RECEIVED.sub("", _PLACES.sub("", message)).strip() or message)


def _headline(failure: Failure) -> Item:
    whole = failure.title
    flat = " ".join(replace(failure, message=_gist(failure.message)).title.split())
    return item(
        10.0, shorten(flat, 180), shorten(flat, 600), shorten(whole, 4000), whole, first=True, shape=(0.97, 0.98, 0.99, 1.0)
    )


def _where(case: Situation, root: Failure) -> list[Item]:
    frames = case.way
    if not frames:
        return []
    inner = frames[-1]
    path = " > ".join(label(frame, case.execution) for frame in _ends(frames))
    line = _said_there(inner)
    every = "\n".join(f"at {label(frame, case.execution)}{_said_there(frame)}" for frame in frames)
    expression = root.expression
    short = f": {shorten(expression.text, 120)}" if expression and len(expression.text) < len(line) else shorten(line, 160)
    around = "\n".join(f"{'>' if number == inner.line else ' '} {number:3} {text}" for number, text in inner.context)
    found = [
        item(8.0, f"at {path}{short}", f"at {path}{line}", every if len(frames) > 1 else "", first=True, shape=(0.9, 0.97, 1.0))
    ]
    if len(inner.context) > 1 and case.execution is None:
        found.append(item(1.0, around))
    return found


def _time(case: Situation) -> list[Item]:
    """Where the time was over, the interrupt that ended the cell was not the user's."""
    execution = case.execution
    if execution is None or execution.status != "timed_out":
        return []
    spent = f" after {execution.ms / 1000:.1f} s" if execution.ms else ""
    return [item(9.0, f"{execution.label} timed out{spent}: whoever ran it stopped it", first=True)]


def _said_there(frame: Frame) -> str:
    return f": {frame.source.strip()}" if frame.source else ""


def _ends(frames: list[Frame]) -> list[Frame]:
    """The outermost and the two innermost frames: enough to find the way."""
    return frames if len(frames) <= 3 else [frames[0], *frames[-2:]]


def _border(root: Failure) -> list[Item]:
    """The first library frame after user code, with what it was given."""
    frame = next((f for f in reversed(root.frames) if f.kind in ("library", "stdlib") and f.arguments), None)
    if frame is None or set(frame.arguments) - {"self"} <= _WRAPPED or _OPERATOR.search(frame.function):
        return []
    name = f"{frame.module}.{frame.function}" if frame.module else frame.function
    given = [f"{key}={_argument(value)}" for key, value in frame.arguments.items()]
    return [item(1.2, f"in {name}({shorten(', '.join(given), 160)})", f"in {name}({', '.join(given)})")]


def _argument(value: Value) -> str:
    """A class that was handed over is its name; of an object with a state only what it is: the values tell the rest."""
    if value.type in ("type", "ABCMeta"):
        return str(value.value or value.type)
    if value.shape is not None:
        return brief(value)
    return value.type if value.facts and value.length is None and value.value is None else nested(value)


def _chain(failure: Failure) -> list[Item]:
    """The exceptions it came from, nearest first, and the members of a group with the places they came from."""
    found: list[Item] = []
    cause: Failure | None = failure.cause
    how = failure.explicit_cause
    told = {failure.title, failure.type}
    while cause is not None:
        relation = "from" if how else "while handling"
        said = replace(cause, message="") if _contains(failure, cause.message) else cause
        if not told & {cause.title, said.title}:
            told |= {cause.title, said.title}
            title = _readable(said.title)
            found.append(item(3.0, f"{relation} {shorten(' '.join(title.split()), 200)}", f"{relation} {title}"))
        how, cause = cause.explicit_cause, cause.cause
    running = {(frame.file, frame.function) for frame in failure.frames}
    return found + [_member(leaf, running) for member in failure.group for leaf in _leaves(member)]


def _leaves(member: Failure) -> list[Failure]:
    """The exceptions of a group that are none themselves."""
    return [leaf for inner in member.group for leaf in _leaves(inner)] if member.group else [member]


def _member(member: Failure, running: set[tuple[str, str]]) -> Item:
    """A member of a group: what, where, the line, and its parts where they can not have changed since (functions that are `running` go on)."""
    title = f"group member: {shorten(' '.join(member.title.split()), 200)}"
    inner = next((frame for frame in reversed(member.frames) if frame.kind in USER_FRAMES), None)
    if inner is None:
        return item(3.0, title)
    place = f"{title} at {label(inner)}"
    ended = member.expression is not None and (inner.file, inner.function) not in running
    operands = member.expression.operands[:4] if member.expression is not None and ended else ()
    known = ", ".join(f"{operand.text} = {nested(operand.value, 40)}" for operand in operands)
    return item(3.0, place, place + _said_there(inner), f"{place}{_said_there(inner)} ({known})" if known else "")


def _contains(failure: Failure, message: str) -> bool:
    """Some libraries hand on the whole message of the exception they began with."""
    return " ".join(message.split()) in " ".join(failure.message.split())


def _operands(root: Failure) -> list[Item]:
    """The parts of the failing expression that are more than a name; plain names stand among the values. What was asserted was not so."""
    expression = root.expression
    if expression is None:
        return []
    asserted = {
        fact.text.removeprefix("asserted: ") for one in root.evidence if one.collector == "assertion" for fact in one.facts
    }
    return [
        _operand(operand)
        for operand in expression.operands
        if not operand.text.isidentifier() and not (operand.text in asserted and operand.value.value is False)
    ]


def _operand(operand: Operand) -> Item:
    return deepening(3.0, depths(operand.value), name=shorten(operand.text, 80))


def _said(case: Situation) -> list[Item]:
    """What the program said of the error when it recorded it, where that is more than the exception's own message."""
    message = case.error.message.rstrip(": ") if case.error else None
    if not message or case.failure is None or " ".join(message.split()) in " ".join(case.failure.title.split()):
        return []
    return [item(5.0, f"recorded as: {shorten(message, 200)}", f"recorded as: {message}")]


def _notes(failure: Failure) -> list[Item]:
    return [item(2.0, f"note: {shorten(note, 300)}", f"note: {note}") for note in failure.notes]
