"""Starting the shepherd, and what is written down for it."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

from webvdi.vmm.errors import LaunchFailed
from webvdi.vmm.machine import Acceleration, Accelerator, MachineId, MachineSpec, Network
from webvdi.vmm.qemu import network
from webvdi.vmm.qemu.argv import QMP_FD, QMP_SPARE_FD, argv
from webvdi.vmm.qemu.host import Preparation
from webvdi.vmm.qemu.paths import MachinePaths, private_directory
from webvdi.vmm.qemu.records import Record, boot_id, write_record
from webvdi.vmm.qemu.saved import builder_record

SHEPHERD_PROGRAM = Path(__file__).with_name("shepherd.py")
HANDSHAKE_TIMEOUT_S = 30.0
"""The shepherd reports in 0.1 s on an idle host; it waits 10 s for an earlier one."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One start of one machine."""

    machine: MachineId
    spec: MachineSpec
    generation: int
    paths: MachinePaths


async def launch(this: Launch, prepared: Preparation) -> None:
    """Start the shepherd and QEMU; on return ``run.json`` names them.

    Raises :class:`~webvdi.vmm.errors.LaunchFailed`, :class:`~webvdi.vmm.errors.Unavailable`.
    """
    paths = this.paths
    command = argv(this.spec, paths, prepared.choices)
    if this.spec.network is Network.INTERNET:
        await network.write_fence(paths.fence, paths.resolv_conf)
        command = network.fenced(command, paths.fence)
    private_directory(paths.run)
    if not prepared.choices.incoming:  # else the guest goes on, and so does its log
        paths.serial_log.write_bytes(b"")
    paths.intent.unlink(missing_ok=True)
    paths.asked.unlink(missing_ok=True)
    write_record(paths.launch, _record(this, prepared, command))
    await _start_shepherd(this, command)


def acceleration_of(record: Record | None) -> Acceleration | None:
    """The acceleration that a ``launch.json`` tells of."""
    told = record.get("acceleration") if record else None
    if not isinstance(told, dict):
        return None
    return Acceleration(Accelerator(told["kind"]), told["reason"], told.get("code", ""))


def _record(this: Launch, prepared: Preparation, command: list[str]) -> Record:
    paths = this.paths
    sockets = [str(socket) for socket in paths.sockets]
    return {
        "generation": this.generation,
        "boot_id": boot_id(),
        "argv": command,
        "listen": {QMP_FD: str(paths.qmp), QMP_SPARE_FD: str(paths.qmp_spare)},
        "remove": [*sockets, str(prepared.choices.ram_file)],
        "keep": [str(prepared.choices.ram_file)],
        "lock": str(paths.lock),
        "run": str(paths.running),
        "exit": str(paths.ended),
        "log": str(paths.log),
        "serial_log": str(paths.serial_log),
        "acceleration": {
            "kind": prepared.acceleration.kind,
            "reason": prepared.acceleration.reason,
            "code": prepared.acceleration.code,
        },
        "detail": prepared.ram_why,
        "incoming": prepared.choices.incoming,
        "builder": builder_record(prepared.choices.features, prepared.acceleration.kind),
    }


async def _start_shepherd(this: Launch, command: list[str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(SHEPHERD_PROGRAM)),
        *(str(this.paths.launch), str(this.generation)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
            _, err = await process.communicate()
    except TimeoutError:
        raise LaunchFailed("the shepherd did not report", argv=command) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        words = err.decode(errors="replace").strip()
        raise LaunchFailed(
            f"the machine's shepherd could not start: {words}",
            exit_code=process.returncode,
            argv=command,
            output=words,
        )
