"""The queue: truthful states, surviving its runner; and the worker that runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from notebook_files import read, shown, write

from agentlog.cli import main
from agentlog.errors import NotFound
from agentlog_ipy.footprint import cpu_seconds
from agentlog_ipy.jobs import Job, Queue, Step

PATIENCE = 180.0


@pytest.fixture
def queue(store_folder: Path) -> Queue:
    """An empty queue in the test's store."""
    return Queue(store_folder)


def test_jobs_wait_in_the_order_they_came(queue: Queue) -> None:
    """The oldest first; an id or its end is a reference."""
    first, second = queue.add("a.ipynb", {"timeout": 3.0}), queue.add("b.ipynb", {})
    assert [job.id for job in queue.jobs()] == [first.id, second.id]
    assert queue.get(first.id[-6:]) == first
    with pytest.raises(NotFound, match="no job 'zzz'"):
        queue.get("zzz")
    with queue.take() as job:
        assert job is not None
        assert job.id == first.id
        assert queue.get(first.id).state == "running"
        with queue.take() as other:
            assert other is not None
            assert other.id == second.id


def test_a_job_whose_runner_is_gone_is_said_to_be_interrupted_and_is_taken_again(queue: Queue) -> None:
    """The lock tells: it is free and the file says running."""
    job = queue.add("a.ipynb", {})
    queue.write(replace(job, state="running", runner=4_000_000, attempts=1))
    assert queue.get(job.id).state == "interrupted"
    with queue.take() as again:
        assert again is not None
        assert (again.id, again.attempts) == (job.id, 2)


def test_pausing_and_resuming(queue: Queue) -> None:
    """The queue as a whole, or one job."""
    job = queue.add("a.ipynb", {})
    queue.pause()
    with queue.take() as none:
        assert none is None
    queue.resume()
    queue.pause([job.id])
    assert queue.get(job.id).state == "paused"
    with queue.take() as none:
        assert none is None
    queue.resume([job.id])
    with queue.take() as taken:
        assert taken is not None


def test_cancelling(queue: Queue) -> None:
    """A waiting job is out at once; of a running one its runner is asked; one that ended stays as it is."""
    waiting = queue.add("a.ipynb", {})
    assert "cancelled" in queue.cancel([waiting.id])[0]
    running = queue.add("b.ipynb", {})
    with queue.take() as job:
        assert job is not None
        assert "its runner stops it" in queue.cancel([running.id])[0]
        assert queue.asked(job, "cancel")
        queue.end(job, "cancelled")
    assert "already" in queue.cancel([running.id])[0]
    assert queue.clear() == 2
    assert queue.jobs() == []


def test_the_files_are_the_user_s_alone(queue: Queue) -> None:
    """Parameters may hold what is nobody else's business."""
    job = queue.add("a.ipynb", {"parameters": {"key": "value"}})
    assert (queue.folder / f"{job.id}.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Step(), "starting a kernel"),
        (Step(2, 5, "x", 960.0, 998.0), "cell 2/5 for 40 s, last output 2 s ago"),
        (Step(2, 5, "x", 960.0, None, 999.0, 1.0, 0.0), "stuck or waiting"),
        (Step(2, 5, "x", 960.0, None, 999.0, 1.0, 0.97), "slow: it computes (97% of a processor)"),
    ],
)
def test_a_running_job_says_how_long_and_whether_it_is_stuck(step: Step, said: str) -> None:
    """From the time of the last output and the processor time used since."""
    assert said in Job("1", "a", state="running", begun=950.0, step=step).words(1000.0)


def test_processor_time_of_a_process_group_is_seen() -> None:
    """A child that computes in a group of its own."""
    with subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) as child:
        try:
            deadline = time.monotonic() + PATIENCE
            while cpu_seconds(child.pid) < 0.05 and time.monotonic() < deadline:
                pass
            assert cpu_seconds(child.pid) >= 0.05
        finally:
            child.kill()


def test_where_the_executed_notebook_of_a_job_goes(queue: Queue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside the notebook, over it, into a folder, or to the notebook that -o names; an absolute path for whoever runs it."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "a.ipynb", "1")
    for options in ([], ["-i"], ["-o", "out"], ["-o", "done.ipynb"]):
        assert main(["queue", "add", "a.ipynb", *options]) == 0
    places = [job.options["output"] for job in queue.jobs()]
    assert places == [str(tmp_path / name) for name in ("a.executed.ipynb", "a.ipynb", "out/a.ipynb", "done.ipynb")]


@pytest.mark.parametrize("option", [["--junit", "x.xml"], ["--summary", "x.json"], ["--on", "dask://x:1"], ["-j", "2"]])
def test_what_only_a_run_can_do_is_no_option_of_a_job(option: list[str], tmp_path: Path) -> None:
    """It would be lost without a word."""
    assert main(["queue", "add", str(write(tmp_path / "a.ipynb", "1")), *option]) == 2


def test_to_cancel_needs_a_job(queue: Queue, capsys: pytest.CaptureFixture[str]) -> None:
    """One line; without it the queue as a whole would be meant, as in pausing."""
    queue.add("a.ipynb", {})
    assert main(["queue", "cancel"]) == 2
    assert "needs the id" in capsys.readouterr().err
    assert [job.state for job in queue.jobs()] == ["queued"]


# --- the worker ---------------------------------------------------------------------------------------------------


def test_work_runs_what_waits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two at a time, with the options of each; how each ended is kept."""
    good, bad = write(tmp_path / "good.ipynb", ("n = 1", "parameters"), "print(n)"), write(tmp_path / "bad.ipynb", "1/0")
    assert main(["queue", "add", str(good), "--param", "n=8", "-o", str(tmp_path / "out")]) == 0
    assert main(["queue", "add", str(bad)]) == 0
    assert main(["queue", "work", "-j", "2", "-q"]) == 1
    capsys.readouterr()
    assert main(["queue", "list", "--json"]) == 0
    jobs = {Path(job["path"]).name: job for job in json.loads(capsys.readouterr().out)["jobs"]}
    assert jobs["good.ipynb"]["state"] == "ok"
    assert jobs["bad.ipynb"]["state"] == "failed"
    assert "ZeroDivisionError" in jobs["bad.ipynb"]["note"]
    assert shown(read(tmp_path / "out" / "good.ipynb").cells[2]) == "8\n"


def test_a_running_job_is_cancelled_and_a_killed_runner_s_job_runs_again(tmp_path: Path, queue: Queue) -> None:
    """Cancel reaches the running cell; after SIGKILL of the runner, the next runner finds the job."""
    mark = tmp_path / "mark"
    code = f"import pathlib, time\np = pathlib.Path({str(mark)!r})\nfirst = not p.exists()\np.write_text('x')\ntime.sleep(120 if first else 0)"
    again = queue.add(write(tmp_path / "again.ipynb", code), {})
    with _worker(tmp_path) as worker:
        _wait_for(mark)
        assert queue.get(again.id).state == "running"
        worker.send_signal(signal.SIGKILL)
    assert queue.get(again.id).state == "interrupted"
    endless = queue.add(
        write(tmp_path / "endless.ipynb", f"open({str(tmp_path / 'endless')!r}, 'w').close()\nimport time\ntime.sleep(120)"), {}
    )
    with _worker(tmp_path) as worker:
        _wait_for(tmp_path / "endless")
        queue.cancel([endless.id])
        worker.wait(PATIENCE)
    assert (queue.get(again.id).state, queue.get(again.id).attempts) == ("ok", 2)
    assert queue.get(endless.id).state == "cancelled"


def _worker(folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "agentlog", "queue", "work", "-q"], cwd=folder, env=dict(os.environ), stdout=subprocess.DEVNULL
    )


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)
