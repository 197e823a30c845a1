"""Real errors in variants: what a person would call one failure, however the lines moved, the paths and numbers changed.

Each case is a piece of a program that fails. `$n`, `$m` are numbers and `$p` a path that differ between variants. Run as
a script it prints {case: [type, message, function]} as this Python says it, for `error_variants.json`.
"""

from __future__ import annotations

import json
import sys
from string import Template
from types import CodeType

CASES = {
    "key of a dict": "def price(table):\n    return table['price_eur']\nprice({'a': $n})",
    "another key": "def price(table):\n    return table['region']\nprice({'a': $n})",
    "the same key elsewhere": "def region(table):\n    return table['region']\nregion({'a': $n})",
    "a number as key": "def pick(table):\n    return table[$n]\npick({})",
    "index of a list": "def last(rows):\n    return rows[$n]\nlast([])",
    "pop from an empty list": "def last(rows):\n    return rows.pop()\nlast([])",
    "index of a tuple": "def last(rows):\n    return rows[$n]\nlast(())",
    "index of a text": "def letter(text):\n    return text[$n]\nletter('')",
    "attribute of None": "def name(user):\n    return user.name\nname(None)",
    "another attribute of None": "def name(user):\n    return user.address\nname(None)",
    "attribute of an own object": "class Order:\n    pass\ndef total(order):\n    return order.total\ntotal(Order())",
    "attribute of a module": "import math\ndef root(x):\n    return math.squareroot(x)\nroot($n)",
    "undefined name": "def total():\n    return undefined_name + $n\ntotal()",
    "another undefined name": "def total():\n    return other_name + $n\ntotal()",
    "local before assignment": "def total(flag):\n    if flag:\n        amount = $n\n    return amount\ntotal(False)",
    "free variable": "def outer():\n    def inner():\n        return later\n    inner()\n    later = $n\nouter()",
    "missing argument": "def send(to, text):\n    pass\nsend('a')",
    "missing argument of a method": "class Mail:\n    def send(self, to, text):\n        pass\ndef go():\n    Mail().send('a')\ngo()",
    "too many arguments": "def send(to):\n    pass\ndef go():\n    send('a', $n)\ngo()",
    "unexpected keyword": "def send(to):\n    pass\ndef go():\n    send('a', urgency=$n)\ngo()",
    "not callable": "def go(rule):\n    return rule($n)\ngo('text')",
    "not iterable": "def go(rows):\n    for row in rows:\n        pass\ngo($n)",
    "not subscriptable": "def go(rows):\n    return rows['a']\ngo(None)",
    "number plus text": "def add(a, b):\n    return a + b\nadd($n, 'x')",
    "text plus number": "def add(a, b):\n    return a + b\nadd('x', $n)",
    "list plus text": "def add(a, b):\n    return a + b\nadd([$n], 'x')",
    "comparison of types": "def less(a, b):\n    return a < b\nless($n, 'x')",
    "unhashable": "def index(rows):\n    return {row: 1 for row in rows}\nindex([[$n]])",
    "text to int": "def parse(text):\n    return int(text)\nparse('abc')",
    "empty text to float": "def parse(text):\n    return float(text)\nparse('')",
    "too many to unpack": "def split(row):\n    a, b = row\nsplit(($n, 2, 3))",
    "too few to unpack": "def split(row):\n    a, b = row\nsplit(($n,))",
    "division by zero": "def rate(a, b):\n    return a / b\nrate($n, 0)",
    "float division by zero": "def share(a, b):\n    return a / b\nshare($n.5, 0.0)",
    "modulo by zero": "def rest(a, b):\n    return a % b\nrest($n, 0)",
    "value not in a list": "def find(rows):\n    return rows.index($n)\nfind([])",
    "file is missing": "def load(path):\n    return open(path)\nload('$p/data.csv')",
    "folder is missing": "import os\ndef walk(path):\n    return os.listdir(path)\nwalk('$p/rows')",
    "file is a folder": "def load(path):\n    return open(path)\nload('/')",
    "bad JSON": "import json\ndef load(text):\n    return json.loads(text)\nload('{\"a\": $n,')",
    "JSON that ends": "import json\ndef load(text):\n    return json.loads(text)\nload('[' + '$n, ' * 3)",
    "trailing comma in JSON": "import json\ndef read(text):\n    return json.loads(text)\nread('{\"a\": $n,}')",
    "bad bytes": "def text(body):\n    return body.decode()\ntext(b'$n\\xff')",
    "bad ascii": "def text(body):\n    return body.encode('ascii')\ntext('$n\\xe9')",
    "module is missing": "def load():\n    import no_such_module_at_all\nload()",
    "name is missing in a module": "def load():\n    from json import no_such_name\nload()",
    "recursion": "def deep(n):\n    return deep(n + $n) + 1\ndeep($n)",
    "assertion": "def check(rows):\n    assert rows == $n, 'expected $n rows in $p/data.csv'\ncheck([])",
    "assertion without text": "def check(rows):\n    assert rows == $n\ncheck([])",
    "own error with a number": "class Late(Exception):\n    pass\ndef due(days):\n    raise Late(f'order {days} is {days * 2}.5 days late')\ndue($n)",
    "own error with an address": "class Lost(Exception):\n    pass\ndef find():\n    raise Lost(f'no owner for {object()!r}')\nfind()",
    "own error with an id": "import uuid\nclass Gone(Exception):\n    pass\ndef find():\n    raise Gone(f'job {uuid.uuid4()} is gone')\nfind()",
    "own error with a hash": "import hashlib\nclass Stale(Exception):\n    pass\ndef find():\n    raise Stale('commit ' + hashlib.sha1(b'$n').hexdigest() + ' is stale')\nfind()",
    "own error with a time": "class Closed(Exception):\n    pass\ndef find():\n    raise Closed('closed since 2026-1$m-0$m 1$m:0$m:2$m')\nfind()",
    "stop iteration": "def first(rows):\n    return next(iter(rows))\nfirst([])",
    "property without setter": "class Order:\n    @property\n    def total(self):\n        return $n\ndef edit(order):\n    order.total = 3\nedit(Order())",
    "abstract class": "import abc\nclass Base(abc.ABC):\n    @abc.abstractmethod\n    def run(self): ...\ndef make():\n    return Base()\nmake()",
    "enum value": "import enum\nclass Color(enum.Enum):\n    RED = 1\ndef pick(n):\n    return Color(n)\npick($n$n)",
    "in a comprehension": "def totals(rows):\n    return [row['total'] for row in rows]\ntotals([{'a': $n}])",
    "in a generator": "def totals(rows):\n    return sum(row['total'] for row in rows)\ntotals([{'a': $n}])",
    "in a lambda": "rule = lambda row: row['total']\nrule({'a': $n})",
    "in the module itself": "rows = {'a': $n}\nrows['total']",
    "in a cell": "rows = [$n]\nrows.append(rows['total'])",
    "date text": "import datetime\ndef parse(text):\n    return datetime.date.fromisoformat(text)\nparse('not a date')",
    "date format": "import datetime\ndef parse(text):\n    return datetime.datetime.strptime(text, '%Y-%m-%d')\nparse('2026/$n')",
    "wrong enum of subprocess": "import subprocess, sys\ndef call():\n    subprocess.run([sys.executable, '-c', 'import sys; sys.exit($n)'], check=True)\ncall()",
}  # fmt: skip

LIBRARIES = {
    "shapes do not broadcast": "import numpy as np\ndef add(n):\n    return np.ones($n) + np.ones($n + 1)\nadd($n)",
    "shapes do not multiply": "import numpy as np\ndef dot(n):\n    return np.ones(($n, 2)) @ np.ones((3, $n))\ndot($n)",
    "numpy number not in a list": "import numpy as np\ndef locate(rows):\n    return rows.index(np.float64($n.5))\nlocate([])",
    "numpy number as key": "import numpy as np\ndef find(rows):\n    return rows[np.int64($n)]\nfind({})",
    "index of an array": "import numpy as np\ndef cell(rows):\n    return rows[$n]\ncell(np.ones(2))",
    "column of a frame": "import pandas as pd\ndef ages(df):\n    return df['age']\nages(pd.DataFrame({'a': [$n]}))",
    "merge without the key": "import pandas as pd\ndef join(a, b):\n    return a.merge(b, on='key')\njoin(pd.DataFrame({'a': [$n]}), pd.DataFrame({'b': [$n]}))",
    "lengths of columns": "import pandas as pd\ndef put(df):\n    df['x'] = range($n)\nput(pd.DataFrame({'a': [1, 2]}))",
}  # fmt: skip

NUMBERS = ({"n": "7", "m": "1", "p": "/srv/nowhere"}, {"n": "12", "m": "2", "p": "/home/ann/no such place"})


def program(name: str, variant: int) -> tuple[CodeType, str]:
    """The case as a person might meet it again: other numbers, moved lines, another file in another folder, another caller."""
    text = Template((CASES | LIBRARIES)[name]).substitute(NUMBERS[variant % 2])
    if variant >= 1:
        text = "# a comment\n" * 37 * variant + "unrelated = 1\n\n" + text
    if variant == 3 and "\n" in text.strip():
        head, _, last = text.rpartition("\n")
        if last and not last.startswith((" ", "rows", "rule")):
            text = f"{head}\ndef test_again():\n    {last}\ntest_again()"
    file = ("/srv/app/shop.py", "/home/ann/work/shop.py", "C:\\work\\shop.py", "/tmp/x/shop_copy.py")[variant]
    return compile(text, file, "exec"), file


def failure(name: str, variant: int) -> BaseException:
    """The exception of the case, as it was raised."""
    code, _ = program(name, variant)
    try:
        exec(code, {"__name__": "shop"})
    except Exception as error:
        return error
    raise AssertionError(f"{name} did not fail")


if __name__ == "__main__":
    from agentlog.frames import message_of
    from agentlog.memory import user_functions

    said = {
        name: [type(error).__name__, message_of(error), user_functions(error)] for name in CASES for error in (failure(name, 0),)
    }
    json.dump({".".join(map(str, sys.version_info[:2])): said}, sys.stdout)
