"""The application in one piece: the use cases of this host with the portal in front of them.

The web process serves it on sockets; a command without a running service calls it in process.
"""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp

from webvdi.base.errors import Refused
from webvdi.base.paths import Places
from webvdi.broker.catalogue import UseCases
from webvdi.broker.displays import Display, open_displays
from webvdi.broker.service import open_service
from webvdi.cli.password_file import read_password
from webvdi.display.endpoint import parse_endpoint
from webvdi.fabricator.websocket import WebSocketFabricator
from webvdi.portal.app import Portal
from webvdi.portal.login import LoginPolicy, Logins
from webvdi.portal.site import Site

logger = logging.getLogger(__name__)


class Serving(UseCases, Protocol):
    """Use cases that keep the Managed Server informed."""

    async def run(self) -> None:
        """Do so until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class PortalOptions:
    """How browsers are let in; a stand-in without browsers takes the defaults."""

    cookie_name: str = "webvdi"
    auth: bool = True
    """False: whoever reaches the port is the owner (``--no-auth``)."""
    any_host: bool = True
    """False: only loopback names and bare addresses are served."""
    url: str | None = None
    """Where browsers come to, ending in a slash; None where no port is open."""


@dataclass(frozen=True, slots=True)
class Application:
    """The open application."""

    app: ASGIApp
    """For browsers: HTTP and WebSockets, with logins."""
    owners: ASGIApp
    """For the owner's own socket, and for calls in process: every request is the owner's."""
    service: Serving
    """What is behind it; ``run()`` is the caller's to start where there is a Managed Server."""
    site: Site
    """``site.end_streams()`` ends the event streams before a stop."""


@asynccontextmanager
async def open_application(
    places: Places,
    key: bytes,
    options: PortalOptions | None = None,
    *,
    displays: Sequence[Mapping[str, Any]] | None = None,
    password: str | None = None,
) -> AsyncIterator[Application]:
    """The application on *places*; *key* signs tickets, logins and visits.

    With *displays* (name, title, endpoint, password_file, tls of each) it shows those, else the
    machines of this host; *password* is for displays without a file of their own.

    Repairs first what a crash left half done.  Raises ``EngineInUse`` while another process has
    these machines, ``SchemaTooNew`` where a newer webvdi wrote the records.
    """
    opened: AbstractAsyncContextManager[Serving]
    if displays is None:
        opened = open_service(places, key)
    else:
        opened = open_displays([_display(each, password) for each in displays], places, key)
    async with opened as service:
        yield application(service, places, key, options or PortalOptions())


def application(
    service: Serving, places: Places, key: bytes, options: PortalOptions
) -> Application:
    """The application before *service*."""
    site = make_site(service, places, key, options)
    fabricator = WebSocketFabricator(
        places.run / "viewer.sock", site.may_connect, site.until_disconnected
    )
    portal = Portal(site, fabricator, any_host=options.any_host)
    return Application(portal.app, portal.owners, service, site)


def make_site(use_cases: UseCases, places: Places, key: bytes, options: PortalOptions) -> Site:
    """What the portal's endpoints work with."""
    policy = LoginPolicy(
        key, places.state / "used-logins.json", options.cookie_name, required=options.auth
    )
    return Site(use_cases, Logins(policy), url=options.url)


def _display(settings: Mapping[str, Any], password: str | None) -> Display:
    """One display of *settings*; its password, where its file cannot be read, is asked for."""
    file = settings.get("password_file")
    return Display(
        settings["name"],
        settings["title"],
        parse_endpoint(settings["endpoint"]),
        _password_in(Path(file)) if file else password,
        settings.get("tls"),
    )


def _password_in(path: Path) -> str | None:
    try:
        return read_password(path)
    except Refused as error:
        logger.warning("%s; browsers ask for the password", error)
        return None
