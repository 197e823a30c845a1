"""Bundles and imports: what goes out by `push` comes back by `pull`, byte for byte, and nothing else comes in."""

from __future__ import annotations

import json
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

sys.path.insert(0, str(Path(__file__).parent / "exports"))
from samples import Samples, a_bit_of_everything

from agentlog import cli
from agentlog.errors import UsageError
from agentlog.events import SessionEnded, StreamWritten
from agentlog.exports import bundle, unbundle
from agentlog.journal import Journal
from agentlog.retention import collect
from agentlog.settings import Limits
from agentlog.store import Store
from agentlog.verify import check


@pytest.fixture
def made(store_folder: Path) -> Iterator[Samples]:
    """Two sessions with everything in them, closed."""
    samples = a_bit_of_everything(store_folder)
    samples.journal.close()
    yield samples
    samples.close()


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and "index" not in path.name}


def test_a_round_trip_is_byte_equal(made: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The store pulled from a bundle holds the same files, and the bundle pushed from it is the same bundle."""
    assert cli.main(["push", str(tmp_path / "one.agentlog"), "--all", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    other = tmp_path / "other"
    assert cli.main(["pull", str(tmp_path / "one.agentlog"), "--store", str(other), "--sha256", said["sha256"]]) == 0
    assert "2 sessions" in capsys.readouterr().out
    assert _content(other) == _content(made.folder)
    assert cli.main(["push", str(tmp_path / "two.agentlog"), "--all", "--store", str(other)]) == 0
    assert (tmp_path / "two.agentlog").read_bytes() == (tmp_path / "one.agentlog").read_bytes()
    with closing(Store.open(other)) as store, closing(Store.open(made.folder)) as first:
        assert list(store.events()) == list(first.events())
    before = _content(other)
    assert cli.main(["pull", str(tmp_path / "one.agentlog"), "--store", str(other)]) == 0
    assert "3 were there already" in capsys.readouterr().out
    assert _content(other) == before


def test_one_session_takes_along_nothing_of_another(made: Samples, tmp_path: Path) -> None:
    """Only its own records and outputs are in the bundle, in a chain that holds; its children come with it."""
    parent = made.events[0].session
    made.begin(parent=parent, life="task", task="a child of it")
    made.cell(1, "child()")
    made.end("ended")
    made.journal.close()
    assert cli.main(["push", f"{tmp_path}/", "--session", parent]) == 0
    other = tmp_path / "other"
    assert cli.main(["pull", str(tmp_path / f"{parent[-6:]}.agentlog"), "--store", str(other)]) == 0
    store = Store.open(other)
    assert {session.id for session in store.sessions()} == {parent, made.session}
    assert len(list(store.records())) == sum(event.session in (parent, made.session) for event in made.events)
    assert store.text(next(e for e in store.events(kinds={"stream"}) if isinstance(e, StreamWritten) and e.blob)).endswith(
        "output\n"
    )
    store.close()
    assert b"odd text" not in b"".join(_content(other).values())
    assert {found.verdict for found in check(other)} == {"whole"}


def test_a_chain_of_segments_stays_one(made: Samples, tmp_path: Path) -> None:
    """A session that went over several segments, each small: their links hold after a partial bundle too."""
    made.journal = Journal(made.folder, Limits(segment_bytes=1_500))
    other_session = made.begin(task="not wanted")
    made.cell(1, "secret_of_the_other()")
    wanted = made.begin(task="wanted")
    for number in range(20):
        made.cell(number, f"wanted({number})")
    made.session = other_session
    made.cell(2, "again()")
    made.end()
    made.journal.close()
    store = made.store()
    bundle.push(store, tmp_path / "b", (wanted,))
    store.close()
    unbundle.pull(tmp_path / "b", tmp_path / "other")
    assert {found.verdict for found in check(tmp_path / "other")} == {"whole"}
    with closing(Store.open(tmp_path / "other")) as pulled:
        assert [one.source for one in pulled.executions()] == [f"wanted({number})" for number in range(20)]
        bundle.push(pulled, tmp_path / "again", (wanted,))
    assert (tmp_path / "again").read_bytes() == (tmp_path / "b").read_bytes()


def test_what_grew_is_brought_up_to_date(made: Samples, tmp_path: Path) -> None:
    """A later bundle of a live session adds what is new; an earlier one takes nothing away; a packed segment is known."""
    made.begin()
    made.cell(1, "a")
    store, other = made.store(), tmp_path / "other"
    bundle.push(store, tmp_path / "early", None)
    made.cell(2, "b")
    bundle.push(store, tmp_path / "late", None)
    store.close()
    for name, cells in (("early", 1), ("late", 2), ("early", 2)):
        unbundle.pull(tmp_path / name, other)
        with closing(Store.open(other)) as pulled:
            assert len(pulled.executions(made.session)) == cells
    made.journal.close()
    collect(other, keep_days=10_000, packing=True)
    assert unbundle.pull(tmp_path / "late", other).new == 0


def test_secrets_that_the_store_holds_do_not_go_out(made: Samples, tmp_path: Path) -> None:
    """What redaction would take out today is taken out of the bundle, though an older recorder let it into the store."""
    made.begin()
    made.add(StreamWritten(text="password = 'hunter2-is-my-secret'\n"))
    made.add(SessionEnded())
    made.journal.close()
    assert cli.main(["push", str(tmp_path / "b.agentlog")]) == 0
    assert cli.main(["pull", str(tmp_path / "b.agentlog"), "--store", str(tmp_path / "other")]) == 0
    text = b"".join(_content(tmp_path / "other").values())
    assert b"hunter2" not in text
    assert b"[REDACTED:" in text


@pytest.mark.parametrize("harm", ["bytes", "manifest", "name", "missing", "cut", "no_zip", "sum"])
def test_a_bundle_that_was_tampered_with_is_refused(made: Samples, tmp_path: Path, harm: str) -> None:
    """In one line, and nothing of the file that failed is there afterwards."""
    store, path, other = made.store(), tmp_path / "b.agentlog", tmp_path / "other"
    bundle.push(store, path, None)
    store.close()
    _harm(path, harm)
    with pytest.raises(UsageError, match=r"damaged|no whole bundle|no place in a bundle|not the bundle"):
        unbundle.check(path, "0" * 64) if harm == "sum" else unbundle.pull(path, other)
    assert not (tmp_path / "evil").exists()
    assert all(b"evil" not in body for body in _content(other).values())


def _harm(path: Path, harm: str) -> None:
    if harm in ("cut", "no_zip"):
        path.write_bytes(path.read_bytes()[:-100] if harm == "cut" else b"no zip at all")
        return
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    first = next(name for name in files if name.startswith("journal/"))
    if harm == "bytes":
        files[first] = files[first].replace(b"load()", b"evil()")
    elif harm == "name":
        files["../evil"] = b"evil"
    elif harm == "missing":
        del files[first]
    elif harm == "manifest":
        manifest = json.loads(files["manifest.json"])
        manifest["files"]["journal/../../evil.jsonl"] = manifest["files"].pop(first)
        files["manifest.json"] = json.dumps(manifest).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)


def test_another_segment_of_the_same_name_is_not_taken(made: Samples, tmp_path: Path) -> None:
    """What is in the store is never overwritten."""
    store, path, other = made.store(), tmp_path / "b.agentlog", tmp_path / "other"
    bundle.push(store, path, None)
    store.close()
    unbundle.pull(path, other)
    (segment,) = (other / "journal").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes().replace(b"load()", b"mine()"))
    with pytest.raises(UsageError, match="one of the two was changed"):
        unbundle.pull(path, other)
    assert b"mine()" in segment.read_bytes()


class _Bucket(BaseHTTPRequestHandler):
    """Takes PUT, gives GET; refuses the first of each with 503."""

    kept: ClassVar[dict[str, bytes]] = {}
    seen: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(lambda: self.kept.update({self.path: body}))

    def do_GET(self) -> None:
        self._answer(lambda: None, self.kept.get(self.path, b""))

    def _answer(self, do: Any, body: bytes = b"") -> None:
        self.seen.append(self.command)
        again = self.seen.count(self.command) == 1
        if not again:
            do()
        self.send_response(503 if again else 200)
        self.send_header("Content-Length", "0" if again else str(len(body)))
        self.send_header("Retry-After", "0.01")
        self.end_headers()
        self.wfile.write(b"" if again else body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


def test_over_http_with_a_server_that_is_busy_at_first(made: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`push` puts, `pull` gets, a 503 is tried again, and the signature in the URL is not shown."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Bucket)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/b.agentlog?signature=s3cr3t"
        assert cli.main(["push", url, "--all"]) == 0
        assert "s3cr3t" not in capsys.readouterr().out
        assert cli.main(["pull", url, "--store", str(tmp_path / "other")]) == 0
        assert cli.main(["pull", f"http://127.0.0.1:{server.server_port}/none", "--store", str(tmp_path / "x")]) == 2
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert _Bucket.seen == ["PUT", "PUT", "GET", "GET", "GET"]
    assert _content(tmp_path / "other") == _content(made.folder)


# --- import of JSON lines -----------------------------------------------------------------------------------------------


def test_json_lines_come_back(made: Samples, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The events of an export and import are the same; importing again, or into the store they came from, adds nothing."""
    lines = tmp_path / "all.jsonl"
    assert cli.main(["export", str(lines)]) == 0
    other = tmp_path / "other"
    for place, said in ((other, "records imported"), (other, "0 records imported"), (made.folder, "0 records imported")):
        assert cli.main(["import", str(lines), "--store", str(place)]) == 0
        assert said in capsys.readouterr().out.replace(",", "").replace(f"{len(made.events)} records", "records")
    with closing(Store.open(other)) as store, closing(Store.open(made.folder)) as first:
        pairs = [
            ({**one, "h": 0, "q": 0}, {**two, "h": 0, "q": 0}) for one, two in zip(store.records(), first.records(), strict=True)
        ]
        assert [one for one, _ in pairs] == [two for _, two in pairs]
        assert [session.how for session in store.sessions()] == ["shutdown", "shutdown"]
    assert {found.verdict for found in check(other)} == {"whole"}


def test_import_redacts_and_leaves_out_what_is_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines of anything else are counted; a file without one record is refused; a session that runs elsewhere is not dead."""
    lines = tmp_path / "in.jsonl"
    lines.write_text(
        '{"e":"session.start","s":"x"}\n{"e":"log","s":"x","m":"password = \'hunter2-is-my-secret\'"}\nnoise\n{"a":1}\n\n'
    )
    assert cli.main(["import", str(lines), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["records"], said["known"], said["strange"]) == (2, 0, 2)
    with closing(Store.open()) as store:
        assert "hunter2" not in json.dumps(list(store.records()))
        assert store.session().how == "running"
    lines.write_text("noise\n")
    assert cli.main(["import", str(lines), "--store", str(tmp_path / "none")]) == 2
    assert not list((tmp_path / "none").rglob("*.jsonl"))
    assert "nothing was imported" in capsys.readouterr().err
