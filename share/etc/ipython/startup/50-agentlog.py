"""Turns agentlog on in every IPython and kernel of this environment, where AGENTLOG says so."""


def _agentlog_boot():
    import os

    if os.environ.get("AGENTLOG", "").strip().lower() not in ("", "0", "false", "no", "off"):
        try:  # not through %load_ext, which would tell a notebook that says it too: "already loaded"
            import agentlog

            agentlog.load_ipython_extension(get_ipython())  # noqa: F821
        except Exception:  # a start-up file that raises would stop the user's own ones
            pass


_agentlog_boot()
del _agentlog_boot
