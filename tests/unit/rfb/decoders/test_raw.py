"""Raw."""

import numpy as np

from unit.rfb.encoders import picture
from unit.rfb.server_bytes import opened, painted, rectangle, update
from webvdi.rfb.encodings import Encoding
from webvdi.rfb.events import Event, Painted


def test_large_pictures_are_received_in_place_and_handed_out_in_bands() -> None:
    pixels = picture(700, 900, seed=4)
    data = update(rectangle(0, 0, 900, 700, Encoding.RAW, pixels.tobytes()))
    protocol = opened(900, 700)
    largest = 0
    events: list[Event] = []
    while data:
        buffer = protocol.get_buffer()
        largest = max(largest, len(buffer))
        size = min(len(buffer), 200_000, len(data))
        buffer[:size] = data[:size]
        data = data[size:]
        events += protocol.buffer_updated(size)
    np.testing.assert_array_equal(painted(events, 900, 700), pixels)
    assert sum(isinstance(event, Painted) for event in events) == 3
    assert largest > 500_000
