"""What is different: between two executions, two moments of a namespace, two runs or sessions, two executed notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from agentlog.diffs.alignment import Pair, align, likeness
from agentlog.diffs.compare import value_difference
from agentlog.diffs.difference import Difference
from agentlog.diffs.differences import PairReader
from agentlog.diffs.divergence import Divergence, first_divergence
from agentlog.diffs.notebook_side import notebook_side
from agentlog.diffs.outside import sides_differences
from agentlog.diffs.sides import Side, execution_entry, session_side
from agentlog.diffs.since import changes_since, label_list, latest_inputs
from agentlog.diffs.text import markdown, text
from agentlog.errors import NotFound
from agentlog.lineage import Lineage, same_cell
from agentlog.past import Execution, Session
from agentlog.tables import Text
from agentlog.value_changes import difference

if TYPE_CHECKING:
    from agentlog.store import Store

TOKENS = 2000
_OUTER = frozenset({"package", "hash seed", "cwd", "timezone", "environment"})
"""Differences outside a cell that say less than an input that changed."""
_ALIKE = 0.75
"""Likeness of sources from which a failed cell without an id counts as an edit of one that worked."""


@dataclass(frozen=True, repr=False)
class Diff(Text):
    """The comparison of `a` (before) with `b` (now). Displays itself; `first` is where they part, None where they do not.

    pairwise: of two executions, or of one with what it read: the title says which.
    """

    a: str
    b: str
    first: Divergence | None
    differences: tuple[Difference, ...]
    tokens: int = TOKENS
    format: str = "text"
    pairwise: bool = False

    def __str__(self) -> str:
        return markdown(self, self.tokens) if self.format == "markdown" else text(self, self.tokens)

    def markdown(self) -> str:
        """As markdown, within the token budget."""
        return markdown(self, self.tokens)

    def as_json(self) -> dict[str, Any]:
        """{"a", "b", "first", "differences"}."""
        return {
            "a": self.a, "b": self.b, "first": asdict(self.first) | {"text": str(self.first)} if self.first else None,
            "differences": [asdict(d) | {"weight": d.weight} for d in self.differences],
        }  # fmt: skip

    def _repr_html_(self) -> str:
        from agentlog.diffs.html import html

        return html(self)


# --- runs -----------------------------------------------------------------------------------------------------


def compare_sides(a: Side, b: Side, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """Two runs, aligned; the first divergence, then the rest by weight."""
    pairs = align(a.entries, b.entries)
    reader = PairReader()
    found = [reader.read(pair) for pair in pairs]
    whole = _not_told_again(list(sides_differences(a, b)), found)
    first = first_divergence(pairs, found, whole)
    return Diff(a.title, b.title, first, _rest(whole, found, first), tokens, format)


def _not_told_again(whole: list[Difference], found: Sequence[Sequence[Difference]]) -> list[Difference]:
    told = {(d.kind, d.name) for differences in found for d in differences}
    return [d for d in whole if (d.kind, d.name) not in told]


def _rest(whole: Sequence[Difference], found: Sequence[Sequence[Difference]], first: Divergence | None) -> tuple[Difference, ...]:
    """Everything else, the weightiest first, earlier before later."""
    spent = {id(first.cause), *(id(effect) for effect in first.effects[:3])} if first else set()
    every = [*whole, *(d for differences in found for d in differences)]
    return tuple(sorted((d for d in every if id(d) not in spent or d.detail), key=lambda d: -d.weight))


def compare_sessions(store: Store, a: Session, b: Session, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """Two recorded sessions."""
    return compare_sides(session_side(store, a), session_side(store, b), tokens=tokens, format=format)


def compare_notebooks(a: str, b: str, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """Two executed notebook files."""
    return compare_sides(notebook_side(a), notebook_side(b), tokens=tokens, format=format)


def last_ok(store: Store, session: Session) -> Session:
    """The latest session of the same notebook before `session` that ran without a failure. Raises NotFound."""
    for one in store.sessions():
        if one.id < session.id and _same_subject(one, session) and one.executions and not one.failures and one.how != "died":
            return one
    subject = session.title if session.notebook else "this kind"
    raise NotFound(f"no earlier session of {subject} ran without a failure; name one with --session (see agentlog sessions)")


def run_before(store: Store, session: Session) -> Session | None:
    """The latest earlier session of the same notebook, or of the same program, that ran any cell; None where there is none."""
    for one in store.sessions(until=session.started):
        if one.id < session.id and one.executions and (one.notebook or len(one.argv) > 0) and _same_subject(one, session):
            return one
    return None


def _same_subject(one: Session, other: Session) -> bool:
    if one.notebook or other.notebook:
        return one.notebook == other.notebook
    return one.life == other.life and one.cwd == other.cwd and one.argv == other.argv


# --- executions -----------------------------------------------------------------------------------------------


def compare_executions(store: Store, a: Execution, b: Execution, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """Two executions: their code, what they read, what came of it."""
    one, other = execution_entry(store, a), execution_entry(store, b)
    pair = Pair(one, other)
    found = [*_inputs(store, a, b), *PairReader().read(pair)]
    first = _input_first(pair, found)
    before, after = (f"{e.label} {e.id[-6:]} ({e.status})" for e in (a, b))
    first = replace(first, a=None, b=None) if first is not None else None
    return Diff(before, after, first, _rest((), [found], first), tokens, format, pairwise=True)


def _input_first(pair: Pair, found: list[Difference]) -> Divergence | None:
    """Of two runs of a cell: the code, else what stood outside it, else an input that changed, else the effect."""
    first = first_divergence([pair], [[d for d in found if d.kind != "input"]], [])
    inputs = [d for d in found if d.kind == "input"]
    if inputs and (first is None or not first.explained or first.cause.kind in _OUTER or _only_removed(first, pair)):
        effects = first.effects if first is not None else ()
        assert pair.a is not None
        assert pair.b is not None
        return Divergence(inputs[0], pair.a.label, pair.b.label, effects)
    return first


def _only_removed(first: Divergence, pair: Pair) -> bool:
    """Was code only taken away from a cell that fails now? What is gone does not raise."""
    failed = pair.b is not None and bool(pair.b.error)
    return failed and bool(first.cause.words) and not any(mark == "+" and part.strip() for mark, part in first.cause.words)


def _inputs(store: Store, a: Execution, b: Execution) -> Iterator[Difference]:
    """Names the second one read that were something else when the first one ran."""
    later = Lineage.of(store, b.session)
    earlier = later if a.session == b.session else Lineage.of(store, a.session)
    for name in sorted(later.reads(b.id)):
        one, other = earlier.value(name, a.id), later.value(name, b.id)
        by = later.writer(name, b.id)
        writers = [
            s.execution.label for s in later.steps(name, b.id) if a.session != b.session or not later.before(s.execution.id, a.id)
        ]
        if a.session == b.session and (by is None or later.before(by.id, a.id)):
            continue
        said = difference(one, other) or value_difference(one, other) if one is not None and other is not None else ""
        if said:
            where = f" by {label_list(writers)}" if writers and by is not None else ""
            yield Difference("input", f"input {name} changed{where}: {said}", a.label, b.label, name)


def like_it(store: Store, failed: Execution) -> Execution | None:
    """The latest earlier execution of its session that ended well and whose source is much like that of `failed`."""
    runs = [e for e in store.executions(failed.session) if e.status == "ok" and e.id < failed.id]
    alike = [e for e in runs if likeness(e.source, failed.source) >= _ALIKE]
    return alike[-1] if alike else None


def compare_with_inputs(store: Store, execution: Execution, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """An execution that there is nothing to compare with: its error, and what last became of each name it read."""
    found = [Difference("error", execution.error)] if execution.error else []
    found += latest_inputs(Lineage.of(store, execution.session), execution)
    after = f"{execution.label} {execution.id[-6:]} ({execution.status}), and what it read"
    return Diff("no success before", after, None, tuple(found), tokens, format, pairwise=True)


def last_success(store: Store, failed: Execution) -> Execution | None:
    """The latest earlier run of the same cell that ended well: in its session, else in earlier ones of the notebook."""
    here = store.session(failed.session)
    for session in [here, *(s for s in store.sessions(limit=50) if s.id < here.id and _same_subject(s, here))]:
        runs = [e for e in store.executions(session.id) if e.status == "ok" and e.id < failed.id and same_cell(e, failed)]
        if runs:
            return runs[-1]
    return None


# --- a namespace ----------------------------------------------------------------------------------------------


def compare_namespace(store: Store, since: Execution, *, tokens: int = TOKENS, format: str = "text") -> Diff:
    """What became of each name since the execution `since` of the same session."""
    found = tuple(changes_since(Lineage.of(store, since.session), since))
    return Diff(f"after {since.label}", "now", None, found, tokens, format, pairwise=True)
