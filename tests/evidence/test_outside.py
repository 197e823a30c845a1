"""HTTP answers, databases, programs."""

from __future__ import annotations

from collections.abc import Callable

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
]


@pytest.mark.parametrize(
    ("needs", "source", "collector", "wanted"), CASES, ids=[case[1].strip().splitlines()[-1].strip()[:60] for case in CASES]
)
def test_facts(
    needs: str, source: str, collector: str, wanted: list[tuple[str | None, str]], crash: Callable, check: Callable
) -> None:
    """What came back from outside."""
    for module in needs.split():
        pytest.importorskip(module)
    check(crash(source), wanted, collector)


def test_an_answer_says_what_was_asked(crash: Callable, facts: Callable) -> None:
    """Its request is told by the same line; a request without an answer has one of its own."""
    pytest.importorskip("requests")
    asked = "import requests\nq = requests.Request('POST', 'http://host/x').prepare()\nr = requests.Response()\nr.request = q\nr.url = q.url\n"
    answered = [fact.text for fact in facts(crash(asked + "r.status_code = 503\nr.raise_for_status()"), "http")]
    assert [text for text in answered if "http://host/x" in text] == ["POST http://host/x answered 503"]
    refused = [fact.text for fact in facts(crash(asked + "raise requests.ConnectionError('refused', request=q)"), "http")]
    assert "request: POST http://host/x" in refused
