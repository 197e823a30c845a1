"""What comes from outside: files, texts in some format, servers, databases, other programs."""

from __future__ import annotations

import re

from agentlog.events import Evidence, Failure
from agentlog.plainly.reason import Reason

ENCODING = Reason("a text is stored in another character encoding than was expected", "data in the wrong format")


def file_trouble(failure: Failure, evidence: Evidence) -> Reason | None:
    return of_file(failure)


def of_file(failure: Failure) -> Reason | None:
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


def json_text(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join(fact.text for fact in evidence.facts)
    how = (
        "is empty"
        if "is empty" in text or "is blank" in text
        else "is a web page"
        if "markup" in text
        else "is damaged or cut off"
    )
    return Reason(f"data that should be JSON {how}", "data in the wrong format")


def file_text(failure: Failure, evidence: Evidence) -> Reason:
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


def marked(failure: Failure, evidence: Evidence) -> Reason:
    line = next((found for fact in evidence.facts if (found := re.match(r"line (\d+)", fact.text))), None)
    return Reason(
        f"a configuration or data text is written wrongly{f' in line {line[1]}' if line else ''}", "data in the wrong format"
    )


def http(failure: Failure, evidence: Evidence) -> Reason:
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


def sql(failure: Failure, evidence: Evidence) -> Reason:
    table = re.search(r"no such (table|column): (\S+)|(relation|column) \"([^\"]+)\" does not exist", failure.message)
    if table:
        noun = "column" if "column" in (table[1] or "", table[3] or "") else "table"
        return Reason(f"the {noun} '{(table[2] or table[4])}' does not exist in the database", f"missing {noun}s")
    if re.search("locked", failure.message):
        return Reason("the database is in use by another program", "database errors")
    if re.search("UNIQUE|duplicate key|constraint|IntegrityError", f"{failure.type} {failure.message}", re.I):
        return Reason("the database refused a record that breaks its rules", "database errors")
    return Reason("the database refused a request", "database errors")


def subprocess(failure: Failure, evidence: Evidence) -> Reason:
    late = failure.type == "TimeoutExpired"
    return Reason(
        "another program that it started " + ("did not finish in time" if late else "failed"), "other programs that failed"
    )
