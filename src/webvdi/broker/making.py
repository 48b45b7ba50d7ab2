"""Makes machines and removes them, in the background, one worker a machine."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from webvdi.base.errors import Conflict, NotFound, StateError, WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.broker.disk_claims import require_free
from webvdi.broker.images import ImageShelf
from webvdi.broker.machine_records import MachineRecords
from webvdi.broker.plan import checked_wish
from webvdi.broker.settings import checked_settings
from webvdi.broker.views import DiskMode, NewMachine, Phase
from webvdi.broker.wishes import (
    chain_of,
    look_at_own,
    require_room,
    source_of,
    wish_from_json,
    wish_to_json,
)
from webvdi.broker.workshop import Workshop
from webvdi.guests import recipe_names
from webvdi.store import ImageRecord, MachineRecord

logger = logging.getLogger(__name__)


class Making:
    """Sees to it that each machine comes to where its record says."""

    def __init__(
        self,
        machines: MachineRecords,
        workshop: Workshop,
        images: ImageShelf,
        state: Path,
        on_change: Callable[[str], None],
        on_gone: Callable[[str], None],
        *,
        clock: Callable[[], float],
    ) -> None:
        self._machines = machines
        self._workshop = workshop
        self._images = images
        self._state = state
        self._on_change = on_change
        self._on_gone = on_gone
        self._clock = clock
        self._tasks = TaskOwner("machines")
        self._works: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        """Machines whose record changed since their work last looked at it."""
        self._locks: dict[str, asyncio.Lock] = {}

    async def repair(self, *, resume: bool) -> None:
        """Finish or undo what earlier processes left half done; making goes on behind.

        Without *resume* machines that have no record get one, and that is all.  A removal that
        fails is logged, and tried again when it is asked for or at the next time.
        """
        await self._workshop.adopt_strangers()
        if not resume:
            return
        for record in await self._machines.all():
            if record.phase == Phase.CREATING or record.start:
                self._begin_work(record.id)
                continue
            try:
                await self._alone(record.id)
            except (WebvdiError, OSError) as error:
                logger.warning("! %s is not as it should be: %s", record.name, error)

    async def close(self) -> None:
        """Stop working; what was begun is finished by the next one to open the state."""
        await self._tasks.close()

    async def settled(self, machine: str) -> None:
        """Wait until nothing is being done to a machine (by id) any more."""
        work = self._works.get(machine)
        if work is not None:
            await asyncio.wait([work])

    def lock(self, machine: str) -> asyncio.Lock:
        """Held by whoever brings record and engine together, or changes both."""
        return self._locks.setdefault(machine, asyncio.Lock())

    async def create(self, wanted: NewMachine) -> str:
        """Begin to make a machine; its id.  See :meth:`Catalogue.create`."""
        checked_wish(wanted)
        checked_settings({"notes": wanted.notes, "autostart": wanted.autostart})
        if wanted.guest is not None and wanted.guest not in recipe_names():
            raise NotFound("guest", wanted.guest)
        image = None if wanted.image is None else await self._images.find(wanted.image)
        there = await self._same(wanted)
        if there is None or there.phase == Phase.FAILED:  # what was in the way may be gone
            disks = await self._look_before(wanted, image)
            there = await self._add(self._new_record(wanted, image), wanted, disks)
        self._on_change(there.id)
        self._begin_work(there.id)
        return there.id

    async def delete(self, record: MachineRecord) -> None:
        """Remove a machine.  See :meth:`Catalogue.delete`."""
        await self._machines.set(record.id, phase=Phase.DELETING.value, start=False)
        self._on_change(record.id)
        work = self._works.get(record.id)
        if work is not None:
            work.cancel()
            await asyncio.wait([work])
        removing = self._begin_work(record.id)
        await asyncio.wait([removing])  # it goes on when our caller goes away
        async with self._machines.database.read() as q:
            left = await q.machine(record.id)
        if left is not None and left.id == record.id:
            raise StateError(
                f"the machine {record.name!r} could not be removed: {left.failure}",
                state=left.phase,
                required="gone",
            )

    async def _same(self, wanted: NewMachine) -> MachineRecord | None:
        """The machine that there is, if it is the wanted one.  Raises ``Conflict``."""
        async with self._machines.database.read() as q:
            return _checked_same(await q.machine(wanted.name), wanted)

    async def _look_before(self, wanted: NewMachine, image: ImageRecord | None) -> tuple[Path, ...]:
        """Refuse at once what can be known at once; the disks of the host that are wanted."""
        if wanted.guest is not None:
            return ()
        path = None if image is None else self._images.path(image.id)
        system = await look_at_own(wanted, image, path)
        await require_room(wanted, system, self._state)
        return await chain_of(wanted, system)

    def _new_record(self, wanted: NewMachine, image: ImageRecord | None) -> MachineRecord:
        identity = f"m-{secrets.token_hex(5)}"
        return MachineRecord(
            id=identity,
            key=identity,
            name=wanted.name,
            phase=Phase.CREATING.value,
            wanted=wish_to_json(wanted),
            source=source_of(wanted, image),
            spec=None,
            files=None,
            directory=f"files/{identity}",
            images=_named(image),
            autostart=wanted.autostart,
            at_shutdown=str(wanted.at_shutdown),
            notes=wanted.notes,
            created=self._clock(),
            start=wanted.start,
            failure="",
            exit_noted="",
        )

    async def _add(
        self, record: MachineRecord, wanted: NewMachine, disks: tuple[Path, ...]
    ) -> MachineRecord:
        """*record*, kept; or the same machine's, where somebody was faster or it had failed.

        Raises ``NotFound``, ``Conflict``, and ``Refused`` where another machine has the *disks*.
        """
        in_place = wanted.disk_mode is DiskMode.IN_PLACE
        async with self._machines.database.write() as q:
            for image in record.images:  # deleted since we looked
                if await q.image(image) is None:
                    raise NotFound("image", image)
            there = _checked_same(await q.machine(record.name), wanted)
            if there is not None and there.phase != Phase.FAILED:
                return there
            if disks:
                others = [one for one in await q.machines() if one.name != record.name]
                await asyncio.to_thread(require_free, disks, others, in_place=in_place)
            if there is None:
                await q.add_machine(record)
                return record
            await q.set_machine(
                there.id,
                phase=Phase.CREATING.value,
                spec=None,
                files=None,
                failure="",
                start=wanted.start,
                images=list(record.images),
            )
            return there

    def _begin_work(self, machine: str) -> asyncio.Task[None]:
        """See to it that somebody brings the machine to where its record says."""
        self._again.add(machine)
        work = self._works.get(machine)
        if work is None or work.done():
            work = self._tasks.start(self._work(machine), name=f"make {machine}")
            self._works[machine] = work
        return work

    async def _work(self, machine: str) -> None:
        try:
            while machine in self._again:
                self._again.discard(machine)
                await self._alone(machine)
        except (WebvdiError, OSError) as error:  # it is on record
            logger.warning("! %s is not as it should be: %s", machine, error)
        finally:
            if self._works.get(machine) is asyncio.current_task():
                del self._works[machine]

    async def _alone(self, machine: str) -> None:
        async with self.lock(machine):
            await self._workshop.converge(machine)
        async with self._machines.database.read() as q:
            gone = await q.machine(machine) is None
        if gone:
            self._locks.pop(machine, None)
            self._on_gone(machine)


def _checked_same(there: MachineRecord | None, wanted: NewMachine) -> MachineRecord | None:
    """*there* if it is the wanted machine, None if the name is free.  Raises ``Conflict``."""
    if there is None or there.name != wanted.name:
        return None
    if wish_from_json(there.wanted) != wanted or there.phase == Phase.DELETING:
        raise Conflict("machine", wanted.name)
    return there


def _named(image: ImageRecord | None) -> tuple[str, ...]:
    return () if image is None else (image.id,)
