"""Why it failed, for people who do not program: a clause without jargon, and the kind of trouble it belongs to.

The evidence decides where there is some (one function a collector, in `plainly/`), else the type of the exception, else its
own message.
"""

from __future__ import annotations

import re

from agentlog.events import Evidence, Failure
from agentlog.plainly.data import (
    CLASS_RANGE,
    DUPLICATES,
    JOINING,
    LABELS,
    MOMENTS,
    READ_BEFORE,
    STATE_DICT,
    UNALIGNED,
    WITHOUT_KEY,
    dates,
    empty_input,
    estimator,
    operand_types,
    plotted,
    sizes,
    tensors,
    unpacking,
    unusable_content,
)
from agentlog.plainly.outside import ENCODING, file_text, file_trouble, http, json_text, marked, of_file, sql, subprocess
from agentlog.plainly.program import (
    OUT_OF_MEMORY,
    RECURSION,
    REGEX,
    UNHASHABLE,
    UNSERIALISABLE,
    assertion,
    failed_import,
    index_out_of_range,
    missing_attribute,
    missing_key,
    stopped,
    syntax,
    undefined_name,
    wrong_call,
)
from agentlog.plainly.reason import Reason, Told


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
        found = in_words(BY_COLLECTOR.get(evidence.collector), failure, evidence)
        if found is not None:
            return found
    return None


def in_words(told: Told, failure: Failure, evidence: Evidence = Evidence("")) -> Reason | None:  # noqa: B008
    """What an entry of the tables says of `failure`."""
    return told(failure, evidence) if callable(told) else told


# --- by evidence ------------------------------------------------------------------------------------------------------


BY_COLLECTOR: dict[str, Told] = {
    "missing_key": missing_key, "missing_columns": missing_key, "read_before": READ_BEFORE, "class_range": CLASS_RANGE,
    "index_out_of_range": index_out_of_range, "missing_attribute": missing_attribute, "undefined_name": undefined_name,
    "failed_import": failed_import, "file_trouble": file_trouble, "json_text": json_text, "encoding": ENCODING,
    "file_text": file_text, "regex": REGEX, "marked": marked, "dates": dates, "syntax": syntax, "http": http, "sql": sql,
    "subprocess": subprocess, "assertion": assertion, "wrong_call": wrong_call, "unpacking": unpacking,
    "estimator": estimator, "labels": LABELS, "joining": JOINING, "duplicates": DUPLICATES, "unaligned": UNALIGNED,
    "without_key": WITHOUT_KEY, "plotted": plotted,
    "moments": MOMENTS, "unusable_content": unusable_content, "operand_types": operand_types, "unhashable": UNHASHABLE,
    "unserialisable": UNSERIALISABLE, "tensors": tensors, "state_dict": STATE_DICT, "keras_input": tensors,
    "empty_input": empty_input, "sizes": sizes, "out_of_memory": OUT_OF_MEMORY, "recursion": RECURSION, "stopped": stopped,
    # where in the data it happened, or what stands beside it: not why
    "comparison_scores": None, "nothing_there": None, "element": None, "iteration": None, "chain": None, "group": None,
    "returned_before": None, "called_for_each": None, "like_it": None,
}  # fmt: skip
"""Name of a collector (`agentlog.evidence`) -> what it means for people; a test holds the two lists to each other."""


# --- by type and message ------------------------------------------------------------------------------------------------


def _by_type(failure: Failure) -> Reason | None:
    if failure.type in _BY_TYPE:
        return in_words(_BY_TYPE[failure.type], failure)
    if failure.type.endswith("OutOfMemoryError"):
        return OUT_OF_MEMORY
    return of_file(failure) if failure.type.endswith(("OSError", "PermissionError")) else None


def _bare_key(failure: Failure, evidence: Evidence) -> Reason:
    return Reason(f"the entry {failure.message[:80]} does not exist", "missing entries")


_BY_TYPE: dict[str, Told] = {
    "KeyError": _bare_key, "IndexError": index_out_of_range, "NameError": undefined_name, "UnboundLocalError": undefined_name,
    "ModuleNotFoundError": failed_import, "ImportError": failed_import, "AssertionError": assertion, "MemoryError": OUT_OF_MEMORY,
    "RecursionError": RECURSION, "KeyboardInterrupt": stopped, "TimeoutError": stopped, "CellTimeoutError": stopped,
    "CalledProcessError": subprocess, "JSONDecodeError": json_text, "UnicodeDecodeError": ENCODING, "SyntaxError": syntax,
    "IndentationError": syntax, "TabError": syntax, "FileNotFoundError": file_trouble, "PermissionError": file_trouble,
    "IsADirectoryError": file_trouble, "NotADirectoryError": file_trouble, "FileExistsError": file_trouble, "ConnectionError": http,
    "ConnectionRefusedError": http, "URLError": http, "HTTPError": http, "NotFittedError": estimator,
    "ZeroDivisionError": Reason("a number was divided by zero", "divisions by zero"),
    "OverflowError": Reason("a number became too large", "numbers that are too large"),
    "StopIteration": Reason("the data ended before it was expected to", "empty data"),
    "NotImplementedError": Reason("a part of the program is not written yet", "mistakes in the program"),
}  # fmt: skip


_BY_MESSAGE: tuple[tuple[str, Told], ...] = (
    (r"values to unpack", unpacking), (r"unexpected keyword|positional argument", wrong_call), (r"unhashable type", UNHASHABLE),
    (r"not JSON serializable", UNSERIALISABLE), (r"could not convert|invalid literal for|cannot convert .*NA", unusable_content),
    (r"unsupported operand|can only concatenate|not supported between", operand_types), (r"broadcast|shapes? .*mismatch|lengths? must", sizes),
    (r"time data|isoformat string", dates), (r"Expected \d+ fields|No columns to parse|tokenizing data", file_text),
)  # fmt: skip


def _by_message(failure: Failure) -> Reason:
    """What Python and libraries say in known words; else the words of the program itself, which were written to be read."""
    for pattern, told in _BY_MESSAGE:
        found = in_words(told, failure) if re.search(pattern, failure.message) else None
        if found is not None:
            return found
    said = failure.message.strip().split("\n")[0]
    return Reason(f"the program says: {said[:200]}" if said else "the program gave no reason", "errors that the program reports")
