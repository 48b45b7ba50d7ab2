"""The numbers of encodings and pseudo-encodings (RFC 6143 §7.7 and §7.8, rfbproto)."""

from enum import IntEnum


class Encoding(IntEnum):
    """How the pixels of a rectangle travel."""

    RAW = 0
    COPY_RECT = 1
    HEXTILE = 5
    TIGHT = 7
    ZRLE = 16


class PseudoEncoding(IntEnum):
    """What a client can take beside pixels; asking for it is how a client says so."""

    DESKTOP_SIZE = -223
    LAST_RECT = -224
    CURSOR = -239
    QEMU_POINTER_MOTION_CHANGE = -257
    QEMU_EXTENDED_KEY_EVENT = -258
    QEMU_LED_STATE = -261
    DESKTOP_NAME = -307
    EXTENDED_DESKTOP_SIZE = -308
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
)
"""Every pseudo-encoding that we read."""

LOCAL_ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.RAW,
    Encoding.ZRLE,
    Encoding.HEXTILE,
    *FEATURES,
)
"""For a server on this host: pixels as they are, since we encode them for the browser anyway."""

REMOTE_ENCODINGS: tuple[int, ...] = (
    Encoding.COPY_RECT,
    Encoding.TIGHT,
    Encoding.ZRLE,
    Encoding.HEXTILE,
    Encoding.RAW,
    COMPRESS_LEVEL_2,
    *FEATURES,
)
"""For a server across a network; Tight without a quality level is lossless."""
