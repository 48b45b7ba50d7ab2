"""What is encoded, and what is being encoded, for all viewers of a session."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace

from webvdi.codecs import SKETCH, Encoded, Kind, encode, encode_sheet, sketched
from webvdi.codecs.jpeg import encode_jpeg
from webvdi.framebuffer import Pixels, Rect
from webvdi.managed.messages import EncodeKey

KEPT_BYTES = 8 << 20
"""Encoded pieces kept for viewers that come to need the same pixels."""

MAX_AREA = 16 << 20
"""Pixels being encoded at once, which is 64 MiB: beyond that viewers wait for a turn."""


class Encodes:
    """Pieces by what they show."""

    def __init__(self) -> None:
        self._done: OrderedDict[EncodeKey, Encoded] = OrderedDict()
        self._done_bytes = 0
        self._under_way: set[EncodeKey] = set()
        self._area = 0

    @property
    def full(self) -> bool:
        """Whether so much is being encoded that no more should be begun."""
        return self._area >= MAX_AREA

    def done(self, key: EncodeKey) -> Encoded | None:
        """The piece, if it is still kept."""
        encoded = self._done.get(key)
        if encoded is not None:
            self._done.move_to_end(key)
        return encoded

    def begin(self, key: EncodeKey) -> bool:
        """Whether it is to be encoded; it may be under way already."""
        if key in self._under_way:
            return False
        self._under_way.add(key)
        self._area += key.area
        return True

    def finish(self, key: EncodeKey, encoded: Encoded) -> None:
        """It is done; keep it, and forget what was of no use for longest."""
        if key in self._under_way:
            self._under_way.discard(key)
            self._area -= key.area
        older = self._done.pop(key, None)
        self._done[key] = encoded
        self._done_bytes += len(encoded.payload) - (len(older.payload) if older else 0)
        while self._done_bytes > KEPT_BYTES and len(self._done) > 1:
            _, dropped = self._done.popitem(last=False)
            self._done_bytes -= len(dropped.payload)


def encoded(
    parts: Sequence[tuple[Rect, Pixels]], quality: int | None, thorough: bool = False
) -> Encoded:
    """One rectangle as a piece, several as a sheet; see :class:`EncodeKey` for what they become."""
    if quality == SKETCH:
        sketches = [(rect, sketched(pixels)) for rect, pixels in parts]
        return replace(encoded(sketches, None, thorough=True), lossy=True)
    if len(parts) > 1:
        return encode_sheet(parts, quality, thorough=thorough)
    ((_, pixels),) = parts
    if quality is None:
        return encode(pixels, thorough=thorough)
    return Encoded(Kind.JPEG, encode_jpeg(pixels, quality), lossy=True)
