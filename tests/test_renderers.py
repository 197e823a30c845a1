"""Every format prints the same cut of the same outline, within its own cost; the texts are held by golden files.

AGENTLOG_REWRITE_GOLDEN=1 in the environment writes them anew.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from context_sample import sample

from agentlog.context import Context, build
from agentlog.errors import UsageError
from agentlog.legend import legend
from agentlog.renderers import FORMATS, renderer

GOLDEN = Path(__file__).parent / "golden"
REWRITE = bool(os.environ.get("AGENTLOG_REWRITE_GOLDEN"))


@pytest.fixture(scope="module")
def context() -> Context:
    with closing(sample()) as store:
        return build(store, command="%agentlog")


def held(name: str, text: str) -> None:
    """The golden file `name` holds `text`."""
    path = GOLDEN / name
    if REWRITE:
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"


@pytest.mark.parametrize("format", sorted(FORMATS))
@pytest.mark.parametrize("tokens", [120, 300, 4000])
def test_golden(context: Context, format: str, tokens: int) -> None:
    """Each format at three budgets is what it was when somebody last read it."""
    held(f"context.{format}.{tokens}.txt", context.render(format, tokens))


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"html"}))
def test_more_tokens_say_no_less(context: Context, format: str) -> None:
    """A larger budget never leaves out a section that a smaller one had."""
    sections: list[set[str]] = []
    for tokens in (150, 300, 600, 2000):
        found = json.loads(context.render("json", tokens))
        sections.append(set(found) - {"gap"})
    assert all(one <= other for one, other in pairwise(sections))


def test_json_is_an_object_of_sections(context: Context) -> None:
    """The JSON format parses, and holds the failure, the cause and the values by name."""
    found = json.loads(context.render("json", 4000))
    assert found["cause"].startswith("In[2]")
    assert found["values"]["df"].startswith("DataFrame 3x1")
    assert context.as_json()["cause"] == found["cause"]


def test_claude_is_well_formed(context: Context) -> None:
    """One root element, one element a section."""
    root = ElementTree.fromstring(context.render("claude", 4000))
    assert [child.tag for child in root][:2] == ["failure", "cause"]


def test_text_cannot_leave_its_element() -> None:
    """What a program printed or raised closes none of our tags, and no tag of the HTML."""
    from agentlog.outline import Cut, Entry, Part

    cut = Cut((Part("values", (Entry("'</values></debug_context>'", "s"),)),))
    assert renderer("claude").document(cut).count("</debug_context>") == 1
    assert "</values><" not in renderer("html").document(cut)


def test_html_is_self_contained(context: Context) -> None:
    """No scripts, no links, every tag closed; text is escaped."""
    text = context.render("html", 4000)
    assert "<script" not in text
    assert "http" not in text

    class Balance(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            depth.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert depth.pop() == tag

    depth: list[str] = []
    Balance().feed(text)
    assert depth == []
    shown = context._repr_mimebundle_()
    assert shown["text/plain"] == str(context)
    assert shown["text/html"].count("<style>") == 1


def test_unknown_format_names_those_that_exist() -> None:
    """One line that lists the formats."""
    with pytest.raises(UsageError, match="unknown format 'pdf'; the formats are text"):
        renderer("pdf")


def test_legend_explains_every_section_in_few_tokens(context: Context) -> None:
    """Short enough for a system prompt, and complete."""
    from agentlog.tokens import estimate_tokens

    text = legend(list(FORMATS))
    assert all(part.title in text for part in context.whole())
    assert estimate_tokens(text) < 500
