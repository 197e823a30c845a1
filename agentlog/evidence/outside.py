"""What came back from outside: HTTP answers, databases, other programs."""

from __future__ import annotations

import re
from typing import Any

from agentlog import peek
from agentlog.evaluate import PLAIN, package_of
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.databases import there_is
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.stack import cause_of

_BODY = 600
_DRIVERS = frozenset({"sqlite3", "sqlalchemy", "psycopg", "psycopg2", "pymysql", "MySQLdb", "duckdb", "oracledb", "pyodbc"})
_CREDENTIALS = re.compile(r"//[^/@\s]+@")


@collector("HTTPError", "RequestException", "HTTPStatusError", "RequestError", "JSONDecodeError", "URLError", "ClientError", "ClientResponseError", "ConnectionError", "Timeout", "TimeoutException",
           "KeyError", "TypeError", "InvalidURL")  # fmt: skip
def http(failing: Failing) -> list[Fact] | None:
    """Request and answer: method, address, status, kind and beginning of the body; also of an answer that only failed later, in parsing."""
    facts: list[Fact] = []
    seen: set[int] = set()
    for about, value in _messages(failing):
        if id(value) not in seen:
            seen |= {id(value), id(_sent(value))}  # an answer says what was asked
            facts += _answer(about, value) if _is_answer(value) else _request(about, value)
    code, reason = failing.told("code"), failing.told("reason")
    if package_of(type(failing.error)) == "urllib":
        facts.append(
            Fact(f"status {code} for {_address(failing.told('url'))}" if type(code) is int else f"reason: {str(reason)[:200]}")
        )
    return facts[:5] or None


def _messages(failing: Failing) -> list[tuple[str | None, Any]]:
    """Answers and requests: the exception's own, then those in sight of the user's frame and of the library below."""
    held = peek.own_dict(failing.error) or {}
    pairs: list[tuple[str | None, Any]] = [
        (None, held[name]) for name in ("response", "_response", "request", "_request") if held.get(name) is not None
    ]
    names = (
        list(failing.names.items())[-200:]
        if package_of(type(failing.error)) != "builtins" or failing.user is None or not failing.user.top
        else failing.data()
    )
    pairs += [*failing.data(), *names, *((None, value) for value in failing.library_locals("self", "response").values())]
    return [(about, value) for about, value in pairs if _is_answer(value) or _is_request(value)]


def _is_answer(value: object) -> bool:
    return probe.type_name(value) == "Response" and package_of(type(value)) in ("requests", "httpx")


def _is_request(value: object) -> bool:
    return probe.type_name(value) in ("PreparedRequest", "Request") and package_of(type(value)) in ("requests", "httpx")


def _answer(about: str | None, answer: Any) -> list[Fact]:
    held = peek.own_dict(answer) or {}
    status, body = held.get("status_code"), held.get("_content")
    headers = held.get("headers")
    kind = headers.get("content-type") if headers is not None and package_of(type(headers)) in ("requests", "httpx") else None
    sent = peek.own_dict(_sent(answer)) or {}
    url = _address(held.get("url") or sent.get("url"))
    facts = [
        Fact(f"{sent.get('method', 'GET')} {url} answered {status} {held.get('reason') or ''} {kind or ''}".strip(), about=about)
    ]
    if type(body) is bytes:
        text = body[:_BODY].decode("utf-8", "replace")
        facts.append(Fact(f"body, {len(body)} bytes: {text!r}" if body else "the body is empty", about=about))
    return facts


def _sent(answer: object) -> object:
    """The request of an answer."""
    held = peek.own_dict(answer) or {}
    return held.get("request", held.get("_request"))


def _request(about: str | None, request: Any) -> list[Fact]:
    held = peek.own_dict(request) or {}
    return [Fact(f"request: {held.get('method')} {_address(held.get('url'))}", about=about)]


def _address(url: object) -> str:
    text = url if type(url) is str else str(url) if package_of(type(url)) in ("httpx", "yarl") else "?"
    return _CREDENTIALS.sub("//", text)[:300]


# --- databases ------------------------------------------------------------------------------------------------


@collector(
    "Error",
    "DBAPIError",
    "StatementError",
    "SQLAlchemyError",
    "DatabaseError",
    "ProgrammingError",
    "OperationalError",
    "IntegrityError",
)
def sql(failing: Failing) -> list[Fact] | None:
    """The statement, its parameters by type, the place the driver names, and what the database has instead; also where a library
    raised its own error from the driver's."""
    if not any(package_of(base) in _DRIVERS for error in _errors(failing) for base in peek.mro(type(error))):
        return None
    statement, parameters = _statement(failing)
    facts = []
    if type(statement) is str:
        facts.append(Fact(f"statement: {' '.join(statement.split())[:500]}"))
        facts += [*_place(statement, failing), *there_is(failing, statement)]
    if parameters is not None:
        facts.append(Fact(f"parameters: {_by_type(parameters)}"))
    code = _driver(failing, "sqlite_errorname") or _driver(failing, "sqlstate") or _driver(failing, "pgcode")
    return facts + ([Fact(f"the driver's code: {code}")] if type(code) is str else [])


def _errors(failing: Failing) -> list[BaseException]:
    """The exception and the one that it came from: pandas raises its own from the driver's."""
    return [error for error in (failing.error, cause_of(failing.error)[0]) if error is not None]


def _driver(failing: Failing, name: str) -> Any:
    """An attribute of a driver's own exception."""
    known = [getattr(error, "orig", None) if package_of(type(error)) == "sqlalchemy" else error for error in _errors(failing)]
    return next((getattr(error, name, None) for error in known if package_of(type(error)) in _DRIVERS), None)


def _statement(failing: Failing) -> tuple[object, object]:
    held = peek.own_dict(failing.error) or {}
    if type(held.get("statement")) is str:
        return held["statement"], held.get("params")
    pairs = [*failing.call_arguments(), *(value for _, value in failing.handed())]
    texts = [
        value
        for value in pairs
        if type(value) is str
        and re.match(
            r"\s*(?:select|insert|update|delete|create|drop|alter|with|pragma|replace|merge|begin|attach|copy)\b", value, re.I
        )
    ]
    others = [value for value in pairs if peek.exactly(value, tuple, list, dict)]
    return (texts[0] if texts else None), (others[0] if others else None)


def _by_type(parameters: Any) -> str:
    if type(parameters) is dict:
        return ", ".join(f"{probe.show(key)}: {probe.type_name(value)}" for key, value in list(parameters.items())[:20])
    if peek.exactly(parameters, tuple, list):
        rows = len(parameters) and peek.exactly(parameters[0], tuple, list, dict)
        return (
            f"{len(parameters)} rows, the first: {_by_type(parameters[0])}"
            if rows
            else f"{len(parameters)}: " + ", ".join(probe.type_name(value) for value in parameters[:20])
        )
    return probe.type_name(parameters)


def _place(statement: str, failing: Failing) -> list[Fact]:
    """PostgreSQL names a position, SQLite the word it stumbled over."""
    position = getattr(_driver(failing, "diag"), "statement_position", None)
    if type(position) is str and position.isdigit():
        from agentlog.evidence.parsing import around

        return [Fact(f"at character {position}: {around(statement, int(position) - 1)}")]
    told = re.search(r"near \"([^\"]+)\"|no such (?:column|table): (\S+)", failing.message)
    word = next((group for group in told.groups() if group), None) if told else None
    places = [hit.start() for hit in re.finditer(re.escape(word), statement)] if word else []
    return (
        [Fact(f"{word!r} stands at character {places[0]}: {statement[max(0, places[0] - 30) : places[0] + 40]!r}")]
        if places
        else []
    )


# --- programs -------------------------------------------------------------------------------------------------


@collector("CalledProcessError", "TimeoutExpired")
def subprocess(failing: Failing) -> list[Fact]:
    """The command, its exit code, and the last lines it wrote."""
    error: Any = failing.error
    held = peek.own_dict(error) or {}
    command: Any = held.get("cmd")
    words = (
        " ".join(str(word) for word in command)
        if peek.exactly(command, list, tuple) and all(type(word) in PLAIN for word in command)
        else command
    )
    words = words.decode("utf-8", "replace") if type(words) is bytes else words
    facts = [Fact(f"command: {' / '.join(words.splitlines())[:400]}" if type(words) is str else "command unknown")]
    if "returncode" in held:
        code = held["returncode"]
        facts.append(Fact(f"exit code {code}" + (f" (killed by signal {-code})" if type(code) is int and code < 0 else "")))
    else:
        facts.append(Fact(f"no end within {held.get('timeout')} s"))
    if held.get("stderr") is None and held.get("output") is None:
        return [*facts, Fact("stdout and stderr were not captured")]
    return facts + [Fact(f"{name}: {_tail(held.get(key))}") for name, key in (("stderr", "stderr"), ("stdout", "output"))]


def _tail(output: object) -> str:
    text = output.decode("utf-8", "replace") if type(output) is bytes else output
    if type(text) is not str:
        return "was not captured"
    lines = text.strip().splitlines()
    return (f"({len(lines)} lines, the last) " if len(lines) > 8 else "") + " / ".join(lines[-8:])[-800:] if lines else "is empty"
