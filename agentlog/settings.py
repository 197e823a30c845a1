"""Where the store is and how much is kept: everything the environment can say, read once.

`VARIABLES` lists all of them; `Limits` the bounds that AGENTLOG_LIMITS ("name=number,name=number") may change.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

from agentlog.errors import UsageError

VARIABLES: dict[str, str] = {
    "AGENTLOG": "true, 1, yes or on turns recording on in every program and kernel started with it; anything else leaves it off",
    "AGENTLOG_DIR": "the store's folder; default: .agentlog in the nearest project root (git, pyproject.toml), else in the working directory",
    "AGENTLOG_LEVEL": "least level of log records that are kept: debug, info (default), warning, error",
    "AGENTLOG_LIMITS": "bounds in time and size, name=number,name=number",
    "AGENTLOG_REDACT": "more names whose values are secrets, comma separated; also `email` and `ip` to hide those",
    "AGENTLOG_REDACT_ALLOW": "names whose values are not secrets, whatever they look like",
    "AGENTLOG_HINT": "0 keeps the one line after a failure away that says a context is there",
    "AGENTLOG_NOTEBOOK": "path of the notebook, for front ends that do not tell",
    "AGENTLOG_KERNEL": "id of the kernel, set by the runner",
    "AGENTLOG_PARENT_SESSION": "session that started this process; set for children",
    "AGENTLOG_CALLS": "packages whose last calls are kept with arguments and results, comma separated; `__main__` for the program itself",
    "AGENTLOG_PRICES": "a JSON file with prices of models, for the cost of model calls",
    "AGENTLOG_BUDGET": "a limit of cost per session or day that warns or calls a command",
    "AGENTLOG_BUDGET_EVENT": "set for the command that a passed budget calls: what was passed, as JSON",
    "AGENTLOG_FOLLOW": "a server that follows the journal while a process records: postgresql://...",
    "AGENTLOG_ALERT_ERROR": "set for the command of `agentlog watch --on-failure`: the error in one line",
    "AGENTLOG_TOKEN_FACTOR": "safety factor of the token estimate, for tokenizers that count more",
}
"""Every environment variable that is read, and what it does."""

OFF = frozenset({"", "0", "false", "no", "off"})
FOLDER = ".agentlog"
_ROOT_MARKS = (".git", "pyproject.toml", ".hg")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds in time and size. Milliseconds, characters, items, bytes as the names say."""

    text_chars: int = 2_000
    """longest text kept of one value"""
    source_chars: int = 100_000
    """longest cell source kept"""
    message_chars: int = 20_000
    """longest exception or log message kept"""
    items: int = 24
    """items described of one container"""
    columns: int = 400
    """columns described of one frame"""
    depth: int = 4
    """levels of nesting described"""
    locals: int = 60
    """names described of one frame"""
    frames: int = 40
    """frames kept of one traceback (outermost and innermost)"""
    describe_ms: float = 20.0
    """time for describing all of one failure"""
    evidence_ms: float = 40.0
    """time for all evidence collectors of one failure"""
    namespace_ms: float = 25.0
    """time for looking at the namespace after a cell (up to three times that on a busy machine; `namespace_share` of the cell's, if more)"""
    namespace_share: float = 0.02
    stream_chars: int = 20_000
    """characters of one stream of one cell kept in the journal (head and tail); the rest goes to a blob"""
    blob_bytes: int = 50_000_000
    """largest blob; beyond it the middle is left out"""
    queue: int = 20_000
    """events waiting for the disk; beyond it they are dropped and counted"""
    memory_events: int = 5_000
    """events kept in memory while the disk refuses them"""
    errors_per_minute: int = 60
    """errors of one kind (type and line) stored in full within a minute outside cells; the rest are counted; 0: no limit"""
    segment_bytes: int = 16_000_000
    """a segment is rotated at this size"""
    keep_days: float = 90.0
    keep_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment asks for."""

    enabled: bool = False
    folder: Path = Path(FOLDER)
    level: str = "info"
    limits: Limits = Limits()
    parent_session: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """The settings that `environment` (os.environ) asks for. A limit that cannot be read is ignored."""
        env = os.environ if environment is None else environment
        return cls(
            enabled=switched_on(env),
            folder=store_folder(env),
            level=env.get("AGENTLOG_LEVEL", "info").lower() or "info",
            limits=_limits_or_default(env.get("AGENTLOG_LIMITS", "")),
            parent_session=env.get("AGENTLOG_PARENT_SESSION") or None,
        )


def switched_on(environment: Mapping[str, str] | None = None) -> bool:
    """Does the environment turn recording on?"""
    return (os.environ if environment is None else environment).get("AGENTLOG", "").strip().lower() not in OFF


def store_folder(environment: Mapping[str, str] | None = None, start: Path | None = None) -> Path:
    """The folder of the store that a process started in `start` (the working directory) writes to."""
    named = (os.environ if environment is None else environment).get("AGENTLOG_DIR")
    if named:
        return Path(named).expanduser().absolute()
    return project_root(start) / FOLDER


def project_root(start: Path | None = None) -> Path:
    """The nearest folder at or above `start` that holds a project mark, else `start` itself."""
    here = (start or Path(os.getcwd())).absolute()
    for folder in (here, *here.parents):
        # unlike Path.exists, os.path.exists may be asked about a folder that may not be searched
        if any(os.path.exists(folder / mark) for mark in _ROOT_MARKS):
            return folder
    return here


def parse_limits(text: str, base: Limits = Limits()) -> Limits:
    """`base` with "name=number,..." applied. Raises UsageError for an unknown name or a text that is no number."""
    types = {f.name: type(getattr(base, f.name)) for f in fields(base)}
    changes: dict[str, float] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in types:
            raise UsageError(f"unknown limit {name!r}; the limits are {', '.join(types)}")
        try:
            changes[name] = types[name](float(number))
        except (ValueError, OverflowError):
            raise UsageError(f"limit {name} needs a number, not {number!r}") from None
        if changes[name] < 0:
            raise UsageError(f"limit {name} cannot be below 0: {number}")
    return replace(base, **changes)  # type: ignore[arg-type]


def _limits_or_default(text: str) -> Limits:
    try:
        return parse_limits(text)
    except UsageError:
        return Limits()
