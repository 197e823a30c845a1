"""A Diff in a notebook: coloured, light and dark, without scripts."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from agentlog.diffs.difference import Difference
from agentlog.html.stylesheet import element, fragment, rows

if TYPE_CHECKING:
    from agentlog.diff import Diff

_MOST = 60


def html(diff: Diff) -> str:
    """A self-contained fragment."""
    return fragment(body(diff), f"difference of {diff.a} and {diff.b}")


def body(diff: Diff, most: int = _MOST) -> str:
    """The same without a style of its own; `most`: differences that are listed."""
    rest = [d for d in diff.differences if diff.first is None or d is not diff.first.cause]
    more = element("p", f"… {len(rest) - most} more", "soft") if len(rest) > most else ""
    listed = rows(("kind", "cell", "difference"), map(_row, rest[:most])) if rest else ""
    return f"<div><b>{escape(diff.a)}</b> → <b>{escape(diff.b)}</b></div>{_first(diff)}{listed}{more}"


def _first(diff: Diff) -> str:
    if diff.first is None:
        return "" if diff.differences else element("p", "no difference was found", "soft")
    return f'<div class="first"><b>First divergence</b> {escape(str(diff.first))}{_body(diff.first.cause)}</div>'


def _row(d: Difference) -> tuple[str, str, str]:
    label = d.b if d.a == d.b or d.a is None else d.a if d.b is None else f"{d.a} / {d.b}"
    return element("span", d.kind, "soft"), element("span", label or "", "soft"), escape(d.text) + _body(d)


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
