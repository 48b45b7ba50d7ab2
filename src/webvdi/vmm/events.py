"""Events of an engine: hints that something changed; ``list()`` is the truth.

Each subscriber has a bounded queue.  One that does not keep up loses the oldest hints, never
slows the engine, and finds the truth where it always is.
"""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Self, TypeAlias

from webvdi.vmm.machine import MachineId, MachineStatus

MAX_QUEUED = 256
"""Hints kept for a slow subscriber; more than a screenful of machines changing at once."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """A machine has a new status."""

    machine: MachineId
    status: MachineStatus


@dataclass(frozen=True, slots=True)
class MachineGone:
    """A machine exists no more."""

    machine: MachineId


EngineEvent: TypeAlias = StatusChanged | MachineGone


class Subscription:
    """An asynchronous iterator over events; ends when the engine closes."""

    def __init__(self, hub: "EventHub") -> None:
        self._hub = hub
        self._queue: deque[EngineEvent] = deque(maxlen=MAX_QUEUED)
        self._wake = asyncio.Event()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EngineEvent:
        while not self._queue:
            if self._ended:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._queue.popleft()

    def put(self, event: EngineEvent) -> None:
        """Queue *event*; the oldest gives way when the queue is full."""
        self._queue.append(event)
        self._wake.set()

    def end(self) -> None:
        """Let the iteration stop after what is queued."""
        self._ended = True
        self._wake.set()

    async def aclose(self) -> None:
        """Stop listening."""
        self._hub.drop(self)
        self.end()


class EventHub:
    """Hands each published event to every subscriber."""

    def __init__(self) -> None:
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        """Begin listening at once."""
        subscription = Subscription(self)
        self._subscriptions.append(subscription)
        return subscription

    def publish(self, event: EngineEvent) -> None:
        """Tell every subscriber."""
        for subscription in self._subscriptions:
            subscription.put(event)

    def drop(self, subscription: Subscription) -> None:
        """Forget *subscription*; a second time is ignored."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)

    def close(self) -> None:
        """End every subscription."""
        for subscription in self._subscriptions:
            subscription.end()
        self._subscriptions.clear()
