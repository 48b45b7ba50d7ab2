"""Installs Debian into a directory with mmdebstrap(1), and hands its files over as a tar stream.

Root installs directly, an ordinary user in a user namespace; neither needs a mount, a loop device
or a machine.  mmdebstrap verifies by apt, against the signed index, as our own private apt does;
packages that the latter has fetched already are offered to it, so that it fetches hardly anything.
"""

import contextlib
import io
import os
import re
import selectors
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from webvdi.guests.apt import Mirror
from webvdi.guests.build_log import BuildLog
from webvdi.guests.errors import BuildFailed, GuestError, MirrorUnreachable, NoSpace
from webvdi.guests.requirements import program
from webvdi.guests.store import remove_rubbish

_ARCHIVES = "/var/cache/apt/archives/"
_STEP = re.compile(r"^(Unpacking|Setting up) \S+")
_PATIENCE_S = 20.0  # for mmdebstrap to clear away what it has made, when it is told to end
_CAP_SYS_ADMIN = 21  # linux/capability.h
_CHUNK = 65536
# What root's mmdebstrap mounts, the host's /dev/shm among it, nobody else is to see, and all of it
# goes with the last of its processes, however that ends.  (A user's namespace does so by itself.)
_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private", "--")
# Python, for the kill of some shells takes no process groups.
_WATCH = """
import os, signal, sys, time
sys.stdin.read()
try:
    os.killpg(int(sys.argv[1]), signal.SIGTERM)
    time.sleep(float(sys.argv[2]))
    os.killpg(int(sys.argv[1]), signal.SIGKILL)
except ProcessLookupError:
    pass
"""
_USER_PLACES = Path("/var/tmp")  # noqa: S108 - each build makes a directory of its own in it
_USER_PLACE = "webvdi-build-"
_TOLD = 2000  # characters of the last words of a failed installation


@dataclass(frozen=True, slots=True)
class Installation:
    """What is to be installed, and out of what."""

    suite: str
    mirror: Mirror
    packages: Sequence[str]
    without: Sequence[str]  # dpkg's patterns; one that begins with ! is kept all the same
    archives: Path  # directory with packages that need not be fetched
    overlay: Path  # tar archive, unpacked over the installed system
    setup: str  # path in the guest of the script that is run at the end
    apt_settings: Sequence[str]  # lines of apt.conf(5): how to reach the network


def command(what: Installation, *, root: bool, may_mount: bool) -> list[str]:
    """Return mmdebstrap's command line; the tar archive comes on its standard output."""
    overlay, archives = shlex.quote(str(what.overlay)), shlex.quote(str(what.archives))
    argv = ["mmdebstrap", "--verbose", f"--mode={'root' if root else 'unshare'}"]
    argv += ["--variant=apt", "--format=tar", "--dpkgopt=force-unsafe-io"]
    for pattern in what.without:
        kept = pattern.startswith("!")
        argv.append(f"--dpkgopt=path-{'include' if kept else 'exclude'}=/{pattern.lstrip('!')}")
    settings = ('APT::Install-Recommends "false";', 'Acquire::Retries "2";', *what.apt_settings)
    argv += [f"--aptopt={line.rstrip(';')}" for line in settings]
    if not may_mount:
        # A container's root: what packages would find in /proc, /sys and /dev they do without.
        argv.append("--skip=check/canmount,chroot/mount")
    argv += [
        f"--include={','.join(what.packages)}",
        f'--setup-hook=mkdir -p "$1"{_ARCHIVES}',
        f"--setup-hook=sync-in {archives} {_ARCHIVES}",
        f"--customize-hook=tar-in {overlay} /",
        f'--customize-hook=chroot "$1" /{what.setup}',
    ]
    return [*argv, what.suite, "-", *what.mirror.sources(what.suite).splitlines()]


def install(
    what: Installation,
    work: Path,
    log: BuildLog,
    report: Callable[[int], None],
    take: Callable[[IO[bytes]], None],
) -> None:
    """Install in *work*, telling *report* the steps done, two a package; *take* gets the tar.

    Whatever is raised meanwhile, by *report* or Ctrl-C, ends the installation and clears it away.
    Raises :class:`BuildFailed`, :class:`MirrorUnreachable`, :class:`NoSpace`.
    """
    root = os.geteuid() == 0
    may_mount = _may_mount()
    argv = command(what, root=root, may_mount=not root or may_mount)
    argv[0] = program("mmdebstrap")
    if root and may_mount:
        argv = [*_OWN_MOUNTS, *argv]
    log.line("$ " + shlex.join(argv))
    output = _Output(log, report)
    with _place(work) as place:
        with _started(argv, place) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            output.read_until_archive(process.stderr, process.stdout)
            with output.draining(process.stderr):
                if _has_bytes(process.stdout):
                    take(process.stdout)
                    while process.stdout.read(_CHUNK):
                        pass
            process.wait()
        log.outcome(process.returncode, "")
        if process.returncode != 0:
            raise output.failure(place)


@contextlib.contextmanager
def _place(work: Path) -> Iterator[Path]:
    """Give a directory to install in, and remove it in the end, with what killed builds left.

    In its namespace an ordinary user's installation is somebody else, whom the user's own
    directories may shut out.
    """
    if os.geteuid() == 0:
        place = work / "install"
        place.mkdir()
        yield place
        return
    prefix = f"{_USER_PLACE}{os.getuid()}-"
    for left in _USER_PLACES.glob(f"{prefix}*"):
        if left.lstat().st_uid == os.getuid():
            _remove_as_subordinate(left)
    place = Path(tempfile.mkdtemp(prefix=prefix, dir=_USER_PLACES))
    try:
        place.chmod(0o1777)
        yield place
    finally:
        _remove_as_subordinate(place)


@contextlib.contextmanager
def _started(argv: list[str], place: Path) -> Iterator[subprocess.Popen[bytes]]:
    # A session of its own: Ctrl-C reaches us alone, and we end it in order.
    process = subprocess.Popen(
        argv,
        env={
            **os.environ,
            "LC_ALL": "C",
            "TMPDIR": str(place),
            "DEBIAN_FRONTEND": "noninteractive",
        },
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process, _ended_with_us(process.pid):
        try:
            yield process
        except BaseException:
            _end(process)
            raise


@contextlib.contextmanager
def _ended_with_us(group: int) -> Iterator[None]:
    """See to it that the process group ends also when we are killed.

    A helper holds the other end of a pipe of ours: when that breaks, it acts.
    """
    argv = [sys.executable, "-IS", "-c", _WATCH, str(group), str(_PATIENCE_S)]
    watch = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    with watch:
        try:
            yield
        finally:
            watch.kill()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End mmdebstrap and what it started: it waits for its children, and clears away then."""
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _remove_as_subordinate(place: Path) -> None:
    """Remove a user's *place*, also what in it belongs to the user's subordinate ids."""
    contents = list(place.iterdir())
    if contents:
        argv = [program("mmdebstrap"), "--unshare-helper", "rm", "-rf", "--", *map(str, contents)]
        subprocess.run(argv, capture_output=True)
    remove_rubbish(place)


def _has_bytes(stream: IO[bytes]) -> bool:
    """Whether there is anything before the end of *stream*; it waits until that is known."""
    assert isinstance(stream, io.BufferedReader)
    return stream.peek(1) != b""


def _may_mount() -> bool:
    status = Path("/proc/self/status").read_text()
    match = re.search(r"^CapEff:\s*([0-9a-f]+)", status, re.MULTILINE)
    return match is not None and bool(int(match[1], 16) >> _CAP_SYS_ADMIN & 1)


class _Output:
    """What mmdebstrap says, line by line."""

    def __init__(self, log: BuildLog, report: Callable[[int], None]) -> None:
        self._log = log
        self._report = report
        self._steps = 0
        self._rest = b""
        self._last: list[str] = []

    def read_until_archive(self, errors: IO[bytes], archive: IO[bytes]) -> None:
        """Read what it says up to the first byte of its archive, or its end."""
        with selectors.DefaultSelector() as selector:
            selector.register(errors, selectors.EVENT_READ)
            selector.register(archive, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if errors in ready:
                    data = os.read(errors.fileno(), _CHUNK)
                    self._feed(data)
                    if not data:
                        return
                elif archive in ready:
                    return

    @contextlib.contextmanager
    def draining(self, errors: IO[bytes]) -> Iterator[None]:
        """Keep reading meanwhile, so that it is never held up by words that nobody takes."""

        def drain() -> None:
            with contextlib.suppress(OSError, ValueError):
                while data := os.read(errors.fileno(), _CHUNK):
                    self._feed(data, quiet=True)

        thread = threading.Thread(target=drain, name="mmdebstrap output", daemon=True)
        thread.start()
        yield
        thread.join()

    def _feed(self, data: bytes, *, quiet: bool = False) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[-_CHUNK:]
        for raw in lines:
            line = raw.decode(errors="replace").rpartition("\r")[2].rstrip()
            if not line:
                continue
            self._log.line(line)
            self._last = [*self._last[-30:], line]
            if _STEP.match(line) and not quiet:
                self._steps += 1
                self._report(self._steps)

    def failure(self, place: Path) -> GuestError:
        """Name what went wrong."""
        text = "\n".join(self._last)
        if "No space left on device" in text:
            status = os.statvfs(place)
            free = status.f_bavail * status.f_frsize
            return NoSpace(place, needed=free + 1, free=free)
        marked = [line for line in self._last if line.startswith(("E: ", "dpkg: error"))]
        reason = "; ".join(marked or self._last[-3:])[-_TOLD:]
        if "Failed to fetch" in text or "Temporary failure resolving" in text:
            return MirrorUnreachable(
                f"Debian's packages could not be fetched: {reason} – check the network"
            )
        return BuildFailed(f"Debian could not be installed: {reason}")
