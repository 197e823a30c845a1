"""The first thing of ours that a Python start may run: small, because every start pays for it.

`agentlog.pth` (Python up to 3.14) and `agentlog.start` (PEP 829, from 3.15) both lead here.
"""

import os


def boot_if_asked() -> None:
    """Start recording if AGENTLOG says so; never raises, never prints."""
    if os.environ.get("AGENTLOG", "").strip().lower() in ("", "0", "false", "no", "off"):
        return
    try:
        from agentlog.activation import boot

        boot()
    except Exception:  # a Python that cannot start is worse than any loss; `agentlog doctor` finds out why
        pass
