"""Diff: the planted difference is named first, noise is not a difference, everything stays within its budget."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("IPython")
pytest.importorskip("pandas")

from planted import PAIRS, Planted
from scripted import Script, close_stores, new_store

from agentlog import diff
from agentlog.commands import load, parser_for
from agentlog.desk import Desk
from agentlog.diff import Diff
from agentlog.diffs.alignment import Pair
from agentlog.diffs.differences import PairReader
from agentlog.diffs.sides import Entry
from agentlog.errors import NotFound, UsageError
from agentlog.store import Store
from agentlog.tokens import estimate_tokens


@pytest.fixture(autouse=True)
def _stores() -> Iterator[None]:
    yield
    close_stores()


@contextlib.contextmanager
def workplace(folder: Path, files: dict[str, str], settings: dict[str, str]) -> Iterator[None]:
    """The working directory with these files, the environment with these settings; all undone afterwards."""
    for old in folder.rglob("*"):
        if old.is_file():
            old.unlink()
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    before, modules = dict(os.environ), set(sys.modules)
    here = os.getcwd()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    os.environ.update(settings)
    time.tzset()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        time.tzset()
        os.chdir(here)
        sys.path.remove(str(folder))
        for name in set(sys.modules) - modules:
            if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]
        sys.path_importer_cache.clear()


def play(store: Store, planted: Planted, folder: Path, side: str) -> str:
    """One run of the pair; returns its session."""
    files, settings = getattr(planted, f"files_{side}"), getattr(planted, f"set_{side}")
    with workplace(folder, files, settings):
        script = Script(store, notebook="/n/pair.ipynb", packages=getattr(planted, f"packages_{side}"))
        for cell_id, source in getattr(planted, side):
            script.run(source, cell_id or None)
        script.close()
    return script.session


def compare(planted: Planted, folder: Path) -> Diff:
    store = new_store()
    folder.mkdir(exist_ok=True)
    sessions = [play(store, planted, folder, side) for side in "ab"]
    return diff.compare_sessions(store, *(store.session(one) for one in sessions))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("planted", PAIRS, ids=lambda planted: planted.title.replace(" ", "_"))
def test_the_planted_difference_is_named_first(planted: Planted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kind, name and execution of the first divergence are those that were planted."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = compare(planted, tmp_path / "work")
    assert found.first is not None, str(found)
    assert found.first.cause.kind == planted.kind, str(found)
    if planted.name is not None:
        assert found.first.cause.name == planted.name, str(found)
    if planted.label is not None:
        assert planted.label in (found.first.b, found.first.cause.b), str(found)
    assert "first divergence" in str(found)


def test_there_are_thirty_pairs() -> None:
    """Every kind the issue names is planted at least once."""
    assert len(PAIRS) >= 30
    assert {"file", "package", "seed", "source", "order", "environment", "timezone", "module"} <= {p.kind for p in PAIRS}


def test_two_equal_runs_do_not_differ(tmp_path: Path) -> None:
    """Addresses, times, random ids and durations are no difference."""
    cells = (
        "import time, uuid\nt = time.time()\nprint(uuid.uuid4(), object())",
        "d = {'a': [1.0, 2.0]}\nd",
        "f = lambda x: x\nf",
        "1/0",
    )
    planted = Planted(
        "equal", "none", tuple((str(n), s) for n, s in enumerate(cells)), tuple((str(n), s) for n, s in enumerate(cells))
    )
    found = compare(planted, tmp_path / "work")
    assert found.first is None or found.first.cause.volatile, str(found)
    assert all(difference.volatile for difference in found.differences), str(found)


def session_of(*sources: str, ids: bool = True) -> tuple[Store, Script]:
    store = new_store()
    script = Script(store)
    for number, source in enumerate(sources):
        script.run(source, f"c{number}" if ids else None)
    return store, script


def command(store: Store, script: Script, *words: str) -> object:
    desk = Desk(session=script.session)
    desk._store = store
    return load(words[0]).run(parser_for(words[0], "agentlog").parse_args(list(words[1:])), desk)


def test_without_arguments_the_failed_cell_is_compared_with_its_last_success() -> None:
    """The input that changed in between is named, with the cell that changed it."""
    store, script = session_of("d = {'k': 1, 'z': 2}", "print(d['k'])", "del d['k']", "print(d['k'])", ids=False)
    found = command(store, script, "diff")
    assert found.first is not None
    assert "input d changed by In[3]" in str(found)
    assert found.a.startswith("In[2] ")
    assert found.b.startswith("In[4] ")


def test_without_a_failure_the_last_two_executions_are_compared() -> None:
    """Any two cells can be compared."""
    store, script = session_of("x = 1", "x = 2")
    assert "edited: x = [-1-]{+2+}" in str(command(store, script, "diff"))
    assert "edited" in str(command(store, script, "diff", "1", "2"))


def test_since_tells_what_became_of_each_name() -> None:
    """Made, rebound, changed in place, deleted, with the cells that did it; others are not listed."""
    store, script = session_of("a = [1]; b = 2; c = 3; keep = 0", "x = 1", "a.append(5)", "b = 7", "del c\nnew = 'n'")
    said = str(command(store, script, "diff", "--since", "2"))
    assert "a mutated by In[3]" in said
    assert "b rebound by In[4]: 2 -> 7" in said
    assert "c deleted by In[5]" in said
    assert "new made by In[5]" in said
    assert "keep" not in said


def test_last_ok_compares_with_the_last_run_without_a_failure(tmp_path: Path) -> None:
    """Sessions of the same notebook; failed ones are passed over."""
    store = new_store()
    for sources in (("x = 1", "y = x"), ("x = 1", "1/0"), ("x = 5", "y = x")):
        script = Script(store, notebook="/n/one.ipynb")
        for number, source in enumerate(sources):
            script.run(source, f"c{number}")
        script.close()
    assert "edited: x = [-1-]{+5+}" in str(command(store, script, "diff", "--last-ok"))


def test_bad_requests_are_answered_in_one_line(tmp_path: Path) -> None:
    """What was tried, with what, and what to do."""
    store, script = session_of("x = 1")
    for words, kind in (
        (("diff",), NotFound), (("diff", "1"), UsageError), (("diff", "--session", script.session), UsageError), (("diff", "a.ipynb"), UsageError),
        (("diff", "a.ipynb", "b.ipynb"), NotFound), (("diff", "--last-ok"), NotFound), (("diff", "1", "99"), NotFound),
        (("diff", "--tokens", "3"), UsageError), (("diff", "1", "2", "--last-ok"), UsageError), (("why", "nobody"), NotFound),
        (("diff", "1", "1", "1"), UsageError), (("timeline", "--name", "nobody"), NotFound), (("timeline", "--limit", "x"), UsageError),
    ):  # fmt: skip
        with pytest.raises(kind) as caught:
            command(store, script, *words)
        assert "\n" not in str(caught.value)
        assert "agentlog: agentlog" not in f"agentlog: {caught.value}"
    with pytest.raises(NotFound, match=r"followed as a whole, not 'x\.real': why x"):
        command(store, script, "why", "x.real")


def notebook(path: Path, *cells: tuple[str, list[dict[str, object]]]) -> str:
    body = [
        {"cell_type": "code", "source": s, "outputs": o, "execution_count": n, "metadata": {}}
        for n, (s, o) in enumerate(cells, 1)
    ]
    path.write_text(json.dumps({"cells": body, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return str(path)


def said(text: str) -> list[dict[str, object]]:
    return [{"output_type": "stream", "name": "stdout", "text": text}]


def test_two_executed_notebooks(tmp_path: Path) -> None:
    """Aligned by source; numbers within the tolerance are equal; images are compared by what they show."""
    png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    picture: list[dict[str, object]] = [{"output_type": "display_data", "data": {"image/png": png}, "metadata": {}}]
    a = notebook(
        tmp_path / "a.ipynb", ("x = 1", []), ("print(0.1)", said("0.1\n")), ("plot()", picture), ("print(y)", said("5\n"))
    )
    b = notebook(
        tmp_path / "b.ipynb",
        ("x = 1", []),
        ("print(0.1)", said("0.10000000000000001\n")),
        ("plot()", picture),
        ("print(y)", said("6\n")),
    )
    found = diff.compare_notebooks(a, b)
    assert found.first is not None
    assert found.first.b == "In[4]"
    assert [d.kind for d in found.differences] == ["output"]
    same = diff.compare_notebooks(a, a)
    assert same.first is None
    assert "no difference was found" in str(same)


def test_forms_and_budget() -> None:
    """Text and markdown within the tokens asked for, JSON that can be written, HTML without scripts and safe."""
    cells = [f"v{n} = {n}\nprint('<script>{n}</script>')" for n in range(60)]
    store = new_store()
    sessions = []
    for change in (0, 1):
        script = Script(store)
        for number, source in enumerate(cells):
            script.run(source.replace("= ", f"= {change}"), f"c{number}")
        script.close()
        sessions.append(store.session(script.session))
    for tokens in (60, 300, 2000):
        for form in ("text", "markdown"):
            found = diff.compare_sessions(store, *sessions, tokens=tokens, format=form)
            assert estimate_tokens(str(found)) <= tokens
            assert "--tokens" in str(found) or tokens > 300
    page = found._repr_html_()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "prefers-color-scheme:dark" in page
    assert json.loads(json.dumps(found.as_json()))["first"]["cause"]["kind"] == "source"
    assert "**First divergence:**" in found.markdown()


def test_why_and_timeline() -> None:
    """The chain of a name with the sources as they ran, and the session's effects."""
    store, script = session_of("xs = [3]", "ys = [x * 2 for x in xs]", "ys.append(1)", "xs.append(9)")
    why = str(command(store, script, "why", "ys"))
    assert "In[2] made" in why
    assert "In[3] mutated" in why
    assert "ys = [x * 2 for x in xs]" in why
    assert "In[2] read xs before In[4] changed it" in why
    assert "In[3]" not in str(command(store, script, "why", "ys", "--at", "2"))
    with pytest.raises(NotFound, match=r"'ys' did not stand for anything after In\[1\]: it was made in In\[2\]"):
        command(store, script, "why", "ys", "--at", "In[1]")
    line = str(command(store, script, "timeline"))
    assert "~ys" in line
    assert "+xs" in line


def test_a_failed_cell_that_never_worked_is_shown_with_what_it_read() -> None:
    """There is nothing to compare it with: what last became of its inputs is what can be said."""
    store, script = session_of("d = {'k': 1, 'z': 2}", "e = 5", "del d['k']", "total = d['k'] + e", ids=False)
    found = command(store, script, "diff")
    assert found.first is None
    assert [d.kind for d in found.differences] == ["error", "input", "input"]
    assert str(found).splitlines()[1:] == [
        "error       KeyError: 'k'", "input       d mutated by In[3]: length 2 -> 1, lost key 'k'", "input       e made by In[2]: int 5",
    ]  # fmt: skip


def test_a_failed_cell_without_an_id_is_compared_with_one_much_like_it() -> None:
    """Its input, not the line that was taken away, is what made it fail."""
    store, script = session_of("d = {'k': 1}", "total = d['k'] + 100\nx = 1", "del d['k']", "total = d['k'] + 100", ids=False)
    found = command(store, script, "diff")
    assert found.first is not None
    assert str(found.first).startswith("input d changed by In[3]: length 1 -> 0, lost key 'k' => ")


def test_durations_are_compared_where_both_ended_in_the_same_way() -> None:
    """A cell that failed half-way did not do the same work: that it was quicker says nothing."""

    def told(one: str, other: str) -> list[str]:
        pair = Pair(Entry("In[1]", "fit()", status=one, ms=5000.0), Entry("In[2]", "fit()", status=other, ms=100.0))
        return [difference.text for difference in PairReader().read(pair) if difference.kind == "duration"]

    assert told("ok", "ok") == ["5.0 s -> 0.1 s"]
    assert told("ok", "error") == []


def test_two_unlike_cells_are_not_compared_word_by_word() -> None:
    """They are another cell each; nobody reads a mixture of both."""
    store, script = session_of("rows = [1, 2, 3]", "print(sorted(rows, reverse=True)[0])", ids=False)
    text = str(command(store, script, "diff", "1", "2"))
    assert "another cell: `rows = [1, 2, 3]` -> `print(sorted(rows, reverse=True)[0])`" in text
    assert "rows: changed only by In[1]" in text
    assert "[-" not in text


def test_marked_lines_can_each_be_read_alone() -> None:
    """A removal over several lines is marked in each of them."""
    from agentlog.diffs.compare import marked, word_diff

    assert marked(word_diff("a = 1\nb = 2\nc = 3\nd = 4", "a = 1\nd = 4")) == ["[-b = 2-]", "[-c = 3-]"]


def test_a_setting_of_a_library_that_only_one_run_made_is_named(tmp_path: Path) -> None:
    """The same code on the same data shows other numbers: numpy was told to print them otherwise."""
    store = new_store()
    numpy = pytest.importorskip("numpy")
    before = numpy.get_printoptions()["precision"]
    sessions = []
    for digits in (8, 3):
        script = Script(store, notebook="/n/pair.ipynb")
        script.run("import numpy as np, os", "a")
        os.environ["SOME_DIGITS"] = str(digits)
        script.run("x = 1\nnp.set_printoptions(precision=int(os.environ['SOME_DIGITS']))", "b")
        script.run("np.array([1.23456789])", "c")
        script.close()
        sessions.append(script.session)
        numpy.set_printoptions(precision=before)
    del os.environ["SOME_DIGITS"]
    text = str(diff.compare_sessions(store, *(store.session(one) for one in sessions)))
    assert "setting numpy print.precision: default -> 3" in text


def test_names_since_an_execution_say_who_made_and_who_changed_them() -> None:
    """Made by one, changed by others; nothing of where that stands is said twice."""
    store, script = session_of("a = 1", "d = {'k': 1}", "d['z'] = 2", "a = 5", ids=False)
    text = str(command(store, script, "diff", "--since", "1"))
    assert "name        d made by In[2], changed by In[3]: dict of 2" in text
    assert "name        a rebound by In[4]: 1 -> 5" in text


FRAME = (
    "import pandas as pd",
    "df = pd.DataFrame({'total': [10.0, 20.0], 'kind': ['a', 'b']})",
    "rates = {'a': 0.1}",
    "df['rate'] = df['kind'].map(rates)",
    "df['net'] = df['total'] * (1 - df['rate'])",
    "rates['b'] = 0.2",
    "df['rate'] = df['kind'].map(rates)",
)


def test_why_names_the_columns_that_are_stale_and_no_others() -> None:
    """`net` stands on the old rates; `rate` was mapped again, so that the first mapping says nothing any more."""
    store, script = session_of(*FRAME, ids=False)
    why = str(command(store, script, "why", "df"))
    assert [line for line in why.splitlines() if line.startswith("stale")] == [
        "stale: In[5] computed column 'net' from 'rate' before In[7] set 'rate' anew"
    ]
    assert "read pd" not in why
    assert "read rates of In[6]" in why
    again = session_of(*FRAME, "df['net'] = df['total'] * (1 - df['rate'])", ids=False)
    assert "stale" not in str(command(*again, "why", "df"))


def test_why_of_a_column_names_its_frame() -> None:
    """There is no variable of that name; whoever asks means the column."""
    store, script = session_of(*FRAME, "del df['net']", ids=False)
    with pytest.raises(
        NotFound, match=r"no variable 'net'; a column of that name: df gained it in In\[5\]; df lost it in In\[8\]"
    ):
        command(store, script, "why", "net")
