"""History, sessions and timeline in a notebook: tables whose rows unfold."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from agentlog.html.stylesheet import code_of, element, fragment, rows, status_of, unfolding
from agentlog.ids import short
from agentlog.tables import ago, duration
from agentlog.value_changes import effect

if TYPE_CHECKING:
    from agentlog.commands.history import History
    from agentlog.commands.sessions import Sessions
    from agentlog.commands.timeline import Timeline
    from agentlog.past import Execution, Session


def history(found: History) -> str:
    """Executions, the source unfolding."""
    told = found.session
    head = element("div", " · ".join((told.title, f"session {short(told.id)}", told.how)), "soft") if told else ""
    more = element("p", f"… earlier ones: --limit {2 * len(found.executions)}", "soft") if found.more else ""
    where = () if told else ("session",)
    heads = (*where, "cell", "id", "status", "time", "when", "source")
    listed = (
        rows(heads, (_execution(one, bool(where)) for one in found.executions))
        if found.executions
        else "<p>no executions match</p>"
    )
    return fragment(head + more + listed, "history")


def _execution(one: Execution, anywhere: bool) -> list[str]:
    cells = [
        element("span", text, kind)
        for text, kind in (
            (f"In[{one.count}]" if one.count is not None else "", "mono nowrap"), (short(one.id), "mono soft"),
        )
    ]  # fmt: skip
    facts = [element("span", text, "nowrap soft") for text in (duration(one.ms), ago(one.started))]
    said = code_of(one.source) + (element("div", one.error, "bad mono") if one.error else "")
    return [
        *([element("span", short(one.session), "mono soft")] if anywhere else []),
        *cells,
        status_of(one.status),
        *facts,
        said,
    ]


def sessions(found: Sessions) -> str:
    """Sessions, with their facts unfolding."""
    if not found.sessions:
        return fragment("<p>no sessions</p>", "sessions")
    heads = ("session", "state", "started", "cells", "failed", "what")
    return fragment(rows(heads, (_session(one, one.id == found.current) for one in found.sessions)), "sessions")


def _session(one: Session, here: bool) -> list[str]:
    facts = {"python": one.python, "notebook": one.notebook, "folder": one.cwd, "host": one.host, "git": one.git.get("branch")}
    known = [f"<li><b>{name}</b><span>{escape(str(fact))}</span></li>" for name, fact in facts.items() if fact]
    title = escape((f"{one.agent}: " if one.agent else "") + one.title)
    failed = one.failures or one.errors
    return [
        element("span", short(one.id), "mono"), status_of("this one" if here else one.how), element("span", ago(one.started), "nowrap soft"),
        str(one.executions or ""), element("span", str(failed), "bad") if failed else "",
        unfolding(title, f'<ul class="facts">{"".join(known)}</ul>' if known else ""),
    ]  # fmt: skip


def timeline(found: Timeline) -> str:
    """Executions with their effects on names."""

    def row(one: Execution, effects: list[str]) -> list[str]:
        told = element("div", one.error, "bad mono") if one.error else ""
        listed = "".join(element("li", text) for text in effects)
        many = unfolding(
            element("span", "; ".join(effects[:4]) + f"; … {len(effects) - 4} more", "mono"), f'<ul class="mono">{listed}</ul>'
        )
        done = many if len(effects) > 4 else element("span", "; ".join(effects), "mono")
        return [
            element("span", one.label, "mono nowrap"),
            status_of(one.status),
            element("span", duration(one.ms), "nowrap soft"),
            code_of(one.source),
            told + done,
        ]

    more = element("p", f"… {found.more} earlier ones: --limit 0", "soft") if found.more else ""
    key = element("p", "+ made  = rebound  ~ changed in place  - deleted  ? not known", "soft")
    heads = ("cell", "status", "time", "source", "effects")
    listed = (
        rows(heads, (row(one, list(map(effect, changes))) for one, changes in found.rows))
        if found.rows
        else "<p>no executions yet</p>"
    )
    return fragment(more + listed + key, "timeline")
