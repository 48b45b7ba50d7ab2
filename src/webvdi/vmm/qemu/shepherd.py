"""The shepherd: a small program that looks after one QEMU and outlives everything else of ours.

Run as ``python -I -S shepherd.py LAUNCH.json GENERATION``; standard library only, nothing of
webvdi, so that it is small in memory and an upgrade of webvdi under it does not matter.

It leaves the caller's session, starts QEMU, writes down who runs (``run.json``), keeps the tail
of what QEMU says, and in the end writes how it ended (``exit.json``) and removes sockets and RAM
file.  Only a parent learns an exit status; that parent must not be a process that restarts.

Any of it may be killed at any point: QEMU begins only after ``run.json`` is on disk (until then
its process waits on a pipe that dies with us), and a lock on a file keeps a second shepherd out.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import sys
import time
from pathlib import Path
from typing import IO, Any, NoReturn

PR_SET_CHILD_SUBREAPER = 36
"""prctl(2)."""
LOG_BYTES = 1 << 20
"""qemu.log takes no more than this in one run."""
TAIL_BYTES = 16 << 10
"""And exit.json this much of the end."""
SERIAL_BYTES = 4 << 20
"""serial.log is cut when it is longer."""
TICK_MS = 5000
"""How often that is looked at."""
CHILDREN_TIMEOUT_S = 2.0
"""For helpers to end after QEMU."""
LOCK_TIMEOUT_S = 10.0
"""An earlier shepherd may be tidying up."""
FIRST_FREE_FD = 64
"""Above the numbers that QEMU is promised."""
NOT_RUN = 127
"""What a shell says, too, of a program that it cannot run."""


def main() -> int:
    """Detach, and tell the caller on stderr what went wrong before QEMU began."""
    config = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.closerange(3, 4096)  # whatever the caller left open is none of a machine's business
    report, reporter = os.pipe()
    if os.fork():
        os.close(reporter)
        with os.fdopen(report, encoding="utf-8", errors="replace") as file:
            words = file.read()
        if words == "ok":
            return 0
        print(words or "it died before QEMU began", file=sys.stderr)
        return 1
    os.close(report)
    try:
        _detach()
        _tend(config, int(sys.argv[2]), reporter)
    except Exception as error:
        with contextlib.suppress(OSError):
            os.write(reporter, f"{type(error).__name__}: {error}"[:4000].encode())
    return 0


def _detach() -> None:
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # what stops the host stops QEMU; we write it down
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _tend(config: dict[str, Any], generation: int, reporter: int) -> None:
    """Start QEMU, wait for its end, write it down."""
    if config["generation"] != generation:
        raise RuntimeError("this start was given up before the shepherd came")
    run, end = Path(config["run"]), Path(config["exit"])
    with Path(config["lock"]).open("w", encoding="ascii") as lock:
        _take(lock)
        if max(_generation(run), _generation(end)) >= generation:
            raise RuntimeError("this start has been dealt with already")
        pid, words = _start(config, run)
        os.write(reporter, b"ok")
        os.close(reporter)
        tail = _watch(config, pid, words)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        _write(end, _ended(generation, status, tail))
        for path in config["remove"]:
            Path(path).unlink(missing_ok=True)
        _collect_children()


def _collect_children() -> None:
    """Wait for slirp4netns, which ends with QEMU; not every process 1 collects the dead."""
    deadline = time.monotonic() + CHILDREN_TIMEOUT_S
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.01)


def _start(config: dict[str, Any], run: Path) -> tuple[int, int]:
    """The process that becomes QEMU once ``run.json`` names it, and where to read its words."""
    for path in config["remove"]:
        if path not in config["keep"]:
            Path(path).unlink(missing_ok=True)  # sockets left by a run that nobody tidied up
    listeners = {int(fd): _listen(path) for fd, path in config["listen"].items()}
    words, speaker = os.pipe()
    wait, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        _become_qemu(config["argv"], listeners, speaker, wait)
    os.close(speaker)
    os.close(wait)
    for listener in listeners.values():
        listener.close()  # else clients would queue here after QEMU has gone
    record = {
        "generation": config["generation"],
        "boot_id": config["boot_id"],
        "when": time.time(),
        "shepherd": _process(os.getpid()),
        "qemu": _process(pid),
    }
    _write(run, record)
    os.write(go, b"!")
    os.close(go)
    return pid, words


def _become_qemu(
    argv: list[str], listeners: dict[int, socket.socket], speaker: int, wait: int
) -> NoReturn:
    """In the child: wait for the word, put file descriptors where they are promised, exec."""
    try:
        if not os.read(wait, 1):
            os._exit(NOT_RUN)  # the shepherd died; nobody knows of us
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        sources = {fd: _high(listener.fileno()) for fd, listener in listeners.items()}
        sources[1] = sources[2] = _high(speaker)
        for fd, source in sources.items():
            os.dup2(source, fd, inheritable=True)
        os.execvp(argv[0], argv)  # noqa: S606 - that is what it is for
    except OSError as error:
        os.write(2, f"cannot run {argv[0]}: {error.strerror}\n".encode())
    finally:
        os._exit(NOT_RUN)


def _high(fd: int) -> int:
    """A copy of *fd* that no promised number can overwrite."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE_FD)


def _watch(config: dict[str, Any], pid: int, words: int) -> bytes:
    """Keep the log until QEMU ends; the tail of what it said."""
    tail, room = b"", LOG_BYTES
    process = os.pidfd_open(pid)
    os.set_blocking(words, False)
    poll = select.poll()
    for fd in (words, process):
        poll.register(fd, select.POLLIN)
    with Path(config["log"]).open("wb", buffering=0) as log:
        while True:
            ready = {fd for fd, _ in poll.poll(TICK_MS)}
            data = _read(words)
            if data:
                tail = (tail + data)[-TAIL_BYTES:]
                with contextlib.suppress(OSError):  # a full disk must not end the watch
                    log.write(data[:room])
                room = max(0, room - len(data))
            elif process in ready:
                return tail
            elif data == b"" and words in ready:
                poll.unregister(words)  # closed before the end: nothing more will be said
            _cut(Path(config["serial_log"]))


def _read(fd: int) -> bytes | None:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return None


def _cut(path: Path) -> None:
    """Empty a serial log that has grown long, keeping what it held beside it."""
    with contextlib.suppress(OSError):  # not there, or no room: the guest goes on in any case
        if path.stat().st_size > SERIAL_BYTES:
            with path.open("r+b") as log:
                path.with_name(path.name + ".old").write_bytes(log.read(SERIAL_BYTES))
                log.truncate(0)


def _take(lock: IO[str]) -> None:
    deadline = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise RuntimeError("another shepherd looks after this machine") from None
            time.sleep(0.05)
        else:
            return


def _listen(path: str) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(1)
    return listener


def _process(pid: int) -> dict[str, int]:
    """A process number with its start time, field 22 of proc(5) stat: together they are unique."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return {"pid": pid, "started": int(stat.rpartition(")")[2].split()[19])}


def _ended(generation: int, status: int, tail: bytes) -> dict[str, object]:
    return {
        "generation": generation,
        "when": time.time(),
        "code": status if status >= 0 else None,
        "signal": -status if status < 0 else None,
        "words": tail.decode(errors="replace"),
    }


def _generation(path: Path) -> int:
    try:
        return int(json.loads(path.read_text(encoding="utf-8"))["generation"])
    except (OSError, ValueError, KeyError):
        return 0


def _write(path: Path, record: dict[str, Any]) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(record, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
