"""The MCP server: recordings and live kernels for Claude Code, Cursor, VS Code, Codex and any other MCP client.

    agentlog mcp                           on standard input and output, as clients start it
    agentlog mcp --http 127.0.0.1:8765     streamable HTTP, at /mcp
    agentlog mcp --install claude          write this project's configuration of a client

Code runs in kernels of --spec, which end with the server.
"""

from __future__ import annotations

import argparse

from agentlog.desk import Desk
from agentlog.errors import UsageError
from agentlog.mcp import run_mcp_server
from agentlog.mcp.clients import CLIENTS, Installed, install


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--http", metavar="HOST:PORT", help="serve streamable HTTP instead of standard input and output")
    parser.add_argument(
        "--spec", default="python3", metavar="SPEC", help="kernelspec of the kernels it starts (default: python3)"
    )
    parser.add_argument("--python", metavar="PATH", help="or the interpreter, which must have ipykernel")
    parser.add_argument("--install", choices=sorted(CLIENTS), help="write the configuration of this client and end")
    parser.add_argument("--print", action="store_true", help="with --install: print it instead of writing it")


def run(args: argparse.Namespace, desk: Desk) -> Installed | None:
    """Serves until the client goes away; or what was installed."""
    if args.install:
        words = ["--spec", args.spec] if args.spec != "python3" else []
        words += ["--python", args.python] if args.python else []
        words += ["--store", str(desk.place)] if desk.place else []
        return install(args.install, words, write=not args.print)
    if args.print:
        raise UsageError("agentlog mcp --print needs --install")
    run_mcp_server(args.http, store=desk.place, spec=args.spec, python=args.python)
    return None
