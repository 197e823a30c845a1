"""Text in few tokens: parts share a budget, and of what is too long the beginning and the end are shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agentlog.tokens import estimate_tokens
from agentlog_ipy.spool import Spool

_CHARS_PER_TOKEN = 5
_LEAST = 24
"""characters shown of any text, whatever the budget"""
_UNREAD = 1 << 30
"""tokens of a stretch that is too long to be read for it"""


class Stretch:
    """A spool as a part of an answer. `begin`: its first character's place in its stream; `rest` says how to get characters
    (stream, start, end) that are left out."""

    def __init__(self, spool: Spool, begin: int, rest: Callable[[str, int, int], str]) -> None:
        self.spool, self.begin, self.rest = spool, begin, rest

    def __len__(self) -> int:
        return len(self.spool)

    def read(self) -> str:
        """All of it."""
        text = self.spool.read().rstrip("\n")
        return f"[stderr] {text}" if self.spool.name == "stderr" and text else text

    def cut(self, tokens: int) -> str:
        """Beginning and end, the end getting more."""
        room = max(_LEAST, tokens * 3)
        while room > _LEAST:
            text = self._cut_to(room)
            if estimate_tokens(text) <= tokens:
                return text
            room = room * 3 // 4
        return self._cut_to(_LEAST)

    def _cut_to(self, room: int) -> str:
        size = len(self.spool)
        first, last = room // 3, room - room // 3
        rest = self.rest(self.spool.name, self.begin + first, self.begin + size - last)
        gap = f"\n... {size - first - last:,} of {size:,} characters left out: {rest} ...\n"
        return self.spool.read(0, first) + gap + self.spool.read(size - last).rstrip("\n")


def fitted_parts(parts: Sequence[str | Stretch], tokens: int) -> list[str]:
    """The parts in at most about `tokens`; those that are long share what the short ones leave."""
    texts = [part.read() if isinstance(part, Stretch) and len(part) <= tokens * _CHARS_PER_TOKEN else part for part in parts]
    costs = [estimate_tokens(text) if isinstance(text, str) else _UNREAD for text in texts]
    shares = _shares(costs, max(0, tokens))
    return [_fitted_part(text, cost, share) for text, cost, share in zip(texts, costs, shares, strict=True)]


def _shares(costs: list[int], budget: int) -> list[int]:
    """Tokens for each part: everything where it fits, else the short ones in full and the rest in equal parts."""
    shares = [0] * len(costs)
    order = sorted(range(len(costs)), key=costs.__getitem__)
    for done, at in enumerate(order):
        shares[at] = min(costs[at], budget // (len(costs) - done))
        budget -= shares[at]
    return shares


def _fitted_part(part: str | Stretch, cost: int, share: int) -> str:
    if isinstance(part, Stretch):
        return part.cut(share)
    return part if cost <= share else fitted(part, share)


def fitted(text: str, tokens: int) -> str:
    """`text` in at most about `tokens`: its beginning and its end."""
    if len(text) < tokens or estimate_tokens(text) <= tokens:
        return text
    room = max(80, tokens * 4)
    while room > 80:
        cut = f"{text[: room // 2]}\n... {len(text) - room:,} characters left out ...\n{text[-room // 2 :]}"
        if room < len(text) and estimate_tokens(cut) <= tokens:
            return cut
        room = room * 3 // 4
    return text[:room]
