"""SetColourMapEntries (RFC 6143 §7.6.2)."""

from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_u16

_ENTRY_BYTES = 6


def parse_colour_map(_link: Link) -> Parser[None]:
    """Read and forget the entries: our pixels are true colour, so no map applies to them."""
    yield from skip(3)
    count = yield from take_u16()
    yield from skip(count * _ENTRY_BYTES)
