"""The workspace: what changed on the disk, what git says, and modules that were edited after they were imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentlog import workspace
from agentlog.workspace import compare_snapshots, snapshot_workspace


def git(folder: Path, *words: str) -> None:
    settings = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "kept.py").write_text("a = 1\n")
    (folder / "edited.py").write_text("b = 1\n")
    (folder / "gone.txt").write_text("x")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "start")
    return folder


def test_added_removed_and_modified_files(project: Path) -> None:
    """Tracked and untracked files, with git."""
    before = snapshot_workspace(root=project)
    (project / "edited.py").write_text("b = 2\n")
    (project / "gone.txt").unlink()
    (project / "new.csv").write_text("v\n1\n")
    after = snapshot_workspace(root=project)
    found = compare_snapshots(before, after)
    assert found.as_json() == {"added": ["new.csv"], "removed": ["gone.txt"], "modified": ["edited.py"]}
    assert found["modified"] == ["edited.py"]
    assert before.git["commit"] == after.git["commit"]
    assert "+b = 2" in (after.diff or "")
    assert dict(found) == found.as_json()
    assert found["added"] == list(found.added)
    assert not compare_snapshots(after, snapshot_workspace(root=project))


def test_without_git_and_with_named_files(tmp_path: Path) -> None:
    """The files of the folder, hidden ones and caches left out; or those that are named."""
    (tmp_path / "a.txt").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "b.pyc").write_text("1")
    assert set(snapshot_workspace(root=tmp_path).files) == {"a.txt"}
    named = snapshot_workspace([tmp_path / "a.txt", "missing.txt"], root=tmp_path)
    assert set(named.files) == {"a.txt"}
    assert named.cut == "1 of 2 files"


def test_the_git_diff_is_cut_at_fifty_lines(project: Path) -> None:
    """And says how many lines follow."""
    (project / "edited.py").write_text("\n".join(f"v{n} = {n}" for n in range(200)))
    lines = (workspace.git_diff(project) or "").splitlines()
    assert len(lines) == 51
    assert lines[-1].endswith("more lines")


def test_an_event_of_the_workspace(project: Path, tmp_path: Path) -> None:
    """Touched files with their prints; nothing where there is no git."""
    (project / "edited.py").write_text("b = 3\n")
    seen = workspace.look(project)
    assert seen is not None
    assert set(seen.files) == {"edited.py"}
    assert seen.git["dirty"] is True
    assert workspace.look(tmp_path) is None


def test_a_stale_import_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module was edited after the session imported it; reloading it ends that."""
    pytest.importorskip("IPython")
    from test_namespace import Session

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = tmp_path / "stale_utils_mod.py"
    module.write_text("RATE = 1\n")
    session = Session()
    looks = [session.run("import stale_utils_mod as u, importlib"), session.run("r = u.RATE")]
    assert workspace.stale_imports(looks) == []
    module.write_text("RATE = 2  # edited\n")
    looks.append(session.run("r = u.RATE + 1"))
    assert [str(stale).split(":")[0] for stale in workspace.stale_imports(looks)] == [
        "stale_utils_mod was edited after it was imported"
    ]
    looks.append(session.run("importlib.reload(u); r = u.RATE"))
    assert workspace.stale_imports(looks) == []
    monkeypatch.delitem(sys.modules, "stale_utils_mod")


def test_an_edited_module_among_hundreds_is_told_within_few_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell looks at the modules imported last and at some of the others; every one has its turn."""
    from types import ModuleType

    from agentlog.static import analyse
    from agentlog_ipy.watch.reach import reach
    from agentlog_ipy.watch.surroundings import Surroundings

    names = [f"zz_local_{position:03}" for position in range(300)]
    for name in names:
        module = ModuleType(name)
        module.__file__ = str(tmp_path / f"{name}.py")
        (tmp_path / f"{name}.py").write_text("A = 1\n")
        monkeypatch.setitem(sys.modules, name, module)
    seen, nothing = Surroundings(), (analyse("1"), reach({}, frozenset()))
    seen.after(*nothing, {}, float("inf"))
    for name in (names[0], names[120], names[-1]):
        (tmp_path / f"{name}.py").write_text("A = 22\n")
    told: set[str] = set()
    for _ in range(6):
        told |= {key for key in seen.after(*nothing, {}, float("inf")) if key.startswith("edited:zz_local")}
    assert told == {f"edited:{name}" for name in (names[0], names[120], names[-1])}
