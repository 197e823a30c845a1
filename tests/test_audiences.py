"""A failure in a sentence for who does not program, and runs summed up for who pays for them; on real crashes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted import Script, close_stores, new_store
from store_suite import KEY_ERROR, Story

from agentlog.cli import main
from agentlog.context import build
from agentlog.events import Evidence, Fact, Failure, ProcessDied, SessionEnded, to_record
from agentlog.evidence import registry
from agentlog.frames import failure_of
from agentlog.journal import Journal
from agentlog.plainly.audiences import operator, sentence, stakeholder
from agentlog.plainly.reasons import BY_COLLECTOR, in_words, reason
from agentlog.settings import Limits
from agentlog.stack import CellSource
from agentlog.store import Store

JARGON = re.compile(
    r"Error\b|Exception|Traceback|NoneType|DataFrame|ndarray|dtype|\bNaN\b|__\w+__|object has no|positional|\bstr\b|\bint\b|<class|0x[0-9a-f]+|attribute",
    re.I,
)


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    close_stores()


CRASHES = {
    "column": ("import pandas as pd\npd.DataFrame({'region_code': [1]})['Region_Code']", "the column 'Region_Code' does not exist; the table has 'region_code'"),
    "entry": ("prices = {'apple': 1}\nprices['Apple']", "the entry 'Apple' does not exist; the data has 'apple'"),
    "setting": ("import os\nos.environ['AGENT_NO_SUCH']", "the setting 'AGENT_NO_SUCH' does not exist"),
    "index": ("rows = [1, 2, 3]\nrows[7]", "it asked for item number 8 of a list that has only 3"),
    "none": ("found = None\nfound.group()", "'found' is empty where a result of an earlier step was expected"),
    "name": ("total = 3\nprint(totl)", "it uses 'totl', which no step has made yet; there is 'total'"),
    "package": ("import no_such_package_here", "the package 'no_such_package_here' that it needs is not installed"),
    "part of a package": ("from json import lods", "the installed version of 'json' has no 'lods'"),
    "file": ("open('sales_2026.csv')", "the file 'sales_2026.csv' does not exist"),
    "folder": ("open('/')", "'/' is a folder where a file was expected"),
    "json": ("import json\njson.loads('<html></html>')", "data that should be JSON is a web page"),
    "json cut off": ("import json\njson.loads('[1, 2')", "data that should be JSON is damaged or cut off"),
    "encoding": ("b'caf\\xe9'.decode('utf-8')", "a text is stored in another character encoding than was expected"),
    "number": ("float('N/A')", "the text 'N/A' stands where a number is expected"),
    "date": ("import datetime\ndatetime.datetime.strptime('2026-13-45', '%Y-%m-%d')", "'2026-13-45' cannot be read as a date"),
    "check": ("rows = []\nassert rows, 'the import brought no rows'", "a check of the program did not hold: the import brought no rows"),
    "option": ("def send(to): pass\nsend(to='a', urgent=1)", "it gave 'send' the option 'urgent', which it does not know"),
    "parts": ("a, b = (1, 2, 3)", "a record has another number of parts than the 2 expected"),
    "kinds": ("'total: ' + 3", "a text and a number were combined"),
    "empty sum": ("x = None\nx + 1", "'x' is empty where a value was expected"),
    "unhashable": ("{[1]: 2}", "a list was used as the name of an entry"),
    "saved": ("import json\njson.dumps({'when': object()})", "a result holds something that cannot be saved in the wanted format"),
    "missing values": ("import pandas as pd\npd.Series([1.0, None]).astype(int)", "values are missing"),
    "sizes": ("import numpy as np\nnp.ones(3) + np.ones(4)", "two sets of data that belong together differ in size"),
    "csv": ("import io, pandas as pd\npd.read_csv(io.StringIO('a,b\\n1,2\\n1,2,3\\n'))", "line 3 of a file has 3 fields where 2 were expected"),
    "empty csv": ("import io, pandas as pd\npd.read_csv(io.StringIO(''))", "a file is empty"),
    "merge": ("import pandas as pd\npd.DataFrame({'a': [1]}).merge(pd.DataFrame({'b': [1]}))", "two tables could not be joined: their columns do not fit together"),
    "not trained": ("from sklearn.linear_model import LinearRegression\nLinearRegression().predict([[1]])", "a model was used before it was trained"),
    "program": ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'raise SystemExit(3)'], check=True)", "another program that it started failed"),
    "database": ("import sqlite3\nwith __import__('contextlib').closing(sqlite3.connect(':memory:')) as c:\n    c.execute('select * from orders')", "the table 'orders' does not exist in the database"),
    "recursion": ("def f(n): return f(n + 1)\nf(0)", "a part of the program calls itself without end"),
    "memory": ("raise MemoryError()", "the machine has not enough memory for the data"),
    "pattern": ("import re\nre.compile('(')", "a search pattern in the program is written wrongly"),
    "stopped": ("raise KeyboardInterrupt()", "somebody stopped it"),
    "zero": ("1 / 0", "a number was divided by zero"),
    "own words": ("class TooLate(Exception): pass\nraise TooLate('the order came after the deadline')", "the program says: the order came after the deadline"),
    "what began it": ("try:\n    open('rates.csv')\nexcept OSError as e:\n    raise RuntimeError('cannot load') from e", "the file 'rates.csv' does not exist"),
}  # fmt: skip


def crash(source: str) -> Failure:
    """The failure of running `source` as a cell."""
    here, world = CellSource("run1", 1, source), {"__name__": "__main__"}
    try:
        exec(compile(source, "<the cell>", "exec"), world)
    except BaseException as error:
        limits = Limits(describe_ms=20_000, evidence_ms=20_000)
        return failure_of(error, cell_of=lambda name: here if name == "<the cell>" else None, namespace=world, limits=limits)
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("name", CRASHES)
def test_a_real_crash_in_plain_words(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what is wrong with what, and no word of it is a programmer's."""
    source, expected = CRASHES[name]
    if "sklearn" in source:
        pytest.importorskip("sklearn")
    if "pandas" in source or "numpy" in source:
        pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    found = reason(crash(source))
    assert found.clause.startswith(expected)
    assert not JARGON.search(found.clause), found.clause
    assert not JARGON.search(found.trouble), found.trouble


def test_a_syntax_error_names_the_line() -> None:
    """The cell never ran."""
    assert reason(crash("x = 1\ny = (2")).clause == "the program is written wrongly in line 2"


def test_every_kind_of_evidence_has_its_words() -> None:
    """A collector without words of its own is a gap: the two lists are one."""
    assert {rule.name for rule in registry._RULES} == set(BY_COLLECTOR)


@pytest.mark.parametrize("collector", sorted(BY_COLLECTOR))
def test_every_kind_of_evidence_speaks_without_jargon(collector: str) -> None:
    """Also where message and facts are bare: a clause, or None where the evidence says only where."""
    evidence = Evidence(collector, (Fact("something was seen"),))
    found = in_words(BY_COLLECTOR[collector], Failure("ValueError", "cannot do it"), evidence)
    assert found is None or (found.clause and found.trouble and not JARGON.search(found.clause + found.trouble))


def test_the_file_that_was_loaded_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the table in question came from one file, the operator is told which."""
    pytest.importorskip("pandas")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sales.csv").write_text("region_code,amount\nN,3\n")
    store = new_store()
    script = Script(store)
    for source in ("import pandas as pd", "df = pd.read_csv('sales.csv')", "df['Region_Code']"):
        script.run(source)
    script.close()
    said = operator(store)
    assert (
        str(said)
        == "The run failed in cell 3: the column 'Region_Code' does not exist; the file loaded (sales.csv) has 'region_code'."
    )
    assert said.as_json() == {"text": str(said), "failed": True}
    assert str(operator(store, execution="2")) == "Cell 2 ended well."
    assert "no column 'Region_Code'" in str(build(store))


def test_endings_without_an_exception() -> None:
    """A process that was killed, a cell that was stopped, one that took too long, and nothing wrong at all."""
    story = Story()
    session = story.session()
    for count, status in enumerate(("interrupted", "timed_out", "died"), 1):
        execution = story.cell(session, count, "work()", status=status)
    story.add(ProcessDied(session=session, execution=execution, exit_code=-9, signal="SIGKILL"))
    store = new_store()
    for event in story.events:
        store.add(event)
    assert str(operator(store, execution="1")) == "The run was stopped in cell 1 by somebody."
    assert str(operator(store, execution="2")) == "The run was stopped in cell 2: it took longer than allowed."
    assert str(operator(store)).startswith(
        "The run ended in cell 3: its process is gone; the system ended it, most often because memory ran out"
    )
    assert sentence(None, None) == "The run failed."


def runs(*failures: Failure | None) -> Store:
    """One session a failure (None: went well)."""
    story, store = Story(), new_store()
    for failure in failures:
        session = story.session(task="run")
        story.cell(session, 1, "go()", status="error" if failure else "ok", error=failure)
        story.add(SessionEnded(session=session))
    for event in story.events:
        store.add(event)
    return store


COLUMN = Failure("KeyError", "'a'", evidence=(Evidence("missing_key", (Fact("no column 'a'"),)),))


def test_runs_are_summed_up_by_kind_of_trouble() -> None:
    """The most frequent first; rare ones are counted together."""
    assert (
        str(stakeholder(runs(COLUMN, None, KEY_ERROR, None, COLUMN, *[None] * 5)))
        == "3 of 10 runs failed this week; 2 for missing columns, 1 for missing entries."
    )
    assert str(stakeholder(runs(None, None))) == "All 2 runs went well this week."
    assert str(stakeholder(runs(None))) == "The one run went well this week."
    assert str(stakeholder(runs())) == "Nothing ran this week."
    many = stakeholder(
        runs(
            COLUMN,
            KEY_ERROR,
            *(Failure(kind, "x") for kind in ("ZeroDivisionError", "MemoryError", "RecursionError", "OwnError")),
        )
    )
    assert str(many).endswith(", 2 for other reasons.")
    assert many.as_json()["failed"] == 6


def test_the_command_speaks_to_each(store_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--for` on `agentlog context`; the developer's is the context itself."""
    story = Story()
    session = story.session()
    story.cell(session, 14, "df['a']", status="error", error=COLUMN)
    journal = Journal(store_folder, Limits())
    for event in story.events:
        journal.append(to_record(event))
    journal.close()
    said = []
    for audience in ("operator", "developer", "stakeholder"):
        assert main(["context", "--for", audience]) == 0
        said.append(capsys.readouterr().out.strip())
    assert said[0] == "The run failed in cell 14: the column 'a' does not exist."
    assert "KeyError: 'a'" in said[1]
    assert said[2] == "1 of 1 run failed this week; 1 for missing columns."
