"""What a client says, byte for byte."""

from webvdi.framebuffer import Rect
from webvdi.rfb import client_messages as messages
from webvdi.rfb.events import Screen


def test_each_message() -> None:
    assert messages.client_init(shared=True) == b"\1"
    assert messages.set_pixel_format().hex() == "000000002018000100ff00ff00ff100800000000"
    assert messages.set_encodings([7, -239]).hex() == "0200000200000007ffffff11"
    request = messages.framebuffer_update_request(Rect(1, 2, 3, 4), incremental=True)
    assert request.hex() == "03010001000200030004"
    assert messages.key_event(0xFF0D, down=True).hex() == "040100000000ff0d"
    assert messages.qemu_key_event(0xFF0D, 0x1C, down=True).hex() == "ff0000010000ff0d0000001c"
    assert messages.pointer_event(1, 2, 0x41).hex() == "054100010002"
    assert messages.client_cut_text("aß€").hex() == "060000000000000361df3f"
    screen = Screen(9, 1, 2, 3, 4, 5)
    assert messages.set_desktop_size(7, 8, [screen]).hex() == (
        "fb0000070008010000000009000100020003000400000005"
    )


def test_motion_has_its_origin_in_the_middle_and_bounds() -> None:
    assert messages.pointer_motion(0, -1, 0).hex() == "05007fff7ffe"
    assert messages.pointer_motion(-99999, 99999, 0).hex() == "05000000ffff"


def test_buttons_beyond_the_seventh_are_left_out() -> None:
    assert messages.pointer_event(0, 0, 0x1FF)[1] == 0x7F
