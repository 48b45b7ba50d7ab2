"""The xvp Server Message (rfbproto): whether the machine can be shut down and reset from here."""

from typing import Final

from webvdi.rfb.events import PowerControlFailed, PowerControlOffered
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_u8

_FAIL: Final = 0
_INIT: Final = 1


def parse_xvp(link: Link) -> Parser[None]:
    """Codes of later versions are passed over: we speak version 1, which every server has."""
    yield from skip(1)
    yield from take_u8()
    code = yield from take_u8()
    if code == _INIT:
        link.power_control = True
        yield PowerControlOffered()
    elif code == _FAIL:
        yield PowerControlFailed()
