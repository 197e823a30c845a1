"""The MCP server: the recordings and live kernels for any agent that speaks the Model Context Protocol (extra `mcp`).

The modules `server`, `tools`, `answers` and `kernels` stand on the official SDK and on agentlog_ipy; they are imported when
a server is made, never before. `clients` writes the configuration of the programs that will start the server.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agentlog.errors import MissingExtra, UsageError

LOCAL = ("127.0.0.1", "localhost", "::1")


def run_mcp_server(
    http: str | None = None, *, store: str | Path | None = None, spec: str = "python3", python: str | Path | None = None
) -> None:
    """Serve until the client goes away: on standard input and output, or over HTTP at `http` ("127.0.0.1:8765").

    spec, python: what the kernels it starts are, see `agentlog_ipy.Kernel`. Raises MissingExtra, UsageError.
    """
    server = make_server(store=store, spec=spec, python=python)
    if http is None:
        server.run("stdio")
        return
    host, port = address(http)
    print(f"agentlog: MCP at http://{http}/mcp", flush=True)
    server.run("streamable-http", host=host, port=port)


def make_server(*, store: str | Path | None = None, spec: str = "python3", python: str | Path | None = None) -> Any:
    """The server, not yet running: an `MCPServer` of the SDK. Raises MissingExtra."""
    try:
        from agentlog.mcp.server import make
    except ImportError as missing:
        raise MissingExtra(f"the MCP server ({missing.name})", "mcp") from None
    return make(store, spec, python)


def address(text: str) -> tuple[str, int]:
    """(host, port) of "HOST:PORT" or "PORT". Only this machine's own: whoever reaches the server runs code as the user."""
    host, _, port = text.rpartition(":")
    host = host.strip("[]") or LOCAL[0]
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(f"--http takes HOST:PORT, such as 127.0.0.1:8765, not {text!r}")
    if host not in LOCAL:
        raise UsageError(
            f"--http {text}: whoever reaches this server runs code as you, so it listens on {LOCAL[0]} only;"
            " reach it from elsewhere through an ssh tunnel"
        )
    return host, int(port)
