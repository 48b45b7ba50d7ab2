"""Does what people ask of machines, and writes down what came of it."""

import asyncio
from collections.abc import Callable

from webvdi.base.errors import Refused, WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.broker.catalogue import VERBS
from webvdi.broker.journal import Journal
from webvdi.broker.machine_records import MachineRecords
from webvdi.broker.making import Making
from webvdi.broker.refit import Refit
from webvdi.store import MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.errors import Overtaken
from webvdi.vmm.machine import MachineId, PowerState
from webvdi.vmm.operation import Operation

_WORDS = {
    "start": ("start", "started", "It was started."),
    "stop": ("stop", "exit", "It was stopped."),
    "kill": ("be switched off by force", "exit", "It was switched off."),
    "reset": ("be reset", "reset", "Its reset button was pressed."),
    "pause": ("be paused", "paused", "It was paused."),
    "resume": ("go on", "resumed", "It goes on."),
    "save": ("be saved", "saved", "Its memory was saved; the next start continues there."),
}
"""verb: (what it could not do, the journal's kind, the journal's words)."""


class Doing:
    """The verbs."""

    def __init__(
        self,
        engine: Engine,
        machines: MachineRecords,
        making: Making,
        refit: Refit,
        journal: Journal,
        on_change: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._machines = machines
        self._making = making
        self._refit = refit
        self._journal = journal
        self._on_change = on_change
        self._tasks = TaskOwner("doing")
        self._finishing: dict[Operation, asyncio.Task[None]] = {}
        """Who writes down what comes of each; several may have asked for one start."""

    async def close(self) -> None:
        """Wait for nothing any more; the engine goes on with what was begun."""
        await self._tasks.close()

    async def do(
        self, verb: str, ref: str, *, graceful: bool, timeout_s: float, force: bool
    ) -> str:
        """Do it and wait for the end; the machine's id.  See :meth:`Catalogue.do`."""
        if verb not in VERBS:
            raise Refused(f"there is no verb {verb!r}", reason="bad_request")
        record = await self._machines.ready(ref, verb)
        machine = await self._machines.engine_id(record.id)
        if verb == "start" and (await self._engine.get(machine)).state is PowerState.PAUSED:
            verb = "resume"  # whoever starts a machine wants it to run
        if verb == "start":
            operation = await self._start(record)
        else:
            operation = await self._begin(
                verb, machine, graceful=graceful, timeout_s=timeout_s, force=force
            )
        finishing = self._finishing.get(operation)
        if finishing is None:
            finishing = self._finishing[operation] = self._tasks.start(
                self._finish(record, verb, operation), name=f"{verb} {record.id}"
            )
        await asyncio.wait([finishing])
        if operation.error is not None:
            raise operation.error
        return record.id

    async def _start(self, record: MachineRecord) -> Operation:
        """Start it, made anew for what was changed since it ran."""
        async with self._making.lock(record.id):
            record = await self._machines.ready(record.id, "start")
            machine = await self._refit.before_start(record)
            return await self._engine.start(machine)

    async def _begin(
        self, verb: str, machine: MachineId, *, graceful: bool, timeout_s: float, force: bool
    ) -> Operation:
        match verb:
            case "stop":
                return await self._engine.stop(
                    machine, graceful=graceful, timeout_s=timeout_s, force=force
                )
            case "kill":
                return await self._engine.kill(machine)
            case "reset":
                return await self._engine.reset(machine)
            case "pause":
                return await self._engine.pause(machine)
            case "resume":
                return await self._engine.resume(machine)
            case _:
                return await self._engine.save(machine)

    async def _finish(self, record: MachineRecord, verb: str, operation: Operation) -> None:
        """Wait for an operation's end and write it down, also when its caller went away."""
        failed, kind, words = _WORDS[verb]
        try:
            await operation.wait()
            now = await self._engine.get(operation.machine)
        except Overtaken:
            pass  # no failure: what overtook it is written down
        except WebvdiError as error:
            await self._journal.note(record.id, "failed", f"It could not {failed}: {error}")
        else:
            if kind == "exit":
                await self._journal.note_exit(record.id, now)
            elif not operation.idle:
                await self._journal.note(record.id, kind, words)
        finally:
            self._finishing.pop(operation, None)
        self._on_change(record.id)
