"""The command line prints on whatever it is given: any encoding, a closed pipe, a full disk, no standard output at all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from store_suite import Story

from agentlog.events import to_record
from agentlog.journal import Journal
from agentlog.settings import Limits

NAMES = ["销售", "Größe"]
ENCODINGS = ["ascii", "cp1252", "utf-8"]


@pytest.fixture(autouse=True)
def _cells(store_folder: Path) -> None:
    """Cells whose sources not every encoding can say."""
    story, journal = Story(), Journal(store_folder, Limits())
    session = story.session()
    for count, name in enumerate(NAMES, 1):
        story.cell(session, count, f"{name} = {count}")
    for event in story.events:
        journal.append(to_record(event))
    journal.close()


def agentlog(*words: str, encoding: str = "utf-8", stdout: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[bytes]:
    """`agentlog WORDS` in a process of its own, whose standard output is buffered and of this encoding."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUNBUFFERED": ""}
    return subprocess.run([sys.executable, "-m", "agentlog", *words], stdout=stdout, stderr=subprocess.PIPE, env=environment)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_an_encoding_cannot_say_is_escaped(encoding: str) -> None:
    """A terminal of ASCII or cp1252 gets every line; what it has no character for stands there as an escape."""
    done = agentlog("history", encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode(encoding)
    assert all(name.encode(encoding, "backslashreplace").decode(encoding) in text for name in NAMES)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_valid_in_every_encoding(encoding: str) -> None:
    """An escape of Python's would not be one of JSON's."""
    done = agentlog("history", "--json", encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert [name for name in NAMES if name not in json.dumps(json.loads(done.stdout.decode(encoding)), ensure_ascii=False)] == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_data_on_standard_output_is_utf_8(encoding: str) -> None:
    """What another program reads does not depend on the terminal."""
    done = agentlog("export", "-", "--format", "jsonl", encoding=encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "销售 = 1" in done.stdout.decode("utf-8")


def test_a_reader_that_leaves_ends_it_quietly() -> None:
    """As in `agentlog history | head -0`: no traceback, no complaint when the interpreter ends."""
    reading, writing = os.pipe()
    os.close(reading)
    done = agentlog("history", stdout=writing)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize("words", [["history"], ["history", "--json"], ["--help"]])
def test_a_full_disk_is_one_line(words: list[str]) -> None:
    """What could not be written is said, with exit code 2."""
    with open("/dev/full", "wb") as full:
        done = agentlog(*words, stdout=full.fileno())
    assert done.returncode == 2
    assert done.stderr.decode().startswith("agentlog: ")
    assert done.stderr.count(b"\n") == 1
    assert b"No space left" in done.stderr


def test_no_standard_output_at_all() -> None:
    """`agentlog history >&-` does its work."""
    script = f'exec "{sys.executable}" -m agentlog history >&-'
    done = subprocess.run(["sh", "-c", script], stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize(
    "words",
    [
        "context --tokens 0", "context --tokens -5", "context --tokens many", "exec --timeout -1 1", "exec --timeout 0 1",
        "run --timeout nan x.ipynb", "run -j 0 x.ipynb", "history --limit -1", "sessions --limit -1", "timeline --limit -1",
        "queue work -j 0", "regress --runs 0", "watch --interval -1", "follow --interval 0 http://127.0.0.1:9",
    ],
)  # fmt: skip
def test_a_number_that_makes_no_sense_is_one_line(words: str) -> None:
    """What the option would take is said before anything is started."""
    done = agentlog(*words.split())
    said = done.stderr.decode()
    assert (done.returncode, done.stdout, said.count("\n")) == (2, b"", 1), said
    assert said.startswith(f"agentlog: {words.split()[0]}")
    assert "argument -" in said
