"""The contract of a display source: something with a screen, a keyboard and a pointer.

RFB is the first implementation (``display/rfb_source.py``); a D-Bus display or a VMM's shared
memory can follow.  One conformance suite runs on all of them (``tests/conformance``).

A source writes pixels into the :class:`~webvdi.framebuffer.Framebuffer` that it was given and
says what happened by calling its listener with a :data:`DisplayEvent`, always from the event
loop's thread and never from inside a call made to the source.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from webvdi.framebuffer import Cursor


@dataclass(frozen=True, slots=True)
class Opened:
    """The link stands; the mirror has the screen's size (its pixels are still to come)."""

    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class Resized:
    """The screen has a new size; the mirror was resized (black until pixels come)."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Updated:
    """The mirror is a consistent picture again (one whole update has been written).

    Between the first pixel of an update and this event ``source.settled`` is false.
    """


@dataclass(frozen=True, slots=True)
class CursorChanged:
    """The pointer has a new shape."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class LedsChanged:
    """The guest's keyboard lights: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock."""

    leds: int


@dataclass(frozen=True, slots=True)
class PointerModeChanged:
    """Whether the guest takes absolute positions (a tablet) or only motion (a mouse)."""

    absolute: bool


@dataclass(frozen=True, slots=True)
class NameChanged:
    """The desktop's name."""

    name: str


@dataclass(frozen=True, slots=True)
class Bell:
    """The guest rings."""


@dataclass(frozen=True, slots=True)
class CutText:
    """The guest's clipboard."""

    text: str


@dataclass(frozen=True, slots=True)
class PowerOffered:
    """The machine takes orders through the link now (:meth:`DisplaySource.order_power`)."""


@dataclass(frozen=True, slots=True)
class CredentialsRequired:
    """The link waits for :meth:`DisplaySource.authenticate`.

    *retry* says that credentials were given before and were wrong.
    """

    username: bool
    retry: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """The link is gone, for ever: a source is used once.

    *permanent*: trying again cannot help (no RFB server there, wrong password), so nobody should
    until the user has acted.  *message* is for the user.  *wrong_credentials*: the ones that were
    given did not fit; with others a new source may get in (then it is permanent, too).
    """

    message: str
    permanent: bool
    wrong_credentials: bool = False


DisplayEvent: TypeAlias = (
    Opened
    | Resized
    | Updated
    | CursorChanged
    | LedsChanged
    | PointerModeChanged
    | NameChanged
    | Bell
    | CutText
    | PowerOffered
    | CredentialsRequired
    | Lost
)

DisplayListener: TypeAlias = Callable[[DisplayEvent], None]


class PowerOrder(StrEnum):
    """What some displays can have their machine do."""

    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person typed to be let in."""

    username: str
    password: str


class DisplaySource(Protocol):
    """One link to one screen.  Calls before ``Opened`` or after ``Lost`` do nothing."""

    @property
    def settled(self) -> bool:
        """Whether the mirror holds no half-written update just now."""

    @property
    def idle_backoff(self) -> bool:
        """Whether the peer slows its refresh when nothing happens, so that :meth:`nudge` helps."""

    async def run(self) -> None:
        """Connect, and serve the link until it ends; the last event is ``Lost``.

        Called once.  Cancelling it closes the link (no ``Lost`` then).
        """

    def key(self, down: bool, keysym: int, scancode: int) -> None:
        """Press or release a key: X11 keysym, and PC/AT set 1 scancode (0x80 bit set for the
        0xE0-prefixed ones, 0 if unknown); the source sends what its peer understands best."""

    def pointer(self, x: int, y: int, buttons: int) -> None:
        """Place the pointer; buttons as in RFB: bit 0 left, 1 middle, 2 right, 3-6 wheel
        up, down, left, right, 7 back, 8 forward."""

    def motion(self, dx: int, dy: int, buttons: int) -> None:
        """Move the pointer by so much, for guests without an absolute pointer."""

    def cut_text(self, text: str) -> None:
        """Set the guest's clipboard."""

    def request_size(self, width: int, height: int) -> None:
        """Ask for another screen size; where the peer cannot, nothing happens."""

    def nudge(self) -> None:
        """Wake a peer whose refresh timer has backed off; harmless at any time."""

    def glance(self) -> bool:
        """Ask for one update although nobody watches; whether that was news to the peer.

        If not, an earlier question stands: the peer has had nothing to show since.
        """

    def watch(self, watching: bool) -> None:
        """Whether updates are wanted.  While nobody looks, none are requested."""

    def hold(self, held: bool) -> None:
        """Whether updates are to wait: those who look cannot be sent anything just now.

        While held, no further update is asked of the peer, so that neither side works for
        pictures that nobody will see; one that was asked for already still comes.  Let go, the
        next is asked for at once.  A source that has come to be open is not held.
        """

    @property
    def offers_power_control(self) -> bool:
        """Whether :meth:`order_power` has an effect."""

    def order_power(self, order: PowerOrder) -> None:
        """Shut down, reboot or reset the machine; what becomes of it is not told."""

    def authenticate(self, credentials: Credentials) -> None:
        """Answer ``CredentialsRequired``."""
