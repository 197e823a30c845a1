"""Stand-ins for what could tell who somebody is: stable within one export, made with a key that nobody keeps.

The same name is the same stand-in everywhere in an export (in code, columns, messages), so that structure survives; two
exports cannot be joined. Words that are everybody's (keywords, built-ins, well-known packages and their methods) stay.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import io
import keyword
import re
import secrets
import sys
import tokenize
from datetime import date, timedelta

from agentlog.ids import is_id

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
REMEMBERED = 50_000
"""Ids whose stand-ins are kept at hand: each comes several times."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\Z", re.ASCII)
_SUFFIX = re.compile(
    r"\.(?:py|ipynb|csv|tsv|json|jsonl|parquet|xlsx?|txt|md|yaml|yml|toml|db|sqlite|png|jpg|pdf|html|pkl|npy|npz|h5|gz|zip)\Z"
)
_PACKAGES_WORDS = """
    IPython PIL anthropic attr attrs bokeh bs4 cv2 dask datasets dateutil fastapi flask gensim httpx huggingface_hub
    ipykernel ipywidgets jax joblib jupyter keras langchain lightgbm lxml matplotlib mpl_toolkits networkx nltk np numba
    numpy openai openpyxl pandas pd plotly plt polars psycopg pyarrow pydantic pymc pyspark pytest pytz requests scipy
    seaborn sklearn sns spacy sqlalchemy statsmodels sympy tensorflow tf tokenizers torch torchvision tqdm transformers
    xarray xgboost yaml
"""
PACKAGES = frozenset(_PACKAGES_WORDS.split())
_METHODS_WORDS = """
    Axes ColumnTransformer DataFrame Figure Index LinearRegression LogisticRegression Module MultiIndex Pipeline
    RandomForestClassifier RandomForestRegressor Series StandardScaler T Tensor abs add agg aggregate all any append apply
    argmax argmin args array astype axes axis bar barh bfill bins bool boxplot category center clip close coef_ columns
    compile compute concat concatenate copy corr cos count cov cumsum cut data dataset date datetime day days decode
    describe device diff dot drop drop_duplicates dropna dt dtype dtypes encode epochs eval exp explode extend fc ffill
    figsize figure fillna filter find fit fit_predict fit_transform flatten float format from_dict get get_dummies grid
    groupby head hist hour how idxmax idxmin iloc imshow index inner int integers interpolate isin isna isnull items
    iterrows itertuples join keys kind kwargs label labels left legend len linspace load loc log log1p lower main map max
    mean median melt merge min model month name nan ndarray ndim nlargest normal notna nunique object on ones optimizer
    ordinal outer param params parse pivot pivot_table plot pop predict predict_proba prod quantile query rand randint randn
    random random_state range read read_csv read_excel read_json read_parquet read_sql reindex rename replace resample
    reset_index reshape result return right rolling round sample savefig scatter score seed select self set_index set_option
    set_title set_xlabel set_ylabel shape shift show sin size sort sort_index sort_values split sqrt squeeze stack std step
    str strip subplots sum tail test test_size title to to_csv to_datetime to_dict to_excel to_json to_list to_numeric
    to_numpy to_parquet train train_test_split transform transpose type unique unstack update upper value value_counts
    values var view weight where width write x xlabel xlim y year ylabel ylim zeros zip
"""
METHODS = frozenset(_METHODS_WORDS.split())
COMMON = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *sys.stdlib_module_names, *PACKAGES, *METHODS})
"""Words that say nothing about anybody."""
_MESSAGES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"'([^']*)'", r"name '([^']*)' is not defined", r"'(\w+)' object has no attribute '(\w+)'", r"division by zero",
        r"(?:list|tuple|string|pop from empty list|range object)? ?(?:assignment )?index out of range",
        r"unsupported operand type\(s\) for [^ ]+: '(\w+)' and '(\w+)'", r"'(\w+)' object is not (?:callable|iterable|subscriptable)",
        r"No module named '([\w.]+)'", r"local variable '(\w+)' referenced before assignment",
        r"cannot access local variable '(\w+)' where it is not associated with a value", r"module '([\w.]+)' has no attribute '(\w+)'",
        r"(\w+)\(\) got an unexpected keyword argument '(\w+)'", r"could not convert string to float: '([^']*)'",
        r"can only concatenate str \(not \"(\w+)\"\) to str", r"invalid syntax.*?", r"\[Errno \d+\] No such file or directory: '([^']*)'",
    )
)  # fmt: skip
"""Messages whose words are Python's own; what they quote is replaced."""
_TEMPLATES = {13: "can only concatenate str", 14: "invalid syntax"}


class Pseudonyms:
    """The stand-ins of one export."""

    def __init__(self, key: bytes | None = None) -> None:
        """`key`: by chance, and forgotten with this object; given only by tests."""
        self._key = key or secrets.token_bytes(32)
        self._ids: dict[str, str] = {}
        self._dates: dict[str, str] = {}
        self._days = int.from_bytes(self._digest("days")[:4], "big") % 3650 + 30

    def name(self, text: object, common: bool = True) -> str:
        """A stand-in for a name; common words stay (unless not wanted)."""
        word = str(text)
        return word if common and word in COMMON else f"n_{self._digest(word).hex()[:8]}"

    def path(self, text: object) -> str:
        """A stand-in for a path: its ending stays where it is a usual one."""
        suffix = _SUFFIX.search(str(text).lower())
        return f"p_{self._digest(str(text)).hex()[:8]}{suffix[0] if suffix else ''}"

    def identifier(self, text: object) -> str:
        """A stand-in for an id that sorts as the ids do: its time moved as all times are, its chance replaced."""
        word = str(text)
        known = self._ids.get(word)
        if known is None:
            if len(self._ids) >= REMEMBERED:
                self._ids.clear()
            known = self._ids[word] = self._identifier(word)
        return known

    def _identifier(self, word: str) -> str:
        if not is_id(word):
            return f"i_{self._digest(word).hex()[:12]}"
        number = 0
        for letter in word[:11]:
            number = number * 32 + _ALPHABET.index(letter)
        number = max(number - self._days * 86_400_000_000, 0)
        digits = "".join([_ALPHABET[number >> shift & 31] for shift in range(50, -1, -5)])
        return digits + "".join([_ALPHABET[byte & 31] for byte in self._digest(word)[:9]])

    def time(self, text: object) -> str:
        """The moment, moved by whole days: hours of the day, durations and the order stay."""
        said = str(text)
        if not _TIME.match(said):
            return "1970-01-01T00:00:00.000000Z"
        day = self._dates.get(said[:10])
        if day is None:
            day = self._dates[said[:10]] = _moved(said[:10], self._days)
        return day + said[10:]

    def source(self, text: object) -> str:
        """Code with its structure: names, texts replaced, numbers 0, comments gone; what is no Python only by its length."""
        code = str(text)
        try:
            return "".join(self._pieces(code))
        except (tokenize.TokenError, SyntaxError, ValueError, IndexError):
            return f"... {code.count(chr(10)) + 1} lines that are no Python"

    def message(self, text: object) -> str:
        """An error's message where its words are Python's own, what it quotes replaced; else nothing."""
        said = str(text)
        for number, pattern in enumerate(_MESSAGES):
            match = pattern.fullmatch(said)
            if match and number in _TEMPLATES:
                return _TEMPLATES[number]
            if match:
                pieces, at = [], 0
                for group in range(1, (pattern.groups or 0) + 1):
                    pieces += [said[at : match.start(group)], self.name(match[group])]
                    at = match.end(group)
                return "".join([*pieces, said[at:]])
        return ""

    def _pieces(self, code: str) -> list[str]:
        out: list[str] = []
        row, column = 1, 0
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type in (tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER):
                continue
            if token.start[0] > row:
                out.append("\n" * (token.start[0] - row) if token.type == tokenize.NL or not out or out[-1] != "\n" else "")
                row, column = token.start[0], 0
            out += [" " * max(token.start[1] - column, 0), self._token(token)]
            row, column = token.end
        return out

    def _token(self, token: tokenize.TokenInfo) -> str:
        if token.type == tokenize.NAME:
            return self.name(token.string)
        if token.type == tokenize.NUMBER:
            return "0"
        if token.type == tokenize.STRING:
            return repr(self.name(_literal(token.string)))
        if token.type in (tokenize.OP, tokenize.NEWLINE, tokenize.NL):
            return token.string.replace("\r", "")
        kind = tokenize.tok_name[token.type]
        return token.string if kind in ("FSTRING_START", "FSTRING_END") else ""

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=20, key=self._key).digest()


def _moved(day: str, days: int) -> str:
    try:
        return (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        return "1970-01-01"


def _literal(text: str) -> str:
    """What a literal says, so that it stands for the same thing as a column of that name."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str) else text
