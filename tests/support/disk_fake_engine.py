"""A fake engine whose machines outlive its process: what it runs is in a file."""

import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

from webvdi.base.files import write_atomic
from webvdi.vmm.fake import FakeEngine, FakeHost
from webvdi.vmm.machine import ExitReason, MachineExit, MachineId, MachineSpec, PowerState


class DiskFakeEngine(FakeEngine):
    """Keeps :class:`~webvdi.vmm.fake.FakeHost` on disk, written at every change.

    What was under way when its process died is undone when the next one opens it, as the contract
    of engines has it.
    """

    def __init__(self, path: Path, checkpoint: Callable[[str], None]) -> None:
        super().__init__(host=_load(path))
        self._path = path
        self._checkpoint = checkpoint

    async def __aenter__(self) -> Self:
        for machine in list(self.host.machines.values()):
            match machine.status.state:
                case PowerState.STARTING:
                    ended = MachineExit(ExitReason.UNKNOWN)
                    status = replace(machine.status, state=PowerState.STOPPED, exit=ended)
                case PowerState.STOPPING:  # only a save passes through it here: it is undone
                    status = replace(machine.status, state=PowerState.RUNNING)
                case _:
                    continue
            self.host.machines[machine.id] = replace(machine, status=status)
        self._save()
        return self

    async def create(self, spec: MachineSpec, *, key: str) -> MachineId:
        self._checkpoint("before engine.create")
        machine = await super().create(spec, key=key)
        self._save()
        self._checkpoint("after engine.create")
        return machine

    async def redefine(self, machine: MachineId, spec: MachineSpec) -> None:
        self._checkpoint("before engine.redefine")
        await super().redefine(machine, spec)
        self._save()
        self._checkpoint("after engine.redefine")

    def vanish(self, machine: MachineId) -> None:
        self._checkpoint("before engine.delete")
        super().vanish(machine)
        self._save()
        self._checkpoint("after engine.delete")

    def _change(self, machine: MachineId, **changes: object) -> None:
        self._checkpoint(f"before engine state {changes.get('state')}")
        super()._change(machine, **changes)
        self._save()
        self._checkpoint(f"after engine state {changes.get('state')}")

    def _save(self) -> None:
        write_atomic(self._path, pickle.dumps(self.host.machines))


def _load(path: Path) -> FakeHost:
    return FakeHost(pickle.loads(path.read_bytes())) if path.exists() else FakeHost()
