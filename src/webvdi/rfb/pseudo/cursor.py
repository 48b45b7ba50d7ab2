"""The shape of the pointer: Cursor (RFC 6143 §7.8.1) and Cursor With Alpha (rfbproto)."""

from typing import Final

import numpy as np
import numpy.typing as npt

from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import Cursor, Rect
from webvdi.rfb.encodings import Encoding
from webvdi.rfb.events import CursorShape
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_s32

MAX_CURSOR_SIDE: Final = 1024
"""Bound on a pointer's sides; real ones have up to 256 pixels."""

_SWAPPED: Final = [2, 1, 0, 3]
"""Between B, G, R, A and R, G, B, A."""


def parse_cursor(rect: Rect, _link: Link) -> Parser[None]:
    """Pixels, then one bit a pixel that says whether it is seen."""
    _check_size(rect)
    mask_row = (rect.width + 7) // 8
    data = np.frombuffer((yield rect.area * 4), np.uint8).reshape(rect.height, rect.width, 4)
    mask = np.frombuffer((yield mask_row * rect.height), np.uint8).reshape(rect.height, mask_row)
    seen = np.unpackbits(mask, axis=1)[:, : rect.width]
    rgba = data[:, :, _SWAPPED]
    rgba[:, :, 3] = seen * np.uint8(255)
    rgba[seen == 0] = 0
    yield _shape(rect, rgba)


def parse_cursor_with_alpha(rect: Rect, link: Link) -> Parser[None]:
    """Pixels R, G, B, A in an encoding of their own, colours multiplied by alpha."""
    _check_size(rect)
    encoding = yield from take_s32()
    if encoding != Encoding.RAW:
        raise RemoteProtocolError(
            f"the display server sent a pointer in encoding {encoding}; only Raw is known"
        )
    data = np.frombuffer((yield rect.area * 4), np.uint8).reshape(rect.height, rect.width, 4)
    # QEMU (ui/vnc.c, vnc_cursor_define) sends its own format instead: B, G, R, A.
    yield _shape(rect, _straight(data[:, :, _SWAPPED] if link.is_qemu else data))


def _check_size(rect: Rect) -> None:
    if rect.width > MAX_CURSOR_SIDE or rect.height > MAX_CURSOR_SIDE:
        raise RemoteProtocolError(
            f"the display server sent a pointer of {rect.width}x{rect.height} pixels; "
            f"{MAX_CURSOR_SIDE} a side are the most"
        )


def _straight(premultiplied: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Colours divided by their alpha; what is fully transparent becomes black."""
    alpha = premultiplied[:, :, 3:].astype(np.uint16)
    colours = premultiplied[:, :, :3].astype(np.uint16) * 255
    straight = np.minimum((colours + alpha // 2) // np.maximum(alpha, 1), 255) * (alpha > 0)
    return np.concatenate([straight.astype(np.uint8), premultiplied[:, :, 3:]], axis=2)


def _shape(rect: Rect, rgba: npt.NDArray[np.uint8]) -> CursorShape:
    """The event; a hot spot beyond the picture moves to its edge."""
    hot_x = min(rect.x, max(rect.width - 1, 0))
    hot_y = min(rect.y, max(rect.height - 1, 0))
    return CursorShape(Cursor(rect.width, rect.height, hot_x, hot_y, rgba.tobytes()))
