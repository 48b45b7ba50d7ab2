"""What QEMU began and others took up (rfbproto: QEMU … pseudo-encodings)."""

from webvdi.framebuffer import Rect
from webvdi.rfb.events import ExtendedKeysSupported, LedsChanged, PointerModeChanged
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u8


def parse_extended_key_event(_rect: Rect, link: Link) -> Parser[None]:
    """An empty rectangle says that scancodes are welcome."""
    if not link.extended_keys:
        link.extended_keys = True
        yield ExtendedKeysSupported()


def parse_led_state(_rect: Rect, _link: Link) -> Parser[None]:
    """The keyboard lights."""
    leds = yield from take_u8()
    yield LedsChanged(leds)


def parse_pointer_motion_change(rect: Rect, link: Link) -> Parser[None]:
    """The header's x: 1 for positions, 0 for motion."""
    link.absolute_pointer = rect.x != 0
    yield PointerModeChanged(link.absolute_pointer)
