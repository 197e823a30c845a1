"""The MCP server under programs of others, from npm: the inspector's command line and the conformance suite.

`NODE_FOLDER` is the folder whose node_modules has them (default: the project's); `.ci/parts` installs them there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp_host import PATIENCE, command, http

pytestmark = pytest.mark.parts

NODE = 22
"""oldest Node that they run on"""
FIXTURES = [
    "tools-call-image", "tools-call-audio", "tools-call-embedded-resource", "tools-call-mixed-content", "tools-call-with-progress",
    "resources-read-text", "resources-read-binary", "resources-templates-read", "prompts-get-simple", "prompts-get-with-args",
    "prompts-get-embedded-resource", "prompts-get-with-image",
]  # fmt: skip
"""Scenarios that call tools, resources and prompts of fixed names, which only a server made for the suite has."""
BASELINES = {
    "2026-07-28": FIXTURES,
    "2025-11-25": [
        *FIXTURES, "logging-set-level", "tools-call-with-logging", "tools-call-sampling", "tools-call-elicitation",
        "elicitation-sep1034-defaults", "elicitation-sep1330-enums", "resources-subscribe", "resources-unsubscribe",
    ],
}  # fmt: skip
"""Revision -> scenarios of the active suite that are known to fail: fixtures, and what this server has no use for (sampling,
elicitation, subscriptions to single resources, setting the level of its log)."""
MORE = ("caching", "http-header-validation", "sep-2164-resource-not-found")
"""Scenarios beside the active suite that are passed whole."""


def node_folder() -> Path:
    return Path(os.environ.get("NODE_FOLDER", str(Path(__file__).parent.parent))) / "node_modules"


def environment() -> dict[str, str]:
    """With Node from npm first, where it is there."""
    return {**os.environ, "PATH": f"{node_folder() / 'node' / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def program(name: str, package: str) -> str:
    """The program from npm. Skips where it, or a Node that it runs on, is missing."""
    path = node_folder() / ".bin" / name
    node = shutil.which("node", path=environment()["PATH"])
    if node is None or not path.exists():
        pytest.skip(f"{name} is not installed (npm install node@24 {package} in a folder, and NODE_FOLDER=that folder)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.lstrip("v").split(".")[0]) < NODE:
        pytest.skip(f"{name} needs Node {NODE} or later, this is {version.strip()} (npm install node@24)")
    return str(path)


def said(words: list[str], folder: Path, code: int | None = 0) -> str:
    done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout


def inspected(folder: Path, era: str, *words: str) -> Any:
    """The answer of one call of the inspector to a server process of its own, over standard input and output."""
    inspector = program("mcp-inspector", "@modelcontextprotocol/inspector@2")
    return json.loads(said([inspector, "--cli", *command(folder / "store"), "--protocol-era", era, *words], folder))


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_lists_calls_reads_and_prompts(era: str, tmp_path: Path) -> None:
    """Each method, in both eras; a failure recorded by one server is told by the next."""
    tools = inspected(tmp_path, era, "--method", "tools/list")["tools"]
    assert {"run_code", "get_context"} <= {tool["name"] for tool in tools}
    ran = inspected(tmp_path, era, "--method", "tools/call", "--tool-name", "run_code", "--tool-arg", "code={}['absent']")
    assert ran["structuredContent"]["status"] == "error"
    context = inspected(tmp_path, era, "--method", "tools/call", "--tool-name", "get_context", "--tool-arg", "tokens=500")
    assert "KeyError: 'absent'" in context["structuredContent"]["text"]
    assert inspected(tmp_path, era, "--method", "resources/templates/list")["resourceTemplates"]
    read = inspected(tmp_path, era, "--method", "resources/read", "--uri", "agentlog://sessions/last/context")
    assert "KeyError: 'absent'" in read["contents"][0]["text"]
    prompt = inspected(
        tmp_path, era, "--method", "prompts/get", "--prompt-name", "debug_last_failure", "--prompt-args", "session=last"
    )
    assert "KeyError: 'absent'" in prompt["messages"][0]["content"]["text"]


@pytest.mark.parametrize("revision", list(BASELINES))
def test_the_conformance_suite_fails_only_where_it_must(revision: str, tmp_path: Path) -> None:
    """Of every scenario that a server without the suite's own fixtures can pass, none fails; nor does one of those that are
    expected to fail pass, or the list here would be out of date."""
    conformance = program("conformance", "@modelcontextprotocol/conformance@0.2.0-alpha.12")
    baseline = tmp_path / "baseline.yml"
    baseline.write_text("server:\n" + "".join(f"  - {name}\n" for name in BASELINES[revision]))
    with http(tmp_path) as url:
        words = [conformance, "server", "--url", url, "--spec-version", revision, "-o", str(tmp_path / "out")]
        told = said([*words, "--suite", "active", "--expected-failures", str(baseline)], tmp_path)
        for scenario in MORE if revision == "2026-07-28" else ():
            said([*words, "--scenario", scenario], tmp_path)
    assert "dns-rebinding-protection: 2 passed, 0 failed" in told
