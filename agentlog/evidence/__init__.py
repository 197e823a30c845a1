"""Facts about a failure, observed while its objects are alive.

A collector is a small function `(Failing) -> Evidence | None`, registered for exception types and, where the type says
too little, a pattern of the message. `collect` runs those that apply, in order of registration, within one bound of time.
"""

from __future__ import annotations

from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collect, collector

__all__ = ["Failing", "collect", "collector"]
