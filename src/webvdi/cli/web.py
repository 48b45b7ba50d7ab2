"""The web process: portal, Fabricator and broker behind two listening sockets.

It is told what to do by a JSON file that its supervisor wrote (:mod:`~webvdi.cli.web_settings`),
and gets the sockets as descriptors, so that it can be replaced without a port being closed: one for
browsers, and ``api.sock`` for the command line, where every request is the owner's.

SIGTERM and SIGINT end it in order, SIGHUP loads the certificate again.
"""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from webvdi.base.errors import WebvdiError
from webvdi.base.files import secret_at
from webvdi.base.lifeline import watch_lifeline
from webvdi.base.tasks import TaskOwner
from webvdi.broker.service import Service
from webvdi.cli.compose import Application, PortalOptions, open_application
from webvdi.cli.reload import reload_certificate
from webvdi.cli.unqueued import UnqueuedWebSocket, bound_unsent
from webvdi.cli.web_settings import PASSWORD_VARIABLE, WebSettings
from webvdi.wire.from_viewer import MAX_MESSAGE_BYTES

logger = logging.getLogger(__name__)

PING_EVERY_S = 15.0
"""Proxies close WebSockets that are silent for 20 to 60 seconds."""

DATE_EVERY_S = 1.0
"""How often answers get another time in their Date; it has no fractions (RFC 9110 §5.6.7)."""

GRACE_S = 1
"""How long open connections may take to end; viewers reconnect by themselves."""


def main(settings_file: Path, listen_fd: int, api_fd: int) -> None:
    """Serve until told to end, or until the supervisor is gone."""
    # What is loaded now stays: no collection need ever look at it again, in mid key press.
    gc.collect()
    gc.freeze()
    browsers, owners = socket.socket(fileno=listen_fd), socket.socket(fileno=api_fd)
    asyncio.run(_serve(settings_file, browsers, owners))


async def _serve(settings_file: Path, browsers: socket.socket, owners: socket.socket) -> None:
    settings = WebSettings.read(settings_file)
    options = PortalOptions(settings.cookie_name, settings.auth, settings.any_host, settings.url)
    key = secret_at(Path(settings.key_file))
    opened = open_application(
        settings.places,
        key,
        options,
        displays=settings.displays if settings.mode == "view" else None,
        password=os.environ.get(PASSWORD_VARIABLE),
    )
    async with opened as application, TaskOwner("web") as tasks:
        process = WebProcess(application, settings)
        process.heed_signals()
        serving = tasks.start(application.service.run(), name="service")
        # A web process without its broker would promise a restart for ever.
        serving.add_done_callback(lambda _: process.stop())
        if settings.autostart and isinstance(application.service, Service):
            starting = _autostart(application.service, settings, settings_file)
            tasks.start(starting, name="autostart")
        await process.run(browsers, owners)


async def _autostart(service: Service, settings: WebSettings, settings_file: Path) -> None:
    """Start what is to start with the service, and note that this was done.

    A web process that replaces another must not start what has been stopped since.
    """
    await service.autostart()
    replace(settings, autostart=False).write(settings_file)


class WebProcess:
    """Two servers in one event loop, with one end."""

    def __init__(self, application: Application, settings: WebSettings) -> None:
        self._site = application.site
        self._settings = settings
        self._browsers = _Server(_uvicorn(application.app, settings))
        self._owners = _Server(_uvicorn(application.owners, None))

    def heed_signals(self) -> None:
        """Take over the process's signals and its lifeline."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self.reload)
        watch_lifeline(self.stop)

    async def run(self, browsers: socket.socket, owners: socket.socket) -> None:
        """Serve on both sockets until :meth:`stop`; one that fails ends the other."""
        bound_unsent(browsers)
        try:
            async with asyncio.TaskGroup() as group:
                for server, sock in ((self._browsers, browsers), (self._owners, owners)):
                    name = f"web/{sock.family.name}"
                    group.create_task(self._one(server, sock), name=name)
        finally:
            self.stop()

    async def _one(self, server: uvicorn.Server, sock: socket.socket) -> None:
        await server.serve(sockets=[sock])
        self.stop()

    def stop(self) -> None:
        """End in order: no new connections, a moment for the open ones."""
        self._site.end_streams()
        self._browsers.end()
        self._owners.end()

    def reload(self) -> None:
        """Present the certificate that is in its files now; a bad one changes nothing."""
        settings, context = self._settings, self._browsers.config.ssl
        if context is None or settings.certificate is None or settings.certificate_key is None:
            return
        certificate, key = Path(settings.certificate), Path(settings.certificate_key)
        try:
            reload_certificate(context, certificate, key, Path(settings.run))
        except WebvdiError as error:
            logger.error("the certificate stays as it was: %s", error)  # noqa: TRY400
        else:
            logger.info("the certificate %s was loaded again", certificate)


class _Server(uvicorn.Server):
    """A server that leaves signals to the process, for there are two, and sleeps while idle."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told_to_end = asyncio.Event()

    def end(self) -> None:
        """Take no new connections, and end."""
        self.should_exit = True
        self._told_to_end.set()

    async def main_loop(self) -> None:
        """Uvicorn's own looks ten times a second whether it is to end, with nobody there too."""
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DATE_EVERY_S):
                    await self._told_to_end.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def _uvicorn(app: ASGIApp, settings: WebSettings | None) -> uvicorn.Config:
    """How to serve *app*: to browsers as *settings* say, or plainly on the owner's socket."""
    config = uvicorn.Config(
        app,
        http="httptools",
        ws=UnqueuedWebSocket if settings else "none",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # pictures are compressed; this would only cost time
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",  # the application is open already, for both servers
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.certificate if settings else None,
        ssl_keyfile=settings.certificate_key if settings else None,
        proxy_headers=settings is not None and settings.trusted_proxies is not None,
        forwarded_allow_ips=(settings.trusted_proxies if settings else None) or "",
    )
    config.load()
    return config
