"""The configuration of the programs that start the server. What is there already stays, byte for byte where it can.

claude   .mcp.json of the project            {"mcpServers": {"agentlog": {"type": "stdio", "command", "args"}}}
cursor   .cursor/mcp.json of the project     the same without "type"
vscode   .vscode/mcp.json of the project     {"servers": {"agentlog": {...}}}
codex    ~/.codex/config.toml                [mcp_servers.agentlog]
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentlog.errors import UsageError
from agentlog.settings import project_root

NAME = "agentlog"


@dataclass(frozen=True)
class ClientConfig:
    """Where a client keeps its servers: a file of the project or of the user, and the key above them."""

    file: str
    servers: str
    typed: bool = False
    of_user: bool = False


CLIENTS = {
    "claude": ClientConfig(".mcp.json", "mcpServers", typed=True),
    "cursor": ClientConfig(".cursor/mcp.json", "mcpServers"),
    "vscode": ClientConfig(".vscode/mcp.json", "servers", typed=True),
    "codex": ClientConfig("config.toml", "mcp_servers", of_user=True),
}


@dataclass(frozen=True)
class Installed:
    """What was written (or would be): the file and all of its text."""

    path: Path
    text: str
    how: str

    def __str__(self) -> str:
        return self.text if self.how == "printed" else f"{self.path}: {self.how}"


def install(client: str, words: Sequence[str] = (), *, write: bool = True) -> Installed:
    """Add the server to the configuration of `client`, its command ending in `words`. Raises UsageError where the file
    cannot be understood, and changes nothing then."""
    config = CLIENTS[client]
    path = _path(config)
    before = _text_of(path)
    server = {"command": _command(), "args": [*_arguments(), *words]}
    text = _toml(path, before, server) if path.suffix == ".toml" else _json(path, before, config, server)
    if not write:
        return Installed(path, text, "printed")
    if text == before:
        return Installed(path, text, "was there already")
    _replace(path, text)
    return Installed(path, text, "added" if before else "written")


def _path(config: ClientConfig) -> Path:
    if config.of_user:
        return Path(os.environ.get("CODEX_HOME") or Path.home() / ".codex") / config.file
    return project_root() / config.file


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _command() -> str:
    """The command beside this interpreter, else the one on PATH, else the interpreter."""
    beside = Path(sys.executable).with_name(NAME)
    return str(beside) if beside.exists() else shutil.which(NAME) or sys.executable


def _arguments() -> list[str]:
    return ["mcp"] if Path(_command()).stem == NAME else ["-m", NAME, "mcp"]


def _json(path: Path, before: str, config: ClientConfig, server: dict[str, Any]) -> str:
    try:
        whole = json.loads(before) if before.strip() else {}
        servers = whole.setdefault(config.servers, {})
        known = servers.get(NAME) or {}
    except (ValueError, AttributeError):
        raise UsageError(
            f"{path} is not plain JSON, so it was left alone; agentlog mcp --install ... --print shows what to add"
        ) from None
    wanted = {**known, **({"type": "stdio"} if config.typed else {}), **server}
    if known == wanted:
        return before
    servers[NAME] = wanted
    return json.dumps(whole, indent=_indent(before), ensure_ascii=False) + "\n"


def _indent(text: str) -> int | str:
    found = re.search(r"\n([ \t]+)\S", text)
    return (found[1] if "\t" in found[1] else len(found[1])) if found else 2


def _toml(path: Path, before: str, server: dict[str, Any]) -> str:
    """The text with our table in place of an earlier one; tables below ours (its environment) stay."""
    head = f"[mcp_servers.{NAME}]"
    table = "\n".join([head, f"command = {_basic(server['command'])}", f"args = [{', '.join(map(_basic, server['args']))}]"])
    found = re.search(rf"^[ \t]*\[[ \t]*mcp_servers[ \t]*\.[ \t]*\"?{NAME}\"?[ \t]*\][^\n]*\n?", before, re.MULTILINE)
    if found is None:
        gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
        return f"{before}{gap}{table}\n"
    rest = before[found.end() :]
    after = re.search(r"^[ \t]*\[", rest, re.MULTILINE)
    body, below = (rest[: after.start()], rest[after.start() :]) if after else (rest, "")
    kept = [line for line in body.splitlines() if not re.match(r"\s*(command|args)\s*=", line)]
    if _many_lines(body):
        raise UsageError(f"{path} already has {head} over several lines; edit it by hand: --print shows a fresh one")
    return before[: found.start()] + "\n".join([table, *kept]).rstrip("\n") + "\n" + (f"\n{below}" if below else "")


def _many_lines(body: str) -> bool:
    """Is there an array that goes on in the next line?"""
    return any(line.count("[") != line.count("]") for line in body.splitlines())


def _basic(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    if path.exists():
        shutil.copymode(path, part)
    part.replace(path)
