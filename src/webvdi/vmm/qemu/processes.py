"""Processes that are not our children: waiting for their end, and ending them.

A *pidfd* names one process for good, so neither waiting nor killing can hit a later process with
the same number.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator

from webvdi.vmm.qemu.records import ProcessId


@contextlib.contextmanager
def _opened(process: ProcessId) -> Iterator[int | None]:
    """A pidfd of *process*, or None if it has ended."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        # Only now: the number may have been given to another process before we opened it.
        yield fd if process.alive() else None
    finally:
        os.close(fd)


async def ended(process: ProcessId) -> None:
    """Wait until *process* has ended; at once if it has."""
    with _opened(process) as fd:
        if fd is None:
            return
        loop = asyncio.get_running_loop()
        gone = asyncio.Event()
        loop.add_reader(fd, gone.set)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(fd)


def kill(process: ProcessId) -> None:
    """Send SIGKILL to *process*; nothing happens if it has ended."""
    with _opened(process) as fd:
        if fd is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(fd, signal.SIGKILL)
