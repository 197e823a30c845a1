"""The data: values of the wrong kind, missing ones, sizes, tables, models."""

from __future__ import annotations

import re

from agentlog.events import Evidence, Failure
from agentlog.plainly.reason import QUOTED, Reason

LABELS = Reason("the values that a model should predict are of a kind that it cannot use", "data that does not fit the model")
JOINING = Reason("two tables could not be joined: their columns do not fit together", "tables that do not fit together")
UNALIGNED = Reason("the rows of two tables do not belong together: their labels differ", "tables that do not fit together")
WITHOUT_KEY = Reason("the data holds a value that a list of settings says nothing of", "missing entries")
DUPLICATES = Reason("a table has the same row or column name more than once", "duplicates in the data")
MOMENTS = Reason(
    "dates or times with and without a time zone, or of different kinds, were mixed", "dates that do not fit together"
)
STATE_DICT = Reason("a saved model does not fit the model that it was loaded into", "data that does not fit the model")
READ_BEFORE = Reason("data that can be gone through only once had been gone through before", "empty data")
CLASS_RANGE = Reason("the data has more kinds than the model was made for", "data that does not fit the model")


def dates(failure: Failure, evidence: Evidence) -> Reason:
    text = re.search(QUOTED, failure.message)
    return Reason(f"{text[1] if text else 'a text'} cannot be read as a date", "dates that cannot be read")


def unpacking(failure: Failure, evidence: Evidence) -> Reason:
    expected = re.search(r"expected (?:at least )?(\d+)", failure.message)
    return Reason(
        f"a record has another number of parts than the {expected[1] if expected else 'number'} expected",
        "data in the wrong format",
    )


def estimator(failure: Failure, evidence: Evidence) -> Reason:
    text = " ".join(fact.text for fact in evidence.facts)
    if "not fitted" in text + failure.message or failure.type == "NotFittedError":
        return Reason("a model was used before it was trained", "models that were not trained")
    if re.search("missing|unseen|features|columns", text + failure.message):
        return Reason("a model was given other columns than it was trained with", "data that does not fit the model")
    return Reason("a model was set up in a way that does not work", "models set up wrongly")


def plotted(failure: Failure, evidence: Evidence) -> Reason:
    name = re.search(QUOTED, failure.message)
    return Reason(f"the column {name[1]} does not exist" if name else "a column that it needs does not exist", "missing columns")


def unusable_content(failure: Failure, evidence: Evidence) -> Reason:
    text = f"{failure.message} " + " ".join(fact.text for fact in evidence.facts)
    about = next((fact.about for fact in evidence.facts if fact.about and len(fact.about) < 60), None)
    where = f" in '{about}'" if about else ""
    value = re.search(
        rf"(?:could not convert string to float|invalid literal for \w+\(\) with base \d+|parse string):? {QUOTED}", text
    )
    if value:
        return Reason(f"the text {value[1]} stands where a number is expected{where}", "text where numbers are expected")
    if re.search(r"\bNaN\b|missing|non-finite|NA\b|infinity", text):
        return Reason(f"values are missing{where}", "missing values")
    return Reason(f"the data holds values of the wrong kind{where}", "values of the wrong kind")


def operand_types(failure: Failure, evidence: Evidence) -> Reason:
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


def tensors(failure: Failure, evidence: Evidence) -> Reason:
    if re.search(r"same device|cuda|device", failure.message):
        return Reason("parts of a calculation lie on different processors", "data that does not fit the model")
    return Reason("parts of a calculation do not fit together in size or kind", "data of different sizes")


def empty_input(failure: Failure, evidence: Evidence) -> Reason:
    about = next((fact.about for fact in evidence.facts if fact.about and len(fact.about) < 60), None)
    return Reason(
        f"there is no data{f' in {chr(39)}{about}{chr(39)}' if about else ''}: the table or list is empty", "empty data"
    )


def sizes(failure: Failure, evidence: Evidence) -> Reason:
    sizes = re.search(r"(\d+)\D+(\d+)", failure.message)
    told = f" ({sizes[1]} and {sizes[2]})" if sizes and sizes[1] != sizes[2] and "length" in failure.message.lower() else ""
    return Reason(f"two sets of data that belong together differ in size{told}", "data of different sizes")
