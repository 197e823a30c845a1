"""An exception becomes plain data: frames, locals by relevance, the border, chains, groups; the user's code is never run for it."""

from __future__ import annotations

import gc
import sys
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

from agentlog import guard
from agentlog.events import Failure, Frame
from agentlog.frames import failure_of, message_of
from agentlog.settings import Limits
from agentlog.stack import CellSource

PATIENT = Limits(describe_ms=20_000, evidence_ms=20_000)


def cell(source: str, *, first_line: int = 1, file: str = "<the cell>", **options: Any) -> Failure:
    """`source` run as the code of a cell; its failure."""
    world: dict[str, Any] = {"__name__": "__main__", **options.pop("names", {})}
    here = CellSource("run1", 7, options.pop("cell_source", source), first_line)
    try:
        exec(compile(source, file, "exec"), world)
    except BaseException as error:
        return failure_of(
            error, cell_of=lambda name: here if name == file else None, namespace=world, **{"limits": PATIENT, **options}
        )
    raise AssertionError("did not crash")


def last_user(failure: Failure) -> Frame:
    return [frame for frame in failure.frames if frame.kind == "cell"][-1]


def test_a_cell_frame_says_where_it_is() -> None:
    """Execution, In number, line and text come from the cell, with numbered lines around."""
    frame = last_user(cell("a = 1\nb = 0\nc = a / b\nd = 2\n"))
    assert (frame.cell, frame.count, frame.line, frame.source, frame.function) == ("run1", 7, 3, "c = a / b", "<module>")
    assert frame.context == ((1, "a = 1"), (2, "b = 0"), (3, "c = a / b"), (4, "d = 2"))


def test_a_cell_magic_shifts_the_lines() -> None:
    """Code that begins in line 2 of its cell is reported in the cell's own lines."""
    failure = cell("x = 0\n1 / x\n", first_line=2, cell_source="%%time\nx = 0\n1 / x\n")
    assert (last_user(failure).line, last_user(failure).source) == (3, "1 / x")
    assert failure.expression is not None
    assert failure.expression.line == 3


def test_module_locals_are_chosen_by_relevance() -> None:
    """Names on the failing line first, then those near it, then other data; modules and the shell's names never."""
    source = "import os\nfar = [1]\nIn = ['']\n_ih = []\nnear = 5\ntotal = 0\nratio = near / total\n"
    names = list(last_user(cell(source)).locals)
    assert names[:2] == ["near", "total"]
    assert "far" in names
    assert not {"os", "In", "_ih", "__name__", "__builtins__"} & set(names)


def test_names_are_followed_to_what_they_were_made_from() -> None:
    """The history of the shell tells what a name on the failing line was made from, and that comes before other data."""
    history = ["", "raw = [3]\nother = [9]", "clean = raw[1:]", "clean[0]"]
    failure = cell("clean[0]", names={"In": history, "other": [9], "zz": [0] * 5, "raw": [3], "clean": []})
    names = list(last_user(failure).locals)
    assert names.index("raw") < names.index("other")
    assert names[0] == "clean"


def test_callers_keep_their_locals_too() -> None:
    """Each user frame on the way has the locals of its line; globals that a function reads are among them."""
    source = (
        "scale = 0\ndef inner(n):\n    return n / scale\ndef outer(values):\n    return [inner(v) for v in values]\nouter([4])\n"
    )
    frames = [frame for frame in cell(source).frames if frame.kind == "cell"]
    assert set(frames[-1].locals) == {"n", "scale"}
    outer = next(frame for frame in frames if frame.function == "outer")
    assert "values" in outer.locals


def test_the_border_shows_what_the_library_was_handed() -> None:
    """The first library frame below the user's has its arguments; further ones are one line."""
    failure = cell("import json\ntext = '[1,'\njson.loads(text)\n")
    border = [frame for frame in failure.frames if frame.kind == "stdlib"]
    assert border[0].arguments["s"].value == "[1,"
    assert all(not frame.arguments and not frame.locals for frame in border[1:])


def test_the_border_leaves_out_what_is_the_default() -> None:
    """`**kwargs` are opened; what the user did not give, or gave as it is by default, is not told."""
    failure = cell("import subprocess\nsubprocess.run(['/nowhere/at/all'], text=True, check=False)")
    border = next(frame for frame in failure.frames if frame.arguments)
    assert border.function == "run"
    assert {name: value.type for name, value in border.arguments.items()} == {"popenargs": "tuple", "text": "bool"}


def test_wrappers_that_pass_everything_on_are_no_border() -> None:
    """A decorator's `wrapper(*args, **kwargs)` is passed over: what it wraps is what the user called."""
    pytest.importorskip("sklearn")
    failure = cell("from sklearn.linear_model import LinearRegression\nLinearRegression().fit([[1], [2]], [1, 2, 3])")
    border = next(frame for frame in failure.frames if frame.arguments)
    assert border.function.endswith("fit")
    assert set(border.arguments) == {"self", "X", "y"}


def test_installed_libraries_are_told_from_the_users_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file under the project is the user's; one under site-packages is a library's."""
    project, site = tmp_path / "project", tmp_path / "venv" / "site-packages"
    for folder, name in ((project, "mine_for_frames"), (site, "theirs_for_frames")):
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text("def fail(n):\n    return 1 / n\n")
        monkeypatch.syspath_prepend(str(folder))
    mine = cell("import mine_for_frames\nmine_for_frames.fail(0)", project=project)
    theirs = cell("import theirs_for_frames\ntheirs_for_frames.fail(0)", project=project)
    assert [frame.kind for frame in mine.frames][-2:] == ["cell", "user"]
    assert mine.frames[-1].source == "    return 1 / n"
    assert [frame.kind for frame in theirs.frames][-2:] == ["cell", "library"]
    assert theirs.frames[-1].locals["n"].value == 0
    for name in ("mine_for_frames", "theirs_for_frames"):
        sys.modules.pop(name)


def test_a_chain_is_kept_to_its_root() -> None:
    """`raise ... from ...` and exceptions met while handling one, each with its own frames; `from None` ends it."""
    explicit = cell("try:\n    int('x')\nexcept ValueError as e:\n    raise RuntimeError('bad') from e\n")
    assert explicit.explicit_cause
    assert explicit.cause is not None
    assert explicit.cause.type == "ValueError"
    assert last_user(explicit.cause).line == 2
    implicit = cell("try:\n    int('x')\nexcept ValueError:\n    {}['k']\n")
    assert not implicit.explicit_cause
    assert implicit.cause is not None
    assert cell("try:\n    int('x')\nexcept ValueError:\n    raise RuntimeError('bad') from None\n").cause is None


def test_a_chain_that_bites_its_tail_ends() -> None:
    """Causes that form a ring are walked once."""
    failure = cell("a, b = ValueError('a'), ValueError('b')\na.__cause__ = b\nb.__cause__ = a\nraise a\n")
    assert failure.cause is not None
    assert failure.cause.cause is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_members_of_a_group_are_failures_of_their_own() -> None:
    failure = cell("raise ExceptionGroup('many', [ValueError('a'), ExceptionGroup('inner', [KeyError('k')])])")
    assert failure.message == "many (2 sub-exceptions)"
    assert [member.type for member in failure.group] == ["ValueError", "ExceptionGroup"]
    assert failure.group[1].group[0].message == "'k'"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_members_are_read_from_the_interpreters_own_slot() -> None:
    """A class of the user's may call something else the exceptions of its group; that is not asked."""
    failure = cell(
        "class Odd(ExceptionGroup):\n    exceptions = property(lambda group: asked.append(1) or ())\n"
        "asked = []\nraise Odd('many', [ValueError('one')])"
    )
    assert [member.title for member in failure.group] == ["ValueError: one"]
    assert failure.frames[-1].locals["asked"].length == 0


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups came with Python 3.11")
def test_groups_of_groups_are_described_within_a_bound_and_counted_whole() -> None:
    """Eight of eight of eight, a hundred in one: what is not described is counted."""
    failure = cell(
        "def group(depth):\n    inner = [group(depth - 1) for _ in range(8)] if depth else [ValueError(n) for n in range(100)]\n"
        "    return ExceptionGroup('many', inner)\nraise group(2)"
    )

    def described(one: Failure) -> int:
        return 1 + sum(map(described, one.group))

    assert described(failure) == 40
    (counted,) = [evidence for evidence in failure.evidence if evidence.collector == "group"]
    assert counted.facts[0].text == "6400 exceptions: 6400 ValueError"


def test_a_long_stack_is_cut_in_the_middle() -> None:
    """Outermost and innermost frames stay; how many were left out is said."""
    failure = cell(
        "def down(n):\n    return down(n + 1)\ndown(0)\n", limits=Limits(frames=10, describe_ms=20_000, evidence_ms=20_000)
    )
    assert len(failure.frames) == 11
    gap = failure.frames[5]
    assert gap.kind == "synthetic"
    assert "more frames" in gap.function
    assert failure.frames[-1].locals["n"].value > 100


def test_a_syntax_error_without_frames_is_still_a_failure() -> None:
    """Nothing ran: type, message and the line are there."""
    try:
        compile("x = (1,\ny = 2", "<the cell>", "exec")
    except SyntaxError as error:
        failure = failure_of(
            error.with_traceback(None), cell_of=lambda name: CellSource("run1", 2, "x = (1,\ny = 2"), limits=PATIENT
        )
    assert failure.type == "SyntaxError"
    assert (failure.frames[-1].kind, failure.frames[-1].line, failure.frames[-1].source) == ("cell", 1, "x = (1,")
    assert any("»" in fact.text for item in failure.evidence for fact in item.facts)


def test_a_module_that_does_not_parse_shows_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The import's own line, then the line of the file that is no Python."""
    (tmp_path / "broken_for_frames.py").write_text("a = 1\ndef f(:\n    pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    failure = cell("import broken_for_frames")
    assert last_user(failure).source == "import broken_for_frames"
    assert (failure.frames[-1].kind, failure.frames[-1].line, failure.frames[-1].source) == ("user", 2, "def f(:")


def test_a_lookup_of_cells_that_fails_costs_only_the_cell(expect_faults: None) -> None:
    """The caller's own fault is noted; type, message and frames are there."""

    def broken(name: str) -> CellSource | None:
        raise LookupError(name)

    try:
        exec(compile("1 / 0", "<the cell>", "exec"), {"__name__": "__main__"})
    except ZeroDivisionError as error:
        failure = failure_of(error, cell_of=broken, limits=PATIENT)
    assert (failure.type, failure.message, failure.frames[-1].file) == ("ZeroDivisionError", "division by zero", "<the cell>")
    assert {fault.part for fault in guard.faults()} == {"cells"}


def test_a_mapping_of_the_users_as_locals_is_not_asked() -> None:
    """Code run with `exec(code, {}, mapping)`: look-ups in the mapping are somebody's code."""
    ran: list[str] = []

    class Names(dict[str, Any]):
        def __getitem__(self, key: str) -> Any:
            ran.append(key)
            return super().__getitem__(key)

        def __contains__(self, key: object) -> bool:
            ran.append(str(key))
            return super().__contains__(key)

    try:
        exec(compile("a / b", "<the cell>", "exec"), {"__name__": "__main__"}, Names(a=1, b=0))
    except ZeroDivisionError as error:
        ran.clear()
        failure = failure_of(
            error, cell_of=lambda name: CellSource("r", 1, "a / b") if name == "<the cell>" else None, limits=PATIENT
        )
    assert ran == []
    assert failure.expression is not None
    assert failure.expression.text == "a / b"


HOSTILE = """
ran = []
class Hostile(Exception):
    def __str__(self): ran.append('str'); return 'x'
    def __repr__(self): ran.append('repr'); return 'x'
    def __getattr__(self, name): ran.append(name); raise AttributeError(name)
    def __len__(self): ran.append('len'); return 1
    def __eq__(self, other): ran.append('eq'); return True
    def __hash__(self): ran.append('hash'); return 1
    def __bool__(self): ran.append('bool'); return True
    def __iter__(self): ran.append('iter'); return iter(())
    def __getitem__(self, key): ran.append('item'); raise error
    @property
    def __class__(self): ran.append('class'); return int
    @property
    def price(self): ran.append('property'); return 1
    def __add__(self, other): raise error
error = Hostile('plain text', 3)
h = Hostile()
"""


@pytest.mark.parametrize(
    "line",
    [
        "h + h.price2 if False else h + 3",
        "h[3]",
        "raise error",
        "[h][0] + h",
        "{'a': h}['a'] + 1",
        "h(1, 2)",
        "h.nope()",
        "len(h, 1)",
        "int(h, h, h)",
        "a, b = h, h, h",
    ],
)
def test_the_users_code_is_not_run(line: str) -> None:
    """No repr, str, property, attribute hook, comparison or length of the user's is called to describe a failure."""
    world: dict[str, Any] = {"__name__": "__main__"}
    source = HOSTILE + line
    try:
        exec(compile(source, "<the cell>", "exec"), world)
    except BaseException as error:
        world["ran"].clear()
        with guard.strict():
            failure = failure_of(error, cell_of=lambda name: CellSource("r", 1, source), namespace=world, limits=PATIENT)
    assert world["ran"] == []
    if failure.type == "Hostile" and "nope" not in line:
        assert failure.message == "plain text, 3"


def test_nothing_is_kept_alive_or_changed() -> None:
    """After describing, the frames' objects die with the exception, and the exception is as it was."""

    class Big:
        pass

    def fail(big: Big) -> None:
        raise ValueError("no")

    def call() -> weakref.ref[Big]:
        big = Big()
        error_at.append(weakref.ref(big))
        fail(big)
        return error_at[0]

    error_at: list[weakref.ref[Big]] = []
    try:
        call()
    except ValueError as error:
        before = (error.args, dict(error.__dict__), id(error.__traceback__), error.__context__)
        failure = failure_of(error, limits=PATIENT)
        after = (error.args, dict(error.__dict__), id(error.__traceback__), error.__context__)
    gc.collect()
    assert before == after
    assert error_at[0]() is None
    assert failure.message == "no"


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="f_locals is a view since Python 3.13")
def test_a_locals_dictionary_that_the_user_holds_is_left_alone() -> None:
    """What `locals()` gave the user keeps its entries; a snapshot that only looking made is emptied."""

    def holding() -> tuple[dict[str, Any], Failure]:
        price = 5
        held = locals()
        try:
            raise ValueError(price)
        except ValueError as error:
            return held, failure_of(error, limits=PATIENT)

    held, failure = holding()
    assert held["price"] == 5
    assert failure.frames[-1].locals["price"].value == 5


def test_the_hash_survives_lines_numbers_and_addresses() -> None:
    """The same failure elsewhere in the text and with other numbers is the same kind; another function or type is not."""
    one = cell("def f(i):\n    raise ValueError(f'bad value {i} at 0x7f12')\nf(3)\n")
    moved = cell("\n\n# a comment\ndef f(i):\n    raise ValueError(f'bad value {i} at 0x99aa')\nf(44)\n")
    other = cell("def g(i):\n    raise ValueError(f'bad value {i} at 0x7f12')\ng(3)\n")
    assert one.hash == moved.hash
    assert one.hash != other.hash


def test_a_collector_that_fails_loses_only_itself(monkeypatch: pytest.MonkeyPatch, expect_faults: None) -> None:
    """What it raised is noted; the other evidence is there."""
    from agentlog.evidence import registry

    def broken(failing: object) -> None:
        raise ZeroDivisionError

    rule = registry.Rule("broken", broken, frozenset(), None)
    monkeypatch.setattr(registry, "_RULES", [rule, *registry._RULES])
    failure = cell("d = {}\nd['a']")
    assert next(item.collector for item in failure.evidence) == "missing_key"
    assert [fault.part for fault in guard.faults()] == ["evidence.broken"]


def test_time_is_bounded(expect_faults: None) -> None:
    """With no time at all, type, message, frames and expression are still there."""
    failure = cell("a = [1]\na[5]\n", limits=Limits(describe_ms=0, evidence_ms=0))
    assert failure.type == "IndexError"
    assert last_user(failure).source == "a[5]"
    assert failure.evidence == ()
    assert failure.expression is not None
    assert failure.expression.text == "a[5]"


def test_a_huge_namespace_costs_little(expect_faults: None) -> None:
    """5,000 names and a list of a million: well within a second of the processor even on a slow machine."""
    names = {f"name_{i}": i for i in range(5000)} | {"big": list(range(1_000_000)), "table": {i: i for i in range(100_000)}}
    world = {"__name__": "__main__", **names}
    try:
        exec(compile("big[2_000_000]", "<the cell>", "exec"), world)
    except IndexError as error:
        started = time.thread_time()
        failure = failure_of(error, cell_of=lambda name: CellSource("r", 1, "big[2_000_000]"), namespace=world)
        spent = time.thread_time() - started
    assert spent < 1
    assert len(last_user(failure).locals) <= Limits().locals
    assert last_user(failure).omitted > 4000


def test_an_exception_of_a_cell_is_told_by_its_arguments() -> None:
    """Its `__str__` is the user's code, wherever the shell says that the cell's file is."""
    ran: list[str] = []
    source = "class Own(Exception):\n    def __str__(self):\n        ran.append('str')\n        return 'x'\nraise Own('late', 3)"
    failure = cell(source, file="/tmp/ipykernel_1/2.py", names={"ran": ran})
    assert (failure.message, ran) == ("late, 3", [])


def test_messages_of_libraries_are_as_they_print() -> None:
    """KeyError quotes its key, OSError has its number; arguments that are objects of the user's are named by type."""
    assert message_of(KeyError("a")) == "'a'"
    assert message_of(FileNotFoundError(2, "No such file", "x.csv")) == "[Errno 2] No such file: 'x.csv'"

    class Own:
        def __str__(self) -> str:
            raise AssertionError("was run")

    assert message_of(ValueError(Own(), 3)) == "<Own>, 3"
    assert message_of(ValueError("x" * 50_000)).endswith("x" * 150)
