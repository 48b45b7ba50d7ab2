"""Security type None: everybody may come in (RFC 6143 §7.2.1)."""

from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser
from webvdi.rfb.security.security_type import plain_suits


class NoSecurity:
    """Nothing to say."""

    number = 1
    always_has_result = False

    def suits(self, link: Link, /) -> bool:
        """It encrypts nothing itself."""
        return plain_suits(link)

    def negotiate(self, _link: Link, /) -> Parser[None]:
        """Say nothing."""
        yield from ()
