"""Encodings of pixels, a file each, and the table that finds each by its number."""

from collections.abc import Callable, Mapping
from typing import Final

from webvdi.rfb.decoders.copy_rect import CopyRectDecoder
from webvdi.rfb.decoders.hextile import HextileDecoder
from webvdi.rfb.decoders.raw import RawDecoder
from webvdi.rfb.decoders.rre import CorreDecoder, RreDecoder
from webvdi.rfb.decoders.tight import TightDecoder
from webvdi.rfb.decoders.tight_png import TightPngDecoder
from webvdi.rfb.decoders.zlib_raw import ZlibDecoder
from webvdi.rfb.decoders.zrle import ZrleDecoder
from webvdi.rfb.encodings import Encoding
from webvdi.rfb.link import Decoder

DECODERS: Final[Mapping[int, Callable[[], Decoder]]] = {
    Encoding.RAW: RawDecoder,
    Encoding.COPY_RECT: CopyRectDecoder,
    Encoding.RRE: RreDecoder,
    Encoding.CORRE: CorreDecoder,
    Encoding.HEXTILE: HextileDecoder,
    Encoding.ZLIB: ZlibDecoder,
    Encoding.TIGHT: TightDecoder,
    Encoding.ZRLE: ZrleDecoder,
    Encoding.TIGHT_PNG: TightPngDecoder,
}


def new_decoders() -> Mapping[int, Decoder]:
    """One of each, for one link."""
    return {number: decoder() for number, decoder in DECODERS.items()}
