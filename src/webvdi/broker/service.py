"""The service of one host: machines, shares, images and guests on one state directory.

::

    STATE/webvdi.db    the records           STATE/files/m-…    what was made for a machine
    STATE/images       ISO and disk files    STATE/guests       what guests of ours boot from
    STATE/uploads      files on their way    STATE/machines     the engine's
"""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from webvdi import __version__
from webvdi.base.paths import Places
from webvdi.base.tasks import TaskOwner
from webvdi.broker.guests import Builder, GuestShelf
from webvdi.broker.host import available_mib, findings
from webvdi.broker.hub import ChangeHub
from webvdi.broker.images import ImageShelf
from webvdi.broker.journal import Journal
from webvdi.broker.machines import Machines
from webvdi.broker.record_view import spec_of
from webvdi.broker.rounds import Rounds
from webvdi.broker.screens import MachineScreens
from webvdi.broker.sessions import Sessions
from webvdi.broker.shares import ShareBook
from webvdi.broker.views import Change, FindingView, HostView, MachineCounts
from webvdi.broker.watch import Watch
from webvdi.guests import build
from webvdi.store import Database, open_database
from webvdi.vmm.engine import Engine
from webvdi.vmm.qemu import QemuEngine

EngineFactory: TypeAlias = Callable[[Path, Path], AbstractAsyncContextManager[Engine]]
"""Opens the engine of a state directory and a run directory."""

SHUTDOWN_S = 80.0
"""How long machines get when the host shuts down; systemd's own limit is 90 s."""
FINDINGS_FOR_S = 300.0
"""How long what was found out about the host is taken for true: finding out takes seconds."""


class Service:
    """:class:`~webvdi.broker.catalogue.UseCases` on this host's machines."""

    mode: Literal["service", "view"] = "service"

    def __init__(
        self,
        places: Places,
        key: bytes,
        records: Database,
        engine: Engine,
        *,
        clock: Callable[[], float] = time.time,
        builder: Builder = build,
    ) -> None:
        self._state = places.state
        self._records = records
        self.hub = ChangeHub()
        self._clock = clock
        journal = Journal(records, clock)
        self.guests = GuestShelf(
            places.cache,
            places.state / "guests",
            self._used_by_machines,
            lambda name: self.hub.publish(Change("guest", name)),
            builder=builder,
        )
        self.images = ImageShelf(
            records,
            places.state,
            lambda image: self.hub.publish(Change("image", image)),
            clock=clock,
        )
        self.catalogue = Machines(
            records, engine, places.state, self.images, self.guests, journal, self.hub, clock=clock
        )
        self.sessions = Sessions(
            MachineScreens(records, engine, clock=clock),
            places.run / "control.sock",
            key,
            on_viewers=lambda machine: self.hub.publish(Change("viewers", machine)),
            clock=clock,
        )
        self.catalogue.sessions = self.sessions
        self.shares = ShareBook(
            records,
            self.catalogue.get,
            self.sessions.revoke,
            lambda share: self.hub.publish(Change("share", share)),
            clock=clock,
        )
        self._watch = Watch(records, engine, journal, self.catalogue.changed, self.sessions.refresh)
        self._rounds = Rounds(self.catalogue, engine, journal)
        self._tasks = TaskOwner("service")
        self._following: list[asyncio.Task[None]] = []
        self._findings: tuple[float, tuple[FindingView, ...]] | None = None
        self._examining = asyncio.Lock()

    async def open(self, *, resume: bool = True) -> None:
        """Repair what a crash left half done, and begin to follow the engine.

        Without *resume* nothing is made, removed or started that an earlier process began.
        """
        await self.images.open()
        self._following = [
            self._tasks.start(self._watch.run(), name="watch"),
            self._tasks.start(self._watch.recheck(), name="recheck"),
        ]
        await self.catalogue.open(resume=resume)

    async def close(self) -> None:
        """Let go of everything; what is being made is gone on with next time."""
        await self.catalogue.close()
        await self.guests.close()
        await self.images.close()
        await self._tasks.close()
        self.hub.close()

    async def host(self) -> HostView:
        """As the contract says."""
        views = await self.catalogue.list()
        present = [view for view in views if view.state not in ("stopped", "crashed", "saved")]
        paused = sum(view.state == "paused" for view in present)
        memory = sum(view.memory_mib or 0 for view in present)
        return HostView(
            version=__version__,
            mode=self.mode,
            findings=await self._recent_findings(),
            machines=MachineCounts(len(views), len(present) - paused, paused, memory),
            memory_available_mib=await asyncio.to_thread(available_mib),
            disk_free_bytes=(await asyncio.to_thread(shutil.disk_usage, self._state)).free,
        )

    async def run(self) -> None:
        """Keep the Managed Server informed, until cancelled.

        Ends where the engine is followed no more, which is logged: what people would see from
        then on would not be how things are.
        """
        informing = self._tasks.start(self.sessions.run(), name="sessions")
        try:
            await asyncio.wait([informing, *self._following], return_when=asyncio.FIRST_COMPLETED)
        finally:
            informing.cancel()

    async def autostart(self) -> None:
        """Start the machines that are to start with the service, in their order; never raises.

        Machines of equal order start together; one that fails is noted in its journal.
        """
        await self._rounds.autostart()

    async def shutdown(self, deadline_s: float = SHUTDOWN_S, *, host: bool = True) -> None:
        """End or save every running machine within *deadline_s* seconds.

        *host* is whether the host shuts down, for the journals: else somebody just wants that.
        """
        await self._rounds.shutdown(deadline_s, host=host)

    async def _used_by_machines(self) -> Sequence[Path]:
        """What machines boot from, or are based on."""
        async with self._records.read() as q:
            records = await q.machines()
        used = []
        for record in records:
            spec = spec_of(record)
            if spec is not None and spec.kernel is not None:
                used.append(spec.kernel.kernel)
            files = () if record.files is None else record.files["files"]
            used += [Path(file["source"]) for file in files if file["source"]]
        return used

    async def _recent_findings(self) -> tuple[FindingView, ...]:
        async with self._examining:
            if self._findings is None or self._findings[0] + FINDINGS_FOR_S < self._clock():
                self._findings = (self._clock(), await findings(self._state))
            return self._findings[1]


@asynccontextmanager
async def open_service(
    places: Places,
    key: bytes,
    engine_factory: EngineFactory = QemuEngine,
    *,
    clock: Callable[[], float] = time.time,
    builder: Builder = build,
    resume: bool = True,
) -> AsyncIterator[Service]:
    """The service of *places*; *key* signs tickets.

    Repairs first what a crash left half done, unless *resume* is False: what is to be ended must
    not be started.  Raises ``EngineInUse`` while another process has
    these machines, ``SchemaTooNew`` where a newer webvdi wrote the records.
    """
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(engine_factory(places.state, places.run))
        records = await stack.enter_async_context(open_database(places.state / "webvdi.db"))
        service = Service(places, key, records, engine, clock=clock, builder=builder)
        stack.push_async_callback(service.close)
        await service.open(resume=resume)
        yield service
