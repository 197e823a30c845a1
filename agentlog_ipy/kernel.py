"""A kernel that is driven by a program: `async with Kernel() as k: reply = await k.run(code, timeout=30)`.

An execution is complete when its own idle message and its own reply have both arrived. One cell is sent at a time, so
an error never aborts a queue that nobody sees. At a deadline the ladder of `ladder.py` is climbed; when the process
ends, `death.py` finds out how. `sync.py` has the same for programs without an event loop.
"""

from __future__ import annotations
