"""What the environment can say."""

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


def test_limits_are_read_and_wrong_ones_are_explained() -> None:
    """A wrong limit names itself and the ones there are; from the environment it is left alone."""
    assert parse_limits("items=5, describe_ms=2.5") == Limits(items=5, describe_ms=2.5)
    with pytest.raises(UsageError, match="unknown limit 'item'"):
        parse_limits("item=5")
    with pytest.raises(UsageError, match="limit items needs a number, not 'x'"):
        parse_limits("items=x")
    assert Settings.from_environment({"AGENTLOG_LIMITS": "items=x"}).limits == Limits()
