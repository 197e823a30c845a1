"""Writes agentlog.json, the Grafana dashboard, beside this file.

    python integrations/grafana/make_dashboard.py

The dashboard is data made of this one source: change it here, run it, import the JSON in Grafana (Dashboards, New, Import).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TARGET = Path(__file__).with_name("agentlog.json")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 7
RATE = "[$__rate_interval]"

FAILED = 'status!~"ok|not_run"'
PANELS: tuple[tuple[str, str, str, int, tuple[tuple[str, str], ...], str], ...] = (
    ("Executions (24 h)", "stat", "short", 4, (("sum(increase(agentlog_executions_total[24h]))", ""),), "Cells that ended within a day."),
    (
        "Success rate (24 h)", "stat", "percentunit", 4,
        (('sum(increase(agentlog_executions_total{status="ok"}[24h])) / sum(increase(agentlog_executions_total{status!="not_run"}[24h]))', ""),),
        "Share of executions that ended as they should.",
    ),
    ("Running now", "stat", "short", 4, (("sum(agentlog_executions_running)", ""),), "Executions that run at this moment."),
    ("Deaths (24 h)", "stat", "short", 4, (("sum(increase(agentlog_process_deaths_total[24h]))", ""),), "Kernels and processes that were seen to die."),
    ("Cost (24 h)", "stat", "currencyUSD", 4, (("sum(increase(agentlog_cost_total[24h])) or vector(0)", ""),), "Recorded cost of model calls; unpriced ones do not count."),
    ("Events dropped (24 h)", "stat", "short", 4, (("sum(increase(agentlog_recorder_dropped_events_total[24h]))", ""),), "What the recorder had to drop."),
    ("Executions by status", "timeseries", "cps", 12, ((f"sum by (status) (rate(agentlog_executions_total{RATE}))", "{{status}}"),), "Cells a second."),
    ("Failures", "timeseries", "cps", 12, ((f"sum by (status) (rate(agentlog_executions_total{{{FAILED}}}{RATE}))", "{{status}}"),), "Errors, timeouts, interrupts."),
    (
        "Duration of executions", "timeseries", "s", 12,
        tuple((f"histogram_quantile({q}, sum by (le) (rate(agentlog_execution_duration_seconds_bucket{RATE})))", f"{q:.0%}") for q in (0.5, 0.95, 0.99)),
        "From a monotonic clock, by quantile.",
    ),
    ("Errors by class", "timeseries", "cps", 12, ((f"topk(10, sum by (type) (rate(agentlog_errors_total{RATE})))", "{{type}}"),), "The ten most frequent exceptions."),
    ("Tokens by model", "timeseries", "cps", 12, ((f"sum by (model, kind) (rate(agentlog_tokens_total{RATE}))", "{{model}} {{kind}}"),), "Tokens a second; input includes what came from a cache."),
    ("Cost by model", "timeseries", "currencyUSD", 12, (("sum by (model) (increase(agentlog_cost_total[1h]))", "{{model}}"),), "Within the hour before."),
    ("Calls", "timeseries", "cps", 12, ((f"sum by (what, ok) (rate(agentlog_calls_total{RATE}))", "{{what}} ok={{ok}}"),), "Tool calls, model calls, functions."),
    (
        "Duration of calls (95 %)", "timeseries", "s", 12,
        ((f"histogram_quantile(0.95, sum by (le, what) (rate(agentlog_call_duration_seconds_bucket{RATE})))", "{{what}}"),), "By kind of call.",
    ),
    ("Queue", "timeseries", "short", 12, (("sum by (state) (agentlog_queue_jobs)", "{{state}}"),), "Notebooks of `agentlog queue`, by state."),
    ("Sessions without an end", "timeseries", "short", 12, (("sum by (how) (agentlog_sessions_unended)", "{{how}}"),), "Running, or died without a goodbye."),
    ("Journal", "timeseries", "bytes", 12, (("sum(agentlog_journal_bytes)", "on disk"),), "`agentlog gc` keeps it small."),
    ("Recorder's own faults", "timeseries", "short", 12, (("sum by (part) (increase(agentlog_recorder_faults_total[1h])) or vector(0)", "{{part}}"),), "Parts of the recorder that failed; the programs went on."),
)  # fmt: skip
"""Title, type, unit, width, (expression, legend)..., description."""


def expressions() -> list[str]:
    """Every expression of the dashboard."""
    return [expression for panel in PANELS for expression, _ in panel[4]]


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana's JSON."""
    datasource = {
        "name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "hide": 0, "regex": "", "multi": False,
        "includeAll": False, "refresh": 1, "options": [],
    }  # fmt: skip
    return {
        "uid": "agentlog", "title": "agentlog", "tags": ["agentlog", "jupyter"], "schemaVersion": 39, "version": 1, "editable": True,
        "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "browser",
        "templating": {"list": [datasource]}, "annotations": {"list": []}, "links": [], "panels": _panels(),
    }  # fmt: skip


def _panels() -> list[dict[str, Any]]:
    placed, x, y = [], 0, 0
    for number, (title, kind, unit, width, targets, says) in enumerate(PANELS, 1):
        if x + width > WIDTH:
            x, y = 0, y + HEIGHT
        queries = [
            {"refId": chr(65 + place), "expr": expression, "legendFormat": legend, "datasource": SOURCE, "range": True}
            for place, (expression, legend) in enumerate(targets)
        ]
        placed.append({
            "id": number, "type": kind, "title": title, "description": says, "datasource": SOURCE, "targets": queries,
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT}, "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
            "options": _options(kind),
        })  # fmt: skip
        x += width
    return placed


def _options(kind: str) -> dict[str, Any]:
    if kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "colorMode": "value",
            "graphMode": "area",
        }
    return {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


if __name__ == "__main__":
    TARGET.write_text(json.dumps(dashboard(), indent=2) + "\n", encoding="utf-8")
