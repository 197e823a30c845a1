"""Secrets are taken out of records and texts, and little else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from secrets_corpus import HARMLESS, NAMED, PHRASES, SHAPED, Shaped, phrase

from agentlog import guard
from agentlog.describe import describe as describe_until
from agentlog.events import (
    Change,
    Column,
    DecisionMade,
    Displayed,
    ErrorRaised,
    Event,
    Evidence,
    ExecutionEnded,
    ExecutionStarted,
    Expression,
    Fact,
    Failure,
    Frame,
    Logged,
    MessageSaid,
    NamespaceChanged,
    Operand,
    ProcessDied,
    SessionStarted,
    SpanEnded,
    StreamWritten,
    Value,
    WorkspaceSeen,
    from_record,
    to_record,
)
from agentlog.redact import Redactor, StreamRedactor, was_redacted
from agentlog.secrets.shapes import is_card


def describe(value: object) -> Value:
    """A description that lacks nothing for want of time, however busy the machine is."""
    return describe_until(value, deadline=math.inf)


def redactor(**options: Any) -> Redactor:
    return Redactor(environment=options.pop("environment", {}), key=b"test", **options)


def written(event: Event) -> str:
    """The redacted record as the journal would write it."""
    with guard.strict():
        return json.dumps(redactor().record(to_record(event)), ensure_ascii=False)


def raised(**failure: Any) -> ErrorRaised:
    return ErrorRaised(message="boom", failure=Failure("ValueError", "boom", **failure))


def in_frame(**frame: Any) -> ErrorRaised:
    return raised(frames=(Frame("cell", "/tmp/x.py", 3, "<module>", **frame),))


@dataclass
class Account:
    """Stands for a user's object."""

    owner: str
    note: str


TEXT_PLACES: dict[str, Callable[[str], Event]] = {
    "local": lambda text: in_frame(locals={"x": describe(text)}),
    "nested local": lambda text: in_frame(locals={"x": describe({"a": [1, {"b": ("c", text)}]})}),
    "attribute": lambda text: in_frame(locals={"x": describe(Account("bob", text))}),
    "set": lambda text: in_frame(locals={"x": describe({text})}),
    "dict key": lambda text: in_frame(locals={"x": describe({text: 1})}),
    "argument": lambda text: in_frame(arguments={"x": describe(text)}),
    "sample and cell": lambda text: in_frame(
        locals={"df": Value("DataFrame", columns=(Column("note", "str", 0, (text,)),), head=((text,),), range=(text, "z"))}
    ),
    "index": lambda text: in_frame(
        locals={"df": Value("DataFrame", columns=(Column("n", "int64"),), index=f"Index {text} .. z")}
    ),
    "frame source": lambda text: in_frame(source=f"x = {text!r}", context=((2, f"y = {text!r}"), (3, "z"))),
    "cell source": lambda text: ExecutionStarted(source=f"x = {text!r}\n"),
    "comment": lambda text: ExecutionStarted(source=f"# was {text}\nx = 1"),
    "shell line": lambda text: ExecutionStarted(source=f"!echo {text}"),
    "output": lambda text: StreamWritten(text=f"before\n{text}\nafter"),
    "display": lambda text: Displayed(data={"text/plain": text, "text/html": f"<b>{text}</b>"}),
    "result": lambda text: ExecutionEnded(result=describe([text])),
    "message": lambda text: ErrorRaised(message=f"no luck with {text}", failure=Failure("E", f"no luck with {text}")),
    "note": lambda text: raised(notes=(f"tried {text}",)),
    "cause": lambda text: raised(cause=Failure("KeyError", text)),
    "group": lambda text: raised(group=(Failure("KeyError", text),)),
    "expression": lambda text: raised(expression=Expression(f"f({text!r})", 1, True, (Operand("x", describe(text)),))),
    "fact": lambda text: raised(evidence=(Evidence("url", (Fact(f"got {text}", "x", describe(text), (text,)),)),)),
    "change": lambda text: NamespaceChanged(changes=(Change("x", "made", None, describe(text)),)),
    "log": lambda text: Logged(message=f"using {text}", data={"x": describe(text)}),
    "span": lambda text: SpanEnded(name="f", arguments={"x": describe(text)}, error=text, stdout=text),
    "decision": lambda text: DecisionMade(question=text, choice="a", reason=text),
    "said": lambda text: MessageSaid(text=text),
    "died": lambda text: ProcessDied(stderr=text, stack=text),
    "argv": lambda text: SessionStarted(argv=("run", text)),
    "name of a span": lambda text: SpanEnded(name=f"GET {text}"),
    "diff": lambda text: WorkspaceSeen(diff=f"-x\n+{text}\n"),
    "json in json": lambda text: StreamWritten(text=json.dumps({"body": json.dumps({"x": text})})),
}
"""Everywhere a text can stand in a record."""

VALUE_PLACES: dict[str, Callable[[str, str], Event]] = {
    "local": lambda name, value: in_frame(locals={name: describe(value)}),
    "dict": lambda name, value: in_frame(locals={"x": describe({"user": "bob", name: value})}),
    "deep dict": lambda name, value: in_frame(locals={"x": describe([{"conf": {name: value}}])}),
    "list under the name": lambda name, value: in_frame(locals={name: describe([value, {"a": value}])}),
    "pairs": lambda name, value: in_frame(locals={"x": describe([(name, value)])}),
    "argument": lambda name, value: SpanEnded(name="f", arguments={name: describe(value)}),
    "log data": lambda name, value: Logged(message="m", data={name: describe(value)}),
    "log data and message": lambda name, value: Logged(message=f"got {value}", data={name: describe(value)}),
    "column": lambda name, value: in_frame(
        locals={
            "df": Value(
                "DataFrame",
                columns=(Column("n", "int64"), Column(name, "str", 0, (value,))),
                head=((1, value),),
                range=(value, value),
            )
        }
    ),
    "series": lambda name, value: in_frame(
        locals={"s": Value("Series", head=((value,),), facts={"name": name, "distinct": value})}
    ),
    "index": lambda name, value: in_frame(locals={"df": Value("DataFrame", index=f"Index '{name}' {value} .. {value}")}),
    "change": lambda name, value: NamespaceChanged(changes=(Change("x", "made", None, describe({name: value})),)),
    "result": lambda name, value: ExecutionEnded(result=describe({name: value})),
    "argv": lambda name, value: SessionStarted(argv=("run.py", "--quiet", f"--{name}", value, "now")),
    "words of a command": lambda name, value: in_frame(locals={"x": describe(["run", f"--{name}", value, "now"])}),
    "change of the name": lambda name, value: NamespaceChanged(
        changes=(Change(name, "rebound", describe(value), describe([value])),)
    ),
    "operand": lambda name, value: raised(expression=Expression("f(x)", 1, True, (Operand(f"conf[{name!r}]", describe(value)),))),
    "fact": lambda name, value: raised(evidence=(Evidence("c", (Fact("a fact", name, describe(value)),)),)),
    "table of names and values": lambda name, value: in_frame(
        locals={"df": Value("DataFrame", columns=(Column("a", "str"), Column("b", "str", 0, (value,))), head=((name, value),))}
    ),
}
"""Everywhere a name can say that its value is a secret."""


def hidden(needle: str, text: str) -> bool:
    """Is `needle` not in `text`, in no spelling that JSON gives it?"""
    once = json.dumps(needle)[1:-1]
    return not any(form in text for form in (needle, once, json.dumps(once)[1:-1]))


# --- the corpus ---------------------------------------------------------------------------------------------------


def test_corpus_is_large_enough() -> None:
    """The corpus plants what the project promises to prove."""
    assert len(SHAPED) * len(TEXT_PLACES) + len(NAMED) * (len(PHRASES) + len(VALUE_PLACES)) >= 150
    assert len(HARMLESS) >= 300
    assert len({shaped.needle for shaped in SHAPED}) == len(SHAPED)


@pytest.mark.parametrize("place", TEXT_PLACES)
def test_no_shaped_secret_is_left(place: str) -> None:
    """Secrets of every shape vanish from every place, and a marker stands there."""
    for shaped in SHAPED:
        text = written(TEXT_PLACES[place](shaped.text))
        assert hidden(shaped.needle, text), (shaped.kind, text)
        assert was_redacted(text) or "…" in text  # describe may have cut it away


@pytest.mark.parametrize("place", VALUE_PLACES)
def test_no_named_secret_is_left(place: str) -> None:
    """A value under a secret name vanishes from every place that has names."""
    for name, value in NAMED:
        text = written(VALUE_PLACES[place](name, value))
        assert hidden(value, text), (name, text)
        assert was_redacted(text)


@pytest.mark.parametrize("template", PHRASES)
@pytest.mark.parametrize("code", [False, True], ids=["text", "code"])
def test_no_named_secret_is_left_in_texts(template: str, code: bool) -> None:
    """A value after a secret name vanishes from texts and from sources; what stands around it stays."""
    for name, value in NAMED:
        text = phrase(template, name, value)
        before, after = text.split(value)
        redacted = redactor().text(text, code=code)
        assert redacted.startswith(before), redacted
        assert redacted.endswith(after), redacted
        assert was_redacted(redacted[len(before) :]), redacted


@pytest.mark.parametrize("shaped", SHAPED, ids=lambda shaped: shaped.kind)
def test_streams_hide_what_is_split_over_chunks(shaped: Shaped) -> None:
    """Wherever a secret is cut in two or comes letter by letter, nothing of it gets through."""
    whole = f"start\n{shaped.text}\nend\n"
    expected = redactor().text(whole)
    for cut in (*range(1, len(whole), max(1, len(whole) // 12)), 0):
        chunks = [whole[:cut], whole[cut:]] if cut else list(whole)
        stream = StreamRedactor(redactor())
        assert "".join(map(stream.feed, chunks)) + stream.finish() == expected


def test_of_the_harmless_at_most_two_percent_are_changed() -> None:
    """As text, as source and as a local, harmless texts stay as they are."""
    for look in (redactor().text, lambda text: redactor().text(text, code=True)):
        changed = [text for text in HARMLESS if look(text) != text]
        assert len(changed) <= len(HARMLESS) * 0.02, changed
    changed = [text for text in HARMLESS if was_redacted(written(TEXT_PLACES["nested local"](text)))]
    assert len(changed) <= len(HARMLESS) * 0.02, changed


# --- names --------------------------------------------------------------------------------------------------------


_SECRET_NAMES = (
    "password PASSWORD Passwd pwd db_password dbPassword DB-PASSWORD config.db.password password_hash password2 token api_token "
    "accessToken GITHUB_TOKEN api_tokens secret client_secret SecretKey api_key apiKey x-api-key X_API_KEY OPENAI_API_KEY openai_key "
    "private_key aws_secret_access_key auth basic_auth authorization Proxy-Authorization cookie Set-Cookie dsn SENTRY_DSN session_id "
    "sessionid connect.sid credentials connection_string card_number ssn cvv jwt csrf_token"
)


@pytest.mark.parametrize("name", _SECRET_NAMES.split())
def test_secret_names(name: str) -> None:
    """Names that say their value is a secret, in every spelling."""
    assert redactor().secret_name(name)


_OTHER_NAMES = (
    "author authors authority authenticated key keys primary_key sort_key foreign_key keyboard monkey tokens tokens_in max_tokens "
    "max_token n_token n_tokens tokenizer token_count token_type_ids token_id pad_token num_tokens secretary secretariat password_field "
    "has_password password_length auth_url auth_type use_auth_token token_url secret_name cookie_policy credentials_path session user "
    "dashboard compass passenger bypass pin cardinality design_number x"
)


@pytest.mark.parametrize("name", _OTHER_NAMES.split())
def test_other_names(name: str) -> None:
    """Names that resemble secret ones."""
    assert not redactor().secret_name(name)


def test_names_are_configurable_in_both_directions() -> None:
    """More names, fewer names, by argument and by environment, in any spelling."""
    environment = {"AGENTLOG_REDACT": "salary, patient_name", "AGENTLOG_REDACT_ALLOW": "session_id"}
    more = redactor(environment=environment, names=["iban"], allow=["token"])
    assert [more.secret_name(name) for name in ("salary", "patientName", "PATIENT-NAME", "iban")] == [True] * 4
    assert not more.secret_name("sessionId")
    assert not more.secret_name("TOKEN")
    assert more.text('salary="90k-eur", token="abc-123-def"') == f'salary="{more.marker("name", "90k-eur")}", token="abc-123-def"'


def test_emails_and_addresses_are_opt_in() -> None:
    """E-mail and IP addresses stay unless they are asked for."""
    text = "mail jane@example.com from 10.1.2.3 now"
    assert redactor().text(text) == text
    assert redactor(environment={"AGENTLOG_REDACT": "email,ip"}).text(text).count("[REDACTED:") == 2


# --- exact values -------------------------------------------------------------------------------------------------


def test_values_of_secret_environment_variables() -> None:
    """They are hidden bare; paths, switches and short ones are no secrets."""
    environment = {
        "DB_PASSWORD": "correct horse 9",
        "TOKEN_FILE": "/run/token-file",
        "AUTH": "true",
        "HOME": "/root",
        "API_KEY": "short1",
    }
    text = "correct horse 9, correct+horse+9, /run/token-file, true, /root, short1"
    out = redactor(environment=environment).text(text)
    assert "horse" not in out
    assert out.endswith("/run/token-file, true, /root, short1")


def test_registered_values() -> None:
    """A registered value is hidden in text, in JSON and in a URL."""
    own = redactor(values=["first&value"])
    own.register('sec"ond')
    text = own.text('first&value first%26value sec"ond ' + json.dumps('sec"ond'))
    assert text.count("[REDACTED:value:") == 4


def test_a_value_seen_under_a_secret_name_is_known_from_then_on() -> None:
    """`print(password)` is covered by the cell that said `password = "..."`, and by a later name in the same record."""
    own = redactor()
    own.record(to_record(ExecutionStarted(source='password = "blue-whale-77"')))
    assert "whale" not in json.dumps(own.record(to_record(StreamWritten(text="it is blue-whale-77\n"))))
    event = ErrorRaised(message="bad green-frog-12", failure=Failure("E", "x", frames=(Frame("cell", "f", 1, "g", locals={"pwd": Value("str", value="green-frog-12")}),)))  # fmt: skip
    assert "frog" not in json.dumps(own.record(to_record(event)))


@pytest.mark.parametrize("value", ["password", "none", "12345678", "/etc/ssl/key.pem", "the the the"])
def test_common_words_are_not_learned(value: str) -> None:
    """A weak value under a secret name is hidden there and nowhere else."""
    own = redactor()
    own.text(f'password = "{value}"')
    assert own.text(f"and {value} again") == f"and {value} again"


# --- what stays ---------------------------------------------------------------------------------------------------


def test_structure_stays() -> None:
    """Ids, times, files, hashes, types and shapes are never changed, whatever they look like."""
    failure = Failure(
        "TokenError", "m", module="auth.token", hash="a" * 40, frames=(Frame("cell", "/srv/password=abc-123/x.py", 3, "token"),)
    )
    event = ErrorRaised(
        id="0" * 20, time="2026-11-21T09:15:42.000001Z", session="s" * 20, execution="e" * 20, message="m", failure=failure
    )
    record = to_record(event)
    assert redactor().record(record) == record
    start = to_record(
        ExecutionStarted(cell_id="secret=abc-123-def", request="token=abc-123-def", source="pass", notebook="/pwd=ab12/n.ipynb")
    )
    assert redactor().record(start) == start


def test_an_option_hides_what_follows_it_and_no_other_option() -> None:
    """`--token --verbose` has nothing to hide, nor has what comes after the value."""
    record = to_record(SessionStarted(argv=("run.py", "--token", "--verbose", "--api-key", "abc-123-def", "data.csv")))
    argv = redactor().record(record)["argv"]
    assert argv == ["run.py", "--token", "--verbose", "--api-key", argv[4], "data.csv"]
    assert was_redacted(argv[4])


KEY = [
    'KEY = """-----BEGIN RSA PRIVATE KEY-----',
    "MIIEpAIBAAKCAQEA1c7" + "9kLmQx" * 7 + "abc",
    "Zk3v" * 16,
    "u83kdkKJJ39+kd/KDJFKDJ93==",
    '-----END RSA PRIVATE KEY-----"""',
    "sign(KEY)",
]


@pytest.mark.parametrize("first", range(3))
def test_a_private_key_is_hidden_in_the_lines_around_a_failure(first: int) -> None:
    """They are shown one by one, and may begin in the middle of it."""
    shown = [(number, text) for number, text in enumerate(KEY, 1)][first:]
    record = redactor().record(to_record(in_frame(context=tuple(shown))))
    lines = record["failure"]["frames"][0]["context"]
    assert [number for number, _ in lines] == [number for number, _ in shown]
    assert lines[-1] == [6, "sign(KEY)"]
    assert not [text for _, text in lines for secret in KEY[1:3] if secret in text]


def test_a_secret_on_the_line_after_its_name_is_hidden_around_a_failure() -> None:
    """As it is in the source of the cell."""
    record = redactor().record(to_record(in_frame(context=((1, "password = ("), (2, "    'abc-123-def'"), (3, ")")))))
    lines = record["failure"]["frames"][0]["context"]
    assert lines[0::2] == [[1, "password = ("], [3, ")"]]
    assert was_redacted(lines[1][1])


def test_lists_of_names_stay() -> None:
    """Names that a cell read or wrote are names, also two of them."""
    record = to_record(
        NamespaceChanged(reads=("password", "df"), writes=("token", "model"), changes=(Change("password", "made"),))
    )
    assert redactor().record(record) == record
    decision = to_record(DecisionMade(question="which?", choice="jwt", options=("session_id", "jwt")))
    assert redactor().record(decision) == decision


def test_what_helps_debugging_stays() -> None:
    """None, empty and boolean values under a secret name stay, and so do type, length, dtype and null count."""
    locals_ = {"token": None, "password": "", "use_auth": True, "secret": "abc-def-123"}
    record = redactor().record(to_record(in_frame(locals={name: describe(value) for name, value in locals_.items()})))
    shown = record["failure"]["frames"][0]["locals"]
    assert shown["password"].get("v", "") == ""
    assert shown["use_auth"]["v"] is True
    assert shown["secret"]["t"] == "str"
    frame = Value("DataFrame", shape=(2, 1), columns=(Column("password", "str", 1, ("abc-123",)),), head=(("abc-123",),))
    column = redactor().record(to_record(ExecutionEnded(result=frame)))["result"]["cols"][0]
    assert column[:3] == ["password", "str", 1]


def test_redacted_records_can_be_read_back() -> None:
    """A redacted record is still an event of the model."""
    for plant in TEXT_PLACES.values():
        event = plant(SHAPED[0].text)
        assert type(from_record(redactor().record(to_record(event)))) is type(event)


def test_the_given_record_is_not_changed() -> None:
    """Redaction makes a new record."""
    record = to_record(in_frame(locals={"password": describe("abc-123-def")}))
    before = json.dumps(record)
    redactor().record(record)
    assert json.dumps(record) == before


def test_real_frames() -> None:
    """Of described pandas objects only the secret columns, series and indexes are hidden."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"user": ["ann", "bob"], "password": ["hunter2xx", "pw22222"], "pin": [1, 2]})
    for value in (frame, frame["password"], frame.set_index("password"), frame.to_dict("records"), {"x": frame}):
        text = written(ExecutionEnded(result=describe(value)))
        assert "hunter2xx" not in text
        assert "pw22222" not in text
    text = written(ExecutionEnded(result=describe(frame)))
    assert '["user", "str", 0, ["ann", "bob"]]' in text or '"ann"' in text


# --- markers ------------------------------------------------------------------------------------------------------


def test_equal_secrets_group() -> None:
    """The same secret gets the same marker in one process, and from one key; another key gives another."""
    one, other = redactor(), Redactor(environment={}, key=b"other")
    assert one.marker("token", "a") == one.marker("token", "a") == redactor().marker("token", "a")
    assert len({one.marker("token", text) for text in "abcdefgh"}) > 4
    assert any(one.marker("t", text) != other.marker("t", text) for text in "abcd")
    assert Redactor(environment={}).marker("t", "a") == Redactor(environment={}).marker("t", "a")


@pytest.mark.parametrize("place", TEXT_PLACES)
def test_redacting_twice_changes_nothing(place: str) -> None:
    """Redaction is idempotent, with what it learned and without."""
    for shaped in SHAPED:
        own = redactor()
        once = own.record(to_record(TEXT_PLACES[place](shaped.text)))
        assert own.record(once) == once
        assert redactor().record(once) == once


_PIECES = ["password", "token", "=", ": ", '"', "'", "\\", "abc123", "\n", " ", "Bearer ", "://", "u:p@h", ",", "(", "{", "}", ";", "-----BEGIN PRIVATE KEY-----", "[REDACTED:token:ab12]", "[REDACTED:", "AK" + "IA" + "ABCDEFGHIJKLMNOP", "4111 1111 1111 1111", "Cookie: ", "--"]  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join), st.booleans())
def test_any_text_is_redacted_once(text: str, code: bool) -> None:
    """Whatever the text, nothing is raised, and a second pass finds nothing more."""
    with guard.strict():
        once = redactor().text(text, code=code)
        assert redactor().text(once, code=code) == once


# --- card numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009", "6011000000000004", "30000000000004"]
)
def test_card_numbers(text: str) -> None:
    """Numbers of a brand with a valid checksum, in one piece or in groups; also as a number."""
    assert is_card(text)
    assert redactor().text(f"card {text}.").startswith("card [REDACTED:card:")
    digits = int(text.replace(" ", "").replace("-", ""))
    assert "[REDACTED:card:" in written(ExecutionEnded(result=describe(digits)))


@pytest.mark.parametrize(
    "text", ["4111 1111 1111 1112", "1795253742123456", "0.4111111111111111", "a4111111111111111", "41111111111111110000"]
)
def test_other_numbers(text: str) -> None:
    """A wrong checksum, a timestamp, a fraction, part of a longer number."""
    assert redactor().text(text) == text


# --- robustness -------------------------------------------------------------------------------------------------------

_HOSTILE = ['password="', "password=", "token ", "a:bcd@", "://", "://a:", "4111 ", "4", "eyJ", "a.", "bearer a", 'token\\\\\\"', "-----BEGIN PRIVATE KEY-----", " -u a:b", "sk-", "xoxb-", '"', "==", "token: ", "Cookie: a", "--password ", "QUJD", "password={", "token: a[", "pwd=a;", "_-", "&key=1", '("token",', "secret" * 20, "auth.", "AK" + "IA"]  # fmt: skip


@pytest.mark.parametrize("piece", _HOSTILE)
@pytest.mark.parametrize("code", [False, True], ids=["text", "code"])
def test_time_grows_with_length_only(piece: str, code: bool) -> None:
    """A text that is eight times as long takes about eight times as long, not sixty-four times: no pattern is quadratic."""
    from time import thread_time

    def spent(size: int) -> float:
        text = (piece * (size // len(piece) + 1))[:size]
        best = 9e9
        for _ in range(3):
            start = thread_time()
            redactor().text(text, code=code)
            best = min(best, thread_time() - start)
        return best

    assert spent(64_000) < 24 * max(spent(8_000), 0.0005)


def test_odd_records_do_not_raise() -> None:
    """Data that no event would make passes, too; faults are noted and nothing unlooked-at gets out."""
    odd = {
        "e": "x",
        "cols": [[], ["a"], None, 3],
        "head": None,
        "f": 3,
        "ix": None,
        "locals": [1],
        "k": "text",
        "data": {"a": {1: 2}},
        "v": b"raw",
    }
    guard.forget()
    out = redactor().record(odd)  # type: ignore[arg-type]
    assert out["e"] == "x"
    assert redactor().text(None) == "[REDACTED:fault:0000]"  # type: ignore[arg-type]
    guard.forget()


# --- streams ----------------------------------------------------------------------------------------------------------


def test_the_unfinished_line_waits() -> None:
    """Whole lines come at once, the rest with its end or when `finish` is called."""
    stream = StreamRedactor(redactor())
    assert stream.feed("one\ntwo") == "one\n"
    assert stream.pending()
    assert stream.feed(" and\n") == "two and\n"
    assert not stream.pending()
    stream.feed("three")
    assert (stream.finish(), stream.finish(), stream.pending()) == ("three", "", False)


def test_a_line_given_out_early_is_still_looked_at_as_a_whole() -> None:
    """Of a secret that was given out in part, the rest is hidden."""
    stream = StreamRedactor(redactor())
    secret = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    out = stream.feed("token is " + secret[:8]) + stream.finish() + stream.feed(secret[8:] + "\n") + stream.finish()
    assert secret[8:] not in out
    assert secret[12:30] not in out


def test_a_private_key_is_held_together() -> None:
    """The lines of a key wait for its last one; without an end they do not wait for ever."""
    stream = StreamRedactor(redactor())
    begin = "-----BEGIN RSA PRIVATE " + "KEY-----\n"
    assert stream.feed("x\n" + begin + "MIIEabc\n") == "x\n"
    assert "MIIE" not in stream.feed("MIIEdef\n-----END RSA PRIVATE " + "KEY-----\ny\n")
    stream.feed(begin)
    out = "".join(stream.feed(f"{number:06d}AAAA\n") for number in range(10_000)) + stream.finish()
    assert "000001AAAA" not in out


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([*_PIECES, "\r", "x\n"]), max_size=12), st.data())
def test_chunks_do_not_matter(pieces: list[str], data: st.DataObject) -> None:
    """However harmless or secret lines are cut, the stream gives what the whole gives."""
    text = "".join(pieces)
    if "PRIVATE" in text or "\r" in text:
        return
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    stream = StreamRedactor(redactor())
    out = "".join(stream.feed(text[a:b]) for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)) + stream.finish()
    assert out == "".join(redactor().text(line) for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    "source",
    [
        'frame = {"api_key": ["kv-AAAA1111", "kv-BBBB2222"], "size": ["small", "large"]}',
        "passwords = (\n    'kv-AAAA1111',\n    'kv-BBBB2222',\n)",
        "requests.get(url, auth=('kv-AAAA1111', 'kv-BBBB2222'))",
        '{\\"access_tokens\\": [\\"kv-AAAA1111\\", \\"kv-BBBB2222\\"]}',
    ],
)
def test_all_texts_of_a_list_after_a_secret_name_are_secrets(source: str) -> None:
    """Columns and pairs are written down so; what stands after the list is not part of it."""
    told = Redactor(environment={}).text(source, code=True)
    assert "kv-" not in told
    assert told.count("[REDACTED:") == 2
    assert ("small" in told) == ("small" in source)
