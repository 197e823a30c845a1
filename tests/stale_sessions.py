"""Sessions with what is stale after their last cell: (title, cells, stale names, names that are not).

Written down before any of them was run. At the first try 29 of the 44 names were told rightly: 12 were called stale that are not
(what is used up by being used, other columns and keys, aliases, equal values made again), 3 stale ones were not seen (a function,
a class, a module that is another one now). One is left out: a function that is only stored counts as called.
"""

from __future__ import annotations

StaleSession = tuple[str, list[str], str, str]

STALE_SESSIONS: tuple[StaleSession, ...] = (
    ("global of a function", ["rate = 2000", "def f(v): return v * rate", "y = f(1)", "rate = 3000"], "y", "rate f"),
    ("global of a function in a dict", ["k = 1000", "def h(): return k", "tools = {'h': h}", "y = tools['h']()", "k = 2000"], "y", "h"),
    ("global of a method in an instance", ["k = 1000", "class T:\n    def go(self): return k", "t = T()", "y = t.go()", "k = 2000"], "y", ""),
    ("through an alias", ["a = [1]", "b = a", "s = sum(b)", "a.append(2)"], "s", "b"),
    ("through a view", ["import numpy as np\na = np.arange(5)", "v = a[1:]", "t = int(v.sum())", "a[2] = 90"], "t", ""),
    ("equal content again", ["base = [1, 2]", "t = sum(base)", "base[0] = 1"], "", "t"),
    ("variable of a comprehension", ["xs = [1]\nn = 5000", "ys = [n for n in xs]", "n = 6000"], "", "ys"),
    ("parameter of a function", ["k = 1000", "def f(k): return k", "y = f(5)", "k = 2000"], "", "y f"),
    ("deleted to save memory", ["raw = [3, 1, 2]", "df = sorted(raw)", "n = len(df)", "del raw"], "", "df n"),
    ("deleted after a change", ["raw = [3, 1, 2]", "df = sorted(raw)", "raw.append(7)", "del raw"], "df", ""),
    ("deleted and made again", ["a = 1000", "b = a + 1", "del a", "a = 1000"], "", "b"),
    ("changed by a cell that failed", ["l = [1]", "s = sum(l)", "l.append(2); 1 / 0"], "s", ""),
    ("function defined again alike", ["def f(): return 1", "y = f()", "def f(): return 1"], "", "y"),
    ("function defined again otherwise", ["def f(): return 1", "y = f()", "def f(): return 2"], "y", ""),
    ("attribute of a class", ["class C:\n    k = 1", "y = C.k * 2", "C.k = 5"], "y", ""),
    ("module made by hand", ["import types\nm = types.ModuleType('m'); m.k = 1", "y = m.k + 1", "m.k = 2"], "y", ""),
    ("draws of one generator", ["import numpy as np\nrng = np.random.default_rng(0)", "x = rng.normal()", "y = rng.normal()"], "", "x y"),
    ("draws of random.Random", ["import random\nr = random.Random(1)", "x = r.random()", "y = r.random()"], "", "x y"),
    ("elements of one iterator", ["it = iter([1000, 2000, 3000])", "a = next(it)", "b = next(it)"], "", "a b"),
    ("a log that cells append to", ["log = []", "a = 1000; log.append('a')", "b = 2000; log.append('b')"], "", "a b"),
    ("results kept in one dict", ["out = {}", "out['a'] = 1; p = 5000", "out['b'] = 2"], "", "p"),
    ("a counter", ["n = 0", "n += 1000", "y = n * 2"], "", "y n"),
    ("another column", ["import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})", "m = df['a'].mean()", "df['new'] = 1"], "", "m"),
    ("the column itself", ["import pandas as pd\ndf = pd.DataFrame({'a': [1, 2]})", "m = df['a'].mean()", "df['a'] = df['a'] * 2"], "m", ""),
    ("rows dropped", ["import pandas as pd\ndf = pd.DataFrame({'a': [1, 2, 3]})", "m = df['a'].mean()", "df.drop(0, inplace=True)"], "m", ""),
    ("model fitted again", ["from sklearn.linear_model import LinearRegression\nm = LinearRegression()\nX = [[1], [2]]", "m = m.fit(X, [1, 2])", "p = m.predict(X)", "m.fit(X, [5, 9])"], "p", ""),
    ("data changed after the fit", ["from sklearn.linear_model import LinearRegression\nX = [[1], [2]]", "m = LinearRegression().fit(X, [1, 2])", "X.append([3])"], "m", ""),
    ("a figure drawn in steps", ["import matplotlib; matplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nfig, ax = plt.subplots()", "line, = ax.plot([1, 2])", "t = ax.set_title('x')"], "", "line t"),
    ("the file of a writer", ["import io\nout = io.StringIO()", "n = out.write('a')", "k = out.write('b')"], "", "n k"),
    ("two steps away", ["a = 1000", "b = a + 1", "c = b + 1", "a = 2000"], "b", "a"),
    ("another key of a dict", ["cfg = {'lr': 1, 'n': 2}", "a = cfg['lr'] * 2", "cfg['n'] = 3"], "", "a"),
    ("the key itself", ["cfg = {'lr': 1, 'n': 2}", "a = cfg['lr'] * 2", "cfg['lr'] = 3"], "a", ""),
)  # fmt: skip
