"""Task ownership: no task without an owner, no exception without a listener.

An :class:`asyncio.TaskGroup` owns tasks whose lives end together.  A :class:`TaskOwner` owns
tasks that come and go while a server runs: one viewer's task may end, or fail, alone.
"""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine
from typing import Any, Self

logger = logging.getLogger(__name__)


class TaskOwner:
    """Keeps, names, and finally cancels a changing set of tasks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, coroutine: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Run *coroutine* as a task of this owner; its failure is logged, not lost."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(coroutine, name=f"{self._name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            logger.error("task %s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel every task and wait until all have ended."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            # The task's own failure has been logged by _ended; here only its end matters.
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
