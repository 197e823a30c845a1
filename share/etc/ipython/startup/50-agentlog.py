"""Turns agentlog on in every IPython and kernel of this environment, where AGENTLOG says so. Binds no name."""

try:
    __import__("agentlog.starting", fromlist=["load_if_asked"]).load_if_asked(get_ipython())  # noqa: F821
except Exception:  # a start-up file that raises would stop the user's own ones
    pass
