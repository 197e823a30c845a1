"""Sending OTLP over HTTP with the standard library: JSON, gzip, and again only where the other side asks for it."""

from __future__ import annotations

import gzip
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from http.client import HTTPException

from agentlog import __version__
from agentlog.clock import clock
from agentlog.errors import AgentlogError, UsageError
from agentlog.otlp.json import Json
from agentlog.otlp.settings import headers

AGAIN = frozenset({429, 502, 503, 504})
TRIES = 6
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SECONDS = 30.0


class NotTaken(UsageError):
    """The receiver does not take this kind of data at this address (404, 405, 415)."""


def send(url: str, body: Json, *, sleep: Callable[[float], None] = time.sleep) -> str | None:
    """POST `body`; returns what the receiver said of parts it did not take, None when it took all.

    Tries again with growing pauses on 429, 502, 503, 504 and where nobody answers. Raises NotTaken, UsageError, AgentlogError.
    """
    request = urllib.request.Request(url, gzip.compress(json.dumps(body, ensure_ascii=False).encode(), 6), method="POST")
    fixed = {"content-type": "application/json", "content-encoding": "gzip", "user-agent": f"agentlog/{__version__}"}
    for name, value in {**headers(), **fixed}.items():
        request.add_header(name, value)
    trouble, asked = "", 0.0
    for trial in range(TRIES):
        if trial:
            sleep(asked or min(FIRST_PAUSE * 2 ** (trial - 1), LONGEST_PAUSE) * random.uniform(0.5, 1.0))
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                return _partial(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                trouble, asked = f"{error.code} {error.reason}", _retry_after(error.headers.get("Retry-After"))
                if error.code not in AGAIN:
                    raise _refused(url, error) from None
        except (OSError, HTTPException) as error:
            trouble, asked = str(getattr(error, "reason", "") or error), 0.0
    raise AgentlogError(f"OTLP to {_shown(url)}: {trouble}, {TRIES} tries; nothing of this part is known to have arrived")


def _refused(url: str, error: urllib.error.HTTPError) -> UsageError:
    said = error.read(300).decode("utf-8", "replace").strip().replace("\n", " ")
    kind = NotTaken if error.code in (404, 405, 415) else UsageError
    return kind(
        f"OTLP to {_shown(url)}: {error.code} {error.reason}" + (f": {said}" if said and not said.startswith("<") else "")
    )


def _partial(body: bytes) -> str | None:
    """What a partial success says. It is never sent again: what was refused once would be refused again."""
    try:
        found = (json.loads(body or b"{}") or {}).get("partialSuccess") or {}
    except (ValueError, AttributeError):
        return None
    rejected = int(found.get("rejectedSpans") or found.get("rejectedLogRecords") or 0)
    if not rejected and not found.get("errorMessage"):
        return None
    return f"{rejected} refused: {found.get('errorMessage') or 'no reason given'}"


def _retry_after(text: str | None) -> float:
    """Seconds that the receiver asks us to wait, 0 where it does not say."""
    if not text:
        return 0.0
    if text.strip().isdigit():
        return min(float(text), LONGEST_PAUSE)
    try:
        return min(max(parsedate_to_datetime(text).timestamp() - clock.time(), 0.0), LONGEST_PAUSE)
    except (TypeError, ValueError):
        return 0.0


def _shown(url: str) -> str:
    """The address without a password in it."""
    head, at, tail = url.rpartition("@")
    return f"{head.split('//')[0]}//…@{tail}" if at else url
