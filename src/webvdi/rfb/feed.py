"""Drives one parser with the bytes that arrive, however they are cut.

Small needs are served from one buffer of fixed size.  For large ones the memory of the need
itself is offered to the socket, so that pixels are received where they will be used.
"""

from collections.abc import Iterator
from typing import Final

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.events import Event
from webvdi.rfb.parsing import Bytes, Need, Parser, Pause

BUFFER_SIZE: Final = 1 << 18
"""Bytes of the buffer for everything small: one read brings many small messages."""

LARGE: Final = 16384
"""From this many bytes on, a need is received into memory of its own."""


class Feed:
    """The bytes of one stream on their way into *parser*."""

    def __init__(self, parser: Parser[None]) -> None:
        self._parser = parser
        self._item: Need | Event = next(parser)
        """What the parser yielded last and has not been answered."""
        self._buffer = memoryview(bytearray(BUFFER_SIZE))
        self._start = 0
        self._end = 0
        """``_buffer[_start:_end]`` has arrived and not been parsed."""
        self._filled = 0
        """How much of a memoryview need is there."""
        self._whole: Bytes = b""
        """The answer to a large ``int`` need, while it is being filled."""
        self._direct = False
        """Whether the last buffer handed out was the need's own memory."""
        self._awake = False

    def get_buffer(self) -> memoryview:
        """Memory for the next bytes of the stream, never empty.

        Raises :class:`RemoteProtocolError` if the server fills the whole buffer while parsing
        pauses.
        """
        need = self._item
        self._direct = (
            isinstance(need, memoryview)
            and self._start == self._end
            and len(need) - self._filled >= LARGE
        )
        if self._direct:
            assert isinstance(need, memoryview)
            return need[self._filled :]
        if self._start:
            unread = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(unread)] = unread
            self._start, self._end = 0, len(unread)
        if self._end == BUFFER_SIZE:
            raise RemoteProtocolError(
                "the display server talks on instead of waiting for an answer"
            )
        return self._buffer[self._end :]

    def buffer_updated(self, size: int) -> None:
        """Note that *size* bytes were written into what :meth:`get_buffer` gave last."""
        if self._direct:
            self._filled += size
        else:
            self._end += size

    @property
    def pending(self) -> int:
        """Bytes that have arrived and not been parsed."""
        return self._end - self._start

    def wake(self) -> None:
        """End a pause: the present one, or the next."""
        self._awake = True

    def events(self) -> Iterator[Event]:
        """Parse as far as the bytes go."""
        while True:
            item = self._item
            if isinstance(item, int | memoryview | Pause):
                answer = self._answer(item)
                if answer is None:
                    return
            else:
                # The event counts as handed out even if the caller does not come back.
                self._item, answer = 0, b""
                yield item
            self._item = self._parser.send(answer)

    def _answer(self, need: Need) -> Bytes | None:
        """What fulfils *need*, or None while it cannot be fulfilled."""
        if isinstance(need, Pause):
            awake, self._awake = self._awake, False
            return b"" if awake else None
        if isinstance(need, int):
            if need < LARGE:
                return self._take(need)
            self._whole = bytearray(need)
            need = self._item = memoryview(self._whole)
        return self._fill(need)

    def _take(self, size: int) -> bytes | None:
        if self._end - self._start < size:
            return None
        start = self._start
        self._start = start + size
        return bytes(self._buffer[start : self._start])

    def _fill(self, target: memoryview) -> Bytes | None:
        size = min(self._end - self._start, len(target) - self._filled)
        target[self._filled : self._filled + size] = self._buffer[self._start : self._start + size]
        self._start += size
        self._filled += size
        if self._filled < len(target):
            return None
        self._filled = 0
        answer, self._whole = self._whole, b""
        return answer
