"""A shaper: relays TCP connections as if there were a link with a rate and a length in between.

Run as ``python -m benchmarks.shaper PORT TARGET LINK``: ports on the loopback, a name of
``benchmarks/links.py``.  All connections share the link.  Connections are made at once; only what
flows through them is delayed.

So that nothing waits elsewhere, the kernel's buffers here are small, and the segments of the TCP
connection to the gateway are as small as on Ethernet: on the loopback they would be 64 KiB, and
Linux would give the gateway a send buffer of 2.6 MB for ten of them.
"""

import contextlib
import select
import socket
import sys
import time
from dataclasses import dataclass, field
from typing import TypeAlias

from benchmarks.links import LINKS, SEGMENT_BYTES, Lane, Link

READ_BYTES = 256 << 10
BACKLOG_BYTES = 64 << 10
"""What has arrived and is not taken by its receiver; no more is read for it then."""


@dataclass(eq=False, slots=True)
class End:
    """One of the two sockets of a connection."""

    socket: socket.socket
    lane: "Lane[End]"
    """For what is read here."""
    other: "End | None" = None
    backlog: bytearray = field(default_factory=bytearray)
    """Has come here through the other lane, and is still to be written."""
    ended: bool = False
    """It has said that nothing more comes from it."""
    finished: bool = False
    """Nothing more will come for it, once its backlog is written."""
    shut: bool = False

    def wants_read(self, now: float) -> bool:
        """Whether what it has to say can go on its way."""
        assert self.other is not None
        link = self.lane.link
        blocked = len(self.other.backlog) >= BACKLOG_BYTES
        return not self.ended and not blocked and self.lane.room(now) >= link.burst_bytes


Lanes: TypeAlias = tuple[Lane[End], Lane[End]]
"""Towards the gateway, and towards the browser."""


class Shaper:
    """Connections from *listener* to *target*, over *link*; no peer can block it."""

    def __init__(self, listener: socket.socket, target: int, link: Link) -> None:
        self._listener = listener
        self._target = target
        self._up: Lane[End] = Lane(link)
        self._down: Lane[End] = Lane(link)
        self._ends: list[End] = []

    def serve(self) -> None:
        """For ever."""
        while True:
            self.turn()

    def turn(self, patience_s: float | None = None) -> None:
        """Wait until something can be done, at most *patience_s*, and do it.

        ``select`` and not ``epoll``: its timeout is in microseconds, and links are short.
        """
        now = time.monotonic()
        readers = [end for end in self._ends if end.wants_read(now)]
        writers = [end for end in self._ends if end.backlog]
        wait = self._wait(now, patience_s)
        by_socket = {end.socket: end for end in self._ends}
        listening = [self._listener, *(end.socket for end in readers)]
        ready, writable, _ = select.select(
            listening, [end.socket for end in writers], [], None if wait is None else max(0, wait)
        )
        now = time.monotonic()
        for each in ready:
            if each is self._listener:
                self._accept()
            else:
                self._read(by_socket[each], now)
        now = time.monotonic()
        for each in writable:
            self._write(by_socket[each])
        for lane in (self._up, self._down):
            for end, part in lane.arrived(now):
                self._deliver(end, part)
        self._forget()

    def _wait(self, now: float, patience_s: float | None) -> float | None:
        times = [] if patience_s is None else [now + patience_s]
        for lane in (self._up, self._down):
            arrival = lane.next_at()
            if arrival is not None:
                times.append(arrival)
            if lane.room_at() > now:
                times.append(lane.room_at())
        return min(times) - now if times else None

    def _accept(self) -> None:
        near, _ = self._listener.accept()
        far = socket.socket()
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
        buffer = min(256 << 10, max(16 << 10, self._down.link.queue_bytes // 4))
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        try:
            far.connect(("127.0.0.1", self._target))
        except OSError:
            near.close()
            far.close()
            return
        ends = End(near, self._up), End(far, self._down)
        for end, other in (ends, reversed(ends)):
            end.other = other
        for end in ends:
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.socket.setblocking(False)
        self._ends += ends

    def _read(self, end: End, now: float) -> None:
        assert end.other is not None
        if not end.wants_read(now):  # another took the room
            return
        try:
            data = end.socket.recv(min(READ_BYTES, end.lane.room(now)))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        end.ended = not data
        end.lane.put(end.other, data, now)

    def _deliver(self, end: End, part: bytes) -> None:
        if part and not end.shut:
            end.backlog += part
        elif not part:
            end.finished = True
        self._write(end)

    def _write(self, end: End) -> None:
        try:
            while end.backlog:
                del end.backlog[: end.socket.send(end.backlog)]
        except BlockingIOError:
            return
        except OSError:  # it is gone, and so is what comes for it
            end.backlog.clear()
            end.finished = True
            self._hang_up(end)
        if end.finished and not end.shut:
            end.shut = True
            with contextlib.suppress(OSError):
                end.socket.shutdown(socket.SHUT_WR)

    def _hang_up(self, end: End) -> None:
        """Tell the other end that nothing more comes from this one, which is gone."""
        if not end.ended:
            assert end.other is not None
            end.ended = True
            end.lane.put(end.other, b"", time.monotonic())

    def _forget(self) -> None:
        for end in [end for end in self._ends if end.ended and end.shut]:
            other = end.other
            assert other is not None
            if other.ended and other.shut:
                for each in (end, other):
                    each.socket.close()
                self._ends = [each for each in self._ends if each not in (end, other)]


def listen(port: int) -> socket.socket:
    """A listening socket on the loopback; port 0 for any."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


if __name__ == "__main__":
    shaper = Shaper(listen(int(sys.argv[1])), int(sys.argv[2]), LINKS[sys.argv[3]])
    print("ready", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        shaper.serve()
