"""`agentlog exec` and `agentlog kernels`: named kernels that outlive the command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from agentlog.cli import main
from agentlog.errors import NotFound, UsageError
from agentlog_ipy.registry import Registry

PATIENCE = 120.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store whose kernels are stopped at the end."""
    store = tmp_path_factory.mktemp("exec") / "store"
    yield store
    main(["kernels", "stop", "--all", "--store", str(store)])


def _exec(place: Path, *words: str, code: str | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "agentlog", "exec", "--store", str(place), *words]
    return subprocess.run(command, input=code, capture_output=True, text=True, timeout=PATIENCE, env=dict(os.environ))


def test_variables_live_from_command_to_command(place: Path) -> None:
    """Started on first use; each command is a process of its own."""
    assert _exec(place, "-k", "work", "x = 41").returncode == 0
    done = _exec(place, "-k", "work", "print(x + 1)")
    assert done.returncode == 0
    assert "42" in done.stdout
    assert _exec(place, "-k", "work", "-", code="x * 2").stdout.strip().endswith("82")


def test_a_failure_is_explained_and_is_exit_code_1(place: Path) -> None:
    """With the context, and where the rest of long output is."""
    done = _exec(place, "-k", "work", "y = {}\ny['key']")
    assert done.returncode == 1
    assert "KeyError" in done.stdout
    long = _exec(place, "-k", "work", "--tokens", "300", "print('line\\n' * 50_000)")
    assert "agentlog show" in long.stdout
    assert len(long.stdout) < 3_000


def test_json_for_programs(place: Path) -> None:
    """Status, streams, outputs."""
    data = json.loads(_exec(place, "-k", "work", "--json", "print('o'); 5").stdout)
    assert (data["status"], data["stdout"], data["outputs"][0]["text"]) == ("ok", "o\n", "5")


def test_a_deadline_is_kept_and_the_kernel_lives(place: Path) -> None:
    """As with any kernel."""
    assert _exec(place, "-k", "work", "x = 41").returncode == 0
    done = _exec(place, "-k", "work", "--timeout", "0.5", "import time; time.sleep(60)")
    assert done.returncode == 1
    assert "stopped by" in done.stdout
    assert "41" in _exec(place, "-k", "work", "x").stdout


def test_list_interrupt_restart_replay_stop(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The states are the truth; replay runs the cells that were ok from the journal."""
    assert _exec(place, "-k", "life", "a = 1").returncode == 0
    (entry,) = [entry for entry in Registry(place).entries() if entry.name == "life"]
    begun = tmp_path / "begun"
    code = f"open({str(begun)!r}, 'w').close()\nimport time; time.sleep(60)"
    busy = threading.Thread(target=_exec, args=(place, "-k", "life", code))
    busy.start()
    kernel = psutil.Process(entry.pid)
    try:
        _until(lambda: begun.exists() and _state(place, "life", capsys) == "busy")
        assert main(["kernels", "interrupt", "life", "--store", str(place)]) == 0
        assert "interrupted" in capsys.readouterr().out
    finally:
        busy.join(PATIENCE)
    assert main(["kernels", "restart", "life", "--replay", "--store", str(place)]) == 0
    assert "1 cell(s) ran again" in capsys.readouterr().out
    assert not kernel.is_running() or kernel.status() == psutil.STATUS_ZOMBIE, "ended; perhaps nobody has asked for its exit code"
    assert _exec(place, "-k", "life", "a").stdout.strip().endswith("1")
    assert main(["kernels", "stop", "life", "--store", str(place)]) == 0
    assert "stopped" in capsys.readouterr().out
    assert not Path(entry.folder).exists()
    assert "life" not in [entry.name for entry in Registry(place).entries()]


def test_a_redacted_source_is_never_replayed_from_the_journal(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The journal holds a marker where the secret was: replaying that would be another program."""
    secret = "ghp_" + "a1B2" * 9
    assert _exec(place, "-k", "secret", f"token = '{secret}'").returncode == 0
    assert main(["kernels", "restart", "secret", "--replay", "--store", str(place)]) == 0
    assert "redacted secret" in capsys.readouterr().out
    assert "NameError" in _exec(place, "-k", "secret", "token").stdout
    main(["kernels", "stop", "secret", "--store", str(place)])


def test_a_kernel_that_died_is_dead_in_the_list_and_is_started_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name, on the next use."""
    assert _exec(place, "-k", "mortal", "1").returncode == 0
    entry = Registry(place).get("mortal")
    died = _exec(place, "-k", "mortal", "import os; os._exit(5)")
    assert died.returncode == 1
    assert "died" in died.stdout
    _until(lambda: not entry.alive)
    assert _state(place, "mortal", capsys) == "dead"
    assert _exec(place, "-k", "mortal", "2").stdout.strip().endswith("2")
    main(["kernels", "stop", "mortal", "--store", str(place)])


def _state(place: Path, name: str, capsys: pytest.CaptureFixture[str]) -> str | None:
    capsys.readouterr()
    main(["kernels", "list", "--json", "--store", str(place)])
    return next((one["state"] for one in json.loads(capsys.readouterr().out) if one["name"] == name), None)


def _until(happens: object) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happens():  # type: ignore[operator]
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["exec"], "needs code"),
        (["exec", "-f", "nosuch.py"], "cannot be read"),
        (["exec", "-k", "../x", "1"], "a kernel's name"),
        (["exec", "-k", "fresh", "--spec", "nosuch", "1"], "no kernel named 'nosuch'"),
        (["kernels", "stop"], "needs the name"),
        (["kernels", "stop", "nosuch"], "no kernel named 'nosuch'"),
        (["kernels", "interrupt", "nosuch"], "no kernel named 'nosuch'"),
    ],
)
def test_bad_input_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """And exit code 2."""
    assert main(words) == 2
    err = capsys.readouterr().err
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_code_in_another_encoding_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Python's own sources are UTF-8 where nothing else is said."""
    (tmp_path / "cell.py").write_bytes("prix = 'élevé'".encode("latin-1"))
    assert main(["exec", "-f", str(tmp_path / "cell.py")]) == 2
    assert "cell.py is not UTF-8" in capsys.readouterr().err


def test_a_named_kernel_that_does_not_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in no list that somebody could stop it by."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert main(["exec", "-k", "fresh", "--spec", "nosuch", "1"]) == 2
    assert list(tmp_path.glob("agentlog-kernel-*")) == []


def test_names_of_kernels_are_names_of_files(tmp_path: Path) -> None:
    """Nothing that leads elsewhere."""
    registry = Registry(tmp_path)
    for name in ("", ".", "..", "a/b", "a b", "x" * 65):
        with pytest.raises(UsageError):
            registry.find(name)
    with pytest.raises(NotFound, match="agentlog exec starts one"):
        registry.get("work")
