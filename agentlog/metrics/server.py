"""Metrics over HTTP, for Prometheus to scrape: `/metrics`, and `/-/healthy` for whoever keeps the process alive."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from agentlog.errors import AgentlogError, UsageError
from agentlog.metrics.counts import Meter
from agentlog.metrics.exposition import CONTENT_TYPE

PORT = 9838


def address(text: str) -> tuple[str, int]:
    """(host, port) of "9838", ":9838", "0.0.0.0:9838" or "[::1]:9838". Raises UsageError."""
    host, _, port = text.rpartition(":")
    try:
        return host.strip("[]") or "127.0.0.1", int(port)
    except ValueError:
        raise UsageError(f"cannot listen on {text!r}; write it like 9838 or 127.0.0.1:9838") from None


class MetricsServer(ThreadingHTTPServer):
    """Serves one meter until it is shut down. Raises UsageError where the address is taken."""

    daemon_threads = True

    def __init__(self, meter: Meter, host: str, port: int) -> None:
        self.meter = meter
        self.mutex = threading.Lock()
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UsageError(f"cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}") from None


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = 30

    def do_GET(self) -> None:
        path = self.path.split("?", 1)[0]
        if path == "/metrics":
            self._metrics()
        elif path in ("/-/healthy", "/"):
            self._answer(200, "text/plain; charset=utf-8", "agentlog metrics are at /metrics\n")
        else:
            self._answer(404, "text/plain; charset=utf-8", "there is only /metrics\n")

    do_HEAD = do_GET

    def _metrics(self) -> None:
        try:
            with self.server.mutex:
                text = self.server.meter.text()
        except AgentlogError as error:
            self._answer(503, "text/plain; charset=utf-8", f"{error}\n")
            return
        self._answer(200, CONTENT_TYPE, text)

    def _answer(self, status: int, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a scrape is no news."""
