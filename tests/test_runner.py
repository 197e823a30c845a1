"""Notebooks from top to bottom: results, files, reports, exit codes; the same outputs as under nbclient."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from notebook_files import notebook, read, shown, write

from agentlog.cli import main
from agentlog.errors import NotFound
from agentlog.events import ExecutionSkipped
from agentlog.store import Store
from agentlog_ipy.results import NotebookResult
from agentlog_ipy.runner import run_notebook
from agentlog_ipy.status import Lines

PATIENCE = 180.0


def _run(path: Path, **options: object) -> NotebookResult:
    return run_notebook(path, **options)


# --- the same outputs as nbclient ---------------------------------------------------------------------------------

ZOO = [
    "print('hello')\nprint('world')",
    "1 + 1",
    "import sys\nprint('out')\nprint('err', file=sys.stderr)",
    "from IPython.display import display, clear_output\nprint('a'); clear_output(); print('b')",
    "print('x'); clear_output(wait=True); print('y')",
    "print('kept'); clear_output(wait=True)",
    "handle = display('first', display_id='one')",
    "handle.update('second')\ndisplay('other', display_id='one')",
    "from IPython.display import HTML, Markdown, JSON\ndisplay(HTML('<b>x</b>'), Markdown('*y*'))",
    "display({'text/plain': 'p', 'image/png': 'aWJ5dGVz'}, raw=True)",
    "'result with\\nlines'",
    "# only a comment\npass",
    "",
    "import asyncio\nawait asyncio.sleep(0)\n'awaited'",
    "%%capture captured\nprint('hidden')",
    "captured.stdout",
    "!echo child",
    "print('no newline', end='')",
    "for i in range(3): print(i)",
    "print('\\N{SNOWMAN} \\x1b[31mred\\x1b[0m')",
    "x = 5; x;",
    "print(open.__module__); None",
]


def test_a_zoo_of_cells_shows_what_it_shows_under_nbclient(tmp_path: Path) -> None:
    """Outputs, counts and types are equal; nbclient is asked to put adjacent pieces of a stream together."""
    path = write(
        tmp_path / "zoo.ipynb", *ZOO, ("raise KeyError('expected')", "raises-exception"), ("never", "skip-execution"), "# text"
    )
    result = _run(path, record=False)
    assert result.ok, result
    theirs = NotebookClient(
        read(path), coalesce_streams=True, kernel_name="python3", timeout=PATIENCE, record_timing=False
    ).execute()
    ours = read(result.output)
    for mine, other in zip(ours.cells, theirs.cells, strict=True):
        assert mine.get("execution_count") == other.get("execution_count"), mine.source
        assert [dict(output, traceback=[]) for output in mine.get("outputs", [])] == [
            dict(output, traceback=[]) for output in other.get("outputs", [])
        ], mine.source
    assert ours.metadata.language_info.name == "python"


def test_an_error_ends_the_run_as_under_nbclient(tmp_path: Path) -> None:
    """Same cells executed, same error output; nbclient raises, we say it."""
    cells = ("a = 1", "b = a / 0", "print('never')")
    result = _run(write(tmp_path / "x.ipynb", *cells), record=False)
    theirs = notebook(*cells)
    with pytest.raises(CellExecutionError):
        NotebookClient(theirs, timeout=PATIENCE).execute()
    ours = read(result.output)
    assert [cell.execution_count for cell in ours.cells] == [cell.execution_count for cell in theirs.cells] == [1, 2, None]
    assert shown(ours.cells[1]) == shown(theirs.cells[1]) == "ZeroDivisionError: division by zero"


def test_a_progress_bar_is_one_line_in_the_notebook(tmp_path: Path) -> None:
    """nbclient keeps 2,000 outputs; one is enough."""
    code = "import sys\nfor i in range(2000):\n    sys.stderr.write(f'\\r{i + 1}/2000'); sys.stderr.flush()\nprint('done')"
    result = _run(write(tmp_path / "bar.ipynb", code), record=False)
    outputs = read(result.output).cells[0].outputs
    assert [(output.name, output.text) for output in outputs] in (
        [("stderr", "2000/2000"), ("stdout", "done\n")],
        [("stdout", "done\n"), ("stderr", "2000/2000")],
    )


# --- failures -----------------------------------------------------------------------------------------------------


def test_a_failure_explains_itself_and_the_rest_is_recorded_as_not_run(tmp_path: Path, store_folder: Path) -> None:
    """The result, its text, and the store agree."""
    path = write(tmp_path / "x.ipynb", "prices = {'apple': 3}", "prices['aple']", "print('never')")
    result = _run(path)
    assert [cell.status for cell in result.cells] == ["ok", "error", "not_run"]
    assert result.exit_code == 1
    assert result.context is not None
    assert "apple" in result.context
    assert "KeyError: 'aple'" in str(result)
    store = Store.open(store_folder)
    try:
        (skipped,) = [event for event in store.events(kinds={"cell.skipped"}) if isinstance(event, ExecutionSkipped)]
        assert (skipped.source, skipped.cell_id) == ("print('never')", "cell-2")
        executions = store.executions(result.session)
        assert [execution.cell_id for execution in executions] == ["cell-0", "cell-1"]
        assert executions[0].notebook == str(path)
    finally:
        store.close()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("%%capture\n1/0", "error"),
        ("import time\ntime.sleep(60)", "timed_out"),
        ("import os\nos._exit(7)", "died"),
    ],
)
def test_hidden_errors_timeouts_and_deaths_fail_the_run(tmp_path: Path, code: str, status: str) -> None:
    """Where nbclient passes or hangs, the verdict is truthful, and the notebook is saved."""
    result = _run(
        write(tmp_path / "x.ipynb", "print('before')", code, "'after'"),
        timeout=5.0 if status == "timed_out" else None,
        record=False,
    )
    assert [cell.status for cell in result.cells] == ["ok", status, "not_run"]
    assert shown(read(result.output).cells[0]) == "before\n"
    assert result.exit_code == 1


def test_a_cell_that_nothing_stops_ends_the_run_with_its_context(tmp_path: Path, store_folder: Path) -> None:
    """Its kernel is killed, and another one takes its place meanwhile: the run is told by the session that it began with."""
    stubborn = "import time\nwhile True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass"
    result = _run(write(tmp_path / "x.ipynb", "'before'", stubborn, "'after'"), timeout=5.0)
    assert result.error is None
    assert [cell.status for cell in result.cells] == ["ok", "timed_out", "not_run"]
    assert "In[2] timed out" in (result.context or "")
    store = Store.open(store_folder)
    assert [one.status for one in store.executions(result.session)] == ["ok", "timed_out"]
    assert len(list(store.events(kinds={"cell.skipped"}))) == 1
    store.close()


def test_keep_going_runs_what_follows_but_not_in_a_dead_kernel(tmp_path: Path) -> None:
    """After an error the next cells run; after a death none can."""
    result = _run(
        write(tmp_path / "x.ipynb", "1/0", "'after'", "import os; os._exit(1)", "'never'"), keep_going=True, record=False
    )
    assert [cell.status for cell in result.cells] == ["error", "ok", "died", "not_run"]


def test_the_time_for_all_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cell that is running when it is over is stopped, the rest is not run."""
    late = tmp_path / "late"  # the first cell takes all of the hour but half a second, by the run's clock
    monkeypatch.setattr("agentlog_ipy.runner._NotebookRun._seconds", lambda run: 3599.5 if late.exists() else 0.0)
    first = f"open({str(late)!r}, 'w').close()"
    result = _run(write(tmp_path / "x.ipynb", first, "import time\ntime.sleep(60)", "2"), total_timeout=3600.0, record=False)
    assert [cell.status for cell in result.cells] == ["ok", "timed_out", "not_run"]


def test_a_kernel_that_cannot_start_is_an_error_of_the_run(tmp_path: Path) -> None:
    """Exit code 2, with the reason; the notebook is saved all the same."""
    result = _run(write(tmp_path / "x.ipynb", "1"), kernel="nosuch")
    assert result.exit_code == 2
    assert "no kernel named 'nosuch'" in str(result)
    assert Path(str(result.output)).exists()


def test_a_missing_notebook_is_raised(tmp_path: Path) -> None:
    """There is nothing to have a result of."""
    with pytest.raises(NotFound):
        _run(tmp_path / "nosuch.ipynb")


# --- resuming -----------------------------------------------------------------------------------------------------


def test_resume_takes_over_what_was_done(tmp_path: Path) -> None:
    """Outputs of cells before the failure are kept, their state is made again, parameters hold."""
    path = write(tmp_path / "x.ipynb", ("n = 1", "parameters"), "import time\nprint(time.time_ns())", "assert fixed", "print(n)")
    first = _run(path, parameters={"n": 7}, record=False)
    assert [cell.status for cell in first.cells] == ["ok", "ok", "ok", "error", "not_run"]
    stamp = shown(read(first.output).cells[2])
    write(path, ("n = 1", "parameters"), "import time\nprint(time.time_ns())", "fixed = True", "print(n)")
    second = _run(path, resume=True, record=False)
    assert second.ok, second
    cells = read(second.output).cells
    assert shown(cells[2]) == stamp
    assert shown(cells[4]) == "7\n"


# --- the command line -----------------------------------------------------------------------------------------------


def test_agentlog_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The context on stdout, a line per cell on stderr, reports, the executed notebook, exit code 1."""
    path = write(tmp_path / "x.ipynb", ("n = 1", "parameters"), "table = list(range(n))", "table[9]", "print('never')")
    code = main(
        [
            "run",
            str(path),
            "-o",
            str(tmp_path / "out.ipynb"),
            "--param",
            "n=4",
            "--junit",
            str(tmp_path / "j.xml"),
            "--summary",
            str(tmp_path / "s.json"),
        ]
    )
    out, err = capsys.readouterr()
    assert code == 1
    assert "IndexError" in out
    assert "table" in out
    assert "[2/5]" in err
    assert "ERROR" in err
    assert shown(read(tmp_path / "out.ipynb").cells[3]).startswith("IndexError")
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", "1", "1")
    summary = json.loads((tmp_path / "s.json").read_text())
    assert summary["exit_code"] == 1
    assert [cell["status"] for cell in summary["notebooks"][0]["cells"]] == ["ok", "ok", "ok", "error", "not_run"]


def test_several_notebooks_at_a_time(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`-j 2`, a folder, one result for all; the executed ones go to a folder."""
    for name, cell in (("a", "1"), ("b", "1/0"), ("c", "2")):
        write(tmp_path / f"{name}.ipynb", cell)
    code = main(["run", str(tmp_path), "-j", "2", "-o", str(tmp_path / "out"), "--json", "-q"])
    result = json.loads(capsys.readouterr().out)
    assert code == 1
    assert [Path(one["path"]).name for one in result["notebooks"]] == ["a.ipynb", "b.ipynb", "c.ipynb"]
    assert [one["ok"] for one in result["notebooks"]] == [True, False, True]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.ipynb", "b.ipynb", "c.ipynb"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch.ipynb"], "no notebook nosuch.ipynb"),
        (["empty"], "no notebook in the folder"),
        (["x.ipynb", "--param", "n"], "name=value"),
        (["x.ipynb", "--timeout", "-1"], "above 0"),
        (["x.ipynb", "--memory", "much"], "512M"),
        (["x.ipynb", "-i", "-o", "y.ipynb"], "contradict"),
        (["x.ipynb", "-j", "0"], "at least 1"),
        (["x.ipynb", "--on", "nosuch://x"], "dask://"),
        (["x.ipynb", "full/x.ipynb", "-o", "out"], "x.ipynb and full/x.ipynb would both be written to out/x.ipynb"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback of ours."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    write(tmp_path / "x.ipynb", "1")
    write(tmp_path / "full/x.ipynb", "2")
    assert main(["run", *arguments]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize("words", [["run", "x.ipynb"], ["exec", "1"], ["kernels"], ["queue", "list"]])
def test_without_the_jupyter_libraries_the_extra_is_named(words: list[str], tmp_path: Path) -> None:
    """A plain installation has none of them: one line that says what to install."""
    write(tmp_path / "x.ipynb", "1")
    code = "import sys; sys.modules.update(dict.fromkeys(['jupyter_client', 'nbformat', 'nbclient'])); from agentlog.cli import main; sys.exit(main())"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE)
    assert done.returncode == 2
    assert "pip install 'agentlog[jupyter]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_progress_to_a_closed_stream_stops_nothing() -> None:
    """A pipe that nobody reads any more is no reason to fail."""
    stream = io.StringIO()
    stream.close()
    Lines(stream).start("x.ipynb", 3)


# --- other runners, recorded by the environment alone -------------------------------------------------------------------


@pytest.mark.parametrize("runner", ["nbclient", "jupyter execute", "nbconvert", "papermill"])
def test_other_runners_are_recorded_by_the_environment_alone(
    runner: str, tmp_path: Path, store_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`AGENTLOG=true` and no change of code: the cells and the failure are in the store."""
    if runner in ("nbconvert", "papermill"):
        pytest.importorskip(runner)
    path = write(tmp_path / "x.ipynb", "value = 41", "value.missing")
    commands = {
        "nbclient": [
            "-c",
            "import nbformat, sys; from nbclient import NotebookClient; NotebookClient(nbformat.read(sys.argv[1], 4)).execute()",
            str(path),
        ],
        "jupyter execute": ["-c", "from nbclient.cli import main; main()", str(path)],
        "nbconvert": ["-m", "nbconvert", "--execute", "--to", "notebook", str(path)],
        "papermill": ["-m", "papermill", "--no-progress-bar", str(path), str(tmp_path / "out.ipynb")],
    }
    monkeypatch.setenv("AGENTLOG", "true")
    done = subprocess.run([sys.executable, *commands[runner]], capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE)
    assert done.returncode != 0
    store = Store.open(store_folder)
    try:
        found = [(one.source, one.status) for session in store.sessions() for one in store.executions(session.id)]
        assert ("value = 41", "ok") in found, done.stderr
        assert ("value.missing", "error") in found
    finally:
        store.close()
