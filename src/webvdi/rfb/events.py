"""What the server said, one frozen value each, in the order in which it was said."""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from webvdi.framebuffer import Cursor, Pixels, Rect


@dataclass(frozen=True, slots=True)
class Connected:
    """The handshake is done; the framebuffer has this size."""

    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class CredentialsRequired:
    """The server wants a password (and a user name, if *username*); parsing waits for it."""

    username: bool


@dataclass(frozen=True, slots=True)
class TlsRequired:
    """The rest of the link goes through TLS, which is to be set up now; parsing waits for it.

    *certificate* says whether the server has one, to be checked; without it anybody may be at
    the other end.
    """

    certificate: bool


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """New pixels for *rect*.

    *pixels* has *rect*'s size, bytes B, G, R and one without meaning.  It belongs to whoever
    takes the event: nothing here touches it again.
    """

    rect: Rect
    pixels: Pixels


@dataclass(frozen=True, slots=True)
class Copied:
    """The pixels of *rect* are those that were at (*source_x*, *source_y*); both may overlap."""

    rect: Rect
    source_x: int
    source_y: int


@dataclass(frozen=True, slots=True)
class UpdateEnded:
    """One framebuffer update is complete."""


class ResizeReason(IntEnum):
    """Who changed the size (rfbproto: ExtendedDesktopSize)."""

    SERVER = 0
    THIS_CLIENT = 1
    OTHER_CLIENT = 2


@dataclass(frozen=True, slots=True)
class Screen:
    """One monitor within the framebuffer (rfbproto: ExtendedDesktopSize)."""

    id: int
    x: int
    y: int
    width: int
    height: int
    flags: int


@dataclass(frozen=True, slots=True)
class Resized:
    """The framebuffer has another size; its old pixels are gone."""

    width: int
    height: int
    reason: ResizeReason


class SizeStatus(IntEnum):
    """The answer to our request for another size (rfbproto: ExtendedDesktopSize).

    Servers have numbers of their own beyond these; they all mean a refusal.
    """

    DONE = 0
    PROHIBITED = 1
    OUT_OF_RESOURCES = 2
    INVALID_LAYOUT = 3
    FORWARDED = 4
    """QEMU: passed on to the guest, which may or may not follow; ``Resized`` comes if it does."""


@dataclass(frozen=True, slots=True)
class SizeAnswered:
    """The server answered our request for another size; only ``FORWARDED`` leaves hope."""

    status: int


@dataclass(frozen=True, slots=True)
class ScreensChanged:
    """The server can change its size on request, and these are its monitors."""

    screens: tuple[Screen, ...]


@dataclass(frozen=True, slots=True)
class CursorShape:
    """The pointer has a new shape."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class LedsChanged:
    """The keyboard lights: bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock."""

    leds: int


@dataclass(frozen=True, slots=True)
class PointerModeChanged:
    """Whether pointer events carry positions (*absolute*) or motion."""

    absolute: bool


@dataclass(frozen=True, slots=True)
class ExtendedKeysSupported:
    """The server takes scancodes (rfbproto: QEMU Extended Key Event)."""


@dataclass(frozen=True, slots=True)
class NameChanged:
    """The desktop has a new name."""

    name: str


@dataclass(frozen=True, slots=True)
class Bell:
    """The server rings."""


@dataclass(frozen=True, slots=True)
class CutText:
    """The server's clipboard has new text."""

    text: str


@dataclass(frozen=True, slots=True)
class ContinuousUpdatesEnded:
    """The server sends updates only when asked (rfbproto: EndOfContinuousUpdates).

    The first one says that it can do otherwise, each later one answers our switching it off.
    """


@dataclass(frozen=True, slots=True)
class PowerControlOffered:
    """The server takes orders to shut down, reboot and reset (rfbproto: xvp)."""


@dataclass(frozen=True, slots=True)
class PowerControlFailed:
    """The server could not do what the last order said (rfbproto: xvp)."""


Event: TypeAlias = (
    Connected
    | CredentialsRequired
    | TlsRequired
    | Painted
    | Copied
    | UpdateEnded
    | Resized
    | SizeAnswered
    | ScreensChanged
    | CursorShape
    | LedsChanged
    | PointerModeChanged
    | ExtendedKeysSupported
    | NameChanged
    | Bell
    | CutText
    | ContinuousUpdatesEnded
    | PowerControlOffered
    | PowerControlFailed
)
