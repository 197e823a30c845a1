"""Cells of every kind, to be run with and without the recorder: what is seen must be the same.

No line that fails holds two statements: how much IPython shows around such a line depends on memory addresses.

A kind is a name and the source of a cell; where it needs more, a `Kind` says how the request is sent.
`terminal`: it means the same without a kernel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Kind:
    """One cell. `answers`: to input(); `interrupt_at`: interrupt once this text was printed; `options`: of the request."""

    name: str
    code: str
    answers: tuple[str, ...] = ()
    interrupt_at: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    terminal: bool = True


BROKEN_REPR = """
class Broken:
    def __repr__(self):
        raise RuntimeError("no repr")
    def __eq__(self, other):
        raise RuntimeError("no eq")
    def __len__(self):
        raise RuntimeError("no len")
    def __bool__(self):
        raise RuntimeError("no bool")
    def __getattr__(self, name):
        if name.startswith("_ipython") or name.startswith("_repr"): raise AttributeError(name)
        raise RuntimeError("no attribute")
broken = Broken()
"""

KINDS: tuple[Kind, ...] = (
    Kind("expression", "1 + 1"),
    Kind("assignment", "a = 1; b = 'two'; c = [3]"),
    Kind("comment", "# nothing here"),
    Kind("empty", ""),
    Kind("blank", "  \n\n"),
    Kind("semicolon", "a;"),
    Kind("print", "print('hello')"),
    Kind("print to stderr", "import sys; print('oops', file=sys.stderr)"),
    Kind("both streams", "print('out'); print('err', file=sys.stderr); print('out again')"),
    Kind("no newline", "print('unfinished', end='')"),
    Kind("progress", "for i in range(500): print(f'\\r{i}/500', end='')"),
    Kind("colours", "print('\\x1b[31mred\\x1b[0m')"),
    Kind("200 prints", "for i in range(200): print(i)"),
    Kind("long line", "print('x' * 100_000)"),
    Kind("result", "{'a': [1, 2], 'b': (3,)}"),
    Kind("earlier result", "_ , __, len(Out) > 0, len(In) > 0"),
    Kind("display text", "from IPython.display import display, HTML\ndisplay('shown')"),
    Kind("display html", "display(HTML('<b>bold</b>'))"),
    Kind("display between prints", "print('before'); display(HTML('<i>x</i>')); print('after')"),
    Kind("display id", "h = display('one', display_id='fixed'); h.update('two')", terminal=False),
    Kind("clear output", "from IPython.display import clear_output\nprint(1); clear_output(wait=True); print(2)"),
    Kind(
        "image",
        "from IPython.display import Image\nimport base64\nImage(base64.b64decode('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'), format='gif')",
    ),
    Kind(
        "rich object",
        "class Rich:\n    def _repr_html_(self): return '<p>rich</p>'\n    def __repr__(self): return 'rich'\nRich()",
    ),
    Kind("zero division", "1/0"),
    Kind("name error", "undefined_name"),
    Kind("error in a function", "def f(x):\n    y = x * 2\n    return [1][y]\nf(5)"),
    Kind("syntax error", "x = = 1"),
    Kind("indentation error", "if True:\nprint(1)"),
    Kind("chained error", "try:\n    {}['k']\nexcept KeyError as e:\n    raise ValueError('chained') from e"),
    Kind(
        "error group",
        "import sys\nif sys.version_info >= (3, 11):\n    raise ExceptionGroup('many', [ValueError(1), KeyError('k')])\nelse:\n    raise ValueError('many')",
    ),
    Kind(
        "own exception with a broken str",
        "class Bad(Exception):\n    def __str__(self): return 'bad ' + str(len(self.args))\nraise Bad(1, 2)",
    ),
    Kind(
        "recursion",
        "def down(n): return down(n + 1)\ntry:\n    down(0)\nexcept RecursionError as e:\n    print(type(e).__name__)",
    ),
    Kind("assertion", "assert a == 2, 'a is not 2'"),
    Kind("raised interrupt", "raise KeyboardInterrupt"),
    Kind("exit with a code", "raise SystemExit(3)"),
    Kind("sys.exit", "sys.exit()"),
    Kind("BdbQuit", "import bdb\nraise bdb.BdbQuit"),
    Kind("import error", "import no_such_module_anywhere"),
    Kind("broken repr", BROKEN_REPR),
    Kind("broken result", "broken"),
    Kind("unknown magic", "%no_such_magic"),
    Kind("magic", "%pwd;"),
    Kind("help magic", "%who_ls int"),
    Kind("time", "%time sum(range(10))"),
    Kind("time cell", "%%time\nq = 3"),
    Kind("time cell with an error", "%%time\n1/0"),
    Kind("timeit", "%timeit -n1 -r1 pass"),
    Kind("capture", "%%capture cap\nprint('captured')\n5"),
    Kind("capture shown", "cap.show()"),
    Kind("capture with an error", "%%capture\n1/0"),
    Kind("writefile and run", "%%writefile zoo_script.py\nz = 5\nprint('in script', z)"),
    Kind("run", "%run zoo_script.py"),
    Kind("write a failing script", "%%writefile zoo_fails.py\ndef g():\n    raise LookupError('from a script')\ng()"),
    Kind("run a failing script", "%run zoo_fails.py"),
    Kind("bash", "%%bash\necho from bash", terminal=False),
    Kind("bash fails", "%%bash\nexit 3", terminal=False),
    Kind("shell", "!echo shell"),
    Kind("shell fails", "!exit 4"),
    Kind("shell captured", "lines = !echo one; echo two\nlines"),
    Kind("nested cell", "get_ipython().run_cell('nested = 1; print(nested)');"),
    Kind("nested error", "get_ipython().run_cell('1/0');"),
    Kind("nested with history", "r = get_ipython().run_cell('2 + 2', store_history=True); r.success"),
    Kind("os.write", "import os; n = os.write(1, b'')"),
    Kind("subprocess", "import subprocess; subprocess.run(['true']).returncode"),
    Kind("thread prints", "import threading\nt = threading.Thread(target=print, args=('from a thread',)); t.start(); t.join()"),
    Kind("thread fails", "t = threading.Thread(target=lambda: 1/0, name='failing'); t.start(); t.join()"),
    Kind(
        "late thread begins",
        "go = threading.Event()\nlate = threading.Thread(target=lambda: (go.wait(20), print('late')), name='late'); late.start()",
        terminal=False,
    ),
    Kind("late thread ends", "go.set(); late.join()", terminal=False),
    Kind(
        "pool",
        "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(2) as pool: print(sorted(pool.map(abs, [-1, -2])))",
    ),
    Kind("unraisable", "class Dies:\n    def __del__(self): raise ValueError('in del')\nd = Dies(); del d"),
    Kind("fork", "pid = os.fork()\nif pid == 0: os._exit(7)\nos.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])"),
    Kind("await", "import asyncio\nawait asyncio.sleep(0)\n'awaited'"),
    Kind("await fails", "async def fails():\n    await asyncio.sleep(0)\n    raise ValueError('awaited')\nawait fails()"),
    Kind("cancelled by itself", "task = asyncio.ensure_future(asyncio.sleep(5)); task.cancel()\nawait task"),
    Kind(
        "task fails",
        "async def soon(): raise OSError('in a task')\ntask = asyncio.ensure_future(soon())\nawait asyncio.sleep(0.01)\ntask.exception()",
    ),
    Kind(
        "task never awaited",
        "import gc\ntask = asyncio.ensure_future(soon())\nawait asyncio.sleep(0.01)\ndel task\ngc.collect() > -1",
        terminal=False,
    ),
    Kind("generator", "gen = (i for i in range(3)); next(gen)"),
    Kind("warning", "import warnings; warnings.warn('careful')"),
    Kind("logging", "import logging; logging.getLogger('zoo').warning('logged')"),
    Kind(
        "contextlib redirect",
        "import io, contextlib\nwith contextlib.redirect_stdout(io.StringIO()) as caught: print('hidden')\ncaught.getvalue()",
    ),
    Kind(
        "replaced stdout",
        "kept = sys.stdout; sys.stdout = io.StringIO(); print('gone'); text = sys.stdout.getvalue(); sys.stdout = kept; text",
    ),
    Kind("excepthook", "sys.excepthook is sys.__excepthook__, callable(threading.excepthook)"),
    Kind("loop handler", "asyncio.get_running_loop().get_exception_handler() is None", terminal=False),
    Kind("password", "password = 'hunter2secret'; print(password)"),
    Kind("delete", "del a, b, c"),
    Kind("class", "class C:\n    n = 1\nC.n"),
    Kind("big list", "numbers = list(range(100_000)); len(numbers)"),
    Kind("numpy and pandas", "import numpy, pandas\nframe = pandas.DataFrame({'x': [1, 2], 'y': [None, 'b']}); frame"),
    Kind("key error in a frame", "frame['X']"),
    Kind("figure", "%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.close()", terminal=False),
    Kind("load_ext of nothing", "%load_ext no_such_extension"),
    Kind("reset of one name", "%reset_selective -f ^numbers$"),
    Kind("input", "answer = input('name? '); answer", answers=("Ada",), options={"allow_stdin": True}, terminal=False),
    Kind("input not allowed", "input('x')", options={"allow_stdin": False}, terminal=False),
    Kind("silent", "silent_name = 1; print('silent')", options={"silent": True}, terminal=False),
    Kind("not stored", "not_stored = 2; not_stored", options={"store_history": False}, terminal=False),
    Kind("user expressions", "u = 6", options={"user_expressions": {"six": "u", "bad": "nope"}}, terminal=False),
    Kind("interrupted", "import time\nprint('ready')\ntime.sleep(60)", interrupt_at="ready", terminal=False),
    Kind("after an interrupt", "'still here'"),
)

NAMES = "sorted(n for n in globals() if not n.startswith('_i') and n not in ('_', '__', '___') and not n.strip('_').isdigit()), len(In), sorted(Out)"
