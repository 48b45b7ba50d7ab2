"""Who adds to an upload: one at a time, and whoever comes next takes over.

The newest is who is alive: the one before may hang on a connection that broke without a word, and
what it has written is kept anyway.
"""

import asyncio
from collections.abc import AsyncIterator

from webvdi.base.errors import Conflict, Refused

SILENCE_S = 60.0
"""A connection that brings nothing for so long is taken for broken; its sender goes on afresh."""


class Turn:
    """One's turn with an upload, from :meth:`Turns.take` to :meth:`leave`."""

    def __init__(self, turns: "Turns", upload: str) -> None:
        self._turns = turns
        self._upload = upload
        self._over = False
        self._waiting: asyncio.Timeout | None = None
        self.left = asyncio.Event()

    def give_way(self) -> None:
        """Let this turn wait for nothing any more: what it does just now is its last."""
        self._over = True
        if self._waiting is not None and not self._waiting.expired():
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def next_piece(self, pieces: AsyncIterator[bytes]) -> bytes | None:
        """The next of *pieces*; None at their end.

        Raises ``Conflict`` once somebody else has taken over, ``Refused`` (``bad_request``) after
        :data:`SILENCE_S` seconds of nothing.
        """
        if self._over:
            raise self._taken_over()
        try:
            async with asyncio.timeout(SILENCE_S) as self._waiting:
                return await anext(pieces, None)
        except TimeoutError as error:
            if self._waiting is None or not self._waiting.expired():
                raise
            if self._over:
                raise self._taken_over() from error
            raise Refused(
                f"nothing came for {SILENCE_S:.0f} s; what came before is kept",
                reason="bad_request",
            ) from error
        finally:
            self._waiting = None

    def leave(self) -> None:
        """Let the next one in."""
        self._turns.ended(self._upload)
        self.left.set()

    def _taken_over(self) -> Conflict:
        return Conflict("writer of the upload", self._upload)


class Turns:
    """The turns under way, at most one an upload."""

    def __init__(self) -> None:
        self._turns: dict[str, Turn] = {}

    def __contains__(self, upload: str) -> bool:
        return upload in self._turns

    async def take(self, upload: str) -> Turn:
        """The next turn with *upload*; whoever has one gives way, and is waited for."""
        while (other := self._turns.get(upload)) is not None:
            other.give_way()
            await other.left.wait()
        turn = self._turns[upload] = Turn(self, upload)
        return turn

    def ended(self, upload: str) -> None:
        """The turn with *upload* is over."""
        del self._turns[upload]
