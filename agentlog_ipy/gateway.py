"""A kernel on a Jupyter Server or Kernel Gateway: its life over REST, its messages over one websocket.

Stands on tornado, which jupyter_client brings along. The same `Kernel` drives it; what needs signals or files on the
kernel's machine (the last rungs of the ladder, faulthandler's file) is not available, and the answers say so.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from agentlog.errors import KernelStartError
from agentlog_ipy.process import GONE
from agentlog_ipy.wire import Listener, Message

_SECONDS = 30.0
_DEAD = ("dead", "restarting", "autorestarting")
"""what the server says of a kernel that died; the one it starts instead has none of its variables"""
_LIVES_EVERY = 10
"""one look at the kernel over REST for so many of the watcher's"""


class GatewayProcess:
    """A kernel behind a server; started there, or found by `kernel_id`, which `close` then leaves running."""

    owned = True

    def __init__(
        self, url: str, spec: str, *, token: str | None = None, env: Mapping[str, str] | None = None, kernel_id: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.spec = spec
        self.token = token
        self.env = dict(env or {})
        self.kernel_id = kernel_id
        self.owned = kernel_id is None
        self.pid: int | None = None
        self.connection: dict[str, Any] = {}
        self._wire: WebSocketWire | None = None
        self._turn = 0
        self._gone = False
        self._ending: asyncio.Future[Any] | None = None

    async def start(self) -> None:
        """Ask the server for a kernel. Raises KernelStartError."""
        if self.kernel_id is None:
            model = await self._request("POST", "/api/kernels", {"name": self.spec, "env": self.env})
            self.kernel_id = str(model["id"])
        else:
            await self._request("GET", self._path())

    def wire(self) -> WebSocketWire:
        """The line to it."""
        address = "ws" + self.url.removeprefix("http") + self._path() + "/channels"
        self._wire = WebSocketWire(address, self._headers())
        return self._wire

    def _path(self) -> str:
        return f"/api/kernels/{quote(str(self.kernel_id))}"

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"token {self.token}"} if self.token else {}

    async def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        request = HTTPRequest(
            self.url + path,
            method=method,
            headers={**self._headers(), "Content-Type": "application/json"},
            body=json.dumps(body) if body is not None else "" if method == "POST" else None,
            request_timeout=_SECONDS,
        )
        try:
            response = await AsyncHTTPClient().fetch(request)
        except HTTPClientError as reason:
            raise KernelStartError(self._refused(reason)) from None
        except OSError as reason:
            raise KernelStartError(f"no Jupyter server at {self.url}: {reason.strerror or reason}") from None
        try:
            return json.loads(response.body) if response.body else None
        except ValueError:
            raise KernelStartError(
                f"{self.url} is no Jupyter server, or a page to log in stands before it: no JSON came"
            ) from None

    def _refused(self, reason: HTTPClientError) -> str:
        if reason.code in (401, 403):
            return f"{self.url} refused the token (HTTP {reason.code}): pass token=..."
        said = (
            reason.response.body.decode("utf-8", "replace")[:300] if reason.response is not None and reason.response.body else ""
        )
        return f"{self.url} could not give a kernel {self.spec!r} (HTTP {reason.code}) {said}".rstrip()

    async def exit_code(self) -> int | None:
        """None while the server has it; GONE when it says that it died, or knows it no more."""
        if self._gone or (self._wire is not None and self._wire.died):
            return GONE
        self._turn += 1
        if self._turn % _LIVES_EVERY == 0:
            try:
                model = await self._request("GET", self._path())
                self._gone = model.get("execution_state") == "dead"
            except KernelStartError as reason:
                self._gone = "HTTP 404" in str(reason)
        return GONE if self._gone else None

    async def interrupt(self) -> None:
        """The server sends the interrupt."""
        await self._request("POST", f"{self._path()}/interrupt")

    def signal(self, number: int) -> bool:
        """No signal reaches it."""
        return False

    async def kill(self) -> None:
        """The server ends it; it takes its time, so that `clean` waits for it, not the one who needs a new one."""
        if self._ending is None and self.kernel_id is not None:
            self._gone = True
            self._ending = asyncio.ensure_future(self._request("DELETE", self._path()))

    async def clean(self) -> None:
        """Nothing of it is left here or there."""
        if self._ending is not None:
            await asyncio.gather(self._ending, return_exceptions=True)

    def stderr(self) -> str:
        """Not ours to read."""
        return ""


class WebSocketWire:
    """All channels of a kernel over one websocket, in JSON."""

    def __init__(self, address: str, headers: Mapping[str, str]) -> None:
        self._request = HTTPRequest(address, headers=dict(headers), request_timeout=_SECONDS)
        self._connection: WebSocketClientConnection | None = None
        self._writing: set[asyncio.Future[None]] = set()
        self._reader: asyncio.Task[None] | None = None
        self.session = Session()
        self.died = False

    async def open(self, receive: Listener) -> None:
        """Connect. Raises KernelStartError."""
        try:
            self._connection = await websocket_connect(self._request, max_message_size=1 << 30)
        except (HTTPClientError, OSError) as reason:
            raise KernelStartError(f"no websocket at {self._request.url}: {reason}") from None
        self._reader = asyncio.ensure_future(self._read(receive))

    async def _read(self, receive: Listener) -> None:
        assert self._connection is not None
        while (frame := await self._connection.read_message()) is not None:
            try:
                message = message_of(frame)
            except (ValueError, TypeError, KeyError, struct.error):
                continue  # no message: somebody between us and the server has something to say
            if message["msg_type"] == "status" and message["content"].get("execution_state") in _DEAD:
                self.died = True
            receive(message.pop("channel", "shell"), message)
        self.died = True

    def send(self, channel: str, message: Message) -> None:
        """Send without waiting."""
        assert self._connection is not None
        body = {name: message[name] for name in ("header", "parent_header", "metadata", "content")}
        text = json.dumps({**body, "channel": channel, "buffers": []}, default=json_default)
        writing = asyncio.ensure_future(_quietly(self._connection.write_message(text)))
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    def knock(self) -> None:
        """The line to the kernel is the server's."""

    async def close(self) -> None:
        """Leave no connection."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def message_of(frame: str | bytes) -> Message:
    """The message in a frame. One with raw bytes beside its JSON is binary: the number of its parts, the place of each, the
    parts, the first of which is the JSON; the rest (a widget's) is of no use here."""
    if isinstance(frame, bytes):
        count, start = struct.unpack_from("!II", frame)
        end = struct.unpack_from("!I", frame, 8)[0] if count > 1 else len(frame)
        frame = frame[start:end]
    message: Message = json.loads(frame)
    message.setdefault("msg_type", message["header"]["msg_type"])
    return message


async def _quietly(writing: Any) -> None:
    try:
        await writing
    except Exception:
        pass  # closed: the reader sees it too
