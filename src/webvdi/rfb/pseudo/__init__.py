"""Pseudo-encodings, and the table that finds the reader of each by its number.

The header of such a rectangle means whatever its encoding says; no place in the framebuffer.
LastRect is not here: it has no content, and ``incoming/update.py`` acts on it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from webvdi.framebuffer import Rect
from webvdi.rfb.encodings import PseudoEncoding
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser
from webvdi.rfb.pseudo.cursor import parse_cursor, parse_cursor_with_alpha
from webvdi.rfb.pseudo.desktop import (
    parse_desktop_name,
    parse_desktop_size,
    parse_extended_desktop_size,
)
from webvdi.rfb.pseudo.qemu import (
    parse_extended_key_event,
    parse_led_state,
    parse_pointer_motion_change,
)

PSEUDO_ENCODINGS: Final[Mapping[int, Callable[[Rect, Link], Parser[None]]]] = {
    PseudoEncoding.CURSOR: parse_cursor,
    PseudoEncoding.CURSOR_WITH_ALPHA: parse_cursor_with_alpha,
    PseudoEncoding.DESKTOP_SIZE: parse_desktop_size,
    PseudoEncoding.EXTENDED_DESKTOP_SIZE: parse_extended_desktop_size,
    PseudoEncoding.DESKTOP_NAME: parse_desktop_name,
    PseudoEncoding.QEMU_LED_STATE: parse_led_state,
    PseudoEncoding.QEMU_EXTENDED_KEY_EVENT: parse_extended_key_event,
    PseudoEncoding.QEMU_POINTER_MOTION_CHANGE: parse_pointer_motion_change,
}
