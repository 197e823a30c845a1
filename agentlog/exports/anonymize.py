"""Recordings as a data set that can be given away: structure, figures and kinds stay; who, where and what do not.

Only what is listed here goes out, each field by its rule; anything else (a field of a newer version, a kind nobody
thought of) is left out and counted. What is written is a store of its own in a temporary folder, from which any format
is made; outputs kept as blobs are never in it.

A person who knows the code very well may still recognise it by its shape: give such data sets to people, not to the world.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from agentlog.exports.pseudonyms import COMMON, PACKAGES, Pseudonyms
from agentlog.exports.segment_writer import Empty, write_segment
from agentlog.exports.selection import Selection
from agentlog.journal import prepare_folder
from agentlog.store import Store

Record = dict[str, Any]
Rule = Callable[["Anonymizer", Any], Any]
"""A field's value -> what goes out; None: nothing."""

_VOCABULARY_WORDS = """
    agent asyncio captured cell child critical darwin debug deleted died disabled ended error error_shown exit failed
    failure fixed function future handover info interrupted ipython kernel library linux llm logging made mutated not_run
    note ok partial process rebound running seen shown shutdown source span stderr stdlib stdout success synthetic task
    thought thread timed_out tool uncaught unknown unloaded unraisable user warning win32
"""
VOCABULARY = frozenset(_VOCABULARY_WORDS.split())
_MODEL_WORDS = """
    audio chat claude coder codestral command deepseek exp flash gemini gemma gpt grok haiku instant instruct large latest
    lite llama medium mini mistral mixtral nano nova opus phi plus preview pro qwen r reasoner small sonnet thinking turbo
    ultra vision
"""
_MODEL = frozenset(_MODEL_WORDS.split())
"""Words of model names that are everybody's; a fine-tuned model's own name is not."""
_MODEL_NUMBER = re.compile(r"(?:v|o)?\d+(?:x\d+)?[a-z]{0,2}\Z")
_PROVIDER_WORDS = """
    anthropic aws.bedrock azure cohere deepseek gcp.gemini google groq mistral_ai ollama openai xai
"""
_PROVIDER = frozenset(_PROVIDER_WORDS.split())
_DTYPE = re.compile(
    r"((?:torch\.)?(?:u?int|float|bfloat|complex|Int|UInt|Float)\d{0,3}|(?:torch\.)?bool|object|str|string|category|<U\d+|Utf8|String|Date|Boolean"
    r"|(?:datetime|timedelta)64(?:\[\w\w?)?|Datetime|Duration|Time)(?=\W|\Z)"
)
_VERSION = re.compile(r"\d[\w.+-]{0,30}\Z")
_SIGNAL = re.compile(r"SIG[A-Z0-9]{2,10}")
_MIMES_WORDS = """
    application/javascript application/json application/pdf application/vnd.jupyter.widget-view+json
    application/vnd.plotly.v1+json image/gif image/jpeg image/png image/svg+xml image/webp text/csv text/html text/latex
    text/markdown text/plain
"""
_MIMES = frozenset(_MIMES_WORDS.split())


class Anonymizer:
    """Makes records anonymous, and counts what it took out."""

    def __init__(self, names: Pseudonyms | None = None) -> None:
        self.names = names or Pseudonyms()
        self.removed: Counter[str] = Counter()

    def record(self, record: Record) -> Record | None:
        """The record without what could tell; None where its kind is none that may go out."""
        rules = KINDS.get(str(record.get("e")))
        if rules is None:
            self.removed["records of other kinds left out"] += 1
            return None
        return {"e": record["e"], **self.fields(record, {**ENVELOPE, **rules})}

    def fields(self, data: Any, rules: dict[str, Rule]) -> Record:
        """The fields of `data` that have a rule."""
        out: Record = {}
        for key, value in data.items() if isinstance(data, dict) else ():
            rule = rules.get(key)
            told = rule(self, value) if rule is not None and value is not None else None
            if told is not None:
                out[key] = told
            elif key not in ("e", "q", "h") and value not in (None, "", [], {}):
                self.removed["fields left out"] += 1
        return out

    def count(self, what: str) -> None:
        """One more thing of that kind was replaced or left out."""
        self.removed[what] += 1


# --- rules ------------------------------------------------------------------------------------------------------------


def word(self: Anonymizer, value: Any) -> Any:
    """A word of ours stays, any other does not."""
    return value if value in VOCABULARY else None


def number(self: Anonymizer, value: Any) -> Any:
    """Figures and flags stay."""
    return value if isinstance(value, (int, float)) else None


def numbers(self: Anonymizer, value: Any) -> Any:
    """A list of figures."""
    return [one for one in value if isinstance(one, (int, float))] if isinstance(value, list) else None


def identifier(self: Anonymizer, value: Any) -> Any:
    self.count("ids replaced")
    return self.names.identifier(value)


def moment(self: Anonymizer, value: Any) -> Any:
    self.count("times moved by whole days")
    return self.names.time(value)


def name(self: Anonymizer, value: Any) -> Any:
    told = self.names.name(value)
    if told != value:
        self.count("names replaced")
    return told


def own_name(self: Anonymizer, value: Any) -> Any:
    """A name that says who or where, whatever word it is."""
    self.count("names replaced")
    return self.names.name(value, common=False)


def names(self: Anonymizer, value: Any) -> Any:
    return [name(self, one) for one in value] if isinstance(value, list) else None


def tags(self: Anonymizer, value: Any) -> Any:
    """Tags; of "config:NAME" the kind stays."""
    found = [str(one).partition(":") for one in value] if isinstance(value, list) else []
    return [
        f"config:{own_name(self, rest)}" if kind == "config" and colon else own_name(self, kind + colon + rest)
        for kind, colon, rest in found
    ]


def path(self: Anonymizer, value: Any) -> Any:
    self.count("paths replaced")
    return self.names.path(value)


def source(self: Anonymizer, value: Any) -> Any:
    self.count("sources generalised")
    return self.names.source(value)


def message(self: Anonymizer, value: Any) -> Any:
    told = self.names.message(value)
    self.count("messages generalised" if told else "messages left out")
    return told or None


def version(self: Anonymizer, value: Any) -> Any:
    return value if isinstance(value, str) and _VERSION.match(value) else None


def packages(self: Anonymizer, value: Any) -> Any:
    """Well-known packages with their versions."""
    return (
        {key: told for key, told in value.items() if key in PACKAGES and version(self, told)} if isinstance(value, dict) else None
    )


def git(self: Anonymizer, value: Any) -> Any:
    return {"dirty": value["dirty"]} if isinstance(value, dict) and isinstance(value.get("dirty"), bool) else None


def model(self: Anonymizer, value: Any) -> Any:
    """A model that everybody can use."""
    words = re.split(r"[-._]", value) if isinstance(value, str) else [""]
    known = words[0] in _MODEL and all(one in _MODEL or _MODEL_NUMBER.match(one) for one in words)
    return value if known or re.fullmatch(r"o\d(?:-mini|-pro)?", str(value)) else own_name(self, value)


def provider(self: Anonymizer, value: Any) -> Any:
    return value if value in _PROVIDER else own_name(self, value)


def tokens(self: Anonymizer, value: Any) -> Any:
    known = ("input", "output", "cache_read", "cache_write", "reasoning")
    return {key: value[key] for key in known if isinstance(value.get(key), (int, float))} if isinstance(value, dict) else None


def figures(self: Anonymizer, value: Any) -> Any:
    found = value.items() if isinstance(value, dict) else ()
    return {name(self, key): one for key, one in found if isinstance(one, (int, float))}


def dtype(self: Anonymizer, value: Any) -> Any:
    """The kind of a dtype, without time zones, categories and fields."""
    match = _DTYPE.match(value) if isinstance(value, str) else None
    return match[1] + ("]" if "[" in match[1] else "") if match else None


def type_name(self: Anonymizer, value: Any) -> Any:
    return name(self, value)


def columns(self: Anonymizer, value: Any) -> Any:
    """[name, dtype, nulls] of each column; samples are left out."""
    out = []
    for row in value if isinstance(value, list) else ():
        self.removed["values left out"] += len(row) > 3
        nulls = row[2] if len(row) > 2 and isinstance(row[2], int) else None
        out.append([name(self, row[0]), dtype(self, row[1]) or "object", *([nulls] if nulls is not None else [])])
    return out


def value(self: Anonymizer, data: Any) -> Any:
    """A description: type, sizes, shape and names of what it holds; never what it is."""
    if not isinstance(data, dict):
        return None
    if "v" in data:
        self.count("values left out")
    return self.fields({key: one for key, one in data.items() if key != "v"}, VALUE)


def values(self: Anonymizer, data: Any) -> Any:
    return {name(self, key): told for key, one in data.items() if (told := value(self, one))} if isinstance(data, dict) else None


def items(self: Anonymizer, data: Any) -> Any:
    return [told for one in data if (told := value(self, one))] if isinstance(data, list) else None


def module(self: Anonymizer, told: Any) -> Any:
    return told if isinstance(told, str) and told.split(".")[0] in COMMON else None


def frames(self: Anonymizer, data: Any) -> Any:
    return [self.fields(frame, FRAME) for frame in data] if isinstance(data, list) else None


def failure(self: Anonymizer, data: Any) -> Any:
    return {"type": "Exception", "message": "", **self.fields(data, FAILURE)} if isinstance(data, dict) else None


def failures(self: Anonymizer, data: Any) -> Any:
    return [failure(self, one) for one in data] if isinstance(data, list) else None


def changes(self: Anonymizer, data: Any) -> Any:
    return [self.fields(one, CHANGE) for one in data] if isinstance(data, list) else None


def text_size(self: Anonymizer, data: Any) -> Any:
    """Output: nothing of it."""
    self.count("outputs left out")
    return ""


def output_kinds(self: Anonymizer, data: Any) -> Any:
    """Outputs: which MIME types there were."""
    self.count("outputs left out")
    return {key: "" for key in data if key in _MIMES} if isinstance(data, dict) else None


def sizes(self: Anonymizer, data: Any) -> Any:
    found = data.items() if isinstance(data, dict) else ()
    return {key: one for key, one in found if key in _MIMES and isinstance(one, int)}


def signal(self: Anonymizer, told: Any) -> Any:
    match = _SIGNAL.search(str(told))
    return match[0] if match else None


def part(self: Anonymizer, told: Any) -> Any:
    return told if isinstance(told, str) and re.fullmatch(r"[a-z_.]{1,30}", told) else None


ENVELOPE: dict[str, Rule] = {"i": identifier, "t": moment, "s": identifier, "x": identifier, "l": word}
VALUE: dict[str, Rule] = {
    "t": type_name, "mod": module, "n": number, "k": values, "it": items, "a": values, "sh": numbers, "dt": dtype, "cols": columns, "na": number,
}  # fmt: skip
FRAME: dict[str, Rule] = {
    "kind": word, "file": path, "line": number, "function": name, "module": module, "cell": identifier, "count": number, "source": source,
    "locals": values, "arguments": values, "omitted": number,
}  # fmt: skip
FAILURE: dict[str, Rule] = {
    "type": type_name, "message": message, "module": module, "frames": frames, "cause": failure, "explicit_cause": number, "group": failures,
    "hash": own_name,
}  # fmt: skip
CHANGE: dict[str, Rule] = {"name": name, "kind": word, "old": value, "new": value, "how": word, "since": identifier}
_SESSION: dict[str, Rule] = {"notebook": path, "git": git, "packages": packages}
KINDS: dict[str, dict[str, Rule]] = {
    "session.start": {
        **_SESSION, "life": word, "agent": own_name, "task": own_name, "parent": identifier, "host": own_name, "python": version, "cwd": path,
        "platform": word, "agentlog": version,
    },
    "session.learned": _SESSION,
    "session.end": {"how": word},
    "cell.start": {
        "number": number, "count": number, "cell_id": own_name, "source": source, "notebook": path, "within": identifier, "own": number,
        "internal": number, "rss": number,
    },
    "cell.end": {"status": word, "count": number, "ms": number, "rss": number, "peak": number, "result": value},
    "cell.namespace": {"changes": changes, "reads": names, "writes": names, "lazy": names, "complete": number, "ms": number},
    "cell.skipped": {"cell_id": own_name, "source": source},
    "stream": {"name": word, "text": text_size, "size": number, "late": number, "unfinished": number},
    "display": {
        "result": number, "update": number, "display_id": own_name, "data": output_kinds, "sizes": sizes, "clear": number, "late": number,
    },
    "error": {"failure": failure, "origin": word, "spent_ms": number, "m": message},
    "process.died": {"exit_code": number, "signal": signal},
    "log": {"logger": name, "data": values, "tags": tags, "file": path, "line": number},
    "span": {
        "what": word, "name": model, "span": identifier, "parent": identifier, "trace": identifier, "ok": number, "ms": number,
        "arguments": values, "result": value, "data": values, "model": model, "provider": provider, "tokens": tokens, "cost": number,
    },
    "decision": {"data": values},
    "message": {"role": word, "to": own_name, "data": values},
    "perf": {"name": name, "figures": figures},
    "outcome": {"outcome": word, "confidence": number, "subject": identifier, "tags": tags},
    "pattern": {"action": word, "pattern": own_name},
    "fault": {"part": part, "dropped": number},
}  # fmt: skip
"""Kind of event -> field -> rule. What is not here does not go out."""


@contextmanager
def anonymized(selection: Selection, names_: Pseudonyms | None = None) -> Iterator[tuple[Selection, Counter[str]]]:
    """A selection of everything in a store that holds what `selection` selects, made anonymous, and what was removed."""
    work = Anonymizer(names_)
    with tempfile.TemporaryDirectory(prefix="agentlog-") as temporary:
        folder = Path(temporary) / "store"
        prepare_folder(folder)
        try:
            write_segment(folder, filter(None, map(work.record, selection.records())), "anonymous")
        except Empty:
            pass
        with closing(Store.open(folder)) as store:
            yield Selection(store), work.removed
