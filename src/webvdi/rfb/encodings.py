"""The numbers of encodings and pseudo-encodings (RFC 6143 §7.7 and §7.8, rfbproto)."""

from enum import IntEnum


class Encoding(IntEnum):
    """How the pixels of a rectangle travel."""

    RAW = 0
    COPY_RECT = 1
    RRE = 2
    CORRE = 4
    HEXTILE = 5
    ZLIB = 6
    TIGHT = 7
    ZRLE = 16
    TIGHT_PNG = -260


class PseudoEncoding(IntEnum):
    """What a client can take beside pixels; asking for it is how a client says so.

    FENCE, CONTINUOUS_UPDATES and XVP bring messages, the others rectangles.
    """

    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    QEMU_POINTER_MOTION_CHANGE = -257
    QEMU_EXTENDED_KEY_EVENT = -258
    QEMU_LED_STATE = -261
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
    XVP = -309
    FENCE = -312
    CONTINUOUS_UPDATES = -313
    CURSOR_WITH_ALPHA = -314


COMPRESS_LEVEL_2 = -254
"""Asks Tight and ZRLE servers for zlib level 2: higher ones cost much time and save few bytes."""


def quality_level(level: int) -> int:
    """The pseudo-encoding that allows lossy JPEG of quality *level*, 0 (worst) to 9."""
    return -32 + level


FEATURES: tuple[int, ...] = (
    # The acknowledgement of this one tells us early what kind of server it is.
    PseudoEncoding.QEMU_EXTENDED_KEY_EVENT,
    PseudoEncoding.QEMU_POINTER_MOTION_CHANGE,
    PseudoEncoding.QEMU_LED_STATE,
    PseudoEncoding.CURSOR_WITH_ALPHA,
    PseudoEncoding.CURSOR,
    PseudoEncoding.EXTENDED_DESKTOP_SIZE,
    PseudoEncoding.DESKTOP_SIZE,
    PseudoEncoding.DESKTOP_NAME,
    PseudoEncoding.LAST_RECT,
    PseudoEncoding.FENCE,
    PseudoEncoding.CONTINUOUS_UPDATES,
    PseudoEncoding.XVP,
)
"""Every pseudo-encoding that we read."""

LOCAL_ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.RAW,
    *(feature for feature in FEATURES if feature != PseudoEncoding.LAST_RECT),
)
"""For a server on this host: pixels as they are, since we encode them for the browser anyway.

Nothing else is offered, for TigerVNC takes Raw for a last resort, wherever it is in the list.  Nor
is it told of LastRect: it would look for areas of one colour then, and send them, raw, as hundreds
of rectangles of their own.
"""

REMOTE_ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.TIGHT,
    Encoding.ZRLE,
    Encoding.ZLIB,
    Encoding.HEXTILE,
    Encoding.CORRE,
    Encoding.RRE,
    Encoding.RAW,
    COMPRESS_LEVEL_2,
    *FEATURES,
)
"""For a server across a network; Tight without a quality level is lossless.

Tight PNG is not among them: whoever has it has Tight, which costs both sides less.
"""
