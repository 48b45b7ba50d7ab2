"""Operations of an engine: one after the other on each machine, some overtaking."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from typing import TypeAlias

from webvdi.base.errors import WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.vmm.errors import MonitorLost
from webvdi.vmm.machine import MachineId
from webvdi.vmm.operation import Operation, Verb, overtaken

Act: TypeAlias = Callable[[], Awaitable[bool | None]]
"""What an operation does; its exception is the operation's error.

False means that there was nothing to do.
"""


class Operations:
    """Those that are pending."""

    def __init__(self) -> None:
        self._tasks = TaskOwner("qemu-engine")
        self._queues: dict[MachineId, asyncio.Lock] = {}
        self._pending: dict[Operation, None] = {}

    async def close(self) -> None:
        """End them all, unfinished."""
        await self._tasks.close()
        for operation in list(self._pending):
            operation.fail(MonitorLost(f"the engine was closed during the {operation.verb}"))
        self._pending.clear()

    def on(self, machine: MachineId) -> list[Operation]:
        """Those on *machine*, in order of the calls."""
        return [operation for operation in self._pending if operation.machine == machine]

    def forget(self, machine: MachineId) -> None:
        """There will be none on *machine* any more."""
        self._queues.pop(machine, None)

    def begin(self, verb: Verb, machine: MachineId, act: Act) -> Operation:
        """Do *act* when it is its turn."""
        operation = Operation(verb, machine)
        self._pending[operation] = None
        self._tasks.start(self._run(operation, act), name=f"{verb} {machine}")
        return operation

    def overtake(
        self,
        verb: Verb,
        machine: MachineId,
        at_once: Act,
        in_turn: Act,
        *,
        victims: Collection[Verb] = frozenset(Verb),
        meanwhile: AbstractContextManager[None] | None = None,
    ) -> Operation:
        """Do *at_once* now and *in_turn* after what is under way; *victims* that wait fail.

        *meanwhile* is held from before *at_once* until the operation is over.
        """
        operation = Operation(verb, machine)
        waiting = self.on(machine)
        self._pending[operation] = None
        for other in waiting:
            if other.verb is not verb and other.verb in victims:
                self._fail(other, overtaken(other.verb, verb))
        run = self._run_at_once(operation, at_once, in_turn, meanwhile or nullcontext())
        self._tasks.start(run, name=f"{verb} {machine}")
        return operation

    async def _run_at_once(
        self,
        operation: Operation,
        at_once: Act,
        in_turn: Act,
        meanwhile: AbstractContextManager[None],
    ) -> None:
        with meanwhile:
            try:
                await at_once()
            except WebvdiError as error:
                self._fail(operation, error)
            else:
                await self._run(operation, in_turn)

    async def _run(self, operation: Operation, act: Act) -> None:
        async with self._queues.setdefault(operation.machine, asyncio.Lock()):
            if not operation.pending:
                return  # it was overtaken while it waited its turn
            try:
                did = await act()
            except WebvdiError as error:
                self._fail(operation, error)
            except Exception as error:
                self._fail(operation, error)
                raise  # a bug of ours: the owner of the task logs it
            else:
                self._pending.pop(operation, None)
                operation.succeed(idle=did is False)

    def _fail(self, operation: Operation, error: Exception) -> None:
        self._pending.pop(operation, None)
        operation.fail(error)
