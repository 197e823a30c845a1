"""Tab after `%agentlog`: subcommands, their options and choices, execution numbers, names."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import Any

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from agentlog.commands import MAGICS
from agentlog.errors import AgentlogError
from agentlog.guard import guarded
from agentlog_ipy.live import LIVE
from agentlog_ipy.magics import PROGRAM, parser_of

TAKES_CELL = frozenset({"focus", "execution", "reference", "name", "first", "second", "a", "b", "this", "other"})
"""Arguments of the commands that mean a cell or a name."""


class Completion:
    """A matcher of IPython's completer. `counts` gives the numbers of the cells that ran, newest first."""

    def __init__(self, shell: Any, counts: Callable[[], Iterable[int]]) -> None:
        self._shell = shell
        self._counts = counts

        @context_matcher(identifier="agentlog")  # type: ignore[untyped-decorator,unused-ignore]
        def matcher(context: CompletionContext) -> SimpleMatcherResult:
            return self._match(context)

        self._matcher = matcher

    def attach(self) -> None:
        """Join IPython's matchers."""
        self._shell.Completer.custom_matchers.append(self._matcher)

    def detach(self) -> None:
        """Leave them."""
        matchers = self._shell.Completer.custom_matchers
        if self._matcher in matchers:
            matchers.remove(self._matcher)

    def _match(self, context: CompletionContext) -> SimpleMatcherResult:
        line = context.text_until_cursor.lstrip()
        if not line.startswith(PROGRAM + " "):
            return {"completions": []}
        return self._matches(line, context.token) or {"completions": []}

    @guarded("completion")
    def _matches(self, line: str, token: str) -> SimpleMatcherResult:
        before = line.removesuffix(token).split()[1:]
        found = [word for word in self._words(before, token) if word.startswith(token)]
        return {"completions": [SimpleCompletion(text=word, type="magic") for word in found], "suppress": True, "ordered": True}

    def _words(self, before: list[str], token: str) -> list[str]:
        if not before:
            return [*MAGICS, *LIVE]
        try:
            actions = parser_of(before[0])._actions
        except (AgentlogError, ImportError):
            return []
        options = {option: action for action in actions for option in action.option_strings}
        if before[-1] in options and options[before[-1]].nargs != 0:
            return self._values(options[before[-1]])
        if token.startswith("-"):
            return [option for option in options if option.startswith("--")]
        return [value for action in actions if not action.option_strings for value in self._values(action)]

    def _values(self, action: argparse.Action) -> list[str]:
        if action.choices is not None:
            return [str(choice) for choice in action.choices]
        if action.dest not in TAKES_CELL:
            return []
        return [str(number) for number in self._counts()] + self._names()

    def _names(self) -> list[str]:
        hidden = self._shell.user_ns_hidden
        return [name for name in self._shell.user_ns if not name.startswith("_") and name not in hidden]
