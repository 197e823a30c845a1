"""Kernels of another language, another ipykernel, another owner, another machine."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager
from notebook_files import read, shown, write

from agentlog.errors import KernelError, KernelStartError, NotFound
from agentlog_ipy.gateway import message_of
from agentlog_ipy.kernel import Kernel
from agentlog_ipy.runner import run_notebook
from agentlog_ipy.sync import SyncKernel

PATIENCE = 120.0
OTHER_PYTHONS = [python for python in os.environ.get("AGENTLOG_TEST_PYTHONS", "").split(os.pathsep) if python]
"""Interpreters with another ipykernel, from the environment: CI gives the oldest that is supported."""


# --- another language ---------------------------------------------------------------------------------------------


@pytest.fixture
def bash() -> Iterator[SyncKernel]:
    """bash_kernel, which installs with pip but needs its kernelspec written."""
    if "bash" not in KernelSpecManager().find_kernel_specs():
        pytest.skip("bash_kernel is not installed (pip install bash_kernel; python -m bash_kernel.install --sys-prefix)")
    with SyncKernel("bash", timeout=PATIENCE) as kernel:
        yield kernel


SPEC_WITH_MORE_FIELDS = pytest.mark.filterwarnings("ignore:Passing unrecognized arguments to super:DeprecationWarning")


@pytest.mark.parts
@SPEC_WITH_MORE_FIELDS
def test_a_bash_kernel_runs_and_says_that_it_is_not_recorded(bash: SyncKernel) -> None:
    """Everything but recording and locals."""
    reply = bash.run("echo hello; export COLOUR=blue")
    assert reply.stdout == "hello\n"
    assert any("recording needs an IPython kernel" in note for note in reply.notes)
    assert bash.run("echo $COLOUR").stdout == "blue\n"
    assert any("COLOUR" in match for match in bash.complete("echo $COLOU"))
    with pytest.raises(KernelError, match="needs a Python kernel"):
        bash.variables()


@pytest.mark.parts
@SPEC_WITH_MORE_FIELDS
def test_a_bash_kernel_s_deadline_and_death(bash: SyncKernel) -> None:
    """The first rungs of the ladder and the report of a death work for any kernel."""
    stuck = bash.run("sleep 60", timeout=1.0)
    assert stuck.status == "timed_out"
    assert bash.run("echo next").stdout == "next\n"
    os.kill(bash.kernel.link.facts.pid or 0, 9)
    reply = bash.run("echo never")
    assert reply.status in ("died", "not_run")
    bash.restart()
    assert bash.run("echo fresh").stdout == "fresh\n"


# --- another ipykernel --------------------------------------------------------------------------------------------


@pytest.mark.skipif(not OTHER_PYTHONS, reason="AGENTLOG_TEST_PYTHONS names no other interpreter with ipykernel")
@pytest.mark.parametrize("python", OTHER_PYTHONS)
def test_any_interpreter_with_ipykernel(python: str) -> None:
    """By its path, without a kernelspec: output, context, deadlines with and without await."""
    with SyncKernel(python=python, timeout=PATIENCE) as kernel:
        assert kernel.run("import asyncio, time\nprint('up')").stdout == "up\n"
        assert kernel.run("1/0").status == "error"
        for code in (
            "time.sleep(60)",
            "await asyncio.sleep(60)",
            "while True:\n    try: time.sleep(0.1)\n    except KeyboardInterrupt: pass",
        ):
            stuck = kernel.run(code, timeout=0.5)
            assert stuck.status == "timed_out"
            assert stuck.look is not None
            assert kernel.run("'next'").result == "'next'"


# --- another owner ------------------------------------------------------------------------------------------------


def test_a_kernel_that_somebody_else_started(tmp_path: Path) -> None:
    """By its connection file; closing leaves it running; its death is seen."""
    manager = KernelManager()
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with SyncKernel.attach(manager.connection_file, record=False) as kernel:
            assert kernel.run("x = 5; x", timeout=PATIENCE).result == "5"
            assert kernel.run("import time; time.sleep(60)", timeout=0.5).status == "timed_out"
            with pytest.raises(KernelError, match="somebody else"):
                kernel.restart()
        assert manager.is_alive()
        with SyncKernel.attach(manager.connection_file, record=False) as kernel:
            assert kernel.run("x", timeout=PATIENCE).result == "5"
            assert kernel.run("import os; os._exit(1)", timeout=PATIENCE).status == "died"
    finally:
        manager.shutdown_kernel(now=True)


def test_attaching_to_a_recorded_kernel_finds_its_store(tmp_path: Path) -> None:
    """The context comes from where the kernel writes; one that is not recorded stays so."""
    with SyncKernel(store=tmp_path / "there", timeout=PATIENCE) as owner:
        file = owner.kernel.link.process.connection_file  # type: ignore[attr-defined]
        with SyncKernel.attach(file, store=tmp_path / "elsewhere") as guest:
            reply = guest.run("prices = {'apple': 3}\nprices['aple']", timeout=PATIENCE)
            assert reply.context is not None
            assert "apple" in reply.context
    with SyncKernel(record=False, timeout=PATIENCE) as owner:
        file = owner.kernel.link.process.connection_file  # type: ignore[attr-defined]
        with SyncKernel.attach(file) as guest:
            assert guest.run("1/0", timeout=PATIENCE).context is None
            assert guest.kernel.session is None


def test_bad_connection_files(tmp_path: Path) -> None:
    """One line each."""
    with pytest.raises(NotFound, match="no connection file"):
        SyncKernel.attach(tmp_path / "nosuch.json").start()
    (tmp_path / "x.json").write_text("{}")
    with pytest.raises(KernelStartError, match="names no shell_port"):
        SyncKernel.attach(tmp_path / "x.json").start()


def test_tcp_where_no_socket_file_fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary folder with a long name: the kernel starts over TCP."""
    import tempfile

    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))
    with SyncKernel(record=False) as kernel:
        assert kernel.run("1", timeout=PATIENCE).ok
        assert kernel.kernel.link.process.connection["transport"] == "tcp"


# --- another machine ----------------------------------------------------------------------------------------------


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[str]:
    """A Jupyter Kernel Gateway with a token, on a free port."""
    program = shutil.which("jupyter-kernelgateway", path=os.path.dirname(sys.executable)) or shutil.which("jupyter-kernelgateway")
    if program is None:
        pytest.skip("jupyter_kernel_gateway is not installed (pip install jupyter_kernel_gateway)")
    import socket

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [
        program,
        f"--KernelGatewayApp.port={port}",
        "--KernelGatewayApp.auth_token=secret",
        "--KernelGatewayApp.ip=127.0.0.1",
    ]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _until_it_answers(url)
            yield url
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _until_it_answers(url: str) -> None:
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            urlopen(url + "/api", timeout=5).close()
            return
        except HTTPError as answer:
            answer.close()
            return
        except (URLError, OSError):
            time.sleep(0.05)
    raise AssertionError("the gateway never answered")


WITH_BUFFERS = """
kernel = get_ipython().kernel
content = {"data": {"text/plain": "raw"}, "metadata": {}, "transient": {}}
kernel.session.send(kernel.iopub_socket, "display_data", content, parent=kernel.get_parent(), buffers=[b"raw bytes"])
'sent'
"""
"""A widget's message carries raw bytes beside its JSON."""


@pytest.mark.parts
def test_a_kernel_behind_a_gateway(gateway: str) -> None:
    """The same answers over a websocket: output, deadline, look inside, death, dropped output said."""
    with SyncKernel.gateway(gateway, token="secret", record=False, timeout=PATIENCE) as kernel:
        assert kernel.run("print('far')\n6 * 7").result == "42"
        assert kernel.run("import time; time.sleep(60)", timeout=1.0).status == "timed_out"
        assert kernel.run(WITH_BUFFERS).result == "'sent'"
        kernel.run("far_away = [1, 2, 3]")
        assert kernel.variables()["far_away"].length == 3
        flood = kernel.run("print('x' * 5_000_000)")
        assert len(flood.stdout) == 5_000_001 or any("rate limit" in note for note in flood.notes)
        assert kernel.run("import os; os._exit(1)").status == "died"
        kernel.restart()
        assert kernel.run("'back'").result == "'back'"
    with pytest.raises(KernelStartError, match="refused the token"):
        SyncKernel.gateway(gateway, token="wrong").start()


def test_raw_bytes_beside_a_message_are_left_out() -> None:
    """As a Jupyter server packs them; what is no message is refused."""
    message = {"header": {"msg_type": "comm_msg"}, "channel": "iopub", "content": {"text": "å"}}
    text = json.dumps(message).encode()
    parts = [text, b"raw", b"\xff" * 9]
    for some in (parts, parts[:1]):
        places = [4 * (len(some) + 1) + sum(map(len, some[:number])) for number in range(len(some))]
        frame = struct.pack(f"!{len(some) + 1}I", len(some), *places) + b"".join(some)
        assert message_of(frame) == {**message, "msg_type": "comm_msg"}
    with pytest.raises(ValueError, match="Expecting value"):
        message_of("<html>")


@pytest.fixture
def log_in_page() -> Iterator[str]:
    """A server that answers every request with a page."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Who are you?</html>")

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_page_instead_of_an_answer_is_said(log_in_page: str) -> None:
    """A proxy that wants a log-in answers with a page, and that it is well."""
    with pytest.raises(KernelStartError, match="a page to log in stands before it"):
        SyncKernel.gateway(log_in_page).start()


def test_no_gateway_there() -> None:
    """One line."""
    with pytest.raises(KernelStartError, match="no Jupyter server at"):
        SyncKernel.gateway("http://127.0.0.1:9").start()


# --- many machines ------------------------------------------------------------------------------------------------


@pytest.mark.parts
@pytest.mark.skipif(find_spec("distributed") is None, reason="distributed is not installed")
def test_notebooks_on_a_dask_cluster(tmp_path: Path, store_folder: Path) -> None:
    """A scheduler and a worker of their own: same results, same files, same store."""
    good, bad = write(tmp_path / "good.ipynb", "print('on dask')"), write(tmp_path / "bad.ipynb", "1/0")
    script = (
        "import subprocess, sys\nfrom distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:\n"
        "        place = cluster.scheduler_address.replace('tcp://', 'dask://')\n"
        "        sys.exit(subprocess.run([sys.executable, '-m', 'agentlog', 'run', '--on', place, *sys.argv[1:]]).returncode)\n"
    )
    (tmp_path / "cluster.py").write_text(script)
    command = [sys.executable, str(tmp_path / "cluster.py"), str(good), str(bad), "-q", "--store", str(store_folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE * 2, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "1 of 2 notebooks ok" in done.stdout
    assert "ZeroDivisionError" in done.stdout
    assert shown(read(tmp_path / "good.executed.ipynb").cells[0]) == "on dask\n"


def test_a_notebook_of_another_kernel_that_is_missing(tmp_path: Path) -> None:
    """Its name and what is installed."""
    path = write(tmp_path / "x.ipynb", "1")
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "julia-9"'))
    assert "no kernel named 'julia-9'; installed:" in str(run_notebook(path).error)


def test_the_public_names() -> None:
    """What `agentlog_ipy` offers loads when it is asked for."""
    import agentlog_ipy

    assert agentlog_ipy.Kernel is Kernel
    assert {getattr(agentlog_ipy, name).__name__ for name in agentlog_ipy.__all__} == set(agentlog_ipy.__all__)
    with pytest.raises(AttributeError):
        agentlog_ipy.nosuch  # noqa: B018
