"""QEMU's memory and devices, out to a file and in again, over QMP.

The file is handed over as a descriptor (``getfd``, ``fd:``): QEMU needs no right to open it and
starts no program, as ``exec:`` would.  The network card is plugged before the state comes in, as
it was before the guest's first instruction, so both sides have the same devices.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

from webvdi.vmm.errors import MachineError
from webvdi.vmm.qemu.monitor import Monitor

logger = logging.getLogger(__name__)

FD_NAME = "saved"
UNLIMITED = 1 << 40
"""Bytes a second; QEMU's own limit of 128 MiB/s is for networks."""
STALL_TIMEOUT_S = 60.0
"""Without a byte of progress: a disk that sleeps, or a file system that does not answer."""
CANCEL_TIMEOUT_S = 5.0
"""A cancelled migration ends when its thread comes back from its write."""
CANCEL_IN_HASTE_S = 1.0
"""Before QEMU is told to quit, which cancels once more, and flushes the disks either way."""
TICK_S = 0.03
"""Between questions about the progress; there are a hundred in the slowest save."""

CUT_SHORT = "it was cut short"

_OVER = frozenset({"completed", "failed", "cancelled"})
_UNDER_WAY = frozenset({"setup", "active", "device", "cancelling", "pre-switchover", "wait-unplug"})


class MigrationFailed(MachineError):
    """QEMU did not bring its state out or in; its words."""


async def write_out(monitor: Monitor, fd: int, cut: asyncio.Future[None]) -> None:
    """Write the state of a QEMU whose guest is stopped to *fd*, unless *cut* is done before.

    The guest stays stopped; what was cut short is to be cancelled.  Raises
    :class:`MigrationFailed`, ``CommandRefused``, ``MonitorLost``.
    """
    if await run_state(monitor) == "postmigrate":
        # QEMU refuses a second migration of the same moment (an earlier save was not completed).
        await monitor.execute("cont")
        await monitor.execute("stop")
    await monitor.hand_over(fd, FD_NAME)
    await monitor.execute("migrate-set-parameters", {"max-bandwidth": UNLIMITED})
    await monitor.execute("migrate", {"uri": f"fd:{FD_NAME}"})
    await _finished(monitor, cut)


async def read_in(monitor: Monitor, fd: int) -> None:
    """Let a QEMU that waits for a state read it from *fd*; may be repeated.

    The guest stays stopped.  QEMU ends where the state makes no sense to it.  Raises as
    :func:`write_out`.
    """
    if await run_state(monitor) != "inmigrate":
        return  # it has read it already
    if (await _progress(monitor)).get("status") is None:
        await monitor.hand_over(fd, FD_NAME)
        await monitor.execute("migrate-incoming", {"uri": f"fd:{FD_NAME}"})
    await _finished(monitor)


async def cancel(monitor: Monitor, timeout_s: float) -> None:
    """Let QEMU write its state no further; a write that hangs may outlast this call.

    The guest can run again either way.  Raises ``MonitorLost``, ``CommandRefused``.
    """
    deadline = time.monotonic() + timeout_s
    while (await _progress(monitor)).get("status") in _UNDER_WAY:
        await monitor.execute("migrate_cancel")
        if time.monotonic() > deadline:
            logger.warning("! a QEMU hangs in writing its state; its disk may not answer")
            return
        await asyncio.sleep(TICK_S)


async def run_state(monitor: Monitor) -> str:
    """QEMU's own word for what it is doing, such as ``running`` or ``postmigrate``."""
    return str((await monitor.execute("query-status"))["status"])


async def _progress(monitor: Monitor) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = await monitor.execute("query-migrate")
    return answer


async def _finished(monitor: Monitor, cut: asyncio.Future[None] | None = None) -> None:
    moved, deadline = -1, time.monotonic() + STALL_TIMEOUT_S
    while True:
        answer = await _progress(monitor)
        status = answer.get("status")
        if status == "completed":
            return
        if status in _OVER:
            raise MigrationFailed(str(answer.get("error-desc") or f"QEMU says {status}"))
        if cut is not None and cut.done():
            raise MigrationFailed(CUT_SHORT)
        now = time.monotonic()
        transferred = answer.get("ram", {}).get("transferred", 0)
        if transferred != moved:
            moved, deadline = transferred, now + STALL_TIMEOUT_S
        if now > deadline:
            raise MigrationFailed(f"nothing moved for {STALL_TIMEOUT_S:.0f} s")
        await asyncio.sleep(TICK_S)
