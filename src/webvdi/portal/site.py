"""What the portal's endpoints work with, and who asks them."""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import Scope

from webvdi.access.names import display_name
from webvdi.access.visits import Visit
from webvdi.base.errors import Refused
from webvdi.broker.catalogue import UseCases
from webvdi.broker.views import ShareView, Visitor
from webvdi.portal.attempts import Attempts
from webvdi.portal.guard import is_local
from webvdi.portal.login import ClaimsInvalid, Logins
from webvdi.portal.problems import TooOften
from webvdi.portal.streams import Streams
from webvdi.wire.to_viewer import Role

OWNER = "owner"
"""The one person who owns the machines: whoever can read the terminal."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks."""

    subject: str
    role: Role
    share: ShareView | None = None
    """The link they came by; None for the owner."""
    name: str = ""
    """What they want to be called."""
    until: float | None = None
    """When their access ends (Unix seconds); None is never."""
    local: bool = False
    """They came by the owner's own socket, and may name files of this host."""

    @property
    def visitor(self) -> Visitor:
        """As the broker knows them."""
        share = self.share.id if self.share is not None else None
        return Visitor(self.subject, self.role, share, self.until)


class Site:
    """One portal's use cases, its doorkeeper and its bounds."""

    def __init__(
        self,
        use_cases: UseCases,
        logins: Logins,
        *,
        url: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """*url* is where browsers come to, with a slash at its end; None where they cannot."""
        self.use_cases = use_cases
        self.logins = logins
        self.url = url
        self.clock = clock
        self.attempts = Attempts()
        self.streams = Streams()
        self.ending = asyncio.Event()
        self._log_out = asyncio.Event()
        """Set at the next log-out, and then replaced."""

    async def identify(self, connection: HTTPConnection) -> Caller | None:
        """Who asks; None for a stranger.  Share links are looked up afresh each time."""
        if is_local(connection):
            return Caller(OWNER, Role.OWNER, local=True)
        if not self.logins.required:
            return Caller(OWNER, Role.OWNER)
        login = self.logins.login(connection, self.clock())
        if login is not None:
            return Caller(login.subject, Role.OWNER, until=login.until)
        return await self._visitor(connection)

    async def _visitor(self, connection: HTTPConnection) -> Caller | None:
        """Who came by a share link: to the machine that is asked for, else by the newest."""
        machine = _machine_asked_for(connection)
        newest: Caller | None = None
        for visit in self.logins.visits(connection, self.clock()):
            share = await self.use_cases.shares.valid(visit.share)
            if share is None:
                continue
            role = Role.CONTROLLER if share.control else Role.OBSERVER
            until = min(visit.expires, share.expires)
            caller = Caller(visit.subject, role, share, visit.name, until)
            if machine in (share.machine, share.machine_name):
                return caller
            newest = newest or caller
        return newest

    async def may_connect(self, scope: Scope) -> bool:
        """Whether a WebSocket gets a place; what it may do there is in its ticket."""
        return await self.identify(HTTPConnection(scope)) is not None

    def redeem(self, connection: HTTPConnection, token: str) -> None:
        """Use up a login token.  Raises ``ClaimsInvalid``, ``TooOften``."""
        address = self._may_try(connection)
        try:
            self.logins.redeem(token, self.clock())
        except ClaimsInvalid as error:
            if error.reason != "used":  # those were good once; a reload is no guess
                self.attempts.failed(address, self.clock())
            raise

    async def join(
        self, connection: HTTPConnection, token: str, name: str
    ) -> tuple[ShareView, Visit]:
        """The share link of *token*, and the visit that it opens.

        Raises ``Refused`` (``share_invalid``), ``TooOften``.
        """
        address = self._may_try(connection)
        share = await self.use_cases.shares.find(token, count=True)
        if share is None:
            self.attempts.failed(address, self.clock())
            raise Refused(
                "this link is not valid: it has ended, was revoked, or lacks a part; ask for "
                "another one",
                reason="share_invalid",
            )
        # Who joins again is the same person: what they hold in the machine stays theirs.
        visits = self.logins.visits(connection, self.clock())
        before = next((visit.visitor for visit in visits if visit.share == share.id), None)
        visitor = before or secrets.token_hex(8)
        return share, Visit(share.id, visitor, display_name(name), share.expires)

    def let_in(self, response: Response, connection: HTTPConnection) -> None:
        """Set the owner's cookie."""
        self.logins.let_in(OWNER, response, connection, self.clock())

    def log_out(self, response: Response, connection: HTTPConnection) -> None:
        """End this browser's login, and what is open by it; a stranger has nothing to end."""
        try:
            self.logins.log_out(response, connection, self.clock())
        finally:  # it has ended here, even if that could not be written down
            happened, self._log_out = self._log_out, asyncio.Event()
            happened.set()

    async def until_out(self, connection: HTTPConnection) -> None:
        """Return once the browser that opened *connection* has logged out."""
        while not self.logins.has_left(connection, self.clock()):
            await self._log_out.wait()

    async def until_disconnected(self, scope: Scope) -> None:
        """Return once a WebSocket that got a place has to give it up."""
        await self.until_out(HTTPConnection(scope))

    def end_streams(self) -> None:
        """Let event streams end; their readers come back to the next process."""
        self.ending.set()

    def _may_try(self, connection: HTTPConnection) -> str:
        address = connection.client.host if connection.client is not None else ""
        pause_s = self.attempts.pause_s(address, self.clock())
        if pause_s:
            raise TooOften(pause_s)
        return address


def _machine_asked_for(connection: HTTPConnection) -> str | None:
    """The machine in the path, or in the query of a page (``m``) or of the interface."""
    query = connection.query_params
    named = connection.path_params.get("machine") or query.get("m") or query.get("machine")
    return None if named is None else str(named)


def site_of(connection: HTTPConnection) -> Site:
    """The site that *connection* came to."""
    return cast("Site", connection.app.state.site)
