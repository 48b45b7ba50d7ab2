"""Security type TLS: TLS without certificates, then a security type again (GTK-VNC, Vino).

It has a number in the registry of RFC 6143 §8.3 and no description; libvncserver, Vino and GTK-VNC
agree on it.
"""

from typing import Final

from webvdi.rfb.errors import NoCommonSecurity
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, take_u8
from webvdi.rfb.security.none import NoSecurity
from webvdi.rfb.security.security_type import SecurityType, ask_tls
from webvdi.rfb.security.vnc_auth import VncAuthentication

_INNER: Final[tuple[SecurityType, ...]] = (NoSecurity(), VncAuthentication())


class AnonymousTls:
    """Encrypts, and proves nothing."""

    number = 18
    always_has_result = True

    def suits(self, link: Link, /) -> bool:
        """Only where somebody has said that it is enough."""
        return link.encryption.anonymous and not link.encrypted

    def negotiate(self, link: Link, /) -> Parser[None]:
        """TLS, and the way of logging in."""
        yield from ask_tls(link, certificate=False)
        offered = yield (yield from take_u8())
        for security_type in _INNER:
            if security_type.number in offered:
                link.send(bytes([security_type.number]))
                yield from security_type.negotiate(link)
                return
        names = ", ".join(map(str, offered)) or "nothing"
        raise NoCommonSecurity(
            "the VNC server wants a security type within TLS that is not known here: it offers "
            f"{names}"
        )
