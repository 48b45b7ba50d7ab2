"""Encoders of all workers take turns, and what dies takes no turn along."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from webvdi.managed.encoders import MAX_TURNS, Encoders, new_turns


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Two turns."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    turns = new_turns()
    yield turns
    for turn in turns:
        os.close(turn)


class Crowd:
    """Work that counts who is at it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.free = threading.Event()
        self.begun = threading.Semaphore(0)

    def work(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.begun.release()
        assert self.free.wait(30)
        with self._lock:
            self._now -= 1


def test_there_are_a_few_turns_however_many_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    turns = new_turns()
    assert len(turns) == MAX_TURNS
    for turn in turns:
        os.close(turn)


def test_two_workers_together_encode_no_more_than_there_are_turns(turns: list[int]) -> None:
    crowd = Crowd()
    with Encoders(turns) as one, Encoders(turns) as other:
        futures = [pool.submit(crowd.work) for _ in range(4) for pool in (one, other)]
        for _ in turns:
            assert crowd.begun.acquire(timeout=30)
        crowd.free.set()
        wait(futures, 30)
        assert all(future.result() is None for future in futures)
    assert crowd.most == len(turns)


def test_who_waits_waits_for_different_turns(
    turns: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = [os.open(f"/proc/self/fd/{turn}", os.O_RDWR) for turn in turns]
    for file in taken:
        fcntl.flock(file, fcntl.LOCK_EX)
    waited: list[int] = []
    waiting = threading.Semaphore(0)
    flock = fcntl.flock

    def watched(file: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX:
            waited.append(os.fstat(file).st_ino)
            waiting.release()
        flock(file, operation)

    monkeypatch.setattr(fcntl, "flock", watched)
    with Encoders(turns) as encoders:
        futures = [encoders.submit(int) for _ in turns]
        for _ in turns:
            assert waiting.acquire(timeout=30)
        for file in taken:
            os.close(file)  # and with it the lock
        wait(futures, 30)
    assert set(waited) == {os.fstat(turn).st_ino for turn in turns}


def test_the_turn_of_a_worker_that_died_is_free(turns: list[int]) -> None:
    hold = "import fcntl, os, sys\n" + "".join(
        f"fcntl.flock(os.open('/proc/self/fd/{turn}', os.O_RDWR), fcntl.LOCK_EX)\n"
        for turn in turns
    )
    program = hold + "print('mine', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        pass_fds=turns,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"mine\n"
        with Encoders(turns) as encoders:
            future = encoders.submit(lambda: 42)
            assert not future.done()
            other.kill()
            assert future.result(30) == 42


def test_what_fails_gives_its_turn_back(turns: list[int]) -> None:
    def fail() -> None:
        raise MemoryError

    with Encoders(turns) as encoders:
        for _ in range(3 * len(turns)):
            assert isinstance(encoders.submit(fail).exception(30), MemoryError)
        assert encoders.submit(lambda: 1).result(30) == 1


def test_a_pool_on_its_own_needs_no_turns() -> None:
    with Encoders(()) as encoders:
        assert encoders.submit(lambda word: word, "done").result(30) == "done"
