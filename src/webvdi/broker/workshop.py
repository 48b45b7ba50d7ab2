"""Performs what :mod:`webvdi.broker.converge` decides: makes, repairs and removes machines."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from webvdi.base.errors import WebvdiError
from webvdi.broker import disk_files
from webvdi.broker.adoption import adopted
from webvdi.broker.converge import Facts, Step, next_step
from webvdi.broker.disk_files import DiskFile
from webvdi.broker.guests import GuestShelf
from webvdi.broker.images import ImageShelf
from webvdi.broker.journal import Journal
from webvdi.broker.plan import Plan, guest_plan, own_plan
from webvdi.broker.record_view import own_directory, spec_of
from webvdi.broker.views import NewMachine, Phase, Progress
from webvdi.broker.wishes import look_at_own, wish_from_json
from webvdi.store import Database, JournalRecord, MachineRecord
from webvdi.vmm.engine import Engine
from webvdi.vmm.machine import Machine, MachineSpec, Network
from webvdi.vmm.rules import OFF
from webvdi.vmm.spec_record import spec_to_record

logger = logging.getLogger(__name__)


class NetworkChoice:
    """Which network a machine gets when nobody says; asks the host at most once a machine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def __call__(self, wanted: str | None) -> tuple[Network, str]:
        """The network, and why it is less than the internet (or nothing)."""
        if wanted is not None:
            return Network(wanted), ""
        why_not = await self._engine.network_available()
        if why_not is None:
            return Network.INTERNET, ""
        return Network.NONE, f"It has no network: {why_not}"


class Workshop:
    """Where machines are made and taken apart, one step at a time."""

    def __init__(
        self,
        records: Database,
        engine: Engine,
        state: Path,
        images: ImageShelf,
        guests: GuestShelf,
        journal: Journal,
        on_change: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._records = records
        self._engine = engine
        self._state = state
        self._images = images
        self._guests = guests
        self._journal = journal
        self._on_change = on_change
        self._clock = clock
        self._network = NetworkChoice(engine)
        self.progress: dict[str, Progress] = {}
        """Of the machines that are being made."""

    async def engine_machine(self, key: str) -> Machine | None:
        """The machine with this key, as the engine has it."""
        return next((m for m in await self._engine.list() if m.key == key), None)

    async def adopt_strangers(self) -> None:
        """Make records for machines that only the engine knows."""
        for machine in await self._engine.list():
            async with self._records.write() as q:
                there = await q.machines()
                facts = Facts(
                    phase=Phase.READY if machine.key in {r.key for r in there} else None,
                    known=True,
                )
                if next_step(facts) is not Step.ADOPT:
                    continue
                record = adopted(machine, {r.name for r in there}, now=self._clock())
                await q.add_machine(record)
            await self._journal.note(
                record.id, "adopted", "It was found here, without a record, and got one."
            )

    async def converge(self, machine: str) -> None:
        """Do all that is to be done about a machine; the caller sees to it that it is alone.

        Raises the error of a step that fails, except in making: that ends in phase ``failed``.
        """
        while True:
            async with self._records.read() as q:
                record = await q.machine(machine)
            if record is None or record.id != machine:
                return
            there = await self.engine_machine(record.key)
            step = next_step(await asyncio.to_thread(self._facts, record, there))
            if step is None:
                return
            logger.debug("= %s: %s", machine, step)
            try:
                await self._perform(step, record, there)
            except Exception as error:
                if not isinstance(error, WebvdiError | OSError):
                    logger.exception("! %s: a bug in the step %s", machine, step)
                if record.phase != Phase.CREATING:
                    await self._set(record, failure=str(error))
                    raise
                await self._fail(record, error)

    def _facts(self, record: MachineRecord, there: Machine | None) -> Facts:
        directory = own_directory(record, self._state)
        spec = spec_of(record)
        files = _files(record)
        return Facts(
            phase=Phase(record.phase),
            planned=spec is not None,
            files_complete=directory is None or not disk_files.missing(files, directory),
            files_left=directory is not None and directory.exists(),
            known=there is not None,
            same_spec=there is None or spec is None or there.spec == spec,
            off=there is None or there.status.state in OFF,
            start=record.start,
        )

    async def _perform(self, step: Step, record: MachineRecord, there: Machine | None) -> None:
        alone = {
            Step.PLAN: self._plan,
            Step.MAKE_FILES: self._make_files,
            Step.REGISTER: self._register,
            Step.SETTLE: self._settle,
            Step.REMOVE_FILES: self._remove_files,
            Step.FORGET: self._forget,
        }.get(step)
        if alone is not None:
            await alone(record)
        else:
            await self._with_engine(step, record, there)

    async def _with_engine(self, step: Step, record: MachineRecord, there: Machine | None) -> None:
        """The steps that take a machine of the engine's."""
        assert there is not None, f"{step} is decided for machines that the engine knows"
        match step:
            case Step.START:
                await self._start(record, there)
            case Step.REDEFINE:
                await self._engine.redefine(there.id, _required_spec(record))
            case Step.YIELD:
                await self._set(record, spec=dict(spec_to_record(there.spec)))
            case Step.UNREGISTER:
                await (await self._engine.delete(there.id)).wait()
            case _:
                raise AssertionError(f"{step} is not done to a machine with a record")

    async def _register(self, record: MachineRecord) -> None:
        await self._engine.create(_required_spec(record), key=record.key)

    async def _remove_files(self, record: MachineRecord) -> None:
        directory = own_directory(record, self._state)
        assert directory is not None
        await asyncio.to_thread(disk_files.remove, directory)

    async def _plan(self, record: MachineRecord) -> None:
        wanted = wish_from_json(record.wanted)
        directory = own_directory(record, self._state)
        assert directory is not None
        network, why = await self._network(wanted.network)
        if wanted.guest is None:
            await self._planned(record, await self._own_plan(wanted, directory, network))
        else:
            bundle = await self._guests.bundle(
                wanted.guest, lambda progress: self._progressed(record.id, progress)
            )
            async with self._guests.keeping:
                kept = await self._guests.keep(bundle)
                await self._planned(record, guest_plan(wanted, kept, directory, network))
        if why:
            await self._journal.note(record.id, "network", why)

    async def _own_plan(self, wanted: NewMachine, directory: Path, network: Network) -> Plan:
        image = path = None
        if wanted.image is not None:
            image = await self._images.find(wanted.image)
            path = self._images.path(wanted.image)
        return own_plan(wanted, await look_at_own(wanted, image, path), directory, network)

    async def _planned(self, record: MachineRecord, plan: Plan) -> None:
        files = {"files": [file.to_json() for file in plan.files]}
        spec = dict(spec_to_record(plan.spec))
        await self._set(record, while_in=Phase.CREATING.value, spec=spec, files=files)

    async def _make_files(self, record: MachineRecord) -> None:
        directory = own_directory(record, self._state)
        assert directory is not None
        for file in disk_files.missing(_files(record), directory):
            phase = "Copying the disk" if file.how == "copy" else "Making the disk"

            def progressed(share: float, phase: str = phase) -> None:
                self._progressed(record.id, Progress(phase, round(100 * share), 100))

            progressed(0.0)
            await disk_files.make(file, directory, progressed)

    async def _settle(self, record: MachineRecord) -> None:
        spec = _required_spec(record)
        in_use = {str(cdrom.path) for cdrom in spec.cdroms}
        in_use |= {file.source or "" for file in _files(record) if file.how == "overlay"}
        images = [image for image in record.images if str(self._images.path(image)) in in_use]
        self.progress.pop(record.id, None)
        async with self._records.write() as q:
            if await q.set_machine(
                record.id,
                while_in=Phase.CREATING.value,  # it may be going to be deleted since
                phase=Phase.READY.value,
                images=images,
                failure="",
            ):
                await q.note(JournalRecord(record.id, self._clock(), "created", "It was made."))
        self._on_change(record.id)

    async def _start(self, record: MachineRecord, there: Machine) -> None:
        try:
            await (await self._engine.start(there.id)).wait()
        except WebvdiError as error:
            await self._journal.note(record.id, "failed", f"It did not start: {error}")
        else:
            await self._journal.note(record.id, "started", "It was started.")
        await self._set(record, start=False)

    async def _fail(self, record: MachineRecord, error: Exception) -> None:
        self.progress.pop(record.id, None)
        logger.warning("! %s could not be made: %s", record.name, error)
        await self._journal.note(record.id, "failed", f"It could not be made: {error}")
        await self._set(
            record,
            while_in=Phase.CREATING.value,
            phase=Phase.FAILED.value,
            failure=str(error),
            images=[],
        )

    async def _forget(self, record: MachineRecord) -> None:
        async with self._records.write() as q:
            await q.remove_machine(record.id)
            await q.remove_shares(record.id)
        self.progress.pop(record.id, None)

    async def _set(self, record: MachineRecord, **changes: Any) -> None:
        async with self._records.write() as q:
            await q.set_machine(record.id, **changes)
        self._on_change(record.id)

    def _progressed(self, machine: str, progress: Progress) -> None:
        if self.progress.get(machine) != progress:
            self.progress[machine] = progress
            self._on_change(machine)


def _files(record: MachineRecord) -> tuple[DiskFile, ...]:
    described = () if record.files is None else record.files["files"]
    return tuple(DiskFile.from_json(file) for file in described)


def _required_spec(record: MachineRecord) -> MachineSpec:
    spec = spec_of(record)
    assert spec is not None, "its phase says that it has one"
    return spec
