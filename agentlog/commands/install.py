"""Record without thinking of it: a kernel that records, or a profile of IPython that does; both can be taken away.

agentlog install                      a kernel "Python 3 (recorded)" to choose in Jupyter
agentlog install --profile default    every IPython and kernel of that profile records
agentlog install --uninstall          takes the kernel (with --profile: the profile's file) away again
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from agentlog.desk import Desk
from agentlog.errors import MissingExtra, UsageError

KERNEL = "agentlog"
_STARTUP = "50-agentlog.py"
_PROFILE_LINE = 'get_ipython().extension_manager.load_extension("agentlog")'


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--name", default=KERNEL, help=f"name of the kernel (default {KERNEL})")
    parser.add_argument("--display-name", default="Python 3 (recorded)", help="how Jupyter calls it")
    parser.add_argument("--prefix", help="install below this prefix (default: this Python environment)")
    parser.add_argument("--user", action="store_true", help="for this user, in every environment")
    parser.add_argument("--profile", metavar="NAME", help="a profile of IPython instead of a kernel")
    parser.add_argument("--uninstall", action="store_true", help="take it away again")


def run(args: argparse.Namespace, desk: Desk) -> str:
    """Install or uninstall; says what was written or removed."""
    if args.profile:
        return _forget_profile(args.profile) if args.uninstall else _profile(args.profile)
    return _forget_kernel(args.name) if args.uninstall else _kernel(args)


def _kernel(args: argparse.Namespace) -> str:
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": args.display_name,
        "language": "python",
        "env": {"AGENTLOG": "true"},
        "metadata": {"debugger": True},
    }
    prefix = None if args.user else args.prefix or sys.prefix
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "kernel.json").write_text(json.dumps(spec, indent=1))
        place = _specs().install_kernel_spec(folder, kernel_name=args.name, user=args.user, prefix=prefix)
    return f"kernel {args.name!r} installed in {place}; choose {args.display_name!r} in Jupyter"


def _forget_kernel(name: str) -> str:
    specs = _specs()
    found = specs.find_kernel_specs().get(name)
    if found is None:
        raise UsageError(f"no kernel is called {name!r}; jupyter kernelspec list shows those there are")
    if json.loads((Path(found) / "kernel.json").read_text()).get("env", {}).get("AGENTLOG") is None:
        raise UsageError(f"the kernel {name!r} in {found} was not installed by agentlog; left alone")
    return f"kernel {name!r} removed from {specs.remove_kernel_spec(name)}"


def _profile(name: str) -> str:
    place = _startup(name)
    if place.exists() and _PROFILE_LINE not in place.read_text():
        raise UsageError(f"{place} is there and not ours; left alone")
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(f"try:\n    {_PROFILE_LINE}\nexcept Exception:\n    pass\n")
    return f"profile {name!r} records from now on: {place}"


def _forget_profile(name: str) -> str:
    place = _startup(name)
    if not place.exists() or _PROFILE_LINE not in place.read_text():
        raise UsageError(f"the profile {name!r} has no start-up file of ours ({place})")
    place.unlink()
    return f"removed {place}"


def _startup(name: str) -> Path:
    try:
        from IPython.paths import get_ipython_dir
    except ImportError:
        raise MissingExtra("a profile of IPython", "jupyter") from None
    return Path(get_ipython_dir()) / f"profile_{name}" / "startup" / _STARTUP


def _specs() -> Any:
    try:
        from jupyter_client.kernelspec import KernelSpecManager
    except ImportError:
        raise MissingExtra("a kernel", "jupyter") from None
    return KernelSpecManager()
