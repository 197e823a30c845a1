"""The behaviour every store has, whatever keeps it: subclass `StoreSuite` and say how events get in and are read.

A backend gives `write(events)` and `open() -> Store`; `events` are stamped (id, time) by the story that tells them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import pytest

from agentlog.errors import NotFound
from agentlog.events import (
    Change,
    ErrorRaised,
    Event,
    ExecutionEnded,
    ExecutionStarted,
    Failure,
    Logged,
    NamespaceChanged,
    OutcomeTagged,
    ProcessDied,
    SessionEnded,
    SessionLearned,
    SessionStarted,
    Status,
    StreamWritten,
    Value,
)  # fmt: skip
from agentlog.filters import Filter
from agentlog.ids import new_id, timestamp
from agentlog.store import Store

E = TypeVar("E", bound=Event)


@dataclass
class Story:
    """Events as a recorder would stamp them."""

    events: list[Event] = field(default_factory=list)

    def add(self, event: E) -> E:
        """One more event."""
        stamped = replace(event, id=event.id or new_id(), time=event.time or timestamp())
        self.events.append(stamped)
        return stamped

    def session(self, **facts: object) -> str:
        """A session begins; returns its id."""
        session = new_id()
        self.add(SessionStarted(session=session, **{"life": "kernel", **facts}))  # type: ignore[arg-type]
        return session

    def cell(
        self, session: str, count: int | None, source: str, *, status: str | None = "ok", printed: str = "", error: Failure | None = None,
        writes: tuple[str, ...] = (), **facts: object,
    ) -> str:  # fmt: skip
        """A cell runs; status None: it never ends. Returns its execution id."""
        execution = new_id()
        common = {"session": session, "execution": execution}
        self.add(ExecutionStarted(number=count or 0, count=count, source=source, **common, **facts))  # type: ignore[arg-type]
        if printed:
            self.add(StreamWritten(text=printed, **common))  # type: ignore[arg-type]
        if error:
            self.add(ErrorRaised(failure=error, message=error.message, **common))  # type: ignore[arg-type]
        if status:
            self.add(ExecutionEnded(status=status, count=count, ms=2.5, rss=1000, **common))  # type: ignore[arg-type]
            changes = tuple(Change(name, "made", new=Value("int", value=1)) for name in writes)
            self.add(NamespaceChanged(reads=("load",), writes=writes, changes=changes, **common))  # type: ignore[arg-type]
        return execution


KEY_ERROR = Failure("KeyError", "'price'", hash="k1")


class StoreSuite:
    """Inherit, and give `write` and `open`."""

    def write(self, events: Sequence[Event]) -> None:
        """Make `events` part of the store."""
        raise NotImplementedError

    def open(self) -> Store:
        """The store, reading."""
        raise NotImplementedError

    def told(self, story: Story) -> Store:
        """The store after `story`."""
        self.write(story.events)
        return self.open()

    # --- sessions -------------------------------------------------------------------------------------------------

    def test_a_session_is_read_back_with_what_was_learned_later(self) -> None:
        """Notebook, git state and packages that became known later complete the session's start."""
        story = Story()
        session = story.session(
            python="3.11.7", cwd="/home/x", git={"branch": "main", "commit": "abc"}, packages={"numpy": "2.0"}
        )
        story.add(SessionLearned(session=session, notebook="/home/x/demo.ipynb", git={"dirty": True}, packages={"pandas": "3.0"}))
        story.add(SessionEnded(session=session, how="shutdown"))
        found = self.told(story).session()
        assert (found.id, found.python, found.notebook, found.title) == (session, "3.11.7", "/home/x/demo.ipynb", "demo.ipynb")
        assert found.git == {"branch": "main", "commit": "abc", "dirty": True}
        assert found.packages == {"numpy": "2.0", "pandas": "3.0"}
        assert (found.how, found.ended) == ("shutdown", story.events[-1].time)

    def test_sessions_are_listed_latest_first_with_their_counts(self) -> None:
        """Counts leave out cells of agentlog's own and of front ends; errors outside cells are counted apart."""
        story = Story()
        first, second = story.session(agent="coder", task="fix it"), story.session()
        story.cell(first, 1, "a = 1")
        story.cell(first, 2, "b", status="error", error=KEY_ERROR)
        story.cell(first, 3, "%agentlog context", own=True)
        story.cell(first, None, "probe()", status="error", internal=True)
        story.add(ErrorRaised(session=second, failure=KEY_ERROR, origin="thread"))
        store = self.told(story)
        listed = store.sessions()
        assert [one.id for one in listed] == [second, first]
        assert [(one.executions, one.failures, one.errors) for one in listed] == [(0, 0, 1), (2, 1, 1)]
        assert [one.id for one in store.sessions(agent="coder")] == [first]
        assert store.sessions(limit=1)[0].id == second
        assert listed[1].title == "fix it"

    def test_sessions_answer_to_the_end_of_their_id(self) -> None:
        """The whole id, its last six characters, "last" and "-2" all name a session."""
        story = Story()
        first, second = story.session(), story.session()
        store = self.told(story)
        assert store.session(first).id == first
        assert store.session(first[-6:]).id == first
        assert store.session("last").id == store.session().id == second
        assert store.session("-2").id == first

    def test_a_parent_comes_before_its_children_whatever_the_clocks_say(self) -> None:
        """A child session whose machine's clock is behind is still listed after its parent, and so are its events."""
        story = Story()
        child, begins, says = (f"{turn:011d}" + new_id()[11:] for turn in range(3))
        parent = story.session()
        story.add(SessionStarted(session=child, parent=parent, id=begins, time="2020-01-01T00:00:00.000000Z"))
        late = story.add(StreamWritten(session=child, text="x", id=says, time="2020-01-01T00:00:00.000001Z"))
        store = self.told(story)
        assert [one.id for one in store.sessions()] == [child, parent]
        assert [event.session for event in store.events()] == [parent, child, child]
        assert list(store.events())[-1].id == late.id

    def test_nothing_recorded_is_said_in_one_line(self) -> None:
        """An empty store has no last session and no failure, and says so."""
        store = self.told(Story())
        assert store.sessions() == []
        assert store.last_failure() is None
        with pytest.raises(NotFound, match="no session recorded yet"):
            store.session()

    def test_a_session_that_could_not_say_its_notebook_has_that_of_its_cells(self) -> None:
        """A kernel that is killed in its first cells; what the session says itself counts more."""
        story = Story()
        killed, told = story.session(), story.session()
        story.cell(killed, 1, "crash()", status=None, notebook="/home/x/demo.ipynb")
        story.cell(told, 1, "x = 1", notebook="/home/x/old.ipynb")
        story.add(SessionLearned(session=told, notebook="/home/x/new.ipynb"))
        store = self.told(story)
        assert [store.session(one).notebook for one in (killed, told)] == ["/home/x/demo.ipynb", "/home/x/new.ipynb"]

    def test_a_process_counts_as_one_with_its_tasks(self) -> None:
        """Where it is asked for: what a task did is the process's too; alone each has its own."""
        story = Story()
        kernel, task, process = story.session(), story.session(life="task"), story.session(life="process")
        story.cell(kernel, 1, "x = 1")
        story.cell(task, 2, "y = 2")
        failed = story.cell(task, 3, "x['price']", status="error", error=KEY_ERROR)
        store = self.told(story)
        assert [one.source for one in store.executions(kernel)] == ["x = 1"]
        assert store.whole_of(store.session(process)).id == process
        whole = store.whole_of(store.session(task)).id
        assert whole == kernel
        assert [one.source for one in store.executions(kernel)] == ["x = 1", "y = 2", "x['price']"]
        last = store.last_failure(kernel)
        assert last is not None
        assert last.id == failed
        assert [error.execution for error in store.errors(kernel)] == [failed]
        assert [one.source for one in store.executions(task)] == ["y = 2", "x['price']"]
        assert [(one.executions, one.failures) for one in map(store.session, (kernel, task))] == [(3, 1), (2, 1)]

    # --- executions -----------------------------------------------------------------------------------------------

    def test_an_execution_is_read_back_whole(self) -> None:
        """Start, end, error and names of one cell are one Execution."""
        story = Story()
        session = story.session()
        execution = story.cell(
            session, 4, "df['price']", status="error", error=KEY_ERROR, writes=("x", "y"), cell_id="c-1", notebook="n.ipynb"
        )
        found = self.told(story).execution("4")
        assert (found.id, found.session, found.count, found.label, found.cell_id) == (execution, session, 4, "In[4]", "c-1")
        assert (found.status, found.error, found.hash, found.ms, found.rss) == ("error", "KeyError: 'price'", "k1", 2.5, 1000)
        assert (found.reads, found.writes, found.source) == (("load",), ("x", "y"), "df['price']")
        assert found.failed
        assert found.started is not None
        assert found.ended is not None
        assert found.started < found.ended

    def test_a_cell_that_another_one_ran_is_named_after_it(self) -> None:
        """`%%capture` runs its body as a cell without a number; the name it is shown by finds it."""
        story = Story()
        session = story.session()
        outer = story.cell(session, 8, "%%capture\n1/0", status="error_shown")
        inner = story.cell(session, None, "1/0", status="error", error=KEY_ERROR, within=outer)
        alone = story.cell(session, None, "probe()")
        store = self.told(story)
        assert store.execution(inner).label == f"In[8]/{inner[-6:]}"
        assert store.execution(f"In[8]/{inner[-6:]}").id == inner
        assert (store.execution(outer).label, store.execution(alone).label) == ("In[8]", alone[-6:])

    def test_executions_come_in_order_and_without_those_of_agentlog_and_of_front_ends(self) -> None:
        """They are listed when asked for."""
        story = Story()
        session = story.session()
        ids = [
            story.cell(session, 1, "a"), story.cell(session, 2, "%agentlog", own=True), story.cell(session, 3, "b"),
            story.cell(session, None, "probe", internal=True),
        ]  # fmt: skip
        store = self.told(story)
        assert [one.id for one in store.executions(session)] == [ids[0], ids[2]]
        assert [one.id for one in store.executions(session, own=True, internal=True)] == ids
        assert store.executions(new_id()) == []

    def test_references_to_executions(self) -> None:
        """A number is the latest In[n]; ids answer to their end; an ambiguous end names the candidates."""
        story = Story()
        session, other = story.session(), story.session()
        first, again = story.cell(session, 1, "a"), story.cell(session, 1, "a + 1")
        elsewhere = story.cell(other, 1, "z")
        twins = [start + "0000tw1n" for start in (new_id()[:12], new_id()[:12])]
        for twin in twins:
            story.add(ExecutionStarted(session=session, execution=twin, source="t"))
            story.add(ExecutionEnded(session=session, execution=twin))
        store = self.told(story)
        assert store.execution("1", session).id == store.execution("In[1]", session).id == again
        assert store.execution("1").id == elsewhere
        assert store.execution(first).id == store.execution(first[-6:], session).id == first
        assert store.execution("last", session).id == twins[1]
        assert store.execution("-3", session).id == again
        with pytest.raises(NotFound, match=f"'tw1n' means 2 executions.*{twins[0][-8:]}, .*{twins[1][-8:]}"):
            store.execution("tw1n", session)
        with pytest.raises(NotFound, match="no execution '77' in session"):
            store.execution("77", session)

    def test_the_last_failure_is_the_latest_cell_that_failed(self) -> None:
        """Of a session or of the whole store; cells that ended well, or that are still running, do not count."""
        story = Story()
        first, second = story.session(), story.session()
        failed = story.cell(first, 1, "x", status="error", error=KEY_ERROR)
        later = story.cell(second, 1, "y", status="interrupted")
        story.cell(first, 2, "fine")
        story.cell(first, 3, "probe", status="error", internal=True)
        store = self.told(story)
        found, of_all = store.last_failure(first), store.last_failure()
        assert found is not None
        assert found.id == failed
        assert of_all is not None
        assert of_all.id == later

    def test_a_later_look_at_the_namespace_takes_nothing_away(self) -> None:
        """A change found in spare time belongs to the last cell; what that cell read and wrote stays."""
        story = Story()
        session = story.session()
        execution = story.cell(session, 1, "df = load()", writes=("df",))
        found = Change("other", "mutated", new=Value("list", length=2))
        story.add(NamespaceChanged(session=session, execution=execution, changes=(found,)))
        cell = self.told(story).execution(execution)
        assert (cell.reads, cell.writes) == (("load",), ("df",))

    def test_an_execution_whose_process_was_seen_to_die_is_dead(self) -> None:
        """The report of whoever saw it gives the signal in words and the stack; the last lines it printed go with it."""
        story = Story()
        session = story.session()
        done = story.cell(session, 1, "fine")
        story.cell(session, 2, "crash()", status=None, printed="one\ntwo\n")
        story.add(
            ProcessDied(
                session=session,
                exit_code=-11,
                signal="SIGSEGV (segmentation fault)",
                stack="Fatal Python error: Segmentation fault",
            )
        )
        store = self.told(story)
        assert store.session().how == "died"
        last = store.last_failure()
        assert last is not None
        assert (last.source, last.status, last.error) == ("crash()", "died", "died: SIGSEGV (segmentation fault)")
        death = store.death(last)
        assert death is not None
        assert (death.seen, death.exit_code, death.output) == (True, -11, ("one", "two"))
        assert "Segmentation fault" in (death.stack or "")
        assert store.death(store.execution(done)) is None

    @pytest.mark.parametrize("output", ["one\ntwo\nthree\n", "two\n"], ids=["more", "a part"])
    def test_what_only_the_witness_saw_of_the_output_is_told(self, output: str) -> None:
        """A process that is killed has no time to write its last lines; of what it wrote nothing is left out."""
        story = Story()
        session = story.session()
        execution = story.cell(session, 2, "crash()", status=None, printed="one\ntwo\n")
        story.add(ProcessDied(session=session, execution=execution, exit_code=-9, signal="SIGKILL", output=output))
        store = self.told(story)
        death = store.death(store.execution(execution))
        assert death is not None
        assert death.output == (("one", "two", "three") if "three" in output else ("one", "two"))

    @pytest.mark.parametrize("apart", [False, True], ids=["one batch", "two batches"])
    @pytest.mark.parametrize("first", ["kernel", "runner"])
    @pytest.mark.parametrize(("verdict", "own"), [("timed_out", "interrupted"), ("died", "error"), ("not_run", "ok")])
    def test_the_verdict_of_the_runner_stands(self, verdict: Status, own: Status, first: str, apart: bool) -> None:
        """Whichever is read first, in one batch or in two: the runner says how the cell ended, the kernel how long it took."""
        story, later = Story(), Story()
        session = story.session()
        execution = story.cell(session, 1, "wait()", status=None)
        common = {"session": session, "execution": execution}
        ends: list[Event] = [
            ExecutionEnded(status=own, count=1, ms=2.5, rss=1000, peak=2000, **common),  # type: ignore[arg-type]
            ExecutionEnded(status=verdict, count=1, ms=900.0, **common),  # type: ignore[arg-type]
        ]
        one, other = ends if first == "kernel" else ends[::-1]
        story.add(one)
        (later if apart else story).add(other)
        store = self.told(story)
        if apart:
            before = store.execution(execution).status
            assert before == (own if first == "kernel" else verdict)
            self.write(later.events)
        found = store.execution(execution)
        assert (found.status, found.count, found.ms, found.rss, found.peak) == (verdict, 1, 2.5, 1000, 2000)

    def test_filters(self) -> None:
        """By status, cell, time, agent, tag and text; together they all hold; the limit keeps the latest."""
        story = Story()
        session, other = story.session(agent="coder"), story.session(agent="tester")
        one = story.cell(session, 1, "load('Prices.csv')", printed="3 rows DROPPED\n", cell_id="cell-a")
        two = story.cell(session, 2, "x", status="error", error=KEY_ERROR, cell_id="cell-b")
        three = story.cell(other, 1, "y = 'straße'", printed="grün\n")
        story.add(OutcomeTagged(session=session, execution=two, outcome="failure", tags=("flaky",)))
        story.add(OutcomeTagged(session=other, outcome="success", tags=("nightly",)))
        story.add(Logged(session=other, execution=three, message="retrying 'now'", tags=("retry",)))
        store = self.told(story)
        middle = next(event.time for event in story.events if event.execution == two)

        def found(**wanted: object) -> list[str]:
            return [execution.id for execution in store.executions(wanted=Filter(**wanted))]  # type: ignore[arg-type]

        assert found(status="failed") == found(status="error") == [two]
        assert found(cell="cell-") == [one, two]
        assert found(cell="1") == [one, three]
        assert found(agent="tester") == [three]
        assert found(tag="flaky") == found(tag="failure") == [two]
        assert found(tag="nightly") == found(tag="retry") == [three]
        assert found(text="dropped") == found(text="prices.CSV") == [one]
        assert found(text="KeyError") == found(text="'price'") == [two]
        assert found(text="GRÜN") == found(text="straße") == found(text="Retrying 'now'") == [three]
        assert found(text="cell.start") == []
        assert found(since=middle) == [two, three]
        assert found(until=middle) == [one]
        assert found(limit=2) == [two, three]
        assert found(status="failed", agent="tester") == []

    # --- events ---------------------------------------------------------------------------------------------------

    def test_events_come_back_equal_and_in_order(self) -> None:
        """Every event that was written is read back as it was, in the order in which it happened."""
        story = Story()
        session = story.session(argv=("a.py", "--x"))
        story.cell(session, 1, "a", printed="x\n" * 3, error=KEY_ERROR, status="error", writes=("q",))
        story.cell(session, 2, "ünïcode \ud83d".encode("utf-8", "replace").decode())
        store = self.told(story)
        read = [replace(event, sequence=0) for event in store.events(session=session)]
        assert read == story.events
        assert [replace(event, sequence=0) for event in store.events()] == story.events

    def test_events_by_execution_kind_and_position(self) -> None:
        """`kinds`, `after` and `limit` narrow what is read; more than one page is read to its end."""
        story = Story()
        session = story.session()
        ids = [story.cell(session, number, f"x{number}", printed=f"{number}\n", writes=("x",)) for number in range(400)]
        store = self.told(story)
        assert [event.execution for event in store.events(kinds={StreamWritten.kind})] == ids
        assert {event.kind for event in store.events(execution=ids[7])} == {"cell.start", "stream", "cell.end", "cell.namespace"}
        middle = story.events[801]
        assert [event.id for event in store.events(session=session, after=middle.id)] == [
            event.id for event in story.events[802:]
        ]
        assert [event.id for event in store.events(limit=3)] == [event.id for event in story.events[:3]]
        assert [change.name for change in store.changes(ids[3])] == ["x"]

    def test_what_stood_unfinished_gives_way_to_what_followed(self) -> None:
        """A look at a stream that could still change is read as long as nothing followed on that stream of that cell."""
        story = Story()
        session = story.session()
        one, other = (story.cell(session, number, "bar()", status=None) for number in (1, 2))

        def wrote(execution: str | None, text: str, name: str = "stderr", unfinished: bool = True) -> None:
            story.add(StreamWritten(session=session, execution=execution, name=name, text=text, unfinished=unfinished))

        wrote(one, "1/3")
        wrote(one, "half a", name="stdout")
        wrote(other, "loading")
        wrote(None, "nobody's")
        wrote(one, "2/3")
        wrote(one, "a line\n", name="stdout", unfinished=False)
        wrote(other, "", unfinished=False)
        store = self.told(story)

        def texts(**where: str) -> list[tuple[str | None, str]]:
            events = store.events(kinds={StreamWritten.kind}, **where)
            return [(event.execution, event.text) for event in events if isinstance(event, StreamWritten)]

        assert texts(execution=one) == [(one, "2/3"), (one, "a line\n")]
        assert texts(session=session) == [(None, "nobody's"), (one, "2/3"), (one, "a line\n"), (other, "")]
        assert len(list(store.records(kinds={StreamWritten.kind}))) == 7

    def test_errors_of_cells_and_of_nobody(self) -> None:
        """Errors are found by session, by execution and by the hash of their kind."""
        story = Story()
        session = story.session()
        cell = story.cell(session, 1, "x", status="error", error=KEY_ERROR)
        story.add(ErrorRaised(session=session, failure=Failure("OSError", "disk", hash="k2"), origin="thread"))
        store = self.told(story)
        assert [error.failure.type for error in store.errors(session)] == ["KeyError", "OSError"]
        assert [error.execution for error in store.errors(hash="k1")] == [cell]
        assert [error.failure.message for error in store.errors(execution=cell)] == ["'price'"]

    def test_what_is_written_later_is_seen_by_the_next_question(self) -> None:
        """A store that is open follows the journal."""
        story = Story()
        session = story.session()
        store = self.told(story)
        assert store.executions(session) == []
        more = Story()
        more.cell(session, 1, "a")
        running = more.cell(session, 2, "b", status="error", error=KEY_ERROR)
        self.write(more.events)
        assert [one.source for one in store.executions(session)] == ["a", "b"]
        last = store.last_failure(session)
        assert last is not None
        assert last.id == running
