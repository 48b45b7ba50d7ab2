"""Keeps the Managed Server informed about every screen, and asks it for what only it knows.

One connection for all; within it each session has a task of its own that compares how its screen
is with what was told last, so a machine that answers slowly delays no other.  When the connection
ends, everything is told again on the next one.
"""

import asyncio
import base64
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from webvdi.access import tickets
from webvdi.base.errors import Refused, WebvdiError
from webvdi.base.news import is_news
from webvdi.base.tasks import TaskOwner
from webvdi.broker.views import Person, Thumbnail, Visitor
from webvdi.display.endpoint import Endpoint
from webvdi.display.source import PowerOrder
from webvdi.link.control_face import ControlClient, ControlFailed
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.wire.to_viewer import MachineState, Role

logger = logging.getLogger(__name__)

RECONNECT_S = 0.3
"""Pause before knocking again at a Managed Server that is being restarted."""
PATIENCE_S = 5.0
"""How long a ticket waits for the Managed Server to know its session."""
MAX_PICTURE_SIDE = 1 << 14

_TOLD_STATES = (MachineState.OFF, MachineState.PAUSED, MachineState.FAILED)
"""What a session cannot find out by itself."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How a screen is now."""

    title: str
    state: MachineState
    detail: str
    """Words for the viewers; empty where there is nothing to say."""
    endpoint: Endpoint | None
    """Where its display is; None while it has none."""
    generation: str
    """Changes whenever the endpoint may mean another run of the machine."""
    password: str | None = field(default=None, repr=False)
    tls: Mapping[str, Any] | None = None
    """The TLS policy of a display, as the control face carries it."""


@dataclass(frozen=True, slots=True)
class Link:
    """How the link to a display is."""

    state: MachineState
    detail: str
    """Words for people; may be empty."""


class Screens(Protocol):
    """Knows the screens; the broker's own machines or displays."""

    async def sessions(self) -> Sequence[str]:
        """The names of all sessions that there should be."""
        ...

    async def screen(self, session: str) -> Screen | None:
        """How that screen is; None where there is none of this name (any more)."""
        ...

    async def revoked(self) -> Sequence[str]:
        """Shares that ended so recently that the Managed Server may not have heard of it."""
        ...


class Sessions:
    """The broker's view of the Managed Server."""

    def __init__(
        self,
        screens: Screens,
        control_socket: Path,
        key: bytes,
        *,
        on_viewers: Callable[[str], None] = lambda _: None,
        on_power: Callable[[str], None] = lambda _: None,
        on_link: Callable[[str], None] = lambda _: None,
        clock: Callable[[], float] = time.time,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._screens = screens
        self._control_socket = control_socket
        self._key = key
        self._on_viewers = on_viewers
        self._on_power = on_power
        self._on_link = on_link
        self._clock = clock
        self._patience_s = patience_s
        self._conversation: _Conversation | None = None
        self._changed = asyncio.Event()
        """Set whenever a conversation begins or a session was introduced."""
        self._counts: dict[str, int] = {}
        self._power: set[str] = set()
        self._links: dict[str, Link] = {}

    async def run(self) -> None:
        """Keep the Managed Server informed, until cancelled."""
        while True:
            try:
                await self._converse()
            except ServerUnavailable as error:
                logger.info("%s", error)
            except WebvdiError as error:
                logger.warning("the Managed Server was not told all: %s", error)
            await asyncio.sleep(RECONNECT_S)

    def refresh(self, session: str) -> None:
        """Look at a screen again, for something about it changed: it came, went, or moved."""
        if self._conversation is not None:
            self._conversation.look_at(session)

    def count(self, session: str) -> int:
        """How many look at it, as far as is known."""
        return self._counts.get(session, 0)

    def takes_orders(self, session: str) -> bool:
        """Whether its display takes orders for its machine, as far as is known."""
        return session in self._power

    def link(self, session: str) -> Link | None:
        """How the link to its display is; None where nobody wants one, or that is not known."""
        return self._links.get(session)

    async def order_power(self, session: str, order: PowerOrder) -> bool:
        """Give such an order; False where none are taken.  Raises :class:`ServerUnavailable`."""
        return bool((await self._ask("power", session=session, order=order))["done"])

    async def ticket(self, session: str, who: Visitor, *, view_only: bool, name: str) -> str:
        """A ticket for *who*, once the Managed Server knows the session.

        Raises :class:`ServerUnavailable` where it stays away.
        """
        await self._introduced(session)
        return tickets.issue(
            session,
            Role.OBSERVER if view_only else who.role,
            who.subject,
            self._key,
            nonce=secrets.token_urlsafe(12),
            now=self._clock(),
            share=who.share or "",
            name=name,
            until=who.until or 0.0,
        )

    async def revoke(self, share: str) -> None:
        """End a share's viewers now; where the server is away, it is told when it is back."""
        if self._conversation is None:
            return  # the next conversation begins with what was revoked
        try:
            await self._conversation.client.request("revoke", share=share)
        except ServerUnavailable as error:
            logger.info("the share %s is revoked again later: %s", share, error)

    async def thumbnail(
        self, session: str, width: int, height: int, known: str | None
    ) -> Thumbnail:
        """A picture that fits; raises :class:`ServerUnavailable`."""
        if not (0 < width <= MAX_PICTURE_SIDE and 0 < height <= MAX_PICTURE_SIDE):
            raise Refused(
                f"a picture is 1 to {MAX_PICTURE_SIDE} pixels wide and high", reason="bad_request"
            )
        etag = f"{width}x{height}-"
        version = known.removeprefix(etag) if known and known.startswith(etag) else None
        answer = await self._ask(
            "picture", session=session, width=width, height=height, known=version
        )
        if "none" in answer:
            return Thumbnail("", "", None, missing=str(answer["none"]))
        if answer.get("unchanged"):
            return Thumbnail(f"{etag}{version}", "image/jpeg", None)
        data = base64.b64decode(answer["data"])
        return Thumbnail(f"{etag}{answer['version']}", str(answer["media_type"]), data)

    async def screenshot(self, session: str) -> tuple[bytes, str] | None:
        """The whole picture without loss, and its media type; None where there is none."""
        answer = await self._ask("picture", session=session, width=0, height=0, known=None)
        if "none" in answer:
            return None
        return base64.b64decode(answer["data"]), str(answer["media_type"])

    async def people(self, session: str) -> tuple[Person, ...]:
        """Who is looking.  Raises :class:`ServerUnavailable`."""
        answer = await self._ask("viewers", session=session)
        people = answer["people"]
        self._counts[session] = len(people)
        return tuple(
            Person(
                viewer=int(person["viewer"]),
                name=str(person["name"]),
                role=Role(person["role"]).name.lower(),
                controls=bool(person["controls"]),
                since=float(person["since"]),
            )
            for person in people
        )

    async def _ask(self, op: str, *, session: str, **fields: Any) -> dict[str, Any]:
        return await (await self._introduced(session)).request(op, session=session, **fields)

    async def _introduced(self, session: str) -> ControlClient:
        """The connection, as soon as the Managed Server knows *session*."""
        try:
            async with asyncio.timeout(self._patience_s):
                while True:
                    conversation = self._conversation
                    if conversation is not None and session in conversation.introduced:
                        return conversation.client
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError as error:
            raise ServerUnavailable(
                "the Managed Server is not running just now; it is being restarted"
            ) from error

    async def _converse(self) -> None:
        """One connection to the Managed Server, for as long as it lasts."""
        client = await ControlClient.connect(self._control_socket, self._event)
        async with TaskOwner("sessions") as tasks:
            serving = tasks.start(client.serve(), name="control")
            conversation = _Conversation(
                client, self._screens, tasks, self._news, self._heard_session
            )
            try:
                self._conversation = conversation
                await conversation.begin()
                await asyncio.wait([serving])
            finally:
                self._conversation = None
                client.close()
                self._forget()

    def _news(self, session: str | None) -> None:
        """A session was introduced, or (None) closed."""
        del session
        self._changed.set()

    def _event(self, event: dict[str, Any]) -> None:
        session = str(event.get("session", ""))
        match event.get("event"):
            case "endpoint_lost":
                self.refresh(session)
            case "viewers":
                self._counts[session] = int(event.get("count", 0))
                self._on_viewers(session)
            case "power":
                self._heard_power(session, offered=bool(event.get("offered")))
            case "link":
                self._heard_link(session, event.get("link"))

    def _forget(self) -> None:
        """Nothing is known any more, and that is news: the next conversation may bring none."""
        self._counts.clear()
        for session in tuple(self._power):
            self._heard_power(session, offered=False)
        for session in tuple(self._links):
            self._heard_link(session, None)

    def _heard_session(self, session: str, known: Mapping[str, Any]) -> None:
        """What is known of a session when a conversation begins."""
        self._heard_power(session, offered=bool(known.get("power")))
        self._heard_link(session, known.get("link"))

    def _heard_power(self, session: str, *, offered: bool) -> None:
        if offered != (session in self._power):
            self._power ^= {session}
            self._on_power(session)

    def _heard_link(self, session: str, told: Mapping[str, Any] | None) -> None:
        link = None if told is None else Link(MachineState(told["state"]), str(told["detail"]))
        if is_news(self._links, session, link):
            self._on_link(session)


class _Conversation:
    """What was told on one connection."""

    def __init__(
        self,
        client: ControlClient,
        screens: Screens,
        tasks: TaskOwner,
        news: Callable[[str | None], None],
        heard_session: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self.client = client
        self._screens = screens
        self._tasks = tasks
        self._news = news
        self._heard_session = heard_session
        self.introduced: set[str] = set()
        self._looks: dict[str, asyncio.Event] = {}

    async def begin(self) -> None:
        """Say which sessions there are, which are no more, and who may not look any more."""
        for share in await self._screens.revoked():
            await self.client.request("revoke", share=share)
        wanted = set(await self._screens.sessions())
        for known in (await self.client.request("sessions"))["sessions"]:
            self._heard_session(known["name"], known)
            if known["name"] not in wanted:
                await self.client.request("close_session", session=known["name"])
        for session in sorted(wanted):
            self.look_at(session)

    def look_at(self, session: str) -> None:
        """Compare a screen with what was told, soon."""
        look = self._looks.get(session)
        if look is None:
            look = self._looks[session] = asyncio.Event()
            self._tasks.start(self._keep_telling(session, look), name=f"tell {session}")
        look.set()

    async def _keep_telling(self, session: str, look: asyncio.Event) -> None:
        told: Screen | None = None
        while True:
            await look.wait()
            look.clear()
            try:
                screen = await self._screens.screen(session)
            except WebvdiError as error:
                logger.warning("how %s is, is not known: %s", session, error)
                continue
            if screen is None:
                del self._looks[session]
                await self._told(self._close(session))
                return
            if screen != told and await self._told(self._tell(session, screen, told)):
                told = screen
                self.introduced.add(session)
                self._news(session)

    async def _told(self, telling: Awaitable[None]) -> bool:
        """Whether it was heard; a connection that does not answer is given up."""
        try:
            await telling
        except ControlFailed as error:
            logger.warning("the Managed Server refused: %s", error)
            return False
        except ServerUnavailable as error:
            logger.info("%s", error)
            self.client.close()
            return False
        return True

    async def _tell(self, session: str, screen: Screen, told: Screen | None) -> None:
        if screen.endpoint is not None and _moved(screen, told):
            tls = {} if screen.tls is None else {"tls": dict(screen.tls)}
            await self.client.request(
                "open_session",
                session=session,
                title=screen.title,
                endpoint=str(screen.endpoint),
                generation=screen.generation,
                password=screen.password,
                **tls,
            )
        state, detail = screen.state, screen.detail
        if state in _TOLD_STATES:
            await self.client.request("set_state", session=session, state=state, detail=detail)
        elif screen.endpoint is None:  # it is being started
            connecting = MachineState.CONNECTING
            await self.client.request("set_state", session=session, state=connecting, detail="")
        elif told is not None and told.state is MachineState.PAUSED and not _moved(screen, told):
            live = MachineState.LIVE
            await self.client.request("set_state", session=session, state=live, detail="")

    async def _close(self, session: str) -> None:
        self.introduced.discard(session)
        await self.client.request("close_session", session=session)
        self._news(None)


def _moved(screen: Screen, told: Screen | None) -> bool:
    """Whether the session must be opened (again)."""
    return told is None or (told.endpoint, told.generation, told.title, told.tls) != (
        screen.endpoint,
        screen.generation,
        screen.title,
        screen.tls,
    )
