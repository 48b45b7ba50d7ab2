"""What a client says, message by message (RFC 6143 §7.3.1 and §7.5, rfbproto)."""

import struct
from collections.abc import Sequence
from enum import IntEnum

from webvdi.framebuffer import Rect
from webvdi.rfb.events import Screen

MAX_CUT_TEXT_BYTES = 1 << 20
"""Bound on clipboard text in either direction."""

POINTER_BUTTONS = 0x7F
"""RFC 6143 has eight bits; the highest is the mark of rfbproto's ExtendedMouseButtons."""

_MOTION_ORIGIN = 0x7FFF


def client_init(*, shared: bool) -> bytes:
    """ClientInit (§7.3.1): *shared* leaves the server's other clients connected."""
    return bytes([shared])


def set_pixel_format() -> bytes:
    """SetPixelFormat (§7.5.1): 32 bits a pixel, depth 24, little endian, bytes B, G, R, X."""
    bits, depth, big_endian, true_colour = 32, 24, 0, 1
    return struct.pack(
        ">B3xBBBBHHHBBB3x", 0, bits, depth, big_endian, true_colour, 255, 255, 255, 16, 8, 0
    )


def set_encodings(encodings: Sequence[int]) -> bytes:
    """SetEncodings (§7.5.2), best first."""
    return struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings)


def framebuffer_update_request(rect: Rect, *, incremental: bool) -> bytes:
    """FramebufferUpdateRequest (§7.5.3)."""
    return struct.pack(">BBHHHH", 3, incremental, rect.x, rect.y, rect.width, rect.height)


def key_event(keysym: int, *, down: bool) -> bytes:
    """KeyEvent (§7.5.4)."""
    return struct.pack(">BB2xI", 4, down, keysym)


def qemu_key_event(keysym: int, scancode: int, *, down: bool) -> bytes:
    """QEMU Extended Key Event (rfbproto); *scancode* is XT set 1, 0x80 for a 0xE0 prefix."""
    return struct.pack(">BBHII", 255, 0, down, keysym, scancode)


def pointer_event(x: int, y: int, buttons: int) -> bytes:
    """PointerEvent (§7.5.5); *x* and *y* 0 to 65535."""
    return struct.pack(">BBHH", 5, buttons & POINTER_BUTTONS, x, y)


def pointer_motion(dx: int, dy: int, buttons: int) -> bytes:
    """PointerEvent after the server turned to motion (rfbproto: QEMU Pointer Motion Change)."""
    return pointer_event(_motion(dx), _motion(dy), buttons)


def _motion(delta: int) -> int:
    return min(max(_MOTION_ORIGIN + delta, 0), 0xFFFF)


def client_cut_text(text: str) -> bytes:
    """ClientCutText (§7.5.6), in Latin-1; what that lacks becomes a question mark."""
    data = text.encode("latin-1", "replace")
    return struct.pack(">B3xI", 6, len(data)) + data


def enable_continuous_updates(rect: Rect, *, enable: bool) -> bytes:
    """EnableContinuousUpdates (rfbproto), for the pixels of *rect*."""
    return struct.pack(">BBHHHH", 150, enable, rect.x, rect.y, rect.width, rect.height)


def client_fence(flags: int, payload: bytes) -> bytes:
    """ClientFence (rfbproto); *payload* has 64 bytes at most."""
    return struct.pack(">B3xIB", 248, flags, len(payload)) + payload


class PowerOrder(IntEnum):
    """What xvp can order (rfbproto: xvp Client Message)."""

    SHUTDOWN = 2
    REBOOT = 3
    RESET = 4


def xvp(order: PowerOrder) -> bytes:
    """The xvp Client Message (rfbproto), version 1."""
    return struct.pack(">BxBB", 250, 1, order)


def set_desktop_size(width: int, height: int, screens: Sequence[Screen]) -> bytes:
    """SetDesktopSize (rfbproto)."""
    message = struct.pack(">BxHHBx", 251, width, height, len(screens))
    for screen in screens:
        message += struct.pack(
            ">IHHHHI",
            screen.id,
            screen.x,
            screen.y,
            screen.width,
            screen.height,
            screen.flags,
        )
    return message
