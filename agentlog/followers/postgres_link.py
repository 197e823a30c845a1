"""One connection to PostgreSQL that speaks the SQL of the index, and tells its troubles in one line.

The statements of `store`, `gather` and `deaths` are written for SQLite; `translated` says what is different.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from agentlog.errors import MissingExtra, StoreError
from agentlog.followers.postgres_schema import SCHEMA

CONNECT_SECONDS = 10
Trace = Callable[[str], None]
_LATEST = re.compile(r"SELECT hash, type, message, count\(\*\), max\(at\) FROM failures")


class Lost(StoreError):
    """The server cannot be reached, or the connection broke; another try may go well."""


def is_postgres(place: object) -> bool:
    """Is `place` the URL of a PostgreSQL database?"""
    return isinstance(place, str) and place.startswith(("postgresql://", "postgres://"))


def shown(url: str) -> str:
    """The URL without user, password and options."""
    parts = urlsplit(url)
    return f"postgresql://{parts.hostname or 'local'}{f':{parts.port}' if parts.port else ''}{parts.path}"


@lru_cache(maxsize=256)
def translated(sql: str) -> str:
    """SQL of the index as PostgreSQL says it: placeholders, case-blind LIKE, no limit, equal or both absent, ignored doubles,
    and the message of the latest of a group."""
    latest = "SELECT hash, (array_agg(type ORDER BY at DESC))[1], (array_agg(message ORDER BY at DESC))[1], count(*), max(at) FROM failures"
    sql = _LATEST.sub(latest, sql.replace("%", "%%"))
    sql = sql.replace("LIMIT ?", "LIMIT NULLIF(?::bigint, -1)").replace("?", "%s")
    sql = re.sub(r"\bLIKE\b", "ILIKE", sql)
    sql = re.sub(r"\bIS this\.", "IS NOT DISTINCT FROM this.", sql)
    if sql.startswith("INSERT OR IGNORE"):
        sql = sql.replace("INSERT OR IGNORE", "INSERT", 1) + " ON CONFLICT DO NOTHING"
    return sql


class Link:
    """A connection that is made when it is needed. Statements outside `transaction` commit by themselves. Raises Lost, StoreError."""

    def __init__(self, url: str, trace: Trace | None = None) -> None:
        """`trace` is told of each statement before it is sent: tests cut the connection there."""
        self.url = url
        self.mutex = threading.RLock()
        self._trace = trace or (lambda sql: None)
        self._connection: Any = None
        self._within = False

    def execute(self, sql: str, values: Iterable[Any] = ()) -> Any:
        """A cursor with the answer."""
        return self._say(sql, lambda connection: connection.execute(translated(sql), [_clean(value) for value in values]))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """The statement once for each row."""
        cleaned = [[_clean(value) for value in row] for row in rows]
        if cleaned:
            self._say(sql, lambda connection: connection.cursor().executemany(translated(sql), cleaned))

    def script(self, sql: str) -> None:
        """Several statements, as PostgreSQL writes them."""
        self._say(sql, lambda connection: connection.execute(sql))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements of the block, or none. A connection that breaks in it is not made anew before its end."""
        self.execute("BEGIN")
        self._within = True
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(StoreError):
                self.execute("ROLLBACK")
            raise
        finally:
            self._within = False

    def close(self) -> None:
        """Drop the connection; the next statement makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()

    def _say(self, sql: str, do: Callable[[Any], Any]) -> Any:
        with self.mutex:
            self._connected()
            import psycopg

            try:
                self._trace(sql)
                return do(self._connection)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                self.close()
                raise Lost(f"lost {shown(self.url)}: {_reason(error)}") from None
            except psycopg.Error as error:
                raise StoreError(f"{shown(self.url)} refuses: {_reason(error)}") from None

    def _connected(self) -> None:
        if self._connection is None:
            if self._within:
                raise Lost(f"lost {shown(self.url)} in the middle of a transaction")
            self._connection = _connect(self.url)


def _connect(url: str) -> Any:
    try:
        import psycopg
        from psycopg.adapt import Dumper
    except ImportError:
        raise MissingExtra("a store in PostgreSQL", "postgres") from None

    class Untyped(Dumper):
        """Numbers without a type of their own: the column says what they are."""

        oid = 0

        def dump(self, obj: Any) -> bytes:
            return repr(obj).encode()

    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="agentlog")
        for kind in (int, float):
            connection.adapters.register_dumper(kind, Untyped)
        if "search_path" not in url:
            connection.execute(f"SET search_path TO {SCHEMA}")
    except psycopg.Error as error:
        raise Lost(f"cannot reach {shown(url)}: {_reason(error)}") from None
    return connection


def _clean(value: Any) -> Any:
    """`value` as PostgreSQL takes it: no NUL in texts, flags as numbers."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return value.replace("\0", "␀") if isinstance(value, str) and "\0" in value else value


def _reason(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
