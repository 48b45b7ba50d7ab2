"""What an engine is doing when something dies; also the program that dies.

``python -m support.faults DIRECTORY VERB [STEP]`` lets a real engine do VERB and kills itself
before STEP; without one it prints the names of all steps.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from conformance.engines import PATIENCE_S, boot_spec
from support.steps import Steps
from webvdi.vmm.machine import MachineId, MachineSpec, Network, PowerState
from webvdi.vmm.operation import Operation
from webvdi.vmm.qemu import QemuEngine

KEY = "it"
Act: TypeAlias = Callable[[QemuEngine, MachineId], Awaitable[Operation]]

BEFORE: dict[str, tuple[str, ...]] = {
    "create": (),
    "redefine": ("create",),
    "start": ("create",),
    "stop": ("create", "start"),
    "ask": ("create", "start"),
    "switch off": ("create", "start"),
    "kill": ("create", "start"),
    "delete": ("create", "start"),
    "save": ("create", "start"),
    "restore": ("create", "start", "save"),
    "discard": ("create", "start", "save"),
}
"""The verbs, and what was done before each."""


def spec(directory: Path) -> MachineSpec:
    """The machine.  Its disk is written once, for saved memory fits no other."""
    place = directory / "disk"
    if not place.exists():
        place.mkdir()
        boot_spec(place)
    made = boot_spec(directory)
    disk = replace(made.disks[0], path=place / made.disks[0].path.name)
    return replace(made, disks=(disk,), network=Network.OPEN)


def another(directory: Path) -> MachineSpec:
    """What it is redefined to."""
    return replace(spec(directory), name="wider", memory_mib=48)


async def perform(engine: QemuEngine, verb: str, directory: Path) -> None:
    """Do *verb* to the one machine, to its end."""
    if verb == "create":
        await engine.create(spec(directory), key=KEY)
        return
    (machine,) = [listed.id for listed in await engine.list()]
    if verb == "redefine":
        await engine.redefine(machine, another(directory))
        return
    acts: dict[str, Act] = {
        "start": QemuEngine.start,
        "restore": QemuEngine.start,
        "stop": QemuEngine.stop,
        "discard": QemuEngine.stop,
        "ask": _ask,
        "switch off": _switch_off,
        "kill": QemuEngine.kill,
        "delete": QemuEngine.delete,
        "save": QemuEngine.save,
    }
    await (await acts[verb](engine, machine)).wait(PATIENCE_S)
    if verb == "start":
        await booted(engine, machine)


async def _ask(engine: QemuEngine, machine: MachineId) -> Operation:
    return await engine.stop(machine, force=False)


async def _switch_off(engine: QemuEngine, machine: MachineId) -> Operation:
    return await engine.stop(machine, graceful=False)


async def booted(engine: QemuEngine, machine: MachineId) -> None:
    """Wait for the guest's prompt, as long as it may still come."""
    path = await engine.serial(machine)
    assert path is not None
    async with asyncio.timeout(PATIENCE_S):
        while b">" not in path.read_bytes():
            if (await engine.get(machine)).state is not PowerState.RUNNING:
                return
            await asyncio.sleep(0.01)


async def _main(directory: Path, verb: str, fatal: str | None) -> None:
    def on_step(step: str) -> None:
        if fatal is None:
            print(step, flush=True)  # noqa: T201
        elif step == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

    async with QemuEngine(directory / "state", directory / "run") as engine:
        for earlier in BEFORE[verb]:
            await perform(engine, earlier, directory)
        steps = Steps(on_step)
        await perform(engine, verb, directory)
        steps.end()


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if sys.argv[3:] else None))
