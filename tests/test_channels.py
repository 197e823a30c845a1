"""`Dispatch` over a `ZmqWire`, with real sockets: whatever comes in is read, also what comes while something goes out."""

from __future__ import annotations

import asyncio
import select
from collections.abc import Iterator

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from agentlog_ipy.channels import Dispatch, Request
from agentlog_ipy.wire import ZmqWire

PATIENCE = 60.0
KINDS = {"shell": zmq.ROUTER, "control": zmq.ROUTER, "stdin": zmq.ROUTER, "iopub": zmq.XPUB}


class FarSide:
    """The sockets of a kernel, in the hands of the test: it says when an answer comes."""

    def __init__(self) -> None:
        self.context = zmq.Context()
        self.sockets = {name: self.context.socket(kind) for name, kind in KINDS.items()}
        ports = {f"{name}_port": socket.bind_to_random_port("tcp://127.0.0.1") for name, socket in self.sockets.items()}
        self.connection = {
            "transport": "tcp",
            "ip": "127.0.0.1",
            "key": "k",
            "signature_scheme": "hmac-sha256",
            "hb_port": 0,
            **ports,
        }
        self.session = Session(key=b"k")

    def answer(self, channel: str) -> None:
        """Wait for the next request and answer it."""
        socket = self.sockets[channel]
        assert socket.poll(PATIENCE * 1000)
        identity, request = self.session.recv(socket)
        self.session.send(socket, "kernel_info_reply", {}, parent=request, ident=identity)


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    """Closed with the test."""
    far_side = FarSide()
    yield far_side
    far_side.context.destroy(linger=0)


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_an_answer_that_comes_while_a_request_goes_out_is_read(far_side: FarSide, channel: str) -> None:
    """zmq says once that something came in, and a send in that moment takes the word away: the reader would sleep on, and so
    through everything that comes later."""

    async def main() -> None:
        wire = ZmqWire(far_side.connection)
        dispatch = Dispatch(wire)
        await dispatch.open()
        try:
            await _asked(dispatch, channel, far_side)
            socket = getattr(wire.client, f"{channel}_channel").socket
            request = _ask(dispatch, channel)
            socket.get(zmq.EVENTS)  # no older word is left: the next is that of the answer
            far_side.answer(channel)
            assert _told(socket, PATIENCE)
            while _told(socket, 0):  # the event loop has not had its turn since
                _ask(dispatch, channel)
            await asyncio.wait_for(request.reply, PATIENCE)
        finally:
            await dispatch.close()

    asyncio.run(main())


def test_a_kernel_that_sleeps_over_a_request_is_woken(far_side: FarSide) -> None:
    """Kernels lose the word in the same way: ipykernel 7.0 to 7.3 to a reply that goes out when a request comes in."""
    shell = far_side.sockets["shell"]

    async def main() -> None:
        dispatch = Dispatch(ZmqWire(far_side.connection))
        await dispatch.open()
        serving = asyncio.ensure_future(_serve(far_side))
        try:
            await asyncio.wait_for(_ask(dispatch, "shell").reply, PATIENCE)
            shell.get(zmq.EVENTS)
            request = _ask(dispatch, "shell")
            assert _told(shell, PATIENCE)
            while _told(shell, 0):  # the word is taken before the kernel's event loop has its turn
                shell.get(zmq.EVENTS)
            assert shell.get(zmq.EVENTS) & zmq.POLLIN
            await asyncio.wait_for(request.reply, PATIENCE)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await dispatch.close()

    asyncio.run(main())


async def _serve(far_side: FarSide) -> None:
    """A kernel: reads as an event loop does, answers at once."""
    shell = zmq.asyncio.Socket.from_socket(far_side.sockets["shell"])
    while True:
        await shell.poll()
        far_side.answer("shell")


async def _asked(dispatch: Dispatch, channel: str, far_side: FarSide) -> None:
    """A first question and its answer: both sides are connected, and the reader waits."""
    request = _ask(dispatch, channel)
    await asyncio.to_thread(far_side.answer, channel)
    await asyncio.wait_for(request.reply, PATIENCE)


def _ask(dispatch: Dispatch, channel: str) -> Request:
    return dispatch.send(channel, "kernel_info_request", {})


def _told(socket: zmq.Socket[bytes], seconds: float) -> bool:
    """Is there a word of zmq's that nobody has heard yet?"""
    return bool(select.select([socket.get(zmq.FD)], [], [], seconds)[0])
