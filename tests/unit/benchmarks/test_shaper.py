"""The shaper on real sockets: what goes in comes out, late and slowly, and nothing piles up."""

import hashlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.links import Link
from benchmarks.shaper import Shaper, listen

LINK = Link("test", round_trip_s=0.1, rate=2_000_000, queue_bytes=64 << 10)
BLOB = bytes(range(251)) * 2000
"""Half a megabyte: a quarter of a second on the line."""


class Running:
    """A shaper in a thread, and a listener where it leads to."""

    def __init__(self, link: Link) -> None:
        self._near, self.far = listen(0), listen(0)
        self.port: int = self._near.getsockname()[1]
        self._shaper = Shaper(self._near, self.far.getsockname()[1], link)
        self._going = True
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while self._going:
            self._shaper.turn(0.02)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a connection through it."""
        browser = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        gateway, _ = self.far.accept()
        gateway.settimeout(20)
        return browser, gateway

    def stop(self) -> None:
        """End it."""
        self._going = False
        self._thread.join()
        for end in self._shaper._ends:
            end.socket.close()
        self._near.close()
        self.far.close()


@contextmanager
def shaped(link: Link = LINK) -> Iterator[tuple[socket.socket, socket.socket]]:
    running = Running(link)
    with ExitStack() as stack:
        stack.callback(running.stop)
        browser, gateway = running.connect()
        stack.enter_context(browser)
        stack.enter_context(gateway)
        yield browser, gateway


def take(end: socket.socket, count: int = 1 << 30) -> bytes:
    data = bytearray()
    while len(data) < count and (part := end.recv(min(65536, count - len(data)))):
        data += part
    return bytes(data)


def until_it_waits(end: socket.socket) -> int:
    """Send until nothing more is taken; how much was."""
    sent = 0
    try:
        while sent < 64 << 20:
            sent += end.send(bytes(4096))
    except TimeoutError:
        return sent
    raise AssertionError("it takes everything")


def test_a_question_and_its_answer_take_a_round_trip() -> None:
    with shaped() as (browser, gateway):
        for _ in range(3):
            asked = time.monotonic()
            browser.sendall(b"?")
            assert gateway.recv(1) == b"?"
            assert time.monotonic() - asked >= 0.05
            gateway.sendall(b"!")
            assert browser.recv(1) == b"!"
            assert 0.1 <= time.monotonic() - asked < 1  # a busy machine may add to it


def test_much_takes_its_time_on_the_line_and_comes_whole() -> None:
    with shaped() as (browser, gateway):
        began = time.monotonic()
        sender = threading.Thread(target=gateway.sendall, args=(BLOB,))
        sender.start()
        received = take(browser, len(BLOB))
        took = time.monotonic() - began
        sender.join()
    assert hashlib.sha256(received).digest() == hashlib.sha256(BLOB).digest()
    assert took >= 0.05 + len(BLOB) / LINK.rate


def test_both_directions_have_a_line_of_their_own() -> None:
    with shaped() as (browser, gateway):
        began = time.monotonic()
        senders = [threading.Thread(target=end.sendall, args=(BLOB,)) for end in (browser, gateway)]
        got: list[bytes] = []
        takers = [
            threading.Thread(target=lambda end=end: got.append(take(end, len(BLOB))))
            for end in (browser, gateway)
        ]
        for thread in senders + takers:
            thread.start()
        for thread in senders + takers:
            thread.join()
        took = time.monotonic() - began
    assert got == [BLOB, BLOB]
    assert took < 1.5 * len(BLOB) / LINK.rate + 1  # one after the other it would be twice as long


def test_a_sender_is_made_to_wait_once_the_queue_is_full() -> None:
    slow = Link("slow", round_trip_s=0.01, rate=20_000, queue_bytes=64 << 10)
    with shaped(slow) as (_, gateway):
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)
        gateway.settimeout(0.3)
        sent = until_it_waits(gateway)
    # The queue, the small buffers of the kernel, and what passed meanwhile.
    assert sent < (64 << 10) + (256 << 10)


def test_a_receiver_that_does_not_read_stops_only_its_sender() -> None:
    with shaped() as (browser, gateway):
        gateway.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        gateway.settimeout(1.0)
        sent = until_it_waits(gateway)
        browser.sendall(b"still here")
        gateway.settimeout(20)
        assert take(gateway, 10) == b"still here"
        assert take(browser, sent) == bytes(sent)


def test_an_end_is_told_after_all_that_came_before_it() -> None:
    with shaped() as (browser, gateway):
        gateway.sendall(b"last words")
        gateway.shutdown(socket.SHUT_WR)
        assert take(browser) == b"last words"
        browser.sendall(b"and mine")
        browser.shutdown(socket.SHUT_WR)
        assert take(gateway) == b"and mine"


def test_nobody_at_the_far_end() -> None:
    running = Running(LINK)
    running.far.close()
    with socket.create_connection(("127.0.0.1", running.port), timeout=20) as browser:
        assert browser.recv(1) == b""
    running.stop()


def test_who_breaks_off_is_told_to_the_other() -> None:
    with shaped() as (browser, gateway):
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        browser.close()  # with a reset
        gateway.settimeout(5)
        assert take(gateway) == b""
