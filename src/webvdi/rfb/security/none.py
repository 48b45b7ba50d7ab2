"""Security type None: everybody may come in (RFC 6143 §7.2.1)."""

from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser


class NoSecurity:
    """Nothing to say."""

    number = 1
    always_has_result = False

    def negotiate(self, _link: Link, /) -> Parser[None]:
        """Say nothing."""
        yield from ()
