"""What an agent needs to fix the last failure, within a number of tokens.

With a focus: `context 14` a cell by its In[n] or execution id, `context df` a name. Without a failure: where the session stands.
`--for operator` says it in one plain sentence, `--for stakeholder` sums up the runs of the last seven days.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from agentlog.amounts import LEAST_TOKENS, at_least
from agentlog.context import MAX_TOKENS, Context, build
from agentlog.desk import Desk
from agentlog.filters import moment
from agentlog.legend import legend
from agentlog.plainly.audiences import AUDIENCES, Sentence, Summary, operator, stakeholder
from agentlog.renderers import FORMATS
from agentlog.tokens import counter

JSON = TASKS_TOO = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("focus", nargs="?", help="In[n] as a number, an execution id, or a name")
    parser.add_argument(
        "--tokens", type=at_least(LEAST_TOKENS), default=MAX_TOKENS, metavar="N", help=f"at most N tokens (default {MAX_TOKENS})"
    )
    parser.add_argument("--session", help="session id or the end of one (default: the latest)")
    parser.add_argument("--execution", help="In[n] as a number, or an execution id")
    parser.add_argument("--format", default="text", choices=list(FORMATS), help="default: text")
    parser.add_argument(
        "--for", dest="audience", choices=AUDIENCES, default="developer", help="who reads it (default: developer)"
    )
    parser.add_argument("--since", type=moment, metavar="WHEN", help="with --for stakeholder: runs since then (default '7 days')")
    parser.add_argument("--tokenizer", help="count with this tokenizer of tiktoken, e.g. o200k_base (default: estimate)")
    parser.add_argument("--legend", action="store_true", help="what the words mean, for an agent's instructions")


def run(args: argparse.Namespace, desk: Desk) -> Context | Sentence | Summary | str:
    """The Context, which displays itself."""
    if args.legend:
        return legend(list(FORMATS))
    if args.audience == "stakeholder":
        return stakeholder(desk.store, args.since)
    name, execution = _focus(args.focus, args.execution)
    if args.audience == "operator":
        return operator(desk.store, args.session or desk.session, execution)
    found = build(
        desk.store,
        session=args.session or desk.session,
        execution=execution,
        name=name,
        command="%agentlog" if desk.live else "agentlog",
    )
    return replace(found, max_tokens=args.tokens, format=args.format, counter=counter(args.tokenizer))


def _focus(focus: str | None, execution: str | None) -> tuple[str | None, str | None]:
    """(name, execution): digits and ids are executions, identifiers are names."""
    if focus is None:
        return None, execution
    if focus.isdigit() or focus.startswith("In[") or len(focus) == 20:
        return None, focus.removeprefix("In[").removesuffix("]")
    return focus, execution
