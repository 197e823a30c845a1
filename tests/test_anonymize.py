"""Anonymous exports: nothing planted anywhere comes out, and the structure stays."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import Samples, call

from agentlog import cli
from agentlog.events import KINDS as EVENTS
from agentlog.events import (
    RECORD_KEYS,
    Change,
    Column,
    ErrorRaised,
    Evidence,
    Expression,
    Fact,
    Failure,
    Frame,
    Logged,
    NamespaceChanged,
    Operand,
    OutcomeTagged,
    Value,
    to_record,
)
from agentlog.exports import anonymize
from agentlog.exports.anonymize import ENVELOPE, KINDS, Anonymizer, anonymized
from agentlog.exports.pseudonyms import COMMON, Pseudonyms
from agentlog.exports.selection import Selection
from agentlog.ids import new_id, timestamp
from agentlog.store import Store

PLANTED = "Zebra"


def _planted_value(depth: int = 2) -> Value:
    inner = {"Zebra_key": _planted_value(depth - 1)} if depth else {}
    return Value(
        "ZebraType", "zebra.module", "Zebra value", 3, inner, (_planted_value(depth - 1),) if depth else (), inner, (3, 2), "zebra_dtype",
        (Column("zebra_col", "zebra_dt", 1, ("Zebra sample",)),), "Zebra index", ("Zebra low", "Zebra high"), 2, (("Zebra", 1),),
        {"zebra": "Zebra"}, "Zebra cut",
    )  # fmt: skip


def _planted_failure(depth: int = 1) -> Failure:
    frame = Frame(
        "user", "/home/zebra/zebra.py", 3, "zebra_function", "zebra", "zebra", 2, "zebra['Zebra']", ((1, "zebra"),), {"zebra": _planted_value()},
        {"zebra": _planted_value()},
    )  # fmt: skip
    evidence = Evidence("zebra", (Fact("zebra", "zebra", _planted_value(), ("zebra",)),), ("zebra",))
    more = (_planted_failure(depth - 1),) if depth else ()
    return Failure(
        "ZebraError", "zebra 'Zebra' zebra", "zebra", (frame,), Expression("zebra", 1, True, (Operand("zebra", _planted_value()),)), (evidence,),
        ("zebra",), more[0] if more else None, True, more, "zebra",
    )  # fmt: skip


def _planted(kind: str) -> dict[str, Any]:
    """A record of the kind with the planted word in every field that can hold text, and fields that nobody knows."""
    cls = EVENTS[kind]
    record: dict[str, Any] = {"e": kind, "zebra_field": PLANTED}
    for field in dataclasses.fields(cls):
        record[RECORD_KEYS.get(field.name, field.name)] = [PLANTED, {PLANTED: PLANTED}] if "tuple" in str(field.type) else PLANTED
        if "Mapping" in str(field.type):
            record[field.name] = {PLANTED: PLANTED, "text/zebra": PLANTED}
    return record


@pytest.mark.parametrize("kind", sorted(EVENTS))
def test_nothing_planted_comes_out(kind: str) -> None:
    """Of every kind of event, in every field, as text, as a list, as a mapping."""
    work = Anonymizer()
    for record in (_planted(kind), {**_planted(kind), "failure": to_record(ErrorRaised(failure=_planted_failure()))["failure"]}):
        told = work.record(record)
        assert "zebra" not in json.dumps(told).lower()
    assert sum(work.removed.values()) > 0


def test_values_failures_and_changes_say_nothing_of_what_they_held() -> None:
    """Nested descriptions, frames with locals, evidence, causes; types, shapes and counts are still there."""
    work = Anonymizer(Pseudonyms(b"k"))
    change = Change("zebra_name", "made", new=_planted_value())
    told = [
        work.record(to_record(event))
        for event in (
            ErrorRaised(failure=_planted_failure(), message="Zebra"),
            NamespaceChanged(changes=(change,)),
            Logged(data={"zebra": _planted_value()}),
        )
    ]
    text = json.dumps(told)
    assert "zebra" not in text.lower()
    new = told[1]["changes"][0]["new"]  # type: ignore[index]
    assert (new["n"], new["sh"], new["na"], new["cols"][0][2]) == (3, [3, 2], 2, 1)
    failure = told[0]["failure"]  # type: ignore[index]
    assert (failure["frames"][0]["line"], failure["frames"][0]["kind"], len(failure["group"])) == (3, "user", 1)
    assert work.removed["values left out"] > 5


def test_the_same_name_is_the_same_stand_in_and_only_within_one_export() -> None:
    """In code, columns and messages; another export has others."""
    one, other = Pseudonyms(), Pseudonyms()
    column = one.name("price")
    assert f"df['{column}']".replace("df", one.name("df")) == one.source("df['price']")
    assert one.message("'price'") == f"'{column}'"
    assert other.name("price") != column
    assert one.name("groupby") == "groupby"
    assert one.name("groupby", common=False) != "groupby"


def test_code_keeps_its_structure() -> None:
    """Indentation, operators and well-known calls stay; comments, texts and numbers go; no Python is told by its length."""
    names = Pseudonyms(b"k")
    code = "import pandas as pd\n# zebra\ndef zebra(x):\n    '''Zebra'''\n    if x > 53:\n        return pd.read_csv('zebra.csv', sep=';')  # zebra\n"
    told = names.source(code)
    assert "zebra" not in told.lower()
    assert "53" not in told
    assert f"def {names.name('zebra')}(x):" in told
    assert "\n        return pd.read_csv('n_" in told
    compile(told, "told", "exec")
    assert "zebra" not in names.source("x = f'Zebra {zebra} zebra' + rb'zebra'").lower()
    assert names.source("if (zebra\n") == "... 2 lines that are no Python"
    assert names.source("!rm -rf /home/zebra").count("zebra") == 0
    assert names.source("") == ""


def test_ids_and_times_keep_their_order_and_distances() -> None:
    """Moved by whole days, all by the same."""
    names = Pseudonyms()
    ids = [new_id() for _ in range(50)]
    told = [names.identifier(one) for one in ids]
    assert told == sorted(told)
    assert len({*told, *ids}) == 100
    one, two = timestamp(1_790_000_000.25), timestamp(1_790_000_060.5)
    assert names.time(one)[10:] == one[10:]
    assert names.time(one)[:10] < one[:10]
    assert names.time(two)[10:] == two[10:]
    assert names.time("zebra") == "1970-01-01T00:00:00.000000Z"


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """A session of Zebra's."""
    samples = Samples(store_folder)
    samples.begin(
        agent="zebra",
        task="Zebra's task",
        host="zebra-pc",
        notebook="/home/zebra/zebra.ipynb",
        packages={"pandas": "3.0", "zebra": "1"},
    )
    samples.cell(
        1,
        "zebra = load('zebra.csv')",
        error=Failure("KeyError", "'zebra'", frames=(Frame("cell", "zebra", 1, "<module>"),)),
        cell_id="zebra",
    )
    samples.cell(2, "zebra.groupby('zebra').mean()")
    samples.add(call("claude-sonnet-4-5", 100, 20, 0.5))
    samples.add(call("zebra-model", 100, 20, 0.5))
    samples.add(OutcomeTagged(outcome="success", reason="zebra", tags=("config:zebra", "zebra")))
    samples.end()
    yield samples
    samples.close()


def test_every_format_made_of_it_says_as_much_as_before(made: Samples) -> None:
    """Executions, statuses, durations, tokens and cost are those of the original; names are not."""
    original = Selection(made.store())
    with anonymized(original) as (selection, removed):
        ours, theirs = list(original.executions()), list(selection.executions())
        assert [(one.status, one.ms, one.count, one.failed) for _, one in ours] == [
            (one.status, one.ms, one.count, one.failed) for _, one in theirs
        ]
        assert theirs[0][1].error != ours[0][1].error
        assert (theirs[0][1].error or "").startswith("KeyError: 'n_")
        assert theirs[1][1].source.endswith(".mean()")
        (session,) = selection.sessions()
        assert session.packages == {"pandas": "3.0"}
        assert removed["names replaced"] > 5
        kept = list(selection.store.records(kinds={"span"}))
        assert [record["tokens"] for record in kept] == [{"input": 100, "output": 20}] * 2
        assert kept[0]["model"] == "claude-sonnet-4-5"


@pytest.mark.parametrize("target", ["a.jsonl", "a.csv", "a.sqlite", "a.parquet", "a.xlsx", "a.ipynb", "all/"])
def test_files_hold_nothing_of_it(made: Samples, tmp_path: Path, target: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a byte of the planted name in any format; the report says what was removed."""
    words = ["--format", "csv"] if target == "all/" else []
    assert cli.main(["export", f"{tmp_path}/out/{target}", "--anonymize", *words]) == 0
    assert "× names replaced" in capsys.readouterr().out
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert files
    for path in files:
        body = _unpacked(path)
        assert b"zebra" not in body.lower(), path
        assert b"groupby" in body or path.stem in ("sessions", "errors", "calls") or path.suffix in (".xlsx", ".parquet"), path


def _unpacked(path: Path) -> bytes:
    if path.suffix == ".xlsx":
        import zipfile

        with zipfile.ZipFile(path) as archive:
            return b"".join(archive.read(name) for name in archive.namelist())
    if path.suffix == ".parquet":
        import pandas

        return pandas.read_parquet(path).to_csv().encode()
    return path.read_bytes()


def test_models_and_dtypes_that_are_everybodys() -> None:
    """A fine-tuned model, a time zone, the fields of a struct are not."""
    work = Anonymizer()
    for known in (
        "claude-sonnet-4-5",
        "gpt-4o-mini",
        "o3",
        "gemini-2.5-pro",
        "llama-3.1-70b-instruct",
        "claude-opus-4-1-20250805",
    ):
        assert anonymize.model(work, known) == known
    for own in ("ft:gpt-4o:zebra::1", "gpt-4o-zebra", "zebra"):
        assert str(anonymize.model(work, own)).startswith("n_")
    told = {
        text: anonymize.dtype(work, text)
        for text in ("int64", "datetime64[us, Europe/Zebra]", "Struct({'zebra': Int64})", "category", "float32", "<U12")
    }
    assert list(told.values()) == ["int64", "datetime64[us]", None, "category", "float32", "<U12"]


def test_every_rule_is_for_a_field_that_exists() -> None:
    """A renamed field would silently go missing."""
    for kind, rules in KINDS.items():
        fields = {RECORD_KEYS.get(field.name, field.name) for field in dataclasses.fields(EVENTS[kind])}
        assert set(rules) | set(ENVELOPE) <= fields | {"l", "m"}, kind
    assert "zebra" not in COMMON


def test_an_empty_selection_is_an_empty_store(store_folder: Path) -> None:
    """No events, no trouble."""
    Samples(store_folder).journal.open()
    with closing(Store.open(store_folder)) as store, anonymized(Selection(store)) as (selection, removed):
        assert list(selection.records()) == []
        assert not removed
