"""`%agentlog`: answers, mistakes in one line, on and off, completion."""

# ruff: noqa: F811
from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from shell_host import bare, of_kind, run, shell  # noqa: F401

import agentlog
from agentlog import guard
from agentlog.commands import MAGICS
from agentlog_ipy.cell import is_own
from agentlog_ipy.live import LIVE
from agentlog_ipy.magics import overview


def ask(shell: Any, line: str) -> Any:
    return shell.run_line_magic("agentlog", line)


def test_overview_names_everything(shell: Any) -> None:
    """`%agentlog` alone lists every subcommand with its line."""
    text = str(ask(shell, ""))
    assert all(f"  {name} " in text for name in (*MAGICS, *LIVE))
    assert "not installed" not in text
    assert repr(overview()) == text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("contxt", "did you mean 'context'?"),
        ("bogus", "the commands are"),
        ("context --tkens 5", "--tkens"),
        ("context --tokens many", "--tokens"),
        ("gc", "command line"),
        ("hint maybe", "maybe"),
        ("context 'unclosed", "quotation"),
        ("context --session nosuchsession", "nosuchsession"),
    ],
)
def test_mistakes_are_one_line(shell: Any, capsys: pytest.CaptureFixture[str], line: str, said: str) -> None:
    """What was tried and what to do, in one line on stderr; the cell goes on."""
    result = run(shell, f"%agentlog {line}\nwent_on = True")
    captured = capsys.readouterr()
    assert result.success
    assert shell.user_ns["went_on"]
    assert captured.err.startswith("%agentlog")
    assert captured.err.count("\n") == 1
    assert said in captured.err
    assert guard.faults() == []


def test_help_is_shown(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` prints the options and is no error."""
    assert run(shell, "%agentlog context --help").success
    assert "--tokens" in capsys.readouterr().out


def test_context_of_the_failure(shell: Any) -> None:
    """`%agentlog context` returns the Context of what just failed, within its tokens."""
    run(shell, "prices = {'apple': 1}")
    run(shell, "prices['pear']")
    context = ask(shell, "context --tokens 300")
    assert "KeyError" in str(context)
    assert "prices" in str(context)
    assert len(str(context)) < 300 * 6


def test_a_cell_that_a_cell_ran_is_named_after_it(shell: Any) -> None:
    """`%%capture` hides the error and runs its body as a cell that has no number of its own."""
    outer = run(shell, "%%capture kept\nquiet = {}\nquiet['zz']").execution_count
    text = str(ask(shell, "context"))
    assert re.search(rf"^at In\[{outer}\]/\w{{6}} line 2: quiet\['zz'\]$", text, re.M), text
    assert re.search(rf"^cause: In\[{outer}\]/\w{{6}} \(this cell\)$", text, re.M), text


def test_cells_of_a_named_task_are_cells_of_the_kernel(shell: Any) -> None:
    """Context, history and lineage go on through the beginning and the end of a task."""
    made = run(shell, "prices = {'apple': 1}").execution_count
    run(shell, "import agentlog; agentlog.start_session('coder', 'fix')")
    failed = run(shell, "prices['pear']").execution_count
    for ending in ("", "agentlog.end_session()"):
        run(shell, ending)
        context = str(ask(shell, "context"))
        assert f"at In[{failed}] line 1: prices['pear']" in context
        assert f"prices = dict len 1 {{apple: 1}} (In[{made}])" in context
        history = str(ask(shell, "history"))
        assert history.index("prices = {'apple': 1}") < history.index("prices['pear']")
        assert f"In[{made}] made" in str(ask(shell, "why prices"))


def test_a_kernel_knows_its_cells_through_a_reload(shell: Any) -> None:
    """`%reload_ext agentlog` begins a session; what failed before it, and who made what, is not forgotten."""
    made = run(shell, "prices = {'apple': 1}").execution_count
    failed = run(shell, "prices['pear']").execution_count
    run(shell, "%reload_ext agentlog")
    context = str(ask(shell, "context"))
    assert f"at In[{failed}] line 1: prices['pear']" in context
    assert f"prices = dict len 1 {{apple: 1}} (In[{made}])" in context


def test_own_cells_are_no_executions_to_compare(shell: Any) -> None:
    """`%agentlog diff` compares the last two cells of the user's, whatever was asked between and after them."""
    for code in ("x = 1", "%agentlog history", "x = 2", "%agentlog status"):
        run(shell, code)
    assert "x = [-1-]{+2+}" in str(ask(shell, "diff"))


def test_the_format_that_was_asked_for_is_what_is_shown(shell: Any) -> None:
    """Also where the front end prefers HTML; without one, the page with the compact text beside it."""
    run(shell, "prices = {'apple': 1}")
    run(shell, "prices['pear']")
    shown = {
        name: shell.display_formatter.format(ask(shell, f"context --format {name}"))[0] for name in ("text", "markdown", "json")
    }
    assert set(shown["text"]) == {"text/plain", "text/html"}
    assert set(shown["markdown"]) == {"text/plain", "text/markdown"}
    assert shown["markdown"]["text/plain"].startswith("## failure")
    assert set(shown["json"]) == {"text/plain"}
    assert "KeyError" in json.loads(shown["json"]["text/plain"])["failure"][0]


def test_the_legend_is_shown_as_text(shell: Any) -> None:
    """Lines, without quotes."""
    text = repr(ask(shell, "context --legend"))
    assert text.startswith("agentlog context, how to read it\n")


def test_status(shell: Any, store_folder: Path) -> None:
    """Where it records, what it wrote, and that nothing is wrong."""
    run(shell, "x = 1")
    text = str(ask(shell, "status"))
    assert str(store_folder) in text
    assert "faults     none" in text


def test_off_and_on(shell: Any, store_folder: Path) -> None:
    """After `off` nothing is recorded, `on` goes on; both cells are whole."""
    for code in ("a = 1", "%agentlog off", "b = 2", "%agentlog on", "c = 3"):
        assert run(shell, code).success
    sources = [start["source"] for start in of_kind(store_folder, "cell.start")]
    assert sources == ["a = 1", "%agentlog off", "%agentlog on", "c = 3"]
    assert len(of_kind(store_folder, "cell.end")) == 4
    agentlog.unload_ipython_extension(shell)
    assert len(of_kind(store_folder, "session.end")) == 1


def test_what_came_while_it_was_off_is_no_later_cells_doing(shell: Any, store_folder: Path) -> None:
    """The next cell made only what it made itself."""
    for code in ("a = [1]", "%agentlog off", "b = 2; a.append(2)", "%agentlog on", "c = 3; len(a)"):
        assert run(shell, code).success
    ask(shell, "status")
    changed = [[change["name"] for change in seen.get("changes", ())] for seen in of_kind(store_folder, "cell.namespace")]
    assert changed == [["a"], ["c"]]


def test_own_cells() -> None:
    """Own are cells of only %agentlog lines, comments and blanks; a line that only mentions us is the user's."""
    for source in (
        "%agentlog",
        "%agentlog context --tokens 5",
        "\n# x\n%agentlog why df\n",
        "%load_ext agentlog",
        "agentlog history",
    ):
        assert is_own(source), source
    for source in ("x = 1", "%agentlogs", "import agentlog", "c = %agentlog context", "%agentlog diff\nx = 1", "# agentlog", ""):
        assert not is_own(source), source


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("%agentlog his", {"history"}),
        ("%agentlog context --tok", {"--tokens", "--tokenizer"}),
        ("%agentlog context --format ma", {"markdown"}),
        ("%agentlog context bas", {"basket"}),
        ("%agentlog context ", {"2", "1", "basket"}),
        ("%agentlog hint o", {"on", "off"}),
    ],
)
def test_completion(shell: Any, typed: str, offered: set[str]) -> None:
    """Tab gives what can stand there: subcommands, options, choices, numbers of cells, names."""
    run(shell, "basket = []")
    run(shell, "1")
    with provisionalcompleter():
        found = {completion.text for completion in shell.Completer.completions(typed, len(typed))}
    assert offered <= found
    assert "%time" not in found
