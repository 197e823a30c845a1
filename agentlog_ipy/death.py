"""How a kernel's process ended: in words, with the numbers that speak for or against a lack of memory."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentlog_ipy.footprint import Footprint, available
from agentlog_ipy.ladder import main_stack
from agentlog_ipy.link import Link
from agentlog_ipy.process import GONE, file_tail

SIGNALS = {
    "SIGKILL": "killed from outside",
    "SIGSEGV": "a segmentation fault: native code touched memory that is not its own",
    "SIGABRT": "native code gave up (abort)",
    "SIGBUS": "a bus error: memory that is not there, often a file that was cut while it was mapped",
    "SIGFPE": "an arithmetic error in native code",
    "SIGILL": "an instruction that this processor does not have",
    "SIGTERM": "asked to end from outside",
}
_MB = 1 << 20


@dataclass(frozen=True)
class Death:
    """exit_code    negative for a signal, None where nobody could see it
    signal       its name
    words        what happened
    hint         what the numbers say about memory
    stack        the Python stack that faulthandler left; None can exist for SIGKILL
    stderr       the last the process wrote to its real stderr
    last_output  the last the cell put out
    lost         names that were defined and are gone
    """

    exit_code: int | None
    signal: str | None
    words: str
    hint: str | None = None
    stack: str | None = None
    stderr: str | None = None
    last_output: str | None = None
    lost: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"the kernel died: {self.words}"]
        lines += [f"memory: {self.hint}"] if self.hint else []
        lines += [f"stack:\n{self.stack}"] if self.stack else []
        lines += [f"its stderr ended with: {self.stderr[-600:]}"] if self.stderr else []
        lines += [f"lost: {_listed(self.lost)}"] if self.lost else ["lost: all variables"]
        lines.append("restart() starts a new one, restart(replay=True) runs the cells that were ok again")
        return "\n".join(lines)


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:30])
    return f"{shown} and {len(names) - 30} more" if len(names) > 30 else shown


# --- the report -----------------------------------------------------------------------------------------------------


def autopsy(link: Link, code: int, footprint: Footprint, *, last_output: str = "", lost: Iterable[str] = ()) -> Death:
    """Put together how the process of `link` ended with exit `code`."""
    name = _signal_name(code)
    return Death(
        exit_code=None if code == GONE else code,
        signal=name,
        words=_words(code, name),
        hint=_hint(name, footprint),
        stack=_stack(link, name),
        stderr=link.process.stderr() or None,
        last_output=last_output or None,
        lost=tuple(lost),
    )


def _signal_name(code: int) -> str | None:
    number = -code if -64 <= code < 0 else code - 128 if 128 < code <= 128 + 64 else None
    try:
        return signal.Signals(number).name if number is not None else None
    except ValueError:
        return f"signal {number}"


def _words(code: int, name: str | None) -> str:
    if code == GONE:
        return "its process is gone; it was not started here, so nobody knows how"
    if name is not None:
        return f"{name}, {SIGNALS.get(name, 'a signal')}"
    return f"it ended itself with exit code {code}" + (" (os._exit, quit() or a native exit)" if code >= 0 else "")


def _hint(name: str | None, footprint: Footprint) -> str | None:
    if name not in ("SIGKILL", "SIGABRT", "SIGSEGV", "SIGBUS"):
        return None
    figures = [f"the process had at most {footprint.peak // _MB:,} MB"] if footprint.peak else []
    if footprint.limit:
        figures.append(f"its control group may have {footprint.limit // _MB:,} MB")
    free = available()
    if free is not None:
        figures.append(f"{free // _MB:,} MB are free now")
    return "; ".join([_verdict(name, footprint), *figures]) if figures or name == "SIGKILL" else None


def _verdict(name: str, footprint: Footprint) -> str:
    kills = footprint.kills()
    if kills is not None and footprint.kills_before is not None and kills > footprint.kills_before:
        return f"out of memory: the control group counted {kills - footprint.kills_before} such kill(s) since the kernel began"
    if name != "SIGKILL":
        return "nothing points to a lack of memory" if kills is not None else "no count of out-of-memory kills here"
    if kills is not None:
        return "no out-of-memory kill was counted in its control group: somebody sent the signal"
    return "SIGKILL is often the out-of-memory killer; nothing here counts its kills"


def _stack(link: Link, name: str | None) -> str | None:
    """The stack a fatal signal left: in the recorder's file, else in ours."""
    if name is None or name == "SIGKILL":
        return None
    places = [Path(link.facts.segment).with_suffix(".fault")] if link.facts.segment else []
    for path in (*places, link.folder / "stacks.txt"):
        text = file_tail(path, 16_000)
        if "Fatal Python error" in text:
            return main_stack(text[text.rindex("Fatal Python error") :])
    return None
