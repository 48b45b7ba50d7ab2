"""What processes take, as the kernel counts it (proc(5)): processor time, wake-ups, memory."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import cpu_seconds


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, or of several together, in MiB."""

    pss: float
    """What is theirs: a page that several share counts in parts, so sums mean something."""
    rss: float
    """What they see: pages that are shared count in full, in each."""

    def __add__(self, other: "Memory") -> "Memory":
        return Memory(self.pss + other.pss, self.rss + other.rss)


NO_MEMORY = Memory(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Count:
    """What some processes have taken so far."""

    cpu_s: float
    wake_ups: int
    """Times that one of their threads went to sleep, and so was woken: timers show here."""


def parse_rollup(text: str) -> Memory:
    """The text of /proc/PID/smaps_rollup.  Raises ValueError where it lacks a figure."""
    found = dict(re.findall(r"^(Rss|Pss):\s+(\d+) kB$", text, re.MULTILINE))
    if len(found) != 2:
        raise ValueError(f"no Rss and Pss in {text!r}")
    return Memory(int(found["Pss"]) / 1024, int(found["Rss"]) / 1024)


def parse_wake_ups(status: str) -> int:
    """The voluntary context switches in the text of /proc/PID/task/TID/status."""
    found = re.search(r"^voluntary_ctxt_switches:\s+(\d+)$", status, re.MULTILINE)
    return int(found[1]) if found else 0


def memory_of(pids: Sequence[int]) -> Memory:
    """Of all of them together; one that has ended takes nothing."""
    total = NO_MEMORY
    for pid in pids:
        try:
            total += parse_rollup(Path(f"/proc/{pid}/smaps_rollup").read_text())
        except (OSError, ValueError):  # it ended, before or while we read
            continue
    return total


def count_of(pids: Sequence[int]) -> Count:
    """What their living threads have taken since they began."""
    wake_ups = 0
    for pid in pids:
        for status in Path(f"/proc/{pid}/task").glob("*/status"):
            try:
                wake_ups += parse_wake_ups(status.read_text())
            except OSError:
                continue
    return Count(cpu_seconds(pids), wake_ups)


@dataclass(frozen=True, slots=True)
class Share:
    """What processes of one kind took in one window."""

    cpu_percent: float
    """Of one core."""
    wake_ups: float
    """A second."""


def share(before: Count, after: Count, seconds: float) -> Share:
    """What was taken in between.  A thread that ended took its count along: never below zero."""
    return Share(
        100 * max(0.0, after.cpu_s - before.cpu_s) / seconds,
        max(0, after.wake_ups - before.wake_ups) / seconds,
    )


def named_workers(
    before: Mapping[int, str], children: Sequence[int], *, hired: bool = False
) -> dict[int, str]:
    """What each child of the router is, from what they were *before*.

    There is always one spare.  With *hired*, the one there was serves a session by now, and the
    youngest newcomer took its place; any other newcomer looks after thumbnails.
    """
    named = {pid: before[pid] for pid in children if pid in before}
    if hired:
        named |= {pid: "session worker" for pid, kind in named.items() if kind == "spare"}
    for pid in sorted((pid for pid in children if pid not in before), reverse=True):
        named[pid] = "lookout" if "spare" in named.values() else "spare"
    return named
