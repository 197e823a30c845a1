"""Share a session by Cloudflare D1: prints the handle that `agentlog import HANDLE` takes elsewhere.

Needs AGENTLOG_D1_ACCOUNT, AGENTLOG_D1_DATABASE and AGENTLOG_D1_TOKEN in the environment, there too. Sharing again sends only
what is new. Without D1: `agentlog push` makes a file of it.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from typing import Any

from agentlog.desk import Desk
from agentlog.followers.d1 import D1, Synced, sync
from agentlog.tables import Text

JSON = True


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("session", nargs="?", help="session id or the end of one (default: the latest)")


def run(args: argparse.Namespace, desk: Desk) -> Shared:
    """The handle."""
    database = D1.from_environment()
    return Shared(sync(desk.store, desk.store.session(args.session or desk.session), database))


@dataclass(frozen=True, repr=False)
class Shared(Text):
    """What was sent."""

    synced: Synced

    def __str__(self) -> str:
        one = self.synced
        return f"{one.handle}\n{one.records:,} records, {one.sent:,} of them new; {one.blobs} outputs sent\nelsewhere: agentlog import {one.handle}"

    def as_json(self) -> dict[str, Any]:
        """{"handle", "records", "sent", "blobs"}."""
        return asdict(self.synced)
