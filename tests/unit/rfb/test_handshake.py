"""The handshake in all three versions, and how servers refuse."""

from collections.abc import Callable

import pytest

from unit.rfb.server_bytes import (
    GREETING,
    NO_SECURITY,
    RESULT_OK,
    VNC_SECURITY,
    heard,
    heard_bytewise,
    server_init,
    text,
    u32,
)
from webvdi.base.errors import RemoteProtocolError
from webvdi.framebuffer import MAX_SIDE
from webvdi.rfb import client_messages
from webvdi.rfb.encodings import LOCAL_ENCODINGS
from webvdi.rfb.errors import AuthenticationFailed, NoCommonSecurity, NotRfbServer, ServerRefused
from webvdi.rfb.events import Connected, CredentialsRequired, Event
from webvdi.rfb.link import MAX_NAME_BYTES, Credentials, Phase
from webvdi.rfb.protocol import RfbProtocol
from webvdi.rfb.security.vnc_auth import response

Listen = Callable[[RfbProtocol, bytes], list[Event]]

SECRET = Credentials("", "secret")
CHALLENGE = bytes(range(16))
READY = client_messages.set_pixel_format() + client_messages.set_encodings(LOCAL_ENCODINGS)


def refused(protocol: RfbProtocol, data: bytes) -> RemoteProtocolError:
    """The error with which *data* ends the link."""
    with pytest.raises(RemoteProtocolError) as caught:
        heard(protocol, data)
    assert protocol.phase is Phase.CLOSED
    return caught.value


@pytest.mark.parametrize(
    ("greeting", "answer", "choice", "result"),
    [
        (b"RFB 003.003\n", b"RFB 003.003\n", u32(1), b""),
        (b"RFB 003.005\n", b"RFB 003.003\n", u32(1), b""),
        (b"RFB 003.007\n", b"RFB 003.007\n", b"\2\x10\1", b""),
        (b"RFB 003.008\n", b"RFB 003.008\n", b"\2\2\1", RESULT_OK),
        (b"RFB 003.889\n", b"RFB 003.008\n", b"\1\1", RESULT_OK),
        (b"RFB 005.000\n", b"RFB 003.008\n", b"\1\1", RESULT_OK),
    ],
)
@pytest.mark.parametrize("listen", [heard, heard_bytewise])
def test_without_security(
    greeting: bytes, answer: bytes, choice: bytes, result: bytes, listen: Listen
) -> None:
    protocol = RfbProtocol()
    assert not listen(protocol, greeting)
    assert protocol.data_to_send() == answer
    assert not listen(protocol, choice + result)
    chosen = b"" if answer == b"RFB 003.003\n" else b"\1"
    shared = b"\1"
    assert protocol.data_to_send() == chosen + shared
    events = listen(protocol, server_init(800, 600, "QEMU (büro)"))
    assert events == [Connected(800, 600, "QEMU (büro)")]
    assert protocol.data_to_send() == READY
    assert protocol.phase is Phase.OPEN
    assert protocol.is_qemu
    assert protocol.size == (800, 600)


@pytest.mark.parametrize(
    ("greeting", "choice", "chosen"),
    [
        (b"RFB 003.003\n", u32(2), b""),
        (b"RFB 003.007\n", VNC_SECURITY, b"\2"),
        (b"RFB 003.008\n", VNC_SECURITY, b"\2"),
    ],
)
def test_with_a_password_known_beforehand(greeting: bytes, choice: bytes, chosen: bytes) -> None:
    protocol = RfbProtocol(credentials=SECRET)
    heard(protocol, greeting)
    protocol.data_to_send()
    assert heard_bytewise(protocol, choice + CHALLENGE) == []
    assert protocol.data_to_send() == chosen + response(CHALLENGE, "secret")
    assert heard(protocol, RESULT_OK + server_init(8, 6)) == [Connected(8, 6, "a desktop")]


def test_with_a_password_asked_for() -> None:
    protocol = RfbProtocol()
    events = heard(protocol, GREETING + VNC_SECURITY + CHALLENGE)
    assert events == [CredentialsRequired(username=False)]
    assert protocol.phase is Phase.CREDENTIALS
    protocol.data_to_send()
    assert list(protocol.events()) == []
    protocol.authenticate(SECRET)
    assert list(protocol.events()) == []
    assert protocol.data_to_send() == response(CHALLENGE, "secret")
    assert heard(protocol, RESULT_OK + server_init(8, 6)) == [Connected(8, 6, "a desktop")]


def test_a_password_given_while_the_event_is_handed_out() -> None:
    protocol = RfbProtocol()
    for event in protocol.receive_data(GREETING + VNC_SECURITY + CHALLENGE):
        assert event == CredentialsRequired(username=False)
        protocol.authenticate(SECRET)
    assert protocol.data_to_send().endswith(response(CHALLENGE, "secret"))


def test_a_server_that_talks_on_while_a_person_types_is_stopped() -> None:
    protocol = RfbProtocol()
    heard(protocol, GREETING + VNC_SECURITY + CHALLENGE)
    with pytest.raises(RemoteProtocolError, match="talks on"):
        heard(protocol, bytes(1 << 20))


@pytest.mark.parametrize("start", [b"SSH-2.0-OpenSSH", b"HTTP/1.1 400 Bad", b"\0\0\0\0"])
def test_another_kind_of_server(start: bytes) -> None:
    error = refused(RfbProtocol(), start)
    assert isinstance(error, NotRfbServer)
    assert "there is no RFB (VNC) server there" in str(error)


@pytest.mark.parametrize("greeting", [b"RFB 3.8     \n", b"RFB 003 008\n"])
def test_a_greeting_without_version(greeting: bytes) -> None:
    assert isinstance(refused(RfbProtocol(), greeting), NotRfbServer)


def test_a_server_older_than_every_version_known() -> None:
    error = refused(RfbProtocol(), b"RFB 003.002\n")
    assert isinstance(error, NotRfbServer)
    assert "RFB 3.2" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        b"RFB 003.003\n" + u32(0) + text("Too many security failures"),
        b"RFB 003.008\n" + b"\0" + text("Too many security failures"),
    ],
)
def test_a_refusal_with_its_reason(data: bytes) -> None:
    error = refused(RfbProtocol(), data)
    assert isinstance(error, ServerRefused)
    assert str(error).endswith("refused the connection: Too many security failures")


def test_a_long_reason_is_cut() -> None:
    reason = text("x" * 100_000)
    assert len(str(refused(RfbProtocol(), GREETING + b"\0" + reason))) < 5000


def test_no_common_security_type() -> None:
    error = refused(RfbProtocol(), GREETING + b"\2\x05\x63")
    assert isinstance(error, NoCommonSecurity)
    assert "RA2 (5), 99" in str(error)
    assert "None (1), VNC Authentication (2), VeNCrypt (19), TLS (18)" in str(error)


@pytest.mark.parametrize(
    ("version", "reason", "said"),
    [
        (b"RFB 003.008\n", text("Authentication failure\n"), ": Authentication failure"),
        (b"RFB 003.007\n", b"", ""),
    ],
)
def test_a_wrong_password(version: bytes, reason: bytes, said: str) -> None:
    protocol = RfbProtocol(credentials=SECRET)
    error = refused(protocol, version + VNC_SECURITY + CHALLENGE + u32(1) + reason)
    assert isinstance(error, AuthenticationFailed)
    assert str(error) == "the VNC server did not accept the password" + said


def test_a_wrong_password_and_a_server_that_gives_no_reason() -> None:
    protocol = RfbProtocol(credentials=SECRET)
    heard(protocol, GREETING + VNC_SECURITY + CHALLENGE + u32(1))
    assert isinstance(protocol.end_of_stream(), AuthenticationFailed)


def test_a_refusal_where_no_password_was_asked_for_is_not_about_passwords() -> None:
    error = refused(RfbProtocol(), GREETING + NO_SECURITY + u32(1) + text("closed today"))
    assert isinstance(error, ServerRefused)
    assert "closed today" in str(error)


@pytest.mark.parametrize(
    "size", [(0, 5), (5, 0), (MAX_SIDE + 1, 5), (5, 65535), (MAX_SIDE, MAX_SIDE)]
)
def test_an_impossible_size(size: tuple[int, int]) -> None:
    error = refused(RfbProtocol(), GREETING + NO_SECURITY + RESULT_OK + server_init(*size))
    assert f"{size[0]}x{size[1]}" in str(error)


def test_a_name_beyond_its_bound() -> None:
    name = "x" * (MAX_NAME_BYTES + 1)
    error = refused(RfbProtocol(), GREETING + NO_SECURITY + RESULT_OK + server_init(8, 6, name))
    assert str(MAX_NAME_BYTES) in str(error)


def test_a_name_in_latin_1() -> None:
    init = server_init(8, 6, "xxxx").replace(b"xxxx", b"b\xfcro")
    events = heard(RfbProtocol(), GREETING + NO_SECURITY + RESULT_OK + init)
    assert events == [Connected(8, 6, "büro")]
