"""Bell (RFC 6143 §7.6.3)."""

from webvdi.rfb.events import Bell
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser


def parse_bell(_link: Link) -> Parser[None]:
    """A message without content."""
    yield Bell()
