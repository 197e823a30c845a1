"""A Diff in a notebook: coloured, light and dark, without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from agentlog.differences import Difference

if TYPE_CHECKING:
    from agentlog.diff import Diff

_STYLE = """
.agentlog-diff{font:13px/1.5 system-ui,sans-serif;color-scheme:light dark;max-width:70em;
 --add:light-dark(#d5f5dc,#17452a);--del:light-dark(#fbdcdc,#5a1f24);--soft:light-dark(#667,#9aa);--line:light-dark(#dde,#445)}
.agentlog-diff .first{border-left:4px solid light-dark(#c33,#f77);padding:.3em .8em;margin:.5em 0;background:light-dark(#fff6f4,#33201f)}
.agentlog-diff table{border-collapse:collapse}
.agentlog-diff td{padding:.15em .7em .15em 0;border-top:1px solid var(--line);text-align:left;vertical-align:top}
.agentlog-diff .soft{color:var(--soft)}
.agentlog-diff pre{margin:.2em 0;white-space:pre-wrap;font-size:12px;background:none}
.agentlog-diff ins{background:var(--add);text-decoration:none}
.agentlog-diff del{background:var(--del);text-decoration:none}
@media (prefers-color-scheme:dark){.agentlog-diff{--add:#17452a;--del:#5a1f24;--soft:#9aa;--line:#445}}
"""
_MOST = 60


def html(diff: Diff) -> str:
    """A self-contained fragment."""
    rest = [d for d in diff.differences if diff.first is None or d is not diff.first.cause]
    rows = "".join(map(_row, rest[:_MOST]))
    more = f'<p class="soft">… {len(rest) - _MOST} more</p>' if len(rest) > _MOST else ""
    return (
        f'<div class="agentlog-diff"><style>{_STYLE}</style><div><b>{escape(diff.a)}</b> → <b>{escape(diff.b)}</b></div>'
        f"{_first(diff)}{'<table>' + rows + '</table>' if rows else ''}{more}</div>"
    )


def _first(diff: Diff) -> str:
    if diff.first is None:
        return "" if diff.differences else '<p class="soft">no difference was found</p>'
    return f'<div class="first"><b>First divergence</b> {escape(str(diff.first))}{_body(diff.first.cause)}</div>'


def _row(d: Difference) -> str:
    label = d.b if d.a == d.b or d.a is None else d.a if d.b is None else f"{d.a} / {d.b}"
    return f'<tr><td class="soft">{escape(d.kind)}</td><td class="soft">{escape(label or "")}</td><td>{escape(d.text)}{_body(d)}</td></tr>'


def _body(d: Difference) -> str:
    """The source word by word where there is one, else the lines that differ."""
    if d.words:
        tags = {"=": "{}", "-": "<del>{}</del>", "+": "<ins>{}</ins>"}
        return f"<pre>{''.join(tags[mark].format(escape(part)) for mark, part in d.words)}</pre>"
    if not d.detail:
        return ""
    return f"<pre>{chr(10).join(map(_line, d.detail))}</pre>"


def _line(line: str) -> str:
    tag = {"-": "del", "+": "ins"}.get(line[:1])
    return f"<{tag}>{escape(line)}</{tag}>" if tag else escape(line)
