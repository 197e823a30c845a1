"""A real kernel in which every secret of the corpus is planted everywhere: none is in the bytes of the store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from secrets_corpus import ENVIRONMENT, cells, module, needles

pytest.importorskip("ipykernel")
jupyter_client = pytest.importorskip("jupyter_client")

ENOUGH = 120
"""Seconds for one cell or start; matters only when something is broken."""


def run_in_kernel(codes: Iterator[str], folder: Path, environment: dict[str, str]) -> list[str]:
    """Run `codes` in a fresh kernel whose recorder writes below `folder`; returns each reply's status."""
    from jupyter_client.manager import KernelManager

    manager = KernelManager()
    manager.kernel_cmd = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.start_kernel(cwd=str(folder), env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=ENOUGH)
        return [
            client.execute_interactive(code, stop_on_error=False, timeout=ENOUGH, output_hook=lambda _: None)["content"]["status"]
            for code in codes
        ]
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
        manager.cleanup_resources()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a kernel ran all cells of the corpus, recorded; its store is indexed, too."""
    folder = tmp_path_factory.mktemp("planted")
    library = tmp_path_factory.mktemp("library")
    (library / "planted.py").write_text(module(), encoding="utf-8")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AGENTLOG")},
        **ENVIRONMENT,
        "AGENTLOG_DIR": str(folder / "store"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join([str(library), *filter(None, [os.environ.get("PYTHONPATH")])]),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    statuses = run_in_kernel(iter(["%load_ext agentlog", *cells(), "%agentlog context --tokens 3000"]), folder, environment)
    assert statuses.count("error") > 100
    assert statuses[-1] == "ok"
    for command in (["history"], ["show", "last"], ["context"]):
        done = subprocess.run(
            [sys.executable, "-m", "agentlog", *command], cwd=folder, env=environment, capture_output=True, check=False
        )
        (folder / f"{command[0]}.txt").write_bytes(done.stdout + done.stderr)
    return folder


def bodies(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below `folder`, as it is and unpacked."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes()
        yield path, raw
        yield path, unpacked(raw)


def unpacked(raw: bytes) -> bytes:
    """What every zlib stream in `raw` holds, one after the other."""
    out = []
    while raw:
        stream = zlib.decompressobj(zlib.MAX_WBITS | 32)
        try:
            out.append(stream.decompress(raw))
        except zlib.error:
            break
        raw = stream.unused_data
    return b"".join(out)


def test_no_secret_is_in_the_bytes_of_the_store(written: Path) -> None:
    """Journal, index, blobs, caches and what the commands print: not one needle, in no spelling."""
    found = {}
    for path, body in bodies(written):
        for needle, kind in needles().items():
            once = json.dumps(needle)[1:-1]
            for spelling in {needle, once, json.dumps(once)[1:-1]}:
                at = body.find(spelling.encode())
                if at >= 0:
                    found[kind, path.name] = body[max(0, at - 200) : at + len(needle) + 20]
    assert not found


def test_everything_was_recorded(written: Path) -> None:
    """The test above is not empty: the store holds the cells, the failures, the outputs, and markers in their places."""
    journal = b"".join(body for path, body in bodies(written / "store" / "journal"))
    records = [json.loads(line) for line in journal.splitlines() if line.strip()]
    kinds = [record["e"] for record in records]
    count = len(list(cells()))
    assert kinds.count("cell.start") >= count
    assert kinds.count("cell.end") >= count
    assert kinds.count("error") > 100
    assert journal.count(b"[REDACTED:") > 1_000
    whole = "".join(json.dumps(record, ensure_ascii=False) for record in records)
    for sign in (
        "no luck with [REDACTED:",
        "login failed for bob: ",
        "split [REDACTED:",
        "thread [REDACTED:",
        "logged [REDACTED:",
    ):
        assert sign in whole, sign
    assert any(path.suffix == ".sqlite" for path, _ in bodies(written))
    assert any((written / "store" / "blobs").rglob("*"))
