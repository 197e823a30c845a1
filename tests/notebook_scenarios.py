"""Sessions with the true cause of their last cell's failure, written down by hand before any code was run on them.

`runs`: what was executed, in order, as (cell id, source); the last one fails. `cause`: the kind of the true cause, "none"
where the notebook is not the reason. `culprit`: number of the run that did it (from 1), None where no run did.
`mend`: the cells to run, in order, as first lines. `notebook`: the file's cells where there is one. `earlier`: runs of an
earlier session of the same notebook.
"""

from __future__ import annotations

from dataclasses import dataclass

Cells = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Scenario:
    title: str
    runs: Cells
    cause: str
    culprit: int | None = None
    mend: tuple[str, ...] | None = None
    notebook: Cells | None = None
    earlier: Cells = ()
    about: str | None = None


IMPORT = ("i", "import pandas as pd")
FRAME = ("f", "df = pd.DataFrame({'age': [1, 2, 3], 'City': ['a', 'b', 'c']})")


def cells(*sources: str) -> Cells:
    """Cells with ids a, b, c, ..."""
    return tuple((chr(97 + number), source) for number, source in enumerate(sources))


SCENARIOS: tuple[Scenario, ...] = (
    # --- names: the provider failed -------------------------------------------------------------------------------
    Scenario("provider raised before it bound the name", cells("import json", "data = json.loads('{')", "print(data)"), "failed", 2),
    Scenario("provider failed in its middle", cells("a = 1\nb = 1 / 0\nc = 3", "print(a + c)"), "failed", 1),
    Scenario("provider is a function cell with a syntax error", cells("def f(x:\n    return x", "f(3)"), "failed", 1),
    Scenario("import failed", cells("import no_such_module_here as nsm", "nsm.run()"), "failed", 1),
    Scenario("provider failed twice, with the same text", cells("z = undefined_thing", "z = undefined_thing", "print(z)"), "failed", 2),
    Scenario("provider of provider failed", cells("raw = open('/no/such/file').read()", "words = raw.split()", "print(words[0])"), "failed", 2),
    # --- names: deleted -------------------------------------------------------------------------------------------
    Scenario("deleted by del", cells("big = list(range(10))", "del big", "print(len(big))"), "deleted", 2, ("big = list(range(10))",)),
    Scenario("deleted together with others", cells("a = 1\nb = 2", "total = a + b\ndel a, b", "a * 2"), "deleted", 2),
    Scenario("except ... as e is gone after the block", cells("try:\n    1/0\nexcept ZeroDivisionError as e:\n    pass", "print(e)"), "nowhere"),
    # --- names: never ran -----------------------------------------------------------------------------------------
    Scenario(
        "cell above never ran", (("c", "print(x + 1)"),), "unrun", None, ("x = 41",), (("a", "# title"), ("b", "x = 41"), ("c", "print(x + 1)"))
    ),
    Scenario(
        "cell below binds it", (("a", "print(limit)"),), "unrun", None, ("limit = 5",), (("a", "print(limit)"), ("b", "limit = 5"))
    ),
    Scenario(
        "two providers, one needs the other", (("d", "model(3)"),), "unrun", None, ("import math", "def model(x):"),
        (("a", "import math"), ("b", "unused = 0"), ("c", "def model(x):\n    return math.sqrt(x)"), ("d", "model(3)")),
    ),
    Scenario(
        "two names are missing at once", (("c", "print(a + b)"),), "unrun", None, ("a = 1", "b = 2"),
        (("x", "a = 1"), ("y", "b = 2"), ("c", "print(a + b)")),
    ),
    Scenario(
        "provider was edited to bind the name after it ran", (("a", "x = 1"), ("b", "print(x, y)")), "edited", 1, ("x = 1",),
        (("a", "x = 1\ny = 2"), ("b", "print(x, y)")),
    ),
    Scenario(
        "provider chain of three", (("d", "print(c3)"),), "unrun", None, ("a1 = 1", "b2 = a1 + 1", "c3 = b2 + 1"),
        (("a", "a1 = 1"), ("b", "b2 = a1 + 1"), ("c", "c3 = b2 + 1"), ("d", "print(c3)")),
    ),
    # --- names: other reasons -------------------------------------------------------------------------------------
    Scenario("before the restart", (("b", "print(x)"),), "restart", None, None, None, (("a", "x = 1"), ("b", "print(x)"))),
    Scenario("local of a function", cells("def load():\n    table = [1]\n    return len(table)", "load()", "print(table)"), "local", 1),
    Scenario("typing error", cells("customers = [1, 2]", "print(custmers)"), "near", 1),
    Scenario("nowhere at all", cells("x = 1", "print(qqq)"), "nowhere"),
    Scenario("bound in a branch not taken", cells("flag = False", "if flag:\n    result = 1", "print(result)"), "skipped branch", 2),
    Scenario("bound in a loop that never ran", cells("for row in []:\n    last = row", "print(last)"), "skipped branch", 1),
    Scenario("name read inside a called function", cells("def f():\n    return RATE * 2", "f()"), "nowhere"),
    # --- the same cell again --------------------------------------------------------------------------------------
    Scenario("drop run twice", (IMPORT, FRAME, ("d", "df = df.drop(columns='City')"), ("d", "df = df.drop(columns='City')")), "rerun", 3),
    Scenario("inplace drop run twice", (IMPORT, FRAME, ("d", "df.pop('City')"), ("d", "df.pop('City')")), "rerun", 3),
    Scenario("rename run twice then read", (IMPORT, FRAME, ("r", "df = df.rename(columns={'City': 'city'})\ndf['city']\ndf = df.rename(columns={'city': 'town'})"), ("r", "df = df.rename(columns={'City': 'city'})\ndf['city']\ndf = df.rename(columns={'city': 'town'})")), "rerun", 3),
    Scenario("dict pop run twice", (*cells("conf = {'a': 1, 'b': 2}", "v = conf.pop('a')"), ("b", "v = conf.pop('a')")), "rerun", 2),
    Scenario("list pop run until empty", (*cells("todo = [1]", "job = todo.pop()"), ("b", "job = todo.pop()")), "rerun", 2),
    Scenario("iterator exhausted by the first run", (*cells("it = iter([1])", "v = next(it)"), ("b", "v = next(it)")), "rerun", 2),
    Scenario("set_index run twice", (IMPORT, FRAME, ("s", "df = df.set_index('City')"), ("s", "df = df.set_index('City')")), "rerun", 3),
    Scenario("text converted to a list and split again", (*cells("line = 'a,b'", "line = line.split(',')"), ("b", "line = line.split(',')")), "rerun", 2),
    Scenario("del of a key, run twice", (*cells("d = {'k': 1, 'z': 2}", "del d['k']"), ("b", "del d['k']")), "rerun", 2),
    Scenario("list.remove run twice", (*cells("names = ['x', 'y']", "names.remove('x')"), ("b", "names.remove('x')")), "rerun", 2),
    # --- the schema moved -----------------------------------------------------------------------------------------
    Scenario(
        "column lost by a later cell, then the earlier cell again",
        (IMPORT, FRAME, ("u", "df['City'].nunique()"), ("x", "df = df[['age']]"), ("u", "df['City'].nunique()")), "schema", 4, about="df",
    ),
    Scenario(
        "frame became a number", (IMPORT, FRAME, ("h", "df.head()"), ("m", "df = df['age'].mean()"), ("h", "df.head()")), "schema", 4,
    ),
    Scenario(
        "shape changed under a matrix product",
        (("n", "import numpy as np"), ("w", "w = np.ones((3, 2))"), ("p", "r = np.ones((4, 3)) @ w"), ("c", "w = np.ones((5, 2))"), ("p", "r = np.ones((4, 3)) @ w")),
        "schema", 4,
    ),
    Scenario(
        "key removed from a dict by a cell that stands below",
        (("a", "opts = {'lr': 1, 'n': 2}"), ("c", "opts.pop('lr')"), ("b", "print(opts['lr'])")), "schema", 2, None,
        (("a", "opts = {'lr': 1, 'n': 2}"), ("b", "print(opts['lr'])"), ("c", "opts.pop('lr')")),
    ),
    Scenario(
        "renamed below, read above",
        (IMPORT, FRAME, ("r", "df.columns = ['age', 'town']"), ("u", "print(df['City'])")), "schema", 3, None,
        (IMPORT, FRAME, ("u", "print(df['City'])"), ("r", "df.columns = ['age', 'town']")),
    ),
    Scenario(
        "function name overwritten by a result",
        (("f", "def score(x):\n    return x + 1"), ("u", "print(score(1))"), ("o", "score = score(2)"), ("u", "print(score(1))")), "schema", 3,
    ),
    # --- a provider was skipped -----------------------------------------------------------------------------------
    Scenario(
        "feature cell not run", (IMPORT, FRAME, ("u", "print(df['ratio'])")), "provider", None, ("df['ratio'] = df['age'] / 2",),
        (IMPORT, FRAME, ("p", "df['ratio'] = df['age'] / 2"), ("u", "print(df['ratio'])")),
    ),
    Scenario(
        "setting added to a dict by a cell not run", (("a", "conf = {}"), ("c", "print(conf['path'])")), "provider", None, ("conf['path'] = '/tmp'",),
        (("a", "conf = {}"), ("b", "conf['path'] = '/tmp'"), ("c", "print(conf['path'])")),
    ),
    Scenario(
        "provider edited since it ran", (IMPORT, FRAME, ("p", "df['r1'] = 1"), ("u", "print(df['r2'])")), "provider", 3, None,
        (IMPORT, FRAME, ("p", "df['r2'] = 1"), ("u", "print(df['r2'])")),
    ),
    # --- stale inputs ---------------------------------------------------------------------------------------------
    Scenario(
        "X made before rows were dropped, y after",
        (("n", "import numpy as np"), ("d", "data = np.arange(12.0).reshape(6, 2)"), ("x", "X = data * 2"), ("r", "data = data[:4]"), ("y", "y = data[:, 0]"), ("f", "Z = X + y[:, None]")),
        "stale", 4,
    ),
    Scenario(
        "mask made before the frame was filtered",
        (("n", "import numpy as np"), ("a", "a = np.arange(6)"), ("m", "mask = a > 2"), ("f", "a = a[:4]"), ("u", "print(a[mask])")), "stale", 4,
    ),
    # --- ordinary crashes: the notebook is not the reason -----------------------------------------------------------
    Scenario("division by zero", cells("a = 1", "a / 0"), "none"),
    Scenario("missing column that never was", (IMPORT, FRAME, ("u", "df['country']")), "none"),
    Scenario("wrong type", cells("n = '5'", "n + 1"), "none"),
    Scenario("file not found", cells("path = '/no/such/file.csv'", "open(path)"), "none"),
    Scenario("attribute that never was", (IMPORT, FRAME, ("u", "df.no_such_method()")), "none"),
    Scenario("index out of range", cells("xs = [1, 2]", "xs[5]"), "none"),
    Scenario("shapes that never fitted", cells("import numpy as np", "a = np.ones((2, 3))\nb = np.ones((2, 3))", "a @ b"), "none"),
    Scenario("out of order, but harmless to this failure", (("b", "y = 2"), ("a", "x = 1"), ("c", "int('abc')")), "none", None, None, (("a", "x = 1"), ("b", "y = 2"), ("c", "int('abc')"))),
    Scenario("unrun cells around, of no matter", (("a", "x = 'a'"), ("d", "float(x)")), "none", None, None, (("a", "x = 'a'"), ("b", "z = 3"), ("c", "q = [z]"), ("d", "float(x)"))),
    Scenario("a counter cell re-run, then another failure", (*cells("n = 0", "n += 1"), ("b", "n += 1"), ("c", "{}['missing']")), "none"),
    Scenario("same failing cell run twice", (*cells("d = {}", "d['k']"), ("b", "d['k']")), "none"),
    Scenario("an unrun cell adds another column", (IMPORT, FRAME, ("u", "df['City'].astype(float)")), "none", None, None, (IMPORT, FRAME, ("p", "df['other'] = 1"), ("u", "df['City'].astype(float)"))),
    Scenario("key error on a dict that grew since", cells("d = {'a': 1}", "d['a']", "d['b'] = 2", "d['zz']"), "none"),
    Scenario("assertion", cells("total = 3", "assert total == 4, total"), "none"),
)  # fmt: skip
