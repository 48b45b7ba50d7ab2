"""X11 messages, byte for byte."""

import struct

from benchmarks import x11


def test_the_set_up_is_read() -> None:
    fixed = struct.pack("<IIIIHHBB", 11, 0x400000, 0x1FFFFF, 256, 5, 65535, 1, 2) + bytes(10)
    screen = struct.pack("<IIII", 0x25D, 0x20, 0xFFFFFF, 0x000000) + bytes(4)
    screen += struct.pack("<HH", 1920, 1080) + bytes(16)
    setup = fixed + b"Xorgs\0\0\0" + bytes(2 * 8) + screen
    assert x11.parse_setup(setup) == x11.Screen(0x25D, 0xFFFFFF, 0, 0x400000, 1920, 1080)


def test_requests_say_their_length_in_words() -> None:
    requests = [
        x11.create_window(1, 2, (3, 4, 5, 6), 0xFFFFFF, 1),
        x11.map_window(1),
        x11.set_input_focus(1),
        x11.open_font(3, "fixed"),
        x11.create_context(4, 1, 0, 0xFFFFFF, 3),
        x11.set_foreground(4, 0xC82828),
        x11.fill(1, 4, (16, 16, 8, 16)),
        x11.image_text(1, 4, 16, 64, "a"),
    ]
    opcodes = [1, 8, 42, 45, 55, 56, 70, 76]
    for opcode, request in zip(opcodes, requests, strict=True):
        assert request[0] == opcode
        assert int.from_bytes(request[2:4], "little") * 4 == len(request)


def test_a_filled_rectangle() -> None:
    assert x11.fill(1, 2, (-1, 3, 8, 16)) == bytes.fromhex(
        "460005000100000002000000ffff030008001000"
    )


def test_text_is_counted_and_padded() -> None:
    assert x11.image_text(1, 2, 5, 7, "ab") == bytes.fromhex(
        "4c02050001000000020000000500070061620000"
    )
