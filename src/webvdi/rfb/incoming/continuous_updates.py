"""EndOfContinuousUpdates (rfbproto)."""

from webvdi.rfb.events import ContinuousUpdatesEnded
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser


def parse_end_of_continuous_updates(link: Link) -> Parser[None]:
    """A message without content."""
    link.continuous_updates = True
    yield ContinuousUpdatesEnded()
