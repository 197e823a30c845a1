"""Figures by what was drawn, images by their pixels."""

from __future__ import annotations

from typing import Any

from agentlog import peek
from agentlog_ipy.fingerprints.walk import LIBRARIES, Walk, short

_PIXELS = 250_000
"""Pixels in a piece of an image."""
_DRAWN = (
    "_text", "_x", "_y", "_xorig", "_yorig", "_x0", "_y0", "_width", "_height", "_color", "_facecolor", "_edgecolor", "_linewidth",
    "_linewidths", "_linestyle", "_marker", "_visible", "_alpha", "_label", "_offsets", "_facecolors", "_original_facecolor", "_A",
)  # fmt: skip
"""What the user set of an artist. All else may change while it is drawn."""
_PLAIN = (int, float, str, bool, type(None), tuple)


def visit_matplotlib(walk: Walk, value: Any, depth: int) -> None:
    """What was drawn: drawing and saving change caches all over a figure, so that only what the user sets is looked at."""
    walk.tokens.append(peek.qualified_name(type(value)))
    walk.portable = False
    stack = peek.own(peek.own(value, "_axstack"), "_axes")
    if type(stack) is dict:
        for axes in list(stack):
            walk.visit(axes, depth + 1)
        _text(walk, peek.own(value, "_suptitle"))
    elif peek.own(value, "xaxis") is not None:
        _axes(walk, value, depth)
    else:
        _artist(walk, value, depth)


def _axes(walk: Walk, axes: Any, depth: int) -> None:
    for name in ("title", "_left_title", "_right_title"):
        _text(walk, peek.own(axes, name))
    for name in ("xaxis", "yaxis"):
        axis = peek.own(axes, name)
        _text(walk, peek.own(axis, "label"))
        walk.tokens.append(peek.class_name(type(peek.own(axis, "_scale"))))
        scaled = peek.own(axis, "_autoscale_on")
        walk.tokens.append(scaled)
        if scaled is False:
            walk.tokens.append(_limits(axes, name))
    _text(walk, peek.own(peek.own(axes, "legend_"), "_legend_title_box"))
    for child in list(peek.own(axes, "_children") or ()):
        walk.visit(child, depth + 1)


def _limits(axes: Any, name: str) -> bytes | None:
    points = peek.own(peek.own(axes, "_viewLim"), "_points")
    column = 0 if name == "xaxis" else 1
    return points[:, column].tobytes() if points is not None else None


def _text(walk: Walk, artist: Any) -> None:
    walk.tokens.append(str(peek.own(artist, "_text")) if artist is not None else None)


def _artist(walk: Walk, artist: Any, depth: int) -> None:
    for name in _DRAWN:
        item = peek.own(artist, name)
        if peek.exactly(item, *_PLAIN) or (item is not None and peek.really_in(item, "numpy")):
            walk.tokens.append(name)
            walk.visit(item, depth + 1)


def visit_image(walk: Walk, value: Any, depth: int) -> None:
    core = peek.own(value, "im") or peek.own(value, "_im")
    walk.tokens.append((peek.qualified_name(type(value)), str(peek.own(value, "_size")), str(peek.own(value, "_mode"))))
    width, height = peek.own(value, "_size") or (0, 0)
    if core is None:
        walk.identity(core)
    elif width * height > _PIXELS:
        walk.leaves.append(ImageLeaf(value, width, height))
    else:
        walk.tokens.append(short(value.tobytes()))


class ImageLeaf:
    """A large image of PIL's that is loaded, in bands of rows."""

    def __init__(self, image: Any, width: int, height: int) -> None:
        self._image, self._width, self._height = image, width, height
        self._rows = max(1, _PIXELS // width)

    @property
    def chunks(self) -> int:
        return -(-self._height // self._rows)

    def digest(self, chunk: int) -> int:
        top = chunk * self._rows
        return short(self._image.crop((0, top, self._width, min(self._height, top + self._rows))).tobytes())


LIBRARIES.update({"matplotlib": visit_matplotlib, "PIL": visit_image})
