"""Displays in notebooks: what was recorded is text in them, they need no script, and the palette is the one place of colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import product
from typing import Any

import pytest
from store_suite import Story

from agentlog.commands import load, parser_for
from agentlog.desk import Desk
from agentlog.events import Change, Failure, Frame, NamespaceChanged, StreamWritten, Value
from agentlog.html import stylesheet
from agentlog.store import Store

HOSTILE = "x</style></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;"
ERROR = Failure("KeyError", HOSTILE, frames=(Frame("cell", "<cell>", 1, HOSTILE, count=2, source=HOSTILE),))


class Elements(HTMLParser):
    """Elements of a fragment; every one must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def shown(*words: str) -> Any:
    """The result of a command on a session whose every text is hostile."""
    story, store = Story(), Store.in_memory()
    first = story.session(notebook=HOSTILE, agent=HOSTILE, cwd=HOSTILE)
    execution = story.cell(first, 1, f"y = 1\n{HOSTILE}\nz = 2", printed=HOSTILE)
    change = Change(HOSTILE, "made", new=Value("str", value=HOSTILE))
    story.add(
        NamespaceChanged(session=first, execution=execution, changes=(change, *(Change(f"n{i}", "made") for i in range(9))))
    )
    failed = story.cell(first, 2, HOSTILE, status="error", error=ERROR)
    story.add(StreamWritten(session=first, execution=failed, name="stderr", text=HOSTILE))
    for event in story.events:
        store.add(event)
    desk = Desk()
    desk._store = store
    try:
        return load(words[0]).run(parser_for(words[0], "agentlog").parse_args(words[1:]), desk)
    finally:
        desk.close()


@pytest.mark.parametrize(
    "words",
    [("context",), ("history",), ("sessions",), ("timeline",), ("why", HOSTILE), ("show", "2"), ("show", "1"), ("diff", "1", "2"), ("replay",), ("context", "--for", "operator")],
    ids=" ".join,
)  # fmt: skip
def test_a_display_is_text_without_scripts(words: tuple[str, ...]) -> None:
    """Only our elements, nothing that runs or loads; one style; a name for who listens; plain text beside it."""
    result = shown(*words)
    text = result._repr_html_()
    elements = Elements(text).found
    allowed = "div style details summary ul ol li b span small pre code table thead tbody tr th td p ins del"
    assert {tag for tag, _ in elements} <= set(allowed.split())
    assert {name for _, attributes in elements for name in attributes} <= {
        "class",
        "open",
        "role",
        "aria-label",
        "scope",
        "tabindex",
    }
    assert [tag for tag, _ in elements].count("style") == 1
    assert elements[0][1]["role"] == "group"
    assert (elements[0][1]["aria-label"] or "").startswith("agentlog ")
    assert str(result)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


PAPERS = {
    "light": ("#ffffff", "#f5f5f5", "#f6f8fa", "#fff0ee"),
    "dark": ("#111111", "#212121", "#0d1117", "#1e1e1e", "#1b2027", "#33201f"),
}
"""What lies behind a display: notebook pages and our own panels."""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_text_can_be_read(theme: str) -> None:
    """At least 4.5 to 1 (WCAG AA) on the pages of the front ends and on our own panels."""
    palette = {"light": stylesheet._LIGHT, "dark": stylesheet._DARK}[theme]
    for name, paper in product(("text", "soft", "link", "good", "bad", "warn", "busy"), PAPERS[theme]):
        high, low = sorted((luminance(palette[name]), luminance(paper)), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, (name, paper)


def test_colours_stand_in_the_palette_alone() -> None:
    """Rules name colours by their variables, and every variable that is used is defined."""
    assert not re.search(r"#[0-9a-f]{3,6}\b", stylesheet.RULES)
    used = set(re.findall(r"var\(--al-([a-z]+)\)", stylesheet.RULES))
    assert used <= set(stylesheet._LIGHT)
    assert set(stylesheet._LIGHT) == set(stylesheet._DARK)
