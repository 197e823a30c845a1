"""Planted secrets and harmless texts that resemble them, as data.

Nothing here is a live key, and none stands in this file as one text: all are put together from parts with a fixed generator.

SHAPED     secrets that show by their shape, as they stand in a text: (kind, text, needle); the needle must never be found
NAMED      secrets that only their name gives away: (name, value)
PHRASES    how a named secret stands in a text: templates with {name}, {NAME} and {value}
HARMLESS   texts that must not be changed
module()   source of a module that hands the secrets to a kernel's code without standing in it
cells()    code that plants all of them there
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterator
from dataclasses import dataclass

_chance = random.Random(20261121)
_WORD = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_URLSAFE = _WORD + "-_"


def some(count: int, letters: str = _WORD) -> str:
    """`count` random letters with a digit among them, where the alphabet has digits."""
    text = "".join(_chance.choices(letters, k=count))
    return text if not set(letters) & set("0123456789") or any(map(str.isdigit, text)) else text[:-1] + "7"


def _jwt() -> str:
    def part(data: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(data, separators=(",", ":")).encode()).decode().rstrip("=")

    return ".".join((part({"alg": "HS256", "typ": "JWT"}), part({"sub": some(10), "name": "Jo"}), some(43, _URLSAFE)))


def _card(prefix: str, length: int, group: str = "") -> str:
    digits = prefix + "".join(_chance.choices("0123456789", k=length - len(prefix) - 1))
    total = sum(int(d) if at % 2 else (int(d) * 2 - 9 * (int(d) > 4)) for at, d in enumerate(reversed(digits)))
    whole = digits + str(-total % 10)
    return group.join(whole[at : at + 4] for at in range(0, length, 4)) if group else whole


@dataclass(frozen=True)
class Shaped:
    """A secret as it stands in a text, and the part of it that must never be found."""

    kind: str
    text: str
    needle: str


def _shaped(kind: str, *parts: str) -> Shaped:
    text = "".join(parts)
    return Shaped(kind, text, text)


def _around(kind: str, before: str, needle: str, after: str) -> Shaped:
    return Shaped(kind, before + needle + after, needle)


def _pem(kind: str) -> Shaped:
    lines = [some(64, _WORD + "+/") for _ in range(6)]
    return Shaped(
        "pem",
        f"-----BEGIN {kind}PRIVATE " + "KEY-----\n" + "\n".join(lines) + f"\n-----END {kind}PRIVATE " + "KEY-----",
        lines[3],
    )


SHAPED: tuple[Shaped, ...] = (
    _shaped("aws", "AK" + "IA", some(16, string.ascii_uppercase + "234567")),
    _shaped("aws-session", "AS" + "IA", some(16, string.ascii_uppercase + "234567")),
    *(_shaped("github", f"gh{letter}", "_", some(36)) for letter in "pousr"),
    _shaped("github-fine", "github" + "_pat_", some(22), "_", some(59)),
    _shaped("gitlab", "gl" + "pat-", some(20, _URLSAFE)),
    _shaped("gitlab-runner", "gl" + "rt-", some(20, _URLSAFE)),
    _shaped("anthropic", "sk-" + "ant-", "api03-", some(93, _URLSAFE), "AA"),
    _shaped("openai", "sk" + "-", some(48)),
    _shaped("openai-project", "sk-" + "proj-", some(74, _URLSAFE)),
    _shaped("openrouter", "sk-" + "or-", "v1-", some(64, _HEX)),
    _shaped("stripe", "sk_" + "live_", some(24)),
    _shaped("stripe-test", "rk_" + "test_", some(24)),
    _shaped("stripe-webhook", "wh" + "sec_", some(32)),
    _shaped("huggingface", "h" + "f_", "a" + some(33)),
    _shaped("google", "AI" + "za", some(35, _URLSAFE)),
    _shaped("google-oauth", "ya" + "29.", "a0Af" + some(60, _URLSAFE)),
    _shaped("google-client", "GOC" + "SPX-", some(28, _URLSAFE)),
    _shaped("slack-bot", "xox" + "b-", some(12, string.digits), "-", some(12, string.digits), "-", some(24)),
    _shaped("slack-app", "xa" + "pp-1-", "A" + some(10, string.ascii_uppercase + string.digits), "-", some(64, _HEX)),
    _around("slack-webhook", "https://hooks.sl" + "ack.com/services/", f"T{some(8).upper()}/B{some(8).upper()}/{some(24)}", ""),
    _shaped("npm", "np" + "m_", some(36)),
    _shaped("pypi", "pypi-" + "AgE", "IcHlwaS5vcmc" + some(80, _URLSAFE)),
    _shaped("databricks", "da" + "pi", some(32, _HEX)),
    _shaped("digitalocean", "dop" + "_v1_", some(64, _HEX)),
    _shaped("sendgrid", "S" + "G.", some(22, _URLSAFE), ".", some(43, _URLSAFE)),
    _shaped("groq", "gs" + "k_", some(52)),
    _shaped("perplexity", "pp" + "lx-", some(48)),
    _shaped("replicate", "r" + "8_", some(37)),
    _shaped("langsmith", "lsv" + "2_pt_", some(32, _HEX), "_", some(10, _HEX)),
    _shaped("langfuse", "sk-" + "lf-", "-".join(some(n, _HEX) for n in (8, 4, 4, 4, 12))),
    _shaped("xai", "xa" + "i-", some(80)),
    _shaped("telegram", some(9, "123456789"), ":A" + "A", some(33, _URLSAFE)),
    _shaped("twilio", "S" + "K", some(32, _HEX)),
    _shaped("mailgun", "ke" + "y-", some(32, _HEX)),
    _shaped("azure-storage", some(86, _WORD + "+/"), "=="),
    _around("azure-connection", "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=", some(86, _WORD + "+/") + "==", ";EndpointSuffix=core.windows.net"),
    _around("azure-sas", "https://a.blob.core.windows.net/c/f.csv?sv=2024-01-01&sig=", some(43, _WORD) + "%3D", "&sp=r"),
    _shaped("shopify", "shp" + "at_", some(32, _HEX)),
    _shaped("docker", "dckr" + "_pat_", some(27, _URLSAFE)),
    _shaped("vault", "hv" + "s.", some(90, _URLSAFE)),
    _shaped("notion", "nt" + "n_", some(46)),
    _shaped("grafana", "gl" + "sa_", some(32), "_", some(8, _HEX)),
    _shaped("pinecone", "pc" + "sk_", some(60)),
    Shaped("jwt", jwt := _jwt(), jwt),
    _around("bearer", "Authorization: Bearer ", some(40), ""),
    _around("bearer-lower", "authorization: bearer ", some(24, _HEX), ""),
    _around("basic", "Authorization: Basic ", base64.b64encode(f"bob:{some(12)}".encode()).decode(), ""),
    _around("curl", "curl -u bob:", some(12), " https://api.example.com/v1"),
    _around("curl-header", "curl -H 'X-Api-Key: ", some(30), "' https://api.example.com/v1"),
    _around("cookie", "Cookie: theme=dark; sid=", some(32), ""),
    _around("set-cookie", "Set-Cookie: session=", some(32), "; Path=/; HttpOnly"),
    _around("postgres", "postgresql://app:", some(14), "@db.internal:5432/sales"),
    _around("postgres-driver", "postgresql+psycopg2://app:", "p@" + some(12), "@db.internal/sales?sslmode=require"),
    _around("mysql", "mysql://root:", some(9), "@127.0.0.1:3306/shop"),
    _around("mongodb", "mongodb+srv://svc:", some(16), "@cluster0.abcde.mongodb.net/test"),
    _around("redis", "redis://:", some(20), "@cache:6379/0"),
    _around("amqp", "amqps://u:", some(12), "@mq/vhost"),
    _around("https", "https://bob:", some(12), "@git.example.com/team/repo.git"),
    _around("sentry-dsn", "https://", some(32, _HEX), "@o12345.ingest.sentry.io/678"),
    _around("go-dsn", "root:", some(10), "@tcp(localhost:3306)/db"),
    _around("no-scheme", "admin:", some(10), "@db.example.com:5432/prod"),
    _around("odbc", "Driver={ODBC Driver 18};Server=tcp:h,1433;Uid=sa;Pwd=", some(12) + "!", ";Encrypt=yes"),
    _around("ado", "Server=h;Database=d;User Id=sa;Password=", some(6) + "$(x)" + some(4), ";"),
    _around("libpq", "host=db dbname=x user=u password=", some(12), " sslmode=require"),
    _around("presigned", "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=", some(64, _HEX), ""),
    _around("query", "GET https://api.example.com/v1/items?limit=5&access_token=", some(30), "&page=2"),
    _around("query-key", "https://maps.example.com/api/json?address=Berlin&key=", some(30), ""),
    _shaped("card-visa", _card("4", 16)),
    _shaped("card-spaces", _card("51", 16, " ")),
    _shaped("card-dashes", _card("4", 16, "-")),
    _shaped("card-amex", _card("37", 15)),
    _shaped("card-diners", _card("36", 14)),
    _pem("RSA "), _pem(""), _pem("EC "), _pem("OPENSSH "),
)  # fmt: skip

_NAMES = (
    "password passwd db_password user_pwd passphrase secret client_secret clientSecret secret-key api_key apiKey x-api-key "
    "access_token authToken refresh_token private_key session_id credentials aws_secret_access_key openai_key csrf_token "
    "encryption_key signing_key dsn auth_token"
)
NAMED: tuple[tuple[str, str], ...] = tuple((name, f"{some(5, string.ascii_lowercase)}-{some(9)}") for name in _NAMES.split())

PHRASES: tuple[str, ...] = (
    '{name} = "{value}"',
    "{name}='{value}'",
    'connect(host="db", {name}="{value}", timeout=3)',
    '{{"user": "bob", "{name}": "{value}", "n": 1}}',
    "{{'user': 'bob', '{name}': '{value}'}}",
    '{{"body": "{{\\"{name}\\": \\"{value}\\"}}"}}',
    '{{\\\\\\"{name}\\\\\\": \\\\\\"{value}\\\\\\"}}',
    "Config(user='bob', {name}='{value}', retries=3)",
    "{NAME}={value}",
    "export PROD_{NAME}={value}",
    'os.environ["APP_{NAME}"] = "{value}"',
    'os.getenv("APP_{NAME}", "{value}")',
    "environ({{'HOME': '/root', 'APP_{NAME}': '{value}'}})",
    "  {name}: {value}",
    "login failed: {name}={value}, user=bob",
    "https://api.example.com/v1?user=bob&{name}={value}&page=2",
    "mytool --{name} {value} --verbose",
    "mytool --{name}={value}",
    "subprocess.run(['mytool', '--{name}', '{value}', '--verbose'], check=True)",
    '{name}: str = "{value}"',
    "WARNING {name} is set, {name}: '{value}'",
)
"""How a named secret stands in a text or a source."""


def phrase(template: str, name: str, value: str) -> str:
    """`template` with the secret in it; a name with dashes is written with underscores where it becomes a variable's."""
    return template.format(name=name, NAME=name.replace("-", "_").upper(), value=value)


# --- harmless -------------------------------------------------------------------------------------------------


def _isbn() -> str:
    digits = "978" + "".join(_chance.choices("0123456789", k=9))
    total = sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(digits))
    return f"{digits[:3]}-{digits[3]}-{digits[4:8]}-{digits[8:12]}-{-total % 10}"


def _not_a_card() -> str:
    good = _card("4", 16)
    return good[:-1] + str((int(good[-1]) + 1) % 10)


def _generated() -> Iterator[str]:
    for number in range(12):
        yield f"commit {some(40, _HEX)}"
        yield f"{some(7, _HEX)} Merge branch 'feature/tokens' into main"
        yield "-".join(some(n, _HEX) for n in (8, 4, 4, 4, 12))
        yield f"sha256:{some(64, _HEX)}"
        yield f"{some(32, _HEX)}  data/part-{number:04d}.parquet"
        yield "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + _chance.randbytes(90)).decode()
        yield f"2026-11-{number + 10} 09:15:{number + 20}.{some(6, string.digits)}+00:00"
        yield f"17{some(8, string.digits)}.{some(6, string.digits)}"
        yield f"17{some(11, string.digits)}, 17{some(17, string.digits)}"
        yield f"ISBN {_isbn()}"
        yield f"https://doi.org/10.{some(4, string.digits)}/s{some(5, string.digits)}-{some(3, string.digits)}-{some(5, string.digits)}-{number}"
        yield f"order {_not_a_card()} shipped"
        yield f"+49 30 {some(4, string.digits)} {some(4, string.digits)}"
        yield f"({some(3, string.digits)}) 555-{some(4, string.digits)}"
        yield f"0.{some(16, string.digits)} {_chance.random()!r} -{_chance.random() * 1e6!r}"


_HANDMADE = """
tokenizer.json
max_tokens=4000
max_new_tokens: 512
n_tokens = 8192
token_count=1234
tokens_in=5120 tokens_out=431
"token_type_ids": [0, 0, 1]
pad_token_id=50256
eos_token = "<|endoftext|>"
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
tokens = text.split()
for token in tokens: counts[token] += 1
token: str
token: Optional[str] = None
token = next(stream)
token = tokens[0]
token_pattern=r"(?u)\\b\\w\\w+\\b"
num_special_tokens_to_add(pair=False)
usage: {"input_tokens": 1200, "output_tokens": 88}
author = "Jane Doe"
authors: ["A. Smith", "B. Jones"]
"author": "numpy developers"
author_email = "dev@example.org"
authority = "EPSG"
authenticated = True
is_authorized = False
primary_key="id"
key = "region"
keys = ["a", "b", "c"]
sort_key = "created"
keyboard = "qwertz-layout"
foreign_key="customers.id"
key=lambda row: row["value"]
sorted(items, key=str.lower)
monkey = "bananas-99"
KeyError: 'secretary'
secretary = "Miss Moneypenny"
password = os.environ["DB_PASSWORD"]
password = getpass.getpass("Password: ")
password=None
password: str
password: SecretStr
password = settings.db.password
def login(user: str, password: str) -> Token: ...
connect(user=user, password=password)
connect(user=user, password=config["password"])
api_key = os.getenv("OPENAI_API_KEY")
api_key=api_key
client = OpenAI(api_key=settings.api_key)
if password is None: raise ValueError("password required")
password_field = "pwd_column"
password_min_length = 12
parser.add_argument("--password", "-p", help="asked for when it is missing")
["mytool", "--token", "--verbose"]
secret_name = "prod/db/main"
"secretName": "my-tls-secret"
auth_url = "https://login.example.com/authorize"
auth_type="oauth2"
use_auth_token=False
token_url: https://login.example.com/oauth/token
cookie_policy = "strict-origin"
cookie_jar = CookieJar()
credentials_path = "/etc/app/credentials.json"
GOOGLE_APPLICATION_CREDENTIALS=/home/jo/keys/sa.json
SSH_AUTH_SOCK=/tmp/ssh-abc/agent.123
api_key = "<your-api-key>"
api_key = "${API_KEY}"
api_key = "your-api-key-here"
export TOKEN=$TOKEN
Authorization: Bearer <token>
headers = {"Authorization": f"Bearer {token}"}
password: ********
secret: [redacted]
version = "1.26.4"
"cookie-session": "2.1.1"
"js-tokens": "^4.0.0"
pip install python-jose==3.3.0 passlib==1.7.4
scikit-learn==1.5.2 sk-learn sk-image
sk-learn-contrib
task-based-key-value-store-implementation
sk-SK locale, de-DE locale
model="gpt-4o-mini-2024-07-18"
model: claude-opus-4-5-20251101
meta-llama/Llama-3.1-8B-Instruct
sentence-transformers/all-MiniLM-L6-v2
hf_hub_download(repo_id="bert-base-uncased", filename="config.json")
hf_model = "distilbert"
npm_config_cache=/root/.npm
npm_package_version=1.2.3
xoxo, see you later
AKIA is the prefix of AWS access keys
see https://example.com/docs/authentication#basic
https://example.com/a/b?page=2&limit=50&sort=created_at
https://user@example.com/repo.git
git@github.com:numpy/numpy.git
ssh://git@github.com/numpy/numpy.git
http://localhost:8888/lab/tree/work.ipynb
sqlite:///data/local.db
s3://bucket/key/part-0001.parquet
postgresql://localhost/sales
redis://cache:6379/0
mailto:jane.doe@example.com
contact: jane.doe@example.com
From: Jane Doe <jane@example.com>
10.0.0.1:8080
192.168.1.17 - - [21/Nov/2026:09:15:42 +0000] "GET /index.html HTTP/1.1" 200 512
basic understanding of statistics
Basic usage of the library
Bearer of good news
bearer certificates were used
cookie: the biscuit we had with tea
The secret of success is patience.
secret ingredient: paprika
Password must have at least 8 characters.
Forgot your password? Click here.
Invalid token at line 3
SyntaxError: invalid token
token: expected ')'
JSONDecodeError: Expecting value: line 1 column 1 (char 0)
ValueError: unknown auth method 'basic'
PermissionError: [Errno 13] Permission denied: '/etc/shadow'
KeyError: 'Region_Code'
ZeroDivisionError: division by zero
TypeError: unsupported operand type(s) for +: 'int' and 'str'
session = requests.Session()
session.get(url, timeout=5)
SparkSession.builder.appName("etl").getOrCreate()
session: 3 of 5
df.groupby("session").size()
df["token_count"] = df["text"].str.split().str.len()
df[["token", "count"]].head()
df.rename(columns={"word": "token"})
df.set_index("key").join(other, on="key")
pd.merge(left, right, on="key", how="inner")
SELECT key, value FROM settings WHERE key = 'theme'
CREATE TABLE users (id INTEGER PRIMARY KEY, password_hash TEXT NOT NULL)
hash: 5d41402abc4b2a76b9719d911017c592
checksum = "d41d8cd98f00b204e9800998ecf8427e"
etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"
integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"
<path d="M10 20 L30 40 C50 60 70 80 90 100 Z"/>
color: #ff00aa; background: #00112233
UUID('6f1e3b1a-2f0e-4c3d-9c0f-8d6a3e0f7b11')
<object object at 0x7f3c2a1b4d60>
array([[0.1234567890123456, 0.9876543210987654]])
torch.Size([32, 128, 768])
Epoch 3/10 loss=0.4312 acc=0.8731 lr=1e-05
100%|##########| 2000/2000 [00:12<00:00, 163.21it/s]
4111 rows x 1111 columns, 1111 dropped, 1112 kept
6011 0009 5555 1234
lat=52.5200066, lon=13.4049540
IBAN DE89 3704 0044 0532 0130 00
EAN 4006381333931
VIN 1HGCM82633A004352
ORCID 0000-0002-1825-0097
PMID: 31452104
arXiv:2301.12345v2
RFC 7519 describes JSON Web Tokens (JWT)
-----BEGIN CERTIFICATE-----
-----BEGIN PUBLIC KEY-----
ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 jo@host
eyJ is how base64 of a JSON object begins
AccountName=devstore;EndpointSuffix=core.windows.net
Server=localhost;Database=test;Trusted_Connection=yes
Content-Type: application/json; charset=utf-8
Accept: text/html,application/xhtml+xml
X-Request-Id: 7b3f0c52
Set up cookies: see the guide
docker run -p 8080:80 -u 1000:1000 nginx
mkdir -p build && cd build
grep -e "pattern" -u file
--max-tokens 512 --model small
--key-file /etc/ssl/server.pem
ENV PATH=/usr/local/bin:/usr/bin
PYTHONPATH=/app AWS_REGION=eu-central-1
KEYRING_BACKEND=null
XDG_SESSION_TYPE=wayland
random_state=42, n_estimators=100
passes = 3; passed: 17, failed: 0
bypass=True
compass = "north-north-west-11"
pinned: numpy==2.1.0
pin = 17
spin_rate=33.3333
discarded 12 rows
dashboard_id: 1234567890123456
chat_id=-1001234567890
user_id = 9007199254740993
trace_id=4bf92f3577b34da6a3ce929d0e0e4736
""".strip("\n").split("\n")

HARMLESS: tuple[str, ...] = (*_generated(), *_HANDMADE)
"""Texts that resemble secrets and are none. Placeholders (`<token>`, `your-api-key-here`, `${TOKEN}`) count as harmless on purpose."""


# --- in a real kernel -----------------------------------------------------------------------------------------------

ENVIRONMENT: dict[str, str] = {"SERVICE_PASSWORD": some(14), "PLANTED_API_KEY": some(24), "DATABASE_DSN": "x:" + some(20)}
"""What the kernel is started with: secrets that only their variable's name gives away."""


def module() -> str:
    """Source of a module `planted` whose functions give the secrets; none of them stands in a cell by its help."""
    return f"""
_SHAPED = {[shaped.text for shaped in SHAPED]!r}
_NAMED = {[value for _, value in NAMED]!r}
shaped = _SHAPED.__getitem__
named = _NAMED.__getitem__
"""


_CRASH = """
def crash():
    local = planted.shaped({number})
    nested = {{"a": [1, {{"b": (local, 2)}}], local: 3}}
    thing = types.SimpleNamespace(note=local)
    frame = pandas.DataFrame({{"note": [local] * 3, "n": [1, 2, 3]}}) if pandas else None
    raise RuntimeError(f"no luck with {{local}} today")
crash()
"""
_NAMED_CRASH = """
def crash({ident}):
    conf = {{"user": "bob", {name!r}: {ident}, "more": [{{{name!r}: {ident}}}], "pairs": [({name!r}, {ident})]}}
    frame = pandas.DataFrame({{"user": ["bob"], {name!r}: [{ident}]}}) if pandas else None
    series = frame[{name!r}] if pandas else None
    raise LookupError("login failed for bob: {name}=" + {ident})
crash(planted.named({number}))
"""
_SPLIT = """
for number in range({count}):
    text = planted.shaped(number)
    for stream in (sys.stdout, sys.stderr):
        for piece in ("split " + text[:9], text[9 : len(text) // 2], text[len(text) // 2 :] + " end\\n"):
            stream.write(piece)
            stream.flush()
del text, piece
"""
_DISPLAYS = """
from IPython.display import HTML, Markdown, display
for number in range({count}):
    display(HTML(f"<b>{{planted.shaped(number)}}</b>"), Markdown(planted.shaped(number)))
    display({{"note": planted.shaped(number)}}, display_id=f"d{{number}}")
[planted.shaped(number) for number in range({count})]
"""
_ELSEWHERE = """
import logging, threading, warnings
for number in range({count}):
    logging.warning("logged %s", planted.shaped(number))
    warnings.warn(f"warned of {{planted.shaped(number)}}", stacklevel=1)
thread = threading.Thread(target=lambda: [print("thread", planted.shaped(number)) for number in range({count})])
thread.start()
thread.join()
for number in range(1500):
    print(f"filler {{number}}", planted.shaped(number % {count}))
"""


def cells() -> Iterator[str]:
    """Cells that put every secret into locals, containers, frames, sources, outputs, messages, displays, logs."""
    yield "import os, sys, types, planted\ntry:\n    import pandas\nexcept ImportError:\n    pandas = None"
    for number, shaped in enumerate(SHAPED):
        yield _CRASH.format(number=number)
        yield f"g{number} = planted.shaped({number})\nh{number} = [g{number}]\nprint('bare', g{number})"
        yield f"literal = {shaped.text!r}\nlen(literal)"
    yield from (f"broken = {shaped.text!r}) oops" for shaped in SHAPED[::9])
    for number, (name, value) in enumerate(NAMED):
        ident = name.replace("-", "_").replace(".", "_")
        yield _NAMED_CRASH.format(ident=ident, name=name, number=number)
        yield f"{ident} = planted.named({number})\nprint('bare again', {ident})\n{{{name!r}: {ident}}}"
        yield f"{ident} = {value!r}\nprint({phrase(PHRASES[number % len(PHRASES)], name, value)!r})"
    for name in ENVIRONMENT:
        yield f"print(os.environ[{name!r}])\nraise KeyError(os.environ[{name!r}])"
    yield "print(os.environ)\nvariables = dict(os.environ)\nvariables['NOT_THERE']"
    for code in (_SPLIT, _DISPLAYS, _ELSEWHERE):
        yield code.format(count=len(SHAPED))


def needles() -> dict[str, str]:
    """What must not be found anywhere -> what it is."""
    return {
        **{shaped.needle: shaped.kind for shaped in SHAPED},
        **{value: name for name, value in NAMED},
        **{value: name for name, value in ENVIRONMENT.items()},
    }
