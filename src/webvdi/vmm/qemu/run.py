"""The newest run of a machine: its processes, watched to their end, and why they ended.

All of it is read from the machine's files, so that it does not matter which of our processes
began the run.  A run is named by its generation; files about another one say nothing.
"""

import asyncio
import fcntl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import IO

from webvdi.base.tasks import TaskOwner
from webvdi.vmm.errors import MonitorLost
from webvdi.vmm.machine import ExitReason, MachineExit
from webvdi.vmm.operation import Verb
from webvdi.vmm.qemu import processes
from webvdi.vmm.qemu.exits import Wish, classify
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.records import (
    ProcessId,
    boot_id,
    generation_of,
    process_of,
    read_record,
    write_record,
)

END_TIMEOUT_S = 15.0
"""After ``quit`` or SIGKILL: QEMU flushes its disks, the kernel frees its memory."""
SETTLE_TIMEOUT_S = 15.0
"""For a shepherd that is just being started by a process that died."""
SETTLE_TICK_S = 0.05
LATE_S = 60.0
"""A guest that goes so long after its time was up still does what it was asked to."""


@dataclass(frozen=True, slots=True)
class Intent:
    """An end that was asked for."""

    verb: Verb
    """START is the end of a start that failed."""
    deadline: float
    """Unix time until which the guest may shut down by itself."""
    patience_s: float = 0.0
    """How long it was given for that; 0 where it was not asked."""
    overdue: bool = False
    """That was not enough: it is being switched off."""


class Run:
    """A run; *on_end* is called, and awaited, when nothing of it runs any more."""

    def __init__(
        self,
        name: str,
        paths: MachinePaths,
        tasks: TaskOwner,
        on_end: Callable[[MachineExit], Awaitable[None]],
    ) -> None:
        self.name = name
        self.generation = 0
        self.how: MachineExit | None = None
        """How it ended; None while it has not, or nobody has looked."""
        self._paths = paths
        self._tasks = tasks
        self._on_end = on_end
        self._qemu: ProcessId | None = None
        self._off = asyncio.Event()
        self._off.set()

    def begin(self, generation: int) -> None:
        """Be about another run."""
        self.generation = generation
        self.how = None

    def newest_generation(self) -> int:
        """The generation that the files speak of; 0 is never started."""
        files = (self._paths.launch, self._paths.running, self._paths.ended)
        return max(generation_of(read_record(path)) for path in files)

    # Processes --------------------------------------------------------------------------------

    @property
    def watched(self) -> bool:
        """Whether it is known to have a process."""
        return self._qemu is not None

    @property
    def off(self) -> bool:
        """Whether all that ran has ended."""
        return self._off.is_set()

    def alive(self) -> bool:
        """Whether any process that ``run.json`` names lives; not the likes of it after a boot."""
        running = read_record(self._paths.running, self.generation)
        if running is None or running["boot_id"] != boot_id():
            return False
        named = [process_of(running, role) for role in ("qemu", "shepherd")]
        return any(process is not None and process.alive() for process in named)

    def watch(self) -> None:
        """Begin to wait for the end of the processes that ``run.json`` names."""
        running = read_record(self._paths.running, self.generation)
        self._qemu = process_of(running, "qemu")
        self._off.clear()
        self._tasks.start(
            self._watch_end(process_of(running, "shepherd"), self._qemu),
            name=f"watch {self.generation}",
        )

    async def _watch_end(self, shepherd: ProcessId | None, qemu: ProcessId | None) -> None:
        # The shepherd ends after QEMU, having written how; if it was killed, QEMU still runs.
        for process in (shepherd, qemu):
            if process is not None:
                await processes.ended(process)
        await self.ended()

    async def wait_off(self) -> None:
        """Wait, for ever if need be, until all that ran has ended."""
        await self._off.wait()

    async def ends_within(self, timeout_s: float) -> bool:
        """Wait for the end; whether it came."""
        try:
            async with asyncio.timeout(timeout_s):
                await self.wait_off()
        except TimeoutError:
            return False
        return True

    async def kill(self) -> None:
        """End the process by force.  Raises :class:`~webvdi.vmm.errors.MonitorLost`."""
        if self._qemu is None:
            return
        pid = self._qemu.pid
        processes.kill(self._qemu)
        if not await self.ends_within(END_TIMEOUT_S):
            raise MonitorLost(
                f"the machine {self.name} does not die: the kernel holds its process {pid}, "
                "perhaps for a file system that does not answer"
            )

    # The end ----------------------------------------------------------------------------------

    def intent(self) -> Intent | None:
        """The end that was asked for."""
        record = read_record(self._paths.intent, self.generation)
        if record is None:
            return None
        return Intent(
            Verb(record["verb"]),
            record["deadline"],
            record.get("patience_s", 0.0),  # both are newer than the file
            record.get("overdue", False),
        )

    def intend(
        self, verb: Verb, timeout_s: float, *, patience_s: float = 0.0, overdue: bool = False
    ) -> None:
        """Note that the end is asked for, before it is; see :class:`Intent`."""
        record = {
            "generation": self.generation,
            "verb": verb,
            "deadline": time.time() + timeout_s,
            "patience_s": patience_s,
            "overdue": overdue,
        }
        write_record(self._paths.intent, record)

    def ask(self, timeout_s: float) -> None:
        """Note that the guest is asked to shut down and not forced to, before it is."""
        record = {"generation": self.generation, "until": time.time() + timeout_s + LATE_S}
        write_record(self._paths.asked, record)

    def _wish(self, when: float) -> Wish:
        """What was wanted of the run, which ended at *when*."""
        intent = self.intent()
        if intent is None:
            asked = read_record(self._paths.asked, self.generation)
            return Wish(asked=asked is not None and when <= asked["until"])
        if intent.overdue:
            return Wish(force=True, overdue_s=intent.patience_s)
        return Wish(force=True, asked=intent.patience_s > 0)

    async def ended(self) -> None:
        """Read how it ended, and write down what a killed shepherd could not."""
        running = read_record(self._paths.running, self.generation)
        ended = read_record(self._paths.ended, self.generation)
        how = classify(
            ended,
            wish=self._wish((ended or {}).get("when") or time.time()),
            started=read_record(self._paths.started, self.generation) is not None,
            rebooted=running is not None and running["boot_id"] != boot_id(),
        )
        if ended is None:
            self._write_exit(how)
        await self._conclude(how)

    async def write_off(self, reason: ExitReason, words: str) -> None:
        """Record that this run never had a process, unless its end is on record."""
        if read_record(self._paths.ended, self.generation) is None:
            self._write_exit(MachineExit(reason, words=words))
        await self.ended()

    def _write_exit(self, how: MachineExit) -> None:
        record = {
            "generation": self.generation,
            "when": how.when or time.time(),
            "reason": how.reason,
            "words": how.words,
        }
        write_record(self._paths.ended, record)

    async def _conclude(self, how: MachineExit) -> None:
        self._qemu = None
        self.how = how
        for path in self._paths.sockets:
            path.unlink(missing_ok=True)
        await self._on_end(how)
        self._off.set()

    async def settled(self, reason: ExitReason, words: str) -> bool:
        """Whether there is a ``run.json``; if not, the start is written off with *words*.

        Waits for a shepherd that is about to write one.  As the lock is held while the start is
        written off, a shepherd that comes even later finds the exit that we leave, and goes.
        Raises :class:`~webvdi.vmm.errors.MonitorLost`.
        """
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            with self._paths.lock.open("a") as lock:
                free = _try_lock(lock)
                if read_record(self._paths.running, self.generation) is not None:
                    return True
                if free:
                    await self.write_off(reason, words)
                    return False
            if time.monotonic() > deadline:
                raise MonitorLost(f"the shepherd of the machine {self.name} hangs")
            await asyncio.sleep(SETTLE_TICK_S)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
