"""The time a guest has to shut down by itself, which whoever is in a hurry ends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from webvdi.vmm.qemu.run import Run


class Grace:
    """Of one machine; at most one wait is under way."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._hurries = 0
        """Callers that want the machine off at once: operations that wait their turn."""
        self._wait: asyncio.Timeout | None = None

    @property
    def over(self) -> bool:
        """Whether somebody is in a hurry."""
        return self._hurries > 0

    @contextmanager
    def hurry(self) -> Iterator[None]:
        """End the wait that is under way; none takes any time until this is left."""
        self._hurries += 1
        if self._wait is not None and not self._wait.expired():
            self._wait.reschedule(asyncio.get_running_loop().time())
        try:
            yield
        finally:
            self._hurries -= 1

    async def heeded(self, timeout_s: float) -> bool:
        """Wait for the end of the run for at most *timeout_s* seconds; whether it came."""
        try:
            async with asyncio.timeout(0 if self.over else timeout_s) as self._wait:
                await self._run.wait_off()
        except TimeoutError:
            return self._run.off
        finally:
            self._wait = None
        return True
