"""The files that describe a machine, and the identity of processes.

Every file is written whole or not at all (rename), holds one JSON object, and names the
*generation* it speaks about: one left over from an earlier run says nothing about this one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

Record: TypeAlias = Mapping[str, Any]
"""One JSON object, as read."""

MAX_RECORD_BYTES = 1 << 20
"""Our largest file is a command line with a tail of stderr, some 100 KiB."""


def write_record(path: Path, record: Record) -> None:
    """Put *record* into *path* so that a reader, or a power cut, finds the old or the new one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def read_record(path: Path, generation: int | None = None) -> Record | None:
    """What *path* holds; None if there is nothing, or nothing about *generation*."""
    try:
        with path.open("rb") as file:
            record = json.loads(file.read(MAX_RECORD_BYTES))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    if not isinstance(record, dict):
        return None
    if generation is not None and record.get("generation") != generation:
        return None
    return record


def generation_of(record: Record | None) -> int:
    """Which generation *record* speaks about; 0 for none."""
    generation = record.get("generation") if record else 0
    return generation if isinstance(generation, int) else 0


def boot_id() -> str:
    """Names this boot of the host: process numbers mean nothing after the next (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


@dataclass(frozen=True, slots=True)
class ProcessId:
    """A process that cannot be mistaken for a later one with the same number."""

    pid: int
    started: int
    """Clock ticks after boot (proc(5), stat field 22)."""

    def alive(self) -> bool:
        """Whether it still runs; a zombie does not."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        # The command name is in parentheses and may hold anything, also parentheses.
        fields = stat.rpartition(")")[2].split()
        return fields[0] not in "ZX" and int(fields[19]) == self.started


def process_of(record: Record | None, role: str) -> ProcessId | None:
    """The process that *record* (of the shepherd) names as *role*."""
    entry = record.get(role) if record else None
    if not isinstance(entry, dict):
        return None
    return ProcessId(int(entry["pid"]), int(entry["started"]))
