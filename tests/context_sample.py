"""A small recorded session made by hand: a frame is loaded, a column dropped, and a cell asks for it."""

from __future__ import annotations

from agentlog.events import (
    Change,
    Column,
    ErrorRaised,
    Evidence,
    ExecutionEnded,
    ExecutionStarted,
    Expression,
    Fact,
    Failure,
    Frame,
    NamespaceChanged,
    Operand,
    SessionStarted,
    StreamWritten,
    Value,
)  # fmt: skip
from agentlog.store import Store

SESSION = "06zzzz00000000000001"
PRICES = Value(
    "DataFrame", "pandas", shape=(3, 3), columns=(Column("price", "float64", 0), Column("qty", "int64", 0), Column("city", "object", 1, ("Oslo", "Rome"))),
    head=((1.5, 3, "Oslo"), (2.0, 1, "Rome"), (0.25, 9, None)), index="RangeIndex 0 .. 2",
)  # fmt: skip
LEFT = Value(
    "DataFrame", "pandas", shape=(3, 1), columns=(Column("qty", "int64", 0),), head=((3,), (1,), (9,)), index="RangeIndex 0 .. 2"
)
SOURCES = (
    'df = pd.read_csv("prices.csv")',
    'print("dropping")\ndf = df.drop(columns=["price", "city"])',
    'total = (df["price"] * rate).sum()',
)


def execution_id(number: int) -> str:
    """Ids that sort by number."""
    return f"06zzzz0000{number:04}000000"


def failure(message: str = "'price'") -> Failure:
    """The KeyError of the third cell."""
    frame = Frame(
        "cell", "<ipython-input-3>", 1, "<module>", cell=execution_id(3), count=3, source=SOURCES[2], context=((1, SOURCES[2]),),
        locals={"df": LEFT, "rate": Value("float", value=1.25)},
    )  # fmt: skip
    library = Frame("library", "/site-packages/pandas/core/frame.py", 4100, "DataFrame.__getitem__", module="pandas.core.frame",
                    arguments={"self": LEFT, "key": Value("str", value="price", length=5)})  # fmt: skip
    evidence = Evidence("missing_key", (Fact("no column 'price'; nearest 'qty'", "df", detail=("columns: qty",)),), ("df",))
    expression = Expression('df["price"]', 1, True, (Operand("df", LEFT),))
    return Failure("KeyError", message, frames=(frame, library), expression=expression, evidence=(evidence,), hash="h1")


def sample(*, failing: bool = True, left: Value = LEFT) -> Store:
    """The session in memory; without `failing` it stops before the third cell. `left`: what the look after the second saw of `df`."""
    store = Store.in_memory()
    moment = iter(range(1, 100))

    def add(event: object) -> None:
        number = next(moment)
        object.__setattr__(event, "id", f"06zzzz0001{number:04}000000")
        object.__setattr__(event, "time", f"2026-11-21T09:00:{number:02}.000000Z")
        object.__setattr__(event, "session", SESSION)
        store.add(event)  # type: ignore[arg-type]

    add(
        SessionStarted(
            life="kernel", notebook="prices.ipynb", git={"branch": "main", "commit": "abcdef0123456789", "dirty": True}
        )
    )
    looks = (
        NamespaceChanged(execution=execution_id(1), changes=(Change("df", "made", None, PRICES), Change("rate", "made", None, Value("float", value=1.25))),
                         reads=("pd",), writes=("df", "rate")),
        NamespaceChanged(execution=execution_id(2), changes=(Change("df", "rebound", PRICES, left),), reads=("df",), writes=("df",)),
    )  # fmt: skip
    for number, source in enumerate(SOURCES[: 3 if failing else 2], 1):
        add(ExecutionStarted(execution=execution_id(number), number=number, count=number, source=source))
        if number == 2:
            add(StreamWritten(execution=execution_id(2), text="dropping\n"))
        if number == 3:
            add(ErrorRaised(execution=execution_id(3), message="KeyError: 'price'", failure=failure()))
        add(ExecutionEnded(execution=execution_id(number), status="error" if number == 3 else "ok", count=number, ms=12.0))
        if number < 3:
            add(looks[number - 1])
    store.refresh()
    return store
