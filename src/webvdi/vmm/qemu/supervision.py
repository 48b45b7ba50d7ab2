"""One machine: launched, adopted, watched, ended.

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
====================================  =====================================================
"""

import asyncio
import fcntl
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import IO, Any

from webvdi.base.tasks import TaskOwner
from webvdi.vmm.errors import LaunchFailed, MonitorLost
from webvdi.vmm.machine import (
    Acceleration,
    ExitReason,
    MachineExit,
    MachineId,
    MachineSpec,
    MachineStatus,
    PowerState,
)
from webvdi.vmm.operation import Verb
from webvdi.vmm.qemu import processes
from webvdi.vmm.qemu.exits import classify, state_after
from webvdi.vmm.qemu.host import QemuHost
from webvdi.vmm.qemu.launch import Launch, acceleration_of, launch
from webvdi.vmm.qemu.monitor import CommandRefused, Monitor
from webvdi.vmm.qemu.network import plug_commands
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.records import (
    ProcessId,
    boot_id,
    generation_of,
    process_of,
    read_record,
    write_record,
)
from webvdi.vmm.rules import OFF, require_screen, to_do

logger = logging.getLogger(__name__)

END_TIMEOUT_S = 15.0
"""After ``quit`` or SIGKILL: QEMU flushes its disks, the kernel frees its memory."""
SETTLE_TIMEOUT_S = 15.0
"""For a shepherd that is just being started by a process that died."""
SETTLE_TICK_S = 0.05
DYING_TIMEOUT_S = 2.0
"""Between QEMU's hanging up and its end on record: 0.01 s on an idle host."""
_INTERRUPTED = "webvdi ended in the middle of starting it"
_HOLDING = frozenset({PowerState.STARTING, PowerState.STOPPING})
"""States that we set and end ourselves, whatever QEMU reports meanwhile."""


@dataclass(frozen=True, slots=True)
class Intent:
    """An end that was asked for."""

    verb: Verb
    deadline: float
    """Unix time until which the guest may shut down by itself."""


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
    ) -> None:
        self.id = machine
        self.key = key
        self.spec = spec
        self.paths = paths
        self.status = MachineStatus(PowerState.STOPPED, 0, time.time())
        self._host = host
        self._on_change = on_change
        self._tasks = TaskOwner(f"machine {machine}")
        self._monitor = Monitor(spec.name, paths.qmp, self._on_event)
        self._qemu: ProcessId | None = None
        self._off = asyncio.Event()
        self._off.set()
        self._doomed = False
        """A kill came while it started."""
        self._picture = asyncio.Lock()

    async def close(self) -> None:
        """Let go of the machine; it runs on."""
        await self._tasks.close()
        await self._monitor.close()

    # Verbs ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Boot it."""
        if not to_do(Verb.START, self.status.state, self.spec.name):
            return
        self._doomed = False
        generation = self._newest_generation() + 1
        self._set(PowerState.STARTING, generation=generation, exit=None)
        try:
            await self._start(Launch(self.id, self.spec, generation, self.paths))
        except Exception as error:
            failure = await self._start_failed(error)
            if failure is error:
                raise
            raise failure from error

    async def _start(self, this: Launch) -> None:
        prepared = await self._host.prepare(self.id, self.spec)
        self._heed_doom()
        await launch(this, prepared)
        self._watch(this.generation)
        self._heed_doom()
        await self._monitor.connect()
        await self._let_go(this.generation)
        self._set(PowerState.RUNNING, detail=prepared.ram_why, acceleration=prepared.acceleration)

    async def stop(self, *, graceful: bool, timeout_s: float) -> None:
        """End it, asking the guest first if *graceful*."""
        if not to_do(Verb.STOP, self.status.state, self.spec.name):
            return
        carried_on = self.intent() is not None
        paused = self.status.state is PowerState.PAUSED
        if not carried_on:
            self._intend(Verb.STOP, timeout_s if graceful else 0.0)
        self._set(PowerState.STOPPING)
        try:
            if graceful and not carried_on:
                if paused:
                    await self._monitor.execute("cont")  # else the guest could not obey
                await self._monitor.execute("system_powerdown")
            if not (graceful and await self._ends_within(timeout_s)):
                await self._monitor.execute("quit")
        except (MonitorLost, CommandRefused) as error:
            # QEMU hangs up while it quits; otherwise the next lines end it all the same.
            logger.debug("! %s: while stopping: %s", self.spec.name, error)
        if not await self._ends_within(END_TIMEOUT_S):
            await self.kill(Verb.STOP)

    async def kill(self, verb: Verb = Verb.KILL) -> None:
        """End it by force, also in the middle of a start."""
        self._doomed = True
        if self.status.state in OFF:
            return
        self._intend(verb, 0.0)
        if self.status.state is not PowerState.STARTING:
            self._set(PowerState.STOPPING)
        if self._qemu is not None:
            processes.kill(self._qemu)
            if not await self._ends_within(END_TIMEOUT_S):
                raise MonitorLost(
                    f"the machine {self.spec.name} does not die: the kernel holds its process "
                    f"{self._qemu.pid}, perhaps for a file system that does not answer"
                )

    async def reset(self) -> None:
        """Press its reset button."""
        if to_do(Verb.RESET, self.status.state, self.spec.name):
            await self._monitor.execute("system_reset")

    async def pause(self) -> None:
        """Stop its CPUs."""
        if to_do(Verb.PAUSE, self.status.state, self.spec.name):
            await self._monitor.execute("stop")
            self._set(PowerState.PAUSED)

    async def resume(self) -> None:
        """Let its CPUs go on."""
        if to_do(Verb.RESUME, self.status.state, self.spec.name):
            await self._monitor.execute("cont")
            self._set(PowerState.RUNNING)

    async def screenshot(self) -> bytes:
        """What is on its screen."""
        self.require_screen("take a picture of")
        path = self.paths.screenshot
        async with self._picture:
            try:
                try:
                    await self._dump(format="png")
                except CommandRefused:
                    await self._dump()  # before QEMU 7.1, or built without PNG: a PPM
                return path.read_bytes()
            finally:
                path.unlink(missing_ok=True)

    async def _dump(self, **more: object) -> None:
        arguments = {"filename": str(self.paths.screenshot), **more}
        await self._monitor.execute("screendump", arguments)

    @property
    def running(self) -> bool:
        """Whether it has a process."""
        return self.status.state not in OFF

    def require_screen(self, what: str) -> None:
        """Raise :class:`~webvdi.base.errors.StateError` while there is no screen."""
        require_screen(what, self.status.state, self.spec.name)

    # Starting ---------------------------------------------------------------------------------

    async def _let_go(self, generation: int) -> None:
        """Plug the network card and let the first instruction run; may be repeated."""
        for command, arguments in plug_commands(self.spec.network, self.spec.profile, self.id):
            try:
                await self._monitor.execute(command, arguments)
            except CommandRefused as error:
                if "uplicate" not in str(error):  # it is there: an earlier try got this far
                    raise
        await self._monitor.execute("cont")
        write_record(self.paths.started, {"generation": generation, "when": time.time()})

    def _heed_doom(self) -> None:
        if self._doomed:
            raise LaunchFailed(f"the machine {self.spec.name} was killed while it started")

    async def _start_failed(self, error: Exception) -> Exception:
        """End what there is of it; the error to raise, with QEMU's words where it spoke."""
        generation = self.status.generation
        if self._qemu is None:
            # Without a launch.json there is no shepherd; with one there may be, or come to be.
            launched = read_record(self.paths.launch, generation) is not None
            if not launched:
                self._write_off(generation, str(error))
            if not launched or not await self._settled(generation, str(error)):
                return error
            self._watch(generation)
        # A dying QEMU hangs up before its end is written down.
        if not await self._ends_within(DYING_TIMEOUT_S):
            await self.kill(Verb.START)
            return error
        how = self.status.exit
        if self._doomed or how is None:
            return error
        return LaunchFailed(
            f"the machine {self.spec.name} did not start. {how.text}",
            exit_code=how.code,
            argv=(read_record(self.paths.launch, generation) or {}).get("argv", ()),
            output=(read_record(self.paths.ended, generation) or {}).get("words", ""),
        )

    # Ending -----------------------------------------------------------------------------------

    def intent(self) -> Intent | None:
        """The end that was asked for in this generation."""
        record = read_record(self.paths.intent, self.status.generation)
        if record is None:
            return None
        return Intent(Verb(record["verb"]), record["deadline"])

    def _intend(self, verb: Verb, timeout_s: float) -> None:
        record = {
            "generation": self.status.generation,
            "verb": verb,
            "deadline": time.time() + timeout_s,
        }
        write_record(self.paths.intent, record)

    async def _ends_within(self, timeout_s: float) -> bool:
        try:
            async with asyncio.timeout(timeout_s):
                await self._off.wait()
        except TimeoutError:
            return False
        return True

    def _watch(self, generation: int) -> None:
        """Begin to wait for the end of the processes that ``run.json`` names."""
        running = read_record(self.paths.running, generation)
        self._qemu = process_of(running, "qemu")
        self._off.clear()
        self._tasks.start(
            self._watch_end(generation, process_of(running, "shepherd"), self._qemu),
            name=f"watch {generation}",
        )

    async def _watch_end(
        self, generation: int, shepherd: ProcessId | None, qemu: ProcessId | None
    ) -> None:
        # The shepherd ends after QEMU, having written how; if it was killed, QEMU still runs.
        for process in (shepherd, qemu):
            if process is not None:
                await processes.ended(process)
        await self._monitor.close()
        self._ended(generation)

    def _ended(self, generation: int) -> None:
        """Read how this run ended, and tidy up what a killed shepherd could not."""
        running = read_record(self.paths.running, generation)
        how = classify(
            read_record(self.paths.ended, generation),
            intended=read_record(self.paths.intent, generation) is not None,
            started=read_record(self.paths.started, generation) is not None,
            rebooted=running is not None and running["boot_id"] != boot_id(),
        )
        if read_record(self.paths.ended, generation) is None:
            self._write_exit(generation, how)
        self._conclude(how)

    def _write_off(self, generation: int, words: str) -> None:
        """Record that this run never had a process, unless its end is on record."""
        if read_record(self.paths.ended, generation) is None:
            reason = ExitReason.REQUESTED if self._doomed else ExitReason.START_FAILED
            self._write_exit(generation, MachineExit(reason, words=words))
        self._ended(generation)

    def _write_exit(self, generation: int, how: MachineExit) -> None:
        record = {
            "generation": generation,
            "when": how.when or time.time(),
            "reason": how.reason,
            "words": how.words,
        }
        write_record(self.paths.ended, record)

    def _conclude(self, how: MachineExit) -> None:
        for path in self.paths.sockets:
            path.unlink(missing_ok=True)
        self._host.forget_ram(self.id)
        self._qemu = None
        since = how.when or time.time()
        self._set(state_after(how), since=since, exit=how, detail="", acceleration=None)
        self._off.set()

    # Adopting ---------------------------------------------------------------------------------

    async def adopt(self) -> None:
        """Find out where the machine is, and repair what was left half done."""
        generation = self._newest_generation()
        self.status = replace(self.status, generation=generation)
        if generation == 0:
            self._host.forget_ram(self.id)  # a first start may have got as far as that
            return
        if not await self._settled(generation, _INTERRUPTED):
            return
        running = read_record(self.paths.running, generation)
        roles = [process_of(running, "qemu"), process_of(running, "shepherd")]
        same_boot = running is not None and running["boot_id"] == boot_id()
        if not (same_boot and any(p is not None and p.alive() for p in roles)):
            self._ended(generation)
            return
        self._set(PowerState.RUNNING, **self._launched_with(generation))
        self._watch(generation)
        await self._adopt_running(generation)

    def give_up(self, error: Exception) -> None:
        """It could not be adopted; what it does is unknown, and the user reads why."""
        self._set(self.status.state, detail=f"its state could not be found out: {error}")

    async def _settled(self, generation: int, words: str) -> bool:
        """Whether there is a ``run.json`` of *generation*; if not, the start is written off.

        Waits for a shepherd that is about to write one.  As the lock is held while the start is
        written off, a shepherd that comes even later finds the exit that we leave, and goes.
        """
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        while True:
            with self.paths.lock.open("a") as lock:
                free = _try_lock(lock)
                if read_record(self.paths.running, generation) is not None:
                    return True
                if free:
                    self._write_off(generation, words)
                    return False
            if time.monotonic() > deadline:
                raise MonitorLost(f"the shepherd of the machine {self.spec.name} hangs")
            await asyncio.sleep(SETTLE_TICK_S)

    async def _adopt_running(self, generation: int) -> None:
        try:
            await self._monitor.connect()
            if read_record(self.paths.started, generation) is None:
                await self._let_go(generation)
            status = await self._monitor.execute("query-status")
        except (MonitorLost, CommandRefused) as error:
            if not self._off.is_set():
                logger.warning("! %s: adopted without its monitor: %s", self.spec.name, error)
                self._set(self.status.state, detail=str(error))
            return
        if not status["running"]:
            self._set(PowerState.PAUSED)
        if self.intent() is not None:
            self._set(PowerState.STOPPING)

    def _launched_with(self, generation: int) -> dict[str, Any]:
        record = read_record(self.paths.launch, generation)
        detail = record.get("detail", "") if record else ""
        how: Acceleration | None = acceleration_of(record)
        started = read_record(self.paths.started, generation)
        since = started["when"] if started else time.time()
        return {"detail": detail, "acceleration": how, "since": since}

    def _newest_generation(self) -> int:
        files = (self.paths.launch, self.paths.running, self.paths.ended)
        return max(generation_of(read_record(path)) for path in files)

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
                if data.get("reason") == "host-qmp-quit" and self.intent() is None:
                    self._intend(Verb.STOP, 0.0)  # somebody at the spare monitor wanted it
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


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
