"""What is done to all machines in turn: starting with the service, ending with the host."""

import asyncio
import itertools
import logging

from webvdi.base.errors import StateError, WebvdiError
from webvdi.broker.journal import Journal
from webvdi.broker.machines import Machines
from webvdi.broker.views import AtShutdown, MachineView
from webvdi.vmm.engine import Engine
from webvdi.vmm.errors import StillRunning
from webvdi.vmm.machine import MachineId, PowerState
from webvdi.vmm.rules import WITHOUT_PROCESS

logger = logging.getLogger(__name__)

MARGIN_S = 25.0
"""Kept back of a shutdown's time for saving who does not go: 2 GiB take 4-20 s to write."""


class Rounds:
    """Goes through the machines."""

    def __init__(self, machines: Machines, engine: Engine, journal: Journal) -> None:
        self._machines = machines
        self._engine = engine
        self._journal = journal

    async def autostart(self) -> None:
        """Start those that start with the service, in their order; never raises for one of them.

        Machines of equal order start together, the next ones when these have begun to run or
        failed to.
        """
        wanted = [view for view in await self._machines.list() if view.autostart is not None]
        wanted.sort(key=_order)
        for _, group in itertools.groupby(wanted, key=_order):
            await asyncio.gather(*(self._autostart(view) for view in group))

    async def _autostart(self, view: MachineView) -> None:
        try:
            view = await self._machines.settled(view.id)
            if "start" not in view.can:
                return
            await self._journal.note(view.id, "autostart", "It starts with the service.")
            await self._machines.do("start", view.id)
        except WebvdiError as error:  # the journal has it
            logger.warning("! %s did not start with the service: %s", view.name, error)

    async def shutdown(self, deadline_s: float, *, host: bool) -> None:
        """End or save every running machine within *deadline_s* seconds; each end is written down.

        In this order, as long as there is time: what the machine's setting says (save, or the
        power button); saving; the power switch, with disks flushed.  *host* is whether that is
        because the host shuts down.
        """
        ends = asyncio.get_running_loop().time() + deadline_s
        await self._machines.stop_making()  # else what has just been made would be started
        running = [view for view in await self._machines.list() if _has_process(view)]
        ending = _Ending(self._machines, self._engine, self._journal, ends, host=host)
        ended = await asyncio.gather(
            *(ending.end(view) for view in running), return_exceptions=True
        )
        for view, error in zip(running, ended, strict=True):
            if error is not None:  # a bug of ours, which must not keep the others running
                logger.error("! %s was not ended", view.name, exc_info=error)


class _Ending:
    """Ends machines until the loop's time *ends*."""

    def __init__(
        self, machines: Machines, engine: Engine, journal: Journal, ends: float, *, host: bool
    ) -> None:
        self._machines = machines
        self._engine = engine
        self._journal = journal
        self._ends = ends
        self._host = host
        """Whether the host shuts down; else somebody wants all machines to end."""
        self._now = "The host shuts down" if host else "webvdi shutdown stops all machines"
        self._then = "The host shut down" if host else "webvdi shutdown stopped all machines"

    async def end(self, view: MachineView) -> None:
        """End or save one; what keeps it from that is written down."""
        try:
            machine = await self._machines.engine_id(view.id)
            if view.at_shutdown == AtShutdown.SAVE and await self._save(view, machine):
                return
            if await self._ask(view, machine):
                return
            if await self._save(view, machine):
                return
            await self._switch_off(view, machine)
        except (WebvdiError, TimeoutError) as error:
            words = str(error) or "the time was up"
            await self._write(view, f"{self._now}, and it could not be ended: {words}")

    async def _ask(self, view: MachineView, machine: MachineId) -> bool:
        """Press the power button; whether the guest went."""
        left = self._ends - MARGIN_S - asyncio.get_running_loop().time()
        if left <= 0:
            return False
        try:
            operation = await self._engine.stop(machine, timeout_s=left, force=False)
            await operation.wait()
        except StillRunning:
            await self._note(view, f"{self._now}; the guest did not obey the power button.")
            return False
        except WebvdiError as error:
            await self._note(view, f"{self._now}; its power button did nothing: {error}")
            return False
        obeyed = "The host shut down; the guest was shut down before."
        await self._note(view, obeyed if self._host else "webvdi shutdown: the guest shut down.")
        return True

    async def _save(self, view: MachineView, machine: MachineId) -> bool:
        """Put its memory on disk; whether that went well."""
        try:
            operation = await self._engine.save(machine)
            await operation.wait(_left(self._ends - _LAST_S))
        except StateError:
            return (await self._engine.get(machine)).state in WITHOUT_PROCESS
        except TimeoutError:
            await self._note(view, f"{self._now}; saving its memory took too long.")
            return False
        except WebvdiError as error:
            await self._note(view, f"{self._now}; its memory was not saved: {error}")
            return False
        await self._note(view, f"{self._then}; its memory was saved, and a start continues.")
        return True

    async def _switch_off(self, view: MachineView, machine: MachineId) -> None:
        operation = await self._engine.stop(machine, graceful=False)
        await operation.wait(max(_LAST_S, _left(self._ends)))
        await self._note(view, f"{self._then}; it was switched off with its disks flushed.")

    async def _note(self, view: MachineView, text: str) -> None:
        """Write it down, after how the run ended."""
        status = await self._engine.get(await self._machines.engine_id(view.id))
        await self._journal.note_exit(view.id, status)
        await self._write(view, text)

    async def _write(self, view: MachineView, text: str) -> None:
        await self._journal.note(view.id, "shutdown" if self._host else "all_stopped", text)


_LAST_S = 5.0
"""Kept back for switching off, whatever the time is: less would be a silent kill by the host."""


def _left(ends: float) -> float:
    return max(0.0, ends - asyncio.get_running_loop().time())


def _order(view: MachineView) -> int:
    return -1 if view.autostart is None else view.autostart


def _has_process(view: MachineView) -> bool:
    return PowerState(view.state) not in WITHOUT_PROCESS
