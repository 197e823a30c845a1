"""The estimate against real tokenizers: never below them once the factor is applied, and not far above."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from context_sample import sample

from agentlog import tokens
from agentlog.context import build
from agentlog.errors import UsageError
from agentlog.events import to_record
from agentlog.renderers import FORMATS
from agentlog.tokens import TokenCounter, counter, estimate_tokens

ROOT = Path(__file__).parent.parent
REAL = ("o200k_base", "cl100k_base")


@pytest.fixture(scope="module")
def real() -> list[TokenCounter]:
    """Both tokenizers, from a package that carries its vocabularies."""
    pytest.importorskip("rs_bpe", reason="no tokenizer with a vocabulary of its own is installed: pip install rs-bpe")
    return [counter(name) for name in REAL]


def most(real: list[TokenCounter], text: str) -> int:
    return max(one.count(text) for one in real)


def contexts() -> list[str]:
    context = build(sample())
    return [context.render(format, budget) for format in FORMATS for budget in (150, 400, 2000)]


def project_texts() -> list[str]:
    """Code, prose and JSON of this project, in pieces."""
    files = [*sorted(ROOT.glob("agentlog/*.py")), *sorted(ROOT.glob("docs/*.md")), ROOT / "README.md"]
    whole = [path.read_text(encoding="utf-8") for path in files if path.exists()]
    whole += [json.dumps([to_record(event) for event in sample().events()])]
    return [text[start : start + 2000] for text in whole for start in range(0, len(text), 2000)]


def test_bound_holds_on_contexts_and_on_the_project(real: list[TokenCounter]) -> None:
    """No text of ours costs more than the estimate with its factor."""
    estimate = counter()
    over = [text[:60] for text in (*contexts(), *project_texts()) if most(real, text) > estimate.count(text)]
    assert len(over) <= len(project_texts()) // 50, over
    assert not [text for text in contexts() if most(real, text) > estimate.count(text)]


def test_loss_is_small(real: list[TokenCounter]) -> None:
    """On average the bound is at most 20 % above the larger of both counts."""
    texts = [text for text in project_texts() if len(text) > 500]
    ratios = [counter().count(text) / most(real, text) for text in texts]
    assert sum(ratios) / len(ratios) < 1.2


@pytest.mark.parametrize(
    "text",
    [
        "a" * 500, "0123456789abcdef" * 40, "=" * 300, "-" * 77 + "\n", '{"a": [1, 2, {"b": null}]}' * 20, "\n\n\n" * 50,
        "Ошибка при чтении файла " * 20, "数据框中没有找到列名" * 20, "é" * 100, "😀" * 50, "\x00\x01\x02" * 30, "│┃╭" * 30, "नहीं मिला " * 30,
        ("y = Series len 45 object, distinct Adelie, Gentoo, index Index 13 .. 127 ['Adelie', 'Gentoo', 'Chinstrap', ...] (In[6])\n"
         "birds = DataFrame 180x5 (In[2])\n object species: 'Adelie', 'Chinstrap'\n float64 bill_length: 34.4, 40.2, 35.9, 39.3\n") * 5,
        "DunesOrchardMarshDunes" * 20, "berlinlaptopgreen" * 20, "PETROLdieselManual" * 20,
    ],
    ids=lambda text: ascii(text[:8]),
)  # fmt: skip
def test_bound_holds_on_odd_texts(real: list[TokenCounter], text: str) -> None:
    """Long runs, other scripts, control characters."""
    assert most(real, text) <= counter().count(text)


def test_bound_holds_on_names_that_are_no_words(real: list[TokenCounter]) -> None:
    """Random identifiers cost more than words do, and the estimate knows."""
    chance = random.Random(7)
    for _ in range(50):
        text = " ".join(
            "".join(chance.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(chance.randint(3, 12))) for _ in range(100)
        )
        assert most(real, text) <= counter().count(text)


def test_estimate_is_additive_over_lines() -> None:
    """A text planned line by line costs what the lines cost."""
    for text in contexts():
        lines = text.split("\n")
        assert sum(counter().cost(line) for line in lines) == pytest.approx(tokens.FACTOR * tokens.weigh(text + "\n"), rel=0.03)


def test_factor_from_argument_and_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another vocabulary needs another factor."""
    text = "some words to count " * 50
    assert counter(factor=2.2).count(text) > 1.9 * counter(factor=1.1).count(text)
    monkeypatch.setenv("AGENTLOG_TOKEN_FACTOR", "1.45")
    assert counter().factor == 1.45
    monkeypatch.setenv("AGENTLOG_TOKEN_FACTOR", "nonsense")
    assert counter().factor == tokens.FACTOR


def test_a_named_tokenizer_counts_exactly(real: list[TokenCounter]) -> None:
    """`--tokenizer o200k_base` counts as that tokenizer does, and the budget is used to the full."""
    context = build(sample())
    from dataclasses import replace

    exact = replace(context, counter=real[0])
    assert real[0].count(exact.render("text", 100)) <= 100
    assert 2 <= estimate_tokens("hello world") <= 3


def test_unknown_tokenizer_is_said_in_one_line() -> None:
    """A name that nobody knows is a UsageError or a missing extra."""
    with pytest.raises(UsageError) as raised:
        counter("no_such_vocabulary")
    assert "\n" not in str(raised.value)
