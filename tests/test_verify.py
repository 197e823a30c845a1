"""Tampering is told from what crashes and gc leave behind."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from store_suite import Story

from agentlog.chain import chained
from agentlog.cli import main
from agentlog.errors import UsageError
from agentlog.events import to_record
from agentlog.journal import Journal
from agentlog.retention import collect
from agentlog.settings import Limits
from agentlog.verify import Anchor, Checked, check, heads, read_anchors


def recorded(folder: Path, *, closed: bool = True, limits: Limits = Limits()) -> Path:  # noqa: B008 - frozen
    """A segment (or a chain of them) with ten cells; returns the last one's path."""
    story, journal = Story(), Journal(folder, limits)
    session = story.session()
    for number in range(10):
        story.cell(session, number, f"x = {number}")
    for event in story.events:
        journal.append(to_record(event))
    path = journal.path
    assert path is not None
    if closed:
        journal.close()
    return path


def only(folder: Path, anchors: list[Anchor] | None = None) -> Checked:
    """The verdict on the only segment."""
    (found,) = check(folder, anchors or [])
    return found


def rehashed(lines: list[bytes]) -> bytes:
    """The lines with a new chain that fits: what somebody does who knows how it works."""
    head, out = "", []
    for number, line in enumerate(lines, 1):
        record = {**json.loads(line), "q": number}
        del record["h"]
        head, text = chained(head, json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
        out.append(text)
    return b"".join(out)


def test_what_was_written_verifies(store_folder: Path) -> None:
    """Closed in order: whole. Open: its writer lives. Both count their records."""
    closed, living = recorded(store_folder), recorded(store_folder, closed=False)
    verdicts = {one.segment: (one.verdict, one.records) for one in check(store_folder)}
    assert verdicts == {closed.stem: ("whole", 33), living.stem: ("open", 32)}


def _change(lines: list[bytes]) -> list[bytes]:
    return [line.replace(b"x = 1", b"x = 7") for line in lines]


def _exchange(lines: list[bytes]) -> list[bytes]:
    lines[5], lines[6] = lines[6], lines[5]
    return lines


def _drop_end_and_add(lines: list[bytes]) -> list[bytes]:
    return [*lines, b'{"e":"stream","i":"zz","q":99,"h":"' + b"0" * 32 + b'"}\n']


TAMPERS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "a line changed": _change,
    "a line removed": lambda lines: lines[:5] + lines[6:],
    "the first line removed": lambda lines: lines[1:],
    "lines exchanged": _exchange,
    "a line doubled": lambda lines: [*lines[:5], lines[4], *lines[5:]],
    "a line added at the end": _drop_end_and_add,
    "a line made noise": lambda lines: [*lines[:5], b"noise\n", *lines[6:]],
}


@pytest.mark.parametrize("tamper", TAMPERS.values(), ids=TAMPERS)
def test_tampering_is_seen(store_folder: Path, tamper: Callable[[list[bytes]], list[bytes]]) -> None:
    """Whatever was done to a line, the chain does not fit any more, and the line is named."""
    path = recorded(store_folder)
    path.write_bytes(b"".join(tamper(path.read_bytes().splitlines(keepends=True))))
    found = only(store_folder)
    assert found.verdict == "tampered"
    assert found.problems[0].startswith("line ")


def test_a_chain_made_anew_is_seen_by_an_anchor(store_folder: Path) -> None:
    """Who can write the folder can make a whole new chain; a head kept elsewhere shows it, and shows a cut end too."""
    path = recorded(store_folder, closed=False)
    kept = list(heads(check(store_folder)))
    assert only(store_folder, kept).verdict == "open"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(rehashed(_change(list(lines))))
    assert only(store_folder).verdict == "open"
    anchored = only(store_folder, kept)
    assert anchored.verdict == "tampered"
    assert "not the anchored" in anchored.problems[0]
    path.write_bytes(b"".join(lines[:20]))
    assert only(store_folder).verdict == "open"
    assert "anchored record 32 is missing" in only(store_folder, kept).problems[0]


def test_lines_written_after_the_anchor_are_fine(store_folder: Path) -> None:
    """The anchor vouches for what was there; the segment may have grown since."""
    path = recorded(store_folder)
    head = json.loads(path.read_bytes().splitlines()[9])["h"]
    assert only(store_folder, [Anchor(path.stem, 10, head)]).verdict == "whole"


def test_a_torn_end_is_no_tampering(store_folder: Path) -> None:
    """A killed writer's half line, and a line of which a full disk took a part while the chain went on."""
    path = recorded(store_folder, closed=False)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:12], lines[12][:30] + b"\n", *lines[12:], lines[-1][:40]]))
    found = only(store_folder)
    assert (found.verdict, found.records) == ("torn", 32)
    assert "2 lines written only in part" in found.notes


def test_a_missing_segment_of_a_chain_is_seen(store_folder: Path) -> None:
    """Its successor names it. What gc removed is told from that, also against anchors."""
    recorded(store_folder, limits=Limits(segment_bytes=2000))
    paths = sorted((store_folder / "journal").iterdir(), key=lambda path: json.loads(path.read_bytes().splitlines()[0])["i"])
    assert len(paths) > 2
    kept = list(heads(check(store_folder)))
    assert {one.verdict for one in check(store_folder, kept)} == {"whole"}
    moment = time.time() - 100 * 86_400
    os.utime(paths[0], (moment, moment))
    collect(store_folder, packing=False)
    verdicts = {one.segment: one.verdict for one in check(store_folder, kept)}
    assert verdicts.pop(paths[0].stem) == "removed"
    assert set(verdicts.values()) == {"whole"}
    paths[1].unlink()
    (missing,) = [one for one in check(store_folder) if one.verdict == "tampered"]
    assert missing.segment == paths[1].stem
    assert "gc did not remove it" in missing.problems[0]


def test_a_segment_that_nothing_follows_is_missed_by_its_anchor_alone(store_folder: Path) -> None:
    """Nothing else in the folder knows of it."""
    path = recorded(store_folder)
    kept = list(heads(check(store_folder)))
    path.unlink()
    assert check(store_folder) == []
    assert only(store_folder, kept).verdict == "tampered"


def test_packed_segments_verify(store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packing changes no byte of the text; a damaged packed file cannot be read, and is said."""
    monkeypatch.setattr("agentlog.retention.PACK_BYTES", 1)
    recorded(store_folder)
    collect(store_folder)
    (path,) = (store_folder / "journal").glob("*.z")
    assert only(store_folder).verdict == "whole"
    path.write_bytes(path.read_bytes()[:-5])
    assert only(store_folder).verdict == "unreadable"


def test_anchors_are_read_back(store_folder: Path) -> None:
    """As they are printed; anything else is said in one line."""
    recorded(store_folder)
    kept = list(heads(check(store_folder)))
    assert read_anchors("\n".join(map(str, kept)) + "\n\n") == kept
    with pytest.raises(UsageError, match="is no anchor"):
        read_anchors("abc 12")


def test_the_command(store_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`verify --heads` prints what `--anchor` takes; the exit code is 1 for tampering, 2 where it cannot work."""
    path = recorded(store_folder)
    assert main(["verify", "--heads"]) == 0
    kept = tmp_path / "heads"
    kept.write_text(capsys.readouterr().out)
    assert main(["verify", "--anchor", str(kept)]) == 0
    assert capsys.readouterr().out == "as written against 1 anchors: 1 whole\n"
    assert main(["verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["heads"] == [kept.read_text().strip()]
    path.write_bytes(rehashed(_change(path.read_bytes().splitlines(keepends=True))))
    assert main(["verify", "--anchor", kept.read_text()]) == 1
    assert "NOT as written" in capsys.readouterr().out
    assert main(["verify", "--anchor", "/none"]) == 2
    assert main(["verify", "--store", str(tmp_path / "none")]) == 2
    assert "no store yet" in capsys.readouterr().err
