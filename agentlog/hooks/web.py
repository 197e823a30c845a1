"""WSGI and ASGI middleware: frameworks answer 500 and catch everything; the exception passes here on its way.

    app = WsgiMiddleware(app)            app = AsgiMiddleware(app)

Each request is a span; an exception that leaves the application is recorded with its frames and goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from agentlog.spans import Span, span
from agentlog.verbs import log_error

Scope = dict[str, Any]


class WsgiMiddleware:
    """Wraps a WSGI application (PEP 3333)."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        with span("http.request", method=environ.get("REQUEST_METHOD"), path=environ.get("PATH_INFO")) as request:
            try:
                body = self._application(environ, _noting_status(request, start_response))
                try:
                    yield from body
                finally:
                    close = getattr(body, "close", None)
                    if close is not None:
                        close()
            except Exception as error:
                log_error("the request failed", error)
                raise


class AsgiMiddleware:
    """Wraps an ASGI 3 application."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        if scope.get("type") != "http":
            await self._application(scope, receive, send)
            return
        async with span("http.request", method=scope.get("method"), path=scope.get("path")) as request:

            async def noting(message: Scope) -> None:
                if message.get("type") == "http.response.start":
                    request["status"] = message.get("status")
                await send(message)

            try:
                await self._application(scope, receive, noting)
            except Exception as error:
                log_error("the request failed", error)
                raise


def _noting_status(request: Span, start_response: Callable[..., Any]) -> Callable[..., Any]:
    def start(status: str, *args: Any, **kwargs: Any) -> Any:
        request["status"] = status
        return start_response(status, *args, **kwargs)

    return start
