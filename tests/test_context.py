"""The context of real crashes and of hand-made sessions: what it says, in which order, and that it stays within bounds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from context_runner import CASES, read_case
from context_sample import LEFT, SESSION, execution_id, failure, sample

from agentlog import api, blame, guard
from agentlog.cli import main
from agentlog.context import build, recent
from agentlog.errors import NotFound
from agentlog.events import (
    ErrorRaised,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    Frame,
    Logged,
    NamespaceChanged,
    ProcessDied,
    SessionStarted,
    StreamWritten,
    Value,
)
from agentlog.ids import new_id
from agentlog.situation import Situation, situation
from agentlog.store import Store

NAMES = sorted(path.stem for path in CASES.glob("*.txt"))


def test_what_there_was_no_time_for_is_what_the_failure_found() -> None:
    """A look at the namespace that ran out of time leaves a type alone: the failure saw the rest, and the cause is found."""
    busy = sample(left=Value("DataFrame", "pandas", cut="not looked at: out of time"))
    assert next(situation(busy).versions("df")).value == LEFT
    assert "cause: In[2]: df lost 'price' there" in str(build(busy))


def test_a_rule_that_fails_costs_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is noted; the rules after it are asked, and the rest of the context is there."""

    def broken(case: Situation, failure: Failure) -> None:
        raise KeyError("of ours")

    monkeypatch.setattr("agentlog.blame.RULES", (broken, *blame.RULES))
    text = str(build(sample()))
    assert "cause: In[2]: df lost 'price' there" in text
    assert "no column 'price'" in text
    assert [fault.part for fault in guard.faults()] == ["cause broken"]
    guard.forget()


# --- real crashes -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every case of `context_cases/`, crashed in a real shell with the extension loaded."""
    for library in ("pandas", "sklearn"):
        pytest.importorskip(library)
    stores = tmp_path_factory.mktemp("cases")
    runner = Path(__file__).parent / "context_runner.py"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AGENTLOG")}
    done = subprocess.run(
        [sys.executable, str(runner), str(stores)], capture_output=True, text=True, env=environment, timeout=500
    )
    assert "\n@@" in done.stdout, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.split("\n@@")[-1])
    return found


def crashed(crashes: dict[str, Any], name: str) -> dict[str, Any]:
    if name not in crashes:
        pytest.skip("needs a library that is not installed")
    return crashes[name]  # type: ignore[no-any-return]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_cause_names_the_cell_at_fault(crashes: dict[str, Any], name: str) -> None:
    """The first line that begins with `cause` names the cell whose change mends it, at every budget."""
    case, crash = read_case(CASES / f"{name}.txt"), crashed(crashes, name)
    assert crash["raised"] == case["exception"]
    for text in crash["texts"].values():
        named = re.search(r"^cause: In\[(\d+)\]", text, flags=re.M)
        assert named is not None
        assert int(named[1]) == case["cause"], text


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", NAMES)
def test_facts_for_the_fix_are_there(crashes: dict[str, Any], name: str) -> None:
    """What a reader needs stands in a line (or a block) of the right name, within 500 tokens."""
    text = crashed(crashes, name)["texts"]["500"]
    for about, fact in read_case(CASES / f"{name}.txt")["facts"]:
        blocks = re.findall(rf"^{re.escape(about)}(?: = |: |\[)(.*(?:\n .*)*)", text, flags=re.M)
        assert any(fact in block for block in blocks), f"{about}: {fact} is missing in\n{text}"


def test_cells_that_are_told_are_not_shown_again(crashes: dict[str, Any]) -> None:
    """Neither a cell that is the failing line, nor one that is the line of the cause, nor one that only imports."""
    text = crashes["dates_asked_in_vain"]["texts"]["1000"]
    assert 'at In[4] line 1: trips["start"].dt.month' in text
    assert "cause: In[2]" in text
    assert "In[2]:\n" not in text
    assert "In[4]:\n" not in text
    assert "In[3]:\n trips = trips.dropna()" in text


def test_a_column_is_told_under_its_table(crashes: dict[str, Any]) -> None:
    """With its type, and what something is reads as values do."""
    assert "\nrooms: left side is column 'beds' (object)\n" in crashes["type_changed_by_fill"]["texts"]["500"]


def test_the_crashed_cell_is_told_where_the_label_was_lost(crashes: dict[str, Any]) -> None:
    """Where the crashed cell is at fault because it goes by what an earlier one took away, renamed or left out."""
    said = {
        "column_dropped_again": "df lost 'id' in In[2] already: df.drop(columns=[\"id\"], inplace=True)",
        "label_of_the_table_before": "X was made without 'price' in In[2]: X = df.drop(columns=\"price\")",
        "renamed_and_used_since": "df lost 'Annual Income' in In[2], and In[3] goes by the new name",
    }
    for name, reason in said.items():
        for text in crashes[name]["texts"].values():
            assert f"(this cell): {reason}\n" in text, text


def test_no_cell_is_to_be_run_again_for_columns_that_are_written_in_the_failing_line(crashes: dict[str, Any]) -> None:
    """The model read other columns of the table than the one that came later: it is not out of date."""
    for text in crashes["columns_written_at_predict"]["texts"].values():
        assert "was made by" not in text
        assert "run In[" not in text


def test_all_unbound_names_of_the_functions_it_failed_in_are_told_at_once(crashes: dict[str, Any]) -> None:
    """With those of the crashed cell, and the cells to run in their order."""
    text = crashes["names_unbound_in_function"]["texts"]["500"]
    assert "rate was deleted by In[4]; run In[1] `rate = 1.5`, then In[2] `offset = 10 * rate`" in text
    assert "also not bound: offset, shipping, surcharge\n" in text


def test_the_function_that_gave_none_is_shown(crashes: dict[str, Any]) -> None:
    """Its own lines, not all of its cell; also where the failing line does not name it, and where another function called it."""
    text = crashes["function_gave_none"]["texts"]["1000"]
    assert "\nIn[2]:\n def first(self, text):\n     return re.search(self.pattern, text)\n" in f"{text}\n"
    other = crashes["function_gave_none_to_another"]["texts"]["1000"]
    assert "\nIn[2]:\n def load_user(name):\n     return users.get(name)\n" in f"{other}\n"


def test_the_cause_says_why_at_every_budget(crashes: dict[str, Any]) -> None:
    """An earlier cell is not named without what was seen there."""
    for name, crash in crashes.items():
        for text in crash["texts"].values():
            named = re.search(r"^cause: (In\[\d+\])(.*)$", text, flags=re.M)
            assert named is not None
            assert named[2].startswith((": ", " (this cell)")), f"{name}: {named[0]}"


def test_real_contexts_stay_within_their_budget(crashes: dict[str, Any]) -> None:
    """As counted by o200k and cl100k."""
    pytest.importorskip("rs_bpe", reason="no tokenizer with a vocabulary of its own is installed: pip install rs-bpe")
    from agentlog.tokens import counter

    for real in (counter("o200k_base"), counter("cl100k_base")):
        for name, crash in crashes.items():
            for budget, text in crash["texts"].items():
                assert real.count(text) <= int(budget), name


# --- hand-made sessions -------------------------------------------------------------------------------------------


def test_order_of_use() -> None:
    """The failure, the cause, the evidence, the values, then sources and git."""
    text = str(build(sample(), command="%agentlog"))
    places = [
        text.index(part) for part in ("KeyError: 'price'", "cause: In[2]", "evidence:", "values:", "sources:", "workspace:")
    ]
    assert places == sorted(places)


def test_nothing_is_said_twice() -> None:
    """No line occurs twice at any budget."""
    for budget in (150, 300, 1000, 4000):
        lines = [line for line in build(sample()).render("text", budget).splitlines() if line.strip()]
        assert len(lines) == len(set(lines))


def test_focus_on_a_name_tells_its_life() -> None:
    """What it is, and which cells made and changed it; an unknown name is told with the nearest."""
    text = str(build(sample(), name="df"))
    assert text.startswith("values:\ndf = DataFrame 3x1")
    assert "In[2]: rebound" in text
    assert "In[1]: made" in text
    with pytest.raises(NotFound, match=r"no execution of session .* made a name 'dff'; nearest: df"):
        build(sample(), name="dff")


def test_focus_on_a_cell_that_worked() -> None:
    """Its status, what it changed and what it printed."""
    text = str(build(sample(), execution="2"))
    assert text.startswith("In[2] ok in 12 ms")
    assert "df = rebound DataFrame 3x1" in text
    assert "stdout: dropping" in text


def test_without_a_failure_the_session_is_told() -> None:
    """Never empty: where it stands and its last cells, the latest first."""
    text = str(build(sample(failing=False)))
    assert "2 executions, 0 failed" in text
    assert text.index("In[2]: ok") < text.index("In[1]: ok")


def test_cell_worked_before_and_was_edited_since() -> None:
    """The run that worked, the edit, and the input that is different now."""
    store = sample()
    for event in _execution(11, 'total = (df["qty"] * rate).sum()', "ok"):
        store.add(event)
    old, new = Value("DataFrame", "pandas", shape=(3, 1)), Value("DataFrame", "pandas", shape=(0, 1))
    for event in _execution(
        12, "df = df[df.qty > 100]", "ok", NamespaceChanged(changes=(_change("df", old, new),), reads=("df",))
    ):
        store.add(event)
    for event in _execution(
        13, 'total = (df["price"] * rate).sum()', "error", ErrorRaised(failure=failure(), message="KeyError: 'price'")
    ):
        store.add(event)
    text = str(build(store, execution="13"))
    assert "this cell last worked as In[11]" in text
    assert '-total = (df["qty"] * rate).sum()' in text
    assert '+total = (df["price"] * rate).sum()' in text


def test_seen_before_in_another_session() -> None:
    """How often this kind of failure was seen, and when last."""
    store = sample()
    for event in _execution(13, "again", "error", ErrorRaised(failure=failure(), message="KeyError: 'price'")):
        store.add(event)
    assert "seen before:\n1 time before, last 2026-11-21 09:00" in str(build(store, execution="13"))


def test_output_without_the_printed_traceback() -> None:
    """The failure is told already; warnings come before the last lines."""
    store = sample()
    printed = (
        "epoch 1\nRuntimeWarning: overflow\nepoch 2\nepoch 3\nepoch 4\n"
        + "-" * 75
        + "\nKeyError   Traceback (most recent call last)\nx\n"
    )
    error = ErrorRaised(failure=failure(), message="KeyError: 'price'")
    for event in _execution(13, "loud()", "error", StreamWritten(text=printed), StreamWritten(text="KeyError: 'price'\n"), error):
        store.add(event)
    text = str(build(store, execution="13"))
    assert "RuntimeWarning: overflow" in text
    assert "Traceback" not in text


def test_a_plain_program_has_a_context_too() -> None:
    """An uncaught exception outside any cell."""
    store = Store.in_memory()
    session = new_id()
    store.add(SessionStarted(session=session, life="process", argv=("app.py",)))
    store.add(ErrorRaised(session=session, failure=failure(), message="KeyError: 'price'", origin="uncaught"))
    store.refresh()
    text = str(build(store))
    assert text.startswith("KeyError: 'price'")
    assert "df = DataFrame 3x1" in text


def _cell(store: Store, session: str, source: str, status: str, origin: str | None) -> str:
    """A cell in a store, with an error of this origin."""
    cell = new_id()
    store.add(ExecutionStarted(session=session, execution=cell, number=1, source=source))
    if origin is not None:
        failed = Failure("KeyError", repr(source))
        store.add(ErrorRaised(session=session, execution=cell, failure=failed, message=failed.title, origin=origin))
    store.add(ExecutionEnded(session=session, execution=cell, status=status))  # type: ignore[arg-type]
    return cell


def test_a_thread_that_failed_after_the_last_failed_cell_is_the_failure() -> None:
    """Its cell ended well; what it left running did not. A cell that fails later comes first again, whatever still runs beside it."""
    store, session = Store.in_memory(), new_id()
    store.add(SessionStarted(session=session, life="kernel"))
    _cell(store, session, "bad()", "error", "cell")
    thread = _cell(store, session, "start()", "ok", "thread")
    _cell(store, session, "noted()", "ok", "captured")
    store.refresh()
    assert str(build(store)).startswith("KeyError: 'start()'")
    _cell(store, session, "worse()", "error", "cell")
    late = Failure("KeyError", "'again'")
    store.add(ErrorRaised(session=session, execution=thread, failure=late, message=late.title, origin="thread"))
    store.refresh()
    assert str(build(store)).startswith("KeyError: 'worse()'")


def test_time_was_the_reason_of_an_interrupt() -> None:
    """Else a reader takes it for the user's Ctrl-C."""
    store, session = Store.in_memory(), new_id()
    store.add(SessionStarted(session=session, life="kernel"))
    _cell(store, session, "wait()", "timed_out", "cell")
    store.refresh()
    text = str(build(store))
    assert "timed out: whoever ran it stopped it" in text
    assert text.startswith("KeyError: 'wait()'")


def test_a_cell_without_a_number_is_called_the_same_everywhere() -> None:
    """What `%%capture` or `ipython -c` runs has no In[n]: the way to the failure, the cause and the sources say its short id."""
    store, session, cell = Store.in_memory(), new_id(), new_id()
    frame = Frame("cell", "/tmp/ipykernel_1/2.py", 1, "<module>", cell=cell, source="1/0")
    store.add(SessionStarted(session=session, life="kernel"))
    store.add(ExecutionStarted(session=session, execution=cell, number=1, source="1/0"))
    store.add(ErrorRaised(session=session, execution=cell, failure=Failure("ZeroDivisionError", "by zero", frames=(frame,))))
    store.add(ExecutionEnded(session=session, execution=cell, status="error"))
    store.refresh()
    text = str(build(store))
    assert f"at {cell[-6:]} line 1: 1/0" in text
    assert f"cause: {cell[-6:]} (this cell)" in text


@pytest.mark.parametrize("message", ["MemoryError", "MemoryError: "])
def test_an_error_without_a_message_is_named_once(message: str) -> None:
    """Also from a journal whose line ended in a colon: neither the context nor the index repeats the type."""
    store, session, cell = Store.in_memory(), new_id(), new_id()
    store.add(SessionStarted(session=session, life="kernel"))
    store.add(ExecutionStarted(session=session, execution=cell, count=1, number=1, source="fill()"))
    store.add(ErrorRaised(session=session, execution=cell, failure=Failure("MemoryError", ""), message=message))
    store.add(ExecutionEnded(session=session, execution=cell, status="error"))
    store.refresh()
    assert str(build(store)).count("MemoryError") == 1
    assert store.execution(cell).error == "MemoryError"


def test_a_chain_says_a_message_once() -> None:
    """Some libraries hand on the whole message of what they caught: what is left of it is its type."""
    store, session = Store.in_memory(), new_id()
    first = Failure("OperationalError", "no such table: sales")
    last = Failure("DatabaseError", "Execution failed:\n no such table: sales", cause=first, explicit_cause=True)
    store.add(SessionStarted(session=session, life="process", argv=("app.py",)))
    store.add(ErrorRaised(session=session, failure=last, message=last.title, origin="uncaught"))
    store.refresh()
    text = str(build(store))
    assert text.count("no such table") == 1
    assert "\nfrom OperationalError\n" in text + "\n"


@pytest.mark.parametrize("seen", [None, "allocating\n", "allocating\nnearly full\n"])
def test_a_dead_kernel_is_told_with_its_cell(seen: str | None) -> None:
    """A cell that never ended because its process is gone: how it died, the stack, the last lines, once."""
    store, session, cell = Store.in_memory(), new_id(), new_id()
    store.add(SessionStarted(session=session, life="kernel", pid=1))
    store.add(ExecutionStarted(session=session, execution=cell, count=4, number=4, source="crash()"))
    store.add(StreamWritten(session=session, execution=cell, text="allocating\n"))
    stack = "File app.py line 3 in crash"
    store.add(ProcessDied(session=session, execution=cell, pid=1, exit_code=-11, signal="SIGSEGV", stack=stack, output=seen))
    store.refresh()
    text = str(build(store))
    assert text.startswith("In[4] its process died while it ran: crash()")
    assert "SIGSEGV" in text
    assert "File app.py line 3 in crash" in text
    assert text.count("last output") == ("nearly" in (seen or ""))
    assert text.count("nearly full") == ("nearly" in (seen or ""))
    assert "stdout: allocating" in text


def test_a_cell_that_was_stopped() -> None:
    """Timed out without an exception: the status and the time it had."""
    store = sample(failing=False)
    for event in _execution(7, "while True: pass", "timed_out"):
        store.add(event)
    assert str(build(store)).startswith("In[7] timed out: while True: pass")


def test_recent_records_by_tag() -> None:
    """Newest first; a tag keeps what carries it."""
    store = sample(failing=False)
    for number, tags in enumerate([("load",), (), ("load", "slow")]):
        store.add(
            Logged(session=SESSION, id=new_id(), message=f"step {number}", tags=tags, data={"rows": Value("int", value=number)})
        )
    text = str(recent(store))
    assert text.index("step 2 rows=2") < text.index("step 0 rows=0")
    assert "step 1" not in str(recent(store, tags={"load"}))


def test_api_never_raises_and_is_never_empty(store_folder: Path) -> None:
    """Without a store there is still one line."""
    assert "no store" in api.get_debug_context()
    assert api.get_formatted_context("pdf").startswith("agentlog: ")
    assert "claude" in api.list_formats()
    assert "html" not in api.list_formats()


def test_command_legend_rules_and_bad_options(capsys: pytest.CaptureFixture[str], store_folder: Path) -> None:
    """The legend needs no store; a wrong format is one line and exit code 2."""
    assert main(["context", "--legend"]) == 0
    assert "DataFrame 303x14" in capsys.readouterr().out
    assert main(["context", "--legend", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cause"] == "the cell whose change makes it work"
    assert main(["rules"]) == 0
    assert "agentlog context" in capsys.readouterr().out
    assert main(["context", "--format", "pdf"]) == 2
    assert "\n" not in capsys.readouterr().err.strip()
    assert main(["context"]) == 2


def _change(name: str, old: Value, new: Value) -> Any:
    from agentlog.events import Change

    return Change(name, "rebound", old, new)


def _execution(number: int, source: str, status: Any, *inside: Any) -> list[Any]:
    """The events of one execution of the sample's session."""
    from dataclasses import replace

    mark = {"execution": execution_id(number), "session": SESSION}
    return [
        ExecutionStarted(
            **mark, number=number, count=number, source=source, cell_id="cell-x" if "total" in source else None, id=new_id()
        ),
        *(replace(event, **mark, id=new_id()) for event in inside),
        ExecutionEnded(**mark, status=status, count=number, id=new_id()),
    ]
