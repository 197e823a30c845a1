"""What operators watch, counted from the journal: executions, errors, model calls, deaths, and the recorder's own losses.

A `Meter` follows the journal from where it was; its counters only rise, also when `agentlog gc` removes recordings. Kept
in a file between runs (`keep`), they go on rising across restarts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from agentlog.clock import clock
from agentlog.filters import STATUSES
from agentlog.gather import VERDICTS, Record
from agentlog.ids import timestamp
from agentlog.metrics.exposition import Metric, expose
from agentlog.store import Store
from agentlog.tail import Tail, keep_state, load_state

DURATIONS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600)
NONE_YET = "none"
UNENDED_DAYS = 7
"""Sessions that began longer ago are not asked after."""
_FORMAT = 1


class Meter:
    """The counters of one store."""

    def __init__(self, store: Store, state: Path | None = None) -> None:
        """`state`: where the counters are kept between runs."""
        self._store = store
        self._state = state
        kept = load_state(state) if state else {}
        kept = kept if kept.get("format") == _FORMAT else {}
        places = kept.get("places")
        self._tail = Tail(store.source, places if isinstance(places, dict) else {})
        silent = kept.get("silent")
        self._silent: set[str] = set(silent) if isinstance(silent, list) else set()
        """executions whose (next) end does not count: agentlog's own, those of front ends, interrupted ones that are counted"""
        self._make(kept.get("series"))

    def _make(self, kept: Any) -> None:
        counter, histogram, gauge = self._counter, self._histogram, self._gauge
        self.metrics: list[Metric] = []
        self.sessions = counter("sessions_total", "Sessions that began, by what lives in them.", "life")
        self.ended = counter("sessions_ended_total", "Sessions that ended, by how.", "how")
        self.executions = counter("executions_total", "Executions of cells that ended, by status.", "status")
        self.durations = histogram("execution_duration_seconds", "How long executions took, by status.", "status")
        self.errors = counter("errors_total", "Exceptions that reached the recorder, by class and origin.", "type", "origin")
        self.deaths = counter("process_deaths_total", "Kernels and processes that somebody saw die, by signal.", "signal")
        self.calls = counter(
            "calls_total", "Tool calls, model calls and functions, by kind, name and success.", "what", "name", "ok"
        )
        self.call_durations = histogram("call_duration_seconds", "How long calls took, by kind.", "what")
        self.tokens = counter("tokens_total", "Tokens of model calls, by model and kind.", "model", "kind")
        self.cost = counter("cost_total", "Recorded cost of model calls, by model.", "model")
        self.unpriced = counter("unpriced_calls_total", "Model calls without a recorded cost, by model.", "model")
        self.outcomes = counter("outcomes_total", "Outcomes that were tagged.", "outcome")
        self.dropped = counter("recorder_dropped_events_total", "Events the recorder had to drop.")
        self.faults = counter("recorder_faults_total", "Faults of the recorder's own, by part.", "part")
        self.events = counter("events_total", "Events recorded, by kind.", "kind")
        self._dropped: dict[str, float] = {}
        for metric in self.metrics:
            metric.restore((kept or {}).get(metric.name))
        self._begin_at_zero()
        self.live = gauge("sessions_unended", "Sessions of the last days without an end: running, or died without one.", "how")
        self.running = gauge("executions_running", "Executions that run now.")
        self.queue = gauge("queue_jobs", "Notebooks in the queue, by state.", "state")
        self.last = gauge("last_event_timestamp_seconds", "When the latest event was written.")
        self.journal = gauge("journal_bytes", "Size of the journal on disk.")
        self.unreadable = gauge("journal_unreadable_segments", "Segments that could not be read.")

    def _begin_at_zero(self) -> None:
        """What appears at 1 has not risen for Prometheus: series that alerts are made of are there from the start."""
        self.dropped.add(by=0)
        self.deaths.add(NONE_YET, by=0)
        for status in STATUSES:
            if status != "running":
                self.executions.add(status, by=0)

    def text(self) -> str:
        """All metrics as they are now."""
        self.refresh()
        return expose(self.metrics)

    def refresh(self) -> None:
        """Take in what was written since, look at what is now, keep the counters."""
        for piece in self._tail.new():
            for record in piece.records():
                with suppress(TypeError, ValueError, AttributeError):  # fields of an unexpected type: noise, a newer version
                    self._take(record, piece.segment)
        self._look()
        if self._state is not None:
            series = {metric.name: metric.as_json() for metric in self.metrics if metric.kind != "gauge"}
            state = {"format": _FORMAT, "places": self._tail.places, "silent": sorted(self._silent), "series": series}
            with suppress(OSError):
                keep_state(self._state, state)

    # --- counting ---------------------------------------------------------------------------------------------------

    def _take(self, record: Record, segment: str) -> None:
        kind = str(record.get("e"))
        if kind.startswith("segment."):
            return
        self.events.add(kind)
        handle = getattr(self, f"_take_{kind.replace('.', '_')}", None)
        if handle is not None:
            handle(record, segment)

    def _take_session_start(self, record: Record, segment: str) -> None:
        self.sessions.add(record.get("life", "process"))

    def _take_session_end(self, record: Record, segment: str) -> None:
        self.ended.add(record.get("how", "exit"))

    def _take_cell_start(self, record: Record, segment: str) -> None:
        if record.get("own") or record.get("internal"):
            self._silent.add(str(record.get("x")))

    def _take_cell_end(self, record: Record, segment: str) -> None:
        execution, status = str(record.get("x")), record.get("status", "ok")
        if execution in self._silent:
            self._silent.discard(execution)
            return
        if status == "interrupted":  # a runner may tell of the same end, and why: its verdict is the one to count
            if self._has_verdict(execution):
                return
            self._silent.add(execution)
        self.executions.add(status)
        self.durations.observe(float(record.get("ms") or 0) / 1000, status)

    def _has_verdict(self, execution: str) -> bool:
        return any(one.status in VERDICTS for one in self._store.executions_where("e.id = ?", execution))

    def _take_error(self, record: Record, segment: str) -> None:
        self.errors.add((record.get("failure") or {}).get("type", "Exception"), record.get("origin", "cell"))

    def _take_process_died(self, record: Record, segment: str) -> None:
        self.deaths.add(record.get("signal") or f"exit code {record.get('exit_code')}")

    def _take_span(self, record: Record, segment: str) -> None:
        what = record.get("what", "span")
        self.calls.add(what, record.get("name"), str(record.get("ok", True) is True).lower())
        self.call_durations.observe(float(record.get("ms") or 0) / 1000, what)
        if what == "llm":
            model = record.get("model") or record.get("name")
            for name, count in (record.get("tokens") or {}).items():
                self.tokens.add(model, name, by=max(int(count), 0))
            if record.get("cost") is None:
                self.unpriced.add(model)
            else:
                self.cost.add(model, by=max(float(record["cost"]), 0.0))

    def _take_outcome(self, record: Record, segment: str) -> None:
        self.outcomes.add(record.get("outcome", "success"))

    def _take_fault(self, record: Record, segment: str) -> None:
        dropped = float(record.get("dropped") or 0)
        if dropped:  # the recorder says how many in all since it started
            process = segment.rsplit("-", 1)[0]
            self.dropped.add(by=max(dropped - self._dropped.get(process, 0), 0))
            self._dropped[process] = dropped
        else:
            self.faults.add(record.get("part"))

    # --- looking ------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        since = timestamp(clock.time() - UNENDED_DAYS * 86_400)
        hows = Counter(session.how for session in self._store.sessions(since=since, ended=False))
        for how in ("running", "died"):
            self.live.set(how, to=hows[how])
        self.running.set(to=self._store.running())
        for state, count in _queue(self._store.folder):
            self.queue.set(state, to=count)
        files = self._store.source.files().values()
        self.journal.set(to=sum(file.size for file in files))
        self.last.set(to=max((file.modified for file in files), default=0))
        self.unreadable.set(to=len(self._tail.troubles))

    def _counter(self, name: str, help_: str, *labels: str) -> Metric:
        return self._added(Metric(f"agentlog_{name}", help_, "counter", labels))

    def _histogram(self, name: str, help_: str, *labels: str) -> Metric:
        return self._added(Metric(f"agentlog_{name}", help_, "histogram", labels, DURATIONS))

    def _gauge(self, name: str, help_: str, *labels: str) -> Metric:
        return self._added(Metric(f"agentlog_{name}", help_, "gauge", labels))

    def _added(self, metric: Metric) -> Metric:
        self.metrics.append(metric)
        return metric


_STATES = ("queued", "paused", "running", "ok", "failed", "error", "cancelled", "interrupted")


def _queue(folder: Path | None) -> Iterator[tuple[str, int]]:
    """How many jobs of `agentlog queue` are in each state, as their files say."""
    if folder is None or not (folder / "queue").is_dir():
        return
    counts: Counter[str] = Counter()
    for path in (folder / "queue").glob("*.json"):
        with suppress(OSError, ValueError, AttributeError):
            counts[str(json.loads(path.read_text("utf-8")).get("state"))] += 1
    yield from ((state, counts[state]) for state in _STATES)
