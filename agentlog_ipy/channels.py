"""Messages to and from one kernel: who asked for what, and what has come back for it.

`Dispatch` always reads what its `Wire` carries, so that nothing is lost while nobody waits, and hands every message to
the `Request` it answers, by the id of its parent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from agentlog.clock import clock
from agentlog_ipy.wire import Listener, Message, Wire

IDLE_GRACE = 10.0
"""seconds that the idle message may take after the reply and the last output"""
REMEMBERED = 2_000
"""finished requests whose late output still finds its way"""
KNOCK = 1.0
"""seconds after which a kernel that has not begun with a request is made to look up"""


@dataclass(eq=False)
class Request:
    """One message that was sent, and what has come back for it.

    reply      the content of the answer; `answered`: the whole message
    settled    resolves when own reply and own idle have both arrived, whatever overtook what; an idle message that is
               lost on the way is given up `IDLE_GRACE` seconds after the reply and the last output
    started    the kernel said that it works on it
    listen     gets the iopub and stdin messages that belong to it, also after the end
    failed     what `listen` raised first
    """

    id: str
    kind: str
    reply: asyncio.Future[Message]
    settled: asyncio.Future[None]
    listen: Listener | None = None
    idle: bool = False
    started: bool = False
    gave_up: bool = False
    last: float = 0.0
    answered: Message | None = None
    failed: Exception | None = None

    @property
    def complete(self) -> bool:
        """Is there nothing more to wait for?"""
        return self.settled.done() and not self.settled.cancelled()

    def answer(self, message: Message) -> None:
        """The reply came."""
        if not self.reply.done():
            self.answered = message
            self.reply.set_result(message["content"])
            self._settle()
            if not self.idle:
                asyncio.get_running_loop().call_later(IDLE_GRACE, self._give_up)

    def status(self, state: str) -> None:
        """The kernel said how far it is with this."""
        self.started = self.started or state == "busy"
        if state == "idle":
            self.idle = True
            self._settle()

    def tell(self, channel: str, message: Message) -> None:
        """Hand a message to the listener. Its error is kept: raised here it would end the reading of all that follows."""
        if self.listen is not None:
            try:
                self.listen(channel, message)
            except Exception as reason:
                self.failed = self.failed or reason

    def cancel(self) -> None:
        """Nothing will come any more."""
        self.reply.cancel()
        self.settled.cancel()

    def _settle(self) -> None:
        if self.reply.done() and (self.idle or self.gave_up) and not self.settled.done():
            self.settled.set_result(None)

    def _give_up(self) -> None:
        quiet = clock.monotonic() - self.last
        if quiet < IDLE_GRACE:
            asyncio.get_running_loop().call_later(IDLE_GRACE - quiet, self._give_up)
        elif not self.idle:
            self.gave_up = True
            self._settle()


@dataclass
class Foreign:
    """Another client's request that the kernel is working on."""

    since: float
    code: str = ""


class Dispatch:
    """Sends requests over a wire and sorts what comes back."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.foreign: dict[str, Foreign] = {}
        self.unowned: Listener | None = None
        self._requests: OrderedDict[str, Request] = OrderedDict()
        self._open = True
        self._idle_again = asyncio.Event()

    async def open(self) -> None:
        """Start reading."""
        await self.wire.open(self._receive)

    async def close(self) -> None:
        """Stop reading. What is still waiting for a reply is cancelled."""
        self._open = False
        for request in self._requests.values():
            request.cancel()
        await self.wire.close()

    def send(
        self,
        channel: str,
        kind: str,
        content: Message,
        *,
        listen: Listener | None = None,
        metadata: Message | None = None,
        subshell: str | None = None,
    ) -> Request:
        """Send a request; `subshell` names the one that shall answer it."""
        message = self.wire.session.msg(kind, content, metadata=metadata)
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        loop = asyncio.get_running_loop()
        request = Request(message["header"]["msg_id"], kind, loop.create_future(), loop.create_future(), listen)
        self._remember(request)
        self.wire.send(channel, message)
        if channel == "shell":
            loop.call_later(KNOCK, self._knock, request)
        return request

    def _knock(self, request: Request) -> None:
        if self._open and not request.started and not request.reply.done():
            self.wire.knock()

    def answer(self, content: Message, parent: Message) -> None:
        """Answer an `input_request`."""
        message = self.wire.session.msg("input_reply", content, parent=parent)
        self.wire.send("stdin", message)

    def _remember(self, request: Request) -> None:
        self._requests[request.id] = request
        while len(self._requests) > REMEMBERED:
            self._requests.popitem(last=False)

    def others_end(self, identifier: str) -> None:
        """Another client's request is done."""
        if self.foreign.pop(identifier, None) is not None:
            self._idle_again.set()

    async def others_done(self) -> None:
        """Wait until no other client's cell runs."""
        while self.foreign:
            self._idle_again.clear()
            await self._idle_again.wait()

    def _receive(self, channel: str, message: Message) -> None:
        parent = message.get("parent_header") or {}
        request = self._requests.get(parent.get("msg_id", ""))
        if channel == "iopub":
            self._published(request, parent, message)
        elif channel == "stdin":
            if request is not None:
                request.tell(channel, message)
        elif request is not None:
            request.answer(message)

    def _published(self, request: Request | None, parent: Message, message: Message) -> None:
        kind = message["header"]["msg_type"]
        if request is None:
            self._foreign(kind, parent, message)
            return
        request.last = clock.monotonic()
        request.tell("iopub", message)
        if kind == "status":
            request.status(str(message["content"].get("execution_state")))

    def _foreign(self, kind: str, parent: Message, message: Message) -> None:
        identifier = parent.get("msg_id", "")
        state = message["content"].get("execution_state") if kind == "status" else None
        if state == "busy" and parent.get("msg_type") == "execute_request" and "subshell_id" not in parent:
            self.foreign[identifier] = Foreign(clock.monotonic())
        elif kind == "execute_input" and identifier in self.foreign:
            self.foreign[identifier].code = message["content"].get("code", "")
        elif state == "idle":
            self.others_end(identifier)
        if self.unowned is not None:
            self.unowned("iopub", message)
