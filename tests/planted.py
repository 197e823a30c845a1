"""Pairs of runs with one planted difference each, and the kind and name that must be told first.

`a` and `b`: the cells of the two runs, (id, source). `files_a`, `files_b`: written into the working directory before each
run. `set_a`, `set_b`: environment of each run. `kind`: kind of the difference, `name`: what it is about; `label`: the
execution of the second run where it must be seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Cells = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Planted:
    title: str
    kind: str
    a: Cells
    b: Cells
    name: str | None = None
    label: str | None = None
    files_a: dict[str, str] = field(default_factory=dict)
    files_b: dict[str, str] = field(default_factory=dict)
    set_a: dict[str, str] = field(default_factory=dict)
    set_b: dict[str, str] = field(default_factory=dict)
    packages_a: dict[str, str] = field(default_factory=dict)
    packages_b: dict[str, str] = field(default_factory=dict)


def cells(*sources: str) -> Cells:
    return tuple((f"c{number}", source) for number, source in enumerate(sources, 1))


def same(*sources: str) -> dict[str, Cells]:
    return {"a": cells(*sources), "b": cells(*sources)}


CSV = "import csv\nrows = list(csv.DictReader(open('data.csv')))"
TOTAL = "total = sum(float(row['v']) for row in rows)"
FRAME = "import pandas as pd\ndf = pd.read_csv('data.csv')"
ONE, TWO = "v\n1\n2\n3\n", "v\n1\n2\n4\n"
MORE = "v\n1\n2\n3\n9\n"

PAIRS: tuple[Planted, ...] = (
    # --- data files -----------------------------------------------------------------------------------------------
    Planted("a value of a csv", "file", **same(FRAME, "df['v'].sum()"), name="data.csv", label="In[1]", files_a={"data.csv": ONE}, files_b={"data.csv": TWO}),
    Planted("a row more", "file", **same(FRAME, "df['v'].mean()"), name="data.csv", label="In[1]", files_a={"data.csv": ONE}, files_b={"data.csv": MORE}),
    Planted("read by a function", "file", **same("def load():\n    with open('data.csv') as f:\n        return f.read().split()", "lines = load()"), name="data.csv", label="In[2]", files_a={"data.csv": ONE}, files_b={"data.csv": TWO}),
    Planted("path in a variable", "file", **same("where = 'in.txt'", "with open(where) as f:\n    text = f.read()", "print(len(text))"), name="in.txt", label="In[2]", files_a={"in.txt": "abc"}, files_b={"in.txt": "abcd"}),
    Planted("path joined", "file", **same("import pathlib\nbase = pathlib.Path('d')", "text = (base / 'x.json').read_text()"), name="d/x.json", label="In[2]", files_a={"d/x.json": "{}"}, files_b={"d/x.json": "[]"}),
    Planted("file missing in the second run", "file", **same("x = 1", "with open('data.csv') as f:\n    text = f.read()"), name="data.csv", label="In[2]", files_a={"data.csv": ONE}, files_b={}),
    Planted("second of two files", "file", **same("a = open('a.txt'); ta = a.read(); a.close()", "b = open('b.txt'); tb = b.read(); b.close()", "both = ta + tb"), name="b.txt", label="In[2]", files_a={"a.txt": "1", "b.txt": "2"}, files_b={"a.txt": "1", "b.txt": "3"}),
    # --- package versions -----------------------------------------------------------------------------------------
    Planted("version of a package", "package", **same("import fancylib", "r = fancylib.work(2)", "print(r)"), name="fancylib", files_a={"fancylib.py": "__version__ = '1.0'\ndef work(x): return x * 2\n"}, files_b={"fancylib.py": "__version__ = '2.0'\ndef work(x): return x * 3\n"}),
    Planted("version of a package under an alias", "package", **same("import fancylib as fl", "y = 1", "print(fl.work(y))"), name="fancylib", files_a={"fancylib.py": "__version__ = '1.0'\ndef work(x): return x\n"}, files_b={"fancylib.py": "__version__ = '1.1'\ndef work(x): return -x\n"}),
    Planted("version known to the session only", "package", **same("x = [1]", "x.append(2)"), name="numbers_pkg", packages_a={"numbers_pkg": "1.0"}, packages_b={"numbers_pkg": "1.2"}),
    # --- seeds ----------------------------------------------------------------------------------------------------
    Planted("no seed", "seed", **same("import random", "xs = [random.random() for _ in range(3)]"), name="python", label="In[2]"),
    Planted("no seed for numpy", "seed", **same("import numpy as np\nnp.random.seed(None)", "m = np.random.rand(3).mean()", "print(m)"), name="numpy", label="In[2]"),
    Planted("seed edited", "source", cells("import random\nrandom.seed(1)", "x = random.random()"), cells("import random\nrandom.seed(2)", "x = random.random()"), label="In[1]"),
    Planted("draws before, seeded by nobody", "seed", **same("import random\nitems = list('abcdef')", "random.shuffle(items)"), name="python", label="In[2]"),
    # --- edited cells ---------------------------------------------------------------------------------------------
    Planted("a constant edited", "source", cells("a = 1", "b = a + 1", "c = b * 2"), cells("a = 1", "b = a + 5", "c = b * 2"), label="In[2]"),
    Planted("a function edited", "source", cells("def f(x):\n    return x + 1", "f(1)"), cells("def f(x):\n    return x - 1", "f(1)"), label="In[1]"),
    Planted("an argument edited that breaks it", "source", cells("xs = [1, 2]", "xs[1]"), cells("xs = [1, 2]", "xs[7]"), label="In[2]"),
    Planted("a comment edited first, a number later", "source", cells("# one\nx = 1", "y = x + 1"), cells("# two\nx = 1", "y = x + 2"), label="In[2]"),
    Planted("edited cell without ids", "source", tuple(("", s) for s in ("a = 1", "b = a * 10 + 3", "print(b)")), tuple(("", s) for s in ("a = 1", "b = a * 10 + 4", "print(b)")), label="In[2]"),
    # --- order ----------------------------------------------------------------------------------------------------
    Planted("two cells swapped", "order", (("a", "x = 1"), ("b", "x = x + 1"), ("c", "x = x * 10"), ("d", "print(x)")), (("a", "x = 1"), ("c", "x = x * 10"), ("b", "x = x + 1"), ("d", "print(x)")), label="In[2]"),
    Planted("a cell run too late", "order", (("a", "xs = []"), ("b", "xs.append(1)"), ("c", "n = len(xs)"), ("d", "print(n)")), (("a", "xs = []"), ("c", "n = len(xs)"), ("b", "xs.append(1)"), ("d", "print(n)"))),
    Planted("a cell left out", "only", (("a", "x = 1"), ("b", "x += 5"), ("c", "print(x)")), (("a", "x = 1"), ("c", "print(x)"))),
    Planted("a cell run twice", "only", (("a", "x = 1"), ("b", "x += 5"), ("c", "print(x)")), (("a", "x = 1"), ("b", "x += 5"), ("b", "x += 5"), ("c", "print(x)")), label="In[3]"),
    # --- environment variables --------------------------------------------------------------------------------------
    Planted("environment variable", "environment", **same("import os", "mode = os.environ.get('APP_MODE', 'none')", "print(mode)"), name="APP_MODE", label="In[2]", set_a={"APP_MODE": "fast"}, set_b={"APP_MODE": "slow"}),
    Planted("environment variable set in one only", "environment", **same("import os", "debug = bool(os.getenv('APP_DEBUG'))"), name="APP_DEBUG", set_a={}, set_b={"APP_DEBUG": "1"}),
    Planted("environment variable read by a local module", "environment", **same("import settings_mod", "size = settings_mod.size()"), name="APP_SIZE", label="In[2]", set_a={"APP_SIZE": "1"}, set_b={"APP_SIZE": "2"}, files_a={"settings_mod.py": "import os\ndef size(): return int(os.environ['APP_SIZE'])\n"}, files_b={"settings_mod.py": "import os\ndef size(): return int(os.environ['APP_SIZE'])\n"}),
    # --- time zone ------------------------------------------------------------------------------------------------
    Planted("time zone", "timezone", **same("import datetime", "hour = datetime.datetime.fromtimestamp(0).hour", "print(hour)"), set_a={"TZ": "UTC"}, set_b={"TZ": "Asia/Tokyo"}, label="In[2]"),
    Planted("time zone of strftime", "timezone", **same("import time", "text = time.strftime('%H %Z', time.localtime(86400))"), set_a={"TZ": "UTC"}, set_b={"TZ": "America/New_York"}, label="In[2]"),
    # --- edited modules -------------------------------------------------------------------------------------------
    Planted("local module edited", "module", **same("import helpers_mod", "v = helpers_mod.rate(10)", "print(v)"), name="helpers_mod", files_a={"helpers_mod.py": "def rate(x): return x * 2\n"}, files_b={"helpers_mod.py": "def rate(x): return x * 3\n"}),
    Planted("local module edited, function imported", "module", **same("from helpers_mod import clean", "out = clean(' a ')"), name="helpers_mod", files_a={"helpers_mod.py": "def clean(s): return s.strip()\n"}, files_b={"helpers_mod.py": "def clean(s): return s.strip().upper()\n"}),
    Planted("module edited below a package", "module", **same("from mypkg.steps import scale", "xs = scale([1, 2])"), name="mypkg.steps", files_a={"mypkg/__init__.py": "", "mypkg/steps.py": "def scale(v): return [x * 2 for x in v]\n"}, files_b={"mypkg/__init__.py": "", "mypkg/steps.py": "def scale(v): return [x * 5 for x in v]\n"}),
    Planted("module breaks in the second run", "module", **same("import helpers_mod", "helpers_mod.check({'k': 1})"), name="helpers_mod", files_a={"helpers_mod.py": "def check(d): return d['k']\n"}, files_b={"helpers_mod.py": "def check(d): return d['key']\n"}),
    # --- among noise ----------------------------------------------------------------------------------------------
    Planted("a file, among timings and addresses", "file", **same("import time\nt0 = time.time()\nobj = object()", FRAME, "print(obj, time.time() - t0)\ndf['v'].max()"), name="data.csv", label="In[2]", files_a={"data.csv": ONE}, files_b={"data.csv": MORE}),
    Planted("an edit after a random draw that is seeded", "source", cells("import random\nrandom.seed(3)", "xs = [random.random() for _ in range(5)]", "m = max(xs)"), cells("import random\nrandom.seed(3)", "xs = [random.random() for _ in range(5)]", "m = min(xs)"), label="In[3]"),
)  # fmt: skip
