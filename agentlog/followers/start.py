"""A follower that starts by itself with a recording (AGENTLOG_FOLLOW): a process of its own, one a store.

The recorded program neither waits for it nor shares anything with it; it ends when nobody records any more and all is
handed over. What it says goes to `follow.log` in the store.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from agentlog.places import locked

VARIABLE = "AGENTLOG_FOLLOW"
LOCK, LOG = "follow.lock", "follow.log"


def start_follower(folder: Path) -> None:
    """Start a follower of the store in `folder` where the environment asks for one. Never waits; OSError is the caller's."""
    if not os.environ.get(VARIABLE):
        return
    import subprocess

    environment = {**os.environ, "AGENTLOG": "false", "AGENTLOG_DIR": str(folder)}
    command = [sys.executable, "-m", "agentlog", "follow", "--automatic"]
    with open(folder / LOG, "ab") as log:
        child = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=folder
        )
    child.returncode = 0  # it outlives us: nobody is to warn that it was not waited for


def wait_for_follower(folder: Path, seconds: float) -> bool:
    """Wait until no follower works on the store; False if one still does after `seconds`."""
    with suppress(OSError), locked(folder / LOCK, seconds) as free:
        return free
    return True
