"""Starting a machine, and clearing away a start that failed."""

import os
import time

from webvdi.vmm.errors import LaunchFailed, RestoreFailed
from webvdi.vmm.machine import ExitReason, MachineExit, MachineId, MachineSpec
from webvdi.vmm.operation import Verb
from webvdi.vmm.qemu import migration, saved
from webvdi.vmm.qemu.host import Preparation, QemuHost
from webvdi.vmm.qemu.launch import Launch, launch
from webvdi.vmm.qemu.monitor import CommandRefused, Monitor
from webvdi.vmm.qemu.network import plug_commands
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.records import read_record, write_record
from webvdi.vmm.qemu.run import Run

DYING_TIMEOUT_S = 2.0
"""Between QEMU's hanging up and its end on record: 0.01 s on an idle host."""


class Starter:
    """Starts one machine; its methods are called one at a time."""

    def __init__(
        self, machine: MachineId, paths: MachinePaths, host: QemuHost, run: Run, monitor: Monitor
    ) -> None:
        self.doomed = False
        """A kill came while it started."""
        self._machine = machine
        self._paths = paths
        self._host = host
        self._run = run
        self._monitor = monitor

    async def start(self, spec: MachineSpec, kept: saved.Saved | None) -> Preparation:
        """Boot the run that has been begun, or let it go on from what was *kept*.

        On an error nothing is cleared away yet.
        """
        if kept is not None:
            saved.require_usable(kept, self._paths, spec)
        prepared = await self._host.prepare(self._machine, spec, kept)
        self._heed_doom()
        await launch(Launch(self._machine, spec, self._run.generation, self._paths), prepared)
        self._run.watch()
        self._heed_doom()
        await self._monitor.connect()
        await self.let_go(spec)
        return prepared

    def _heed_doom(self) -> None:
        if self.doomed:
            raise LaunchFailed(f"the machine {self._run.name} was killed while it started")

    async def let_go(self, spec: MachineSpec) -> None:
        """Plug the network card and let the guest run; may be repeated."""
        for command, arguments in plug_commands(spec.network, spec.profile, self._machine):
            try:
                await self._monitor.execute(command, arguments)
            except CommandRefused as error:
                if "uplicate" not in str(error):  # it is there: an earlier try got this far
                    raise
        if self.restoring():
            fd = os.open(self._paths.saved_state, os.O_RDONLY | os.O_CLOEXEC)
            try:
                await migration.read_in(self._monitor, fd)
            finally:
                os.close(fd)
        await self._monitor.execute("cont")
        record = {"generation": self._run.generation, "when": time.time()}
        write_record(self._paths.started, record)
        saved.discard(self._paths)  # void by now

    def restoring(self) -> bool:
        """Whether the newest run goes on from a saved one."""
        launched = read_record(self._paths.launch, self._run.generation)
        return launched is not None and launched.get("incoming") is True

    async def failed(self, error: Exception) -> Exception:
        """End what there is of the run; the error to raise, with QEMU's words where it spoke."""
        how = await self._cleared(str(error))
        told = how is not None and how.reason is not ExitReason.REQUESTED
        ended = read_record(self._paths.ended, self._run.generation) or {}
        words = ended.get("words", "")
        if self.restoring():
            if isinstance(error, RestoreFailed) or self.doomed:
                return error
            why = how.text if told and how is not None else str(error)
            return saved.unusable(self._run.name, why, output=words)
        if not told or how is None:
            return error
        launched = read_record(self._paths.launch, self._run.generation) or {}
        return LaunchFailed(
            f"the machine {self._run.name} did not start. {how.text}",
            exit_code=how.code,
            argv=launched.get("argv", ()),
            output=words,
        )

    async def _cleared(self, words: str) -> MachineExit | None:
        """How QEMU ended, where it did so by itself; None if it never began or was ended."""
        run = self._run
        if not run.watched and run.how is None:
            reason = ExitReason.REQUESTED if self.doomed else ExitReason.START_FAILED
            # Without a launch.json there is no shepherd; with one there may be, or come to be.
            if read_record(self._paths.launch, run.generation) is None:
                await run.write_off(reason, words)
                return None
            if not await run.settled(reason, words):
                return None
            run.watch()
        # A dying QEMU hangs up before its end is written down.
        if not await run.ends_within(DYING_TIMEOUT_S):
            if not self.doomed:
                run.intend(Verb.START, 0.0)
            await run.kill()
            return None
        return None if self.doomed else run.how
