"""Processes of machines that are no more.

A delete ends a machine's processes before its directory goes, so there are none, unless somebody
removed the directory by hand or an end could not be waited for.  They are told by their command
lines, which name files below our state directory: another engine's never do.
"""

import asyncio
import logging
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.machine import MachineId
from webvdi.vmm.qemu import processes
from webvdi.vmm.qemu.argv import escaped
from webvdi.vmm.qemu.records import ProcessId

logger = logging.getLogger(__name__)

END_TIMEOUT_S = 15.0
"""The kernel frees their memory."""
_FILES = ("launch.json", "fence.json", "serial.log")
"""Named on the command lines of shepherd, fence and QEMU, in this order."""


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process and the machine that it belonged to."""

    machine: MachineId
    process: ProcessId


def find_orphans(
    machines: Path, known: Collection[str], proc: Path = Path("/proc")
) -> list[Orphan]:
    """Our processes that work for machines below *machines* which are not among *known*."""
    forms = "|".join({re.escape(str(machines)), re.escape(escaped(machines))})
    files = "|".join(map(re.escape, _FILES))
    names = re.compile(rf"(?:^|[\0=])(?:{forms})/([^/\0]+)/(?:{files})(?=[\0,]|$)")
    found = []
    for directory in proc.iterdir():
        if not directory.name.isdigit() or int(directory.name) == os.getpid():
            continue
        try:
            if directory.stat().st_uid != os.geteuid():
                continue
            line = (directory / "cmdline").read_bytes().decode(errors="surrogateescape")
            stat = (directory / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # it has just ended
        match = names.search(line)
        if match is not None and match[1] not in known:
            started = int(stat.rpartition(")")[2].split()[19])
            process = ProcessId(int(directory.name), started)
            found.append(Orphan(MachineId(match[1]), process))
    return found


async def end_orphans(orphans: Collection[Orphan]) -> None:
    """End them by force; what does not die within the limit is logged."""
    for orphan in orphans:
        logger.warning("! process %d works for no machine, ending it", orphan.process.pid)
        processes.kill(orphan.process)
    try:
        async with asyncio.timeout(END_TIMEOUT_S):
            for orphan in orphans:
                await processes.ended(orphan.process)
    except TimeoutError:
        logger.warning("! processes of machines that are gone do not die: %s", orphans)
