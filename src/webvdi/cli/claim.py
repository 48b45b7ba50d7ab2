"""Who looks after the machines of a state directory: one process at a time.

The holder keeps an exclusive lock on ``STATE/service.lock``, and writes into it who it is and where
it can be asked.  The lock ends with its process, however that dies, so what the file says counts
only while somebody holds it.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from webvdi.base.paths import Places

SERVE = "serve"
"""What the holder does that can be asked over its socket; others only work for themselves."""

_TRIES = 5
_BETWEEN_TRIES_S = 0.02
"""A look at the lock takes it for an instant, so one failure to get it means nothing."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a state directory."""

    pid: int
    what: str
    """:data:`SERVE`, or the command that is at work."""
    run: str
    """Where the holder's sockets are: its environment may differ from ours."""
    url: str = ""
    """Where browsers come to, without a login."""
    loopback: bool = True
    """Whether links to it are of use on this host alone."""
    auth: bool = True

    @property
    def serves(self) -> bool:
        """Whether it answers on :attr:`socket`."""
        return self.what == SERVE

    @property
    def socket(self) -> Path:
        """Where the command line asks."""
        return Path(self.run) / "api.sock"


class Claim:
    """The lock, held until closed."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def announce(self, holder: Holder) -> None:
        """Say who we are."""
        self._file.seek(0)
        self._file.truncate()
        json.dump(asdict(holder), self._file)
        self._file.flush()

    def close(self) -> None:
        """Let others in."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def claim(directory: Path, where: Places, what: str) -> Claim | None:
    """The lock of *directory* (the state's, or a view's own); None while another has it."""
    fd = os.open(_lock_of(directory), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    file = os.fdopen(fd, "r+")
    for attempt in range(_TRIES):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < _TRIES:
                time.sleep(_BETWEEN_TRIES_S)
            continue
        claimed = Claim(file)
        claimed.announce(Holder(os.getpid(), what, str(where.run)))
        return claimed
    file.close()
    return None


def holder_of(directory: Path) -> Holder | None:
    """Who holds *directory*; None if nobody does."""
    try:
        file = _lock_of(directory).open()
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            pass
        else:
            return None
        for _ in range(_TRIES):
            try:
                file.seek(0)
                return Holder(**json.load(file))
            except (ValueError, TypeError):  # it is being written, or given up, just now
                time.sleep(_BETWEEN_TRIES_S)
    return None


def _lock_of(directory: Path) -> Path:
    return directory / "service.lock"
