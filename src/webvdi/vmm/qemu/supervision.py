"""One machine: launched, adopted, saved, ended.

Nothing here needs to survive.  Whatever point our process dies at, the files tell the next one
where the machine is (*run*, *started*, *intent* and *exit* count only if they speak of the
newest generation):

====================================  =====================================================
nothing                               never started
launch, no run, lock free             a start was interrupted: it is written off
run, processes alive, no started      QEMU waits before the first instruction: let it go
run, processes alive, started         it runs
the same with intent                  an end was under way: carry it on
run, QEMU dead, shepherd alive        the end is being written: wait for it
run, both dead, no exit               the shepherd was killed, or the host restarted
exit                                  it ended
processes alive, saving               a save was under way: it is undone
processes alive, saved                the save is done but for QEMU's end: end it
saved, of this run or a later start   it is saved, unless that start came to *started*
that did not come to *started*
====================================  =====================================================
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from webvdi.base.tasks import TaskOwner
from webvdi.vmm.errors import MachineError, MonitorLost, SaveFailed, StillRunning
from webvdi.vmm.machine import (
    ExitReason,
    MachineExit,
    MachineId,
    MachineSpec,
    MachineStatus,
    PowerState,
)
from webvdi.vmm.operation import Verb, overtaken
from webvdi.vmm.qemu import saved
from webvdi.vmm.qemu.exits import state_after
from webvdi.vmm.qemu.grace import Grace
from webvdi.vmm.qemu.host import QemuHost
from webvdi.vmm.qemu.launch import acceleration_of
from webvdi.vmm.qemu.monitor import CommandRefused, Monitor
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.records import read_record
from webvdi.vmm.qemu.run import END_TIMEOUT_S, Intent, Run
from webvdi.vmm.qemu.saving import Saver
from webvdi.vmm.qemu.serial import SerialLine
from webvdi.vmm.qemu.starting import DYING_TIMEOUT_S, Starter
from webvdi.vmm.rules import OFF, require_screen, to_do

logger = logging.getLogger(__name__)

_INTERRUPTED = "webvdi ended in the middle of starting it"
_HOLDING = frozenset({PowerState.STARTING, PowerState.STOPPING})
"""States that we set and end ourselves, whatever QEMU reports meanwhile."""


class QemuMachine:
    """A machine of this host.  Verbs are called one at a time, except :meth:`kill`."""

    def __init__(
        self,
        machine: MachineId,
        key: str,
        spec: MachineSpec,
        paths: MachinePaths,
        host: QemuHost,
        on_change: Callable[[MachineId, MachineStatus], None],
        *,
        created: float,
    ) -> None:
        """*created* is when it was made (Unix time): so long it has been off, until its start."""
        self.id = machine
        self.key = key
        self.spec = spec
        self.paths = paths
        self.status = MachineStatus(PowerState.STOPPED, 0, created)
        self._host = host
        self._on_change = on_change
        self._tasks = TaskOwner(f"machine {machine}")
        self._monitor = Monitor(spec.name, paths.qmp, self._on_event)
        self._serial = SerialLine(spec.name, paths.serial)
        self._run = Run(spec.name, paths, self._tasks, self._concluded)
        self.grace = Grace(self._run)
        self._saver = Saver(paths, self._run, self._monitor)
        self._starter = Starter(machine, paths, host, self._run, self._monitor)
        self._picture = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the machine; it runs on."""
        await self._tasks.close()
        await self._serial.close()
        await self._monitor.close()

    def redefine(self, spec: MachineSpec) -> None:
        """Be another machine from the next start on; it is off."""
        self.spec = spec
        self._monitor.name = self._serial.name = self._run.name = spec.name

    # Verbs ------------------------------------------------------------------------------------

    async def start(self) -> bool:
        """Boot it, or let it go on from where it was saved; False: it runs already."""
        if not to_do(Verb.START, self.status.state, self.spec.name):
            return False
        kept = saved.read(self.paths)
        if kept is None and self.status.state is PowerState.SAVED:
            raise saved.unusable(self.spec.name, f"{self.paths.saved} is gone")
        self._starter.doomed = False
        self._run.begin(self._run.newest_generation() + 1)
        self._set(PowerState.STARTING, generation=self._run.generation, exit=None)
        try:
            prepared = await self._starter.start(self.spec, kept)
        except Exception as error:
            failure = await self._start_failed(error)
            if failure is error:
                raise
            raise failure from error
        more = {"detail": prepared.ram_why, "acceleration": prepared.acceleration}
        self._set(PowerState.RUNNING, **more)
        return True

    async def _start_failed(self, error: Exception) -> Exception:
        failure = await self._starter.failed(error)
        if self.status.state is PowerState.SAVED:
            self._set(PowerState.SAVED, detail=str(failure))
        return failure

    async def stop(self, *, graceful: bool, timeout_s: float) -> None:
        """End it, asking the guest first if *graceful*."""
        await self._stop(graceful, timeout_s, patience_s=timeout_s if graceful else 0.0)

    async def carry_on(self, intent: Intent) -> None:
        """End it as a process before us had begun to."""
        left = intent.deadline - time.time()
        await self._stop(left > 0, left, patience_s=intent.patience_s)

    async def _stop(self, graceful: bool, timeout_s: float, *, patience_s: float) -> None:
        """See :meth:`stop`; *patience_s* is what the guest was given in all, 0 for nothing."""
        if not to_do(Verb.STOP, self.status.state, self.spec.name):
            return
        if self.status.state is PowerState.SAVED:
            await self._discard(Verb.STOP)
            return
        self._run.intend(Verb.STOP, timeout_s if graceful else 0.0, patience_s=patience_s)
        self._set(PowerState.STOPPING)
        try:
            if graceful:
                # A guest that is stopped could not obey; one that was asked before us, by an
                # engine that died, has no use for a second time, and does no harm.
                await self._monitor.execute("cont")
                await self._monitor.execute("system_powerdown")
            if not (graceful and await self.grace.heeded(timeout_s)):
                if patience_s and not self.grace.over:
                    self._run.intend(Verb.STOP, 0.0, patience_s=patience_s, overdue=True)
                elif graceful:  # cut short by whoever wants it off at once
                    self._run.intend(Verb.STOP, 0.0)
                await self._monitor.execute("quit")
        except (MonitorLost, CommandRefused) as error:
            # QEMU hangs up while it quits; otherwise the next lines end it all the same.
            logger.debug("! %s: while stopping: %s", self.spec.name, error)
        if not await self._run.ends_within(END_TIMEOUT_S):
            await self._run.kill()

    async def ask_to_stop(self, *, timeout_s: float) -> None:
        """Press its power button, and leave it running if it does not go within *timeout_s*.

        Raises :class:`~webvdi.vmm.errors.StillRunning`, :class:`~webvdi.vmm.errors.Overtaken`.
        """
        if not to_do(Verb.STOP, self.status.state, self.spec.name):
            return
        if self.status.state is PowerState.SAVED:
            await self._discard(Verb.STOP)
            return
        self._run.ask(timeout_s)
        self._set(PowerState.STOPPING)
        try:
            await self._monitor.execute("cont")  # a paused guest could not obey
            await self._monitor.execute("system_powerdown")
        except (MonitorLost, CommandRefused) as error:
            logger.debug("! %s: while asking it to stop: %s", self.spec.name, error)
        # No intent is on record: an engine that dies meanwhile has forced nothing.
        if await self.grace.heeded(timeout_s):
            return
        if self.grace.over:
            raise overtaken(Verb.STOP, Verb.STOP)
        self._set(PowerState.RUNNING)
        raise StillRunning(self.spec.name, timeout_s)

    async def kill(self, verb: Verb = Verb.KILL) -> None:
        """End it by force, also in the middle of a start."""
        self._starter.doomed = True
        if self.status.state in OFF:
            return
        if self.status.state is PowerState.SAVED:
            await self._discard(verb)
            return
        self._run.intend(verb, 0.0)
        if self.status.state is not PowerState.STARTING:
            self._set(PowerState.STOPPING)
        await self._run.kill()

    async def reset(self) -> None:
        """Press its reset button."""
        if to_do(Verb.RESET, self.status.state, self.spec.name):
            await self._monitor.execute("system_reset")

    async def pause(self) -> bool:
        """Stop its CPUs; False: they stand already."""
        if not to_do(Verb.PAUSE, self.status.state, self.spec.name):
            return False
        await self._monitor.execute("stop")
        self._set(PowerState.PAUSED)
        return True

    async def resume(self) -> bool:
        """Let its CPUs go on; False: they run already."""
        if not to_do(Verb.RESUME, self.status.state, self.spec.name):
            return False
        await self._monitor.execute("cont")
        saved.give_up(self.paths)  # of a save that could be undone no further than a pause
        self._set(PowerState.RUNNING)
        return True

    async def cut_save_short(self) -> None:
        """It is to be switched off: undo a save that is under way, if there is one.

        Without waiting for that; :meth:`stop` comes after it.
        """
        if self._saver.cut_short():
            self._run.intend(Verb.STOP, 0.0)  # whoever adopts it in the middle carries this on
            self._set(PowerState.STOPPING, detail="")

    async def save(self) -> bool:
        """Put its memory on disk, and end its process; False: it is saved already."""
        if not to_do(Verb.SAVE, self.status.state, self.spec.name):
            return False
        saved.require_room(self.spec, self.paths.state)
        before = self.status
        self._set(PowerState.STOPPING, detail="its memory is being written to disk")
        try:
            await self._saver.save(resume=before.state is PowerState.RUNNING)
        except Exception as error:
            if not self._saver.committed():
                raise await self._save_failed(before, error) from error
        await self._saver.finish()
        return True

    async def serial_write(self, data: bytes) -> None:
        """Send *data* to its serial port."""
        self.require_screen("write to the serial port of")
        self._serial.write(data)

    async def screenshot(self) -> bytes:
        """What is on its screen."""
        self.require_screen("take a picture of")
        path = self.paths.screenshot
        async with self._picture:
            try:
                await self._monitor.screendump(path)
                return path.read_bytes()
            finally:
                path.unlink(missing_ok=True)

    def unfinished(self) -> Intent | None:
        """An end that a process before us had begun and that is to be carried on."""
        intent = self._run.intent()
        if intent is None or intent.verb is Verb.DELETE:
            return intent
        # What is saved outlives the start that failed to make use of it.
        kept = self.status.state is PowerState.SAVED and intent.verb is Verb.START
        return None if kept or self.status.state in OFF else intent

    def require_screen(self, what: str) -> None:
        """Raise :class:`~webvdi.base.errors.StateError` while there is no screen."""
        require_screen(what, self.status.state, self.spec.name)

    # Saving and ending ------------------------------------------------------------------------

    async def _save_failed(self, before: MachineStatus, error: Exception) -> Exception:
        """Let it go on as it was *before*; the error to raise."""
        name = self.spec.name
        try:
            if not self._run.off:
                await self._saver.undo()
        except (MonitorLost, CommandRefused) as worse:
            if not await self._run.ends_within(DYING_TIMEOUT_S):
                why = f"it could not be saved ({error}), and it does not go on ({worse})"
                self._set(PowerState.PAUSED, detail=why)
                return MonitorLost(f"the machine {name} is paused: {why}; try to resume it")
        if self._run.off:
            how = self._run.how.text if self._run.how else ""
            return SaveFailed(f"the machine {name} ended while it was being saved. {how}")
        if self._run.intent() is not None:
            return SaveFailed(f"the machine {name} is being ended, and was not saved")
        self._set(before.state, detail=before.detail)
        return SaveFailed(f"the machine {name} could not be saved and goes on as before: {error}")

    async def _discard(self, verb: Verb) -> None:
        """Forget what is saved; the run is over then, as requested."""
        self._run.intend(verb, 0.0)
        await self._run.ended()

    async def _concluded(self, how: MachineExit) -> None:
        """Nothing of it runs any more: tidy up, and tell."""
        await self._monitor.close()
        await self._serial.close()
        self._host.forget_ram(self.id)
        kept, intent = saved.read(self.paths), self._run.intent()
        if kept is None or (intent is not None and intent.verb is not Verb.START):
            saved.discard(self.paths)
            state, since, end = state_after(how), how.when or time.time(), how
        else:
            saved.give_up(self.paths)
            saved.mark_disks(self.paths, kept, self.spec)
            state, since, end = PowerState.SAVED, kept.when, None
        self._set(state, since=since, exit=end, detail="", acceleration=None)

    # Adopting ---------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Find out where the machine is, and repair what was left half done."""
        run = self._run
        run.begin(run.newest_generation())
        self.status = replace(self.status, generation=run.generation)
        if run.generation == 0:
            self._host.forget_ram(self.id)  # a first start may have got as far as that
            return
        if not await run.settled(ExitReason.START_FAILED, _INTERRUPTED):
            return
        if not run.alive():
            await run.ended()
            return
        self._set(PowerState.RUNNING, **self._launched_with())
        run.watch()
        try:
            await self._adopt_running()
        except (MachineError, OSError) as error:
            await self._adopt_ill(error)

    async def _adopt_running(self) -> None:
        if self._saver.committed():
            self._set(PowerState.STOPPING)
            await self._saver.finish()
            return
        await self._monitor.connect()
        if saved.begun(self.paths, self._run.generation) is not None:
            await self._saver.undo()
        if read_record(self.paths.started, self._run.generation) is None:
            await self._starter.let_go(self.spec)
        status = await self._monitor.execute("query-status")
        if self._run.intent() is not None:
            self._set(PowerState.STOPPING)
        elif not status["running"]:
            self._set(PowerState.PAUSED)

    async def _adopt_ill(self, error: Exception) -> None:
        if self._run.off:
            return
        logger.warning("! %s: adopted without its monitor: %s", self.spec.name, error)
        started = read_record(self.paths.started, self._run.generation)
        if self._starter.restoring() and started is None and not self._saver.committed():
            await self._start_failed(error)  # what was saved is worth more than a try at it
        else:
            self._set(self.status.state, detail=str(error))

    def give_up(self, error: Exception) -> None:
        """It could not be adopted; what it does is unknown, and the user reads why."""
        self._set(self.status.state, detail=f"its state could not be found out: {error}")

    def _launched_with(self) -> dict[str, Any]:
        record = read_record(self.paths.launch, self._run.generation) or {}
        started = read_record(self.paths.started, self._run.generation)
        since = started["when"] if started else time.time()
        how = acceleration_of(record)
        return {"detail": record.get("detail", ""), "acceleration": how, "since": since}

    # Status -----------------------------------------------------------------------------------

    def _on_event(self, name: str, data: Mapping[str, Any]) -> None:
        """QEMU says that something happened."""
        logger.debug("< %s %s", self.spec.name, name)
        match name:
            case "STOP" if self.status.state not in _HOLDING:
                self._set(PowerState.PAUSED)
            case "RESUME" if self.status.state not in _HOLDING:
                self._set(PowerState.RUNNING)
            case "SHUTDOWN":
                asked = self._run.intent() is not None or self._saver.committed()
                if data.get("reason") == "host-qmp-quit" and not asked:
                    self._run.intend(Verb.STOP, 0.0)  # somebody at the spare monitor wanted it
                self._set(PowerState.STOPPING)
            case "BLOCK_IO_ERROR" if data.get("action") == "stop":
                self._set(self.status.state, detail=f"a disk failed: {data.get('reason')}")

    def _set(self, state: PowerState, **changes: Any) -> None:
        """Enter *state*, and tell if that is news."""
        if state is not self.status.state:
            changes.setdefault("since", time.time())
        status = replace(self.status, state=state, **changes)
        if status == self.status:
            return
        self.status = status
        logger.info("= %s %s (generation %d)", self.spec.name, state, status.generation)
        self._on_change(self.id, status)
