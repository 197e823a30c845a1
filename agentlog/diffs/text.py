"""A Diff as text for an agent or a terminal, and as markdown: the first divergence, then the rest while tokens last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agentlog.diffs.difference import Difference
from agentlog.tokens import estimate_tokens

if TYPE_CHECKING:
    from agentlog.diff import Diff

SAME = "no difference was found"


def text(diff: Diff, tokens: int) -> str:
    """Plain lines, at most `tokens` tokens."""
    head = [f"diff {diff.a} -> {diff.b}"]
    head += [f"first divergence: {diff.first}"] if diff.first else [] if diff.differences else [SAME]
    if diff.first and diff.first.cause.detail:
        head += [f"  {line}" for line in diff.first.cause.detail[:12]]
    rest = [list(_lines(d, diff)) for d in diff.differences if diff.first is None or d is not diff.first.cause]
    return "\n".join(_within([*head, *(["then:"] if diff.first and rest else [])], rest, tokens))


def markdown(diff: Diff, tokens: int) -> str:
    """Markdown, at most `tokens` tokens."""
    head = [f"### {diff.a} → {diff.b}", ""]
    head += [f"**First divergence:** {diff.first}", ""] if diff.first else [] if diff.differences else [SAME]
    if diff.first and diff.first.cause.detail:
        head += ["```diff", *diff.first.cause.detail[:12], "```", ""]
    rest = [
        [f"- **{d.kind}** {_where(d, diff)}{d.text}"] for d in diff.differences if diff.first is None or d is not diff.first.cause
    ]
    return "\n".join(_within(head, rest, tokens))


def _lines(d: Difference, diff: Diff) -> Iterator[str]:
    yield f"{d.kind:11} {_where(d, diff)}{d.text}"
    yield from (f"            {line}" for line in d.detail[:8])


def _where(d: Difference, diff: Diff) -> str:
    if diff.pairwise:
        return ""
    label = d.b if d.a == d.b or d.a is None else d.a if d.b is None else f"{d.a} / {d.b}"
    return f"{label}: " if label else ""


def _within(head: list[str], blocks: list[list[str]], tokens: int) -> list[str]:
    """As many blocks as fit, and a line that says what does not."""
    out: list[str] = []
    used = 12
    for line in head:
        size = estimate_tokens(line) + 1
        if used + size > tokens:
            return [*out, *_cut(line, tokens - used - 8), "… (--tokens for more)"]
        out.append(line)
        used += size
    for number, block in enumerate(blocks):
        size = sum(estimate_tokens(line) + 1 for line in block)
        if used + size > tokens:
            block, size = block[:1], estimate_tokens(block[0]) + 1
        if used + size > tokens:
            return [*out, f"… {len(blocks) - number} more differences (--tokens for more)"]
        used += size
        out += block
    return out


def _cut(line: str, tokens: int) -> list[str]:
    """As much of a line as fits in `tokens`; nothing where that says nothing."""
    while estimate_tokens(line) > tokens and len(line) > 10:
        line = line[: int(len(line) * 0.8)]
    return [line + " …"] if len(line) > 10 else []
