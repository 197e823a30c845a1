"""Differences outside the code: files, variables of the environment, packages, modules, settings, random states, git."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from agentlog.diffs.difference import WEIGHTS, Difference
from agentlog.diffs.sides import Entry, Side


def files_differences(a: Entry, b: Entry) -> Iterator[Difference]:
    for key in sorted(key for key in a.around.keys() | b.around.keys() if key.startswith("file:")):
        one, other = a.around.get(key), b.around.get(key)
        path = key.removeprefix("file:")
        if one == other or (None in (one, other) and a.source.strip() != b.source.strip()):
            continue
        if one is None or other is None:
            if f"wrote:{path}" in a.around or f"wrote:{path}" in b.around or "unseen:files" in (a if one is None else b).around:
                continue
            text = f"file {path} was there only on the {'first' if one else 'second'} side"
        else:
            text = f"file {path} differs ({_sizes(one, other)})"
        yield Difference("file", text, a.label, b.label, path)


def _sizes(one: str, other: str) -> str:
    sizes = one.split(":")[0], other.split(":")[0]
    return f"{sizes[0]} -> {sizes[1]} bytes" if sizes[0] != sizes[1] else f"same size, {sizes[0]} bytes, other content"


def random_differences(a: Entry, b: Entry) -> Iterator[Difference]:
    for key in sorted(key for key in a.around.keys() & b.around.keys() if key.startswith("random:")):
        before, after = (mark.split(">") for mark in (a.around[key], b.around[key]))
        if before[-1] != after[-1] and before[0] != after[0]:
            name = key.removeprefix("random:")
            yield Difference(
                "seed", f"the state of the {name} random generator was different (no common seed)", a.label, b.label, name
            )


def around_difference(key: str, one: str, other: str, a: Entry, b: Entry) -> Difference:
    what, _, name = key.partition(":")
    labels = (a.label, b.label)
    if what == "env":
        how = (
            "set only on the second side"
            if one == "unset"
            else "set only on the first side"
            if other == "unset"
            else "has another value"
        )
        return Difference("environment", f"environment variable {name} {how}", *labels, name)
    if what == "package":
        return Difference("package", f"package {name}: {one} -> {other}", *labels, name)
    if what == "module":
        return Difference("module", f"local module {name} differs ({_sizes(one, other)})", *labels, name)
    if what == "edited":
        side = "second" if other not in ("", "unset") else "first"
        return Difference(
            "module", f"local module {name} was edited after it was imported, on the {side} side (stale import)", *labels, name
        )
    if what == "option":
        return Difference("setting", f"setting {name}: {_setting(one)} -> {_setting(other)}", *labels, name)
    kind = {"timezone": "timezone", "hash_seed": "hash seed", "python": "python", "cwd": "cwd"}.get(what, "environment")
    said = {"timezone": "time zone", "hash_seed": "PYTHONHASHSEED", "python": "Python", "cwd": "working directory"}.get(
        what, what
    )
    return Difference(kind, f"{said}: {one} -> {other}", *labels, name or what)


def _setting(value: str) -> str:
    """Long ones are kept as hashes, which say nothing."""
    return "another value" if re.fullmatch(r"[0-9a-f]{8}", value) else value


def sides_differences(a: Side, b: Side) -> Iterator[Difference]:
    """What is different between the sessions as wholes: versions, host, git, files of the workspace."""
    for key in sorted(a.environment.keys() & b.environment.keys()):
        one, other = a.environment[key], b.environment[key]
        if one != other:
            what, _, name = key.partition(":")
            kind = what if what in WEIGHTS else "environment"
            text = f"package {name}: {one} -> {other}" if name else f"{'Python' if what == 'python' else what}: {one} -> {other}"
            yield Difference(kind, text, name=name or what)
    yield from _workspace(a, b)
    if a.git.get("commit") != b.git.get("commit") and a.git and b.git:
        one, other = (str(side.git.get("commit", "none"))[:10] for side in (a, b))
        yield Difference("git", f"git commit {one} -> {other}", name="commit")
    if a.git_diff != b.git_diff and (a.git_diff or b.git_diff):
        yield Difference(
            "git", "uncommitted changes differ", name="diff", detail=tuple((b.git_diff or a.git_diff or "").splitlines()[:50])
        )


def _workspace(a: Side, b: Side) -> Iterator[Difference]:
    both: Mapping[str, str] = a.changed_files
    for path in sorted(both.keys() & b.changed_files.keys()):
        if both[path] != b.changed_files[path]:
            text = f"file {path} of the workspace differs ({_sizes(both[path], b.changed_files[path])})"
            yield Difference("file" if not path.endswith(".py") else "module", text, name=path)
