"""The older TLS without certificates."""

import pytest

from unit.rfb.server_bytes import GREETING, RESULT_OK, heard, heard_bytewise, server_init
from webvdi.rfb.errors import NoCommonSecurity
from webvdi.rfb.events import Connected, TlsRequired
from webvdi.rfb.link import Credentials, Encryption
from webvdi.rfb.protocol import RfbProtocol
from webvdi.rfb.security.vnc_auth import response

LAX = Encryption(required=True, anonymous=True)
CHALLENGE = bytes(range(16))


def encrypted(credentials: Credentials | None = None) -> RfbProtocol:
    protocol = RfbProtocol(credentials=credentials, encryption=LAX)
    assert heard_bytewise(protocol, GREETING + b"\2\x12\1") == [TlsRequired(False)]
    assert protocol.data_to_send() == GREETING + b"\x12"
    protocol.start_tls()
    protocol.tls_established()
    assert list(protocol.events()) == []
    return protocol


def test_without_a_password_inside() -> None:
    protocol = encrypted()
    events = heard_bytewise(protocol, b"\2\2\1" + RESULT_OK + server_init(8, 6))
    assert events == [Connected(8, 6, "a desktop")]


def test_with_a_password_inside() -> None:
    protocol = encrypted(Credentials("", "secret"))
    heard_bytewise(protocol, b"\1\2" + CHALLENGE)
    assert protocol.data_to_send() == b"\2" + response(CHALLENGE, "secret")


@pytest.mark.parametrize(("inner", "named"), [(b"\0", "nothing"), (b"\2\x13\x12", "19, 18")])
def test_nothing_known_inside(inner: bytes, named: str) -> None:
    with pytest.raises(NoCommonSecurity, match=named):
        heard(encrypted(), inner)


def test_only_where_it_is_accepted() -> None:
    for encryption in (Encryption(), Encryption(required=True)):
        with pytest.raises(NoCommonSecurity, match="'anonymous' accepts that"):
            heard(RfbProtocol(encryption=encryption), GREETING + b"\1\x12")
