"""Continuous updates."""

from unit.rfb.server_bytes import heard, opened, u16
from webvdi.rfb.events import ContinuousUpdatesEnded


def test_the_first_end_is_an_offer() -> None:
    protocol = opened(64, 48)
    protocol.enable_continuous_updates(enable=True)
    assert protocol.data_to_send() == b""
    assert not opened().offers_continuous_updates
    assert heard(protocol, b"\x96\x96") == [ContinuousUpdatesEnded(), ContinuousUpdatesEnded()]
    assert protocol.offers_continuous_updates
    protocol.enable_continuous_updates(enable=True)
    protocol.enable_continuous_updates(enable=False)
    place = u16(0, 0, 64, 48)
    assert protocol.data_to_send() == b"\x96\1" + place + b"\x96\0" + place
