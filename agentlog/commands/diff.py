"""What is different, and where two runs part.

diff                     the failed cell against its last success, else the latest execution against the one before
diff A B                 two executions (In numbers or ids), or two executed notebooks (a.ipynb b.ipynb)
diff --since A           what became of each name since execution A
diff --session S         session S against the current one (-2: the one before the latest)
diff --run R             the same, for a run of `agentlog run`
diff --last-ok           the last session of this notebook without a failure against the current one
"""

from __future__ import annotations

import argparse

from agentlog import diff
from agentlog.desk import Desk
from agentlog.diff import Diff
from agentlog.errors import NotFound, UsageError
from agentlog.lineage import same_cell
from agentlog.past import Execution

JSON = TASKS_TOO = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="*", metavar="A", help="two executions, or two notebook files")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--since", metavar="A", help="the namespace since execution A")
    group.add_argument("--session", metavar="S", help="session S against the current one")
    group.add_argument("--run", metavar="R", help="run R (its session) against the current one")
    group.add_argument("--last-ok", action="store_true", help="the last session of this notebook without a failure")
    parser.add_argument("--tokens", type=int, default=diff.TOKENS, metavar="N", help=f"at most N tokens (default {diff.TOKENS})")
    parser.add_argument("--format", choices=["text", "markdown"], default="text")


def run(args: argparse.Namespace, desk: Desk) -> Diff:
    """The comparison that was asked for."""
    if args.tokens < 20:
        raise UsageError(f"--tokens {args.tokens} is too few to say anything; 20 is the least")
    if args.what and (args.since or args.session or args.run or args.last_ok):
        raise UsageError("diff takes either two executions or one of --since, --session, --run, --last-ok")
    how = {"tokens": args.tokens, "format": args.format}
    if any(word.endswith(".ipynb") for word in args.what):
        return _notebooks(args.what, how)
    if args.since:
        return diff.compare_namespace(desk.store, desk.store.execution(args.since, desk.session), **how)
    if args.session or args.run or args.last_ok:
        return _sessions(args, desk, how)
    return _compared(args.what, desk, how)


def _notebooks(words: list[str], how: dict[str, object]) -> Diff:
    if len(words) != 2:
        raise UsageError(f"diff compares two notebooks; {len(words)} given")
    return diff.compare_notebooks(*words, **how)  # type: ignore[arg-type]


def _sessions(args: argparse.Namespace, desk: Desk, how: dict[str, object]) -> Diff:
    now = desk.store.session(desk.session)
    then = diff.last_ok(desk.store, now) if args.last_ok else desk.store.session(args.session or args.run)
    if then.id == now.id:
        raise UsageError(f"{args.session or args.run} is the current session itself; name another one (agentlog sessions)")
    return diff.compare_sessions(desk.store, then, now, **how)  # type: ignore[arg-type]


def _compared(words: list[str], desk: Desk, how: dict[str, object]) -> Diff:
    if len(words) == 1:
        raise UsageError(f"diff compares two executions; one given: {words[0]} (did you mean --since {words[0]}?)")
    if len(words) > 2:
        raise UsageError(f"diff compares two executions; {len(words)} given: {' '.join(words)}")
    if words:
        pair = [desk.store.execution(word, desk.session) for word in words]
    else:
        pair = _chosen(desk)
    if len(pair) == 1:
        return diff.compare_with_inputs(desk.store, pair[0], **how)  # type: ignore[arg-type]
    return diff.compare_executions(desk.store, *pair, **how)  # type: ignore[arg-type]


def _chosen(desk: Desk) -> list[Execution]:
    """The failed cell and its last success; the failed one alone where it is the latest and never worked; else the last two."""
    session = desk.store.session(desk.session)
    executions = desk.store.executions(session.id)
    failed = desk.store.last_failure(session.id)
    if failed is not None:
        worked = diff.last_success(desk.store, failed)
        is_latest = bool(executions) and executions[-1].id == failed.id
        if worked is None and is_latest:
            worked = diff.like_it(desk.store, failed)
        if worked is not None or is_latest:
            return [worked, failed] if worked is not None else [failed]
    if len(executions) < 2:
        raise NotFound("there are no two executions to compare yet; name a session with --session, or run more cells")
    return _latest_pair(executions)


def _latest_pair(executions: list[Execution]) -> list[Execution]:
    """The latest execution and the run of the same cell before it, else the one before it."""
    *earlier, latest = executions
    same = [one for one in earlier if same_cell(one, latest)]
    return [same[-1] if same else earlier[-1], latest]
