"""zlib streams of a server that may be hostile."""

import zlib
from typing import Final

from webvdi.base.errors import RemoteProtocolError

SLACK: Final = 1024
"""Bytes by which zlib may make small data larger: header, block headers, flush marks."""


def max_compressed(size: int) -> int:
    """More compressed bytes than this cannot be needed for *size* bytes.

    zlib stores what it cannot compress with 5 bytes a block; its smallest blocks hold 128 bytes
    at compression level 0 with the least memory, so an eighth is generous.
    """
    return size + size // 8 + SLACK


class Inflater:
    """One zlib stream; it goes on from rectangle to rectangle."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def inflate(self, data: bytes | bytearray, limit: int) -> bytes:
        """Decompress all of *data*.

        Raises :class:`RemoteProtocolError` if it is no zlib data or holds more than *limit*
        bytes; never more than that is allocated.
        """
        try:
            out = self._stream.decompress(data, limit + 1)
        except zlib.error as error:
            raise RemoteProtocolError(
                "the display server sent compressed pixels that cannot be decompressed"
            ) from error
        if len(out) > limit:
            raise RemoteProtocolError(
                f"the display server sent compressed pixels of more than the {limit} bytes "
                "that the rectangle holds"
            )
        return out
