"""A module or name that cannot be imported: what is installed, what comes near, which file hides it."""

from __future__ import annotations

import importlib.machinery
import os
import re
import sys

from agentlog import peek
from agentlog.events import Fact
from agentlog.evidence import probe
from agentlog.evidence.attributes import shadowing
from agentlog.evidence.failing import Failing
from agentlog.evidence.registry import collector
from agentlog.evidence.renamed import ATTRIBUTES
from agentlog.evidence.versions import version_of

_PACKAGES = {"sklearn": "scikit-learn", "cv2": "opencv-python", "PIL": "pillow", "yaml": "PyYAML", "bs4": "beautifulsoup4", "skimage": "scikit-image", "dotenv": "python-dotenv",
             "dateutil": "python-dateutil", "Crypto": "pycryptodome", "serial": "pyserial", "OpenSSL": "pyOpenSSL", "fitz": "PyMuPDF", "imblearn": "imbalanced-learn",
             "MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "attr": "attrs", "docx": "python-docx", "pptx": "python-pptx", "git": "GitPython", "jwt": "PyJWT"}  # fmt: skip
_FOLDERS = 100
"""Folders of sys.path in which modules are sought: programs that insert their own often put them before the libraries."""


@collector("ImportError")
def failed_import(failing: Failing) -> list[Fact]:
    """For a missing module: the nearest that exist. For a missing name: the module's version, file and nearest names."""
    module = failing.told("name")
    told = re.search(r"cannot import name '?(\w+)'?", failing.message)
    wanted = failing.told("name_from") or (told.group(1) if told else None)
    if type(module) is not str:
        return []
    facts = _missing_module(module) if wanted is None or module not in sys.modules else _missing_name(module, str(wanted))
    return facts + _gone(module, wanted)


def _missing_module(module: str) -> list[Fact]:
    top, _, rest = module.partition(".")
    if rest and (top in sys.modules or version_of(top)):
        parent = sys.modules.get(module.rpartition(".")[0]) or sys.modules.get(top)
        title = peek.module_dict(parent).get("__name__", top)
        near = probe.nearest_text(module.rpartition(".")[2], _submodules(parent))
        said = f"{top} {version_of(top) or ''} is installed and has no {module.removeprefix(title + '.')!r}"
        facts = [Fact(said + (f"; in {title} {near}" if near else ""), about=module)]
        return facts + shadowing(top, peek.module_dict(parent).get("__file__"), top)
    near = probe.nearest_text(top, _top_level())
    distribution = _PACKAGES.get(top)
    said = f"no module {top!r} for {sys.executable}" + (f"; {near}" if near else "")
    facts = [Fact(said, about=top)]
    facts += [Fact(f"the distribution that holds it is named {distribution}", about=top)] if distribution else []
    return facts


def _missing_name(module: str, wanted: str) -> list[Fact]:
    found = sys.modules.get(module)
    namespace = peek.module_dict(found)
    near = probe.nearest_text(wanted, [*(name for name in namespace if not name.startswith("_")), *_submodules(found)])
    version = version_of(module.partition(".")[0])
    facts = [Fact(f"{module}{f' {version}' if version else ''} has no {wanted!r}" + (f"; {near}" if near else ""), about=module)]
    if "partially initialized" in str(namespace.get("__spec__", "")) or getattr(
        namespace.get("__spec__"), "_initializing", False
    ):
        facts.append(
            Fact(f"{module} is only partly initialised: it imports, directly or not, the module that imports it", about=module)
        )
    file = namespace.get("__file__")
    facts += [Fact(f"loaded from {file}", about=module)] if type(file) is str else []
    return facts + shadowing(module, file, module)


def _gone(module: str, wanted: object) -> list[Fact]:
    names = (
        [f"{module}.{wanted}", module, ".".join(module.split(".")[:2])] if wanted else [module, ".".join(module.split(".")[:2])]
    )
    for name in names:
        if name in ATTRIBUTES:
            since, instead = ATTRIBUTES[name]
            return [Fact(f"{name}: gone since {since}, its notes name {instead}", kind="points")]
    return []


def _submodules(parent: object) -> list[str]:
    found: list[str] = []
    for folder in list(peek.module_dict(parent).get("__path__", ()))[:4]:
        found += _modules_in(folder)
    return found


def _modules_in(folder: str) -> list[str]:
    suffixes = tuple(importlib.machinery.all_suffixes())
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    return [name.partition(".")[0] for name in names[:5000] if name.endswith(suffixes) or name.isidentifier()]


def _top_level() -> list[str]:
    """Names that could be imported: the standard library's, and those in the folders of sys.path."""
    found = dict.fromkeys(sys.stdlib_module_names)
    for folder in list(dict.fromkeys(sys.path))[:_FOLDERS]:
        if "python" not in os.path.basename(folder):
            found.update(dict.fromkeys(_modules_in(folder or ".")))
    return [name for name in found if not name.startswith("_")]
