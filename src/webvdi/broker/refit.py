"""Gives a machine other hardware, on record and in the engine, both or neither."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from webvdi.base.errors import NotFound, StateError, WebvdiError
from webvdi.broker.guests import GuestShelf
from webvdi.broker.images import ImageShelf
from webvdi.broker.own_system import check_iso, disk_size
from webvdi.broker.plan import grown, kernel_of
from webvdi.broker.record_view import spec_of
from webvdi.broker.settings import HARDWARE, changed_spec
from webvdi.store import Database, MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.errors import DiskError, InvalidSpec
from webvdi.vmm.machine import DirectKernel, Machine, MachineId, MachineSpec
from webvdi.vmm.qemu import images as disks
from webvdi.vmm.rules import OFF
from webvdi.vmm.spec_record import spec_to_record

logger = logging.getLogger(__name__)


class Refit:
    """Changes of a machine's spec; the caller sees to it that it is alone with the machine."""

    def __init__(
        self, records: Database, engine: Engine, guests: GuestShelf, images: ImageShelf
    ) -> None:
        self._records = records
        self._engine = engine
        self._guests = guests
        self._images = images

    async def change(self, record: MachineRecord, asked: Mapping[str, Any]) -> None:
        """Do what was *asked*: all of it, or nothing.

        Raises ``StateError`` where the machine is not off and would have to be, ``InvalidSpec``,
        ``DiskError``, ``Conflict``.
        """
        machine, spec = await self._both(record)
        columns = {k: asked[k] for k in ("name", "notes", "autostart") if k in asked}
        if "at_shutdown" in asked:
            columns["at_shutdown"] = str(asked["at_shutdown"])
        off = machine.status.state in OFF
        if asked.keys() & HARDWARE and not off:
            required = " or ".join(sorted(OFF))
            raise StateError(
                f"the hardware of the machine {record.name!r} cannot be changed now",
                state=machine.status.state,
                required=required,
            )
        cdrom, image = await self._cdrom(asked.get("cdrom"))
        new = changed_spec(spec, asked, cdrom)
        if not off:
            new = replace(new, name=spec.name)  # the process keeps its name until it is off
        size = await self._new_size(record, spec, asked)
        if "cdrom" in asked:
            kept = [i for i in record.images if self._backs_disk(record, i)]
            columns["images"] = kept if image is None else [*kept, image]

        async def grow() -> None:
            if size is not None:
                await disks.grow(spec.disks[0].path, size, spec.disks[0].format)

        await self._redefine(record, machine, new, columns, last=grow)

    async def before_start(self, record: MachineRecord) -> MachineId:
        """Let a machine that is off begin with its newest self: name, and guest kept in memory."""
        machine, spec = await self._both(record)
        if machine.status.state not in OFF:
            return machine.id
        new = replace(spec, name=record.name)
        async with self._guests.keeping:
            try:
                new = replace(new, kernel=await self._newest_kernel(record, spec))
                await self._redefine(record, machine, new, {})
            except (WebvdiError, OSError) as error:
                # Its files may do all the same; if not, the start says what is missing.
                logger.warning("! %s starts as it was: %s", record.name, error)
        return machine.id

    async def _both(self, record: MachineRecord) -> tuple[Machine, MachineSpec]:
        machine = next((m for m in await self._engine.list() if m.key == record.key), None)
        spec = spec_of(record)
        if machine is None or spec is None:
            raise NotFound("machine", record.name)
        return machine, spec

    async def _redefine(
        self,
        record: MachineRecord,
        machine: Machine,
        spec: MachineSpec,
        columns: Mapping[str, Any],
        *,
        last: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """Record first: whoever finds the two unequal after a crash gives the engine ours.

        *last* is what cannot be undone; it is not done unless all else was, which is undone if
        it fails.
        """
        before: dict[str, Any] = {name: getattr(record, name) for name in columns}
        changes: dict[str, Any] = dict(columns)
        if spec != machine.spec:
            changes["spec"] = dict(spec_to_record(spec))
            before["spec"] = record.spec
        if changes:
            await self._set(record, changes)
        try:
            await self._engine.redefine(machine.id, spec)
            if last is not None:
                await last()
        except BaseException:
            with contextlib.suppress(WebvdiError):
                await asyncio.shield(self._put_back(record, machine, before))
            raise

    async def _set(self, record: MachineRecord, columns: Mapping[str, Any]) -> None:
        """Raises ``Conflict`` where a name is taken, ``NotFound`` where an image has gone."""
        async with self._records.write() as q:
            for image in columns.get("images", ()):
                if await q.image(image) is None:
                    raise NotFound("image", image)
            await q.set_machine(record.id, **_listed(columns))

    async def _put_back(
        self, record: MachineRecord, machine: Machine, columns: Mapping[str, Any]
    ) -> None:
        if columns:
            async with self._records.write() as q:
                await q.set_machine(record.id, **_listed(columns))
        await self._engine.redefine(machine.id, machine.spec)

    async def _newest_kernel(self, record: MachineRecord, spec: MachineSpec) -> DirectKernel | None:
        """A guest that lives in memory is renewed by booting its newest build."""
        name = record.source.get("guest")
        if spec.kernel is None or not isinstance(name, str):
            return spec.kernel
        bundle = await self._guests.newest(name)
        if bundle is None and not await asyncio.to_thread(spec.kernel.kernel.exists):
            bundle = await self._guests.bundle(name, lambda _: None)
        if bundle is None or bundle.system_disk is not None:
            return spec.kernel  # its kernel belongs to what is on its disk
        return kernel_of(await self._guests.keep(bundle))

    async def _cdrom(self, wanted: str | None) -> tuple[Path | None, str | None]:
        """The file that is meant, and the image's id if it is one."""
        if wanted is None:
            return None, None
        if not wanted.startswith("/"):
            image = await self._images.find(wanted)
            if image.kind != "iso":
                raise DiskError(f"{image.name} is a disk, and goes into no CD drive")
            return self._images.path(image.id), image.id
        await asyncio.to_thread(check_iso, Path(wanted))
        return Path(wanted), None

    def _backs_disk(self, record: MachineRecord, image: str) -> bool:
        files = () if record.files is None else record.files["files"]
        return any(file["source"] == str(self._images.path(image)) for file in files)

    async def _new_size(
        self, record: MachineRecord, spec: MachineSpec, asked: Mapping[str, Any]
    ) -> int | None:
        """What the first disk is to grow to; None where it stays."""
        if "disk_gib" not in asked:
            return None
        if not spec.disks:
            raise InvalidSpec(f"the machine {record.name!r} has no disk")
        disk = spec.disks[0]
        files = () if record.files is None else record.files["files"]
        if any(f["how"] == "data" and f["name"] == disk.path.name for f in files):
            raise InvalidSpec("the size of this guest's disk is fixed when the machine is made")
        there = await asyncio.to_thread(disk_size, disk.path, disk.format)
        return grown(there, int(asked["disk_gib"]))


def _listed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON columns take it."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in columns.items()}
