"""Drives one parser with the bytes that arrive, however they are cut.

Small needs are served from one buffer of fixed size.  For a large one a block of memory is taken
and never used again, so that pixels can be used where they were received.  What follows is
received behind it, as far as the block reaches: a server that paints large rectangles is read
without regard to where one ends, and its pixels are not copied.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.events import Event
from webvdi.rfb.parsing import Bytes, Need, Parser, Pause, Span

BUFFER_SIZE: Final = 1 << 18
"""Bytes of the buffer for everything small: one read brings many small messages."""

LARGE: Final = 16384
"""From this many bytes on, a need is received into memory of its own."""

BLOCK_SIZE: Final = 1 << 20
"""Bytes of a block for a large span and what follows it; more if the span is larger."""

_ALIGNMENT: Final = 4
"""Of a span, whose pixels are to be used as words."""


class Feed:
    """The bytes of one stream on their way into *parser*."""

    def __init__(self, parser: Parser[None]) -> None:
        self._parser = parser
        self._item: Need | Event = next(parser)
        """What the parser yielded last and has not been answered."""
        self._small = memoryview(bytearray(BUFFER_SIZE))
        """The buffer that is used again and again."""
        self._buffer = self._small
        """Where bytes are received: that, or a block, parts of which are lent."""
        self._sole = bytearray()
        """The buffer's memory, where it was made for one large ``int`` need."""
        self._start = 0
        self._end = 0
        """``_buffer[_start:_end]`` has arrived and not been parsed."""
        self._awake = False
        self._settle()

    def get_buffer(self) -> memoryview:
        """Memory for the next bytes of the stream, never empty.

        Raises :class:`RemoteProtocolError` if the server fills the whole buffer while parsing
        pauses.
        """
        full = self._end == len(self._buffer)
        if full or (self._start and self._buffer is self._small):
            self._go_on_in(self._small)
        return self._buffer[self._end :]

    def buffer_updated(self, size: int) -> None:
        """Note that *size* bytes were written into what :meth:`get_buffer` gave last."""
        self._end += size

    @property
    def pending(self) -> int:
        """Bytes that have arrived and not been parsed."""
        return self._end - self._start

    @property
    def _needed(self) -> int:
        """The size of the need that waits."""
        match self._item:
            case int(size):
                return size
            case Span(size=size):
                return size
        return 0

    def wake(self) -> None:
        """End a pause: the present one, or the next."""
        self._awake = True

    def events(self) -> Iterator[Event]:
        """Parse as far as the bytes go."""
        while True:
            item = self._item
            if isinstance(item, int | Span | Pause):
                answer = self._answer(item)
                if answer is None:
                    self._settle()
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
        size = need if isinstance(need, int) else need.size
        start, end = self._start, self._start + size
        if end > self._end:
            return None
        self._start = end
        part = self._buffer[start:end]
        if isinstance(need, int):
            return bytes(part) if size < LARGE else self._whole(part)
        lent = self._buffer is not self._small and start % _ALIGNMENT == 0
        need.memory = part if lent else memoryview(bytearray(part))
        return b""

    def _whole(self, part: memoryview) -> Bytes:
        """A large *part* that is no span: the buffer itself if it was made for just that."""
        if self._buffer.obj is not self._sole:
            return bytes(part)
        answer, self._sole = self._sole, bytearray()
        return answer

    # --- memory ------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Be where there is room for what is waited for, and hold no block without need."""
        size = self._needed
        if size >= LARGE:
            if self._buffer is self._small or self._start + size > len(self._buffer):
                self._go_on_in(self._block(size))
        elif self._start == self._end:
            self._go_on_in(self._small)

    def _block(self, size: int) -> memoryview:
        """Memory for the need of *size* bytes that waits; for a span also for what follows it."""
        if isinstance(self._item, Span):
            return np.empty(max(size, BLOCK_SIZE), np.uint8).data
        self._sole = bytearray(size)
        return memoryview(self._sole)

    def _go_on_in(self, buffer: memoryview) -> None:
        """Take along to *buffer* what has not been parsed."""
        unread = bytes(self._buffer[self._start : self._end])
        if len(unread) >= len(buffer):
            raise RemoteProtocolError(
                "the display server talks on instead of waiting for an answer"
            )
        buffer[: len(unread)] = unread
        self._buffer, self._start, self._end = buffer, 0, len(unread)
