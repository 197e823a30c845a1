"""The errors a caller may see, as one tree.

    AgentlogError
    ├── UsageError        a wrong argument, option or reference: one line, exit code 2
    │   ├── NotFound      no such session, execution, name, file or output
    │   └── MissingExtra  an optional library is not installed; names the extra
    ├── StoreError        the folder cannot be read or written
    │   └── NewerJournal  written by a newer agentlog than this one
    └── KernelError       raised by the runner
        ├── KernelStartError  the kernel could not be started or reached
        └── KernelBusy        the kernel runs something and cannot answer beside it

Each message says what was tried, with what, and what to do next.
"""

from __future__ import annotations


class AgentlogError(Exception):
    """Anything agentlog raises on purpose."""


class UsageError(AgentlogError):
    """The caller asked for something that cannot be; the message says what to ask instead."""


class NotFound(UsageError):
    """No session, execution, name, file or output answers to the reference given."""


class MissingExtra(UsageError):
    """An optional part is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs a library that is not installed: pip install 'agentlog[{extra}]'")
        self.extra = extra


class StoreError(AgentlogError):
    """The store's folder could not be read or written."""


class NewerJournal(StoreError):
    """The journal was written by a newer agentlog; upgrade to read it."""


class KernelError(AgentlogError):
    """A kernel could not be started, reached or kept alive."""


class KernelStartError(KernelError):
    """The kernel could not be started or reached; the message holds what it said on its stderr."""


class KernelBusy(KernelError):
    """The kernel is running something, and has no way to answer beside it."""
