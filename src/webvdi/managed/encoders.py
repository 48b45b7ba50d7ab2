"""Threads that encode, bounded for the whole server: its workers take turns.

Each session has a process, and each process threads of its own; more of them at work than there
are processors would only wait for each other.  So an encode holds one of a few *turns*: locks on
files without names, which the router makes and every worker inherits.  A lock goes with the
process that holds it, so whatever dies in mid encode takes no turn along.
"""

import fcntl
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

MAX_TURNS = 4
"""Encodes at once, in all sessions of a server, however many processors there are."""

P = ParamSpec("P")
T = TypeVar("T")


def new_turns() -> list[int]:
    """Descriptors to be inherited by all workers of a server: one for each encode at once."""
    count = min(MAX_TURNS, os.cpu_count() or 1)
    return [os.memfd_create(f"turn {number}") for number in range(count)]


class Encoders(ThreadPoolExecutor):
    """The threads of one worker."""

    def __init__(self, turns: Sequence[int]) -> None:
        """*turns* are what :func:`new_turns` made; without any, this pool is the server's only."""
        count = len(turns) or min(MAX_TURNS, os.cpu_count() or 1)
        super().__init__(count, thread_name_prefix="encode")
        self._turns = turns
        self._own = threading.local()
        self._waits = itertools.count(os.getpid())  # workers begin at different turns

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """As any executor's; *fn* waits for its turn in the thread."""

        def in_turn() -> T:
            with self._turn():
                return fn(*args, **kwargs)

        return super().submit(in_turn)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        files = self._files()
        mine = next((file for file in files if _locked(file)), None)
        if mine is None and files:
            mine = files[next(self._waits) % len(files)]
            fcntl.flock(mine, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if mine is not None:
                fcntl.flock(mine, fcntl.LOCK_UN)

    def _files(self) -> list[int]:
        """The turns, opened for this thread alone: a lock is an open file's, not a process's."""
        files: list[int] | None = getattr(self._own, "files", None)
        if files is None:
            files = [os.open(f"/proc/self/fd/{turn}", os.O_RDWR) for turn in self._turns]
            self._own.files = files
        return files


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
