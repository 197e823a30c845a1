"""What carries messages to one kernel and back: its own sockets here, a websocket in `gateway.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import zmq
import zmq.asyncio
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.session import Session

Message = dict[str, Any]
Listener = Callable[[str, Message], None]
CHANNELS = ("shell", "iopub", "stdin", "control")


class Wire(Protocol):
    """Carries messages to a kernel and back."""

    session: Session

    async def open(self, receive: Listener) -> None: ...
    def send(self, channel: str, message: Message) -> None: ...
    def knock(self) -> None: ...
    async def close(self) -> None: ...


class ZmqWire:
    """The kernel's own sockets, in a context of their own that `close` destroys.

    The receive queue has no limit: with the usual one, a burst of output loses lines and the final `idle` too.
    """

    def __init__(self, connection: dict[str, Any]) -> None:
        self._context = zmq.asyncio.Context()
        self._context.setsockopt(zmq.RCVHWM, 0)  # type: ignore[attr-defined]
        self._context.setsockopt(zmq.LINGER, 0)  # type: ignore[attr-defined]
        self.client = AsyncKernelClient(context=self._context)
        self.client.load_connection_info(connection)
        self.session: Session = self.client.session
        self._readers: list[asyncio.Task[None]] = []
        self._knocker: Any = None

    async def open(self, receive: Listener) -> None:
        """Connect and start the readers; `receive(channel, message)` is called for each message."""
        self.client.start_channels(hb=False)
        self._readers = [asyncio.ensure_future(self._read(name, receive)) for name in CHANNELS]

    async def _read(self, name: str, receive: Listener) -> None:
        socket = getattr(self.client, f"{name}_channel").socket
        while True:
            parts = await socket.recv_multipart()
            try:
                _, signed = self.session.feed_identities(parts)
                message = self.session.deserialize(signed)
            except Exception:
                continue  # not signed with our key, or no message at all: somebody else's
            receive(name, message)

    def send(self, channel: str, message: Message) -> None:
        """Send without waiting."""
        line = getattr(self.client, f"{channel}_channel")
        line.send(message)
        # zmq says once that something came in: what it said to the send, the reader learns by this
        line.socket.get(zmq.EVENTS)  # type: ignore[attr-defined]

    def knock(self) -> None:
        """Make the kernel look up, by one more connection: ipykernel 7.0 to 7.3 sleeps over a request that came while it sent
        a reply, until somebody connects."""
        if self._knocker is not None:
            self._knocker.close(linger=0)
        self._knocker = self.client.connect_shell()

    async def close(self) -> None:
        """Stop the readers and leave no socket."""
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers = []
        self.client.stop_channels()
        self._context.destroy(linger=0)
