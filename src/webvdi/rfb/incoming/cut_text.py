"""ServerCutText (RFC 6143 §7.6.4)."""

import logging

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.client_messages import MAX_CUT_TEXT_BYTES
from webvdi.rfb.events import CutText
from webvdi.rfb.link import Link
from webvdi.rfb.parsing import Parser, skip, take_s32

logger = logging.getLogger(__name__)


def parse_cut_text(_link: Link) -> Parser[None]:
    """Text of the server's clipboard, in Latin-1; a text beyond the bound is passed over."""
    yield from skip(3)
    size = yield from take_s32()
    if size < 0:
        # rfbproto: a negative length marks the extended clipboard, for those who ask for it.
        raise RemoteProtocolError(
            "the display server sent an extended clipboard message, which nobody asked for"
        )
    if size > MAX_CUT_TEXT_BYTES:
        logger.info("< clipboard text of %d bytes is too long, dropped", size)
        yield from skip(size)
        return
    yield CutText((yield size).decode("latin-1"))
