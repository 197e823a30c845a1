"""One true crash for every collector: it speaks, and the compact text at 400 tokens is what it was when somebody last read it.

AGENTLOG_REWRITE_GOLDEN=1 in the environment writes the texts of `golden/collectors/` anew.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from collector_runner import CASES

from agentlog.evidence import registry

GOLDEN = Path(__file__).parent / "golden" / "collectors"
REWRITE = bool(os.environ.get("AGENTLOG_REWRITE_GOLDEN"))
COLLECTORS = sorted(rule.name for rule in registry._RULES)
MADE_WITH = {"pandas": "3", "numpy": "2"}
"""The majors whose messages and reprs the texts hold; the Python is 3.11 (positions in a line, messages of the parser)."""


@pytest.fixture(scope="module")
def crashes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, Any]]:
    """The cases that are asked for, crashed in a real shell with the extension loaded, paths replaced by names."""
    pytest.importorskip("IPython")
    folder = tmp_path_factory.mktemp("collectors")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AGENTLOG")}
    runner = Path(__file__).parent / "collector_runner.py"
    params = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = sorted({name for each in params if (name := each.get("name")) in COLLECTORS})
    done = subprocess.run(
        [sys.executable, str(runner), str(folder), *wanted], capture_output=True, text=True, env=environment, timeout=600
    )
    assert "\n@@" in done.stdout, done.stderr[-2000:]
    found = json.loads(done.stdout.split("\n@@")[-1])

    def crash(name: str) -> dict[str, Any]:
        one: dict[str, Any] = found[name]
        if absent := one.get("missing"):
            pytest.skip(f"needs {', '.join(absent)}")
        return one | {"text": same_everywhere(one["text"].replace(f"{folder}/work", "<folder>"))}

    return crash


def same_everywhere(text: str) -> str:
    """The text without what differs from machine to machine: addresses, versions, paths, sizes of memory, depths of a stack."""
    for pattern, name in (
        (re.escape(sys.executable), "<python>"),
        (r"/[^\s:'\"]*/python3\.\d+/(?:site-packages/)?", "<library>/"),
        (r"0x[0-9a-f]{6,}", "<address>"),
        (r"(?<=installed: )[\w.+]+|\b\d+\.\d+\.\d+\b", "<version>"),
        (r"this process holds .*", "this process holds <memory>"),
        (r"\b\d+ times; limit \d+", "<n> times; limit <n>"),
        (r"(?<=_, line )\d+|(?<=in raw_decode, line )\d+|(?<=_compat, line )\d+", "<n>"),
    ):
        text = re.sub(pattern, name, text)
    return text


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", COLLECTORS)
def test_collector_speaks(crashes: Callable[[str], dict[str, Any]], name: str) -> None:
    """The collector found facts in its crash, whatever the versions of the libraries."""
    if name == "group" and sys.version_info < (3, 11):
        pytest.skip("exception groups are of Python 3.11")
    assert name in crashes(name)["collectors"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", COLLECTORS)
def test_golden(crashes: Callable[[str], dict[str, Any]], name: str) -> None:
    """The text of its crash is what it was when somebody last read it."""
    text = crashes(name)["text"]
    if sys.version_info[:2] != (3, 11):
        pytest.skip("the texts are those of Python 3.11")
    for library, major in MADE_WITH.items():
        version = metadata.version(library)
        if version.partition(".")[0] != major:
            pytest.skip(f"the texts are those of {library} {major}; {version} is installed")
    path = GOLDEN / f"{name}.txt"
    if REWRITE:
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n"


def test_every_collector_has_a_case() -> None:
    """And there is no case without a collector."""
    assert sorted(path.stem for path in CASES.glob("*.txt")) == COLLECTORS
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == COLLECTORS
