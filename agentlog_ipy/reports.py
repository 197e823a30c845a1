"""Reports for machines: JUnit XML, which every CI shows, and a JSON summary."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from agentlog_ipy.results import BAD, CellResult, NotebookResult
from agentlog_ipy.whole_files import write_text

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""characters that XML 1.0 cannot hold"""


def write_junit(results: Sequence[NotebookResult], path: Path) -> None:
    """A test suite per notebook, a test case per cell."""
    root = ElementTree.Element("testsuites")
    for result in results:
        root.append(_suite(result))
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.indent(root)
    write_text(path, '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n")


def _suite(result: NotebookResult) -> ElementTree.Element:
    skipped = sum(cell.status in ("skipped", "not_run") for cell in result.cells)
    suite = ElementTree.Element(
        "testsuite",
        name=result.path,
        tests=str(len(result.cells) or 1),
        failures=str(len(result.failures)),
        errors=str(int(result.error is not None)),
        skipped=str(skipped),
        time=f"{result.seconds:.3f}",
    )
    for cell in result.cells:
        suite.append(_case(result, cell))
    if result.error is not None:
        case = ElementTree.SubElement(suite, "testcase", classname=result.path, name="the notebook", time="0")
        ElementTree.SubElement(case, "error", message=_clean(result.error))
    return suite


def _case(result: NotebookResult, cell: CellResult) -> ElementTree.Element:
    first = next((line.strip() for line in cell.source.splitlines() if line.strip()), "")
    case = ElementTree.Element(
        "testcase", classname=result.path, name=_clean(f"cell {cell.position + 1}: {first[:80]}"), time=f"{cell.seconds:.3f}"
    )
    if cell.status in BAD:
        failure = ElementTree.SubElement(case, "failure", message=_clean(cell.error or cell.status), type=cell.status)
        own = result.context if cell is result.failures[0] else None
        failure.text = _clean(own or cell.detail or "")
    elif cell.status in ("skipped", "not_run"):
        ElementTree.SubElement(case, "skipped", message=cell.status.replace("_", " "))
    return case


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text)


def write_summary(data: Mapping[str, Any], path: Path) -> None:
    """The result as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n")
