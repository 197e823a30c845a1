"""doctor, install, init: what a new user runs first."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.cli import main
from agentlog.commands.init import BEGIN, END


def test_doctor_finds_an_environment_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    """Versions, switch, folder: nothing wrong, exit code 0; the same as JSON."""
    assert main(["doctor"]) == 0
    text = capsys.readouterr().out
    assert "WRONG" not in text
    assert "none yet" in text
    assert main(["doctor", "--json"]) == 0
    assert {"state": "ok", "what": "agentlog"}.items() <= json.loads(capsys.readouterr().out)[0].items()


def test_doctor_says_what_is_wrong_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store that cannot be made and limits that cannot be read are named, each with a remedy; exit code 1."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AGENTLOG_DIR", str(tmp_path / "file" / "store"))
    monkeypatch.setenv("AGENTLOG_LIMITS", "items=many")
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "is a file" in text
    assert "set AGENTLOG_DIR" in text
    assert "limit items needs a number, not 'many'" in text


def test_init_keeps_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Our lines are added once, between marks, and brought up to date in place; a second run changes nothing."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("dist/\n")
    (tmp_path / "AGENTS.md").write_text("# Mine\n\nBe kind.\n")
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--ci"]) == 0
    once = {name: (tmp_path / name).read_text() for name in (".gitignore", "AGENTS.md", ".github/workflows/notebooks.yml")}
    assert once[".gitignore"] == "dist/\n.agentlog/\n"
    assert once["AGENTS.md"].startswith("# Mine\n\nBe kind.\n\n" + BEGIN)
    assert main(["init", "--ci"]) == 0
    assert {name: (tmp_path / name).read_text() for name in once} == once
    (tmp_path / "AGENTS.md").write_text(f"a\n{BEGIN}\nold rules\n{END}\nb\n")
    assert main(["init"]) == 0
    text = (tmp_path / "AGENTS.md").read_text()
    assert "old rules" not in text
    assert (text[:2], text[-3:]) == ("a\n", "\nb\n")
    capsys.readouterr()


def test_a_kernel_is_installed_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The installed kernel has the switch in its environment; uninstalling removes it and leaves others alone."""
    pytest.importorskip("jupyter_client")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share" / "jupyter"))
    assert main(["install", "--prefix", str(tmp_path)]) == 0
    spec = json.loads((tmp_path / "share/jupyter/kernels/agentlog/kernel.json").read_text())
    assert spec["env"] == {"AGENTLOG": "true"}
    assert spec["argv"][0] == sys.executable
    assert main(["install", "--uninstall"]) == 0
    assert not (tmp_path / "share/jupyter/kernels/agentlog").exists()
    assert main(["install", "--uninstall", "--name", "nowhere"]) == 2
    assert "no kernel is called 'nowhere'" in capsys.readouterr().err


def test_a_profile_records_until_it_is_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real IPython of that profile has the magic without the switch, and no longer afterwards."""
    pytest.importorskip("IPython")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    words = [
        sys.executable,
        "-m",
        "IPython",
        "--no-banner",
        "--colors=NoColor",
        "-c",
        "print('agentlog' in get_ipython().magics_manager.magics['line'])",
    ]

    def has_magic() -> bool:
        return "True" in subprocess.run(words, capture_output=True, text=True, timeout=120, check=True).stdout

    assert main(["install", "--profile", "default"]) == 0
    assert has_magic()
    assert main(["install", "--profile", "default", "--uninstall"]) == 0
    assert not has_magic()
    capsys.readouterr()
