"""The contract of the broker: what can be asked of machines, shares, images and guests.

:class:`UseCases` bundles them for the rooms above.  ``Service`` offers machines of an engine,
``DisplayService`` fixed displays; ``tests/support/fake_catalogue.py`` is the fake, and
``tests/conformance/test_catalogue.py`` runs on all three.

Errors: ``NotFound`` (also for a *ref* that is empty), ``Conflict``, ``StateError``, ``Refused``
with its reasons, those of :mod:`webvdi.vmm.errors`, and ``ServerUnavailable`` where the Managed
Server is needed and away.
"""

from collections.abc import AsyncIterator
from typing import Literal, Protocol

from webvdi.broker.guests import Guests
from webvdi.broker.images import Images
from webvdi.broker.shares import Shares
from webvdi.broker.views import (
    Change,
    Changes,
    HostView,
    JournalEntry,
    MachineView,
    NewMachine,
    Person,
    SerialChunk,
    Thumbnail,
    Visitor,
)

VERBS = ("start", "stop", "kill", "reset", "pause", "resume", "save")
"""What :meth:`Catalogue.do` does."""

MAX_SERIAL_CHUNK_BYTES = 64 << 10
MAX_SERIAL_WRITE_BYTES = 4 << 10


class Catalogue(Protocol):
    """Machines, or fixed displays.  A *ref* is an id or a name."""

    async def list(self) -> tuple[MachineView, ...]:
        """All of them, sorted by name."""
        ...

    async def get(self, ref: str) -> MachineView:
        """One of them."""
        ...

    async def create(self, wanted: NewMachine) -> MachineView:
        """Begin to make a machine; returns at once, in phase ``creating``.

        Progress is in the view, with a change for each step.  A repeat with an equal *wanted*
        returns the machine that there is; another one with the same name is a ``Conflict``.
        What can be refused at once is (``InvalidSpec``, ``DiskError``, ``CapacityExceeded``,
        ``NotFound`` for a guest or image); what fails later makes phase ``failed``.
        """
        ...

    async def change(self, ref: str, changes: Changes) -> MachineView:
        """Change a machine's settings: all of them, or none."""
        ...

    async def delete(self, ref: str) -> None:
        """End a machine, whatever it is doing, and remove it with the files made for it.

        Returns when it is gone.  Files of the user stay.
        """
        ...

    async def do(
        self,
        verb: str,
        ref: str,
        *,
        graceful: bool = True,
        timeout_s: float = 60.0,
        force: bool = False,
    ) -> MachineView:
        """Do one of :data:`VERBS`, and wait until it is done.

        The others are for ``stop``: *graceful* asks the guest and gives it *timeout_s* seconds;
        one that has not gone by then is switched off with *force*, and without it goes on, and
        ``StillRunning`` is raised.  A caller that goes away does not undo what was begun.

        ``start`` lets a paused machine go on.  What is so already is no error, and no entry in
        the journal.
        """
        ...

    async def screenshot(self, ref: str) -> tuple[bytes, str]:
        """The whole screen, and its media type.  Raises ``StateError`` where there is none."""
        ...

    async def thumbnail(self, ref: str, width: int, height: int, known: str | None) -> Thumbnail:
        """The screen within *width* × *height* pixels; without data where its etag is *known*."""
        ...

    async def ticket(self, ref: str, who: Visitor, *, view_only: bool, name: str) -> str:
        """A ticket for the viewer protocol's *Attach*; *name* is shown to the others."""
        ...

    async def viewers(self, ref: str) -> tuple[Person, ...]:
        """Who is looking now."""
        ...

    async def serial(self, ref: str, offset: int) -> SerialChunk:
        """What was written to the serial port from *offset* on, at most 64 KiB.

        Empty, with ``next_offset`` equal to ``offset``, where there is nothing more yet.  An
        *offset* beyond the end (the machine was started anew) is answered from the start.
        """
        ...

    async def serial_write(self, ref: str, data: bytes) -> None:
        """Type *data* (at most 4 KiB) into the serial port."""
        ...

    async def journal(self, ref: str, *, limit: int = 200) -> tuple[JournalEntry, ...]:
        """What happened to it, the newest last; at most *limit* entries."""
        ...

    def changes(self) -> AsyncIterator[Change]:
        """Listen from this call on.

        Hints: some may be doubled, and a slow listener loses the oldest.  ``aclose()``, where
        there is one, ends it early.
        """
        ...


class UseCases(Protocol):
    """All that the rooms above ask for."""

    @property
    def mode(self) -> Literal["service", "view"]:
        """Machines, or fixed displays."""
        ...

    @property
    def catalogue(self) -> Catalogue:
        """Machines or displays."""
        ...

    @property
    def shares(self) -> Shares:
        """Links that let others in."""
        ...

    @property
    def images(self) -> Images:
        """ISO and disk files; there are none in mode ``view``."""
        ...

    @property
    def guests(self) -> Guests:
        """Guests that come with webvdi; there are none in mode ``view``."""
        ...

    async def host(self) -> HostView:
        """What there is to say about this host; findings may be some minutes old."""
        ...
