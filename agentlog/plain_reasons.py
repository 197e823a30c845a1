"""Why it failed, for people who do not program: a clause without jargon, and the kind of trouble it belongs to.

The evidence decides where there is some (one function a collector), else the type of the exception, else its own message.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agentlog.events import Evidence, Failure


@dataclass(frozen=True, slots=True)
class Reason:
    """`clause` ends a sentence: "the file 'a.csv' does not exist"; `trouble` counts it: "missing files"."""

    clause: str
    trouble: str


Telling = Callable[[Failure, Evidence], "Reason | None"]
_QUOTED = r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|-?\d[\w.]*)"
_NEAR = re.compile(rf"nearest {_QUOTED}")


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


# --- by evidence: one function a collector ------------------------------------------------------------------------


def _missing_key(failure: Failure, evidence: Evidence) -> Reason | None:
    nouns = {"column": "column", "key": "entry", "label": "row", "environment variable": "setting", "group": "group"}
    for fact in evidence.facts:
        found = re.match(rf"no (column|key|label|environment variable|group) {_QUOTED}", fact.text)
        if found:
            noun = nouns[found[1]]
            near = _NEAR.search(fact.text)
            has = f"; the {_holder(noun)} has {near[1]}" if near else ""
            return Reason(
                f"the {noun} {found[2]} does not exist{has}", "missing entries" if noun == "entry" else f"missing {noun}s"
            )
    return None


def _holder(noun: str) -> str:
    return {"column": "table", "row": "table", "group": "table", "setting": "machine"}.get(noun, "data")


def _index_out_of_range(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join([*(fact.text for fact in evidence.facts), failure.message])
    asked = re.search(r"index (?:[^;]*= )?(\d+)", text)
    last, size = re.search(r"valid 0\.\.(\d+)", text), re.search(r"with size (\d+)", text)
    held = 0 if "nothing to index" in text else int(last[1]) + 1 if last else int(size[1]) if size else None
    if asked is None or held is None:
        return Reason("it asked for an item past the end of a list", "lists shorter than expected")
    return Reason(
        f"it asked for item number {int(asked[1]) + 1} of a list that has {f'only {held}' if held else 'none'}",
        "lists shorter than expected",
    )


def _missing_attribute(failure: Failure, evidence: Evidence) -> Reason | None:
    if any("is None" in fact.text for fact in evidence.facts) or "'NoneType'" in failure.message:
        return Reason(
            f"{_called(evidence)} is empty where a result of an earlier step was expected", "empty results of earlier steps"
        )
    wanted = re.search(r"(?:attribute|no) '(\w+)'", failure.message) or re.search(r"no '(\w+)'", evidence.facts[0].text)
    near = next((found for fact in evidence.facts if (found := _NEAR.search(fact.text))), None)
    if any("columns" in fact.text for fact in evidence.facts) and wanted:
        return Reason(
            f"the column '{wanted[1]}' does not exist" + (f"; the table has {near[1]}" if near else ""), "missing columns"
        )
    also = f"; it may mean {near[1]}" if near else ""
    return Reason(f"it used '{wanted[1] if wanted else '?'}' of something that has no such part{also}", "mistakes in the program")


def _called(evidence: Evidence) -> str:
    about = next((fact.about for fact in evidence.facts if fact.about), None)
    return f"'{about}'" if about and len(about) < 40 else "a value"


def _undefined_name(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(r"'(\w+)'", failure.message)
    near = next((found for fact in evidence.facts if (found := re.search(r"nearest:? '?(\w+)", fact.text))), None)
    said = f"'{name[1]}'" if name else "something"
    return Reason(
        f"it uses {said}, which no step has made yet" + (f"; there is '{near[1]}'" if near else ""),
        "steps missing or out of order",
    )


def _failed_import(failure: Failure, evidence: Evidence) -> Reason:
    module = re.search(r"No module named '([\w.]+)'", failure.message)
    if module:
        return Reason(f"the package '{module[1]}' that it needs is not installed", "packages that are not installed")
    part = re.search(r"cannot import name '(\w+)' from (?:partially initialized module )?'([\w.]+)'", failure.message)
    if part:
        return Reason(f"the installed version of '{part[2]}' has no '{part[1]}'", "packages of the wrong version")
    return Reason("a package that it needs could not be loaded", "packages that cannot be loaded")


def _file_trouble(failure: Failure, evidence: Evidence) -> Reason | None:
    return _of_file(failure)


def _of_file(failure: Failure) -> Reason | None:
    path = re.search(r": (?:b)?['\"](.+?)['\"]\s*$", failure.message)
    named = f"'{path[1]}'" if path else "a file"
    text = f"{failure.type} {failure.message}"
    for pattern, clause, trouble in _FILES:
        if re.search(pattern, text, re.I):
            return Reason(clause.format(named), trouble)
    return None


_FILES = (
    (r"FileNotFound|No such file|not found|cannot find", "the file {0} does not exist", "missing files"),
    (r"Permission|denied|read-only", "it is not allowed to open {0}", "missing permissions"),
    (r"IsADirectory|Is a directory", "{0} is a folder where a file was expected", "wrong paths"),
    (r"NotADirectory|Not a directory", "{0} is a file where a folder was expected", "wrong paths"),
    (r"FileExists|File exists", "{0} exists already", "files that exist already"),
    (r"No space left|Errno 28", "the disk is full", "full disks"),
    (r"Too many open files", "too many files are open", "too many open files"),
    (r"unable to open database", "the database file could not be opened", "missing files"),
)


def _json_text(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join(fact.text for fact in evidence.facts)
    how = (
        "is empty"
        if "is empty" in text or "is blank" in text
        else "is a web page"
        if "markup" in text
        else "is damaged or cut off"
    )
    return Reason(f"data that should be JSON {how}", "data in the wrong format")


def _encoding(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a text is stored in another character encoding than was expected", "data in the wrong format")


def _file_text(failure: Failure, evidence: Evidence) -> Reason:
    path = next((fact.about for fact in evidence.facts if fact.about), None)
    named = f"the file {path}" if path and len(path) < 80 else "a file"
    fields = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", failure.message)
    if fields:
        return Reason(
            f"line {fields[2]} of {named} has {fields[3]} fields where {fields[1]} were expected", "data in the wrong format"
        )
    empty = any("empty" in fact.text for fact in evidence.facts) or "No columns" in failure.message
    return Reason(
        f"{named} {'is empty' if empty else 'is damaged or in another format than expected'}",
        "empty files" if empty else "data in the wrong format",
    )


def _regex(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a search pattern in the program is written wrongly", "mistakes in the program")


def _marked(failure: Failure, evidence: Evidence) -> Reason:
    line = next((found for fact in evidence.facts if (found := re.match(r"line (\d+)", fact.text))), None)
    return Reason(
        f"a configuration or data text is written wrongly{f' in line {line[1]}' if line else ''}", "data in the wrong format"
    )


def _dates(failure: Failure, evidence: Evidence) -> Reason:
    text = re.search(_QUOTED, failure.message)
    return Reason(f"{text[1] if text else 'a text'} cannot be read as a date", "dates that cannot be read")


def _syntax(failure: Failure, evidence: Evidence) -> Reason:
    line = next((found for fact in evidence.facts if (found := re.match(r"line (\d+)", fact.text))), None)
    return Reason(f"the program is written wrongly{f' in line {line[1]}' if line else ''}", "mistakes in the program")


def _http(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join([failure.message, *(fact.text for fact in evidence.facts)])
    code = re.search(r"\b(?:status|answered|HTTP Error|Error:?)\s*([45]\d\d)\b", text) or re.search(
        r"\b([45]\d\d) (?:Client|Server) Error", text
    )
    host = re.search(r"https?://([^/\s'\"]+)", text)
    who = host[1] if host else "another server"
    meaning = {
        "401": "it is not logged in",
        "403": "it has no permission",
        "404": "the address does not exist",
        "429": "too many requests",
    }
    if code:
        why = meaning.get(code[1], "an error of the server" if code[1][0] == "5" else "the request was refused")
        return Reason(f"{who} answered with an error ({code[1]}: {why})", "errors of other servers")
    if re.search("time", text, re.I) and re.search("out", text, re.I):
        return Reason(f"{who} did not answer in time", "servers that do not answer")
    return Reason(f"{who} could not be reached", "servers that do not answer")


def _sql(failure: Failure, evidence: Evidence) -> Reason:
    table = re.search(r"no such (table|column): (\S+)|(relation|column) \"([^\"]+)\" does not exist", failure.message)
    if table:
        noun = "column" if "column" in (table[1] or "", table[3] or "") else "table"
        return Reason(f"the {noun} '{(table[2] or table[4])}' does not exist in the database", f"missing {noun}s")
    if re.search("locked", failure.message):
        return Reason("the database is in use by another program", "database errors")
    if re.search("UNIQUE|duplicate key|constraint|IntegrityError", f"{failure.type} {failure.message}", re.I):
        return Reason("the database refused a record that breaks its rules", "database errors")
    return Reason("the database refused a request", "database errors")


def _subprocess(failure: Failure, evidence: Evidence) -> Reason:
    late = failure.type == "TimeoutExpired"
    return Reason(
        "another program that it started " + ("did not finish in time" if late else "failed"), "other programs that failed"
    )


def _assertion(failure: Failure, evidence: Evidence) -> Reason:
    own = failure.message.strip().split("\n")[0]
    said = f": {own[:160]}" if own and not own.startswith(("assert", "(", "[")) else ""
    return Reason(f"a check of the program did not hold{said}", "checks that did not hold")


def _wrong_call(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(r"(\w+)\(\)", failure.message)
    unknown = re.search(r"unexpected keyword argument '(\w+)'", failure.message)
    if unknown:
        return Reason(
            f"it gave {_function(name)} the option '{unknown[1]}', which it does not know", "packages of the wrong version"
        )
    return Reason(f"it used {_function(name)} with too much, too little or something unfitting", "mistakes in the program")


def _function(name: re.Match[str] | None) -> str:
    return f"'{name[1]}'" if name and name[1] != "__init__" else "a function"


def _unpacking(failure: Failure, evidence: Evidence) -> Reason:
    expected = re.search(r"expected (?:at least )?(\d+)", failure.message)
    return Reason(
        f"a record has another number of parts than the {expected[1] if expected else 'number'} expected",
        "data in the wrong format",
    )


def _estimator(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join(fact.text for fact in evidence.facts)
    if "not fitted" in text + failure.message or failure.type == "NotFittedError":
        return Reason("a model was used before it was trained", "models that were not trained")
    if re.search("missing|unseen|features|columns", text + failure.message):
        return Reason("a model was given other columns than it was trained with", "data that does not fit the model")
    return Reason("a model was set up in a way that does not work", "models set up wrongly")


def _labels(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("the values that a model should predict are of a kind that it cannot use", "data that does not fit the model")


def _joining(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("two tables could not be joined: their columns do not fit together", "tables that do not fit together")


def _duplicates(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a table has the same row or column name more than once", "duplicates in the data")


def _plotted(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(_QUOTED, failure.message)
    return Reason(f"the column {name[1]} does not exist" if name else "a column that it needs does not exist", "missing columns")


def _moments(failure: Failure, evidence: Evidence) -> Reason:
    return Reason(
        "dates or times with and without a time zone, or of different kinds, were mixed", "dates that do not fit together"
    )


def _unusable_content(failure: Failure, evidence: Evidence) -> Reason:
    text = f"{failure.message} " + " ".join(fact.text for fact in evidence.facts)
    about = next((fact.about for fact in evidence.facts if fact.about and len(fact.about) < 60), None)
    where = f" in '{about}'" if about else ""
    value = re.search(
        rf"(?:could not convert string to float|invalid literal for \w+\(\) with base \d+|parse string):? {_QUOTED}", text
    )
    if value:
        return Reason(f"the text {value[1]} stands where a number is expected{where}", "text where numbers are expected")
    if re.search(r"\bNaN\b|missing|non-finite|NA\b|infinity", text):
        return Reason(f"values are missing{where}", "missing values")
    return Reason(f"the data holds values of the wrong kind{where}", "values of the wrong kind")


def _operand_types(failure: Failure, evidence: Evidence) -> Reason:
    if "NoneType" in failure.message:
        return Reason(f"{_empty_one(evidence)} is empty where a value was expected", "empty results of earlier steps")
    kinds = [
        _KINDS[kind]
        for kind in re.findall(r"'(\w+)'|\"(\w+)\"|\b(int|str|list|float|dict)\b", failure.message)
        for kind in kind
        if kind in _KINDS
    ]
    if len(set(kinds)) > 1:
        return Reason(f"{' and '.join(dict.fromkeys(kinds))} were combined", "values of the wrong kind")
    return Reason("a value is of another kind than the step can work with", "values of the wrong kind")


def _empty_one(evidence: Evidence) -> str:
    about = next((fact.about for fact in evidence.facts if fact.about and "None" in fact.text), None)
    return f"'{about}'" if about and len(about) < 40 else "something"


_KINDS = {
    "int": "a number", "float": "a number", "complex": "a number", "str": "a text", "list": "a list", "tuple": "a list", "dict": "a table of entries",
    "set": "a list", "bytes": "raw data", "DataFrame": "a table", "Series": "a column", "ndarray": "a list of numbers",
}  # fmt: skip


def _unhashable(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a list was used as the name of an entry", "mistakes in the program")


def _unserialisable(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a result holds something that cannot be saved in the wanted format", "results that cannot be saved")


def _tensors(failure: Failure, evidence: Evidence) -> Reason:
    if re.search(r"same device|cuda|device", failure.message):
        return Reason("parts of a calculation lie on different processors", "data that does not fit the model")
    return Reason("parts of a calculation do not fit together in size or kind", "data of different sizes")


def _state_dict(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a saved model does not fit the model that it was loaded into", "data that does not fit the model")


def _nothing_there(failure: Failure, evidence: Evidence) -> Reason | None:
    return None  # an empty thing beside the failure is a hint, not the reason


def _empty_input(failure: Failure, evidence: Evidence) -> Reason:
    about = next((fact.about for fact in evidence.facts if fact.about and len(fact.about) < 60), None)
    return Reason(
        f"there is no data{f' in {chr(39)}{about}{chr(39)}' if about else ''}: the table or list is empty", "empty data"
    )


def _sizes(failure: Failure, evidence: Evidence) -> Reason:
    sizes = re.search(r"(\d+)\D+(\d+)", failure.message)
    told = f" ({sizes[1]} and {sizes[2]})" if sizes and sizes[1] != sizes[2] and "length" in failure.message.lower() else ""
    return Reason(f"two sets of data that belong together differ in size{told}", "data of different sizes")


def _out_of_memory(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("the machine has not enough memory for the data", "too little memory")


def _recursion(failure: Failure, evidence: Evidence) -> Reason:
    return Reason("a part of the program calls itself without end", "mistakes in the program")


def _stopped(failure: Failure, evidence: Evidence) -> Reason:
    if failure.type == "KeyboardInterrupt":
        return Reason("somebody stopped it", "runs that were stopped")
    return Reason("it took longer than allowed", "runs that took too long")


def _other_way(failure: Failure, evidence: Evidence) -> Reason | None:
    return None  # where in the data it happened, not why


BY_COLLECTOR: dict[str, Telling] = {
    "missing_key": _missing_key, "index_out_of_range": _index_out_of_range, "missing_attribute": _missing_attribute,
    "undefined_name": _undefined_name, "failed_import": _failed_import, "file_trouble": _file_trouble, "json_text": _json_text,
    "encoding": _encoding, "file_text": _file_text, "regex": _regex, "marked": _marked, "dates": _dates, "syntax": _syntax, "http": _http,
    "sql": _sql, "subprocess": _subprocess, "assertion": _assertion, "wrong_call": _wrong_call, "unpacking": _unpacking,
    "estimator": _estimator, "labels": _labels, "comparison_scores": _other_way, "joining": _joining, "duplicates": _duplicates,
    "plotted": _plotted, "moments": _moments, "unusable_content": _unusable_content, "operand_types": _operand_types,
    "unhashable": _unhashable, "unserialisable": _unserialisable, "tensors": _tensors, "state_dict": _state_dict, "keras_input": _tensors,
    "nothing_there": _nothing_there, "empty_input": _empty_input, "sizes": _sizes, "out_of_memory": _out_of_memory,
    "recursion": _recursion, "stopped": _stopped, "element": _other_way, "iteration": _other_way, "chain": _other_way, "group": _other_way, "returned_before": _other_way,
}  # fmt: skip
"""Name of a collector (`agentlog.evidence`) -> what it means for people; a test holds the two lists to each other."""


# --- by type and message ------------------------------------------------------------------------------------------


def _by_type(failure: Failure) -> Reason | None:
    tell = _BY_TYPE.get(failure.type)
    if tell is not None:
        return tell(failure, Evidence(""))
    if failure.type.endswith("OutOfMemoryError"):
        return _out_of_memory(failure, Evidence(""))
    return _of_file(failure) if failure.type.endswith(("OSError", "PermissionError")) else None


def _bare_key(failure: Failure, evidence: Evidence) -> Reason:
    return Reason(f"the entry {failure.message[:80]} does not exist", "missing entries")


_BY_TYPE: dict[str, Telling] = {
    "KeyError": _bare_key, "IndexError": _index_out_of_range, "NameError": _undefined_name, "UnboundLocalError": _undefined_name,
    "ModuleNotFoundError": _failed_import, "ImportError": _failed_import, "AssertionError": _assertion, "MemoryError": _out_of_memory,
    "RecursionError": _recursion, "KeyboardInterrupt": _stopped, "TimeoutError": _stopped, "CellTimeoutError": _stopped,
    "CalledProcessError": _subprocess, "JSONDecodeError": _json_text, "UnicodeDecodeError": _encoding, "SyntaxError": _syntax,
    "IndentationError": _syntax, "TabError": _syntax, "FileNotFoundError": _file_trouble, "PermissionError": _file_trouble,
    "IsADirectoryError": _file_trouble, "NotADirectoryError": _file_trouble, "FileExistsError": _file_trouble, "ConnectionError": _http,
    "ConnectionRefusedError": _http, "URLError": _http, "HTTPError": _http, "NotFittedError": _estimator,
    "ZeroDivisionError": lambda *_: Reason("a number was divided by zero", "divisions by zero"),
    "OverflowError": lambda *_: Reason("a number became too large", "numbers that are too large"),
    "StopIteration": lambda *_: Reason("the data ended before it was expected to", "empty data"),
    "NotImplementedError": lambda *_: Reason("a part of the program is not written yet", "mistakes in the program"),
}  # fmt: skip


_BY_MESSAGE: tuple[tuple[str, Telling], ...] = (
    (r"values to unpack", _unpacking), (r"unexpected keyword|positional argument", _wrong_call), (r"unhashable type", _unhashable),
    (r"not JSON serializable", _unserialisable), (r"could not convert|invalid literal for|cannot convert .*NA", _unusable_content),
    (r"unsupported operand|can only concatenate|not supported between", _operand_types), (r"broadcast|shapes? .*mismatch|lengths? must", _sizes),
    (r"time data|isoformat string", _dates), (r"Expected \d+ fields|No columns to parse|tokenizing data", _file_text),
)  # fmt: skip


def _by_message(failure: Failure) -> Reason:
    """What Python and libraries say in known words; else the words of the program itself, which were written to be read."""
    for pattern, tell in _BY_MESSAGE:
        found = tell(failure, Evidence("")) if re.search(pattern, failure.message) else None
        if found is not None:
            return found
    said = failure.message.strip().split("\n")[0]
    return Reason(f"the program says: {said[:200]}" if said else "the program gave no reason", "errors that the program reports")
