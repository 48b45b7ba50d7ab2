"""Frames: a big-endian 32-bit length, and that many bytes."""

from webvdi.base.errors import RemoteProtocolError

PREAMBLE = b"WVDILNK\x01"
"""What a client of the viewer face sends first; the last byte is the link's version."""

MAX_TO_VIEWER_BYTES = 16 << 20
"""Bound on a frame from the session, which keeps its updates below it (``managed.core``)."""

MAX_FROM_VIEWER_BYTES = 2 << 20
"""Bound on a frame from a viewer: the clipboard's bound and its head."""

MAX_ATTACH_BYTES = 8 << 10
"""Bound on a connection's first frame, read before anybody is known."""

MAX_CONTROL_BYTES = 4 << 20
"""Bound on a request on the control face."""

MAX_ANSWER_BYTES = 48 << 20
"""Bound on an answer on the control face: a whole screen without loss, in base64."""


def frame(message: bytes) -> bytes:
    """*message* as a frame."""
    return len(message).to_bytes(4, "big") + message


class FrameReader:
    """Cuts a byte stream into frames of at most *bound* bytes."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that *data* completes.  Raises RemoteProtocolError over the bound."""
        self._buffer += data
        messages = []
        while (message := self._next()) is not None:
            messages.append(message)
        return messages

    def _next(self) -> bytes | None:
        if len(self._buffer) < 4:
            return None
        length = int.from_bytes(self._buffer[:4], "big")
        if length > self.bound:
            raise RemoteProtocolError(f"a frame of {length} bytes came; {self.bound} is the most")
        if len(self._buffer) < 4 + length:
            return None
        message = bytes(self._buffer[4 : 4 + length])
        del self._buffer[: 4 + length]
        return message

    def rest(self) -> bytes:
        """The bytes of the frame that is not whole yet."""
        return bytes(self._buffer)
