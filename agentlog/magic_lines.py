"""IPython's additions to Python taken out of a cell's text, without IPython.

Text that already parses is left alone. Otherwise cell magics that run their body (`%%time`) give the body, those
that do not (`%%bash`) give nothing, line magics and shell lines become `pass`, and `x = !ls` becomes `x = None`.
"""

from __future__ import annotations

import ast
import re

RUNS_BODY = frozenset({"time", "timeit", "capture", "prun", "debug", "memit", "mprun"})
"""Cell and line magics whose text is Python that runs in the user's namespace."""

HARMLESS = frozenset({
    "time", "timeit", "capture", "prun", "matplotlib", "config", "load_ext", "reload_ext", "who", "whos", "who_ls",
    "pwd", "ls", "lsmagic", "history", "hist", "pinfo", "pdoc", "psource", "magic", "quickref", "alias", "dirs",
    "bookmark", "colors", "precision", "xmode", "page", "pprint", "pylab", "env", "conda", "pip", "cd", "agentlog",
    "memit", "writefile", "bash", "sh", "html", "HTML", "javascript", "js", "latex", "markdown", "svg", "script", "perl",
    "ruby", "system", "sx", "cmd", "!",
})  # fmt: skip
"""Magics that bind no user name and change no user object (a name they do bind is found when it appears)."""

_ASSIGN = re.compile(r"^(\s*)([A-Za-z_][\w.\[\]'\", ]*?)\s*=\s*(%{1,2}|!)\s*(.*)$")
_LINE = re.compile(r"^(\s*)(%{1,2}|!{1,2})\s*(\S*)\s*(.*)$")
_HELP = re.compile(r"^\s*(\?{1,2}\s*[\w.%*]+|[\w.%*]+\s*\?{1,2})\s*$")
_OPTIONS = re.compile(r"^(\s*-(?:[a-zA-Z]\b\s*\d*|-[\w-]+))+\s*")


def plain_source(source: str) -> tuple[str, bool]:
    """(Python text, was there a magic that could change any name). Raises SyntaxError only through later parsing."""
    if "%" not in source and "!" not in source and "?" not in source:
        return source, False
    if _parses(source):
        return source, False
    body, magic = _cell_magic(source)
    if body is None:
        return "", magic
    return _lines(body, magic)


def _parses(text: str) -> bool:
    try:
        compile(text, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST, dont_inherit=True)
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _cell_magic(source: str) -> tuple[str | None, bool]:
    """The Python body of a `%%magic` cell (None: it has none), and whether the magic could change any name."""
    text = source.lstrip("\n")
    if not text.startswith("%%"):
        return source, False
    head, _, body = text.partition("\n")
    name, _, rest = head[2:].strip().partition(" ")
    if name not in RUNS_BODY:
        return None, name not in HARMLESS
    if name == "capture":
        target = next((word for word in rest.split() if word.isidentifier()), None)
        body = f"{body}\n{target} = None" if target else body
    inner, magic = _cell_magic(body)
    return inner, magic


def _lines(text: str, magic: bool) -> tuple[str, bool]:
    out = []
    for line in text.split("\n"):
        plain, dynamic = _line(line)
        magic = magic or dynamic
        out.append(plain)
    return "\n".join(out), magic


def _line(line: str) -> tuple[str, bool]:
    assigned = _ASSIGN.match(line)
    if assigned and assigned.group(2):
        indent, target, mark, rest = assigned.groups()
        name = rest.split(" ", 1)[0]
        return f"{indent}{target} = None", mark == "%" and name not in HARMLESS
    found = _LINE.match(line)
    if found:
        return _magic_line(*found.groups())
    if _HELP.match(line):
        return "pass", False
    return line, False


def _magic_line(indent: str, mark: str, name: str, rest: str) -> tuple[str, bool]:
    if mark.startswith("!"):
        return f"{indent}pass", False
    if name in RUNS_BODY:
        statement = _OPTIONS.sub("", rest)
        return f"{indent}{statement or 'pass'}", not _parses(statement)
    return f"{indent}pass", name not in HARMLESS
