"""The link to a session's display: made, kept through losses, and let go."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from webvdi.base.tasks import TaskOwner
from webvdi.display.endpoint import Endpoint, ListenEndpoint
from webvdi.display.rfb_source import RfbSource
from webvdi.display.source import (
    Credentials,
    CredentialsRequired,
    DisplayEvent,
    DisplaySource,
    Lost,
    Opened,
)
from webvdi.display.tls import TlsPolicy
from webvdi.framebuffer import Framebuffer

RETRY_S = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0)
"""Pauses between attempts to reach a display; the last one repeats."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a session shows: an endpoint, valid for one generation of a machine."""

    endpoint: Endpoint
    generation: str
    credentials: Credentials | None = None
    tls: TlsPolicy | None = None

    @property
    def listens(self) -> bool:
        """Whether the display connects to us, which it does when it likes."""
        return isinstance(self.endpoint, ListenEndpoint)


class DisplayLink:
    """At most one link to one display at a time."""

    def __init__(
        self,
        tasks: TaskOwner,
        on_event: Callable[[DisplayEvent], None],
        on_lost: Callable[[str, str], None],
        on_failure: Callable[[], None],
        on_wanted: Callable[[], None],
    ) -> None:
        """*on_lost* gets generation and words, *on_failure* tells that something of ours failed.

        *on_wanted* tells that a link is wanted from now on.
        """
        self._tasks = tasks
        self._on_event = on_event
        self._on_lost = on_lost
        self._on_failure = on_failure
        self._on_wanted = on_wanted
        self.source: DisplaySource | None = None
        """The link that stands or is being made."""
        self._task: asyncio.Task[None] | None = None
        self._target: Target | None = None
        self._mirror: Framebuffer
        self._credentials: Credentials | None = None
        self._lost: Lost | None = None
        self._opened = False

    @property
    def target(self) -> Target | None:
        """What it is to show; None for a machine without a display."""
        return self._target

    @property
    def listens(self) -> bool:
        """Whether it waits for a display to connect to us: nobody need look meanwhile."""
        return self._target is not None and self._target.listens

    @property
    def kept(self) -> bool:
        """Whether it is being kept: it stands, or is tried again and again."""
        return self._task is not None

    def aim(self, target: Target | None) -> None:
        """From now on show *target*; a link to another is let go."""
        self.let_go()
        self._target = target
        self._credentials = target.credentials if target is not None else None

    def want(self, mirror: Framebuffer) -> None:
        """Have the display's pixels in *mirror*, and keep the link."""
        if self._task is None and self._target is not None:
            self._mirror = mirror
            self._task = self._tasks.start(self._keep(), name="display")
            self._on_wanted()

    def let_go(self) -> None:
        """Close the link, or stop trying."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.source = None

    def authenticate(self, credentials: Credentials) -> bool:
        """Answer the display's question; False if there is no link, so that one must be wanted."""
        self._credentials = credentials
        if self.source is None:
            return False
        self.source.authenticate(credentials)
        return True

    async def _keep(self) -> None:
        """Keep a link to the display, through losses, until cancelled or it is pointless."""
        try:
            await self._keep_linked()
        except Exception:
            self._on_failure()
            raise

    async def _keep_linked(self) -> None:
        attempt = 0
        while (target := self._target) is not None:
            self._lost, self._opened = None, False
            source = RfbSource(
                target.endpoint,
                self._mirror,
                self._heard,
                credentials=self._credentials,
                tls=target.tls,
            )
            self.source = source
            await source.run()
            self.source = None
            lost = self._loss()
            if lost is None or lost.permanent:
                break
            if self._opened:
                attempt = 0
            self._on_lost(target.generation, lost.message)
            await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            attempt += 1
        self._task = None

    def _loss(self) -> Lost | None:
        """How the last link ended; set by the listener while it ran."""
        return self._lost

    def _heard(self, event: DisplayEvent) -> None:
        match event:
            case Opened():
                self._opened = True
            case Lost(wrong_credentials=True):
                self._lost = event
                username = bool(self._credentials and self._credentials.username)
                self._credentials = None
                event = CredentialsRequired(username, retry=True)
            case Lost():
                self._lost = event
            case _:
                pass
        self._on_event(event)
