"""The first thing of ours that a Python start may run: small, because every start pays for it.

`agentlog.pth` (Python up to 3.14) and `agentlog.start` (PEP 829, from 3.15) both lead here.
"""

import os


def asked() -> bool:
    """Does AGENTLOG turn recording on? (`settings.switched_on`, without importing it)"""
    return os.environ.get("AGENTLOG", "").strip().lower() not in ("", "0", "false", "no", "off")


def boot_if_asked() -> None:
    """Start recording if AGENTLOG says so; never raises, never prints."""
    if not asked():
        return
    try:
        from agentlog.activation import boot

        boot()
    except Exception:  # a Python that cannot start is worse than any loss; `agentlog doctor` finds out why
        pass


def load_if_asked(shell: object) -> None:
    """Attach to an IPython shell if AGENTLOG says so: not through %load_ext, which would tell a notebook that says it too."""
    if asked():
        from agentlog import load_ipython_extension

        load_ipython_extension(shell)
