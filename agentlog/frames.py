"""An exception, while its objects live, as plain data: frames, locals, the failing expression, the evidence.

Library frames shrink to a line; at the border the first of them shows what the user handed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentlog import peek
from agentlog.border import border, given
from agentlog.clock import clock, crowd
from agentlog.describe import describe, describe_names
from agentlog.describers.objects import file_names
from agentlog.evaluate import PLAIN, Scope, attribute
from agentlog.events import Evidence, Expression, Failure, Frame, Value
from agentlog.evidence import Failing, collect
from agentlog.expression import Located, describe_expression, locate, names_in
from agentlog.guard import guarded, note
from agentlog.own_text import has_safe_text
from agentlog.patterns import hash_error
from agentlog.relevance import by_distance, history_of, is_data, made_from, order_names, own_code
from agentlog.settings import Limits
from agentlog.stack import (
    CellOf,
    Level,
    arguments_of,
    cause_of,
    classify,
    depth_of,
    levels_of,
    members_of,
    no_cells,
    release,
    traceback_of,
)

_CHAIN, _GROUP = 6, 8
_MOST = 40  # exceptions described of one failure: groups of groups grow fast
_CALLER_LOCALS, _RAISING_LOCALS = 12, 16
_CONTEXT_LINES = 3
_WAITING = 4  # by the clock, the collectors may take this many times what they may compute


def failure_of(
    error: BaseException,
    *,
    cell_of: CellOf = no_cells,
    namespace: Mapping[str, object] | None = None,
    limits: Limits = Limits(),  # noqa: B008
    project: Path | None = None,
    skip_modules: tuple[str, ...] = ("IPython", "agentlog", "agentlog_ipy"),
) -> Failure:
    """`error` as plain data. Never raises; bounded by `limits.describe_ms` and `limits.evidence_ms` for the whole chain.

    cell_of     code file name -> the cell it stands for
    namespace   names of the shell, where the failure has no frame of its own (a syntax error)
    project     files under it are the user's
    """
    work = _Work(cell_of, namespace or {}, limits, project, skip_modules)
    found: Failure | None = work.failure(error)
    work.done()
    return found or _bare(error)


def _bare(error: BaseException) -> Failure:
    """What is left to say when describing itself failed."""
    kind = peek.class_name(type(error))
    try:
        message = message_of(error)
    except Exception:
        message = ""
    return Failure(type=kind, module=peek.class_module(type(error)), message=message, hash=hash_error(kind, message))


@dataclass(slots=True)
class _Work:
    """One failure being described: what all its frames, causes and members share. `collecting`, `computing`: seconds spent
    on evidence by the clock, and of this thread."""

    cell_of: CellOf
    namespace: Mapping[str, object]
    limits: Limits
    project: Path | None
    skip_modules: tuple[str, ...]
    started: float = field(default_factory=clock.perf_counter)
    collecting: float = 0.0
    computing: float = 0.0
    seen: set[int] = field(default_factory=set)
    levels: list[Level] = field(default_factory=list)
    known: dict[int, tuple[object, Value]] = field(default_factory=dict)
    named: dict[int, str] = field(default_factory=dict)
    crowded: float = field(default_factory=crowd)

    @property
    def describe_until(self) -> float:
        return self.started + self.collecting + self.crowded * self.limits.describe_ms / 1000

    @guarded("frames")
    def failure(self, error: BaseException, depth: int = 0) -> Failure:
        self.seen.add(id(error))
        levels = levels_of(traceback_of(error), self.cell_of, self.project, self.skip_modules, self.limits.frames)
        self.levels += levels
        left_out = depth_of(traceback_of(error)) - self.limits.frames
        user = next((level for level in reversed(levels) if level.user), None)
        located = _guarded_locate(user)
        scope = user.scope() if user else Scope(self.namespace)
        message = message_of(error, self.limits)
        evidence = self.evidence(error, message, levels, user, located, scope) if user or depth == 0 else ()
        expression = self.expression(located, scope) if located else None
        return Failure(
            type=peek.class_name(type(error)),
            module=peek.class_module(type(error)),
            message=message,
            frames=self.all_frames(error, levels, user, located, evidence, max(left_out, 0)),
            expression=expression,
            evidence=evidence,
            notes=_notes(error),
            cause=self.cause(error, depth),
            explicit_cause=cause_of(error)[1],
            group=self.members(error, depth),
            hash=hash_error(
                peek.class_name(type(error)), message, (level.frame.f_code.co_name for level in levels if level.user)
            ),
        )

    @guarded("frames")
    def done(self) -> None:
        self.known.clear()
        release(self.levels)

    def evidence(
        self, error: BaseException, message: str, levels: list[Level], user: Level | None, located: Located | None, scope: Scope
    ) -> tuple[Evidence, ...]:
        left = self.limits.evidence_ms / 1000 - self.computing
        begun, computed = clock.perf_counter(), clock.thread_time()
        patience = begun + _WAITING * left * self.crowded
        failing = Failing(error, message, levels, user, located, scope, self.describe, computed + left, patience, self.limits)
        try:
            return collect(failing)
        finally:
            self.collecting += clock.perf_counter() - begun
            self.computing += clock.thread_time() - computed

    @guarded("expression")
    def expression(self, located: Located, scope: Scope) -> Expression:
        return describe_expression(located, scope, self.describe)

    def describe(self, value: object) -> Value:
        """Each object once: an operand is often a local too, and the argument at the border."""
        kept = self.known.get(id(value))
        if kept is None:
            said = describe(value, self.limits, deadline=max(self.describe_until, clock.perf_counter() + 0.002))
            kept = self.known[id(value)] = (value, said)
        return kept[1]

    # --- frames -----------------------------------------------------------------------------------------------

    def all_frames(
        self,
        error: BaseException,
        levels: list[Level],
        user: Level | None,
        located: Located | None,
        evidence: tuple[Evidence, ...],
        left_out: int,
    ) -> tuple[Frame, ...]:
        """The stack, and for a syntax error the place it names; where no user code ran that place is all there is to see."""
        place = self.unrun(error)
        if place and user is None:
            return place
        return self.frames(levels, user, located, evidence, left_out) + place

    def frames(
        self, levels: list[Level], user: Level | None, located: Located | None, evidence: tuple[Evidence, ...], left_out: int
    ) -> tuple[Frame, ...]:
        """Innermost first while there is time; returned outermost first."""
        wanted = [name for item in evidence for name in item.names]
        made = [self.frame(levels, index, user, located, wanted) for index in range(len(levels) - 1, -1, -1)]
        made.reverse()
        if left_out > 0 and len(levels) >= self.limits.frames:
            made.insert(len(made) // 2, Frame("synthetic", "", 0, f"({left_out} more frames)"))
        return tuple(made)

    def unrun(self, error: BaseException) -> tuple[Frame, ...]:
        """The place that a syntax error names: nothing ran, so it has no frame."""
        if not peek.is_a(error, SyntaxError):
            return ()
        file, line, text = (attribute(error, name) for name in ("filename", "lineno", "text"))
        if type(file) is not str or type(line) is not int:
            return ()
        kind, cell = classify(file, self.cell_of, self.project)
        lines = cell.source.splitlines() if cell else []
        line += cell.first_line - 1 if cell else 0
        source = lines[line - 1] if 0 < line <= len(lines) else text if type(text) is str else None
        around = tuple(
            (n, lines[n - 1]) for n in range(max(1, line - _CONTEXT_LINES), min(len(lines), line + _CONTEXT_LINES) + 1)
        )
        said = source.rstrip("\n") if source else None
        return (
            Frame(
                kind,
                file,
                line,
                "<module>",
                cell=cell.execution if cell else None,
                count=cell.count if cell else None,
                source=said,
                context=around,
            ),
        )

    def frame(self, levels: list[Level], index: int, user: Level | None, located: Located | None, wanted: list[str]) -> Frame:
        level = levels[index]
        frame = Frame(
            kind=level.kind,
            file=level.file,
            line=level.line + level.shift,
            function=level.function,
            module=level.module,
            cell=level.cell.execution if level.cell else None,
            count=level.cell.count if level.cell else None,
            source=level.source(),
        )
        with_locals: Frame | None = self._with_locals(frame, levels, index, user, located, wanted)
        return with_locals or frame

    @guarded("frames.locals")
    def _with_locals(
        self, frame: Frame, levels: list[Level], index: int, user: Level | None, located: Located | None, wanted: list[str]
    ) -> Frame:
        level = levels[index]
        if level is user:
            names, omitted = self.own_locals(level, located, wanted)
            return replace(frame, locals=names, omitted=omitted, context=_context(level), same=self.same(level, names))
        if level.user:
            names, omitted = self.caller_locals(level)
            return replace(frame, locals=names, omitted=omitted, context=_context(level), same=self.same(level, names))
        if level is border(levels, user):
            frame = replace(frame, arguments=self.arguments(level))
        if index == len(levels) - 1 and level.kind in ("library", "synthetic"):
            names, omitted = self.some(level.names, list(level.names), _RAISING_LOCALS, depth=2)
            frame = replace(frame, locals=names, omitted=omitted)
        return frame

    def own_locals(self, level: Level, located: Located | None, wanted: list[str]) -> tuple[Mapping[str, Value], int]:
        """Of the last user frame: everything that matters, most relevant first."""
        known = _visible(level)
        near = _near(level, located)
        history = history_of(known) if level.top else []
        first = [*near[0], *wanted]
        order = order_names([*first, *near[1], *made_from(first or near[1], history, known)], known)
        return self.some(known, order, self.limits.locals)

    def same(self, level: Level, names: Iterable[str]) -> dict[str, str]:
        """Of `names` those whose very object has another name already; numbers and texts are what they are."""
        known, found = _visible(level), {}
        for name in names:
            value = known[name]
            other = self.named.get(id(value))
            if other is not None and other != name:
                found[name] = other
            elif name not in self.named.values() and type(value) not in PLAIN and is_data(value):
                self.named[id(value)] = name
        return found

    def caller_locals(self, level: Level) -> tuple[Mapping[str, Value], int]:
        """Of a user frame that called on: what its line and the lines around mention."""
        near = _near(level, None)
        known = _visible(level)
        order = order_names([*near[0], *near[1]], known, rest=not level.top)
        return self.some(known, order, _CALLER_LOCALS, depth=2)

    def arguments(self, level: Level) -> Mapping[str, Value]:
        found = dict(given(level))
        return self.some(found, list(found), _RAISING_LOCALS, depth=2)[0]

    def some(
        self, known: Mapping[str, object], order: list[str], most: int, depth: int | None = None
    ) -> tuple[dict[str, Value], int]:
        """The first `most` of `order` described, in that order; and how many were left out."""
        picked = {name: known[name] for name in order[:most] if name in known}
        described = {name: self.known[id(value)][1] for name, value in picked.items() if id(value) in self.known}
        limits = self.limits if depth is None else replace(self.limits, depth=min(depth, self.limits.depth))
        rest = {name: value for name, value in picked.items() if name not in described}
        described |= describe_names(rest, limits, deadline=self.describe_until)
        self.known |= {id(value): (value, described[name]) for name, value in rest.items() if depth is None}
        return {name: described[name] for name in picked if name in described}, max(0, len(order) - most)

    # --- chains -----------------------------------------------------------------------------------------------

    def cause(self, error: BaseException, depth: int) -> Failure | None:
        before = cause_of(error)[0]
        if before is None or id(before) in self.seen or depth >= _CHAIN:
            return None
        found: Failure | None = self.failure(before, depth + 1)
        return None if found is None or _says_nothing_new(found, error) else found

    def members(self, error: BaseException, depth: int) -> tuple[Failure, ...]:
        members = members_of(error)[:_GROUP] if depth < _CHAIN else ()
        found = [self.failure(one, depth + 1) for one in members if id(one) not in self.seen and len(self.seen) < _MOST]
        return tuple(failure for failure in found if failure is not None)


def _says_nothing_new(cause: Failure, error: BaseException) -> bool:
    """A library's own KeyError below its KeyError: same type, same text, none of the user's code."""
    same = cause.type == peek.class_name(type(error)) and cause.message == message_of(error)
    return same and cause.cause is None and not any(frame.kind in ("cell", "user") for frame in cause.frames)


def _guarded_locate(level: Level | None) -> Located | None:
    try:
        return locate(level) if level else None
    except Exception as error:
        note("expression", error)
        return None


def _near(level: Level, located: Located | None) -> tuple[list[str], list[str]]:
    """Names on the failing expression and its statement; names in the code around, nearest first."""
    line = level.source() or ""
    first: list[str] = []
    if located is not None:
        first = [*names_in(located.node), *(names_in(located.statement) if located.statement is not None else ())]
    lines = level.lines() if level.kind in ("cell", "user") else [line]
    if level.kind == "user":
        start = max(0, level.line - 60)
        return [*first, *by_distance([line], 1)], by_distance(lines[start : level.line + 20], level.line - start)
    return [*first, *by_distance([line], 1)], by_distance(lines, level.line)


def _visible(level: Level) -> Mapping[str, object]:
    """The locals, and before them in sight the globals that a function's code mentions."""
    local = level.names
    if level.top:
        return local
    world = level.frame.f_globals
    read = {name: world[name] for name in level.frame.f_code.co_names if name in world and name not in local}
    return {**{name: value for name, value in read.items() if is_data(value) or own_code(value)}, **local}


def _context(level: Level) -> tuple[tuple[int, str], ...]:
    """Numbered lines around the failing one, as the user wrote them."""
    lines = level.cell.source.splitlines() if level.cell else level.lines()
    line = level.line + level.shift
    first, last = max(1, line - _CONTEXT_LINES), min(len(lines), line + _CONTEXT_LINES)
    return tuple((number, lines[number - 1].rstrip("\r\n")[:400]) for number in range(first, last + 1))


def _notes(error: BaseException) -> tuple[str, ...]:
    notes = peek.own(error, "__notes__")
    return tuple(text for text in notes[:20] if type(text) is str) if type(notes) is list else ()


# --- message --------------------------------------------------------------------------------------------------

_LONGEST = 1_000  # items of a list whose text is asked for
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
"""What libraries put into messages for terminals: nothing to read."""


def message_of(error: BaseException, limits: Limits = Limits()) -> str:  # noqa: B008
    """str(error) where no code of the user's runs for it, else its arguments described."""
    text = _COLOURS.sub("", _own_text(error) if _safe_str(error) else _from_arguments(arguments_of(error)))
    most = limits.message_chars
    return text if len(text) <= most else f"{text[: most - 200]} ... {text[-150:]}"


def _own_text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return _from_arguments(arguments_of(error))


def _safe_str(error: BaseException) -> bool:
    """Is `__str__` that of an installed library or of the interpreter, and are the arguments plain?"""
    method = peek.on_class(error, "__str__")
    code = getattr(method, "__code__", None)
    if code is not None and classify(code.co_filename, no_cells, None)[0] not in ("library", "stdlib"):
        return False
    if code is not None or peek.class_name(type(error)) in ("ExceptionGroup", "BaseExceptionGroup"):
        return True
    return all(_plain(part) for part in (*arguments_of(error), *file_names(error)))


def _plain(part: object, depth: int = 0) -> bool:
    if peek.exactly(part, tuple, list):
        return depth < 4 and len(part) <= _LONGEST and all(_plain(piece, depth + 1) for piece in part)  # type: ignore[arg-type, attr-defined]
    return has_safe_text(part)


def _from_arguments(parts: Iterable[object]) -> str:
    return ", ".join(str(part) if type(part) in PLAIN else f"<{peek.class_name(type(part))}>" for part in parts)
