"""What a cell's text says it reads, writes and may change in place, before anybody runs it.

Two passes that agree on Python 3.10 to 3.13: the bytecode for names, because the compiler has already settled scopes
(comprehensions, lambdas, walrus, class bodies), and the syntax tree for what happens to the objects behind the names
(`a[0] = 1`, `inplace=True`, `b = a`). Magics are taken out by `plain_source`, without IPython.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

from agentlog.magic_lines import plain_source
from agentlog.mutation_roles import Roles, roles_of

EMPTY: frozenset[str] = frozenset()
_COMPREHENSIONS = frozenset({"<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>"})
_CLASS_NAMES = frozenset({
    "__name__", "__module__", "__qualname__", "__annotations__", "__doc__", "__firstlineno__", "__classdict__",
})  # fmt: skip
_NEW_LOCALS = 0x2  # code flag CO_NEWLOCALS: a function, not a class body
_ROUGH_WRITES = re.compile(r"^(?:(?:async[ ]+)?(?:def|class)[ ]+([^\W\d]\w*)|([^\W\d]\w*)[ ]*=(?!=))", re.M)
_IGNORED = frozenset({"__annotations__", "__conditional_annotations__"})


@dataclass(frozen=True, slots=True)
class CellNames:
    """The names of one cell.

    reads        read before any write in the cell: what it needs from outside (builtins included)
    loads        every name it reads at run time, also those it wrote itself
    writes       bound at top level, also by import, def, class, for, with, except, walrus
    conditional  those of `writes` that stand under an if, loop, try or match; deletes: unbound by `del`
    lazy         read by its functions when somebody calls them; `lazy_writes`: written there by `global`
    functions    name of each function or class it defines -> what that one reads when called
    mutates      changed in place for certain if the cell runs to its end: `d[k] = v`, `df.drop(..., inplace=True)`, `l.append(x)`
    may_mutate   handed to code that could change them: `f(a)`, `a.method()`, `b = a`
    passed       those handed to a function that is called by its name: (function, name)
    results      functions whose result is changed: `settings()["lr"] = 1`
    unless_module  named as libraries often are (`stats`): changed, perhaps, where they are none
    augmented    left of `+=` and the like: changed in place for certain where the name still stands for the same object
    aliases      bare-name assignments: new name -> old name
    star         it holds `from m import *`: its writes are not known; dynamic: exec, globals, a magic: any name could change
    attributes   attribute names used anywhere (`seed` of `np.random.seed`)
    texts        short string constants, parts of f-strings included: some name files
    valid        False where the text is no Python: `writes` is then a guess by line, all the rest is empty
    """

    reads: frozenset[str] = EMPTY
    loads: frozenset[str] = EMPTY
    writes: frozenset[str] = EMPTY
    conditional: frozenset[str] = EMPTY
    deletes: frozenset[str] = EMPTY
    lazy: frozenset[str] = EMPTY
    lazy_writes: frozenset[str] = EMPTY
    functions: tuple[tuple[str, frozenset[str]], ...] = ()
    mutates: frozenset[str] = EMPTY
    may_mutate: frozenset[str] = EMPTY
    passed: tuple[tuple[str, str], ...] = ()
    augmented: frozenset[str] = EMPTY
    results: frozenset[str] = EMPTY
    unless_module: frozenset[str] = EMPTY
    aliases: tuple[tuple[str, str], ...] = ()
    star: bool = False
    dynamic: bool = False
    attributes: frozenset[str] = EMPTY
    texts: tuple[str, ...] = ()
    valid: bool = True

    @property
    def certain(self) -> frozenset[str]:
        """Changed in place for certain if the cell runs to its end and the name stands for the same object then."""
        return self.mutates | self.augmented if self.augmented else self.mutates

    @property
    def trivial(self) -> bool:
        """Nothing is read, written or called: `pass`, a comment, a constant."""
        return not (self.loads or self.writes or self.deletes or self.dynamic or self.star)


@lru_cache(maxsize=512)
def analyse(source: str) -> CellNames:
    """The names of the cell `source` (as typed, magics included). Never raises; see `CellNames.valid`."""
    try:
        text, magic = plain_source(source)
        tree = ast.parse(text)
        code = compile(tree, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return CellNames(valid=False, dynamic=True, writes=frozenset(a or b for a, b in _ROUGH_WRITES.findall(source)))
    return _combine(_Names().cell(code), roles_of(tree), magic)


def _combine(names: _Names, roles: Roles, magic: bool) -> CellNames:
    return CellNames(
        reads=frozenset(names.reads),
        loads=frozenset(names.loads),
        writes=frozenset(names.writes),
        conditional=frozenset(roles.conditional & names.writes),
        deletes=frozenset(names.deletes),
        lazy=frozenset(names.lazy),
        lazy_writes=frozenset(names.lazy_writes),
        functions=tuple((name, frozenset(reads)) for name, reads in names.functions.items()),
        mutates=frozenset(roles.must),
        may_mutate=frozenset((roles.may | {name for _, name in roles.passed}) - roles.must),
        passed=tuple(sorted((function, name) for function, name in roles.passed if name not in roles.may)),
        augmented=frozenset(roles.augmented),
        results=frozenset(roles.results),
        unless_module=frozenset(roles.unless_module),
        aliases=tuple(roles.aliases),
        star=names.star,
        dynamic=roles.dynamic or magic,
        attributes=frozenset(roles.attributes),
        texts=tuple(dict.fromkeys(roles.texts)),
    )


def code_globals(code: CodeType) -> tuple[set[str], set[str]]:
    """(names read, names written) as globals by a function's code, nested functions included."""
    names = _Names()
    names.nested(code, eager=False)
    return names.lazy, names.lazy_writes


def code_names(code: CodeType) -> set[str]:
    """Every name a code object mentions, globals and attributes alike, nested code included: a fast upper bound."""
    found = set(code.co_names)
    for inner in _inner(code):
        found |= code_names(inner)
    return found


# --- reading bytecode -----------------------------------------------------------------------------------------


def _opcodes() -> dict[int, tuple[str, int]]:
    """Number of an opcode -> (what it does to a name, how far its argument is shifted)."""
    import opcode

    shift = 1 if sys.version_info >= (3, 11) else 0
    meaning = {
        "LOAD_NAME": ("load", 0), "LOAD_GLOBAL": ("load", shift), "LOAD_FROM_DICT_OR_GLOBALS": ("load", 0),
        "STORE_NAME": ("store", 0), "STORE_GLOBAL": ("store global", 0),
        "DELETE_NAME": ("delete", 0), "DELETE_GLOBAL": ("delete", 0), "IMPORT_STAR": ("star", 0),
        "CALL_INTRINSIC_1": ("intrinsic", 0),
    }  # fmt: skip
    return {opcode.opmap[name]: what for name, what in meaning.items() if name in opcode.opmap}


_MEANING = _opcodes()
_EXTENDED = __import__("opcode").EXTENDED_ARG
_STAR_INTRINSIC = 2  # CALL_INTRINSIC_1's argument for `import *` (3.12 and later)


def _steps(code: CodeType) -> Iterator[tuple[str, str]]:
    """(what, name) for each instruction that touches a name, in order."""
    raw, extended = code.co_code, 0
    for position in range(0, len(raw), 2):
        number, argument = raw[position], raw[position + 1] | extended
        extended = argument << 8 if number == _EXTENDED else 0
        meaning = _MEANING.get(number)
        if meaning is None:
            continue
        what, shift = meaning
        if what == "intrinsic":
            if argument == _STAR_INTRINSIC:
                yield "star", "*"
        elif what == "star":
            yield what, "*"
        else:
            yield what, code.co_names[argument >> shift]


def _inner(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))


class _Names:
    """Collects the names of one cell's code object."""

    def __init__(self) -> None:
        self.reads: set[str] = set()
        self.loads: set[str] = set()
        self.writes: set[str] = set()
        self.deletes: set[str] = set()
        self.lazy: set[str] = set()
        self.lazy_writes: set[str] = set()
        self.functions: dict[str, set[str]] = {}
        self.star = False

    def cell(self, code: CodeType) -> _Names:
        for what, name in _steps(code):
            self._step(what, name)
        for inner in _inner(code):
            self._definition(inner)
        for names in (self.reads, self.loads, self.writes, self.lazy):
            names -= _IGNORED
        return self

    def _step(self, what: str, name: str) -> None:
        if what == "load":
            self.loads.add(name)
            if name not in self.writes or name in self.deletes:
                self.reads.add(name)
        elif what in ("store", "store global"):
            self.writes.add(name)
            self.deletes.discard(name)
        elif what == "delete":
            self.deletes.add(name)
        else:
            self.star = True

    def _definition(self, code: CodeType) -> None:
        """Code nested in the cell: a comprehension or class body runs now, a function when it is called."""
        name = code.co_name
        is_class = not code.co_flags & _NEW_LOCALS
        before = set(self.lazy)
        self.lazy = set()
        self.nested(code, eager=is_class or name in _COMPREHENSIONS)
        if not name.startswith("<"):
            self.functions.setdefault(name, set()).update(self.lazy)
        self.lazy |= before

    def nested(self, code: CodeType, eager: bool) -> None:
        own: set[str] = set()  # names of a class body are its own
        is_class = not code.co_flags & _NEW_LOCALS
        for what, name in _steps(code):
            if what == "load":
                if name not in own and not (is_class and name in _CLASS_NAMES):
                    self._nested_load(name, eager)
            elif what == "store":
                own.add(name)
            elif what == "store global":
                (self.writes if eager else self.lazy_writes).add(name)
            elif what == "delete" and name not in own:
                self.lazy_writes.add(name)
        for inner in _inner(code):
            runs_now = eager and (inner.co_name in _COMPREHENSIONS or not inner.co_flags & _NEW_LOCALS)
            self.nested(inner, runs_now)

    def _nested_load(self, name: str, eager: bool) -> None:
        if not eager:
            self.lazy.add(name)
            return
        self.loads.add(name)
        if name not in self.writes:
            self.reads.add(name)
