"""Size and name of the desktop (RFC 6143 §7.8.2; rfbproto: ExtendedDesktopSize, DesktopName)."""

import struct
from typing import Final

from webvdi.framebuffer import Rect
from webvdi.rfb.events import (
    NameChanged,
    Resized,
    ResizeReason,
    Screen,
    ScreensChanged,
    SizeAnswered,
    SizeStatus,
)
from webvdi.rfb.handshake import take_name
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_u8

_SCREEN: Final = struct.Struct(">IHHHHI")


def parse_desktop_size(rect: Rect, link: Link) -> Parser[None]:
    """The header is all there is."""
    yield from _resize(rect, link, ResizeReason.SERVER)


def parse_extended_desktop_size(rect: Rect, link: Link) -> Parser[None]:
    """The header's x is the reason, its y the status of a request of ours."""
    count = yield from take_u8()
    yield from skip(3)
    data = yield count * _SCREEN.size
    screens = tuple(Screen(*fields) for fields in _SCREEN.iter_unpack(data))
    if rect.x == ResizeReason.THIS_CLIENT and rect.y != SizeStatus.DONE:
        # Size and screens of a refusal say nothing reliable.
        yield SizeAnswered(rect.y)
        return
    reason = ResizeReason(rect.x) if rect.x in list(ResizeReason) else ResizeReason.SERVER
    yield from _resize(rect, link, reason)
    # A server without monitors can still be asked for a size: then for one monitor.
    link.screens = screens or (Screen(0, 0, 0, rect.width, rect.height, 0),)
    yield ScreensChanged(link.screens)


def _resize(rect: Rect, link: Link, reason: ResizeReason) -> Parser[None]:
    """Servers also announce the size that we know already."""
    if (rect.width, rect.height) != (link.width, link.height):
        link.resize(rect.width, rect.height)
        yield Resized(rect.width, rect.height, reason)


def parse_desktop_name(_rect: Rect, link: Link) -> Parser[None]:
    """A new name."""
    link.name = yield from take_name()
    yield NameChanged(link.name)
