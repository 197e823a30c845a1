"""What the environment can say."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentlog.errors import UsageError
from agentlog.settings import Limits, Settings, parse_limits, project_root, store_folder, switched_on


@pytest.mark.parametrize(
    ("word", "on"), [("true", True), ("1", True), ("YES", True), ("", False), ("0", False), ("False", False), ("off", False)]
)
def test_the_switch(word: str, on: bool) -> None:
    """Only an explicit word turns recording on."""
    assert switched_on({"AGENTLOG": word}) is on
    assert switched_on({}) is False


def test_the_folder_is_named_or_found_at_the_project_root(tmp_path: Path) -> None:
    """AGENTLOG_DIR wins; else .agentlog beside .git or pyproject.toml; else in the working directory."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").touch()
    assert project_root(inner) == tmp_path
    assert store_folder({}, inner) == tmp_path / ".agentlog"
    assert store_folder({"AGENTLOG_DIR": str(inner)}) == inner


BELOW_CLOSED = """
import os, sys
from pathlib import Path
from agentlog.gitstate import git_head
from agentlog.settings import Settings
closed = Path(sys.argv[1])
os.chdir(closed / "inner")
os.chmod(closed, 0)
if os.getuid() == 0:
    os.setuid(65534)
print(Settings.from_environment({}).folder, git_head(Path.cwd()))
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="every folder may be searched on this system")
def test_a_program_below_a_folder_that_may_not_be_searched_has_its_own_root(tmp_path: Path) -> None:
    """As after `sudo -u`: what cannot be looked at is no project, and nothing fails over it."""
    closed = tmp_path / "closed"
    (closed / "inner").mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", BELOW_CLOSED, str(closed)], capture_output=True, text=True, timeout=60)
    closed.chmod(0o700)
    assert (done.stdout, done.stderr) == (f"{closed / 'inner' / '.agentlog'} {{}}\n", "")


def test_limits_are_read_and_wrong_ones_are_explained() -> None:
    """A wrong limit names itself and the ones there are; from the environment it is left alone."""
    assert parse_limits("items=5, describe_ms=2.5") == Limits(items=5, describe_ms=2.5)
    with pytest.raises(UsageError, match="unknown limit 'item'"):
        parse_limits("item=5")
    with pytest.raises(UsageError, match="limit items needs a number, not 'x'"):
        parse_limits("items=x")
    with pytest.raises(UsageError, match="limit items needs a number, not 'inf'"):
        parse_limits("items=inf")
    with pytest.raises(UsageError, match="limit memory_events cannot be below 0: -1"):
        parse_limits("memory_events=-1")
    assert Settings.from_environment({"AGENTLOG_LIMITS": "items=x"}).limits == Limits()
    assert Settings.from_environment({"AGENTLOG_LIMITS": "items=inf"}).limits == Limits()
