"""Good runs by name, and whether later ones are worse: `regression` says by which rule, `run_figures` what is compared.

set_baseline("stable", runs=10)             the last ten runs like this one
detect_regression("stable")                 those since then against them
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median
from typing import TYPE_CHECKING, Any

from agentlog import recorder
from agentlog.asking import asked
from agentlog.errors import NotFound
from agentlog.events import BaselineSet, OutcomeTagged
from agentlog.fixes import same_subject
from agentlog.ids import short
from agentlog.runs.figures import Run, figures_of
from agentlog.runs.regression import ALPHA, Figure, Kind, Sample, judge
from agentlog.tables import Text

if TYPE_CHECKING:
    from agentlog.past import Session
    from agentlog.store import Store

NAME = "stable"
MOST_RUNS = 30
"""Current runs that are compared, the latest."""


@dataclass(frozen=True, repr=False)
class Comparison(Text):
    """Runs against a baseline. `figures`: judged, the worst first."""

    name: str
    baseline: tuple[str, ...]
    current: tuple[str, ...]
    figures: tuple[Figure, ...]
    everything: bool = False

    @property
    def regression(self) -> bool:
        """Is anything worse?"""
        return any(figure.verdict == "worse" for figure in self.figures)

    @property
    def exit_code(self) -> int:
        return int(self.regression)

    def as_json(self) -> dict[str, Any]:
        """{"regression", "baseline", "baseline_runs", "current_runs", "worse", "changed", "same", "no_verdict"}."""
        found: dict[str, Any] = {
            "regression": self.regression, "baseline": self.name, "baseline_runs": list(self.baseline), "current_runs": list(self.current),
            "alpha": ALPHA,
        }  # fmt: skip
        for verdict in ("worse", "changed", "same", "no verdict"):
            found[verdict.replace(" ", "_")] = [_figure_json(figure) for figure in self.figures if figure.verdict == verdict]
        return found

    def __str__(self) -> str:
        counts = Counter(figure.verdict for figure in self.figures)
        state = "REGRESSION" if self.regression else "no regression found"
        head = f"{state}: {len(self.current)} runs against baseline {self.name!r} of {len(self.baseline)} runs"
        told = ", ".join(
            f"{counts[verdict]} {verdict}" for verdict in ("worse", "changed", "same", "no verdict") if counts[verdict]
        )
        wanted = (
            self.figures if self.everything else [figure for figure in self.figures if figure.verdict in ("worse", "changed")]
        )
        lines = [f"  {figure.verdict:10} {figure.name}: {_sides(figure)} ({figure.why})" for figure in wanted]
        missing = self._missing()
        return "\n".join([head, *([f"  figures: {told}"] if told else []), *lines, *([missing] if missing else [])])

    def markdown(self) -> str:
        """A report for people and pull requests."""
        rows = [
            f"| {figure.verdict} | {_cell(figure.name)} | {_cell(_sides(figure))} | {_cell(figure.why)} |"
            for figure in self.figures
        ]
        table = (
            ["| verdict | figure | baseline → current | why |", "|---|---|---|---|", *rows] if rows else ["Nothing to compare."]
        )
        state = "Regression" if self.regression else "No regression found"
        rule = f"Chance of any false alarm in this report: at most {ALPHA:.0%}. The rule: docs/regression.md"
        runs = f"{len(self.current)} runs ({', '.join(map(short, self.current)) or 'none'}) against {len(self.baseline)} ({', '.join(map(short, self.baseline))})."
        return "\n".join([f"# {state}: baseline {self.name}", "", runs, "", *table, "", *filter(None, [self._missing()]), rule])

    def _missing(self) -> str:
        if not self.current:
            return "There is no run like the baseline's since it was set."
        if all(figure.verdict == "no verdict" for figure in self.figures):
            return "No verdict: 6 runs on each side can show large differences, 10 moderate ones (agentlog regress --set NAME --runs N)."
        return ""


# --- by name, never raising -----------------------------------------------------------------------------------------


def set_baseline(name: str = NAME, session_id: str | Sequence[str] | None = None, *, runs: int = 1) -> dict[str, Any]:
    """Let `name` stand for the session `session_id` (None: the latest run), and the `runs` - 1 good ones like it before.

    Several ids are taken as they are. Returns {"name", "sessions"}; empty where nothing could be recorded.
    """

    def work(store: Store) -> dict[str, Any]:
        return store_baseline(store, name, session_id, runs)

    found: dict[str, Any] | None = asked(work, None)
    return found if found is not None else {"name": name, "sessions": []}


def detect_regression(name: str = NAME, session_id: str | Sequence[str] | None = None) -> dict[str, Any]:
    """Are the runs since the baseline `name` was set (or `session_id`) worse? {"regression": bool, "worse": [...], ...}."""
    found: Comparison | None = asked(lambda store: compare(store, name, session_id), None)
    return (
        found.as_json()
        if found is not None
        else {"regression": False, "baseline": name, "error": "no such baseline", "worse": []}
    )


def compare_to_baseline(name: str = NAME, session_id: str | Sequence[str] | None = None) -> dict[str, Any]:
    """Every figure of the runs beside the baseline's: {"figures": {name: {"baseline", "current", ...}}, ...}."""
    found: Comparison | None = asked(lambda store: compare(store, name, session_id), None)
    if found is None:
        return {"baseline": name, "error": "no such baseline", "figures": {}}
    return {**found.as_json(), "figures": {figure.name: _figure_json(figure) for figure in found.figures}}


def generate_regression_report(name: str = NAME, session_id: str | Sequence[str] | None = None) -> str:
    """The comparison as markdown."""
    found: Comparison | None = asked(lambda store: compare(store, name, session_id), None)
    return found.markdown() if found is not None else f"No baseline {name!r} in this store: set_baseline({name!r}) sets one."


def get_outcome_stats(session_id: str | None = None) -> dict[str, Any]:
    """Outcomes as they were tagged: {"success", "failure", "partial", "total", "success_rate", "mean_confidence", "by_agent"}."""
    found: dict[str, Any] | None = asked(lambda store: outcomes(store, session_id), None)
    return found if found is not None else _outcome_stats([])


# --- the work, raising one-line errors --------------------------------------------------------------------------------


def store_baseline(store: Store, name: str, session: str | Sequence[str] | None, runs: int = 1) -> dict[str, Any]:
    """`set_baseline` of one store. Raises NotFound."""
    if session is not None and not isinstance(session, str):
        chosen = [store.session(one) for one in session]
    else:
        last = store.session(session) if session is not None else _latest_run(store)
        chosen = [last, *(one for one in _like(store, [last]) if one.id < last.id and _good(one))][:runs]
    ids = tuple(one.id for one in sorted(chosen, key=lambda one: one.id))
    _write(store, BaselineSet(name=name, sessions=ids))
    return {"name": name, "sessions": list(ids)}


def compare(
    store: Store, name: str = NAME, session: str | Sequence[str] | None = None, *, everything: bool = False
) -> Comparison:
    """The runs `session` (None: all like the baseline's since its last one) against it. Raises NotFound."""
    good = [store.session(one) for one in baseline_sessions(store, name)]
    if session is None:
        last = max(one.id for one in good)
        chosen = [one for one in _like(store, good) if one.id > last and one.how != "running"][:MOST_RUNS][::-1]
    else:
        chosen = [store.session(one) for one in ([session] if isinstance(session, str) else session)]
    before, now = ([figures_of(store, one) for one in sessions] for sessions in (good, chosen))
    figures = judge(figures_between(before, now))
    return Comparison(name, tuple(one.id for one in good), tuple(one.id for one in chosen), tuple(figures), everything)


def baseline_sessions(store: Store, name: str) -> tuple[str, ...]:
    """The sessions that `name` stands for. Raises NotFound with the names there are."""
    found = {event.name: event.sessions for event in store.events(kinds={BaselineSet.kind}) if isinstance(event, BaselineSet)}
    if not found.get(name):
        known = ", ".join(sorted(found)) or "none yet"
        raise NotFound(f"no baseline {name!r} (known: {known}); set one: agentlog regress --set {name}")
    return found[name]


def figures_between(before: Sequence[Run], now: Sequence[Run]) -> list[Figure]:
    """One figure for everything that runs of both sides say; facts that a run does not mention are false."""
    found = []
    for kind, take in _KINDS.items():
        samples: dict[str, tuple[list[Sample], list[Sample]]] = defaultdict(lambda: ([], []))
        names = dict.fromkeys(name for run in (*before, *now) for name in take(run))
        for side, runs in enumerate((before, now)):
            for run in runs:
                known = take(run)
                for name in names:
                    if name in known or kind == "fact":
                        samples[name][side].append(known.get(name, False))
        found += [Figure(name, kind, tuple(a), tuple(b)) for name, (a, b) in samples.items() if a and b]
    return found


def outcomes(store: Store, session: str | None = None) -> dict[str, Any]:
    """`get_outcome_stats` of one store. Raises NotFound."""
    one = store.session(session).id if session is not None else None
    tagged = [event for event in store.events(kinds={OutcomeTagged.kind}) if isinstance(event, OutcomeTagged)]
    wanted = [event for event in tagged if one is None or one in (event.subject, event.session)]
    agents = {known.id: known.agent or "(none)" for known in store.sessions()}
    by_agent: dict[str, list[OutcomeTagged]] = defaultdict(list)
    for event in wanted:
        by_agent[agents.get(event.subject or event.session, "(none)")].append(event)
    return {**_outcome_stats(wanted), "by_agent": {agent: _outcome_stats(events) for agent, events in by_agent.items()}}


# --- within ---------------------------------------------------------------------------------------------------------

_KINDS: dict[Kind, Any] = {"number": lambda run: run.numbers, "fact": lambda run: run.facts, "choice": lambda run: run.choices}


def _outcome_stats(events: Sequence[OutcomeTagged]) -> dict[str, Any]:
    counts = Counter(event.outcome for event in events)
    total = sum(counts.values())
    return {
        **{outcome: counts[outcome] for outcome in ("success", "failure", "partial")}, "total": total,
        "success_rate": counts["success"] / total if total else None,
        "mean_confidence": mean(event.confidence for event in events) if events else None,
    }  # fmt: skip


def _like(store: Store, sessions: Iterable[Session]) -> list[Session]:
    """Sessions of the same subject, the latest first."""
    known = list(sessions)
    return [one for one in store.sessions() if any(same_subject(one, other) for other in known)]


def _good(session: Session) -> bool:
    return session.how in ("exit", "ended", "shutdown", "unloaded") and not session.failures and not session.errors


def _latest_run(store: Store) -> Session:
    """The latest session that has ended, else the latest."""
    sessions = store.sessions(limit=50)
    return next((one for one in sessions if one.how != "running"), None) or store.session(None)


def _write(store: Store, event: BaselineSet) -> None:
    """Through this process's recorder where it writes to that store, else through one of its own."""
    from agentlog.settings import Settings

    door = recorder.current()
    if door is not None and door.folder == store.folder:
        door.record(event, now=True)
    elif store.folder is None:
        store.add(event)
    else:
        own = recorder.Recorder(replace(Settings.from_environment(), folder=store.folder))
        own.record(event, now=True)
        own.close()


def _sides(figure: Figure) -> str:
    a, b = figure.baseline, figure.current
    if figure.kind == "number":
        one, other = (median(float(x) for x in side) for side in (a, b))
        change = f" ({figure.effect:+.0%})" if abs(figure.effect) < 100 else ""
        return f"{one:.6g} → {other:.6g}{change}"
    if figure.kind == "fact":
        return f"{sum(map(bool, a))} of {len(a)} → {sum(map(bool, b))} of {len(b)}"
    return " → ".join(
        f"{word} ({count} of {len(side)})" for side in (a, b) for word, count in Counter(map(str, side)).most_common(1)
    )


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "figure": figure.name, "kind": figure.kind, "verdict": figure.verdict, "baseline": list(figure.baseline),
        "current": list(figure.current), "p": figure.p, "effect": figure.effect, "why": figure.why, "text": _sides(figure),
    }  # fmt: skip


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
