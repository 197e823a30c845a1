"""The configurations of MCP clients: written where each looks, destroying nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentlog.cli import main
from agentlog.errors import UsageError
from agentlog.mcp.clients import install


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project, and a home of its own."""
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "codex"))
    return folder


@pytest.mark.parametrize(
    ("client", "file", "servers"),
    [
        ("claude", ".mcp.json", "mcpServers"),
        ("cursor", ".cursor/mcp.json", "mcpServers"),
        ("vscode", ".vscode/mcp.json", "servers"),
    ],
)
def test_a_file_of_the_project_gains_the_server(client: str, file: str, servers: str, project: Path) -> None:
    """Other servers, other keys and the file's own indentation stay; a second time nothing changes."""
    path = project / file
    path.parent.mkdir(exist_ok=True)
    other = {"command": "other", "args": ["é"]}
    path.write_text(json.dumps({"first": 1, servers: {"other": other}}, indent=4, ensure_ascii=False))
    assert install(client).how == "added"
    text = path.read_text()
    found = json.loads(text)
    assert found["first"] == 1
    assert found[servers]["other"] == other
    assert found[servers]["agentlog"]["args"][-1] == "mcp"
    assert Path(found[servers]["agentlog"]["command"]).exists()
    assert '\n    "first"' in text
    assert "é" in text
    assert install(client).how == "was there already"
    assert path.read_text() == text


def test_what_the_user_added_to_our_entry_stays(project: Path) -> None:
    """Its environment, for one."""
    install("claude")
    path = project / ".mcp.json"
    found = json.loads(path.read_text())
    found["mcpServers"]["agentlog"]["env"] = {"AGENTLOG_LEVEL": "debug"}
    path.write_text(json.dumps(found))
    install("claude", ["--spec", "julia"])
    entry = json.loads(path.read_text())["mcpServers"]["agentlog"]
    assert entry["env"] == {"AGENTLOG_LEVEL": "debug"}
    assert entry["args"][-2:] == ["--spec", "julia"]


def test_a_file_that_is_not_plain_json_is_left_alone(project: Path) -> None:
    """Comments in it would be lost."""
    path = project / ".vscode" / "mcp.json"
    path.parent.mkdir()
    path.write_text('{ // mine\n "servers": {} }')
    with pytest.raises(UsageError, match="left alone"):
        install("vscode")
    assert path.read_text() == '{ // mine\n "servers": {} }'


def test_codex_keeps_its_other_tables(tmp_path: Path) -> None:
    """TOML as people write it: comments and other tables stay, ours is replaced, its own environment is kept."""
    path = tmp_path / "codex" / "config.toml"
    path.parent.mkdir()
    before = '# mine\nmodel = "o5"\n\n[mcp_servers.other]\ncommand = "x"\n\n[profiles.fast]\nmodel = "o5-mini"\n'
    path.write_text(before)
    install("codex")
    first = path.read_text()
    assert first.startswith(before)
    assert "[mcp_servers.agentlog]\ncommand = " in first
    path.write_text(
        first.replace("[mcp_servers.agentlog]", "[mcp_servers.agentlog]\nstartup_timeout_sec = 20")
        + '\n[mcp_servers.agentlog.env]\nA = "1"\n'
    )
    install("codex", ["--spec", 'a"b'])
    last = path.read_text()
    assert last.count("[mcp_servers.agentlog]") == 1
    assert "startup_timeout_sec = 20" in last
    assert '[mcp_servers.agentlog.env]\nA = "1"' in last
    assert r'"--spec", "a\"b"]' in last
    assert last.startswith(before)
    tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11")
    read = tomllib.loads(last)
    assert read["mcp_servers"]["agentlog"]["args"][-1] == 'a"b'
    assert read["mcp_servers"]["agentlog"]["env"] == {"A": "1"}
    assert read["profiles"] == {"fast": {"model": "o5-mini"}}


def test_the_command_prints_or_writes(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--print` writes nothing."""
    assert main(["mcp", "--install", "cursor", "--print"]) == 0
    assert "agentlog" in json.loads(capsys.readouterr().out)["mcpServers"]
    assert not (project / ".cursor").exists()
    assert main(["mcp", "--install", "cursor"]) == 0
    assert "written" in capsys.readouterr().out
    assert (project / ".cursor" / "mcp.json").exists()
