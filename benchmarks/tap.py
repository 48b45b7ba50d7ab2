"""A tap: relays a stream unchanged and writes down when each chunk passed.

Run as ``python -m benchmarks.tap LISTEN TARGET LOG``; an address is ``tcp:PORT`` on the loopback
or ``unix:PATH``.  A line of LOG is one chunk: seconds since 1970, ``up`` (towards TARGET) or
``down``, its bytes, and its first byte.
"""

import socket
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

CHUNK_BYTES = 1 << 20


def serve(listen: str, target: str, log: Path) -> None:
    """Relay connections, for ever."""
    listener = _socket(listen)
    listener.bind(_address(listen))
    listener.listen()
    with log.open("w", buffering=1) as lines:
        print("ready", flush=True)
        while True:
            near, _ = listener.accept()
            far = _socket(target)
            far.connect(_address(target))
            for direction, source, sink in (("up", near, far), ("down", far, near)):
                _no_delay(sink)
                threading.Thread(
                    target=_pump, args=(direction, source, sink, lines), daemon=True
                ).start()


def _pump(direction: str, source: socket.socket, sink: socket.socket, lines: TextIO) -> None:
    try:
        while chunk := source.recv(CHUNK_BYTES):
            now = time.time()
            sink.sendall(chunk)
            lines.write(f"{now:.6f} {direction} {len(chunk)} {chunk[0]}\n")
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()


def _socket(address: str) -> socket.socket:
    if address.startswith("unix:"):
        return socket.socket(socket.AF_UNIX)
    end = socket.socket()
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return end


def _address(address: str) -> str | tuple[str, int]:
    kind, _, place = address.partition(":")
    return place if kind == "unix" else ("127.0.0.1", int(place))


def _no_delay(end: socket.socket) -> None:
    if end.family == socket.AF_INET:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
