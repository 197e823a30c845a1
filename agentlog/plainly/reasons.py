"""Why it failed, for people who do not program: a clause without jargon, and the kind of trouble it belongs to.

The evidence decides where there is some (one function a collector, in `plainly/`), else the type of the exception, else its
own message.
"""

from __future__ import annotations

import re

from agentlog.events import Evidence, Failure
from agentlog.plainly.data import (
    class_range,
    dates,
    duplicates,
    empty_input,
    estimator,
    joining,
    labels,
    moments,
    operand_types,
    plotted,
    read_before,
    sizes,
    state_dict,
    tensors,
    unpacking,
    unusable_content,
)
from agentlog.plainly.outside import encoding, file_text, file_trouble, http, json_text, marked, of_file, sql, subprocess
from agentlog.plainly.program import (
    assertion,
    failed_import,
    index_out_of_range,
    missing_attribute,
    missing_key,
    out_of_memory,
    recursion,
    regex,
    stopped,
    syntax,
    undefined_name,
    unhashable,
    unserialisable,
    wrong_call,
)
from agentlog.plainly.reason import Reason, Telling


def reason(failure: Failure) -> Reason:
    """The reason of `failure`: of the exception that began it, where that is told and the last one says no more."""
    first = _beginning(failure)
    for one in (failure, first):
        found = _by_evidence(one)
        if found is not None:
            return found
    return _by_type(first) or _by_type(failure) or _by_message(failure)


def _beginning(failure: Failure) -> Failure:
    while failure.cause is not None:
        failure = failure.cause
    return failure.group[0] if failure.group else failure


def _by_evidence(failure: Failure) -> Reason | None:
    for evidence in failure.evidence:
        tell = BY_COLLECTOR.get(evidence.collector)
        found = tell(failure, evidence) if tell is not None else None
        if found is not None:
            return found
    return None


# --- by evidence ------------------------------------------------------------------------------------------------------


def _nothing_there(failure: Failure, evidence: Evidence) -> Reason | None:
    return None  # an empty thing beside the failure is a hint, not the reason


def _other_way(failure: Failure, evidence: Evidence) -> Reason | None:
    return None  # where in the data it happened, not why


BY_COLLECTOR: dict[str, Telling] = {
    "missing_key": missing_key, "missing_columns": missing_key, "read_before": read_before, "class_range": class_range, "index_out_of_range": index_out_of_range, "missing_attribute": missing_attribute,
    "undefined_name": undefined_name, "failed_import": failed_import, "file_trouble": file_trouble, "json_text": json_text,
    "encoding": encoding, "file_text": file_text, "regex": regex, "marked": marked, "dates": dates, "syntax": syntax, "http": http,
    "sql": sql, "subprocess": subprocess, "assertion": assertion, "wrong_call": wrong_call, "unpacking": unpacking,
    "estimator": estimator, "labels": labels, "comparison_scores": _other_way, "joining": joining, "duplicates": duplicates,
    "plotted": plotted, "moments": moments, "unusable_content": unusable_content, "operand_types": operand_types,
    "unhashable": unhashable, "unserialisable": unserialisable, "tensors": tensors, "state_dict": state_dict, "keras_input": tensors,
    "nothing_there": _nothing_there, "empty_input": empty_input, "sizes": sizes, "out_of_memory": out_of_memory,
    "recursion": recursion, "stopped": stopped, "element": _other_way, "iteration": _other_way, "chain": _other_way, "group": _other_way, "returned_before": _other_way,
}  # fmt: skip
"""Name of a collector (`agentlog.evidence`) -> what it means for people; a test holds the two lists to each other."""


# --- by type and message ------------------------------------------------------------------------------------------------


def _by_type(failure: Failure) -> Reason | None:
    tell = _BY_TYPE.get(failure.type)
    if tell is not None:
        return tell(failure, Evidence(""))
    if failure.type.endswith("OutOfMemoryError"):
        return out_of_memory(failure, Evidence(""))
    return of_file(failure) if failure.type.endswith(("OSError", "PermissionError")) else None


def _bare_key(failure: Failure, evidence: Evidence) -> Reason:
    return Reason(f"the entry {failure.message[:80]} does not exist", "missing entries")


_BY_TYPE: dict[str, Telling] = {
    "KeyError": _bare_key, "IndexError": index_out_of_range, "NameError": undefined_name, "UnboundLocalError": undefined_name,
    "ModuleNotFoundError": failed_import, "ImportError": failed_import, "AssertionError": assertion, "MemoryError": out_of_memory,
    "RecursionError": recursion, "KeyboardInterrupt": stopped, "TimeoutError": stopped, "CellTimeoutError": stopped,
    "CalledProcessError": subprocess, "JSONDecodeError": json_text, "UnicodeDecodeError": encoding, "SyntaxError": syntax,
    "IndentationError": syntax, "TabError": syntax, "FileNotFoundError": file_trouble, "PermissionError": file_trouble,
    "IsADirectoryError": file_trouble, "NotADirectoryError": file_trouble, "FileExistsError": file_trouble, "ConnectionError": http,
    "ConnectionRefusedError": http, "URLError": http, "HTTPError": http, "NotFittedError": estimator,
    "ZeroDivisionError": lambda *_: Reason("a number was divided by zero", "divisions by zero"),
    "OverflowError": lambda *_: Reason("a number became too large", "numbers that are too large"),
    "StopIteration": lambda *_: Reason("the data ended before it was expected to", "empty data"),
    "NotImplementedError": lambda *_: Reason("a part of the program is not written yet", "mistakes in the program"),
}  # fmt: skip


_BY_MESSAGE: tuple[tuple[str, Telling], ...] = (
    (r"values to unpack", unpacking), (r"unexpected keyword|positional argument", wrong_call), (r"unhashable type", unhashable),
    (r"not JSON serializable", unserialisable), (r"could not convert|invalid literal for|cannot convert .*NA", unusable_content),
    (r"unsupported operand|can only concatenate|not supported between", operand_types), (r"broadcast|shapes? .*mismatch|lengths? must", sizes),
    (r"time data|isoformat string", dates), (r"Expected \d+ fields|No columns to parse|tokenizing data", file_text),
)  # fmt: skip


def _by_message(failure: Failure) -> Reason:
    """What Python and libraries say in known words; else the words of the program itself, which were written to be read."""
    for pattern, tell in _BY_MESSAGE:
        found = tell(failure, Evidence("")) if re.search(pattern, failure.message) else None
        if found is not None:
            return found
    said = failure.message.strip().split("\n")[0]
    return Reason(f"the program says: {said[:200]}" if said else "the program gave no reason", "errors that the program reports")
