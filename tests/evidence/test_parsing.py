"""Text that cannot be read."""

from __future__ import annotations

from collections.abc import Callable

CASES = [
    (
        "",
        "import json\ndoc = '[1, 2,, 3]'\njson.loads(doc)",
        "json_text",
        [(None, "at character 6 of 10: [1, 2,»")],
    ),
    (
        "",
        "import json\njson.loads('<html><body>502 Bad Gateway</body></html>')",
        "json_text",
        [(None, "the text is markup, not JSON: '<html><body>502 Bad Gateway")],
    ),
    (
        "",
        "import json\njson.loads('')",
        "json_text",
        [(None, "the text to parse is empty")],
    ),
    (
        "",
        "b'caf\\xe9 au lait'.decode('utf-8')",
        "encoding",
        [(None, "byte 0xe9 at 3 of 12 is not utf-8"), (None, "read as cp1252: 'café au lait'")],
    ),
    (
        "",
        "'na\\u00efve \\u20ac'.encode('ascii')",
        "encoding",
        [(None, "has no form in ascii")],
    ),
    (
        "",
        "import re\nre.compile('(abc[')",
        "regex",
        [(None, "pattern, at 4: (abc»[")],
    ),
    (
        "yaml",
        "import yaml\ntext = 'a: 1\\nb: [1, 2\\nc: 3\\n'\nyaml.safe_load(text)",
        "marked",
        [("text", "line 3, column 2: 'c: 3'")],
    ),
    (
        "",
        "import xml.etree.ElementTree as ET\ntext = '<a><b></a>'\nET.fromstring(text)",
        "marked",
        [("text", "line 1, column 8: '<a><b></a>'")],
    ),
    (
        "pandas",
        "import pandas as pd\ns = pd.Series(['2020-01-02', '2020-01-03', '03/04/2020'])\npd.to_datetime(s, format='%Y-%m-%d')",
        "dates",
        [("s", "2 like '2020-01-02'; 1 like '03/04/2020'"), ("s", "'03/04/2020' at position 2, 1 times of 3")],
    ),
    (
        "",
        "exec('x = (1,\\ny = 2')",
        "syntax",
        [(None, "line 1: x = »(1,")],
    ),
]


def test_facts(case: tuple, finds: Callable) -> None:
    """The text around the place."""
    finds(case)
