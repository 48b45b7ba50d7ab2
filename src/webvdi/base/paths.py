"""Where things live on this host: the XDG base directories, and what we put in them."""

import os
import stat
import tempfile
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path

from webvdi.base.errors import Refused


@dataclass(frozen=True, slots=True)
class Places:
    """The directories of one webvdi.

    *state* outlives reboots, *cache* can be rebuilt, *run* holds sockets and pids and is private
    to the user (mode 0700).
    """

    state: Path
    cache: Path
    run: Path

    def make(self) -> None:
        """Create what is missing.  Raises :class:`Refused` if *run* is not ours alone."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.cache.mkdir(parents=True, exist_ok=True)
        base = self.run.parent
        if base == _fallback_runtime():  # in /tmp, where everybody may have been before us
            base.mkdir(exist_ok=True, mode=0o700)
            _check_private(base)
        self.run.mkdir(parents=True, exist_ok=True, mode=0o700)
        _check_private(self.run)


def places(state: Path | None = None) -> Places:
    """The directories to use: XDG's, or all below *state* where one is given.

    Socket paths have at most 107 bytes, so with a given *state* the run directory is still a
    short one, told apart by a digest.
    """
    if state is not None:
        state = state.absolute()
        return Places(state, state / "cache", _runtime() / f"webvdi-{_digest(state)}")
    home = Path.home()
    data = Path(os.environ.get("XDG_STATE_HOME") or home / ".local/state")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return Places(data / "webvdi", cache / "webvdi", _runtime() / "webvdi")


def _runtime() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK):
        return Path(runtime)
    return _fallback_runtime()


def _fallback_runtime() -> Path:
    return Path(tempfile.gettempdir()) / f"webvdi-run-{os.getuid()}"


def _check_private(directory: Path) -> None:
    """Insist on a directory (no link to one) of ours that nobody else may enter."""
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise Refused(
            f"{directory} must be a directory of yours alone, for the machines' sockets are in "
            f"it; try: chmod 700 {directory}",
            reason="run_dir_not_private",
        )


def _digest(path: Path) -> str:
    return blake2s(os.fsencode(path), digest_size=5).hexdigest()
