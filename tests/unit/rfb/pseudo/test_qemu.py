"""QEMU's pseudo-encodings."""

from unit.rfb.server_bytes import heard_bytewise, opened, rectangle, update
from webvdi.rfb.encodings import PseudoEncoding
from webvdi.rfb.events import ExtendedKeysSupported, LedsChanged, PointerModeChanged, UpdateEnded


def test_acknowledgements_and_lights() -> None:
    motion = PseudoEncoding.QEMU_POINTER_MOTION_CHANGE
    data = update(
        rectangle(0, 0, 64, 48, PseudoEncoding.QEMU_EXTENDED_KEY_EVENT),
        rectangle(0, 0, 64, 48, motion),
        rectangle(1, 0, 64, 48, motion),
        rectangle(0, 0, 64, 48, PseudoEncoding.QEMU_LED_STATE, b"\5"),
    )
    assert heard_bytewise(opened(), data) == [
        ExtendedKeysSupported(),
        PointerModeChanged(absolute=False),
        PointerModeChanged(absolute=True),
        LedsChanged(5),
        UpdateEnded(),
    ]
