"""The recorder in a real kernel: outputs, ids, interrupts, ends of life, and how it is switched on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import ipykernel
import pytest
from kernel_host import PATIENCE, TestKernel
from shell_host import of_kind, records

STARTUP = Path(sys.prefix, "etc", "ipython", "startup", "50-agentlog.py")
SUBSHELLS = ipykernel.version_info[0] >= 7


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestKernel]:
    """One kernel for all tests that leave it alive."""
    kernel = TestKernel(tmp_path_factory.mktemp("kernel"), "--ext=agentlog", PYTHONFAULTHANDLER="")
    yield kernel
    kernel.close()


def waited(question: Callable[[], Any]) -> Any:
    """The answer, once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def cell(kernel: TestKernel, source: str) -> dict[str, Any]:
    """The start of the latest cell with this source."""
    return next(start for start in reversed(of_kind(kernel.store, "cell.start")) if start["source"] == source)


def outputs(kernel: TestKernel, source: str, wanted: int = 1) -> list[dict[str, Any]]:
    """Streams and displays of the latest cell with this source, once there are as many as wanted."""

    def found() -> list[dict[str, Any]]:
        execution = cell(kernel, source)["x"]
        return [record for record in records(kernel.store) if record["e"] in ("stream", "display") and record["x"] == execution]

    return waited(lambda: len(found()) >= wanted and found()) or found()


def test_outputs_are_in_order_and_apart(kernel: TestKernel) -> None:
    """Displays are barriers between the pieces of a stream; stdout and stderr are apart; the result comes last."""
    code = "from IPython.display import display\nimport sys\nprint('one'); print('err', file=sys.stderr); display({'a': 1}); print('two'); 42"
    kernel.run(code)
    seen = [
        (record.get("name", "stdout"), record["text"]) if record["e"] == "stream" else ("display", record["data"]["text/plain"])
        for record in outputs(kernel, code, 5)
    ]
    assert sorted(seen[:2]) == [("stderr", "err\n"), ("stdout", "one\n")]
    assert seen[2:] == [("display", "{'a': 1}"), ("stdout", "two\n"), ("display", "42")]


def test_images_and_large_texts_are_blobs(kernel: TestKernel) -> None:
    """A binary body is kept as its bytes, a long text as a blob with an excerpt in place."""
    from agentlog.blobs import Blobs

    code = (
        "from IPython.display import Image, HTML, display\nimport base64\n"
        "display(Image(base64.b64decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'), format='gif'))\n'long ' * 5000"
    )
    kernel.run(code)
    image, text = outputs(kernel, code, 2)
    blobs = Blobs(kernel.store)
    assert waited(lambda: blobs.has(image["blobs"]["image/gif"]))
    assert blobs.get(image["blobs"]["image/gif"]).startswith(b"GIF89a")
    assert waited(lambda: blobs.has(text["blobs"]["text/plain"]))
    assert blobs.get(text["blobs"]["text/plain"]).decode() == repr("long " * 5000)
    assert "characters" in text["data"]["text/plain"]


def test_an_animation_is_its_last_state(kernel: TestKernel) -> None:
    """Displays that were cleared before anybody could look are not kept, one by one."""
    code = (
        "from IPython.display import clear_output, display\nfrom agentlog_ipy.extension import attachment_of\n"
        "with attachment_of(get_ipython()).outputs._lock:  # nobody looks until the end\n"
        "    for i in range(300): clear_output(wait=True); display(i)"
    )
    kernel.run(code)
    shown = waited(lambda: [o for o in outputs(kernel, code) if (o.get("data") or {}).get("text/plain") == "299"])
    assert shown
    assert len(outputs(kernel, code)) < 5


def test_a_long_print_is_head_and_tail(kernel: TestKernel) -> None:
    """Three million characters: head and tail in the journal, all of it in blobs, and the kernel answers meanwhile."""
    from agentlog.blobs import Blobs

    code = "for i in range(300_000): print(f'{i:09}')"
    kernel.run(code)
    kernel.run("'next'")

    def written() -> list[dict[str, Any]]:
        return [piece for piece in outputs(kernel, code) if not piece.get("unfinished")]

    assert waited(lambda: any("000299999" in piece["text"] for piece in written()))
    pieces = written()
    assert sum(len(piece["text"]) for piece in pieces) < 25_000
    blobs = Blobs(kernel.store)
    assert waited(lambda: all(blobs.has(piece["blob"]) for piece in pieces if "blob" in piece))
    whole = "".join(blobs.get(piece["blob"]).decode() if "blob" in piece else piece["text"] for piece in pieces)
    assert whole == "".join(f"{i:09}\n" for i in range(300_000))


def test_late_output_is_told(kernel: TestKernel, tmp_path: Path) -> None:
    """Output of a task that goes on after its cell belongs to that cell, marked late."""
    gate = tmp_path / "gate"
    code = (
        "import asyncio, os\nasync def later():\n"
        f"    while not os.path.exists({str(gate)!r}): await asyncio.sleep(0.01)\n"
        "    print('late words')\ntask = asyncio.ensure_future(later())"
    )
    kernel.run(code)
    gate.touch()
    (piece,) = outputs(kernel, code)
    assert (piece["text"], piece["late"]) == ("late words\n", True)


def test_ids_of_the_front_end(kernel: TestKernel) -> None:
    """The cell's id, the request and the notebook are those the front end named."""
    kernel.run("'vscode'", metadata={"cellId": "vscode-notebook-cell:/home/a/my%20book.ipynb#W0"})
    assert cell(kernel, "'vscode'")["notebook"] == "/home/a/my book.ipynb"
    kernel.run("'lab'", metadata={"cellId": "c-7", "agentlog": {"notebook": "/w/told.ipynb"}})
    start = cell(kernel, "'lab'")
    assert (start["cell_id"], start["notebook"]) == ("c-7", "/w/told.ipynb")
    assert start["request"]
    assert waited(lambda: [r for r in of_kind(kernel.store, "session.learned") if r.get("notebook") == "/w/told.ipynb"])


def test_front_end_cells_are_internal(kernel: TestKernel) -> None:
    """A cell that is not stored is a front end's own; a silent one does not exist."""
    kernel.run("'internal'", store_history=False)
    kernel.run("'silent'", silent=True)
    assert cell(kernel, "'internal'")["internal"]
    assert "'silent'" not in [start["source"] for start in of_kind(kernel.store, "cell.start")]


def test_interrupt(kernel: TestKernel) -> None:
    """An interrupted cell is told from a failed one."""
    code = "import time\nprint('sleeping')\ntime.sleep(60)"
    assert kernel.run(code, interrupt_at="sleeping").status == "error"
    execution = cell(kernel, code)["x"]
    (end,) = [end for end in of_kind(kernel.store, "cell.end") if end["x"] == execution]
    assert end["status"] == "interrupted"


def test_loose_errors(kernel: TestKernel) -> None:
    """Errors of tasks nobody awaits and of finalizers are recorded, and where they surfaced."""
    kernel.run(
        "import asyncio, gc\nasync def fails(): raise OSError('nobody awaits')\ntask = asyncio.ensure_future(fails())\nawait asyncio.sleep(0.01)"
    )
    kernel.run("del task; gc.collect();")
    kernel.run("class D:\n    def __del__(self): raise KeyError('dying')\nd = D(); del d")

    def found() -> dict[str, str]:
        errors = [error for error in of_kind(kernel.store, "error") if error.get("origin") in ("asyncio", "unraisable")]
        return {error["origin"]: error["failure"]["type"] for error in errors}

    waited(lambda: len(found()) == 2)
    assert found() == {"asyncio": "OSError", "unraisable": "KeyError"}


@pytest.mark.skipif(not SUBSHELLS, reason="subshells came with ipykernel 7")
def test_subshell_cells_overlap(kernel: TestKernel) -> None:
    """A cell of a subshell runs while the main one does; each has its own outputs and its own end."""
    client = kernel.client
    message = client.session.msg("create_subshell_request", {})
    client.control_channel.send(message)
    subshell = client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]
    kernel.run("import threading; go = threading.Event()")
    main = kernel.send("print('main began'); go.wait(60); print('main ends')")
    waited(lambda: any(s["source"].startswith("print('main began')") for s in of_kind(kernel.store, "cell.start")))
    kernel.send("go.set(); print('from the subshell')", subshell=subshell)
    waited(
        lambda: any(
            e["x"] == cell(kernel, "print('main began'); go.wait(60); print('main ends')")["x"]
            for e in of_kind(kernel.store, "cell.end")
        )
    )
    side = cell(kernel, "go.set(); print('from the subshell')")
    assert side["thread"].startswith("subshell")
    assert "within" not in side
    text = "".join(piece["text"] for piece in outputs(kernel, "go.set(); print('from the subshell')"))
    assert text == "from the subshell\n"
    assert main == cell(kernel, "print('main began'); go.wait(60); print('main ends')")["request"]
    waited(
        lambda: "main ends" in "".join(o["text"] for o in outputs(kernel, "print('main began'); go.wait(60); print('main ends')"))
    )
    kernel.settle()


@pytest.mark.skipif(not SUBSHELLS, reason="subshells came with ipykernel 7")
def test_the_error_of_a_subshell_is_not_the_main_cells(kernel: TestKernel) -> None:
    """Both ran when it was shown; IPython keeps the last error shown for all of them."""
    client = kernel.client
    message = client.session.msg("create_subshell_request", {})
    client.control_channel.send(message)
    subshell = client.get_control_msg(timeout=PATIENCE)["content"]["subshell_id"]
    kernel.run("import threading; hold = threading.Event()")
    kernel.send("held = hold.wait(60)")
    waited(lambda: any(start["source"] == "held = hold.wait(60)" for start in of_kind(kernel.store, "cell.start")))
    kernel.send("{}['of the subshell']", subshell=subshell)
    kernel.send("hold.set()", subshell=subshell)

    def status(source: str) -> str | None:
        execution = cell(kernel, source)["x"]
        return next((end["status"] for end in of_kind(kernel.store, "cell.end") if end["x"] == execution), None)

    assert waited(lambda: status("held = hold.wait(60)")) == "ok"
    assert status("{}['of the subshell']") == "error"
    kernel.settle()


def test_hint_only_where_a_person_looks(kernel: TestKernel) -> None:
    """One quiet line after a failure, once a front end that names its cells and can ask back has loaded the extension."""

    def hints(code: str) -> int:
        return sum("agentlog" in str(content) for kind, content in kernel.run(code).messages if kind == "display_data")

    assert hints("1/0") == 0
    kernel.run("%reload_ext agentlog", metadata={}, allow_stdin=True)
    assert hints("1/0") == 0
    kernel.run("%reload_ext agentlog", metadata={"cellId": "c-1"}, allow_stdin=True)
    assert hints("1/0") == 1
    kernel.settle()
    assert not [shown for shown in of_kind(kernel.store, "display") if "values behind this error" in str(shown)]
    assert hints("1") == 0
    kernel.run("%agentlog hint off")
    assert hints("1/0") == 0


def test_completion(kernel: TestKernel) -> None:
    """Tab after %agentlog gives subcommands and options."""
    assert kernel.reply(kernel.client.complete("%agentlog con", 13))["matches"] == ["context"]


def test_status_has_no_faults(kernel: TestKernel) -> None:
    """After all of the above the recorder has nothing to report about itself."""
    ((_, result),) = kernel.run("%agentlog status").messages
    assert "faults     none" in result["data"]["text/plain"]


# --- ends of life -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["SIGKILL", "SIGSEGV", "SIGTERM", "exit"])
def test_death_in_a_cell(how: str, tmp_path: Path) -> None:
    """A kernel that dies in a cell leaves its start, what it printed, and for a fatal signal the Python stack."""
    kernel = TestKernel(tmp_path, "--ext=agentlog")
    try:
        code = "import os, time\ndef dies():\n    print('last words')\n    time.sleep(60)\ndies()"
        kernel.send("import os; os._exit(3)" if how == "exit" else code)
        if how != "exit":
            waited(lambda: [s for s in of_kind(kernel.store, "stream") if s["text"] == "last words\n"])
            os.kill(kernel.manager.provisioner.pid, getattr(signal, how))
        kernel.wait_dead()
        assert [start["x"] for start in of_kind(kernel.store, "cell.start")]
        assert of_kind(kernel.store, "cell.end") == []
        assert of_kind(kernel.store, "session.end") == []
        stacks = "".join(path.read_text() for path in kernel.store.glob("journal/*.fault"))
        assert ("in dies" in stacks) == (how == "SIGSEGV")
    finally:
        kernel.close()


# --- switched on by the environment -----------------------------------------------------------------------------------

needs_startup = pytest.mark.skipif(not STARTUP.exists(), reason=f"no {STARTUP}: the project is not installed here")
NOTEBOOK = ["x = 1", "%load_ext agentlog", "print(x)", "{}['no']"]


@needs_startup
def test_environment_and_load_ext_meet(tmp_path: Path) -> None:
    """AGENTLOG=true alone records; a %load_ext on top is silent, and there is one session."""
    kernel = TestKernel(tmp_path, AGENTLOG="true")
    try:
        for code in NOTEBOOK:
            seen = kernel.run(code)
            assert seen.streams == ({"stdout": "1\n"} if code == "print(x)" else {})
        kernel.run("%agentlog session")
    finally:
        kernel.close()
    assert [start["source"] for start in of_kind(kernel.store, "cell.start")][:4] == NOTEBOOK
    assert len(of_kind(kernel.store, "session.start")) == len(of_kind(kernel.store, "session.end")) == 1


RUNNERS = {
    "nbclient": "import nbformat, nbclient\nbook = nbformat.read('in.ipynb', 4)\ntry:\n    nbclient.NotebookClient(book, allow_errors=True).execute()\n"
    "finally:\n    nbformat.write(book, 'out.ipynb')",
    "papermill": "import papermill.exceptions\ntry:\n    papermill.execute_notebook('in.ipynb', 'out.ipynb', progress_bar=False)\nexcept papermill.exceptions.PapermillExecutionError:\n    pass",
}


@needs_startup
@pytest.mark.parametrize("runner", RUNNERS)
def test_runners_are_recorded_and_show_nothing(runner: str, tmp_path: Path) -> None:
    """A notebook run by nbclient or papermill under AGENTLOG=true looks as without, and is in the store."""
    if find_spec(runner) is None:
        pytest.skip(f"{runner} is not installed")
    import nbformat

    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code, id=f"c{n}") for n, code in enumerate(NOTEBOOK)])
    book.metadata.kernelspec = {"name": "python3", "display_name": "Python", "language": "python"}
    shown = []
    for mode in ("", "true"):
        folder = tmp_path / (mode or "plain")
        folder.mkdir()
        cells = NOTEBOOK if mode else ["None" if code.startswith("%load") else code for code in NOTEBOOK]
        for kept, code in zip(book.cells, cells, strict=True):
            kept.source = code
        nbformat.write(book, folder / "in.ipynb")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("AGENTLOG", "PYTEST"))}
        environment |= {"AGENTLOG": mode, "AGENTLOG_DIR": str(folder / "store"), "IPYTHONDIR": str(folder / "ipython")}
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", RUNNERS[runner]], cwd=folder, env=environment, check=True, timeout=170
        )
        ran = nbformat.read(folder / "out.ipynb", 4)
        shown.append([[_shape(output) for output in cell.outputs] for cell in ran.cells if cell.id in ("c0", "c1", "c2", "c3")])
    assert shown[0] == shown[1]
    assert not (tmp_path / "plain" / "store").exists()
    sources = [start["source"] for start in of_kind(tmp_path / "true" / "store", "cell.start")]
    assert [source for source in sources if source in NOTEBOOK] == NOTEBOOK
    assert [error["failure"]["type"] for error in of_kind(tmp_path / "true" / "store", "error")] == ["KeyError"]


def _shape(output: Any) -> str:
    return json.dumps({key: value for key, value in output.items() if key != "traceback"}, sort_keys=True)
