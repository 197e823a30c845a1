"""The flight recorder of Python kernels.

    %load_ext agentlog            in IPython or Jupyter: records every cell from here on
    AGENTLOG=true python app.py   any program, no code change
    agentlog context              what an agent needs to fix the last failure

Public names are loaded when they are first used: `import agentlog` costs next to nothing and imports no
third-party module.
"""

from __future__ import annotations

TYPE_CHECKING = False  # `typing` and `importlib` would be most of what `import agentlog` costs
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"

_PUBLIC: dict[str, str] = {
    **dict.fromkeys(("enable", "disable", "is_enabled", "configure"), "agentlog.activation"),
    **dict.fromkeys(
        (
            "log", "log_vars", "log_state", "log_error", "log_decision", "log_perf", "log_user_input", "log_agent_thought",
            "log_agent_output", "log_handover", "log_tool_call", "tag_outcome", "tag_session_outcome",
        ),
        "agentlog.verbs",
    ),
    **dict.fromkeys(("span", "tool_call", "llm_call", "log_func"), "agentlog.spans"),
    **dict.fromkeys(("get_debug_context", "get_context", "get_formatted_context", "list_formats"), "agentlog.api"),
    **dict.fromkeys(("start_session", "end_session", "get_session_id", "get_parent_session_id"), "agentlog.tasks"),
    **dict.fromkeys(("snapshot_workspace", "compare_snapshots"), "agentlog.workspace"),
    **dict.fromkeys(
        ("hash_error", "record_error_pattern", "correlate_error", "get_error_pattern", "find_similar_errors"), "agentlog.memory"
    ),
    "run_mcp_server": "agentlog.mcp",
    **dict.fromkeys(("to_otlp_logs", "to_otlp_spans", "export_otlp_json"), "agentlog.otlp.export"),
    **dict.fromkeys(("token_summary", "summary"), "agentlog.costs.spending"),
    **dict.fromkeys(
        ("set_baseline", "detect_regression", "compare_to_baseline", "generate_regression_report", "get_outcome_stats"),
        "agentlog.runs.baselines",
    ),
    **dict.fromkeys(("sync_session_to_d1", "share_session", "import_shared_session"), "agentlog.sharing"),
    "capture_errors": "agentlog.verbs",
    "capture_output": "agentlog.capture",
}  # fmt: skip
"""Public name -> the module that defines it."""

__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_PUBLIC[name]), name)
        return value
    raise AttributeError(f"module 'agentlog' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext agentlog`."""
    from agentlog_ipy.extension import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext agentlog`."""
    from agentlog_ipy.extension import unload

    unload(shell)
