"""Security type VeNCrypt: TLS, and another way of logging in inside of it (rfbproto: VeNCrypt)."""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from webvdi.rfb.errors import NoCommonSecurity, ServerRefused
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u8
from webvdi.rfb.security.none import NoSecurity
from webvdi.rfb.security.plain import PlainAuthentication
from webvdi.rfb.security.security_type import ask_tls, plain_suits
from webvdi.rfb.security.vnc_auth import VncAuthentication

_VERSION: Final = (0, 2)

_PLAIN_OK: Final = 0
_TLS_OK: Final = 1


class _Inner(Protocol):
    def negotiate(self, link: Link, /) -> Parser[None]:
        """As a security type's."""


class _Subtype(NamedTuple):
    name: str
    encrypted: bool
    certificate: bool
    inner: _Inner

    def suits(self, link: Link) -> bool:
        if not self.encrypted:
            return plain_suits(link)
        return self.certificate or link.encryption.anonymous


_NONE, _VNC, _PLAIN = NoSecurity(), VncAuthentication(), PlainAuthentication()

# Best first.  Plain without TLS (256) is missing on purpose: it shows the password to everybody.
_SUBTYPES: Final = {
    260: _Subtype("X509None", True, True, _NONE),
    261: _Subtype("X509Vnc", True, True, _VNC),
    262: _Subtype("X509Plain", True, True, _PLAIN),
    257: _Subtype("TLSNone", True, False, _NONE),
    258: _Subtype("TLSVnc", True, False, _VNC),
    259: _Subtype("TLSPlain", True, False, _PLAIN),
    1: _Subtype("None", False, False, _NONE),
    2: _Subtype("VNC Authentication", False, False, _VNC),
}

_OTHER_NAMES: Final = {256: "Plain", 263: "TLSSASL", 264: "X509SASL", 265: "Ident"}


class VeNCrypt:
    """Agrees on a subtype, then does what that says."""

    number = 19
    always_has_result = True

    def suits(self, link: Link, /) -> bool:
        """What its subtypes are worth is seen when they are known; within TLS it has no place."""
        return not link.encrypted

    def negotiate(self, link: Link, /) -> Parser[None]:
        """Version, subtype, TLS, and the way of logging in."""
        version = (yield from take_u8()), (yield from take_u8())
        if version < _VERSION:
            raise NoCommonSecurity(
                f"the VNC server speaks VeNCrypt {version[0]}.{version[1]}; 0.2 is the oldest "
                "version known"
            )
        link.send(bytes(_VERSION))
        if (yield from take_u8()) != _PLAIN_OK:
            raise ServerRefused("the VNC server refused VeNCrypt 0.2")
        count = yield from take_u8()
        offered = struct.unpack(f">{count}I", (yield count * 4))
        number = _chosen(offered, link)
        link.send(struct.pack(">I", number))
        subtype = _SUBTYPES[number]
        if subtype.encrypted:
            if (yield from take_u8()) != _TLS_OK:
                raise ServerRefused(f"the VNC server offered {subtype.name} and then refused it")
            yield from ask_tls(link, certificate=subtype.certificate)
        yield from subtype.inner.negotiate(link)


def _chosen(offered: Sequence[int], link: Link) -> int:
    """The best subtype of those offered that is good enough."""
    suitable = [n for n, subtype in _SUBTYPES.items() if n in offered and subtype.suits(link)]
    if not suitable:
        raise NoCommonSecurity(_why_none(offered))
    if link.credentials is not None and link.credentials.username:
        # Whoever gave a user name means to use it: among equals, Plain goes first.
        best = _SUBTYPES[suitable[0]]
        for number in suitable:
            subtype = _SUBTYPES[number]
            if subtype.inner is _PLAIN and subtype.certificate == best.certificate:
                return number
    return suitable[0]


def _why_none(offered: Sequence[int]) -> str:
    subtypes = {n: _SUBTYPES[n] for n in offered if n in _SUBTYPES}
    names = ", ".join(
        f"{subtypes[n].name if n in subtypes else _OTHER_NAMES.get(n, 'subtype')} ({n})"
        for n in offered
    )
    if any(subtype.encrypted and not subtype.certificate for subtype in subtypes.values()):
        return (
            "the VNC server encrypts only without a certificate, so that nobody can tell who is "
            f"at the other end (it offers {names}); the TLS setting 'anonymous' accepts that"
        )
    if subtypes:
        return (
            f"the VNC server offers no encryption (but {names}), which this target's TLS settings "
            "demand"
        )
    return f"the VNC server wants a VeNCrypt subtype that is not known here: it offers {names}"
