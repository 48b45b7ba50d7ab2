"""Why a machine ended: a pure reading of what was left behind.

What QEMU 7.2 really does: a guest's power-off and QMP ``quit`` both give exit code 0 without a
word; SIGTERM, SIGINT and SIGHUP give exit code 0 and "terminating on signal N"; others kill.
So code 0 needs the *intent* and *asked* files, written before we ask QEMU or the guest to end, to
be told apart.
"""

import re
import signal as signals
from dataclasses import dataclass, replace

from webvdi.vmm.machine import ExitReason, MachineExit, PowerState
from webvdi.vmm.qemu.records import Record

MAX_WORDS = 600
"""Characters of QEMU's last words shown to a user: about five lines."""

_CRASHES = frozenset(
    {
        signals.SIGSEGV,
        signals.SIGABRT,
        signals.SIGBUS,  # also: the RAM file's file system ran full
        signals.SIGILL,
        signals.SIGFPE,
        signals.SIGSYS,  # the sandbox refused a system call
        signals.SIGTRAP,
    }
)
_INTERRUPTED = re.compile(r"terminating on signal (\d+)")
_NOISE = re.compile(
    r"module \S+ not found|warning: TCG doesn't support requested feature|"
    # slirp4netns speaks on the same pipe:
    r"^(sent|received) tapfd=|^exitfd event$|^do_slirp is exiting$|^WARNING: Support for seccomp"
)
_EXPECTED = frozenset(
    {
        ExitReason.REQUESTED,
        ExitReason.OVERDUE,
        ExitReason.SHUT_DOWN,
        ExitReason.GUEST_POWEROFF,
    }
)
"""Ends of which nobody needs QEMU's words."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What was wanted of a run at its end."""

    force: bool = False
    """It was to end in any case."""
    asked: bool = False
    """The guest was to shut down by itself, and its time was not up."""
    overdue_s: float | None = None
    """Its time was up: this long it had been.  It was forced then."""


def classify(ended: Record | None, *, wish: Wish, started: bool, rebooted: bool) -> MachineExit:
    """How a run ended.

    *ended* is the shepherd's ``exit.json`` of that run, *started* whether the guest had been let
    go, *rebooted* whether the host has booted since.
    """
    if ended is None:
        if wish.force:
            return _forced(wish)
        reason = ExitReason.HOST_REBOOTED if rebooted else ExitReason.UNKNOWN
        return MachineExit(reason)
    words = ended.get("words") or ""
    if "reason" in ended:  # written by us, for a run whose shepherd could not
        return MachineExit(ExitReason(ended["reason"]), ended.get("when"), words=words)
    code, signal = ended.get("code"), ended.get("signal")
    if signal is None and (found := _INTERRUPTED.search(words)):
        signal = int(found[1])
    reason = _reason(code, signal, wish, started=started)
    if reason is ExitReason.REQUESTED:
        return replace(_forced(wish), when=ended.get("when"), signal=signal, code=code)
    said = "" if reason in _EXPECTED else last_words(words)
    return MachineExit(reason, ended.get("when"), signal, code, said)


def _forced(wish: Wish) -> MachineExit:
    if wish.overdue_s is None:
        return MachineExit(ExitReason.REQUESTED)
    return MachineExit(ExitReason.OVERDUE, patience_s=wish.overdue_s)


def _reason(code: int | None, signal: int | None, wish: Wish, *, started: bool) -> ExitReason:
    if signal in _CRASHES:
        return ExitReason.CRASHED
    if wish.asked and signal is None and code == 0:
        return ExitReason.SHUT_DOWN
    if wish.force:
        return ExitReason.REQUESTED
    if signal is not None:
        return ExitReason.KILLED
    if not started:
        return ExitReason.START_FAILED
    return ExitReason.GUEST_POWEROFF if code == 0 else ExitReason.CRASHED


def state_after(how: MachineExit) -> PowerState:
    """The power state that an end leaves behind."""
    crashed = how.reason in (ExitReason.CRASHED, ExitReason.KILLED)
    return PowerState.CRASHED if crashed else PowerState.STOPPED


def last_words(text: str) -> str:
    """The end of what QEMU said, without its program name and without mere noise."""
    lines = [re.sub(r"^qemu-system-\S+: ", "", line.strip()) for line in text.splitlines()]
    kept = [line for line in lines if line and not _NOISE.search(line)]
    words = " / ".join(kept)
    return words if len(words) <= MAX_WORDS else "…" + words[1 - MAX_WORDS :]
