"""The documentation says what the code does: complete, up to date, and its examples run."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import agentlog
from agentlog.commands import COMMANDS, parser_for
from agentlog.settings import VARIABLES

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("**/*.md"))
WRITTEN_ON = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the reference is written on Python 3.11: help texts differ by version"
)


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    pytest.importorskip("IPython")
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@WRITTEN_ON
@pytest.mark.parametrize("page", ["commands.md", "python.md", "environment.md", "store.md"])
def test_the_reference_is_what_the_code_says(reference: ModuleType, page: str) -> None:
    """Run `python docs/reference.py` after changing a command, a public name, a variable or an event."""
    written = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert written == reference.GENERATED + reference.PAGES[page]()


def test_every_variable_that_is_read_is_documented() -> None:
    """An AGENTLOG_ name in the code stands in settings.VARIABLES, and the other way round."""
    sources = [path.read_text() for folder in ("agentlog", "agentlog_ipy", "share") for path in (ROOT / folder).rglob("*.py")]
    read = {name for source in sources for name in re.findall(r"\bAGENTLOG(?:_[A-Z]+)+\b", source)}
    assert read | {"AGENTLOG"} == set(VARIABLES)


def test_every_command_and_public_name_is_documented() -> None:
    """Each has a heading of its own in the reference, with a docstring or summary below it."""
    commands, names = ((ROOT / "docs" / "reference" / page).read_text() for page in ("commands.md", "python.md"))
    for name in COMMANDS:
        assert f"\n## agentlog {name}\n" in commands
    for name in agentlog._PUBLIC:
        heading = f"\n## agentlog.{name}\n"
        assert heading in names
        assert re.match(r"\s*```python\n.*?```\n\n\S", names.split(heading, 1)[1], re.DOTALL), f"{name} has no docstring"


def _links() -> list[tuple[Path, str]]:
    pages = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
    return [
        (page, link) for page in pages for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    ]


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link of the docs and the README is a file that exists."""
    broken = [
        (str(page.relative_to(ROOT)), link) for page, link in _links() if "://" not in link and not (page.parent / link).exists()
    ]
    assert broken == []


def _commands() -> list[tuple[str, str]]:
    """(page, command with what follows it) of the commands in blocks and in backticks; not those that are only named."""
    found = []
    for page in [*(page for page in DOCS if page.parent.name != "reference"), ROOT / "README.md"]:
        text = page.read_text(encoding="utf-8")
        lines = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
        lines += re.findall(r"^    (.*)", text, re.MULTILINE) + re.findall(r"`([^`\n]+)`", text)
        parts = [part.strip() for line in lines for part in re.split(r"\s{3,}|\s&&\s|\s#", line)]
        found += [(page.name, part) for part in parts if re.match(r"%?agentlog (?!-)\w+ (?!.*(\||<|>|;|\.\.\.|--help))", part)]
    return found


def _programs(words: list[str]) -> bool:
    """`agentlog run` of a program, whose words are its own."""
    return words[0] == "run" and not any(word.endswith((".ipynb", "/")) for word in words)


@pytest.mark.parametrize(("page", "command"), _commands())
def test_commands_in_the_docs_are_understood(page: str, command: str) -> None:
    """Each is taken by its parser, options and all."""
    from agentlog_ipy.magics import parser_of

    program, _, rest = command.partition(" ")
    words = shlex.split(rest)
    if not _programs(words):
        parser = parser_of(words[0]) if program == "%agentlog" else parser_for(words[0], "agentlog")
        if program == "agentlog":  # which the command line adds to each
            parser.add_argument("--store")
        parser.parse_args(words[1:])


def _examples() -> list[tuple[str, str]]:
    """(name, code) of each ```python block that is marked to run: its first line is `# runs`."""
    found = []
    for page in [*DOCS, ROOT / "README.md"]:
        for number, code in enumerate(re.findall(r"```python\n(# runs\n.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            found.append((f"{page.name}:{number}", code))
    return found


@pytest.mark.parametrize(("name", "code"), _examples(), ids=[name for name, _ in _examples()])
def test_examples_run(name: str, code: str, tmp_path: Path) -> None:
    """An example of the docs, as a program of its own, does what it says: its assertions hold."""
    (tmp_path / "example.py").write_text(code, encoding="utf-8")
    done = subprocess.run([sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr


def test_nothing_names_the_machine_it_was_written_on() -> None:
    """No path of a developer's machine is in the repository's text files."""
    places = ("/" + "work/", "/" + "opt/v", "/root/" + ".pyenv")
    for path in [
        *DOCS,
        *ROOT.glob("*.md"),
        *(ROOT / "agentlog").rglob("*.py"),
        *(ROOT / "agentlog_ipy").rglob("*.py"),
        *ROOT.glob("benchmarks/*.py"),
    ]:
        text = path.read_text(encoding="utf-8")
        assert not [place for place in places if place in text], path
