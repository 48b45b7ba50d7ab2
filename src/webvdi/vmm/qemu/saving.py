"""Saving a running machine, and undoing a save that did not come to its end.

Until ``saved.json`` is there the running QEMU is the machine, and it is let go again if anything
fails; from then on the file is, and that QEMU must never run its guest again.  So at no point
are both lost, and at no point do both live.
"""

import asyncio
import os

from webvdi.vmm.errors import MonitorLost, SaveFailed
from webvdi.vmm.qemu import migration, saved
from webvdi.vmm.qemu.monitor import CommandRefused, Monitor
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.records import read_record
from webvdi.vmm.qemu.run import END_TIMEOUT_S, Run
from webvdi.vmm.qemu.starting import DYING_TIMEOUT_S


class Saver:
    """Saves one machine; its methods are called one at a time."""

    def __init__(self, paths: MachinePaths, run: Run, monitor: Monitor) -> None:
        self._paths = paths
        self._run = run
        self._monitor = monitor
        self._cut: asyncio.Future[None] | None = None
        """Of the save under way; done when it is to be given up."""

    def committed(self) -> bool:
        """Whether this run is saved, so that its guest must not run any more."""
        kept = saved.read(self._paths)
        return kept is not None and kept.generation == self._run.generation

    def cut_short(self) -> bool:
        """Let a save that is under way fail soon; False where there is none."""
        if self._cut is None:
            return False
        if not self._cut.done():
            self._cut.set_result(None)
        return True

    async def save(self, *, resume: bool) -> None:
        """Stop the guest and put it on disk; it is to run again if that fails and *resume*.

        On an error nothing is undone yet.  Raises :class:`~webvdi.vmm.errors.SaveFailed`,
        ``MigrationFailed``, ``MonitorLost``, ``CommandRefused``, :class:`OSError`.
        """
        self._cut = asyncio.get_running_loop().create_future()
        try:
            await self._save(self._cut, resume=resume)
        finally:
            self._cut = None

    async def _save(self, cut: asyncio.Future[None], *, resume: bool) -> None:
        generation = self._run.generation
        launched = read_record(self._paths.launch, generation)
        builder = saved.builder_of(launched, self._run.name)
        saved.begin(self._paths, generation, resume=resume)
        if resume:
            await self._monitor.execute("stop")
        fd = saved.open_new(self._paths.saved_state_new)
        try:
            await migration.write_out(self._monitor, fd, cut)
            await _synced(fd, cut)
            if cut.done() or self._run.intent() is not None or self._run.off:
                raise SaveFailed("it was ended meanwhile")
            # Not in the thread: nobody may close us in the middle and undo what gets done.
            saved.commit(self._paths, generation, builder, os.fstat(fd).st_size)
        finally:
            os.close(fd)

    async def undo(self) -> None:
        """Let the guest be as it was before :meth:`save`; may be repeated.

        Raises ``MonitorLost``, ``CommandRefused``.
        """
        note = saved.begun(self._paths, self._run.generation)
        ending = self._run.intent() is not None
        await migration.cancel(
            self._monitor, migration.CANCEL_IN_HASTE_S if ending else migration.CANCEL_TIMEOUT_S
        )
        self._paths.saved_state.unlink(missing_ok=True)
        if note is not None and note["resume"]:
            await self._monitor.execute("cont")
        saved.give_up(self._paths)

    async def finish(self) -> None:
        """End the QEMU of a run that is committed.  Raises ``MonitorLost``."""
        patience_s = END_TIMEOUT_S
        try:
            await self._monitor.execute("quit")
        except (MonitorLost, CommandRefused):
            patience_s = DYING_TIMEOUT_S  # its disks were flushed and let go with its memory
        if not await self._run.ends_within(patience_s):
            await self._run.kill()


async def _synced(fd: int, cut: asyncio.Future[None]) -> None:
    """Wait until what was written is on the disk, or *cut* is done.

    Raises ``MigrationFailed``, :class:`OSError`.
    """
    synced = asyncio.get_running_loop().run_in_executor(None, os.fsync, fd)
    await asyncio.wait(
        [synced, cut], timeout=migration.STALL_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
    )
    if synced.done():
        synced.result()
        return
    # The thread cannot be called back; what comes of it is nothing to us any more.
    synced.cancel()
    why = migration.CUT_SHORT if cut.done() else "the disk does not take it in"
    raise migration.MigrationFailed(why)
