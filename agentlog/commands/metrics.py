"""Counters and gauges for Prometheus: executions by status, durations, errors, tokens and cost, deaths, the queue.

    agentlog metrics                            prints them
    agentlog metrics --textfile FILE.prom       writes them for node_exporter's textfile collector (from cron)
    agentlog metrics --listen 127.0.0.1:9838    serves them at /metrics until interrupted

A dashboard for Grafana and alert rules for Prometheus are in `integrations/`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agentlog.desk import Desk
from agentlog.exports.target import text_file
from agentlog.metrics.counts import Meter
from agentlog.metrics.server import PORT, MetricsServer, address

STATE = "metrics.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen", nargs="?", const=str(PORT), metavar="[HOST:]PORT", help=f"serve /metrics (default 127.0.0.1:{PORT})"
    )
    parser.add_argument("--textfile", metavar="FILE", help="write them to this file, which appears whole")


def run(args: argparse.Namespace, desk: Desk) -> str | None:
    """The metrics as text, where they are neither served nor written."""
    folder = desk.store.folder
    meter = Meter(desk.store, folder / STATE if folder is not None and (args.listen or args.textfile) else None)
    if args.listen:
        _serve(meter, args.listen)
        return None
    text = meter.text()
    if args.textfile:
        with text_file(Path(args.textfile)) as file:
            file.write(text)
        Path(args.textfile).chmod(0o644)  # node_exporter runs as another user
        return f"{args.textfile}: {sum(not line.startswith('#') for line in text.splitlines())} figures"
    return text.rstrip("\n")


def _serve(meter: Meter, where: str) -> None:
    with MetricsServer(meter, *address(where)) as server:
        host, port = server.server_address[:2]
        print(f"metrics at http://{host!s}:{port}/metrics (interrupt to stop)", file=sys.stderr, flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
