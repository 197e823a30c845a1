"""The MCP server, driven by the official SDK's client over both transports and in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import nbformat
import pytest

from agentlog.errors import MissingExtra, UsageError
from agentlog.mcp import address, make_server
from agentlog.store import Store
from agentlog.tokens import counter
from agentlog_ipy.process import start_of

pytest.importorskip("mcp", reason="needs the extra mcp")

from mcp import Client
from mcp_host import PATIENCE, call, http, play, refused, stdio
from mcp_types import ResourceTemplateReference

MODES = ("auto", "legacy")
SCHEMA_TOKENS = 1_500
COUNT_TO_EIGHT = """
import os, time
for i in range(8):
    print("step", i, flush=True)
    while i == 3 and not os.path.exists({gate!r}):
        time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server over HTTP for all tests that need one."""
    with http(tmp_path_factory.mktemp("http")) as address:
        yield address


@asynccontextmanager
async def inside(folder: Path) -> AsyncIterator[Client]:
    """A client in the server's own process: no transport, the same server."""
    async with Client(make_server(store=folder / "store", python=sys.executable)) as client:
        yield client


def gone(pid: int, born: str | None) -> bool:
    """Is the process with this number, begun then, no more? Waits for it."""
    for _ in range(200):
        if start_of(pid) != born:
            return True
        subprocess.run(["sleep", "0.1"], check=True)
    return False


# --- the schema -----------------------------------------------------------------------------------------------------


def test_the_whole_schema_is_small(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At most eight tools; tools/list with input and output schemas costs under 1,500 tokens of o200k."""

    async def scene() -> None:
        async with inside(tmp_path) as client:
            listed = (await client.list_tools()).model_dump(mode="json", by_alias=True, exclude_none=True)["tools"]
        text = json.dumps(listed, separators=(",", ":"), ensure_ascii=False)
        tokens = counter("o200k_base").count(text)
        with capsys.disabled():
            print(f"\nMCP schema: {len(listed)} tools, {tokens} tokens (o200k)")
        assert len(listed) <= 8
        assert tokens < SCHEMA_TOKENS
        for tool in listed:
            assert tool["outputSchema"]["properties"]["text"] == {"type": "string"}
            assert tool["annotations"] in ({"readOnlyHint": True}, {"destructiveHint": True})
            assert len(tool["description"]) < 300

    play(scene)


# --- both transports, both eras ---------------------------------------------------------------------------------------


async def a_session(client: Client, kernel: str) -> None:
    """An agent's session: run, fail, read the context, look, run long, interrupt."""
    made = await call(
        client, "run_code", code="import os\nprices = {'a': 1}\nprint('hello')\n_ = os.write(1, b'raw bytes\\n')", kernel=kernel
    )
    assert made["status"] == "ok"
    assert "hello" in made["text"]
    failed = await call(client, "run_code", code="def price(of):\n    return prices[of]\nprice('b')", kernel=kernel)
    assert failed["status"] == "error"
    assert "KeyError: 'b'" in failed["text"]
    context = await call(client, "get_context", tokens=800)
    assert "no key 'b'" in context["text"]
    assert "'a'" in context["text"]
    assert "In[2]" in (await call(client, "get_diff"))["text"]
    assert "prices = dict" in (await call(client, "explain_name", name="prices"))["text"]
    found = await call(client, "search_history", text="price(", session=made["session"])
    assert [row["status"] for row in found["rows"]] == ["error"]
    shown = await call(client, "show_execution", execution=failed["execution"])
    assert "return prices[of]" in shown["text"]
    assert made["session"] in [row["session"] for row in (await call(client, "list_sessions"))["rows"]]
    assert kernel in [row["name"] for row in (await call(client, "control_kernel"))["rows"]]


@pytest.mark.parametrize("mode", MODES)
def test_over_standard_input_and_output(mode: str, tmp_path: Path) -> None:
    """A real process: the protocol's stdout carries nothing else, whatever the kernel writes to its own."""

    async def scene() -> None:
        async with stdio(tmp_path, mode) as client:
            await a_session(client, "default")

    play(scene)


@pytest.mark.parametrize("mode", MODES)
def test_over_http(mode: str, url: str) -> None:
    """The same over streamable HTTP; a kernel lives on from one client to the next."""

    async def scene() -> None:
        async with Client(url, mode=mode) as client:  # type: ignore[arg-type]
            await a_session(client, f"http-{mode}")
        async with Client(url, mode=mode) as client:  # type: ignore[arg-type]
            assert (await call(client, "run_code", code="prices['a'] + 41", kernel=f"http-{mode}"))["text"].endswith("42")

    play(scene)


@pytest.mark.parametrize("mode", MODES)
def test_long_runs_report_and_other_tools_answer_meanwhile(mode: str, url: str, tmp_path: Path) -> None:
    """A long run says how it goes, returns what it has, and is waited for by its id; while it runs every tool answers, and a
    second run in the same kernel is refused with what to do."""
    steps: list[str] = []
    gate = tmp_path / "gate"

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append(str(message))

    async def scene() -> None:
        kernel = f"long-{mode}"
        async with Client(url, mode=mode) as client:  # type: ignore[arg-type]
            await call(client, "run_code", code="known = [1, 2, 3]", kernel=kernel)
            arguments = {"code": COUNT_TO_EIGHT.format(gate=str(gate)), "wait": 1.2, "kernel": kernel}
            first = (await client.call_tool("run_code", arguments, progress_callback=note)).structured_content
            while "step 3" not in first["text"]:
                arguments = {"execution": first["execution"], "wait": 1.2}
                first = (await client.call_tool("run_code", arguments, progress_callback=note)).structured_content
            assert first["status"] == "running"
            assert "step 4" not in first["text"]
            said, context, name, listed = await asyncio.gather(
                refused(client, "run_code", code="1", kernel=kernel, wait=0),
                call(client, "get_context", focus="known"),
                call(client, "explain_name", name="known"),
                call(client, "control_kernel"),
            )
            assert first["execution"][-6:] in said
            assert "list" in context["text"]
            assert "known = list" in name["text"]
            assert any(row["name"] == kernel and row["state"].startswith("running") for row in listed["rows"])
            gate.touch()
            last = await call(client, "run_code", execution=first["execution"], wait=PATIENCE)
            assert last["status"] == "ok"
            assert "step 7" in last["text"]

    play(scene)
    assert any(step.startswith("running In[2]") for step in steps)


def test_the_server_ends_its_kernels(tmp_path: Path) -> None:
    """When the client goes away, and when the server itself is killed."""

    async def scene() -> None:
        code = "import os, sys\nprint(os.getpid(), os.getppid())"
        async with stdio(tmp_path) as client:
            kernel = int((await call(client, "run_code", code=code))["text"].split("\n")[1].split()[0])
            born = start_of(kernel)
        assert gone(kernel, born)
        try:
            async with stdio(tmp_path) as client:
                kernel, server = map(int, (await call(client, "run_code", code=code))["text"].split("\n")[1].split())
                born = start_of(kernel)
                os.kill(server, signal.SIGKILL)
        except Exception:  # the SDK's client may complain that its server went away
            pass
        assert gone(kernel, born)

    play(scene)


# --- kernels --------------------------------------------------------------------------------------------------------


def test_a_kernel_is_controlled(tmp_path: Path) -> None:
    """Interrupt, restart with replay, death and stop, each said truthfully."""

    async def scene() -> None:
        async with inside(tmp_path) as client:
            await call(client, "run_code", code="kept = 6 * 7")
            endless = await call(client, "run_code", code="print('begun', flush=True)\nwhile True: pass", wait=0.3)
            while "begun" not in endless["text"]:
                endless = await call(client, "run_code", execution=endless["execution"], wait=0.3)
            assert endless["status"] == "running"
            assert "interrupted" in (await call(client, "control_kernel", action="interrupt"))["text"]
            again = await call(client, "run_code", execution=endless["execution"])
            assert again["status"] == "interrupted"
            assert "1 cell(s) ran again" in (await call(client, "control_kernel", action="restart", replay=True))["text"]
            assert (await call(client, "run_code", code="kept"))["text"].endswith("42")
            died = await call(client, "run_code", code="import os; os.kill(os.getpid(), 9)")
            assert died["status"] == "died"
            assert "control_kernel('restart')" in died["text"]
            assert (await call(client, "run_code", code="1"))["status"] == "not_run"
            await call(client, "control_kernel", action="stop")
            assert (await call(client, "control_kernel"))["rows"] == []

    play(scene)


def test_a_named_kernel_of_the_command_line_is_shared(tmp_path: Path) -> None:
    """What `agentlog exec` started is used under its name, and lives on when the server ends."""
    words = [sys.executable, "-m", "agentlog"]
    store = ["--store", str(tmp_path / "store")]
    subprocess.run([*words, "exec", "-k", "work", "shared = 5", *store], check=True, cwd=tmp_path, capture_output=True)

    async def scene() -> None:
        async with inside(tmp_path) as client:
            assert [row["name"] for row in (await call(client, "control_kernel"))["rows"]] == ["work"]
            assert (await call(client, "run_code", code="shared + 1", kernel="work"))["text"].endswith("6")

    try:
        play(scene)
        said = subprocess.run([*words, "exec", "-k", "work", "shared", *store], check=True, cwd=tmp_path, capture_output=True)
        assert b"5" in said.stdout
    finally:
        subprocess.run([*words, "kernels", "stop", "--all", *store], check=True, cwd=tmp_path, capture_output=True)


def test_output_is_paged_and_images_are_sent_when_asked_for(tmp_path: Path) -> None:
    """What was cut is had by the very call that the answer names; stderr too; the recording has it after the kernel is gone."""

    async def scene() -> None:
        async with inside(tmp_path) as client:
            code = "import sys\nfor i in range(5000): print('line', i)\nprint('x' * 9000, file=sys.stderr)"
            ran = await call(client, "run_code", code=code, tokens=200)
            start, end = map(int, re.search(r"start=(\d+), end=(\d+)\)", ran["text"]).groups())  # type: ignore[union-attr]
            whole = "".join(f"line {i}\n" for i in range(5000))
            page = await call(client, "show_execution", execution=ran["execution"], start=start, end=start + 100)
            assert page["text"] == whole[start : start + 100]
            assert page["next"] == start + 100
            assert end > start
            errors = await call(client, "show_execution", execution=ran["execution"], stream="stderr", start=8990)
            assert errors["text"].strip() == "x" * 10
            plot = "from PIL import Image\nImage.new('RGB', (8, 8), 'red')"
            shown = await client.call_tool("run_code", {"code": plot, "images": True})
            assert [item.type for item in shown.content] == ["text", "image"]
            assert Path(shown.structured_content["images"][0]).exists()
        async with inside(tmp_path) as client:
            page = await call(client, "show_execution", execution=ran["execution"], start=start, end=start + 100)
            assert page["text"] == whole[start : start + 100]

    play(scene)


def test_refusals_are_one_line_that_says_what_to_do(tmp_path: Path) -> None:
    """No store, no such name, both or neither argument, a wrong argument."""

    async def scene() -> None:
        async with inside(tmp_path) as client:
            assert "no store yet" in await refused(client, "get_context")
            assert "code to run, or the execution" in await refused(client, "run_code")
            assert "code to run, or the execution" in await refused(client, "run_code", code="1", execution="abc")
            await call(client, "run_code", code="one = 1")
            assert "'nothing'" in await refused(client, "explain_name", name="nothing")
            assert "'zzzzzz'" in await refused(client, "show_execution", execution="zzzzzz")
            assert "no kernel named" in await refused(client, "control_kernel", action="interrupt", kernel="other")
            wrong = await client.call_tool("get_context", {"tokens": "many"})
            assert wrong.is_error

    play(scene)


# --- resources and prompts --------------------------------------------------------------------------------------------


def test_resources_prompt_and_completion(tmp_path: Path) -> None:
    """Sessions and contexts by address, a prompt that carries the context, ids completed."""

    async def scene() -> None:
        async with inside(tmp_path) as client:
            ran = await call(client, "run_code", code="{}['absent']")
            listed = json.loads((await client.read_resource("agentlog://sessions")).contents[0].text)
            assert listed[0]["session"] == ran["session"]
            context = await client.read_resource(listed[0]["context"])
            assert "KeyError: 'absent'" in context.contents[0].text
            assert "In[1]" in (await client.read_resource(f"agentlog://sessions/{ran['session']}")).contents[0].text
            assert "absent" in (await client.read_resource(f"agentlog://executions/{ran['execution']}")).contents[0].text
            with pytest.raises(Exception, match="zzzzzz"):
                await client.read_resource("agentlog://sessions/zzzzzz/context")
            (prompt,) = (await client.list_prompts()).prompts
            assert prompt.description
            told = await client.get_prompt(prompt.name, {"session": ran["session"]})
            assert "<debug_context>" in told.messages[0].content.text
            reference = ResourceTemplateReference(uri="agentlog://sessions/{session}/context", type="ref/resource")
            found = await client.complete(reference, {"name": "session", "value": ran["session"][:5]})
            assert found.completion.values == [ran["session"]]

    play(scene)


# --- an agent ---------------------------------------------------------------------------------------------------------

COLUMN = [
    "import pandas as pd\nsales = pd.DataFrame({'region': ['north', 'south', 'north'], 'amount': [10, 20, 30]})",
    "sales = sales.rename(columns={'amount': 'revenue'})",
    "by_region = sales.groupby('region').sum()",
    "total = int(by_region['amount'].sum())\ntotal",
]
NOTHING = [
    "orders = [{'id': 1, 'price': 4.0}, {'id': 2, 'price': 6.0}]",
    "def with_tax(rows, rate):\n    for row in rows:\n        row['gross'] = row['price'] * (1 + rate)",
    "taxed = with_tax(orders, 0.25)",
    "gross = sum(row['gross'] for row in taxed)\ngross",
]
TEXT = [
    "raw = {'width': '12', 'height': '5'}",
    "def parse(d):\n    return {key: value for key, value in d.items()}",
    "size = parse(raw)",
    "area = size['width'] * size['height']\narea",
]


async def rename_the_column(client: Client, context: str, cells: list[str]) -> int:
    """The evidence names the missing column, the values the one that is there."""
    missing = re.search(r"no column '(\w+)'", context)
    there = re.search(r"by_region = DataFrame.*\n\s*int64 (\w+):", context)
    assert missing
    assert there
    cells[3] = cells[3].replace(missing[1], there[1])
    return 3


async def return_what_was_made(client: Client, context: str, cells: list[str]) -> int:
    """The cause is the cell of the function that returns nothing, and what became None is told with it."""
    cause = re.search(r"cause: In\[(\d+)\]: (\w+) returns nothing, and taxed is what it returned", context)
    assert cause
    function = (await call(client, "explain_name", name=cause[2]))["text"]
    assert "return" not in function
    at = next(at for at, cell in enumerate(cells) if f"def {cause[2]}(" in cell)
    assert "def with_tax" in (await call(client, "show_execution", execution=str(at + 1)))["text"]
    cells[at] += "\n    return rows"
    return at


async def make_numbers(client: Client, context: str, cells: list[str]) -> int:
    """The operands are texts; the chain of the name leads to the cell that parsed them."""
    assert re.search(r"left side is str '12'", context)
    chain = (await call(client, "explain_name", name="size"))["text"]
    assert "size = parse(raw)" in chain
    cells[1] = cells[1].replace("key: value for", "key: float(value) for")
    return 1


@pytest.mark.parametrize(
    ("cells", "repair", "result"),
    [(COLUMN, rename_the_column, "60"), (NOTHING, return_what_was_made, "12.5"), (TEXT, make_numbers, "60.0")],
    ids=["a column was renamed", "a function returns nothing", "texts instead of numbers"],
)
def test_an_agent_debugs_a_notebook_through_the_tools_alone(
    cells: list[str], repair: Callable[..., Any], result: str, tmp_path: Path
) -> None:
    """It runs the cells, reads the context of the failure, repairs the cell at fault, goes on there, and checks all of it in a
    fresh kernel; the notebook that it leaves holds the result."""
    path = tmp_path / "broken.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells]), path)

    async def run(client: Client, sources: list[str]) -> Any:
        for source in sources:
            answer = await call(client, "run_code", code=source, wait=PATIENCE)
            if answer["status"] != "ok":
                break
        return answer

    async def scene() -> None:
        notebook = nbformat.read(path, 4)
        sources = [cell.source for cell in notebook.cells]
        async with inside(tmp_path) as client:
            assert (await run(client, sources))["status"] == "error"
            context = (await call(client, "get_context", tokens=1000))["text"]
            at = await repair(client, context, sources)
            assert (await run(client, sources[at:]))["text"].endswith(result)
            await call(client, "control_kernel", action="restart")
            assert (await run(client, sources))["text"].endswith(result)
        for cell, source in zip(notebook.cells, sources, strict=True):
            cell.source = source
        nbformat.write(notebook, path)

    play(scene)
    with closing(Store.open(tmp_path / "store")) as store:
        last = store.executions()[-1]
    assert last.status == "ok"
    assert last.source == nbformat.read(path, 4).cells[-1].source


# --- its own configuration --------------------------------------------------------------------------------------------


def test_it_listens_on_this_machine_only() -> None:
    """Whoever reaches the server runs code."""
    assert address("127.0.0.1:8765") == ("127.0.0.1", 8765)
    assert address("8765") == ("127.0.0.1", 8765)
    assert address("[::1]:8765") == ("::1", 8765)
    for wrong in ("0.0.0.0:8765", "example.org:1", "127.0.0.1", "localhost:http"):
        with pytest.raises(UsageError):
            address(wrong)


def test_without_the_extra_it_says_which_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line."""
    for name in [name for name in sys.modules if name.startswith("agentlog.mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    with pytest.raises(MissingExtra, match=r"agentlog\[mcp\]"):
        make_server()
