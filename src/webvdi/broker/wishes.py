"""What somebody wants, for the record; and the files it names, looked at."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from webvdi.broker.disk_files import require_space
from webvdi.broker.own_system import check_iso, disk_size, found_format
from webvdi.broker.plan import OwnSystem
from webvdi.broker.views import AtShutdown, DiskMode, MachineSource, NewMachine
from webvdi.store import ImageRecord
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images


def wish_to_json(wanted: NewMachine) -> dict[str, Any]:
    """For the record."""
    return {
        **asdict(wanted),
        "disk_format": None if wanted.disk_format is None else str(wanted.disk_format),
        "disk_mode": str(wanted.disk_mode),
        "at_shutdown": str(wanted.at_shutdown),
    }


def wish_from_json(record: Mapping[str, Any]) -> NewMachine:
    """What :func:`wish_to_json` gave, also in an earlier version with fewer fields."""
    known = {item.name for item in fields(NewMachine)}
    values = {name: value for name, value in record.items() if name in known}
    said = values.get("disk_format")
    values["disk_format"] = None if said is None else DiskFormat(said)
    values["disk_mode"] = DiskMode(values.get("disk_mode", DiskMode.COPY))
    values["at_shutdown"] = AtShutdown(values.get("at_shutdown", AtShutdown.SHUTDOWN))
    return NewMachine(**values)


def source_of(wanted: NewMachine, image: ImageRecord | None) -> MachineSource:
    """Where the machine comes from, for people and programs."""
    if wanted.guest is not None:
        return {"kind": "guest", "guest": wanted.guest}
    kind = "iso" if wanted.iso is not None else "disk"
    if image is not None:
        kind = image.kind
    named = {"path": wanted.iso or wanted.disk} if image is None else {"image": image.id}
    if image is not None:
        named["path"] = image.name
    mode = {"mode": str(wanted.disk_mode)} if kind == "disk" else {}
    return {"kind": kind, **named, **mode}


async def look_at_own(
    wanted: NewMachine, image: ImageRecord | None, image_path: Path | None
) -> OwnSystem:
    """The user's own system, looked at.

    Raises :class:`~webvdi.vmm.errors.DiskError`, :class:`InvalidSpec`.
    """
    if image is not None and image_path is not None:
        image_format = None if image.kind == "iso" else DiskFormat(image.format)
        return await asyncio.to_thread(_looked_at, image_path, image_format, image.name)
    path = _absolute(wanted.iso or wanted.disk or "")
    if wanted.iso is not None:
        await asyncio.to_thread(check_iso, path)
        return OwnSystem(path, None, str(path))
    said = wanted.disk_format
    own_format = await asyncio.to_thread(found_format, path) if said is None else said
    # A file that ours is to be based on may itself be based on others: all must be usable.
    writable = wanted.disk_mode is DiskMode.IN_PLACE
    await images.check(path, own_format, writable=writable)
    return await asyncio.to_thread(_looked_at, path, own_format, str(path))


async def require_room(wanted: NewMachine, system: OwnSystem, state: Path) -> None:
    """Refuse at once what would fail for want of space after minutes of copying."""
    needed = 0
    if system.format is not None and wanted.disk_mode is DiskMode.COPY:
        chain = await images.info(system.path, system.format)
        needed = sum(one.actual_bytes for one in chain)
    await asyncio.to_thread(require_space, state, needed, f"a copy of {system.name}")


async def chain_of(wanted: NewMachine, system: OwnSystem) -> tuple[Path, ...]:
    """The disk of the host that is *wanted*, with all it is based on; nothing for other wishes.

    Raises :class:`~webvdi.vmm.errors.DiskError`.
    """
    if wanted.disk is None:
        return ()
    if system.format is not DiskFormat.QCOW2:
        return (system.path,)
    chain = await images.info(system.path, system.format)
    return (system.path, *(one.path for one in chain[1:]))


def _looked_at(path: Path, image_format: DiskFormat | None, name: str) -> OwnSystem:
    if image_format is None:
        return OwnSystem(path, None, name)
    return OwnSystem(path, image_format, name, disk_size(path, image_format, name))


def _absolute(name: str) -> Path:
    path = Path(name)
    if not path.is_absolute():
        raise InvalidSpec(f"{name!r} must be an absolute path: it is this host's, not yours")
    return path
