"""Security types, one file each; this table is in our order of preference."""

from typing import Final

from webvdi.rfb.security.anonymous_tls import AnonymousTls
from webvdi.rfb.security.none import NoSecurity
from webvdi.rfb.security.security_type import SecurityType
from webvdi.rfb.security.vencrypt import VeNCrypt
from webvdi.rfb.security.vnc_auth import VncAuthentication

SECURITY_TYPES: Final[tuple[SecurityType, ...]] = (
    NoSecurity(),
    VncAuthentication(),
    VeNCrypt(),
    AnonymousTls(),
)

_NAMES: Final = {
    1: "None",
    2: "VNC Authentication",
    5: "RA2",
    6: "RA2ne",
    16: "Tight",
    17: "Ultra",
    18: "TLS",
    19: "VeNCrypt",
    20: "SASL",
    30: "Apple Remote Desktop",
    129: "RA256",
}


def name_of(number: int) -> str:
    """What people call security type *number* (the registry in rfbproto)."""
    return f"{_NAMES[number]} ({number})" if number in _NAMES else str(number)
