"""`Kernel`: complete output, truthful replies, looking inside; one kernel shared by the tests that do no harm to it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agentlog.errors import KernelBusy, KernelError, NotFound
from agentlog.ids import new_id
from agentlog.store import Store
from agentlog.tokens import estimate_tokens
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.sync import SyncKernel

PATIENCE = 120.0


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that the shared kernel records into."""
    return tmp_path_factory.mktemp("kernel") / "store"


@pytest.fixture(scope="module")
def kernel(store: Path) -> Iterator[SyncKernel]:
    """A recorded kernel that lives as long as this module."""
    with SyncKernel(store=store, timeout=PATIENCE) as kernel:
        yield kernel


# --- output -----------------------------------------------------------------------------------------------------


def test_streams_are_apart_and_results_are_read_by_type(kernel: SyncKernel) -> None:
    """stdout, stderr and the result each have their place; the text for an agent has them in order."""
    reply = kernel.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n40 + 2")
    assert (reply.status, reply.stdout, reply.stderr, reply.result) == ("ok", "out\n", "err\n", "42")
    assert reply.ok
    assert "out\n[stderr] err\n42" in str(reply)


def test_no_output_is_lost_when_the_reply_overtakes_it(kernel: SyncKernel) -> None:
    """A hundred two-line prints arrive whole: complete means own reply and own idle."""
    for number in range(100):
        assert kernel.run(f"print({number})\nprint('end')").stdout == f"{number}\nend\n"


RUNNER = """
import sys
from agentlog_ipy.sync import SyncKernel
with SyncKernel(record=False) as kernel:
    reply = kernel.run(sys.argv[1], timeout=120)
    print(reply.status, reply.stdout.count("line"), reply.notes)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="no process can be held up on this system")
def test_nothing_is_lost_while_the_runner_cannot_read(tmp_path: Path) -> None:
    """On a busy machine somebody else may have the processor while a cell prints thousands of lines."""
    begun, go_on, printed = (tmp_path / name for name in ("begun", "go on", "printed"))
    code = (
        f"import os\nopen({str(begun)!r}, 'w').close()\nwhile not os.path.exists({str(go_on)!r}): pass\n"
        f"for n in range(3_000): print('line', 'x' * 80, flush=True)\nopen({str(printed)!r}, 'w').close()"
    )
    with subprocess.Popen([sys.executable, "-c", RUNNER, code], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as runner:
        try:
            _until_there(begun)
            runner.send_signal(signal.SIGSTOP)
            go_on.touch()
            _until_there(printed)
        finally:
            runner.send_signal(signal.SIGCONT)
        assert runner.communicate(timeout=PATIENCE)[0] == "ok 3000 ()\n"


def _until_there(path: Path) -> None:
    until = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < until, f"{path.name} never came"
        time.sleep(0.01)


def test_a_listener_that_fails_is_told_so_and_nothing_is_lost(kernel: SyncKernel) -> None:
    """Its error comes when the cell has ended; the output of this cell and of the next is complete."""
    heard: list[str] = []

    def listen(message: dict[str, Any]) -> None:
        heard.append(message["header"]["msg_type"])
        raise ValueError("not today")

    execution = new_id()
    with pytest.raises(ValueError, match="not today"):
        kernel.run("print('first')", listen=listen, execution=execution)
    assert heard[-2:] == ["stream", "status"]
    assert kernel.output(execution) == "first\n"
    assert kernel.run("print('second')").stdout == "second\n"


def test_what_a_child_process_prints_arrives_too(kernel: SyncKernel) -> None:
    """Output at file-descriptor level belongs to its cell as well."""
    for number in range(10):
        assert f"child {number}" in kernel.run(f"!echo child {number}").stdout


def test_a_huge_output_costs_few_tokens_and_can_be_read_in_full(kernel: SyncKernel) -> None:
    """Three million characters: under a thousand tokens, head and tail with a handle, nothing dropped."""
    reply = kernel.run("print('begin' + 'x' * 3_000_000 + 'end')")
    text = str(reply)
    assert len(reply.stdout) == 3_000_009
    assert estimate_tokens(text) < 1_000
    assert "begin" in text
    assert "end" in text
    assert f"k.output({reply.execution[-6:]!r}" in text
    assert kernel.output(reply.execution[-6:], 0, 5) == "begin"
    assert kernel.output(reply.execution, 3_000_005) == "end\n"


def test_a_reply_outlives_its_kernel(store: Path) -> None:
    """Output that was spooled to disk is still there when the kernel is gone, and its file goes with the reply."""
    with SyncKernel(record=False, store=store) as kernel:
        reply = kernel.run("print('y' * 2_000_000)", timeout=PATIENCE)
    assert len(reply.stdout) == 2_000_001


def test_a_progress_bar_is_one_line(kernel: SyncKernel) -> None:
    """Carriage returns act as on a terminal, across chunks."""
    code = "import sys\nfor i in range(2000):\n    print(f'\\r{i + 1}/2000', end='')\n    sys.stdout.flush() if i % 50 == 0 else None"
    assert kernel.run(code).stdout == "2000/2000"


def test_displays_are_updated_and_cleared_in_place(kernel: SyncKernel) -> None:
    """`display_id` and `clear_output` do what they do in a front end."""
    code = "from IPython.display import display, clear_output\nprint('gone')\nclear_output()\nh = display('a', display_id=True)\nh.update('b')"
    reply = kernel.run(code)
    assert reply.stdout == ""
    assert [output.text for output in reply.outputs] == ["'b'"]


def test_a_display_is_a_barrier_between_texts(kernel: SyncKernel) -> None:
    """Text after a display does not move above it."""
    text = str(kernel.run("from IPython.display import display\nprint('one')\ndisplay('two')\nprint('three')"))
    assert text.index("one") < text.index("two") < text.index("three")


def test_images_are_files_and_the_same_image_is_saved_once(kernel: SyncKernel, store: Path) -> None:
    """A PNG becomes a file under its hash, with its size; `str()` shows the path, not the bytes."""
    code = (
        "import zlib, struct\n"
        "def chunk(kind, body):\n"
        "    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))\n"
        "png = (b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 3, 2, 8, 2, 0, 0, 0))\n"
        "       + chunk(b'IDAT', zlib.compress(b'\\0' * 20)) + chunk(b'IEND', b''))\n"
        "from IPython.display import display, Image\ndisplay(Image(png))\nImage(png)"
    )
    reply = kernel.run(code)
    (image,) = reply.images
    assert (image.width, image.height) == (3, 2)
    assert Path(image.path).read_bytes().startswith(b"\x89PNG")
    assert len(list((store / "files").iterdir())) == 1
    assert image.path in str(reply)


def test_late_output_goes_to_the_cell_that_caused_it(kernel: SyncKernel, tmp_path: Path) -> None:
    """A task that prints after its cell ended: not in the next cell's output, told with the next reply, kept with its own."""
    gate = tmp_path / "gate"
    started = kernel.run(
        "import asyncio, os\nasync def later():\n"
        f"    while not os.path.exists({str(gate)!r}): await asyncio.sleep(0.01)\n"
        "    print('late words')\ntask = asyncio.ensure_future(later())"
    )
    gate.touch()
    following = kernel.run("await task\nprint('mine')")
    assert started.stdout == ""
    assert following.stdout == "mine\n"
    assert "late words" in kernel.output(started.execution)
    assert any("late words" in note for note in following.notes)


# --- errors -----------------------------------------------------------------------------------------------------


def test_an_error_comes_with_the_debugging_context(kernel: SyncKernel) -> None:
    """The context of the store is in the reply: the expression and the value behind it."""
    kernel.run("prices = {'apple': 3}")
    reply = kernel.run("prices['aple']")
    assert reply.status == "error"
    assert str(reply.error) == "KeyError: 'aple'"
    assert reply.context is not None
    assert "apple" in reply.context


@pytest.mark.parametrize(
    "code",
    [
        "%%capture\n1/0",
        "open('broken.py', 'w').write('1/0')\n%run broken.py",
        "class B:\n    def __repr__(self):\n        raise ValueError('bad repr')\nB()",
        "raise ExceptionGroup('several', [ValueError(1)])" if sys.version_info >= (3, 11) else "raise ValueError(1)",
    ],
)
def test_errors_that_the_kernel_calls_ok_count(kernel: SyncKernel, code: str, tmp_path: Path) -> None:
    """`%run`, `%%capture` and a broken repr show an error while the reply may say ok: the verdict is error."""
    kernel.run(f"%cd -q {tmp_path}")
    reply = kernel.run(code)
    assert reply.status == "error"
    assert reply.error is not None
    assert reply.error.name not in ("", "NoneType")


def test_an_error_does_not_abort_what_follows(kernel: SyncKernel) -> None:
    """The cell after a failed one always runs."""
    for _ in range(10):
        assert kernel.run("1/0").status == "error"
        assert kernel.run("7").result == "7"


def test_the_execution_in_the_store_has_the_reply_s_id(kernel: SyncKernel, store: Path) -> None:
    """What the runner calls an execution, the recorder calls by the same id."""
    reply = kernel.run("named = 1")
    opened = Store.open(store)
    try:
        assert opened.execution(reply.execution).source == "named = 1"
    finally:
        opened.close()


def test_what_a_cell_changed_is_in_its_reply(kernel: SyncKernel) -> None:
    """Names made and changed in place, as the recorder saw them; memory as the system says."""
    made = kernel.run("fresh_list = [1, 2]\nfresh_number = 5")
    changed = kernel.run("fresh_list.append(3)")
    assert {(change.name, change.kind) for change in made.changes} >= {("fresh_list", "made"), ("fresh_number", "made")}
    assert [(change.name, change.kind) for change in changed.changes] == [("fresh_list", "mutated")]
    assert made.memory is None or made.memory > 1_000_000
    assert kernel.run("pass").changes == ()


# --- input ------------------------------------------------------------------------------------------------------


def test_input_without_an_answer_is_an_error_that_names_the_prompt(kernel: SyncKernel) -> None:
    """At once, not after a timeout."""
    reply = kernel.run("name = input('Your name? ')")
    assert reply.status == "error"
    assert "Your name? " in str(reply.error)
    assert "answers=" in str(reply)


def test_answers_are_given_in_order(kernel: SyncKernel) -> None:
    """Beforehand, also to getpass."""
    reply = kernel.run("from getpass import getpass\n(input('a'), getpass('b'), input('c'))", answers=["1", "2", "3"])
    assert reply.result == "('1', '2', '3')"


@pytest.mark.parametrize(
    "code", ["!cat", "x = !cat", "import subprocess; subprocess.run(['cat'])", "import os; os.system('cat')", "%%bash\ncat"]
)
def test_child_processes_read_an_empty_input(kernel: SyncKernel, code: str) -> None:
    """A child that reads standard input ends at once, it does not wait for a person."""
    assert kernel.run(code, timeout=PATIENCE / 2).status == "ok"


# --- looking inside ---------------------------------------------------------------------------------------------


def test_variables_inspect_complete_history(kernel: SyncKernel) -> None:
    """Without a cell of the user's, and without a name left in the namespace."""
    count = kernel.run("alpha_one = [1, 2, 3]").count
    variables = kernel.variables()
    assert variables["alpha_one"].length == 3
    assert "alpha_one = " in str(variables)
    inspected = kernel.inspect("alpha_one")
    assert inspected.value is not None
    assert inspected.value.type == "list"
    assert "list" in inspected.help
    assert "alpha_one" in kernel.complete("alpha_o")
    assert kernel.history(1)[-1].source == "alpha_one = [1, 2, 3]"
    assert kernel.run("[n for n in dir() if 'agentlog' in n]").result == "[]"
    assert kernel.run("0").count == (count or 0) + 2


def test_looking_inside_while_a_cell_runs(kernel: SyncKernel) -> None:
    """Subshells answer beside a running cell; a kernel without them says so at once."""
    gate = "import threading\ngo_on = threading.Event()\nprint('waiting', flush=True)\ngo_on.wait(60)"
    worker = threading.Thread(target=lambda: kernel.run(gate))
    worker.start()
    while not (kernel.state().startswith("running") and kernel.kernel.last_output()):
        threading.Event().wait(0.01)
    try:
        if "kernel subshells" in kernel.kernel.link.facts.features:
            assert "go_on" in kernel.variables()
            assert "running In[" in kernel.state()
        else:
            with pytest.raises(KernelBusy, match="subshells"):
                kernel.variables()
    finally:
        kernel.interrupt()
        worker.join(PATIENCE)
    assert kernel.state() == "idle"
    assert kernel.run("1").ok


def test_interrupting_gives_interrupted_and_the_next_call_works(kernel: SyncKernel) -> None:
    """An interrupt of ours is not an error of the cell; the aborted request behind it is sent again."""
    replies = []
    worker = threading.Thread(target=lambda: replies.append(kernel.run("import time\nprint('in', flush=True)\ntime.sleep(60)")))
    worker.start()
    while not (kernel.state().startswith("running") and kernel.kernel.last_output()):
        threading.Event().wait(0.01)
    kernel.interrupt()
    worker.join(PATIENCE)
    assert replies[0].status == "interrupted"
    assert kernel.run("'next'").result == "'next'"


def test_an_unknown_output_is_not_found(kernel: SyncKernel) -> None:
    """One line that says what was asked."""
    with pytest.raises(NotFound, match="nosuch"):
        kernel.output("nosuch")


# --- forms and ends ---------------------------------------------------------------------------------------------


def test_the_asynchronous_form_runs_in_the_caller_s_loop(store: Path) -> None:
    """`async with Kernel()`; other tasks of the loop go on meanwhile, and no signal handler is installed."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)}

    async def main() -> tuple[str | None, int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.001)
                ticks += 1

        async with Kernel(record=False, store=store) as kernel:
            ticking = asyncio.ensure_future(tick())
            first, second = await asyncio.gather(kernel.run("import time; time.sleep(0.1); 1"), kernel.run("2"))
            ticking.cancel()
            assert second.result == "2"
            return first.result, ticks

    result, ticks = asyncio.run(main())
    assert result == "1"
    assert ticks > 5
    assert {number: signal.getsignal(number) for number in handlers} == handlers


def test_the_synchronous_form_works_inside_a_running_loop(store: Path) -> None:
    """As in a notebook: the caller's loop is not touched."""

    async def main() -> str | None:
        with SyncKernel(record=False, store=store) as kernel:
            return kernel.run("3", timeout=PATIENCE).result

    assert asyncio.run(main()) == "3"


def test_cancelling_a_run_interrupts_the_cell(store: Path) -> None:
    """The caller that goes away leaves a kernel that can be used."""

    async def main() -> str | None:
        async with Kernel(record=False, store=store) as kernel:
            running = asyncio.ensure_future(kernel.run("import time\ntime.sleep(60)"))
            while not kernel.busy:
                await asyncio.sleep(0.01)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            return (await kernel.run("'free'", timeout=PATIENCE)).result

    assert asyncio.run(main()) == "'free'"


def test_start_and_stop_leave_nothing(store: Path) -> None:
    """Five cycles: file descriptors, threads, children and temporary folders are where they were, as soon as zmq's own thread
    has closed what it was told to close."""

    def cycle() -> None:
        with SyncKernel(record=False, store=store) as kernel:
            assert kernel.run("1", timeout=PATIENCE).ok

    cycle()
    process = psutil.Process()

    def held() -> tuple[int, int, int]:
        return process.num_fds(), threading.active_count(), len(process.children(recursive=True))

    before = held()
    for _ in range(5):
        cycle()
    until = time.monotonic() + PATIENCE
    while any(now > then for now, then in zip(held(), before, strict=True)):
        assert time.monotonic() < until, (before, held())
        time.sleep(0.01)


def test_closing_ends_the_kernel_in_order(store: Path, tmp_path: Path) -> None:
    """What is registered for the kernel's exit runs."""
    mark = tmp_path / "mark"
    with SyncKernel(record=False, store=store) as kernel:
        kernel.run(
            f"import atexit, pathlib\natexit.register(lambda: pathlib.Path({str(mark)!r}).write_text('bye'))", timeout=PATIENCE
        )
    assert mark.read_text() == "bye"


@pytest.mark.parametrize("end", ["", "import os; os._exit(1)"])
def test_children_that_the_kernel_left_behind_end_with_it(store: Path, end: str) -> None:
    """Whether it is closed in order or has died before."""
    with SyncKernel(record=False, store=store, timeout=PATIENCE) as kernel:
        child = psutil.Process(int(kernel.run("import subprocess\nsubprocess.Popen(['sleep', '300']).pid").result or 0))
        kernel.run(end)
    assert not psutil.wait_procs([child], timeout=PATIENCE)[1]


def test_before_start_and_after_close_it_says_so() -> None:
    """One line, not an attribute error."""
    kernel = SyncKernel()
    with pytest.raises(KernelError, match="not running"):
        kernel.run("1")


def test_the_environment_and_the_folder_reach_the_kernel(store: Path, tmp_path: Path) -> None:
    """`env` and `cwd` are the kernel's; our own environment is not changed."""
    with SyncKernel(record=False, store=store, cwd=tmp_path, env={"COLOUR": "blue"}) as kernel:
        assert kernel.run("import os; os.getcwd()", timeout=PATIENCE).result == repr(str(tmp_path))
        assert kernel.run("os.environ['COLOUR']", timeout=PATIENCE).result == "'blue'"
    assert "COLOUR" not in os.environ
