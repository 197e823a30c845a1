"""Secrets are taken out before anything is written.

Three ways of knowing one: by name (`secrets.names`, `secrets.pairs`), by shape (`secrets.shapes`), by exact value: environment
variables with a secret name, values given to `register`, and values seen under a secret name earlier in this process, so
that `print(password)` is covered by the cell that said `password = "..."`.

In its place stands `[REDACTED:kind:ab12]`. The last part is a keyed hash of the secret, so equal secrets can be recognised as
equal. Its key never enters the store: it is made from this machine's id and the user (stable from run to run, so that two runs
compare), or from chance where the machine has no id. 16 bits of a keyed hash are no help in guessing the secret.

The environment configures both directions; both take names, separated by commas, in any spelling (apiKey, api-key, API_KEY):
AGENTLOG_REDACT         further secret names: "salary, patient_name"; the words `email` and `ip` switch on those shapes
AGENTLOG_REDACT_ALLOW   names to leave alone: "token, session_id"

What stays on purpose: empty values, None, True and False, numbers of up to three digits and versions under a secret name,
placeholders (`<token>`, `${TOKEN}`, `your-key-here`, `***`), the names themselves, types, shapes and lengths.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from agentlog import guard
from agentlog.secrets.names import secret_kind, words_of
from agentlog.secrets.pairs import HINTS, hint_of, is_harmless, redact_pairs
from agentlog.secrets.shapes import may_hold_shape, redact_cards, redact_shapes
from agentlog.secrets.streams import StreamRedactor as _StreamRedactor
from agentlog.secrets.values import KnownValues

_MARKER = re.compile(r"\[REDACTED:[a-z]+:[0-9a-f]{4}\]")
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8})")
_IP = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.]\d)")

_KEEP = frozenset((
    "e", "i", "t", "x", "q", "l", "s", "session", "span", "parent", "trace", "blob", "blobs", "hash", "cell", "cell_id",
    "request", "within", "notebook", "file", "files", "line", "function", "module", "mod", "kind", "sh", "dt", "n", "na",
    "dtype", "number", "count", "display_id", "sizes", "size", "host", "pid", "how", "status", "origin", "logger", "level",
    "thread", "python", "executable", "agent", "packages", "versions", "tokens", "provider", "model", "collector", "since",
    "ms", "rss", "peak", "own", "internal", "late", "update", "result_id", "started_at", "life", "agentlog",
    "platform", "schema", "segment", "head_hash", "h", "previous", "boot", "next", "records", "role", "outcome",
    "confidence", "action", "pattern", "what",
))  # fmt: skip
"""Fields of records and values that are ours and say where, when and what kind: never changed."""
_NAMED = frozenset({"k", "a", "locals", "arguments", "data", "f", "figures", "git", "environment"})
"""Fields that map the user's names to values."""
_BESIDE = frozenset({"old", "new", "value"})
"""Fields that describe what a name or an expression beside them was."""
_SEQUENCES = frozenset({"argv", "it"})
"""Fields with the items of a sequence: they may be the words of a command."""
_MOST_PASSES = 4
_SHORT = 300
_CODE = frozenset({"source", "expression"})
"""Fields that hold Python source."""
_KEY_LINE = re.compile(r"[\s\"'(]*[A-Za-z0-9+/]{64}(?:\\n)?[\s\"')]*")
"""A line of a private key as its formats break it."""


def was_redacted(text: str) -> bool:
    """Is there a marker in `text`?"""
    return "[REDACTED:" in text and _MARKER.search(text) is not None


class StreamRedactor(_StreamRedactor):
    """`secret_streams.StreamRedactor` for the texts of one stream."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(redactor.text)


class Redactor:
    """Takes secrets out of texts and records. Safe under threads: only `KnownValues` and caches change."""

    def __init__(
        self,
        *,
        names: Iterable[str] = (),
        allow: Iterable[str] = (),
        values: Iterable[str] = (),
        environment: Mapping[str, str] | None = None,
        email: bool = False,
        ip: bool = False,
        key: bytes | None = None,
    ) -> None:
        """names, allow: on top of AGENTLOG_REDACT and AGENTLOG_REDACT_ALLOW of `environment` (os.environ when None)."""
        env = os.environ if environment is None else environment
        extra = {*names, *_listed(env.get("AGENTLOG_REDACT", ""))}
        self._email = email or "email" in extra
        self._ip = ip or "ip" in extra
        self._extra = frozenset(words_of(name) for name in extra - {"email", "ip"})
        self._allow = frozenset(words_of(name) for name in (*allow, *_listed(env.get("AGENTLOG_REDACT_ALLOW", ""))))
        self._key = key or _machine_key()
        self._kind_of = lru_cache(maxsize=8192)(self._judge)
        self._hint = hint_of([*HINTS, *(words[0] for words in self._extra if words)])
        self._short = lru_cache(maxsize=4096)(self._until_stable)
        self._known = KnownValues(changed=self._short.cache_clear)
        for value in values:
            self.register(value)
        self._register_environment(env)

    def register(self, value: str, kind: str = "value") -> None:
        """From now on `value` is a secret wherever it stands. Values under 4 characters are ignored."""
        if len(value) >= 4:
            self._known.add(value, self.marker(kind, value))

    def secret_name(self, name: str) -> bool:
        """Would a value called `name` be taken out?"""
        return self._kind_of(name) is not None

    def marker(self, kind: str, secret: str) -> str:
        """What stands in the place of `secret`."""
        digest = hashlib.blake2b(secret.encode("utf-8", "surrogatepass"), key=self._key, digest_size=2).hexdigest()
        return f"[REDACTED:{kind}:{digest}]"

    def text(self, text: str, *, code: bool = False) -> str:
        """`text` without its secrets. `code`: it is Python source. Never raises."""
        try:
            return self._text(text, code)
        except Exception as error:
            guard.note("redact", error)
            return "[REDACTED:fault:0000]"

    def record(self, record: dict[str, Any]) -> dict[str, Any]:
        """A journal record without its secrets; the given one is not changed. Never raises: what could not be looked at is left out."""
        try:
            learned = self._known.version
            out = self._fields(record)
            return out if learned == self._known.version else self._fields(out)
        except Exception as error:
            guard.note("redact", error)
            return {key: value for key, value in record.items() if key in _KEEP and not isinstance(value, dict | list)}

    # --- names

    def _judge(self, name: str) -> str | None:
        words = words_of(name)
        if words in self._allow:
            return None
        if words in self._extra:
            return "name"
        return secret_kind(name)

    def _register_environment(self, environment: Mapping[str, str]) -> None:
        for name, value in environment.items():
            kind = self._kind_of(name)
            if kind and len(value) >= 8 and not _is_setting(value):
                self.register(value, kind)

    # --- text

    def _text(self, text: str, code: bool = False) -> str:
        """`text` redacted; short ones come again and again (lines, names, labels), and are looked at once."""
        return self._short(text, code) if len(text) <= _SHORT else self._until_stable(text, code)

    def _until_stable(self, text: str, code: bool) -> str:
        """Until nothing more is found: a marker in place of a secret may show what was hidden beside it."""
        for _ in range(_MOST_PASSES):
            before, text = text, self._pass(text, code)
            if text == before:
                break
        return text

    def _pass(self, text: str, code: bool) -> str:
        if len(text) < 5:
            return text
        text = self._known.replace(text)
        text = redact_pairs(text, self._mark_named, self._kind_of, code, self._hint)
        if may_hold_shape(text):
            text = redact_shapes(text, self.marker)
        elif _DIGITS(text):
            text = redact_cards(text, self.marker)
        if self._email and "@" in text:
            text = _EMAIL.sub(lambda found: self.marker("email", found.group()), text)
        if self._ip and "." in text:
            text = _IP.sub(lambda found: self.marker("ip", found.group()), text)
        return text

    def _mark_named(self, kind: str, secret: str) -> str:
        """The marker of a value found under a secret name, which is remembered where it looks like nothing else."""
        marker = self.marker(kind, secret)
        self._known.learn(secret, marker)
        return marker

    # --- records: plain data whose keys are ours, except below `_NAMED`

    def _any(self, data: Any, code: bool = False) -> Any:
        cls = data.__class__
        if cls is str:
            return self._text(data, code)
        if cls is dict:
            return self._fields(data)
        if cls is list or cls is tuple:
            return self._pair(data) or [self._any(item, code) for item in data]
        if cls is int and data > 999_999_999_999:
            return self._number(data)
        return data

    def _fields(self, fields: dict[str, Any]) -> dict[str, Any]:
        out = fields.copy()
        if _KEEP.issuperset(fields):
            return out
        for key, value in fields.items():
            if key in _KEEP:
                continue
            if key == "cols":
                out[key] = [self._column(column) for column in value]
            elif value.__class__ is dict and key in _NAMED:
                out[key] = self._names(value)
            elif key in _SEQUENCES:
                out[key] = self._pair(value) or self._items(value)
            elif key == "context":
                out[key] = self._numbered(value)
            else:
                out[key] = self._any(value, key in _CODE)
        if not _BESIDE.isdisjoint(fields) and (kind := self._said_of(fields)):
            out.update({key: self._hidden(fields[key], kind) for key in _BESIDE if key in fields})
        return self._described(out, fields) if "cols" in fields or "ix" in fields or "f" in fields else out

    def _names(self, named: dict[str, Any]) -> dict[str, Any]:
        out = {}
        for name, value in named.items():
            kind = self._kind_of(name)
            out[self._text(name)] = self._any(value) if kind is None else self._hidden(value, kind)
        return out

    def _number(self, number: int) -> Any:
        text = str(number) if number < 10**19 else ""
        hidden = redact_cards(text, self.marker)
        return number if hidden == text else hidden

    def _pair(self, items: Any) -> list[Any] | None:
        """("password", <value>) as two described items of a sequence: the second is hidden."""
        if len(items) != 2 or items[0].__class__ is not dict or items[1].__class__ is not dict:
            return None
        kind = self._kind_named(items[0].get("v"))
        return [self._any(items[0]), self._hidden(items[1], kind)] if kind else None

    def _items(self, items: Any) -> list[Any]:
        """The items of a sequence; `--password` among them hides the next one."""
        out, kind = [], None
        for item in items:
            text = item.get("v") if item.__class__ is dict else item
            option = text.__class__ is str and text.startswith("-")
            out.append(self._hidden(item, kind) if kind and not option else self._any(item))
            kind = self._kind_named(text) if option else None
        return out

    def _numbered(self, lines: Any) -> Any:
        """The numbered lines around a frame's: redacted as one text, for a secret may stand on other lines than its name."""
        if not all(pair.__class__ is list and len(pair) == 2 and pair[1].__class__ is str for pair in lines):
            return self._any(lines)
        texts = [self.marker("privatekey", text) if _KEY_LINE.fullmatch(text) else text for _, text in lines]
        redacted = self._text("\n".join(texts), code=True).split("\n")
        if len(redacted) != len(texts):  # a private key is one marker
            kept = frozenset(redacted)
            redacted = [text if text in kept else self.marker("privatekey", text) for text in texts]
        return [[number, text] for (number, _), text in zip(lines, redacted, strict=True)]

    def _kind_named(self, name: Any) -> str | None:
        """The kind of secret where `name` is a text and a secret name."""
        return self._kind_of(name) if name.__class__ is str and _NAME.fullmatch(name) else None

    def _said_of(self, fields: dict[str, Any]) -> str | None:
        """The kind of secret that a change, an operand or a fact is about."""
        subject = next((fields[key] for key in ("name", "about", "text") if key in fields), None)
        return self._kind_of(subject) if subject.__class__ is str else None

    def _column(self, column: Any) -> Any:
        """[name, dtype, nulls, sample] of a frame's column."""
        if column.__class__ is not list or not column or column[0].__class__ is not str:
            return self._any(column)
        kind = self._kind_of(column[0])
        sample = [[self._hidden(cell, kind) if kind else self._any(cell) for cell in column[3]]] if len(column) > 3 else []
        return [self._text(column[0]), *column[1:3], *sample]

    def _described(self, out: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
        """Of a described frame or series: the cells, range and labels that belong to a secret name."""
        if "cols" in value:
            self._hide_cells(out, value["cols"])
        facts = value.get("f")
        name = facts.get("name") if isinstance(facts, dict) else None
        kind = self._kind_of(name) if isinstance(name, str) else None
        if kind and isinstance(facts, dict):
            out.update({key: self._hidden(value[key], kind) for key in ("head", "range", "v", "it") if key in value})
            out["f"] = {key: fact if key == "name" else self._hidden(fact, kind) for key, fact in facts.items()}
        if "ix" in value and (labels := _LABELS.match(out["ix"])) and (kind := self._kind_of(labels["name"])):
            out["ix"] = labels["before"] + self._hidden(labels["labels"], kind)
        return out

    def _hide_cells(self, out: dict[str, Any], columns: list[Any]) -> None:
        kinds = [self._kind_of(column[0]) if column and column[0].__class__ is str else None for column in columns]
        if any(kinds):
            out.pop("range", None)
        if any(kinds) or len(kinds) == 2:
            out["head"] = [self._row(row, kinds) for row in out.get("head", ())]

    def _row(self, row: Any, kinds: list[str | None]) -> Any:
        if row.__class__ is not list or len(row) != len(kinds):
            return row
        if len(row) == 2 and not any(kinds):  # a table of names and values
            kinds = [None, self._kind_named(row[0])]
        return [self._hidden(cell, kind) if kind else cell for cell, kind in zip(row, kinds, strict=True)]

    # --- hiding what stands under a secret name

    def _hidden(self, data: Any, kind: str) -> Any:
        """`data` with everything in it hidden that could be secret; facts about it (type, length, shape) stay."""
        cls = data.__class__
        if data is None or cls is bool:
            return data
        if cls is dict:
            return {
                key: value if key in _KEEP or key == "cut" else self._hidden_field(key, value, kind)
                for key, value in data.items()
            }
        if cls is list or cls is tuple:
            return [self._hidden(item, kind) for item in data]
        text = data if cls is str else str(data)
        if is_harmless(text):
            return data
        return text if _MARKER.fullmatch(text) else self._mark_named(kind, text)

    def _hidden_field(self, key: str, value: Any, kind: str) -> Any:
        if key == "cols":
            names = [self._text(column[0]) if column[0].__class__ is str else column[0] for column in value]
            hidden = [[self._hidden(column[3], kind)] if len(column) > 3 else [] for column in value]
            return [[name, *column[1:3], *sample] for name, column, sample in zip(names, value, hidden, strict=True)]
        if key in _NAMED and value.__class__ is dict:
            return {self._text(name): self._hidden(item, self._kind_of(name) or kind) for name, item in value.items()}
        return self._hidden(value, kind)


def _listed(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]


def _is_setting(value: str) -> bool:
    """A path, a switch or a number: what a variable with a secret name holds when it is no secret."""
    return is_harmless(value) or value.startswith(("/", "~", "./", "file:")) or value.replace(".", "").isdigit()


_NAME = re.compile(r"[\w .-]{2,60}")
_LABELS = re.compile(r"(?P<before>\w+ '(?P<name>[^']{1,80})' )(?P<labels>.+)", re.S)
_DIGITS = re.compile(r"\d{4}[ -]?\d{4}").search
"""The gate of `redact_cards`: every form of a card number, 4-4-4-4 or 4-6-5 digits, holds this."""


@lru_cache(maxsize=1)
def _machine_key() -> bytes:
    """A key that stays the same for this user on this machine and is written nowhere; from chance where there is no machine id."""
    try:
        with open("/etc/machine-id", "rb") as file:
            identity = file.read(256)
            made = os.fstat(file.fileno()).st_ctime_ns
        if identity.strip():
            return hashlib.blake2b(b"agentlog redact %d %d %s" % (os.getuid(), made, identity), digest_size=16).digest()
    except (OSError, AttributeError):
        pass
    return os.urandom(16)
