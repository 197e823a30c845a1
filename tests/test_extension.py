# ruff: noqa: F811
"""The recorder in a shell: what is written of each cell, and that nothing of it stays."""

from __future__ import annotations

import gc
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from shell_host import bare, hanging, of_kind, records, run, shell  # noqa: F401

import agentlog
from agentlog import guard
from agentlog.store import Store
from agentlog_ipy import cells
from agentlog_ipy.extension import attachment_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def ends(folder: Path) -> list[dict[str, Any]]:
    """Ends of cells, joined with their starts."""
    starts = {record["x"]: record for record in of_kind(folder, "cell.start")}
    return [
        {**starts[end["x"]], "status": "ok", **{k: v for k, v in end.items() if k != "t"}} for end in of_kind(folder, "cell.end")
    ]


# --- cells ------------------------------------------------------------------------------------------------------------


def test_start_is_written_before_the_code_runs(shell: Any, store_folder: Path) -> None:
    """While a cell runs, its start is in the journal already, with its source."""
    shell.user_ns["look"] = lambda: shell.user_ns.update(seen=of_kind(store_folder, "cell.start")[-1]["source"])
    run(shell, "look()")
    assert shell.user_ns["seen"] == "look()"


def test_the_time_of_a_failed_cell_is_its_own(shell: Any, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends before ours begins, however long the failure takes to describe."""
    described, describing = cells.failure_of, []

    def slow(*args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        time.sleep(0.5)
        described_failure = described(*args, **kwargs)
        describing.append((time.perf_counter() - begun) * 1000)
        return described_failure

    monkeypatch.setattr(cells, "failure_of", slow)
    begun = time.perf_counter()
    run(shell, "1/0")
    whole = (time.perf_counter() - begun) * 1000
    assert ends(store_folder)[-1]["ms"] < whole - describing[0]


TOLD = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="before Python 3.11 a task does not tell whether it was cancelled itself"
)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("x = 1", "ok"),
        ("1/0", "error"),
        ("x = = 1", "error"),
        ("%no_such_magic", "error"),
        ("raise KeyboardInterrupt", "interrupted"),
        ("raise SystemExit(3)", "error"),
        pytest.param("import asyncio\nt = asyncio.ensure_future(asyncio.sleep(5)); t.cancel()\nawait t", "error", marks=TOLD),
        ("%%capture\n1/0", "error_shown"),
        ("get_ipython().run_cell('1/0');", "error_shown"),
        ("await __import__('asyncio').sleep(0)", "ok"),
    ],
)
def test_status(shell: Any, store_folder: Path, code: str, status: str) -> None:
    """How the cell ended; an error that IPython only displayed is an error all the same."""
    run(shell, code)
    outer = [end for end in ends(store_folder) if "within" not in end]
    assert [end["status"] for end in outer] == [status]
    errors = [error for error in of_kind(store_folder, "error") if error["x"] == outer[0]["x"]]
    assert len(errors) == (status != "ok")


def test_error_of_a_script_is_shown(shell: Any, store_folder: Path, tmp_path: Path) -> None:
    """`%run` of a failing script counts as ok for IPython; the error is recorded with the frame of the script."""
    (tmp_path / "fails.py").write_text("def g():\n    raise LookupError('deep')\ng()\n")
    run(shell, f"%run {tmp_path / 'fails.py'}")
    (error,) = of_kind(store_folder, "error")
    assert error["origin"] == "shown"
    assert error["failure"]["frames"][-1]["function"] == "g"


def test_numbers_are_those_of_the_user(shell: Any, store_folder: Path) -> None:
    """`count` is In[n]; a cell that is not stored has none, and takes none from the next."""
    run(shell, "1")
    run(shell, "2", stored=False)
    run(shell, "get_ipython().run_cell('3')")
    run(shell, "1/0")
    assert [(end["source"], end.get("count")) for end in ends(store_folder)] == [
        ("1", 1), ("2", None), ("3", None), ("get_ipython().run_cell('3')", 2), ("1/0", 3),
    ]  # fmt: skip
    starts = of_kind(store_folder, "cell.start")
    assert [start.get("count") for start in starts] == [1, None, 2, None, 3]


def test_nested_cells_name_the_outer_one(shell: Any, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell run by a cell is within it, and its error is described once for both."""
    described, failure_of = [], cells.failure_of
    monkeypatch.setattr(cells, "failure_of", lambda *words, **more: described.append(1) or failure_of(*words, **more))
    run(shell, "%%capture\n1/0")
    outer, inner = of_kind(store_folder, "cell.start")
    assert inner["within"] == outer["x"]
    first, second = of_kind(store_folder, "error")
    assert (first["x"], second["x"]) == (inner["x"], outer["x"])
    assert second["failure"] == first["failure"]
    assert len(described) == 1


def test_frames_know_their_cells(shell: Any, store_folder: Path) -> None:
    """A frame of a function names the cell that defined it, also after other cells with magics and equal text ran."""
    run(shell, "def f(d):\n    return d['missing']")
    run(shell, "%%capture\ny = 2")
    run(shell, "f({'there': 1})")
    first, *_, last = of_kind(store_folder, "cell.start")
    frames = of_kind(store_folder, "error")[0]["failure"]["frames"]
    assert [(frame["cell"], frame["count"], frame["kind"]) for frame in frames] == [
        (last["x"], 3, "cell"),
        (first["x"], 1, "cell"),
    ]
    run(shell, "def f(d):\n    return d['missing']")
    run(shell, "f({})")
    again = of_kind(store_folder, "cell.start")[-2]
    assert of_kind(store_folder, "error")[-1]["failure"]["frames"][-1]["cell"] == again["x"]


def test_a_timed_cell_is_its_own_lines(shell: Any, store_folder: Path) -> None:
    """%%time compiles the rest of the cell under a name of its own: the frames are those of the cell, the magic's call is none of
    them, and a function that an earlier timed cell made is not taken for a line of this one."""
    run(shell, "%%time\n\ndef half(n):\n    return 1 / n\nhalf(1)")
    run(shell, "%%time\nx = 2\nx = half(0)")
    run(shell, "%%time\nhalf(1)\n[1 / n for n in (1, 0)]")
    stacks = [record["failure"]["frames"] for record in of_kind(store_folder, "error")]
    assert [(f["kind"], f.get("count"), f.get("source")) for f in stacks[0]] == [
        ("cell", 2, "x = half(0)"),
        ("synthetic", None, None),
    ]
    assert {(f["kind"], f["line"], f["source"]) for f in stacks[1]} == {("cell", 3, "[1 / n for n in (1, 0)]")}


def test_own_and_empty_cells(shell: Any, store_folder: Path) -> None:
    """Cells of only %agentlog lines are marked, empty ones do not exist."""
    for code in (
        "",
        "  \n",
        "%agentlog status",
        "%load_ext agentlog\n# and\n%agentlog history",
        "x = 1  # %agentlog",
        "agentlog = 5",
    ):
        run(shell, code)
    starts = of_kind(store_folder, "cell.start")
    assert [start.get("own", False) for start in starts] == [True, True, False, False]


def test_results_and_memory(shell: Any, store_folder: Path) -> None:
    """The end holds what the result was, the time, and the memory; the peak where it rose."""
    gc.collect()  # what earlier tests left does not go while the cell runs
    run(shell, "held = bytearray(60_000_000); len(held)")
    (end,) = of_kind(store_folder, "cell.end")
    assert end["result"]["v"] == 60_000_000
    assert end["rss"] - of_kind(store_folder, "cell.start")[0]["rss"] > 50_000_000
    assert end["ms"] > 0


def test_namespace_is_looked_at(shell: Any, store_folder: Path) -> None:
    """What a cell made and changed is recorded with the cell."""
    run(shell, "a = [1]")
    run(shell, "a.append(2)")
    made, changed = of_kind(store_folder, "cell.namespace")
    assert [(change["name"], change["kind"]) for change in made["changes"] + changed["changes"]] == [
        ("a", "made"),
        ("a", "mutated"),
    ]
    assert changed["x"] == of_kind(store_folder, "cell.start")[1]["x"]


# --- outputs in a terminal --------------------------------------------------------------------------------------------


def test_streams_of_a_cell(shell: Any, store_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a cell prints is shown and recorded, stdout and stderr apart; a progress bar is one line."""
    run(shell, "import sys\nprint('out'); print('err', file=sys.stderr)\nfor i in range(2001): print(f'\\r{i}/2000', end='')")
    agentlog.unload_ipython_extension(shell)
    shown = capsys.readouterr()
    streams = [piece for piece in of_kind(store_folder, "stream") if not piece.get("unfinished")]
    text = {name: "".join(s["text"] for s in streams if s.get("name", "stdout") == name) for name in ("stdout", "stderr")}
    assert text == {"stdout": "out\n2000/2000", "stderr": "err\n"}
    assert shown.out.startswith("out\n\r0/2000")
    assert shown.err == "err\n"


def test_errors_outside_cells(bare: Any, store_folder: Path) -> None:
    """An error of a thread is recorded, with the cell that ran, and shown by the hook that was there before."""
    shown: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda args: shown.append(args.exc_type))
        agentlog.load_ipython_extension(bare)
        run(bare, "import threading\nt = threading.Thread(target=lambda: [][1]); t.start(); t.join()")
        agentlog.unload_ipython_extension(bare)
    (error,) = of_kind(store_folder, "error")
    assert (error["origin"], error["failure"]["type"]) == ("thread", "IndexError")
    assert error["x"] == of_kind(store_folder, "cell.start")[0]["x"]
    assert shown == [IndexError]


# --- life -------------------------------------------------------------------------------------------------------------


def test_unload_leaves_nothing(bare: Any, store_folder: Path) -> None:
    """Load and unload, twice, and everything is as it was; each life is a session that ended."""
    before = hanging(bare)
    for _ in range(2):
        agentlog.load_ipython_extension(bare)
        agentlog.load_ipython_extension(bare)  # idempotent
        assert len(bare.events.callbacks["pre_run_cell"]) == len(before["events"]["pre_run_cell"]) + 1
        run(bare, "print(1)")
        agentlog.unload_ipython_extension(bare)
        assert {**hanging(bare), "names": None} == {**before, "names": None}
    assert [record["how"] for record in of_kind(store_folder, "session.end")] == ["unloaded", "unloaded"]
    assert len(of_kind(store_folder, "session.start")) == 2


def test_reload(bare: Any, store_folder: Path) -> None:
    """`%load_ext`, `%reload_ext`, `%unload_ext` in cells: each cell is recorded whole, nothing is doubled."""
    for code in ("%load_ext agentlog", "x = 1", "%reload_ext agentlog", "y = 2", "%unload_ext agentlog", "z = 3"):
        assert run(bare, code).success
    starts = [start["source"] for start in of_kind(store_folder, "cell.start")]
    assert starts == [
        "%load_ext agentlog",
        "x = 1",
        "%reload_ext agentlog",
        "%reload_ext agentlog",
        "y = 2",
        "%unload_ext agentlog",
    ]
    assert {s["x"] for s in of_kind(store_folder, "cell.start")} == {e["x"] for e in of_kind(store_folder, "cell.end")}


def test_forked_child_writes_for_itself(shell: Any, store_folder: Path) -> None:
    """A child that fails in a cell's code ends no cell of its parent; a cell of its own goes to a segment of its own."""
    run(
        shell,
        "import os\npid = os.fork()\nif pid == 0:\n    get_ipython().run_cell('made_in_child = 1')\n    os._exit(0)\nos.waitpid(pid, 0)[1]",
    )
    parent, child = of_kind(store_folder, "cell.start")
    assert child["within"] == parent["x"]
    assert sorted(end["x"] for end in of_kind(store_folder, "cell.end")) == sorted([parent["x"], child["x"]])
    assert len(list(store_folder.glob("journal/*.jsonl"))) == 2


# --- guard ------------------------------------------------------------------------------------------------------------

HOSTILE = """
class Hostile:
    def __repr__(self): raise BaseException("repr")
    def __len__(self): raise BaseException("len")
    def __eq__(self, other): raise BaseException("eq")
    def __hash__(self): raise BaseException("hash")
    def __bool__(self): raise BaseException("bool")
    def __getattribute__(self, name): raise BaseException("attribute " + name)
    @property
    def __class__(self): raise BaseException("class")
h = Hostile()
d = {1: h}
class HostileError(Exception):
    def __repr__(self): raise RuntimeError("repr")
    def __eq__(self, other): raise RuntimeError("eq")
"""


def test_hostile_objects(shell: Any, store_folder: Path) -> None:
    """Objects whose every method raises are recorded as far as can be; the cells go on."""
    assert run(shell, HOSTILE).success
    assert run(shell, "k = [h]; x = 1").success
    run(shell, "def f(a):\n    raise HostileError()\nf(h)")
    error = of_kind(store_folder, "error")[-1]
    assert error["failure"]["type"] == "HostileError"
    assert of_kind(store_folder, "cell.end")[-1]["status"] == "error"
    assert guard.faults() == []


@pytest.mark.usefixtures("expect_faults")
def test_folder_that_cannot_be(bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the folder's place is taken by a file, cells run as ever and the status says what is wrong."""
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv("AGENTLOG_DIR", str(tmp_path / "taken"))
    agentlog.load_ipython_extension(bare)
    assert run(bare, "x = 1").success
    assert bare.user_ns["x"] == 1
    status = str(bare.run_line_magic("agentlog", "status"))
    assert "fault" in status
    assert "in memory" in status


@pytest.mark.usefixtures("expect_faults")
def test_full_disk(shell: Any, store_folder: Path) -> None:
    """A disk that takes no more (a file size limit stands for it): cells go on, records wait, and follow once there is room."""
    import signal

    kept = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    segment = Path(attachment_of(shell).recorder.journal.path)  # type: ignore[union-attr]
    resource.setrlimit(resource.RLIMIT_FSIZE, (segment.stat().st_size + 50, hard))
    try:
        assert run(shell, "during = 1").success
        assert "in memory" in str(shell.run_line_magic("agentlog", "status"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, kept)
    assert run(shell, "after = 2").success
    attachment_of(shell).flush()  # type: ignore[union-attr]
    assert [end["source"] for end in ends(store_folder)] == ["during = 1", "after = 2"]


def test_folder_deleted_while_running(shell: Any, store_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody deletes the store: the next cells go to a new one."""
    monkeypatch.setattr("agentlog.journal.UNSEEN", 0.0)
    run(shell, "x = 1")
    gone = store_folder.rename(store_folder.with_name("gone"))  # at once: the writer may be making a file in it
    shutil.rmtree(gone)
    assert run(shell, "y = 2").success
    assert [start["source"] for start in of_kind(store_folder, "cell.start")] == ["y = 2"]


def test_a_cell_that_deletes_the_store_is_in_the_new_one(shell: Any, store_folder: Path) -> None:
    """With its session and its source, though both were written to what is gone."""
    run(shell, "earlier = 1")
    attachment = attachment_of(shell)
    assert attachment is not None
    attachment.flush()  # or what is still to be written could come while the folder is being emptied
    code = f"import shutil\nshutil.rmtree({str(store_folder)!r})\nprint('gone')\n1/0"
    run(shell, code)
    run(shell, "later = 2")
    store = Store.open(store_folder)
    cells = [(cell.source, cell.status) for cell in store.executions()]
    session = store.session()
    store.close()
    assert cells[-2:] == [(code, "error"), ("later = 2", "ok")]
    assert (session.pid, session.how) == (os.getpid(), "running")
    assert [error["failure"]["type"] for error in of_kind(store_folder, "error")] == ["ZeroDivisionError"]


@pytest.mark.usefixtures("expect_faults")
@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="only root can mount a folder read-only")
def test_read_only_folder(bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A really read-only folder: cells run, the status says so, and unloading is quiet."""
    import subprocess

    place = tmp_path / "readonly"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        monkeypatch.setenv("AGENTLOG_DIR", str(place / "store"))
        agentlog.load_ipython_extension(bare)
        assert run(bare, "x = 1").success
        status = str(bare.run_line_magic("agentlog", "status"))
        assert "Read-only file system" in status
        assert "no store yet" not in status
        agentlog.unload_ipython_extension(bare)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.mark.usefixtures("expect_faults")
def test_status_where_nothing_can_be_written(bare: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is in memory can be read: the status does not say that there is no store."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("AGENTLOG_DIR", str(tmp_path / "file" / "store"))
    agentlog.load_ipython_extension(bare)
    assert run(bare, "x = 1").success
    status = bare.run_line_magic("agentlog", "status")
    assert " 0 in memory only" not in str(status)
    assert "no store yet" not in str(status)
    assert "x = 1" in str(bare.run_line_magic("agentlog", "history"))
    agentlog.unload_ipython_extension(bare)


@pytest.mark.usefixtures("expect_faults")
def test_a_part_that_fails_is_switched_off(shell: Any, store_folder: Path) -> None:
    """After twenty faults a part is off and `%agentlog status` says why; `%agentlog on` tries again."""
    attachment = attachment_of(shell)
    assert attachment is not None
    assert attachment.afterwards is not None
    attachment.afterwards._watch = None  # type: ignore[assignment]
    for number in range(25):
        assert run(shell, f"n = {number}").success
    assert "switched off" in str(shell.run_line_magic("agentlog", "status"))
    assert len(of_kind(store_folder, "cell.end")) == 25
    shell.run_line_magic("agentlog", "on")
    assert guard.faults() == []


def test_an_error_of_a_thread_is_the_cells(store_folder: Path) -> None:
    """A thread's frame is that of the cell whose code it runs, recorded once, also where AGENTLOG=true came before."""
    code = """
import agentlog
agentlog.enable()
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("load_ext", "agentlog")
shell.run_cell("import threading\\nt = threading.Thread(target=lambda: 1/0); t.start(); t.join()", store_history=True)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120, capture_output=True)
    (error,) = of_kind(store_folder, "error")
    assert error["origin"] == "thread"
    assert (error["failure"]["frames"][-1]["kind"], error["failure"]["frames"][-1]["count"]) == ("cell", 1)
    assert len(of_kind(store_folder, "session.start")) == 1


@pytest.mark.parametrize("before", [True, False], ids=["before us", "after us"])
def test_the_users_faulthandler_stays_the_users(before: bool, tmp_path: Path) -> None:
    """Turned on before we came or while we were here, it goes on writing where the user wanted it to, also after we left."""
    turn_on = "import faulthandler; mine = open('mine.txt', 'w'); faulthandler.enable(file=mine)"
    lines = [turn_on, "%load_ext agentlog"] if before else ["%load_ext agentlog", turn_on]
    code = "from IPython.core.interactiveshell import InteractiveShell\nshell = InteractiveShell.instance()\n"
    for line in (*lines, "%unload_ext agentlog", "import ctypes; ctypes.string_at(0)"):
        code += f"shell.run_cell({line!r})\n"
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path), "AGENTLOG_DIR": str(tmp_path / "store")}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, timeout=120)
    assert done.returncode == -signal.SIGSEGV
    assert "Segmentation fault" in (tmp_path / "mine.txt").read_text()
    assert list(tmp_path.glob("store/journal/*.fault")) == []
