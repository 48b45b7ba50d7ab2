"""From the server's greeting to its desktop's description (RFC 6143 §7.1-7.3)."""

import re
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb import client_messages
from webvdi.rfb.errors import (
    AuthenticationFailed,
    NoCommonSecurity,
    NotRfbServer,
    ServerRefused,
)
from webvdi.rfb.events import Connected
from webvdi.rfb.link import MAX_NAME_BYTES, MAX_REASON_BYTES, Link, Phase, decoded_text
from webvdi.rfb.parsing import Parser, skip, take_u8, take_u16, take_u32
from webvdi.rfb.security import SECURITY_TYPES, name_of
from webvdi.rfb.security.anonymous_tls import AnonymousTls
from webvdi.rfb.security.security_type import SecurityType

_GREETING: Final = re.compile(rb"RFB (\d{3})\.(\d{3})\n")
_MAGIC: Final = b"RFB "
_GREETING_BYTES: Final = 12

_PIXEL_FORMAT_BYTES: Final = 16


def handshake(link: Link) -> Parser[None]:
    """Lead a new link to the point where updates may be requested."""
    link.version = yield from _agree_on_version(link)
    link.enter(Phase.SECURITY)
    if link.version == (3, 3):
        security_type = yield from _told_security_type(link)
    else:
        security_type = yield from _choose_security_type(link)
    yield from security_type.negotiate(link)
    link.enter(Phase.RESULT)
    if security_type.always_has_result or link.version >= (3, 8):
        yield from _hear_result(link)
    link.enter(Phase.INIT)
    link.send(client_messages.client_init(shared=True))
    yield from _hear_server_init(link)
    link.enter(Phase.OPEN)
    link.send(client_messages.set_pixel_format())
    link.send(client_messages.set_encodings(link.encodings))
    yield Connected(link.width, link.height, link.name)


def _agree_on_version(link: Link) -> Parser[tuple[int, int]]:
    """§7.1.1: answer with the highest version that both sides speak."""
    start = yield len(_MAGIC)
    if start != _MAGIC:
        raise NotRfbServer(
            "there is no RFB (VNC) server there: what answered began with "
            f"{bytes(start)!r} instead of 'RFB '"
        )
    greeting = bytes(start) + (yield _GREETING_BYTES - len(_MAGIC))
    match = _GREETING.fullmatch(greeting)
    if match is None:
        raise NotRfbServer(
            f"there is no RFB (VNC) server there: its greeting {greeting!r} names no version"
        )
    version = _version_for((int(match[1]), int(match[2])))
    link.send(b"RFB %03d.%03d\n" % version)
    return version


def _version_for(offered: tuple[int, int]) -> tuple[int, int]:
    """What to speak with a server that offers *offered*.

    Later versions than 3.8 (Apple's 3.889, RealVNC's 4 and 5) take a client of 3.8; between the
    published ones, the next lower counts, as §7.1.1 wants it for 3.3.
    """
    for version in ((3, 8), (3, 7)):
        if offered >= version:
            return version
    if offered < (3, 3):
        raise NotRfbServer(
            f"the VNC server speaks RFB {offered[0]}.{offered[1]}; 3.3 is the oldest version known"
        )
    return (3, 3)


def _told_security_type(link: Link) -> Parser[SecurityType]:
    """§7.1.2, version 3.3: the server decides."""
    number = yield from take_u32()
    if number == 0:
        yield from _refuse()
    return _common_type([number], link)


def _choose_security_type(link: Link) -> Parser[SecurityType]:
    """§7.1.2, from 3.7 on: the server lists, we choose."""
    count = yield from take_u8()
    if count == 0:
        yield from _refuse()
    security_type = _common_type(list((yield count)), link)
    link.send(bytes([security_type.number]))
    return security_type


def _common_type(offered: list[int], link: Link) -> SecurityType:
    known = [candidate for candidate in SECURITY_TYPES if candidate.number in offered]
    for security_type in known:
        if security_type.suits(link):
            return security_type
    raise NoCommonSecurity(_why_none([candidate.number for candidate in known], offered))


def _why_none(known: list[int], offered: list[int]) -> str:
    names = ", ".join(name_of(number) for number in offered)
    if AnonymousTls.number in known:
        return (
            "the VNC server encrypts only without a certificate, so that nobody can tell who is "
            f"at the other end (it offers {names}); the TLS setting 'anonymous' accepts that"
        )
    if known:
        return (
            f"the VNC server offers no encryption (but {names}), which this target's TLS settings "
            "demand"
        )
    ours = ", ".join(name_of(candidate.number) for candidate in SECURITY_TYPES)
    return (
        f"the VNC server wants a security type that is not known here: it offers {names}; "
        f"known are {ours}"
    )


def _refuse() -> Parser[None]:
    reason = yield from _reason()
    raise ServerRefused(f"the VNC server refused the connection: {reason}")


def _hear_result(link: Link) -> Parser[None]:
    """§7.1.3; the reason of a failure came with 3.8."""
    result = yield from take_u32()
    if result == 0:
        return
    rejection: AuthenticationFailed | ServerRefused
    if link.used_credentials:
        rejection = AuthenticationFailed("the VNC server did not accept the password")
    else:
        rejection = ServerRefused("the VNC server refused the connection")
    link.rejection = rejection
    if link.version >= (3, 8):
        reason = yield from _reason()
        raise type(rejection)(f"{rejection}: {reason}")
    raise rejection


def _reason() -> Parser[str]:
    """The server's words, cut where they get long."""
    size = yield from take_u32()
    text = yield min(size, MAX_REASON_BYTES)
    return decoded_text(text).strip()


def _hear_server_init(link: Link) -> Parser[None]:
    """§7.3.2; the server's own pixel format does not matter, since we set ours."""
    width = yield from take_u16()
    height = yield from take_u16()
    link.resize(width, height)
    yield from skip(_PIXEL_FORMAT_BYTES)
    link.name = yield from take_name()


def take_name() -> Parser[str]:
    """A desktop's name with its length."""
    size = yield from take_u32()
    if size > MAX_NAME_BYTES:
        raise RemoteProtocolError(
            f"the display server's name has {size} bytes; {MAX_NAME_BYTES} are the most"
        )
    return decoded_text((yield size))
