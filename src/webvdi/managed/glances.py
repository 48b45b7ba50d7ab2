"""Pictures of a session on demand, from its mirror, which a glance at the display refreshes.

Where the display is followed, the mirror is up to date and a picture costs a copy.  Where it is
not, as nobody watches or all who do lag, a link is made, pixels are asked for no more often than
``FRESH_S``, and the link is let go when nobody has asked for ``GLANCE_S``.
"""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import Executor

from webvdi.display.source import CredentialsRequired, DisplayEvent, Lost, Opened, Updated
from webvdi.managed.core import SessionCore
from webvdi.managed.display_link import DisplayLink
from webvdi.managed.pictures import Answer, NoPicture, Unchanged, render
from webvdi.wire.to_viewer import MachineState

GLANCE_S = 30.0
"""A link that only pictures were asked of is let go when nobody has asked for so long."""

FRESH_S = 2.0
"""A picture that nobody looks at is not brought up to date more often than this."""

FIRST_PICTURE_WITHIN_S = 5.0
"""How long a picture may take from a display to which there was no link."""

NEWER_PICTURE_WITHIN_S = 0.25
"""How long a picture waits for newer pixels than there are."""


class Glances:
    """Those of one session."""

    def __init__(
        self, link: DisplayLink, encoders: Executor, on_enough: Callable[[], None]
    ) -> None:
        """*on_enough* is called when nobody has asked for a while."""
        self._link = link
        self._encoders = encoders
        self._on_enough = on_enough
        self._mirror_name = ""
        """Names the mirror, so that versions of another one are never taken for its own."""
        self._timer: asyncio.TimerHandle | None = None
        self._asked = float("-inf")
        """When pixels were asked for although the display was not followed."""
        self._current = False
        """Whether the mirror was drawn by the display that it is to show now."""
        self._waiting: set[asyncio.Future[None]] = set()
        self.begin_anew()

    @property
    def wanted(self) -> bool:
        """Whether somebody has asked lately."""
        return self._timer is not None

    def begin_anew(self) -> None:
        """The session has another mirror."""
        self._mirror_name = secrets.token_urlsafe(6)
        self.aimed()

    def aimed(self) -> None:
        """The session is to show another display; what it shows is an older one's."""
        self._current = False
        self._asked = float("-inf")

    def close(self) -> None:
        """Want nothing any more; who waits goes without."""
        self._stop_timer()
        self._wake()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def picture(
        self, core: SessionCore, width: int, height: int, known: str | None
    ) -> Answer:
        """The screen as it is, to fit *width* x *height*, or whole if both are 0."""
        self._stop_timer()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(GLANCE_S, self._enough)
        if not core.followed:
            await self._look(core, loop.time())
        if not core.pixels.has_picture:
            return NoPicture(core.state.detail or "there is no picture yet")
        version = f"{self._mirror_name}.{core.mirror.version}"
        if known == version:
            return Unchanged()
        pixels = core.mirror.snapshot(core.mirror.rect)
        return await loop.run_in_executor(self._encoders, render, pixels, version, width, height)

    def _enough(self) -> None:
        self._timer = None
        self._on_enough()

    def heard(self, event: DisplayEvent, *, followed: bool) -> None:
        """The display said something, and the core has taken it in."""
        source = self._link.source
        if isinstance(event, Updated):
            self._current = True
        if isinstance(event, Opened) and self.wanted and not followed and source is not None:
            source.glance()
        if isinstance(event, Updated | Lost | CredentialsRequired):
            self._wake()

    async def _look(self, core: SessionCore, now: float) -> None:
        """See to it that the mirror is up to date, as far as that can be had soon."""
        if self._link.kept and self._current and core.pixels.has_picture:
            source = self._link.source
            if source is not None and now - self._asked >= FRESH_S and source.glance():
                self._asked = now
                await self._news(NEWER_PICTURE_WITHIN_S)
            return
        vain = core.state.state in (MachineState.FAILED, MachineState.CREDENTIALS)
        if vain and now - self._asked < GLANCE_S:
            return
        self._asked = now
        self._current = False
        self._link.want(core.mirror)
        if self._link.source is not None:
            self._link.source.glance()
        end = now + FIRST_PICTURE_WITHIN_S
        clock = asyncio.get_running_loop().time
        while not self._enough_of(core) and clock() < end:
            await self._news(end - clock())

    def _enough_of(self, core: SessionCore) -> bool:
        """Whether there is a picture, or none to be waited for."""
        asks = core.state.state is MachineState.CREDENTIALS
        drawn = self._current and core.pixels.has_picture
        return drawn or asks or not self._link.kept

    async def _news(self, within_s: float) -> None:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        try:
            async with asyncio.timeout(within_s):
                await waiting
        except TimeoutError:
            pass  # then it is as it was
        finally:
            self._waiting.discard(waiting)
