"""The server put together: tools, resources, a prompt, completion."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.tools import Tool
from mcp_types import Completion, ToolAnnotations

from agentlog import __version__
from agentlog.context import build
from agentlog.desk import Desk
from agentlog.errors import AgentlogError, NotFound
from agentlog.mcp.answers import lean, lean_output
from agentlog.mcp.kernels import Kernels
from agentlog.mcp.tools import Tools
from agentlog.settings import store_folder

INSTRUCTIONS = (
    "Python kernels with a flight recorder. After a failure read its context before printing anything: it names the cell at fault"
    " and what each name held. [REDACTED:...] stands for a secret."
)
READS = ToolAnnotations(read_only_hint=True)
RUNS = ToolAnnotations(destructive_hint=True)
CONTEXT_TOKENS = 4000
COMPLETIONS = 20


def make(store: str | Path | None, spec: str, python: str | Path | None) -> MCPServer[None]:
    """A server over the store's folder (default: as everywhere), not yet running."""
    place = Path(store).expanduser().absolute() if store is not None else store_folder()
    kernels = Kernels(place, spec, python)
    tools = Tools(place, kernels)

    server: MCPServer[None] = MCPServer(
        "agentlog", version=__version__, instructions=INSTRUCTIONS, tools=_tools(tools), log_level="WARNING",
        lifespan=_closing(kernels),
    )  # fmt: skip
    _add_resources(server, place)
    _add_prompt(server, place)
    return server


def _closing(kernels: Kernels) -> Any:
    """The server's life: its kernels end with it. Over HTTP that is one for all clients."""

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        try:
            yield None
        finally:
            await kernels.close()

    return lifespan


def _tools(tools: Tools) -> list[Tool]:
    runs = (tools.run_code, tools.control_kernel)
    reads = (
        tools.get_context, tools.get_diff, tools.explain_name, tools.search_history, tools.show_execution, tools.list_sessions,
    )  # fmt: skip
    return [_lean(function, RUNS) for function in runs] + [_lean(function, READS) for function in reads]


def _lean(function: Any, annotations: ToolAnnotations) -> Tool:
    """The tool of `function`, its schemas in few tokens."""
    tool = Tool.from_function(function, description=" ".join((function.__doc__ or "").split()), annotations=annotations)
    tool.parameters = lean(tool.parameters)
    tool.fn_metadata.output_schema = lean_output(tool.fn_metadata.output_schema or {})
    return tool


# --- resources ----------------------------------------------------------------------------------------------------


def _add_resources(server: MCPServer[None], place: Path) -> None:
    def sessions() -> str:
        """Recorded sessions, latest first"""
        return _read(place, lambda desk: _as_json(_sessions(desk))) if place.is_dir() else "[]"

    def session(session: str) -> str:
        """What ran in a session (its id, the end of one, or "last")"""
        return _read(place, lambda desk: _history(desk, session))

    def context(session: str) -> str:
        """The debugging context of a session's last failure"""
        return _read(place, lambda desk: build(desk.store, session=session).render("text", CONTEXT_TOKENS))

    def execution(execution: str) -> str:
        """One execution whole"""
        return _read(place, lambda desk: _execution(desk, execution))

    for uri, function, mime in (
        ("agentlog://sessions", sessions, "application/json"),
        ("agentlog://sessions/{session}", session, "text/plain"),
        ("agentlog://sessions/{session}/context", context, "text/plain"),
        ("agentlog://executions/{execution}", execution, "text/plain"),
    ):
        server.resource(uri, description=function.__doc__, mime_type=mime)(function)


def _read(place: Path, question: Any) -> str:
    desk = Desk(place)
    try:
        return str(question(desk))
    except NotFound as error:
        raise ResourceNotFoundError(str(error)) from None
    except AgentlogError as error:
        raise ResourceError(str(error)) from None
    finally:
        desk.close()


def _sessions(desk: Desk) -> list[dict[str, Any]]:
    return [
        {"session": one.id, "title": one.title, "started": one.started, "how": one.how, "failures": one.failures,
         "context": f"agentlog://sessions/{one.id}/context"}
        for one in desk.store.sessions(limit=50)
    ]  # fmt: skip


def _as_json(data: object) -> str:
    import json

    return json.dumps(data, ensure_ascii=False)


def _history(desk: Desk, reference: str) -> str:
    from agentlog.commands.history import History

    session = desk.store.session(reference)
    return str(History(session, tuple(desk.store.executions(session.id))))


def _execution(desk: Desk, reference: str) -> str:
    from agentlog.shown import gather

    return str(gather(desk.store, desk.store.execution(reference)))


# --- prompts ------------------------------------------------------------------------------------------------------


def _add_prompt(server: MCPServer[None], place: Path) -> None:
    def debug_last_failure(session: str = "last") -> str:
        """Find the cause of the last failure and fix it"""
        context = _read(place, lambda desk: build(desk.store, session=session).render("claude", CONTEXT_TOKENS))
        return (
            f"{context}\n\nThis was recorded when the code failed. Name the cell at fault and why, from the evidence above; print"
            " nothing that it already shows. Fix that cell, run it and those after it with run_code, and check that they are ok."
        )

    server.prompt(description=debug_last_failure.__doc__)(debug_last_failure)

    async def complete(ref: object, argument: Any, context: object) -> Completion | None:
        found = _ids(place, argument.name, argument.value)
        return Completion(values=found[:COMPLETIONS], total=len(found), has_more=len(found) > COMPLETIONS)

    server.completion()(complete)


def _ids(place: Path, name: str, begun: str) -> list[str]:
    """Ids for the argument called `name` that begin or end with what was typed."""
    desk = Desk(place)
    try:
        if name == "session":
            known = ["last", *(one.id for one in desk.store.sessions(limit=100))]
        elif name == "execution":
            known = ["last", *(one.id for one in desk.store.executions()[-100:][::-1])]
        else:
            known = []
        return [one for one in known if one.startswith(begun) or one.endswith(begun)]
    except AgentlogError:
        return []
    finally:
        desk.close()
