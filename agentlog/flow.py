"""Several agents as a tree: who started whom, what was handed over, how each ended, and where bad data entered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agentlog.events import ErrorRaised, Event, Logged, MessageSaid, OutcomeTagged, SpanEnded
from agentlog.ids import short
from agentlog.origins import Origin, Sighting, origins
from agentlog.tables import Text, cut, in_terminal, one_line, paint, width
from agentlog.trail import Node, call_text, events_of, family
from agentlog.valuetext import nested

if TYPE_CHECKING:
    from agentlog.past import Session
    from agentlog.store import Store


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failure of one agent and where its values came from."""

    error: ErrorRaised
    agent: str
    origins: tuple[Origin, ...]


@dataclass(frozen=True, repr=False)
class Flow(Text):
    """The tree, what happened in it, and its troubles in order."""

    tree: Node
    events: tuple[Event, ...]
    troubles: tuple[Trouble, ...]

    def __str__(self) -> str:
        colour, room = in_terminal(), width()
        told = [line for trouble in self.troubles for line in self._trouble(trouble, room, colour)]
        return "\n".join([*self._branch(self.tree, "", "", room, colour), *told])

    def as_json(self) -> dict[str, Any]:
        """{"tree", "handovers", "troubles"}: ids, names and texts."""
        return {
            "tree": self._as_json(self.tree),
            "handovers": [
                {"id": one.id, "from": self.name(one), "to": one.to, "text": one.text,
                 "data": {name: nested(value, 200) for name, value in one.data.items()}}
                for one in self.events if isinstance(one, MessageSaid) and one.role == "handover"
            ],
            "troubles": [
                {"error": t.error.failure.title, "id": t.error.id, "agent": t.agent,
                 "values": [{"name": o.name, "value": nested(o.value, 200), "entered": self._said(o.sightings[0]),
                             "path": [self._said(s) for s in o.sightings]} for o in t.origins]}
                for t in self.troubles
            ],
        }  # fmt: skip

    def name(self, event: Event) -> str:
        """The agent whose session the event belongs to."""
        return next((node.name for node in self.tree.all() if node.session.id == event.session), short(event.session))

    def _as_json(self, node: Node) -> dict[str, Any]:
        one = node.session
        return {
            "session": one.id, "agent": one.agent, "task": one.task, "how": one.how, **self._counts(one),
            "children": [self._as_json(child) for child in node.children],
        }  # fmt: skip

    def _counts(self, session: Session) -> dict[str, int]:
        counts = Counter(_counted(event) for event in self.events if event.session == session.id)
        return {kind: count for kind, count in counts.items() if kind}

    def _branch(self, node: Node, front: str, below: str, room: int, colour: bool) -> Iterator[str]:
        one = node.session
        counts = ", ".join(f"{count} {kind if count != 1 else kind.rstrip('s')}" for kind, count in self._counts(one).items())
        outcome = next(
            (e.outcome for e in reversed(self.events) if isinstance(e, OutcomeTagged) and (e.subject or e.session) == one.id),
            one.how,
        )
        task = f": {one.task}" if one.agent and one.task else ""
        text = f"{paint(node.name, 'bold', colour)}{task}  [{short(one.id)} {outcome}{f'; {counts}' if counts else ''}]"
        yield cut(front + text, room)
        handovers = [e for e in self.events if isinstance(e, MessageSaid) and e.role == "handover" and e.session == one.id]
        rows: list[MessageSaid | Node] = [*handovers, *node.children]
        for number, row in enumerate(rows):
            last = number == len(rows) - 1
            inner, deeper = below + ("└─ " if last else "├─ "), below + ("   " if last else "│  ")
            if isinstance(row, Node):
                yield from self._branch(row, inner, deeper, room, colour)
            else:
                yield cut(f"{inner}{paint('handover', 'yellow', colour)} to {row.to}: {one_line(_handed(row))}", room)

    def _trouble(self, trouble: Trouble, room: int, colour: bool) -> Iterator[str]:
        failure = trouble.error.failure
        yield ""
        yield paint(cut(f"{trouble.agent} failed: {failure.type}: {one_line(failure.message)}", room), "red", colour)
        if not trouble.origins:
            yield "  its values were not seen before: nothing recorded returned, handed over or said an equal one"
        for origin in trouble.origins:
            yield cut(f"  {origin.name} = {nested(origin.value, 80)}", room)
            for number, sighting in enumerate(_ends(origin.sightings)):
                yield cut(f"    {'entered: ' if number == 0 else 'then:    '}{self._said(sighting)}", room)

    def _said(self, sighting: Sighting) -> str:
        event, who = sighting.event, self.name(sighting.event)
        inside = f" at {sighting.path}" if sighting.path else ""
        if isinstance(event, SpanEnded):
            what = {"tool": "tool ", "llm": "model "}.get(event.what, "")
            if sighting.how == "given to":
                return f"{who} gave it to {what}{call_text(event, 80)}{inside}"
            return f"{who}: {what}{call_text(event, 80)} {sighting.how} it{inside}"
        if isinstance(event, MessageSaid) and event.role == "handover":
            return f"{who} handed it over to {event.to}{inside}"
        if isinstance(event, MessageSaid):
            role = {"user": "the user", "thought": f"{who} (thought)"}.get(event.role, who)
            return f"{role} said it: {one_line(event.text)[:80]}"
        if isinstance(event, Logged):
            return f"{who} noted it{inside}: {one_line(event.message)[:80]}"
        return f"{who} {sighting.how} it{inside}"


def flow(store: Store, session: Session) -> Flow:
    """The tree of `session` and what it started."""
    tree = family(store, session)
    events = events_of(store, tree)
    names = {node.session.id: node.name for node in tree.all()}
    troubles = [
        Trouble(event, names.get(event.session, ""), tuple(origins(event, events)))
        for event in events
        if isinstance(event, ErrorRaised)
    ]
    return Flow(tree, tuple(events), tuple(_once(troubles)))


def root_of(store: Store, session: Session) -> Session:
    """The task at the top of those that `session` was started within; a plain session is its own."""
    seen = {session.id}
    while session.parent and session.parent not in seen:
        above = store.sessions(limit=None)
        found = next((one for one in above if one.id == session.parent), None)
        if found is None or found.life != "task":
            return session
        seen.add(found.id)
        session = found
    return session


def _once(troubles: Sequence[Trouble]) -> Iterator[Trouble]:
    """An exception that passes through several hands is told once, where it was first seen."""
    seen: set[tuple[str, str, str | None]] = set()
    for trouble in troubles:
        failure = trouble.error.failure
        key = (failure.type, failure.message, failure.hash)
        if key not in seen:
            seen.add(key)
            yield trouble


def _ends(sightings: Sequence[Sighting], most: int = 6) -> Sequence[Sighting]:
    return sightings if len(sightings) <= most else [*sightings[: most - 2], *sightings[-2:]]


def _handed(event: MessageSaid) -> str:
    data = ", ".join(f"{name}={nested(value, 60)}" for name, value in event.data.items())
    return " ".join(part for part in (event.text, f"({data})" if data else "") if part)


def _counted(event: Event) -> str | None:
    if isinstance(event, SpanEnded):
        return {"tool": "tools", "llm": "model calls"}.get(event.what)
    return "errors" if isinstance(event, ErrorRaised) else None
