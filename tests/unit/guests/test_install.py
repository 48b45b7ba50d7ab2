import contextlib
import io
import os
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from webvdi.guests import install as install_module
from webvdi.guests.apt import Mirror
from webvdi.guests.build_log import BuildLog
from webvdi.guests.errors import BuildFailed, GuestError, MirrorUnreachable, NoSpace
from webvdi.guests.install import Installation, command, install

WHAT = Installation(
    suite="bookworm",
    mirror=Mirror(),
    packages=("jwm", "xterm"),
    without=("usr/share/doc/*", "!usr/share/doc/*/copyright"),
    archives=Path("/work dir/archives"),
    overlay=Path("/work dir/overlay.tar"),
    setup="usr/lib/webvdi/setup",
    apt_settings=('Acquire::http::Proxy "http://proxy:3128/";',),
)


def test_command() -> None:
    argv = command(WHAT, root=True, may_mount=True)
    assert {"--mode=root", "--variant=apt", "--format=tar", "--include=jwm,xterm"} < set(argv)
    assert "--dpkgopt=path-exclude=/usr/share/doc/*" in argv
    assert "--dpkgopt=path-include=/usr/share/doc/*/copyright" in argv
    assert '--aptopt=Acquire::http::Proxy "http://proxy:3128/"' in argv
    assert "--setup-hook=sync-in '/work dir/archives' /var/cache/apt/archives/" in argv
    assert "--customize-hook=tar-in '/work dir/overlay.tar' /" in argv
    assert argv.index('--customize-hook=chroot "$1" /usr/lib/webvdi/setup') > argv.index(
        "--customize-hook=tar-in '/work dir/overlay.tar' /"
    )
    suite = argv.index("bookworm")
    assert argv[suite + 1] == "-"
    assert all("signed-by=" in line for line in argv[suite + 2 :])
    assert len(argv[suite + 2 :]) == 3
    assert "--skip=check/canmount,chroot/mount" not in argv


def test_command_for_users_and_containers() -> None:
    assert "--mode=unshare" in command(WHAT, root=False, may_mount=True)
    assert "--skip=check/canmount,chroot/mount" in command(WHAT, root=True, may_mount=False)


class Fake:
    """A script in mmdebstrap's place, and what comes of running it."""

    def __init__(self, place: Path, patch: pytest.MonkeyPatch) -> None:
        self.work = place / "work"
        self.work.mkdir()
        self.ended = place / "ended"
        self._script = place / "mmdebstrap"
        self._tar = place / "installed.tar"
        self.steps: list[int] = []
        self.names: list[str] = []
        patch.setattr(install_module, "program", lambda _: str(self._script))
        with tarfile.open(self._tar, "w") as archive:
            info = tarfile.TarInfo("file")
            info.size = 3
            archive.addfile(info, io.BytesIO(b"abc"))

    def says(self, script: str) -> None:
        tar = shlex.quote(str(self._tar))
        script = script.replace("ARCHIVE", f"cat {tar}").replace("ENDED", str(self.ended))
        self._script.write_text(f"#!/bin/sh\n{script}\n")
        self._script.chmod(0o755)

    def take(self, stream: IO[bytes]) -> None:
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            self.names += archive.getnames()

    def install(self, log: BuildLog, report: Callable[[int], None] | None = None) -> None:
        install(WHAT, self.work, log, report or self.steps.append, self.take)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    return Fake(tmp_path, monkeypatch)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[BuildLog]:
    with contextlib.closing(BuildLog(tmp_path / "log")) as opened:
        yield opened


def test_steps_are_counted_and_the_archive_taken(fake: Fake, log: BuildLog) -> None:
    fake.says(
        'echo "I: installing" >&2; echo "Unpacking jwm (1) ..." >&2\n'
        'echo "Setting up jwm (1) ..." >&2; echo "Setting up things" >&2\n'
        "sleep 0; exec 3>&2; ARCHIVE; echo 'I: done' >&3"
    )
    fake.install(log)
    assert fake.names == ["file"]
    # What it says once the archive has come is not reported any more.
    assert fake.steps in ([1, 2, 3], [1, 2], [1], [])
    assert "Setting up jwm" in log.path.read_text()
    assert "I: done" in log.path.read_text()


def test_words_after_the_archive_block_nothing(fake: Fake, log: BuildLog) -> None:
    fake.says("ARCHIVE; i=0; while [ $i -lt 20000 ]; do echo 'words words' >&2; i=$((i+1)); done")
    fake.install(log)
    assert log.path.read_text().count("words words") == 20000


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        ("E: setup failed: 1", BuildFailed, "could not be installed: E: setup failed: 1"),
        ("write: No space left on device", NoSpace, "not enough disk space"),
        ("E: Failed to fetch http://x", MirrorUnreachable, "could not be fetched: E: Failed"),
    ],
)
def test_failures_are_named(
    fake: Fake, log: BuildLog, words: str, kind: type[GuestError], message: str
) -> None:
    fake.says(f"echo 'I: starting' >&2; echo '{words}' >&2; exit 25")
    with pytest.raises(kind, match=message):
        fake.install(log)


def test_failure_after_the_archive(fake: Fake, log: BuildLog) -> None:
    fake.says("ARCHIVE; echo 'E: too late' >&2; exit 1")
    with pytest.raises(BuildFailed, match="too late"):
        fake.install(log)


def test_what_interrupts_ends_the_installation(fake: Fake, log: BuildLog) -> None:
    fake.says("trap 'echo yes >ENDED; exit 1' TERM\necho 'Unpacking jwm (1)' >&2; sleep 600 & wait")

    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fake.install(log, stop)
    assert fake.ended.read_text() == "yes\n"


KILLED = """
import os, signal, sys
from pathlib import Path
from webvdi.guests import install
from webvdi.guests.build_log import BuildLog
from unit.guests.test_install import WHAT

install.program = lambda _: sys.argv[1]
place = Path(sys.argv[2])
log = BuildLog(place / "log")
install.install(WHAT, place, log, lambda _: os.kill(os.getpid(), signal.SIGKILL), print)
"""


@pytest.mark.timeout(60)
def test_killed_with_us(fake: Fake, tmp_path: Path) -> None:
    fake.says("trap 'echo yes >ENDED; exit 1' TERM\necho 'Unpacking jwm (1)' >&2; sleep 600 & wait")
    argv = [sys.executable, "-c", KILLED, str(tmp_path / "mmdebstrap"), str(fake.work)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run(argv, env=environment).returncode == -9
    while not (fake.ended.exists() and fake.ended.read_text()):
        os.sched_yield()  # the test's own limit ends this
    assert fake.ended.read_text() == "yes\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's installation mounts in the host's tree")
def test_root_mounts_where_nobody_else_sees_it(fake: Fake, log: BuildLog) -> None:
    fake.says("readlink /proc/self/ns/mnt >ENDED; ARCHIVE")
    fake.install(log)
    assert fake.ended.read_text().strip() != str(Path("/proc/self/ns/mnt").readlink())


def test_root_of_a_container_may_not_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"0000000000000000": False, "00000000a80425fb": False, "000001ffffffffff": True}
    for value, may in texts.items():
        status = f"Name:\tx\nCapEff:\t{value}\n"
        monkeypatch.setattr(Path, "read_text", lambda _, text=status: text)
        assert install_module._may_mount() is may


def test_users_install_in_a_place_of_their_own(
    fake: Fake, log: BuildLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = tmp_path / "places"
    left = places / f"webvdi-build-{os.getuid()}-killed"
    left.mkdir(parents=True)
    monkeypatch.setattr(install_module, "_USER_PLACES", places)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    fake.says(f'ls {places} >ENDED; echo "$TMPDIR" >>ENDED; ARCHIVE')
    fake.install(log)
    seen, place = fake.ended.read_text().splitlines()
    assert place == str(places / seen)
    assert seen != left.name
    assert list(places.iterdir()) == []
