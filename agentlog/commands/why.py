"""Which cells made and changed a name, what each did to it, and which of them are stale.

why df                   as it stands now
why df --at 7            as it stood after In[7]
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import NotFound
from agentlog.events import plain
from agentlog.lineage import Lineage, Step
from agentlog.notebook_cells import first_line
from agentlog.staleness import Stale, stale
from agentlog.tables import Text
from agentlog.value_changes import describe_short, difference

JSON = TASKS_TOO = True
_LINES = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="a variable, function or class of the session")
    parser.add_argument("--at", metavar="In[n]", help="as it stood after this execution (a number or an id)")
    parser.add_argument("--session", help="session id or the end of one (default: the latest)")
    parser.add_argument("--full", action="store_true", help="whole sources")


def run(args: argparse.Namespace, desk: Desk) -> Why:
    """The history of the name."""
    session = desk.store.session(args.session or desk.session)
    lineage = Lineage.of(desk.store, session.id)
    at = desk.store.execution(args.at, session.id).id if args.at else None
    steps = lineage.chain(args.name, at)
    if not steps:
        raise NotFound(_unknown(args.name, args.at, lineage))
    inputs = {s.execution.id: _inputs(args.name, s.execution.id, lineage) for s in steps}
    labels = {execution.id: execution.label for execution in lineage.executions}
    return Why(args.name, tuple(steps), inputs, labels, tuple(stale(lineage, args.name, at)), args.full)


def _inputs(name: str, execution: str, lineage: Lineage) -> dict[str, str]:
    """What the execution read beside the name itself; not the modules it called."""
    read = {other: writer for other, writer in lineage.inputs(execution).items() if other != name}
    return {other: writer for other, writer in read.items() if _type(lineage.value(other, execution)) != "module"}


def _type(value: Any) -> str | None:
    return value.type if value is not None else None


def _unknown(name: str, at: str | None, lineage: Lineage) -> str:
    from difflib import get_close_matches

    columns = list(_as_column(name, lineage))
    if columns:
        return f"no variable {name!r}; a column of that name: {'; '.join(columns[-6:])} (why {columns[-1].split()[0]} tells the rest)"
    root = re.split(r"[.\[(]", name, maxsplit=1)[0]
    if root != name and root in lineage.names():
        return f"a name is followed as a whole, not {name!r}: why {root}"
    later = next((step.execution.label for step in lineage.steps(name)), None)
    if later is not None:
        return f"{name!r} did not stand for anything {f'after {at}' if at else 'yet'}: it was made in {later}"
    near = get_close_matches(name, lineage.names(), 3)
    hint = f"did you mean {', '.join(near)}?" if near else "agentlog timeline lists what each cell made"
    return f"no recorded cell made or changed {name!r}{f' up to {at}' if at else ''}; {hint}"


def _as_column(name: str, lineage: Lineage) -> Iterator[str]:
    """ "df gained it in In[6]": frames whose column of that name came or went, in order."""
    steps = [(step.execution.id, frame, step) for frame in lineage.names() for step in lineage.steps(frame)]
    for _, frame, step in sorted(steps, key=lambda one: one[0]):
        had, has = (name in [c.name for c in v.columns] if v is not None else False for v in (step.change.old, step.change.new))
        if had != has:
            yield f"{frame} {'gained' if has else 'lost'} it in {step.execution.label}"


@dataclass(frozen=True, repr=False)
class Why(Text):
    """The chain of one name, oldest first."""

    name: str
    steps: tuple[Step, ...]
    inputs: dict[str, dict[str, str]]
    labels: dict[str, str]
    stale: tuple[Stale, ...]
    full: bool = False

    def __str__(self) -> str:
        lines = [self.head()]
        for step in self.steps:
            lines += [self.step(step), *self._source(step)]
        lines += [f"stale: {stale.text}" for stale in self.stale]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """{"name", "steps", "stale"}."""
        steps = [
            {"execution": s.execution.id, "count": s.execution.count, "kind": s.change.kind, "source": s.execution.source,
             "new": plain(s.change.new) if s.change.new else None, "inputs": self.inputs[s.execution.id]}
            for s in self.steps
        ]  # fmt: skip
        return {"name": self.name, "steps": steps, "stale": [asdict(s) for s in self.stale]}

    def _repr_html_(self) -> str:
        from agentlog.html.story import why

        return why(self)

    def head(self) -> str:
        """The name and what it is now."""
        last = self.steps[-1]
        if last.change.kind == "deleted":
            return f"{self.name}: deleted by {last.execution.label}"
        return f"{self.name}: {describe_short(last.change.new)}"

    def step(self, step: Step) -> str:
        """What one execution did to the name, and what it had read."""
        what = difference(step.change.old, step.change.new) if step.change.kind != "made" else describe_short(step.change.new)
        read = [f"{name} of {self.labels.get(writer, writer[-6:])}" for name, writer in self.inputs[step.execution.id].items()]
        since = f" (in it or since {self.labels.get(step.change.since, '')})" if step.change.since else ""
        by_source = ", by its source" if step.change.how == "source" else ""
        said = f": {what}" if what else ""
        reading = "   read " + ", ".join(read[:6]) if read else ""
        return f"{step.execution.label} {step.change.kind}{by_source}{since}{said}{reading}"

    def _source(self, step: Step) -> list[str]:
        lines = step.execution.source.strip().splitlines()
        shown = (
            lines
            if self.full or len(lines) <= _LINES
            else [line for line in lines if self.name in line][:_LINES] or [first_line(step.execution.source)]
        )
        rest = len(lines) - len(shown)
        return [f"    {line}" for line in shown] + ([f"    … {rest} more lines (--full)"] if rest else [])
