"""Telling whether an object has changed, by content, without keeping it and without running the user's code.

`outline.outline(value)` walks an object once. `walk` is the walk itself and the tables of who walks what; all other
modules hold the handlers of one family of types each.
"""
