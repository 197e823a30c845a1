"""Small safe looks at values, and words for what was seen. Only exact types of known libraries are asked anything."""

from __future__ import annotations

import re
import types
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from agentlog import peek
from agentlog.evaluate import DICTS, PLAIN, SIZED, UNKNOWN, attribute, holds_data, package_of, safe_length
from agentlog.own_text import has_safe_text, known_zone, zone_of
from agentlog.slices import elements

SCAN = 20_000
"""Elements taken out of one column or list; what is beyond is said to be unseen."""
ROWS = 100_000
"""Rows in which missing values of a column are counted, by the library itself."""
_COMPARING = frozenset({"datetime", "decimal", "fractions", "uuid", "numpy", "pandas"})
"""Packages whose values are labels and cells of tables, and compare by their own code."""
_FAR = 12
_TF_DTYPE = re.compile(r"<dtype: '(\w+)'>")
_SQUEEZE = re.compile(r"[\s_\-.]+")


# --- what it is -----------------------------------------------------------------------------------------------


def is_frame(value: object) -> bool:
    return type(value) is peek.loaded("pandas", "DataFrame") and holds_data(value)


def is_series(value: object) -> bool:
    return type(value) is peek.loaded("pandas", "Series") and holds_data(value)


def is_index(value: object) -> bool:
    return package_of(type(value)) == "pandas" and any(cls is peek.loaded("pandas", "Index") for cls in peek.mro(type(value)))


def is_array(value: object) -> bool:
    return type(value) is peek.loaded("numpy", "ndarray")


def is_tensor(value: object) -> bool:
    return any(peek.class_name(cls) in ("Tensor", "EagerTensor") for cls in peek.mro(type(value))) and package_of(
        type(value)
    ) in (
        "torch",
        "tensorflow",
    )


def is_tabular(value: object) -> bool:
    return is_frame(value) or is_series(value) or is_array(value)


def is_estimator(value: object) -> bool:
    return any(peek.class_name(cls) == "BaseEstimator" and package_of(cls) == "sklearn" for cls in peek.mro(type(value)))


def type_name(value: object) -> str:
    return peek.class_name(type(value))


# --- sizes ----------------------------------------------------------------------------------------------------


def shape_of(value: object) -> tuple[int, ...] | None:
    """The shape of an array, frame, series or tensor; None of anything else."""
    if package_of(type(value)) in ("numpy", "pandas", "torch", "polars", "scipy", "tensorflow", "jaxlib"):
        shape = attribute(value, "shape")
        if (shape is not UNKNOWN and isinstance(shape, (tuple, list))) or peek.class_name(type(shape)) in ("Size", "TensorShape"):
            return tuple(int(size) if type(size) is int else -1 for size in shape)  # type: ignore[attr-defined]
    return None


def length_of(value: object) -> int | None:
    return safe_length(value)


def size_text(shape: tuple[int, ...]) -> str:
    """(150, 8) as "150x8"; one dimension as "(6,)"."""
    known = ["?" if size < 0 else str(size) for size in shape]
    return "x".join(known) if len(shape) != 1 else f"({known[0]},)"


def dtype_of(value: object) -> str | None:
    """The dtype of an array, series, index or tensor in words."""
    if is_index(value):
        return str(value.dtype)  # type: ignore[attr-defined]
    dtype = attribute(value, "dtype")
    return None if dtype is UNKNOWN else _TF_DTYPE.sub(r"\1", str(dtype))


def is_empty(value: object) -> bool:
    """An empty container, text, array or frame."""
    shape = shape_of(value)
    if shape is not None:
        return 0 in shape
    return type(value) in SIZED and len(value) == 0  # type: ignore[arg-type]


# --- words ----------------------------------------------------------------------------------------------------


def show(value: object, most: int = 60) -> str:
    """repr of a plain value, cut; of anything else what `say` says."""
    if type(value) is str:
        return repr(value) if len(value) <= most else f"{value[:most]!r}... ({len(value)} characters)"
    if type(value) is tuple and len(value) < 10 and all(type(part) in PLAIN for part in value):
        return repr(value)[: most * 2]
    if type(value) is tuple and 0 < len(value) < 10:
        return f"({', '.join(show(part, 40) for part in value)})"[: most * 2]
    if type(value) is peek.loaded("pandas", "Timestamp"):
        return str(value).removesuffix(" 00:00:00")
    if type(value) in PLAIN and type(value) is not bytes:
        return repr(value)[:most]
    scalar = scalar_of(value)
    return repr(scalar) if scalar is not UNKNOWN and type(scalar) in PLAIN else say(value)


def scalar_of(value: object) -> object:
    """A numpy scalar as the Python one, else UNKNOWN."""
    generic = peek.loaded("numpy", "generic")
    if generic is not None and package_of(type(value)) == "numpy" and peek.is_a(value, generic):
        return value.item()  # type: ignore[attr-defined]
    return UNKNOWN


def say(value: object) -> str:
    """What a value is, in a few words: "DataFrame 150x8", "list of 3", "int 6"."""
    if value is None:
        return "None"
    kind = type(value)
    name = peek.class_name(kind)
    if kind in PLAIN:
        return f"{name} {show(value) if kind is not bytes else repr(value[:40])}"  # type: ignore[index]
    if kind in SIZED:
        return f"{name} of {len(value)}" if len(value) else f"empty {name}"  # type: ignore[arg-type]
    shape = shape_of(value)
    if shape is not None:
        return _say_shaped(value, name, shape)
    return _say_other(value, name)


def _say_shaped(value: object, name: str, shape: tuple[int, ...]) -> str:
    if len(shape) == 0:
        scalar = scalar_of(value)
        return f"{name} {scalar!r}" if type(scalar) in PLAIN else name
    dtype = None if is_frame(value) else dtype_of(value)
    device = attribute(value, "device") if package_of(type(value)) == "torch" else UNKNOWN
    extra = [dtype or "", "" if device is UNKNOWN else f"on {device}", "empty" if 0 in shape else ""]
    return " ".join(filter(None, [name, size_text(shape), *extra]))


def _say_other(value: object, name: str) -> str:
    if issubclass(type(value), types.ModuleType):
        return f"module {peek.module_dict(value).get('__name__')}"
    if peek.exactly(value, types.FunctionType, types.BuiltinFunctionType):
        return f"function {value.__name__}"  # type: ignore[attr-defined]
    if issubclass(type(value), type):
        return f"class {peek.class_name(value)}"  # type: ignore[arg-type]
    telling = has_safe_text(value) or (peek.really_in(value, "pandas") and known_zone(zone_of(value)))
    if telling and package_of(type(value)) != "numpy" and "Group" not in name:
        try:
            return f"{name} {str(value)[:60]!r}"
        except Exception:
            return name
    return name


def some(values: Sequence[object] | Iterable[object], most: int = 12) -> str:
    """The first values, and how many more there are where that is known."""
    shown = [show(value, 40) for value in islice(iter(values), most)]
    more = len(values) - len(shown) if isinstance(values, Sequence) else 0
    return ", ".join(shown) + (f" ... {more} more" if more > 0 else "")


def tally(values: Iterable[object]) -> list[tuple[str, int]]:
    """How many of each type, most frequent first."""
    return [(peek.class_name(kind), count) for kind, count in Counter(map(type, values)).most_common()]


def counted(number: int, noun: str) -> str:
    """`1 key`, `2 keys`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tally_text(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts[:6])


# --- tables ---------------------------------------------------------------------------------------------------


def columns_of(frame: Any) -> list[Any]:
    """Column labels of a DataFrame, at most 20,000."""
    return elements(frame.columns, 0, 20_000)


def labels_of(index: Any, most: int = 2_000) -> list[Any]:
    return elements(index, 0, most)


def dtypes_of(frame: Any) -> list[tuple[Any, str]]:
    """(label, dtype) of each column."""
    return [(label, str(dtype)) for label, dtype in zip(columns_of(frame), frame.dtypes.tolist(), strict=False)]


def column(frame: Any, position: int) -> Any:
    return frame.iloc[:, position]


def items_of(value: Any, most: int = SCAN) -> list[Any]:
    """The first elements of a column, array or builtin sequence as Python objects."""
    if is_series(value) or is_index(value):
        return elements(value, 0, most)
    if is_array(value):
        return list(value.flat[:most].tolist()) if value.ndim else []
    if peek.exactly(value, list, tuple, set, frozenset, range):
        return list(islice(iter(value), most))
    return list(islice(iter(value), most)) if type(value) in DICTS else []


def comparable(items: Iterable[Any]) -> list[Any]:
    """Those of `items` that are hashed and compared without any code of the user's."""
    return [item for item in items if _is_comparable(item)]


def _is_comparable(item: Any) -> bool:
    kind = type(item)
    if kind is tuple:
        return all(map(_is_comparable, item))
    if kind in PLAIN:
        return True
    known = package_of(kind) in _COMPARING and peek.genuine(kind) and kind.__hash__ is not None
    return known and known_zone(zone_of(item))


# --- nearest --------------------------------------------------------------------------------------------------


def nearest(wanted: object, candidates: Iterable[object], most: int = 3) -> list[tuple[object, str]]:
    """Candidates that resemble `wanted`, and how each differs."""
    pool = [candidate for candidate in islice(iter(candidates), 3000) if type(candidate) in PLAIN or type(candidate) is tuple]
    found = [(candidate, why) for candidate in pool if (why := _difference(wanted, candidate))]
    if not found and type(wanted) is str:
        texts = [candidate for candidate in pool if type(candidate) is str and len(candidate) < 200]
        found = [(text, "similar") for text in _similar(wanted, texts, most)]
    return _once(found)[:most]


def _once(found: list[tuple[object, str]]) -> list[tuple[object, str]]:
    """Without the plain ones that came twice (keys that two places have)."""
    told = {
        (id(type(candidate)), candidate) if type(candidate) in PLAIN else id(candidate): (candidate, why)
        for candidate, why in found
    }
    return list(told.values())


def _difference(wanted: object, candidate: object) -> str | None:
    if type(wanted) is str and type(candidate) is tuple and all(type(part) is str for part in candidate):
        return "is a tuple" if wanted in ("_".join(candidate), " ".join(candidate), *candidate) else None
    if type(wanted) is not type(candidate):
        same = type(wanted) in PLAIN and type(candidate) in PLAIN and str(wanted).strip() == str(candidate).strip()
        return f"is {_article(type_name(candidate))}, not {_article(type_name(wanted))}" if same else None
    if type(wanted) is not str or type(candidate) is not str or wanted == candidate:
        return None
    if abs(len(wanted) - len(candidate)) > _FAR:
        return None
    if wanted.casefold() == candidate.casefold():
        return "differs in case"
    if wanted.strip() == candidate.strip() or wanted.split() == candidate.split():
        return "differs in spaces"
    if not (_SQUEEZE.search(wanted) or _SQUEEZE.search(candidate)):
        return None
    if _SQUEEZE.sub("", wanted).casefold() == _SQUEEZE.sub("", candidate).casefold():
        return "differs in spaces, case or underscores"
    return None


def _article(name: str) -> str:
    return ("an " if name[:1] in "aeiou" else "a ") + name


def _similar(wanted: str, texts: list[str], most: int) -> list[str]:
    low = {text.casefold(): text for text in texts}
    folded = wanted.casefold()
    letters = set(folded)
    near = [text for text in low if abs(len(text) - len(folded)) <= max(3, len(folded) // 2)]
    plausible = [text for text in near if 2 * len(letters.intersection(text)) >= len(letters)][:400]
    from difflib import get_close_matches  # loading it while Ctrl-C ends a program would change its exit code (see `failures`)

    close = get_close_matches(folded, plausible, n=most, cutoff=0.65)
    inside = [text for text in low if len(text) > 2 and len(folded) > 2 and (text in folded or folded in text)]
    if not close and not inside:
        stems = {word[:5] for word in re.findall(r"[a-z]{4,}", folded)}
        inside = [text for text in low if any(stem in text for stem in stems)]
    return [low[text] for text in dict.fromkeys([*close, *inside])][:most]


def nearest_text(wanted: object, candidates: Iterable[object]) -> str:
    """Words for the nearest candidates: "nearest 'region' (differs in case)"; "" where none resembles."""
    found = nearest(wanted, candidates)
    if not found:
        return ""
    return "nearest " + ", ".join(f"{show(candidate)} ({why})" for candidate, why in found)
