"""HTTP answers, databases, programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

CASES = [
    (
        "",
        "import sqlite3\nc = sqlite3.connect(':memory:')\nq = 'select nme from t where id=?'\nc.execute('create table t(id, name)')\nc.execute(q, (1,))",
        "sql",
        [(None, "statement: select nme from t where id=?"), (None, "'nme' stands at character 7"), (None, "parameters: 1: int")],
    ),
    (
        "",
        "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'import sys; print(1); sys.stderr.write(\"bad\"); sys.exit(3)'], check=True, capture_output=True)",
        "subprocess",
        [(None, "exit code 3"), (None, "stderr: bad"), (None, "stdout: 1")],
    ),
    (
        "requests",
        "import requests\nr = requests.Response()\nr.status_code = 502\nr._content = b'<html>Bad Gateway</html>'\nr.url = 'http://u:pw@host/x'\nr.headers['content-type'] = 'text/html'\nr.json()",
        "http",
        [("r", "GET http://host/x answered 502  text/html"), ("r", "body, 24 bytes: '<html>Bad Gateway</html>'")],
    ),
    (
        "requests",
        "import requests\nr = requests.Response()\nr.status_code = 404\nr.url = 'http://host/x'\nr._content = b'no'\nr.raise_for_status()",
        "http",
        [("...", "GET http://host/x answered 404")],
    ),
    (
        "sqlalchemy",
        "import sqlalchemy as sa\ne = sa.create_engine('sqlite://')\nwith e.connect() as c:\n    c.execute(sa.text('select * from missing where id=:id'), {'id': 3})",
        "sql",
        [(None, "statement: select * from missing where id=?"), (None, "parameters: 1: int")],
    ),
    (
        "pandas",
        "import sqlite3, pandas as pd\nlink = sqlite3.connect(':memory:')\nlink.execute('create table people (a int, b text)')\npd.read_sql('select * from peple', link)",
        "sql",
        [
            (None, "statement: select * from peple"),
            ("link", "no table 'peple'; nearest 'people' (similar); 1 table: people"),
        ],
    ),
    (
        "pandas",
        "import sqlite3, pandas as pd\nlink = sqlite3.connect(':memory:')\nlink.execute('create table people (age int, b text)')\nq = 'select agee from people'\npd.read_sql_query(q, link)",
        "sql",
        [("table people", "no column 'agee'; nearest 'age' (similar); 2 columns: age, b")],
    ),
    (
        "",
        "import sqlite3\nlink = sqlite3.connect(':memory:')\nlink.row_factory = sqlite3.Row\ncursor = link.cursor()\ncursor.execute('select * from t')",
        "sql",
        [("link", "no table 't'; no tables at all")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """What came back from outside."""
    finds(case)


def test_an_answer_says_what_was_asked(crash: Callable, facts: Callable) -> None:
    """Its request is told by the same line; a request without an answer has one of its own."""
    pytest.importorskip("requests")
    asked = "import requests\nq = requests.Request('POST', 'http://host/x').prepare()\nr = requests.Response()\nr.request = q\nr.url = q.url\n"
    answered = [fact.text for fact in facts(crash(asked + "r.status_code = 503\nr.raise_for_status()"), "http")]
    assert [text for text in answered if "http://host/x" in text] == ["POST http://host/x answered 503"]
    refused = [fact.text for fact in facts(crash(asked + "raise requests.ConnectionError('refused', request=q)"), "http")]
    assert "request: POST http://host/x" in refused


def test_a_watched_connection_is_not_asked(crash: Callable, facts: Callable) -> None:
    """Where the user looks at each statement, no statement of ours is run."""
    seen: list[str] = []
    source = "import sqlite3\nlink = sqlite3.connect(':memory:')\nlink.execute('create table t (a)')\nlink.set_trace_callback(seen.append)\nlink.execute('select * from nope')"
    assert not [fact for fact in facts(crash(source, seen=seen), "sql") if "no table" in fact.text]
    assert not [statement for statement in seen if "sqlite_master" in statement]


def test_looking_at_a_database_changes_nothing(crash: Callable, facts: Callable) -> None:
    """The transaction that was open stays so, with what was written in it."""
    world: dict[str, Any] = {}
    source = "import sqlite3\nlink = sqlite3.connect(':memory:')\nlink.execute('create table t (a)')\nlink.execute('insert into t values (1)')\nworld['link'] = link\nlink.execute('select b from t')"
    try:
        failure = crash(f"def work(world):\n    {source.replace(chr(10), chr(10) + '    ')}\nwork(world)", world=world)
        assert [fact.text for fact in facts(failure, "sql") if fact.about == "table t"] == ["no column 'b'; 1 column: a"]
        assert world["link"].in_transaction
        assert world["link"].execute("select count(*) from t").fetchone() == (1,)
    finally:
        world["link"].close()


def test_a_script_is_a_command(crash: Callable, check: Callable) -> None:
    """`%%bash` hands its script over as bytes."""
    failure = crash("import subprocess\nraise subprocess.CalledProcessError(3, b'echo hi\\nexit 3\\n')")
    check(failure, [(None, "exit code 3"), (None, "command: echo hi / exit 3"), (None, "stdout and stderr were not captured")])
