"""What the engine suite needs to know of each engine: how to make one, and how to act on guests.

The real guest is a boot sector of 70 bytes: it boots in 0.2 s without KVM, writes ``>`` to the
serial port, echoes what it reads there, and obeys three wishes: ``P`` powers off through ACPI,
``R`` resets, and the power button powers off.  A *deaf* one does nothing but sleep.
"""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, Self

from webvdi.base.errors import WebvdiError
from webvdi.vmm.engine import Engine
from webvdi.vmm.events import EngineEvent, StatusChanged
from webvdi.vmm.fake import Character, FakeEngine, FakeHost
from webvdi.vmm.machine import (
    Accelerator,
    Disk,
    DiskFormat,
    ExitReason,
    MachineExit,
    MachineId,
    MachineSpec,
    MachineStatus,
    PowerState,
)
from webvdi.vmm.qemu import QemuEngine
from webvdi.vmm.qemu.records import ProcessId, process_of, read_record

DISK_BYTES = 1 << 20
"""SeaBIOS boots from no virtio disk smaller than a cylinder."""
PATIENCE_S = 60.0
"""For anything that a loaded host may take; a test that needs it all has failed."""

# The port numbers: 0x600 ACPI PM1 status, 0x602 PM1 enable, 0x604 PM1 control, 0x3f8 serial data,
# 0x3fd serial line status, 0xcf9 reset.
_WILLING = """
    fa          cli
    31c0        xor   ax, ax
    8ed8        mov   ds, ax
    8ed0        mov   ss, ax
    bc007c      mov   sp, 0x7c00
    ba0206      mov   dx, 0x602
    b80001      mov   ax, 0x100         ; let the power button be seen
    ef          out   dx, ax
    baf803      mov   dx, 0x3f8
    b03e        mov   al, '>'
    ee          out   dx, al
    fb          sti
    f4     loop: hlt                    ; until the timer's next tick
    ba0006      mov   dx, 0x600
    ed          in    ax, dx
    f6c401      test  ah, 1             ; the power button was pressed
    751d        jnz   off
    bafd03      mov   dx, 0x3fd
    ec          in    al, dx
    a801        test  al, 1             ; there is a byte to read
    74ee        jz    loop
    baf803      mov   dx, 0x3f8
    ec          in    al, dx
    ee          out   dx, al
    3c50        cmp   al, 'P'
    740c        je    off
    3c52        cmp   al, 'R'
    75e1        jne   loop
    b00e        mov   al, 0x0e
    baf90c      mov   dx, 0xcf9
    ee          out   dx, al
    ebd9        jmp   loop
    ba0406 off: mov   dx, 0x604
    b80020      mov   ax, 0x2000        ; sleep enable, type 0: soft off
    ef          out   dx, ax
    ebd0        jmp   loop
"""
_DEAF = """
    baf803      mov   dx, 0x3f8
    b03e        mov   al, '>'
    ee          out   dx, al
    fb          sti
    f4     loop: hlt
    ebfd        jmp   loop
"""


def boot_disk(directory: Path, *, deaf: bool = False) -> Disk:
    """A raw disk with one of the two guests on it."""
    listing = _DEAF if deaf else _WILLING
    code = bytes.fromhex("".join(line.split()[0] for line in listing.split("\n") if line.strip()))
    path = directory / ("deaf.img" if deaf else "willing.img")
    path.write_bytes((code.ljust(510, b"\0") + b"\x55\xaa").ljust(DISK_BYTES, b"\0"))
    return Disk(path, DiskFormat.RAW, boot_order=0)


def boot_spec(directory: Path, *, deaf: bool = False) -> MachineSpec:
    """A small machine that boots one of the two guests."""
    name = "deaf" if deaf else "willing"
    disks = (boot_disk(directory, deaf=deaf),)
    return MachineSpec(name, memory_mib=32, disks=disks, accelerator=Accelerator.TCG)


class Harness(Protocol):
    """An engine under test, and the hand that reaches into its guests."""

    engine: Engine

    def spec(self, *, deaf: bool = False) -> MachineSpec:
        """A machine that this engine can run."""
        ...

    async def booted(self, machine: MachineId) -> None:
        """Wait until the guest has come up and would obey."""
        ...

    async def power_off_from_within(self, machine: MachineId) -> None:
        """Let the guest switch itself off."""
        ...

    async def kill_from_outside(self, machine: MachineId) -> None:
        """Let somebody kill the machine's process."""
        ...

    def time_stands_still(self) -> None:
        """The time that guests get to shut down is as long as it is said to be, at least."""
        ...

    async def hears(self, machine: MachineId, words: bytes) -> None:
        """Wait until the guest has been sent *words*, the last of what it was sent."""
        ...

    async def reopen(self) -> None:
        """Close the engine and open another one on what there is."""
        ...

    async def close(self) -> None:
        """End everything."""
        ...


class FakeHarness:
    """The fake engine."""

    def __init__(self) -> None:
        self._host = FakeHost()
        self._fake = FakeEngine(host=self._host)
        self.engine: Engine = self._fake

    def spec(self, *, deaf: bool = False) -> MachineSpec:
        """A machine that is never really run."""
        disk = Disk(Path("/nonexistent/disk.qcow2"))
        return MachineSpec("deaf" if deaf else "willing", disks=(disk,))

    async def booted(self, machine: MachineId) -> None:
        """At once."""
        if self._fake.host.machines[machine].spec.name == "deaf":
            self._fake.deaf.add(machine)

    async def power_off_from_within(self, machine: MachineId) -> None:
        """As told."""
        self._fake.end(machine, MachineExit(ExitReason.GUEST_POWEROFF, code=0))

    async def kill_from_outside(self, machine: MachineId) -> None:
        """As told."""
        self._fake.end(machine, MachineExit(ExitReason.KILLED, signal=signal.SIGKILL))

    def time_stands_still(self) -> None:
        """It is never up."""
        self._fake.character = Character.STUCK

    async def hears(self, machine: MachineId, words: bytes) -> None:
        """It has been."""
        assert self._host.typed[machine].endswith(words)

    async def reopen(self) -> None:
        """A new fake on the same host."""
        await self._fake.close()
        self._fake = FakeEngine(host=self._host)
        self.engine = self._fake

    async def close(self) -> None:
        """End its tasks."""
        await self._fake.close()


class QemuHarness:
    """The QEMU engine with real machines, below *directory*."""

    def __init__(self, directory: Path, *, binary: str = "qemu-system-x86_64") -> None:
        self.directory = directory
        self.state_dir = directory / "state"
        self.run_dir = directory / "run"
        self._binary = binary
        self.qemu = self._new()
        self.engine: Engine = self.qemu

    def _new(self) -> QemuEngine:
        return QemuEngine(self.state_dir, self.run_dir, binary=self._binary)

    async def __aenter__(self) -> Self:
        await self.qemu.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def spec(self, *, deaf: bool = False) -> MachineSpec:
        """A machine with a boot sector."""
        return boot_spec(self.directory, deaf=deaf)

    def state(self, machine: MachineId) -> Path:
        """The directory of *machine*."""
        return self.state_dir / "machines" / machine

    def process(self, machine: MachineId, role: str = "qemu") -> ProcessId:
        """A process of *machine*: ``qemu`` or its ``shepherd``."""
        process = process_of(read_record(self.state(machine) / "run.json"), role)
        assert process is not None
        return process

    async def serial_says(
        self, machine: MachineId, words: bytes, *, patience_s: float = PATIENCE_S
    ) -> None:
        """Wait until the guest has written *words*."""
        path = await self.engine.serial(machine)
        assert path is not None
        async with asyncio.timeout(patience_s):
            while words not in path.read_bytes():  # noqa: ASYNC110 - a file has no event
                await asyncio.sleep(0.01)

    async def booted(self, machine: MachineId) -> None:
        """Wait for the prompt."""
        await self.serial_says(machine, b">")

    def type(self, machine: MachineId, words: bytes) -> None:
        """Send *words* to the serial port."""
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(self.run_dir / machine / "serial"))
            line.sendall(words)

    async def power_off_from_within(self, machine: MachineId) -> None:
        """The guest's wish P."""
        self.type(machine, b"P")

    async def kill_from_outside(self, machine: MachineId) -> None:
        """SIGKILL."""
        os.kill(self.process(machine).pid, signal.SIGKILL)

    def time_stands_still(self) -> None:
        """It is that long."""

    async def hears(self, machine: MachineId, words: bytes) -> None:
        """The guest echoes."""
        await self.serial_says(machine, words)

    async def reopen(self) -> None:
        """Another engine object adopts the machines."""
        await self.qemu.close()
        self.engine = self.qemu = self._new()
        await self.qemu.__aenter__()

    async def close(self) -> None:
        """Delete every machine, then close."""
        for machine in await self.engine.list():
            with contextlib.suppress(WebvdiError):
                await (await self.engine.delete(machine.id)).wait(PATIENCE_S)
        await self.qemu.close()


async def start(harness: Harness, machine: MachineId) -> MachineStatus:
    """Start *machine* and wait for its guest; the status then."""
    await (await harness.engine.start(machine)).wait(PATIENCE_S)
    await harness.booted(machine)
    return await harness.engine.get(machine)


async def reached(
    harness: Harness,
    events: AsyncIterator[EngineEvent],
    machine: MachineId,
    *states: PowerState,
) -> MachineStatus:
    """Wait until *machine* is in one of *states*, by events that were subscribed before."""
    status = await harness.engine.get(machine)
    async with asyncio.timeout(PATIENCE_S):
        while status.state not in states:
            event = await anext(events)
            if isinstance(event, StatusChanged) and event.machine == machine:
                status = event.status
    return status
