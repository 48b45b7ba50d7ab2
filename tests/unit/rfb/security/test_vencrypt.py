"""VeNCrypt: what is agreed on, with whom, and what waits for what."""

import pytest

from unit.rfb.server_bytes import (
    GREETING,
    RESULT_OK,
    heard,
    heard_bytewise,
    server_init,
    text,
    u32,
)
from webvdi.base.errors import RemoteProtocolError, StateError
from webvdi.rfb.errors import AuthenticationFailed, NoCommonSecurity, ServerRefused
from webvdi.rfb.events import Connected, CredentialsRequired, TlsRequired
from webvdi.rfb.link import Credentials, Encryption, Phase
from webvdi.rfb.protocol import RfbProtocol
from webvdi.rfb.security.vnc_auth import response

TYPES = b"\1\x13"
VERSION = b"\0\2"
CHALLENGE = bytes(range(16))
STRICT, LAX = Encryption(required=True), Encryption(required=True, anonymous=True)
PASSWORD = Credentials("", "secret")
USER = Credentials("me", "geheim")


def offer(*subtypes: int) -> bytes:
    return bytes([len(subtypes)]) + u32(*subtypes)


def asked(
    *subtypes: int,
    encryption: Encryption = STRICT,
    credentials: Credentials | None = None,
) -> RfbProtocol:
    """A protocol that has heard the offer, and whose words before its choice were taken."""
    protocol = RfbProtocol(credentials=credentials, encryption=encryption)
    assert heard_bytewise(protocol, GREETING + TYPES + VERSION) == []
    assert protocol.data_to_send() == GREETING + b"\x13" + VERSION
    assert heard_bytewise(protocol, b"\0" + offer(*subtypes)) == []
    return protocol


def encrypt(protocol: RfbProtocol, *, certificate: bool) -> None:
    assert heard_bytewise(protocol, b"\1") == [TlsRequired(certificate)]
    assert protocol.phase is Phase.TLS
    protocol.start_tls()
    protocol.tls_established()
    assert list(protocol.events()) == []


@pytest.mark.parametrize(
    ("subtypes", "encryption", "credentials", "chosen"),
    [
        ((257, 260, 2), STRICT, None, 260),
        ((259, 258, 257, 262, 261), STRICT, None, 261),
        ((261, 262), STRICT, PASSWORD, 261),
        ((261, 262), STRICT, USER, 262),
        ((261, 259), LAX, USER, 261),
        ((258, 259), LAX, USER, 259),
        ((257, 261), LAX, None, 261),
        ((1, 2, 260), Encryption(), None, 260),
        ((256, 2), Encryption(), None, 2),
        ((2, 1), Encryption(), None, 1),
    ],
)
def test_the_best_subtype_is_taken(
    subtypes: tuple[int, ...],
    encryption: Encryption,
    credentials: Credentials | None,
    chosen: int,
) -> None:
    protocol = asked(*subtypes, encryption=encryption, credentials=credentials)
    assert protocol.data_to_send() == u32(chosen)


@pytest.mark.parametrize(
    ("subtypes", "encryption", "message"),
    [
        ((257, 258), STRICT, r"TLSNone \(257\), TLSVnc \(258\)\); the TLS setting 'anonymous'"),
        ((257,), Encryption(), "'anonymous' accepts that"),
        ((1, 2), LAX, r"offers no encryption \(but None \(1\), VNC Authentication \(2\)\)"),
        ((256, 264, 999), LAX, r"Plain \(256\), X509SASL \(264\), subtype \(999\)"),
        ((), LAX, "not known here"),
    ],
)
def test_nothing_suitable(subtypes: tuple[int, ...], encryption: Encryption, message: str) -> None:
    with pytest.raises(NoCommonSecurity, match=message):
        asked(*subtypes, encryption=encryption)


def test_vnc_authentication_inside() -> None:
    protocol = asked(261, credentials=PASSWORD)
    encrypt(protocol, certificate=True)
    protocol.data_to_send()
    heard(protocol, CHALLENGE)
    assert protocol.data_to_send() == response(CHALLENGE, "secret")
    assert heard(protocol, RESULT_OK + server_init(8, 6)) == [Connected(8, 6, "a desktop")]


def test_user_name_and_password_inside() -> None:
    protocol = asked(262)
    protocol.data_to_send()
    heard(protocol, b"\1")
    protocol.start_tls()
    protocol.tls_established()
    assert list(protocol.events()) == [CredentialsRequired(username=True)]
    protocol.authenticate(Credentials("büro", "geheim"))
    assert list(protocol.events()) == []
    assert protocol.data_to_send() == u32(5, 6) + "bürogeheim".encode()
    with pytest.raises(AuthenticationFailed, match="no such user"):
        heard(protocol, u32(1) + text("no such user"))


def test_a_plain_type_inside_needs_no_tls() -> None:
    protocol = asked(1, encryption=Encryption())
    events = heard(protocol, RESULT_OK + server_init(8, 6))
    assert events == [Connected(8, 6, "a desktop")]


def test_bytes_behind_the_agreement_are_an_intruders() -> None:
    protocol = asked(260)
    assert heard(protocol, b"\1" + RESULT_OK + server_init(8, 6)) == [TlsRequired(True)]
    with pytest.raises(RemoteProtocolError, match="intruder"):
        protocol.start_tls()
    assert protocol.phase is Phase.CLOSED


def test_bytes_through_tls_wait_for_the_check_of_the_certificate() -> None:
    protocol = asked(260)
    heard(protocol, b"\1")
    protocol.start_tls()
    assert heard(protocol, RESULT_OK + server_init(8, 6)) == []
    assert protocol.phase is Phase.TLS
    protocol.tls_established()
    assert list(protocol.events()) == [Connected(8, 6, "a desktop")]


def test_tls_that_nobody_asked_for() -> None:
    protocol = asked(260)
    for call in (protocol.start_tls, protocol.tls_established):
        with pytest.raises(StateError, match="asks for no encryption"):
            call()


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (b"\0\1", NoCommonSecurity, "speaks VeNCrypt 0.1"),
        (VERSION + b"\1", ServerRefused, "refused VeNCrypt"),
        (VERSION + b"\0" + offer(260) + b"\0", ServerRefused, "offered X509None and then refused"),
    ],
)
def test_a_server_that_will_not(
    said: bytes, error: type[RemoteProtocolError], message: str
) -> None:
    with pytest.raises(error, match=message):
        heard(RfbProtocol(encryption=STRICT), GREETING + TYPES + said)


def test_a_later_version_is_spoken_down_to_ours() -> None:
    protocol = RfbProtocol(encryption=STRICT)
    heard(protocol, GREETING + TYPES + b"\1\0")
    assert protocol.data_to_send().endswith(VERSION)


def test_plain_types_go_first_unless_encryption_is_demanded() -> None:
    protocol = RfbProtocol()
    heard(protocol, GREETING + b"\3\x13\2\1")
    assert protocol.data_to_send() == GREETING + b"\1"
    protocol = RfbProtocol(encryption=STRICT)
    heard(protocol, GREETING + b"\3\x13\2\1")
    assert protocol.data_to_send() == GREETING + b"\x13"
    with pytest.raises(NoCommonSecurity, match=r"offers no encryption \(but VNC Auth"):
        heard(RfbProtocol(encryption=STRICT), GREETING + b"\2\2\1")
