"""Which names say that their value is a secret.

A name is cut into words (`dbPassword`, `DB-PASSWORD`, `db.password` -> db, password). It is secret when it holds a
secret word, or two neighbouring words that are one (`api_key`), unless its first or last word says that it is about
the secret and not the secret itself: `max_token`, `token_count`, `password_field`, `auth_url`.
Plural `tokens` is a number or a list of words in most notebooks, so it is a secret only where something says whose:
`api_tokens`, `access_tokens`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

WORDS: dict[str, str] = {
    **dict.fromkeys(("password", "passwords", "passwd", "passwds", "pwd", "passphrase", "passcode", "pgpassword"), "password"),
    **dict.fromkeys(("secret", "secrets", "clientsecret", "cvv", "cvc", "ssn"), "secret"),
    **dict.fromkeys(("credential", "credentials", "creds", "pgpass", "netrc"), "credentials"),
    **dict.fromkeys(("token", "authtoken", "accesstoken", "csrftoken", "jwt", "bearer", "csrf", "xsrf"), "token"),
    **dict.fromkeys(("authorization", "auth", "htpasswd"), "authorization"),
    **dict.fromkeys(("cookie", "cookies"), "cookie"),
    **dict.fromkeys(("sessionid", "sessid", "phpsessid", "jsessionid"), "session"),
    **dict.fromkeys(("apikey", "apikeys", "secretkey", "privatekey", "accesskey", "accountkey"), "key"),
    "dsn": "dsn",
}
"""A word that makes a name secret -> the kind named in the marker."""

_KEY_OWNERS = (
    "api", "access", "secret", "private", "signing", "encryption", "auth", "account", "master", "ssh", "service", "shared",
    "storage", "license", "subscription", "consumer", "session", "client", "app", "application", "admin", "deploy", "host",
    "webhook", "hmac", "rsa", "aes", "pgp", "gpg", "jwt", "ssl", "tls", "openai", "anthropic", "stripe", "aws", "azure",
    "google", "gcp", "github", "gitlab", "hf", "huggingface", "sendgrid", "mailgun", "twilio", "slack", "groq", "mistral",
    "cohere", "deepseek", "gemini", "datadog", "newrelic", "pinecone", "replicate", "perplexity", "together", "langsmith",
    "langfuse", "wandb", "kaggle", "algolia", "mapbox", "cloudflare", "heroku", "npm", "pypi", "supabase",
)  # fmt: skip
_TOKEN_OWNERS = (
    "api", "access", "auth", "refresh", "bearer", "github", "gitlab", "slack", "bot", "user", "session", "id", "device",
    "personal", "deploy",
)  # fmt: skip

PAIRS: dict[tuple[str, str], str] = {
    **{(owner, "key"): "key" for owner in _KEY_OWNERS},
    **{(owner, "keys"): "key" for owner in ("api", "access", "private", "secret", "ssh", "signing", "encryption")},
    **{(owner, "tokens"): "token" for owner in _TOKEN_OWNERS},
    ("github", "pat"): "token", ("gitlab", "pat"): "token", ("azure", "pat"): "token", ("devops", "pat"): "token",
    ("session", "id"): "session", ("connection", "string"): "dsn", ("conn", "str"): "dsn", ("connect", "sid"): "session",
    ("card", "number"): "card", ("card", "num"): "card", ("credit", "card"): "card", ("card", "no"): "card",
    ("pin", "code"): "password", ("pass", "phrase"): "password", ("pass", "word"): "password", ("account", "keys"): "key",
}  # fmt: skip
"""Two neighbouring words that are one secret."""

_ABOUT_FIRST = frozenset((
    "max", "min", "num", "n", "total", "avg", "mean", "pad", "eos", "bos", "unk", "cls", "sep", "mask", "special", "stop",
    "has", "is", "are", "use", "uses", "using", "no", "get", "check", "validate", "require", "requires", "needs", "hide",
    "show", "prompt", "completion", "input", "output", "per", "next", "prev", "predicted", "seen", "missing", "invalid",
    "expired", "forgot", "reset", "reasoning", "cached", "think", "image", "first", "last", "every", "each", "with",
    "without",
))  # fmt: skip
_ABOUT_LAST = frozenset((
    "count", "counts", "type", "types", "id", "ids", "index", "idx", "length", "len", "limit", "usage", "budget", "name",
    "names", "field", "fields", "path", "file", "files", "filename", "dir", "folder", "url", "uri", "urls", "endpoint",
    "pattern", "embedding", "embeddings", "policy", "ttl", "expiry", "expires", "expiration", "expired", "env", "var",
    "variable", "column", "columns", "required", "enabled", "disabled", "valid", "invalid", "validator", "manager",
    "provider", "class", "size", "position", "positions", "mask", "rate", "error", "errors", "version", "format", "prefix",
    "domain", "method", "mode", "kind", "hint", "label", "prompt", "jar", "settings", "config", "strength", "rules",
    "table", "key", "lengths", "level", "scopes", "scope", "params", "model", "backend", "handler", "middleware", "flow",
    "status", "text", "s",
))  # fmt: skip


@lru_cache(maxsize=8192)
def secret_kind(name: str) -> str | None:
    """The kind of secret that a value called `name` is, or None."""
    if len(name) > 200 or len(name) < 3:
        return None
    words = [word.lower() for word in _WORD.findall(name)]
    kind = _kind(words)
    if kind is None or _about(words, kind):
        return None
    return kind


def _kind(words: list[str]) -> str | None:
    for pair in pairwise(words):
        if pair in PAIRS:
            return PAIRS[pair]
    return next((WORDS[word] for word in words if word in WORDS), None)


def _about(words: list[str], kind: str) -> bool:
    """Is the name about a secret, and not the secret? (`session_id` and `api_key` end in such a word by nature.)"""
    if len(words) < 2:
        return False
    if words[0] in _ABOUT_FIRST and words[0] not in WORDS:
        return True
    return words[-1] in _ABOUT_LAST and tuple(words[-2:]) not in PAIRS


def words_of(name: str) -> tuple[str, ...]:
    """`name` in lower-case words, the form in which names are compared: dbPassword, DB-PASSWORD -> ("db", "password")."""
    return tuple(word.lower() for word in _WORD.findall(name))
