"""Secrets that show by their shape: provider keys, tokens, private keys, credentials in URLs, card numbers.

A text that was cut short ends in "…": there the beginning of a secret must do, so a long run of letters and digits counts as one.

`RULES` is the table: kind, the literal texts of which one must be present before the pattern is tried (that is what
makes the common case cheap), and the pattern, whose group 1 is the secret. Every pattern is linear: a fixed beginning and then runs
of one character class, with bounds where runs may follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import NamedTuple

Mark = Callable[[str, str], str]
"""(kind, secret) -> the marker that takes its place."""


class Rule(NamedTuple):
    kind: str
    triggers: tuple[str, ...]
    pattern: str
    """compiled when one of the triggers is met for the first time: all of them would be a tenth of what loading costs"""


_compiled = cache(re.compile)


def _rule(kind: str, triggers: str, pattern: str) -> Rule:
    return Rule(kind, tuple(triggers.split()), pattern)


def _token(kind: str, triggers: str, pattern: str) -> Rule:
    """A token that stands alone: no letter or digit before it."""
    return _rule(kind, triggers, rf"(?<![A-Za-z0-9])({pattern})")


RULES: tuple[Rule, ...] = (
    _rule("url", "://", r"://(?!\[REDACTED:)[^\s:/?#\"'@\\<>]{0,256}:([^\s\"'<>/?#\\]{1,512})@"),
    _rule("url", "://", r"://(?!\[REDACTED:)([^\s:/?#\"'@\\<>]{20,512})@"),
    _rule("url", "@", r"(?<![\w.:/-])(?!mailto:)[\w.-]{1,64}:(?!\w{4}\]@)([^\s:@/'\"\\<>]{3,128})@(?:tcp\(|[\w-]{1,63}(?:\.[\w-]{1,63}){0,8}(?::\d{2,5}(?!\d)|/\w))"),
    _rule("webhook", "hooks.slack.com discord.com/api discordapp.com/api", r"(?:hooks\.slack\.com/(?:services|workflows)/|discord(?:app)?\.com/api/webhooks/)([\w/+-]{16,300})"),
    _rule("webhook", "webhook.office.com", r"webhook\.office\.com/webhookb2/([\w@/-]{16,300})"),
    _token("aws", "AKIA ASIA ABIA ACCA", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,20}(?![A-Za-z0-9])"),
    _token("github", "ghp_ gho_ ghu_ ghs_ ghr_", r"gh[pousr]_[A-Za-z0-9]{16,255}"),
    _token("github", "github_pat_", r"github_pat_\w{16,255}"),
    _token("gitlab", "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w.-]{16,300}"),
    _token("anthropic", "sk-ant-", r"sk-ant-[\w-]{16,300}"),
    _token("key", "sk-", r"sk-(?:(?:proj|svcacct|admin|or|lf|None)-[\w-]{16,300}|[A-Za-z0-9]{20,300})"),
    _token("stripe", "k_live_ k_test_ whsec_", r"(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,255}|whsec_[A-Za-z0-9+/]{16,128}=*)"),
    _token("huggingface", "hf_ api_org_", r"(?:hf_[A-Za-z]\w{15,128}|api_org_[A-Za-z]{16,128})"),
    _token("google", "AIza ya29. GOCSPX-", r"(?:AIza[\w-]{20,60}|ya29\.[\w.-]{16,500}|GOCSPX-[\w-]{16,64})"),
    _token("slack", "xox xapp- xoxe.", r"(?:xox[a-z](?:\.xox[a-z])?-[\w-]{10,300}|xapp-\d-[\w-]{10,300})"),
    _token("npm", "npm_", r"npm_[A-Za-z0-9]{20,64}"),
    _token("pypi", "pypi-AgE", r"pypi-AgE[\w-]{16,500}"),
    _token("databricks", "dapi", r"dapi[a-f0-9]{32}(?:-\d{1,2})?(?![a-f0-9])"),
    _token("digitalocean", "dop_v1_ doo_v1_ dor_v1_", r"do[opr]_v1_[a-f0-9]{16,128}"),
    _token("sendgrid", "SG.", r"SG\.[\w-]{16,64}\.[\w-]{16,128}"),
    _token("groq", "gsk_", r"gsk_[A-Za-z0-9]{20,128}"),
    _token("perplexity", "pplx-", r"pplx-[A-Za-z0-9]{20,128}"),
    _token("replicate", "r8_", r"r8_[A-Za-z0-9]{20,64}"),
    _token("langsmith", "lsv2_", r"lsv2_(?:pt|sk)_[A-Za-z0-9]{16,64}(?:_[A-Za-z0-9]{4,32})?"),
    _token("langfuse", "-lf-", r"[ps]k-lf-[a-f0-9-]{16,64}"),
    _token("xai", "xai-", r"xai-[A-Za-z0-9]{32,128}"),
    _token("telegram", ":AA", r"\d{8,10}:AA[\w-]{30,40}(?![\w-])"),
    _token("twilio", "SK AC", r"(?:SK|AC)[a-f0-9]{32}(?![A-Za-z0-9])"),
    _token("mailgun", "key- pubkey-", r"(?:pub)?key-[a-f0-9]{32}(?![a-f0-9])"),
    _token("mailchimp", "-us", r"[a-f0-9]{32}-us\d{1,2}(?!\w)"),
    _token("azure", "==", r"[A-Za-z0-9+/]{86}==(?![A-Za-z0-9+/=])"),
    _rule("cut", "…", r"(?<![A-Za-z0-9])(?<!base64,)(?=[A-Za-z]{0,80}\d)(?=\d{0,80}[A-Za-z])([A-Za-z0-9]{20,300})…"),
    _rule("cut", "…", r"(?<![A-Za-z0-9+/,])(?=[a-z0-9+/]{0,60}[A-Z])(?=[A-Z0-9+/]{0,60}[a-z])(?=[A-Za-z+/]{0,60}\d)([A-Za-z0-9+/]{60,87}={0,2})…"),
    _rule("url", "…", r"://(?!\[REDACTED:)[^\s:/?#\"'@\\<>]{0,256}:(?!\d{0,5}…)([^\s\"'<>/?#\\@…]{1,512})…"),
    _rule("jwt", "…", r"(?<![A-Za-z0-9])(eyJ[\w-]{12,4000})…"),
    _token("azure", "7Q~ 8Q~", r"[\w~.-]{3}[78]Q~[\w~.-]{31,34}"),
    _token("shopify", "shp", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _token("square", "sq0 EAAA", r"(?:sq0[a-z]{3}-[\w-]{22,43}|EAAA[\w-]{56,64}(?![\w-]))"),
    _token("docker", "dckr_pat_", r"dckr_pat_[\w-]{16,64}"),
    _token("vault", "hvs. hvb.", r"hv[sb]\.[\w-]{20,300}"),
    _token("linear", "lin_api_", r"lin_api_[A-Za-z0-9]{16,64}"),
    _token("notion", "ntn_ secret_", r"(?:ntn_[A-Za-z0-9]{30,64}|secret_[A-Za-z0-9]{43}(?![A-Za-z0-9]))"),
    _token("postman", "PMAK-", r"PMAK-[a-f0-9]{16,32}-[a-f0-9]{16,64}"),
    _token("newrelic", "NRAK- NRAL-", r"NRA[KL]-[A-Z0-9a-z]{20,64}"),
    _token("grafana", "glc_ glsa_ eyJrIjoi", r"(?:glc_[A-Za-z0-9+/]{16,400}=*|glsa_\w{16,64})"),
    _token("supabase", "sbp_ sb_secret_", r"(?:sbp_[a-f0-9]{16,64}|sb_secret_[\w-]{16,64})"),
    _token("pinecone", "pcsk_", r"pcsk_\w{20,128}"),
    _token("cloudflare", "v1.0-", r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,200}"),
    _token("terraform", ".atlasv1.", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,80}"),
    _token("age", "AGE-SECRET-KEY-1", r"AGE-SECRET-KEY-1[A-Z0-9]{16,64}"),
    _token("jwt", "eyJ", r"eyJ[\w-]{8,4000}\.(?:eyJ)?[\w-]{8,16000}(?:\.[\w-]{0,4000}){0,3}"),
    _rule("bearer", "earer EARER", r"(?i:\bbearer)\s{1,4}(?=[\w.~+/-]{0,64}\d|[\w.~+/-]{24})([\w.~+/-]{8,4000}=*)"),
    _rule("basic", "asic ASIC", r"(?i:\bbasic)\s{1,4}(?=[A-Za-z0-9+/]{0,64}[\dA-Z=])([A-Za-z0-9+/]{10,4000}={1,2}|(?=[A-Za-z0-9+/]{0,64}\d)[A-Za-z0-9+/]{12,4000})"),
    _rule("userpass", "curl wget http", r"(?:\s|\[|\(|,|\"|')(?:-u|--user|--proxy-user)[\"']?[\s,=]{1,4}[\"']?[^\s:\"']{1,128}:([^\s\"']{1,256})"),
    _rule("signature", "?key= &key= ;key= ?KEY= &KEY= ?sig= &sig= ;sig= ?signature= &signature= ?Signature= &Signature= X-Amz- x-amz- X-Goog- x-goog- AWSAccessKeyId=", r"(?i:[?&;](?:key|sig|signature|x-amz-(?:signature|credential|security-token)|x-goog-(?:signature|credential)|awsaccesskeyid))=(?=[^&\s]{0,128}\d)([^&\s\"'#<>\\]{12,2000})"),
)  # fmt: skip
"""Order matters only where shapes overlap: the more particular comes first."""


def any_of(words: Iterable[str]) -> re.Pattern[str]:
    """A pattern that finds any of the literal `words`, fast: branches share their first letter."""
    by_letter: dict[str, list[str]] = {}
    for word in dict.fromkeys(words):
        by_letter.setdefault(word[0], []).append(re.escape(word[1:]))
    return re.compile("|".join(f"{re.escape(letter)}(?:{'|'.join(rest)})" for letter, rest in by_letter.items()))


may_hold_shape = any_of([*(trigger for rule in RULES for trigger in rule.triggers), "PRIVATE KEY"]).search
"""The gate of `redact_shapes`: most texts hold none of the triggers."""


def redact_shapes(text: str, mark: Mark) -> str:
    """`text` with every secret that shows by its shape replaced by `mark(kind, secret)`."""
    for kind, triggers, pattern in RULES:
        for trigger in triggers:
            if trigger in text:
                text = _compiled(pattern).sub(lambda found, kind=kind: _replaced(found, kind, mark), text)  # type: ignore[misc]
                break
    if "PRIVATE KEY" in text:
        text = redact_private_keys(text, mark)
    return redact_cards(text, mark)


def _replaced(found: re.Match[str], kind: str, mark: Mark) -> str:
    secret = found.group(1)
    if _is_placeholder(secret):
        return found.group()
    start = found.start(1) - found.start()
    whole = found.group()
    return whole[:start] + mark(kind, secret) + whole[start + len(secret) :]


_PLACEHOLDER = re.compile(r"\[REDACTED:[a-z]+:[0-9a-f]{4}\]|\*+|[xX]+|\.{3,}|\$?\{[^{}]*\}|<[^<>]*>|%\(?\w*\)?s|\$\w+")


def _is_placeholder(secret: str) -> bool:
    return _PLACEHOLDER.fullmatch(secret) is not None


# --- private keys ---------------------------------------------------------------------------------------------

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"[A-Za-z0-9+/=\s\\:,\"'()|>.-]*")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")


def redact_private_keys(text: str, mark: Mark) -> str:
    """Keep the BEGIN and END lines, hide what is between; without an END: everything that could be the key's body."""
    out, position = [], 0
    while begin := _BEGIN.search(text, position):
        out.append(text[position : begin.end()])
        end = _END.search(text, begin.end())
        stop = end.start() if end else _BODY.match(text, begin.end()).end()  # type: ignore[union-attr]
        body = text[begin.end() : stop]
        out.append(mark("privatekey", body) if body.strip("\\n \n\r\"'") and "[REDACTED:" not in body else body)
        position = stop
        if end:
            out.append(end.group())
            position = end.end()
    out.append(text[position:])
    return "".join(out)


# --- card numbers ---------------------------------------------------------------------------------------------

_CARD = re.compile(
    r"(?<![\w.])([2-6]\d{3}(?:\d{9,15}|([ -])\d{4}\2\d{4}\2\d{4}(?:\2\d{3})?|([ -])\d{6}\3\d{4,5}))(?![\w]|[.-]\d)"
)
_BRANDS = re.compile(
    r"4\d{12}|4\d{15}|4\d{18}|5[1-5]\d{14}|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|35\d{14}|6(?:011|5\d\d|4[4-9]\d)\d{12}|62\d{14}|62\d{17}"
)


def redact_cards(text: str, mark: Mark) -> str:
    """Card numbers of a known brand and length with a valid checksum, in one piece or in groups."""
    if len(text) < 13:
        return text
    out, position, copied = [], 0, 0
    while found := _CARD.search(text, position):
        digits = found.group(1)
        dialled = len(digits) < 14 and text[found.start() - 1 : found.start()] == "+"
        if dialled or not is_card(digits):
            position = found.start() + 4  # another number may begin at the next group
            continue
        out += [text[copied : found.start()], mark("card", digits)]
        position = copied = found.end()
    return "".join([*out, text[copied:]])


def is_card(text: str) -> bool:
    """Is `text`, without spaces and dashes, a card number? (brand, length, Luhn checksum)"""
    digits = text.replace(" ", "").replace("-", "")
    return _BRANDS.fullmatch(digits) is not None and len(set(digits)) > 1 and _luhn(digits)


def _luhn(digits: str) -> bool:
    odd, even = digits[-1::-2], digits[-2::-2]
    doubled = sum(int(d) * 2 - 9 * (d > "4") for d in even)
    return (sum(map(int, odd)) + doubled) % 10 == 0
