"""``python -m benchmarks.fake_web SCREENS COUNT SETTINGS LISTEN_FD API_FD``.

The web process of :mod:`benchmarks.fake_service`: all but the engine is the product's.  It has
COUNT machines, m0, m1 …, whose displays are RFB servers at SCREENS/m0 and so on; all of them run.
"""

import asyncio
import gc
import socket
import sys
from pathlib import Path

from webvdi.base.files import secret_at
from webvdi.base.logs import configure_logging
from webvdi.base.tasks import TaskOwner
from webvdi.broker.service import Service, open_service
from webvdi.broker.views import NewMachine
from webvdi.cli.compose import PortalOptions, application
from webvdi.cli.web import WebProcess
from webvdi.cli.web_settings import WebSettings
from webvdi.display.endpoint import UnixEndpoint
from webvdi.vmm.engine import Console
from webvdi.vmm.fake import FakeEngine
from webvdi.vmm.machine import MachineId


class ScreensEngine(FakeEngine):
    """A fake engine whose machines have displays of their own."""

    def __init__(self, screens: Path) -> None:
        super().__init__()
        self._screens = screens

    async def console(self, machine: MachineId) -> Console:
        """As the contract says: the screen with the machine's name."""
        generation = (await super().console(machine)).generation
        name = self.host.machines[machine].spec.name
        return Console(UnixEndpoint(self._screens / name), generation)


async def serve(screens: Path, count: int, settings_file: Path, fds: tuple[int, int]) -> None:
    """What :func:`webvdi.cli.web.main` does, with another engine."""
    browsers, owners = (socket.socket(fileno=fd) for fd in fds)
    settings = WebSettings.read(settings_file)
    key, where = secret_at(Path(settings.key_file)), settings.places
    options = PortalOptions(settings.cookie_name, settings.auth, settings.any_host, settings.url)
    async with (
        open_service(where, key, lambda *_: ScreensEngine(screens)) as service,
        TaskOwner("web") as tasks,
    ):
        process = WebProcess(application(service, where, key, options), settings)
        process.heed_signals()
        tasks.start(service.run(), name="service")
        tasks.start(_populate(service, where.state, count), name="populate")
        await process.run(browsers, owners)


async def _populate(service: Service, state: Path, count: int) -> None:
    iso = state / "empty.iso"
    with iso.open("wb") as file:  # the least that is taken for an ISO 9660 image
        file.truncate(64 << 10)
        file.seek(0x8001)
        file.write(b"CD001")
    for number in range(count):
        name = f"m{number}"
        wanted = NewMachine(name, iso=str(iso), disk_gib=1, memory_mib=64, network="none")
        await service.catalogue.create(wanted)
        await service.catalogue.settled(name)


if __name__ == "__main__":
    screens, count, settings_file, listen_fd, api_fd = sys.argv[1:]
    configure_logging()
    gc.collect()
    gc.freeze()
    fds = int(listen_fd), int(api_fd)
    asyncio.run(serve(Path(screens), int(count), Path(settings_file), fds))
