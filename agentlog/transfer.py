"""HTTP with the standard library: files up and down, JSON there and back, with retries where a retry can help.

Tried again, with growing pauses: no connection, a timeout, 408, 425, 429, 500, 502, 503, 504 (as `Retry-After` asks, where it
does). Anything else is an answer. Only http and https are spoken.
"""

from __future__ import annotations

import json
import random
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from agentlog.errors import StoreError, UsageError

TRIES = 5
SECONDS = 30.0
"""Of a single try."""
LONGEST_PAUSE = 30.0
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
MOST_ANSWER = 100_000_000
T = TypeVar("T")


class Refused(StoreError):
    """The other side answered, and said no. `status`: its HTTP status; `body`: what it said."""

    def __init__(self, message: str, status: int, body: str) -> None:
        super().__init__(message)
        self.status, self.body = status, body


def is_url(text: str) -> bool:
    """Is `text` an address this module can reach?"""
    return text.lower().startswith(("http://", "https://"))


def shown_url(url: str) -> str:
    """The address without what may be secret in it: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def send_json(
    url: str, data: object, *, headers: Mapping[str, str] | None = None, tries: int = TRIES, method: str = "POST"
) -> Any:
    """Send `data` as JSON; returns the answer's JSON (None where it is none). Raises Refused, StoreError."""
    body = json.dumps(data, ensure_ascii=False).encode("utf-8", "replace")
    said = {"Content-Type": "application/json", "User-Agent": "agentlog", **(headers or {})}

    def once() -> Any:
        with _open(urllib.request.Request(url, body, said, method=method)) as answer:
            text = answer.read(MOST_ANSWER)
        try:
            return json.loads(text)
        except ValueError:
            return None

    return _with_patience(once, url, tries)


def send_file(path: Path, url: str) -> None:
    """PUT the file. Raises Refused, StoreError."""

    def once() -> None:
        with open(path, "rb") as file:
            said = {
                "Content-Length": str(path.stat().st_size),
                "Content-Type": "application/octet-stream",
                "User-Agent": "agentlog",
            }
            with _open(urllib.request.Request(url, file, said, method="PUT")) as answer:
                answer.read(1000)

    _with_patience(once, url, TRIES)


def fetch_file(url: str, path: Path) -> None:
    """GET into the file at `path`. Raises Refused, StoreError."""

    def once() -> None:
        with _open(urllib.request.Request(url, headers={"User-Agent": "agentlog"})) as answer, open(path, "wb") as out:
            shutil.copyfileobj(answer, out)

    _with_patience(once, url, TRIES)


def _open(request: urllib.request.Request) -> Any:
    if not is_url(request.full_url):
        raise UsageError(f"{request.full_url!r} is no http or https address")
    return urllib.request.urlopen(request, timeout=SECONDS)


def _with_patience(once: Callable[[], T], url: str, tries: int) -> T:
    for number in range(1, tries + 1):
        wait = min(2 ** (number - 1), LONGEST_PAUSE) * random.SystemRandom().uniform(0.25, 0.75)
        try:
            return once()
        except urllib.error.HTTPError as error:
            with error:
                body = error.read(10_000).decode("utf-8", "replace")
            if error.code not in AGAIN or number == tries:
                raise Refused(
                    f"{shown_url(url)} answered {error.code} {error.reason}: {body[:300].strip()}", error.code, body
                ) from None
            wait = _asked_for(error) or wait
        except (urllib.error.URLError, TimeoutError, ConnectionError, OSError) as error:
            if number == tries:
                reason = getattr(error, "reason", error)
                raise StoreError(f"cannot reach {shown_url(url)} (tried {tries} times): {reason}") from None
        time.sleep(wait)
    raise AssertionError("unreachable")


def _asked_for(error: urllib.error.HTTPError) -> float | None:
    """Seconds that `Retry-After` asks for, within reason."""
    try:
        return min(float(error.headers.get("Retry-After", "")), LONGEST_PAUSE)
    except ValueError:
        return None
