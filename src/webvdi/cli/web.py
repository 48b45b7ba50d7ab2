"""The web process: Fabricator, portal and broker behind one listening socket.

It is told what to do by a JSON file that its supervisor wrote (:class:`WebSettings`), and gets the
listening socket as a descriptor, so that it can be replaced without the port being closed.
"""

import asyncio
import contextlib
import gc
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from webvdi.base.files import secret_at, write_atomic
from webvdi.base.lifeline import watch_lifeline
from webvdi.base.tasks import TaskOwner
from webvdi.broker.broker import Broker
from webvdi.broker.target import FixedTarget, Target
from webvdi.display.endpoint import parse_endpoint
from webvdi.fabricator.websocket import WebSocketFabricator
from webvdi.portal.app import portal
from webvdi.portal.login import LoginPolicy, Logins
from webvdi.wire.from_viewer import MAX_MESSAGE_BYTES

logger = logging.getLogger(__name__)

PASSWORD_VARIABLE = "WEBVDI_VNC_PASSWORD"  # noqa: S105 — the variable's name
"""Where the supervisor leaves the VNC password: an environment is its owner's, and on no disk."""

PING_EVERY_S = 15.0
"""Proxies close WebSockets that are silent for 20 to 60 seconds."""

GRACE_S = 1
"""How long open connections may take to end; viewers reconnect by themselves."""


@dataclass(frozen=True, slots=True)
class WebSettings:
    """What a web process needs to know.  Paths and numbers only: it goes through a file."""

    run: str
    key_file: str
    state: str
    cookie_name: str
    name: str
    title: str
    endpoint: str | None = None
    """A fixed display (``webvdi view``) …"""
    machine: str | None = None
    """… or a machine of the engine in *state*, by its id."""
    auth: bool = True
    any_host: bool = True
    certificate: str | None = None
    certificate_key: str | None = None
    trusted_proxies: str | None = None

    def write(self, path: Path) -> None:
        """Keep them at *path*, for their owner's eyes."""
        write_atomic(path, json.dumps(asdict(self)).encode())

    @classmethod
    def read(cls, path: Path) -> "WebSettings":
        """What :meth:`write` wrote."""
        return cls(**json.loads(path.read_bytes()))


def main(settings_file: Path, listen_fd: int) -> None:
    """Serve until told to end, or until the supervisor is gone."""
    # What is loaded now stays: no collection need ever look at it again, in mid key press.
    gc.collect()
    gc.freeze()
    asyncio.run(_serve(WebSettings.read(settings_file), socket.socket(fileno=listen_fd)))


async def _serve(settings: WebSettings, listening: socket.socket) -> None:
    run = Path(settings.run)
    key = secret_at(Path(settings.key_file))
    async with contextlib.AsyncExitStack() as stack:
        target = await _target(settings, stack)
        password = os.environ.get(PASSWORD_VARIABLE)
        broker = Broker(target, run / "control.sock", key, password=password)
        tasks = await stack.enter_async_context(TaskOwner("web"))

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            brokering = tasks.start(broker.run(), name="broker")
            # A web process without its broker would promise a restart for ever.
            brokering.add_done_callback(lambda _: setattr(server, "should_exit", True))
            yield

        policy = LoginPolicy(
            key,
            Path(settings.state) / "used-logins.json",
            settings.cookie_name,
            required=settings.auth,
        )
        logins = Logins(policy)
        app = portal(
            broker,
            logins,
            WebSocketFabricator(
                run / "viewer.sock",
                lambda scope: logins.subject(HTTPConnection(scope)) is not None,
            ),
            any_host=settings.any_host,
            lifespan=lifespan,
        )
        server = uvicorn.Server(_uvicorn(app, settings))
        watch_lifeline(lambda: setattr(server, "should_exit", True))
        await server.serve(sockets=[listening])


async def _target(settings: WebSettings, stack: contextlib.AsyncExitStack) -> Target:
    if settings.endpoint is not None:
        return FixedTarget(settings.name, settings.title, parse_endpoint(settings.endpoint))
    from webvdi.broker.machine_target import open_machine_target

    assert settings.machine is not None
    return await stack.enter_async_context(
        open_machine_target(
            Path(settings.state),
            Path(settings.run),
            machine=settings.machine,
            name=settings.name,
            title=settings.title,
        )
    )


def _uvicorn(app: object, settings: WebSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # uvicorn's own ASGI types are narrower than ASGI
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # pictures are compressed; this would only cost time
        ws_ping_interval=PING_EVERY_S,
        ws_ping_timeout=PING_EVERY_S,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.certificate_key,
        proxy_headers=settings.trusted_proxies is not None,
        forwarded_allow_ips=settings.trusted_proxies or "",
    )
