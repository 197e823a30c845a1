"""The images of a report: each is in the page once, as far as there is room."""

from __future__ import annotations

import base64
from html import escape
from typing import TYPE_CHECKING

from agentlog.errors import AgentlogError
from agentlog.report.steps import Piece, Recording

if TYPE_CHECKING:
    from agentlog.store import Store


class Images:
    """Those of one page: the small ones first where not all have room."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._addresses: dict[str, str] = {}
        self._shown: dict[str, int] = {}

    def wanted(self, recording: Recording) -> int:
        """Bytes that all of them would take."""
        return sum(size for size, _, _ in self._sizes(recording))

    def within(self, room: int, recording: Recording) -> Images:
        """Those that fit into `room` bytes."""
        for size, key, piece in self._sizes(recording):
            if size > room:
                break
            room -= size
            self._addresses[key] = self._address(piece)
        return self

    def html(self, piece: Piece, label: str) -> str:
        """The image; where it was shown before, a reference to it; where it has no room, words."""
        about = piece.text.strip()[:200] or "image"
        address = self._addresses.get(_key(piece))
        if address is None:
            kind = piece.image[0] if piece.image else "image"
            return f'<p class="soft cut">[{escape(kind)}: {escape(about)}; left out of this document to keep it small: agentlog show {escape(label)}]</p>'
        number = self._shown.get(_key(piece))
        if number is not None:
            return f'<figure><img data-same="image-{number}" alt="{escape(about)} (as before)"></figure>'
        number = self._shown[_key(piece)] = len(self._shown)
        return f'<figure><img id="image-{number}" src="{escape(address)}" alt="{escape(about)}"></figure>'

    def _sizes(self, recording: Recording) -> list[tuple[int, str, Piece]]:
        found: dict[str, tuple[int, str, Piece]] = {}
        for step in recording.steps:
            for piece in step.pieces:
                if piece.image is not None and _key(piece) not in found:
                    address = self._address(piece)
                    if address:
                        found[_key(piece)] = (len(address) + 100, _key(piece), piece)
        return sorted(found.values(), key=lambda one: one[0])

    def _address(self, piece: Piece) -> str:
        """A data: address of the image; "" where its body is gone."""
        mime, digest = piece.image or ("", "")
        try:
            body = self._store.blob(digest) if digest else piece.body.encode()
        except AgentlogError:
            return ""
        return f"data:{mime};base64,{base64.b64encode(body).decode()}"


def _key(piece: Piece) -> str:
    mime, digest = piece.image or ("", "")
    return digest or mime + piece.body
