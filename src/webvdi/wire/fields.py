"""Reading and writing the fields of a message: big-endian, bounds checked before anything else."""

import struct

from webvdi.base.errors import RemoteProtocolError


class Reader:
    """Takes fields off one message; every short read names the message."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, count: int) -> bytes:
        """The next *count* bytes."""
        end = self._at + count
        if end > len(self._data):
            raise RemoteProtocolError(f"{self._what} is cut short")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def rest(self, bound: int) -> bytes:
        """Everything that is left, at most *bound* bytes."""
        left = len(self._data) - self._at
        if left > bound:
            raise RemoteProtocolError(f"{self._what} is {left} bytes; {bound} is the most")
        return self.take(left)

    def u8(self) -> int:
        """An unsigned byte."""
        return self.take(1)[0]

    def u16(self) -> int:
        """An unsigned 16-bit number."""
        return int.from_bytes(self.take(2), "big")

    def u32(self) -> int:
        """An unsigned 32-bit number."""
        return int.from_bytes(self.take(4), "big")

    def i16(self) -> int:
        """A signed 16-bit number."""
        return int.from_bytes(self.take(2), "big", signed=True)

    def flag(self) -> bool:
        """A byte that is 0 or 1."""
        value = self.u8()
        if value > 1:
            raise RemoteProtocolError(f"{self._what} has {value} where 0 or 1 belongs")
        return bool(value)

    def text16(self) -> str:
        """A counted text."""
        return self._text(self.take(self.u16()))

    def text_rest(self, bound: int) -> str:
        """Text to the end of the message."""
        return self._text(self.rest(bound))

    def end(self) -> None:
        """Insist that nothing is left over."""
        if self._at != len(self._data):
            raise RemoteProtocolError(
                f"{self._what} has {len(self._data) - self._at} bytes too many"
            )

    def _text(self, data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise RemoteProtocolError(f"{self._what} has text that is not UTF-8") from error


def text16(text: str) -> bytes:
    """A counted text; longer than 65535 bytes is our bug."""
    data = text.encode()
    return struct.pack(">H", len(data)) + data
