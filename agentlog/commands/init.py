"""Prepare a project: keep recordings out of git, tell agents to ask agentlog first, run notebooks in CI.

    agentlog init                       .gitignore and the rules in AGENTS.md
    agentlog init --rules CLAUDE.md     the rules in another file
    agentlog init --ci                  also .github/workflows/notebooks.yml, where there is none

What is there is kept: our lines stand between two marks and are brought up to date by the next `agentlog init`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from agentlog.commands.rules import RULES
from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.settings import FOLDER, project_root

BEGIN, END = "<!-- agentlog: begin -->", "<!-- agentlog: end -->"
WORKFLOW = """\
name: notebooks
on: [push, pull_request]
jobs:
  notebooks:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.11"}
      - run: pip install "agentlog[jupyter]"
      - run: agentlog run notebooks/*.ipynb --timeout 600 --junit notebooks.xml
      - uses: actions/upload-artifact@v4
        if: failure()
        with: {name: agentlog, path: .agentlog, include-hidden-files: true}
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", metavar="FILE", default="AGENTS.md", help="file for the agents' rules (default AGENTS.md)")
    parser.add_argument("--ci", action="store_true", help="also write a workflow that runs notebooks/*.ipynb")


def run(args: argparse.Namespace, desk: Desk) -> str:
    """What was written, one line a file."""
    root = project_root()
    done = [_ignore(root / ".gitignore"), _rules(root / args.rules)]
    if args.ci:
        done.append(_workflow(root / ".github" / "workflows" / "notebooks.yml"))
    return "\n".join(done)


def _ignore(place: Path) -> str:
    lines = _read(place).splitlines()
    if any(line.strip().strip("/") == FOLDER for line in lines):
        return f"{place.name}: {FOLDER}/ is ignored already"
    _write(place, "\n".join([*lines, f"{FOLDER}/", ""]))
    return f"{place.name}: {FOLDER}/ added"


def _rules(place: Path) -> str:
    text, ours = _read(place), f"{BEGIN}\n{RULES}\n{END}"
    before, found, rest = text.partition(BEGIN)
    if found and END not in rest:
        raise UsageError(f"{place}: {BEGIN} without {END}; mend it by hand and try again")
    after = rest.partition(END)[2]
    new = before + ours + after if found else (text.rstrip() + "\n\n" if text.strip() else "") + ours + "\n"
    if new == text:
        return f"{place.name}: the rules are up to date"
    _write(place, new)
    return f"{place.name}: rules {'brought up to date' if found else 'added'}"


def _workflow(place: Path) -> str:
    if place.exists():
        return f"{place.name}: there already, left alone"
    _write(place, WORKFLOW)
    return f"{place.name}: written"


def _read(place: Path) -> str:
    try:
        return place.read_text(encoding="utf-8") if place.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {place}: {error}") from None


def _write(place: Path, text: str) -> None:
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {place}: {error.strerror}") from None
