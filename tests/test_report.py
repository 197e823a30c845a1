"""A session as one HTML file: complete, small, safe, and what it says of each step is what the store holds."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from store_suite import Story

from agentlog.cli import main
from agentlog.events import (
    Change,
    DecisionMade,
    Displayed,
    Event,
    Failure,
    Frame,
    MessageSaid,
    NamespaceChanged,
    SessionStarted,
    SpanEnded,
    StreamWritten,
    Value,
    to_record,
)  # fmt: skip
from agentlog.ids import new_id
from agentlog.journal import Journal
from agentlog.report.page import MEGABYTE, document
from agentlog.report.steps import gather
from agentlog.settings import Limits
from agentlog.store import Store

HOSTILE = "</script><script>document.title='owned'</script><!--<img src=x onerror=alert(1)>]]>\u2028\x00'\"&amp;"
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
ERROR = Failure("KeyError", "'price'", frames=(Frame("cell", "<cell>", 1, "<module>", count=2, source="frame['price']"),))


class Page(HTMLParser):
    """What a browser makes of the page: elements with their attributes, and the text of each."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(text)
        assert self._open == [], "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "input", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)

    @property
    def data(self) -> dict[str, Any]:
        """The data block."""
        found: dict[str, Any] = json.loads(self.texts["script"][0])
        return found


def page_of(story: Story, limit: int = 2 * MEGABYTE, blobs: tuple[bytes, ...] = ()) -> str:
    store = Store.in_memory()
    for body in blobs:
        store.add_blob(body)
    for event in story.events:
        store.add(event)
    try:
        return document(store, gather(store, store.session(story.events[0].session)), limit)
    finally:
        store.close()


def changed(story: Story, session: str, execution: str, *changes: Change) -> None:
    story.add(NamespaceChanged(session=session, execution=execution, changes=changes))


def number(value: int) -> Value:
    return Value("int", value=value)


def test_everything_that_happened_is_a_step_in_its_order() -> None:
    """Cells, words, tools, decisions, what a task inside did, and errors outside of cells."""
    story = Story()
    session = story.session(notebook="/x/demo.ipynb")
    story.cell(session, 1, "a = 1", printed="hello\n")
    story.add(MessageSaid(session=session, role="thought", text="look at the table"))
    task = new_id()
    story.add(SessionStarted(session=task, life="task", agent="planner", parent=session, task="plan"))
    story.add(SpanEnded(session=task, what="tool", name="search", span="s1", arguments={"q": Value("str", value="x")}))
    story.add(DecisionMade(session=task, question="which", choice="left"))
    story.cell(task, 2, "frame['price']", status="error", error=ERROR)
    found = page_of(story)
    page = Page(found)
    assert [step["k"] for step in page.data["steps"]] == ["cell", "thought", "tool", "decision", "cell"]
    assert [step["f"] for step in page.data["steps"]] == [0, 0, 0, 0, 1]
    for said in (
        "hello",
        "look at the table",
        "search(",
        "which: left",
        "planner",
        "The run failed in cell 2: the entry &#x27;price&#x27; does not exist.",
    ):
        assert said in found


def test_names_at_each_step_are_replayed_from_the_changes() -> None:
    """Each value's text is there once, a step has its changes alone, and replaying them gives what the store says."""
    story, expected, rng = Story(), [], random.Random(4)
    session, names = story.session(), {}
    for count in range(1, 60):
        execution = story.cell(session, count, f"step {count}")
        name, value = f"n{rng.randrange(6)}", rng.randrange(4)
        if name in names and rng.random() < 0.3:
            changed(story, session, execution, Change(name, "deleted", old=number(1)))
            del names[name]
        else:
            changed(story, session, execution, Change(name, "rebound" if name in names else "made", new=number(value)))
            names[name] = str(value)
        expected.append(dict(names))
    data = Page(page_of(story)).data
    assert len(data["values"]) == len(set(data["values"])) == 4
    assert sum(len(step["c"]) for step in data["steps"]) == 59
    now: dict[str, str] = {}
    for step, names_then in zip(data["steps"], expected, strict=True):
        for sign, name, *value in step["c"]:
            now.pop(name, None) if sign == "-" else now.update({name: data["values"][value[0]]})
        assert now == names_then


def test_hostile_content_is_text() -> None:
    """Scripts in sources, outputs, names, values, messages and titles never become elements; nothing is loaded from outside."""
    story = Story()
    session = story.session(task=HOSTILE, agent=HOSTILE, notebook=HOSTILE)
    execution = story.cell(session, 1, HOSTILE, printed=HOSTILE, status="error", error=replace(ERROR, message=HOSTILE))
    changed(story, session, execution, Change(HOSTILE, "made", new=Value("str", value=HOSTILE)))
    story.add(Displayed(session=session, execution=execution, data={"text/html": HOSTILE}))
    story.add(
        Displayed(session=session, execution=execution, data={"image/svg+xml": f"<svg>{HOSTILE}</svg>", "text/plain": HOSTILE})
    )
    story.add(MessageSaid(session=session, role="user", text=HOSTILE))
    text = page_of(story)
    page = Page(text)
    scripts = [attributes for tag, attributes in page.tags if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "data"}, {}]
    assert [tag for tag, _ in page.tags if tag in ("iframe", "object", "embed", "link", "base")] == []
    assert {attributes["src"][:5] for tag, attributes in page.tags if tag == "img" and attributes.get("src")} == {"data:"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    assert not re.search(r"https?://", text)
    assert page.data["steps"][0]["c"][0][1] == HOSTILE


def test_the_policy_lets_only_our_own_style_and_script_work() -> None:
    """The hashes of the content security policy are those of the style and the script in the page, and nothing else is allowed."""
    story = Story()
    story.cell(story.session(), 1, "x = 1")
    text = page_of(story)
    policy = next(a["content"] for tag, a in Page(text).tags if tag == "meta" and a.get("http-equiv")) or ""
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'"
    for kind, body in (
        ("style-src", re.search(r"<style>(.*?)</style>", text, re.S)),
        ("script-src", re.search(r"<script>(.*?)</script>", text, re.S)),
    ):
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert allowed[kind] == f"'sha256-{digest}'"


def test_an_image_is_there_once() -> None:
    """The second place refers to the first."""
    story, digest = Story(), hashlib.sha256(PIXEL).hexdigest()
    session = story.session()
    for count in (1, 2):
        execution = story.cell(session, count, "plot()")
        story.add(Displayed(session=session, execution=execution, data={"text/plain": "<Figure>"}, blobs={"image/png": digest}))
    text = page_of(story, blobs=(PIXEL,))
    assert text.count(base64.b64encode(PIXEL).decode()) == 1
    assert text.count('data-same="image-0"') == 1


def test_outputs_are_what_the_screen_showed_at_the_end() -> None:
    """A display that was updated is there once, as it ended; what was cleared is not there."""
    story = Story()
    session = story.session()
    execution = story.cell(session, 1, "go()")
    for event in (
        StreamWritten(text="gone\n"), Displayed(clear=True), Displayed(display_id="d", data={"text/plain": "primero"}),
        StreamWritten(text="stays\n"), Displayed(display_id="d", update=True, data={"text/plain": "segundo"}),
    ):  # fmt: skip
        story.add(replace(event, session=session, execution=execution))
    text = page_of(story)
    assert ("gone" in text, "primero" in text, "stays" in text, "segundo" in text) == (False, False, True, True)


@pytest.mark.parametrize("loud", [False, True], ids=["as usual", "with much output and many images"])
def test_500_cells_stay_below_two_megabytes(loud: bool) -> None:
    """What has no room is cut where it can be seen; the failures stay."""
    story, rng = Story(), random.Random(1)
    session = story.session()
    images = tuple(rng.randbytes(30_000) for _ in range(120)) if loud else ()
    for count in range(1, 501):
        failed = count % 50 == 0
        printed = ("word " * 12 + "\n") * (150 if loud else 8)
        source = f"frame_{count} = load({count})\n" * (20 if loud else 6)
        execution = story.cell(
            session, count, source, printed=printed, status="error" if failed else "ok", error=ERROR if failed else None
        )
        changes = [
            Change(f"name_{count}_{n}", "made", new=Value("str", value=f"value {count} {n} " * 5))
            for n in range(10 if loud else 3)
        ]
        changed(story, session, execution, *changes)
        if loud and count % 4 == 0 and count // 4 <= len(images):
            digest = hashlib.sha256(images[count // 4 - 1]).hexdigest()
            story.add(
                Displayed(session=session, execution=execution, data={"text/plain": "<Figure>"}, blobs={"image/png": digest})
            )
    text = page_of(story, blobs=images)
    assert len(text.encode()) < 2 * MEGABYTE
    page = Page(text)
    assert len(page.data["steps"]) == 500
    assert text.count("The run failed in cell") == 10
    assert ("characters left out" in text) == loud
    assert not loud or 10 <= text.count("data:image/png") < 120


def test_a_session_too_long_keeps_its_latest_steps_and_the_names_before_them() -> None:
    """The steps left out are counted, and the names they had bound are still there."""
    story = Story()
    session = story.session()
    for count in range(1, 400):
        execution = story.cell(session, count, "x" * 300)
        changed(story, session, execution, Change(f"n{count}", "made", new=number(count)))
    text = page_of(story, limit=100_000)
    data = Page(text).data
    assert len(text.encode()) <= 100_000
    assert 10 < len(data["steps"]) < 399
    assert f"{399 - len(data['steps'])} earlier steps are left out" in text
    assert len(data["before"]) == 399 - len(data["steps"])


def write(folder: Path, events: list[Event]) -> None:
    journal = Journal(folder, Limits())
    for event in events:
        journal.append(to_record(event))
    journal.close()


def test_the_command_writes_the_file(store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the difference to the run before; the size may be chosen; nonsense is refused in one line."""
    story = Story()
    for text in ("x = 1", "x = 2"):
        session = story.session(notebook="/x/demo.ipynb")
        execution = story.cell(session, 1, text)
        changed(story, session, execution, Change("x", "made", new=number(int(text[-1]))))
    write(store_folder, story.events)
    target = tmp_path / "replay.html"
    assert main(["report", "-o", str(target), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"path": str(target), "bytes": target.stat().st_size, "steps": 1, "failures": 0}
    assert "Against the run before" in target.read_text(encoding="utf-8")
    assert main(["report", "-o", "-"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")
    assert main(["report", "--size", "0"]) == 2
    assert "--size 0: a report takes between 0.1 and 1000 megabytes" in capsys.readouterr().err
