"""How everything of ours looks in a notebook and in a report: one palette, one stylesheet, light and dark.

A fragment is plain HTML with its style in front: no scripts, nothing from outside. The colours follow the front end: the
variables of JupyterLab and Notebook, those of VS Code, what Colab says of its theme, else what the reader's system prefers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

_LIGHT = {
    "text": "#1f2328", "soft": "#59636e", "line": "#d1d9e0", "panel": "#f6f8fa", "link": "#0550ae", "good": "#116329",
    "bad": "#a40e26", "badly": "#fff0ee", "warn": "#7d4e00", "busy": "#0550ae", "add": "#d2f4dc", "del": "#ffdcd7", "page": "#ffffff",
}  # fmt: skip
_DARK = {
    "text": "#e6edf3", "soft": "#9da7b3", "line": "#3d444d", "panel": "#1b2027", "link": "#79b8ff", "good": "#57d27a",
    "bad": "#ff8f87", "badly": "#33201f", "warn": "#e3b341", "busy": "#79b8ff", "add": "#14452a", "del": "#5b2326", "page": "#0d1117",
}  # fmt: skip
_FRONT_END = {"text": ("--jp-content-font-color1", "--vscode-editor-foreground")}
"""Colours that a front end has a variable for; the rest follows its theme by the rules below."""
_MONO = "var(--jp-code-font-family,var(--vscode-editor-font-family,ui-monospace,SFMono-Regular,Menlo,Consolas,monospace))"


def _colours(palette: dict[str, str], *, follow: bool = True) -> str:
    return "".join(f"--al-{name}:{_of_front_end(name, colour) if follow else colour};" for name, colour in palette.items())


def _of_front_end(name: str, colour: str) -> str:
    for variable in reversed(_FRONT_END.get(name, ())):
        colour = f"var({variable},{colour})"
    return colour


PALETTE = (
    f".agentlog{{color-scheme:light;{_colours(_LIGHT)}}}"
    f"@media(prefers-color-scheme:dark){{.agentlog{{color-scheme:dark;{_colours(_DARK)}}}}}"
    f'[data-jp-theme-light="true"] .agentlog,.vscode-light .agentlog{{color-scheme:light;{_colours(_LIGHT)}}}'
    f'[data-jp-theme-light="false"] .agentlog,.vscode-dark .agentlog,html[theme="dark"] .agentlog{{color-scheme:dark;{_colours(_DARK)}}}'
    f"@media print{{.agentlog{{color-scheme:light;{_colours(_LIGHT, follow=False)}}}}}"
)
RULES = (
    ".agentlog{font:13px/1.5 system-ui,sans-serif;color:var(--al-text);max-width:75em}"
    "& pre,& code,& .mono,& .facts{font-family:" + _MONO + ";font-size:12px}"
    "& pre{margin:.25em 0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;background:none;color:inherit;border:0}"
    "& code,& :not(pre)>code{background:none;color:inherit;padding:0}"
    "& details{border-top:1px solid var(--al-line);padding:2px 0}"
    "& summary{cursor:pointer}"
    "& summary:focus-visible,& .scroll:focus-visible{outline:2px solid var(--al-link);outline-offset:1px}"
    "& .facts{margin:2px 0 6px 1em;padding:0;list-style:none;display:grid;grid-template-columns:minmax(0,max-content) minmax(0,1fr);gap:0 .8em}"
    "& .facts li{display:grid;grid-template-columns:subgrid;grid-column:1/-1;margin:0;white-space:pre-wrap;overflow-wrap:anywhere}"
    "& .facts b{color:var(--al-link);font-weight:400;max-width:20em}& .facts .wide{display:block}"
    "& .soft{color:var(--al-soft)}& .good{color:var(--al-good)}& .bad{color:var(--al-bad)}"
    "& .warn{color:var(--al-warn)}& .busy{color:var(--al-busy)}"
    "& .first{border-left:4px solid var(--al-bad);padding:.3em .8em;margin:.5em 0;background:var(--al-badly)}"
    "& ins{background:var(--al-add);text-decoration:none}& del{background:var(--al-del);text-decoration:none}"
    "& ul,& ol{margin:.2em 0;padding-left:1.6em}"
    "& table{border-collapse:collapse;font-size:12px;width:auto;margin:.3em 0;border:0;table-layout:auto}"
    "& tr,& tbody tr:nth-child(n),& tbody tr:nth-child(n):hover{background:none}"
    "& th,& td{padding:.15em .9em .15em 0;border:0;border-top:1px solid var(--al-line);text-align:left;vertical-align:top;"
    "max-width:44em;white-space:nowrap}"
    "& th{color:var(--al-soft);font-weight:600;border-top:0;white-space:nowrap}"
    "& .scroll{overflow-x:auto}& td.wide{min-width:12em;white-space:normal;overflow-wrap:anywhere}"
    "& td details{border:0;padding:0}& .nowrap{white-space:nowrap}"
)
STYLE = PALETTE + RULES.replace("&", ".agentlog.agentlog")
"""The class twice: a front end has rules of its own for tables and code in outputs, which are not to win."""
NARROW = 16
"""Characters of a cell that stays on one line."""
COLOUR_OF_STATUS = {
    "ok": "good", "running": "busy", "not_run": "soft", "exit": "soft", "ended": "soft", "shutdown": "soft", "unloaded": "soft",
    "this one": "good",
}  # fmt: skip


def fragment(body: str, label: str) -> str:
    """`body` (HTML) as a display of its own; `label`: what it is, for who listens instead of looking."""
    return f'<div class="agentlog" role="group" aria-label="agentlog {escape(label)}"><style>{STYLE}</style>{body}</div>'


def element(tag: str, text: str, kind: str = "") -> str:
    """<tag class=kind>text</tag>, escaped."""
    return f"<{tag}{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{escape(text)}</{tag}>"


def unfolding(summary: str, body: str, *, opened: bool = False) -> str:
    """`body` (HTML) that shows when its `summary` (HTML) is opened; the summary alone where there is no body."""
    return (
        f"<details{' open' if opened else ''}><summary>{summary}</summary>{body}</details>" if body else f"<div>{summary}</div>"
    )


def status_of(status: str) -> str:
    """A status in its colour; the word says it too."""
    return element("span", status.replace("_", " "), COLOUR_OF_STATUS.get(status, "bad"))


def rows(heads: Iterable[str], cells: Iterable[Iterable[str]]) -> str:
    """A table: `heads` are texts, `cells` rows of HTML."""
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in cells)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="table">{table}</div>'


def _cell(body: str) -> str:
    wide = len(re.sub(r"<[^>]*>", "", body)) > NARROW
    return f'<td class="wide">{body}</td>' if wide else f"<td>{body}</td>"


def code_of(source: str) -> str:
    """The first line of `source`; the rest unfolds."""
    lines = source.strip("\n").split("\n")
    first = element("code", lines[0][:200])
    if len(lines) == 1 and len(lines[0]) <= 200:
        return first
    return unfolding(
        f"{first} {element('span', f'+{len(lines) - 1}', 'soft') if len(lines) > 1 else ''}", element("pre", source.strip("\n"))
    )
