"""Frameworks answer 500 and catch everything; the middleware sees the exception on its way, and the answer is the same."""

from __future__ import annotations

import asyncio
import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from agentlog import recorder
from agentlog.events import ErrorRaised, Event, Logged, SpanEnded
from agentlog.hooks.logs import Handler
from agentlog.hooks.web import AsgiMiddleware, WsgiMiddleware
from agentlog.recorder import Recorder
from agentlog.settings import Limits


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The events that reached the door, in order."""
    door = recorder.start()
    door.session, door.limits = "s", Limits(describe_ms=5_000, evidence_ms=5_000)
    events: list[Event] = []
    true_record = Recorder.record

    def record(self: Recorder, event: Event, *, now: bool = False) -> Event:
        events.append(event)
        return true_record(self, event, now=now)

    monkeypatch.setattr(Recorder, "record", record)
    yield events
    recorder.stop()


class Body:
    """A body that says when it was closed, as WSGI servers must."""

    def __init__(self, parts: Iterable[bytes], fails: bool = False) -> None:
        self._parts, self._fails, self.closed = iter(parts), fails, False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        if self._fails:
            raise LookupError("in the middle of the body")

    def close(self) -> None:
        self.closed = True


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def fetch(application: Callable[..., Any], path: str) -> tuple[int, bytes]:
    """The answer of a real wsgiref server to one request."""
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
        server.timeout = 60
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        finally:
            thread.join()


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/boom":
        order = {"id": 7}
        raise KeyError(f"no price for {order['id']}")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", path.encode()]


def test_wsgi_under_a_real_server(kept: list[Any], capfd: pytest.CaptureFixture[str]) -> None:
    """Same answers with and without the middleware; a span for each request, the exception with its locals."""
    answers = [(fetch(app, "/x"), fetch(app, "/boom")) for app in (wsgi, WsgiMiddleware(wsgi))]
    assert answers[0] == answers[1]
    assert answers[1][0] == (200, b"hello /x")
    assert answers[1][1][0] == 500
    good, bad = [event for event in kept if isinstance(event, SpanEnded)]
    assert (good.name, good.ok, good.arguments["path"].value, good.data["status"].value) == ("http.request", True, "/x", "200 OK")
    assert not bad.ok
    (error,) = [event for event in kept if isinstance(event, ErrorRaised)]
    assert (error.failure.type, error.failure.frames[-1].locals["order"].length) == ("KeyError", 1)


def test_wsgi_bodies_are_closed_and_fail_late(kept: list[Any]) -> None:
    """close() of the body is called; an exception in the middle of a body is recorded and goes on; nothing starts early."""
    good, bad = Body([b"a", b"b"]), Body([b"a"], fails=True)
    assert list(WsgiMiddleware(lambda environ, start: good)({}, lambda *a: None)) == [b"a", b"b"]
    with pytest.raises(LookupError):
        list(WsgiMiddleware(lambda environ, start: bad)({}, lambda *a: None))
    assert good.closed
    assert bad.closed
    assert [event.failure.type for event in kept if isinstance(event, ErrorRaised)] == ["LookupError"]


def test_a_body_that_a_client_leaves_is_closed(kept: list[Any]) -> None:
    """The server closes what it does not read to the end; so does the middleware, and that is no error."""
    body = Body([b"a", b"b"])
    answer = WsgiMiddleware(lambda environ, start: body)({}, lambda *a: None)
    assert next(iter(answer)) == b"a"
    answer.close()
    assert body.closed
    assert not [event for event in kept if isinstance(event, ErrorRaised)]


async def asgi(scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    if scope["path"] == "/boom":
        wanted = "price"
        raise KeyError(wanted)
    await send({"type": "http.response.start", "status": 201, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


def test_asgi_by_hand(kept: list[Any]) -> None:
    """Messages pass unchanged, other scopes too; two requests at once keep their own spans; the exception goes on."""
    app, sent = AsgiMiddleware(asgi), []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> list[Any]:
        scopes = [
            {"type": "lifespan"},
            {"type": "http", "method": "GET", "path": "/x"},
            {"type": "http", "method": "GET", "path": "/boom"},
        ]
        return await asyncio.gather(*(app(scope, send, send) for scope in scopes), return_exceptions=True)

    outcomes = asyncio.run(run())
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), KeyError]
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "http.response.start", "http.response.body"]
    spans = {event.arguments["path"].value: event for event in kept if isinstance(event, SpanEnded)}
    assert (spans["/x"].ok, spans["/x"].data["status"].value, spans["/boom"].ok) == (True, 201, False)
    (error,) = [event for event in kept if isinstance(event, ErrorRaised)]
    assert error.failure.frames[-1].locals["wanted"].value == "price"


def test_flask_answers_as_before(kept: list[Any]) -> None:
    """Around Flask's own wsgi_app: with errors propagated the exception is seen, without its own log line tells of it."""
    flask = pytest.importorskip("flask")
    app = flask.Flask("shop")
    app.config["PROPAGATE_EXCEPTIONS"] = True

    @app.get("/boom")
    def boom() -> str:
        rows: list[int] = []
        return str(rows[3])

    app.wsgi_app = WsgiMiddleware(app.wsgi_app)
    with pytest.raises(IndexError):
        app.test_client().get("/boom")
    assert [event.failure.type for event in kept if isinstance(event, ErrorRaised)] == ["IndexError"]


def test_starlette_under_uvicorn(kept: list[Any]) -> None:
    """The middleware as Starlette takes it, served by a real uvicorn: 500 as before, and the exception is recorded."""
    starlette = pytest.importorskip("starlette.applications")
    uvicorn = pytest.importorskip("uvicorn")
    from starlette.middleware import Middleware
    from starlette.routing import Route

    def boom(request: Any) -> None:
        shelf = {"a": 1}
        shelf["b"]

    app = starlette.Starlette(routes=[Route("/boom", boom)], middleware=[Middleware(AsgiMiddleware)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off", ws="none"))
    started = threading.Event()
    true_startup = server.startup

    async def startup(sockets: Any = None) -> None:
        await true_startup(sockets=sockets)
        started.set()

    server.startup = startup
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(60)
        port = server.servers[0].sockets[0].getsockname()[1]
        with pytest.raises(urllib.error.HTTPError) as answer:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/boom", timeout=60)
        answer.value.close()
        assert answer.value.code == 500
    finally:
        server.should_exit = True
        thread.join(60)
    assert [event.failure.type for event in kept if isinstance(event, ErrorRaised)] == ["KeyError"]


def test_the_logging_handler(kept: list[Any]) -> None:
    """A program that adds our handler has its lines and exceptions kept, with their level and place."""
    logger = logging.getLogger("shop.orders")
    handler = Handler()
    logger.addHandler(handler)
    logger.propagate = False
    try:
        logger.warning("order %s is late", 7)
        try:
            {}["price"]
        except KeyError:
            logger.exception("no price")
        logger.debug("not shown")
    finally:
        logger.removeHandler(handler)
        logger.propagate = True
    lines = [(event.level, event.message, event.logger) for event in kept if isinstance(event, Logged)]
    assert lines == [("warning", "order 7 is late", "shop.orders"), ("error", "no price", "shop.orders")]
    assert [event.failure.type for event in kept if isinstance(event, ErrorRaised)] == ["KeyError"]
