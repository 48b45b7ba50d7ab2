"""Power orders."""

import pytest

from unit.rfb.server_bytes import heard, heard_bytewise, opened
from webvdi.rfb.client_messages import PowerOrder
from webvdi.rfb.events import PowerControlFailed, PowerControlOffered

OFFER = b"\xfa\0\1\1"


@pytest.mark.parametrize(
    ("order", "code"), [(PowerOrder.SHUTDOWN, 2), (PowerOrder.REBOOT, 3), (PowerOrder.RESET, 4)]
)
def test_orders_go_to_who_takes_them(order: PowerOrder, code: int) -> None:
    protocol = opened()
    protocol.order_power(order)
    assert protocol.data_to_send() == b""
    assert not opened().offers_power_control
    assert heard_bytewise(protocol, OFFER) == [PowerControlOffered()]
    assert protocol.offers_power_control
    protocol.order_power(order)
    assert protocol.data_to_send() == bytes([250, 0, 1, code])


def test_a_failure_is_told_and_later_codes_are_passed_over() -> None:
    assert heard(opened(), b"\xfa\0\1\0" + b"\xfa\0\2\x63") == [PowerControlFailed()]
