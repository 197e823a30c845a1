"""Where in a list, series or array a value stands."""

from __future__ import annotations

from typing import Any

from agentlog.evaluate import PLAIN
from agentlog.events import Fact
from agentlog.evidence import probe


def position_of(wanted: object, holder: Any) -> Fact | None:
    """Where an element stands: by identity, else by equality of plain values; how often it is there."""
    items = probe.items_of(holder)
    places = [
        i
        for i, item in enumerate(items)
        if item is wanted or (type(item) is type(wanted) and type(wanted) in PLAIN and item == wanted)
    ]
    if not places and type(wanted) is float and wanted != wanted:
        places = [i for i, item in enumerate(items) if type(item) is float and item != item]
    if not places:
        return None
    more = f", {len(places)} like it" if len(places) > 1 else ""
    label = f", label {probe.show(holder.index[places[0]])}" if probe.is_series(holder) else ""
    return Fact(f"{probe.show(wanted)} is element {places[0]} of {probe.say(holder)}{label}{more}")
