"""Hands out hints to any number of listeners, each with a bounded queue.

One that does not keep up loses the oldest hints, never slows anybody, and finds the truth where it
always is.
"""

import asyncio
from collections import deque
from typing import Generic, Self, TypeVar

T = TypeVar("T")

MAX_QUEUED = 256
"""Hints kept for a slow listener: more than a screenful of things that change at once."""


class Listener(Generic[T]):
    """An asynchronous iterator over hints; ends when the hub closes."""

    def __init__(self, hub: "Hub[T]", *, merge: bool) -> None:
        self._hub = hub
        self._merge = merge
        self._queue: deque[T] = deque(maxlen=MAX_QUEUED)
        self._wake = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def put(self, hint: T) -> None:
        """Queue *hint*; the oldest gives way when the queue is full."""
        if not self._merge or hint not in self._queue:
            self._queue.append(hint)
            self._wake.set()

    def end(self) -> None:
        """Let the iteration stop after what is queued."""
        self._ended = True
        self._wake.set()

    async def aclose(self) -> None:
        """Stop listening."""
        self._hub.drop(self)
        self.end()


class Hub(Generic[T]):
    """Hands each hint to every listener."""

    def __init__(self, *, merge: bool = False) -> None:
        """*merge*: of equal hints that wait, one is kept."""
        self._merge = merge
        self._listeners: list[Listener[T]] = []

    def listen(self) -> Listener[T]:
        """Begin listening at once."""
        listener = Listener(self, merge=self._merge)
        self._listeners.append(listener)
        return listener

    def publish(self, hint: T) -> None:
        """Tell every listener."""
        for listener in self._listeners:
            listener.put(hint)

    def drop(self, listener: Listener[T]) -> None:
        """Forget *listener*; a second time is ignored."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def close(self) -> None:
        """End every listener."""
        for listener in self._listeners:
            listener.end()
        self._listeners.clear()
