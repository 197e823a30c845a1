"""Names of a cell by its text alone: reads, writes, lazy reads, what it may change in place; the same on every Python."""

from __future__ import annotations

import pytest

from agentlog.static import CellNames, analyse

NAMES = (  # source, reads, writes, deletes, lazy
    ("x += y", "x y", "x", "", ""),
    ("df.x += 1", "df", "", "", ""),
    ("d[k] = v", "d k v", "", "", ""),
    ("del a, b[0]", "b", "", "a", ""),
    ("z = [i * w for i in it]", "it w", "z", "", ""),
    ("i = 5\nz = [i for i in range(3)]", "range", "i z", "", ""),
    ("q = {k: v for k, v in src.items()}", "src", "q", "", ""),
    ("r = [last := v for v in vals]", "vals", "last r", "", ""),
    ("f = lambda a: a + K", "", "f", "", "K"),
    ("def g(a):\n    return a + K2", "", "g", "", "K2"),
    ("class C(Base):\n    n = K3\n    def m(self): return K4", "Base K3", "C", "", "K4"),
    ("@deco\ndef g(a=DEF): return a", "DEF deco", "g", "", ""),
    ("import os.path as p, numpy", "", "numpy p", "", ""),
    ("(a, (b, *c)), d = e", "e", "a b c d", "", ""),
    ("for i, (j, k) in pairs: s = i", "pairs", "i j k s", "", ""),
    ("with open(fn) as fh, ctx: t = fh.read()", "ctx fn open", "fh t", "", ""),
    ("try:\n    pass\nexcept E as ex: print(ex)", "E print", "ex", "ex", ""),
    ("if c: x = 1\ny = x", "c", "x y", "", ""),
    ("x: int = y", "int y", "x", "", ""),
    ("match v:\n    case {'k': kk, **rest}: pass\n    case [p, q]: pass", "v", "kk p q rest", "", ""),
    ("s = f'{name!r:>{width}}'", "name width", "s", "", ""),
    ("r = await fetch(u)", "fetch u", "r", "", ""),
    ("del t\nt = 1", "", "t", "", ""),
    ("f(*aa, **kk)", "aa f kk", "", "", ""),
    ("def outer():\n    def inner(): return DEEP\n    return inner", "", "outer", "", "DEEP"),
    ("print([[y for y in x] for x in rows])", "print rows", "", "", ""),
    ("x = 1\ndel x\nx", "x", "x", "x", ""),
    ("%%time\nx = f(y)", "f y", "x", "", ""),
    ("%timeit -n 1 g(z)", "g z", "", "", ""),
    ("out = !ls", "", "out", "", ""),
    ("%%capture cap\nz = 1", "", "cap z", "", ""),
    ("%%bash\necho $x", "", "", "", ""),
    ("df?", "", "", "", ""),
    ("if a:\n    !ls\n    b = 1", "a", "b", "", ""),
    ("text = '''\n%not a magic\n'''", "", "text", "", ""),
)


@pytest.mark.parametrize(("source", "reads", "writes", "deletes", "lazy"), NAMES, ids=lambda value: str(value)[:30])
def test_names(source: str, reads: str, writes: str, deletes: str, lazy: str) -> None:
    """Scopes are the compiler's; magics are taken out."""
    found = analyse(source)
    assert found.valid
    assert " ".join(sorted(found.reads)) == reads
    assert " ".join(sorted(found.writes)) == writes
    assert " ".join(sorted(found.deletes)) == deletes
    assert " ".join(sorted(found.lazy)) == lazy


ROLES = (  # source, surely changed, perhaps changed
    ("d[k] = v", "d", ""),
    ("df.drop(columns='a', inplace=True)", "df", ""),
    ("df.drop(columns='a')", "", ""),
    ("l.append(x)", "l", "x"),
    ("a.b.c[0].d = 1", "a", ""),
    ("m.transmogrify()", "", "m"),
    ("f(df)", "", "df"),
    ("print(df)", "", ""),
    ("np.percentile(arr, 5)", "", ""),
    ("np.add(a, b, out=a)", "", "a b"),
    ("np.random.shuffle(arr)", "", "arr"),
    ("b = a", "", ""),
    ("b = a\nb.append(1)", "b", "a"),
    ("for row in rows:\n    row.append(1)", "", "row rows"),
    ("if late:\n    l.append(1)", "", "l"),
    ("go = lambda: l.append(1)", "", "l"),
    ("for row in rows:\n    print(row)", "", ""),
    ("x += 1", "", "x"),
    ("y = df['a'] * 2", "", ""),
    ("del d['k']", "d", ""),
)


@pytest.mark.parametrize(("source", "must", "may"), ROLES, ids=lambda value: str(value)[:30])
def test_roles(source: str, must: str, may: str) -> None:
    """What the text says of the objects behind the names."""
    found = analyse(source)
    assert " ".join(sorted(found.mutates)) == must
    assert " ".join(sorted(found.may_mutate)) == may


def test_what_changes_behind_a_call() -> None:
    """Functions whose result is changed; names that look like a library's; what a call passes on; where numpy writes to."""
    assert analyse("conf()['lr'] = 1\nfor row in rows(): row.append(1)").results == {"conf", "rows"}
    assert analyse("conf()['lr']; len(rows()); x = conf(); y = x['lr']").results == set()
    assert analyse("stats.update(n=1); np.sum(a)").unless_module == {"stats"}
    assert analyse("stats['n']; np.pi").unless_module == set()
    assert analyse("max(rows).append(1); list(d.values())[0].clear(); max(quiet)").may_mutate == {"rows", "d"}
    assert analyse("np.add(a, b, c); np.clip(x, 0, 1); np.ndarray.fill(y, 0)").may_mutate == {"c", "y"}


@pytest.mark.parametrize(
    "source", ["exec('x = 1')", "globals()['x'] = 1", "%run other.py", "setattr(o, 'x', 1)", "get_ipython().run_cell('1')"]
)
def test_dynamic_cells_are_marked(source: str) -> None:
    """After these any name may be different."""
    assert analyse(source).dynamic


def test_conditional_writes_and_stars() -> None:
    """A name bound under a condition may not be bound; `import *` binds names nobody can read in the text."""
    assert analyse("if c:\n    x = 1\ny = 2").conditional == {"x"}
    assert analyse("from math import *").star
    assert dict(analyse("def f(): return K\ndef g(): return L").functions) == {"f": {"K"}, "g": {"L"}}


@pytest.mark.parametrize("source", ["def f(x:\n  return", "x = = 1", "\0", "(" * 500, "  indented\nx"])
def test_no_python_is_said_so(source: str) -> None:
    """Never raises; what the lines look like is all that is known."""
    found = analyse(source)
    assert not found.valid
    assert found.dynamic


def test_broken_text_gives_a_guess_at_what_it_would_bind() -> None:
    """Enough to say which failed cell would have bound a name."""
    assert analyse("total = 5\ndef f(x:\n    return x").writes == {"f", "total"}


def test_trivial_cells() -> None:
    """Nothing to look at after these."""
    assert all(analyse(source).trivial for source in ("pass", "# comment", "", "1"))
    assert not analyse("x").trivial
    assert analyse("") == CellNames()
