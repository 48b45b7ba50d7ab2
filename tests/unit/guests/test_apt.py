import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.guests.synthetic import make_deb, package_of
from webvdi.guests import apt as apt_module
from webvdi.guests.apt import Mirror, PrivateApt, network_settings, private_config
from webvdi.guests.build_log import BuildLog
from webvdi.guests.errors import (
    BuildFailed,
    ChecksumMismatch,
    MirrorUnreachable,
    NoSpace,
    RecipeError,
)
from webvdi.guests.progress import Progress, ignore_progress


class Apt:
    """A private apt whose apt-get, apt-cache and apt-config are shell scripts of the test."""

    def __init__(self, place: Path) -> None:
        self.bin = place / "bin"
        self.bin.mkdir()
        self.script("apt-config", "")
        self.log = BuildLog(place / "log")
        self.root = place / "apt"

    def script(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def open(self) -> PrivateApt:
        return PrivateApt(
            self.root, Mirror("http://m/debian", "http://m/sec"), "bookworm", self.log
        )


@pytest.fixture
def apt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Apt]:
    made = Apt(tmp_path)
    monkeypatch.setattr(apt_module, "program", lambda name: str(made.bin / name))
    yield made
    made.log.close()


STATUS = "status=/proc/self/fd/${3#*=}; "


def test_sources_are_signed_and_of_one_architecture(apt: Apt) -> None:
    apt.open()
    options = "[arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    assert (apt.root / "sources.list").read_text().splitlines() == [
        f"deb {options} http://m/debian bookworm main",
        f"deb {options} http://m/debian bookworm-updates main",
        f"deb {options} http://m/sec bookworm-security main",
    ]


def test_only_the_hosts_way_to_the_network_is_taken_over(apt: Apt) -> None:
    apt.script(
        "apt-config",
        """cat <<'END'
Acquire::http::Proxy "http://proxy:3128";
Acquire::https::CaInfo "/etc/ca.pem";
Acquire::GzipIndexes "true";
APT::Update::Post-Invoke:: "rm -rf /";
END""",
    )
    apt.open()
    config = (apt.root / "apt.conf").read_text()
    assert 'Acquire::http::Proxy "http://proxy:3128";' in config
    assert 'Acquire::https::CaInfo "/etc/ca.pem";' in config
    assert "GzipIndexes" not in config
    assert "Post-Invoke" not in config


def test_settings_that_are_no_single_line_are_left() -> None:
    assert network_settings('Acquire::http::Proxy "x"; Evil "y";\nAcquire::http "";\n') == ""


def test_configuration_stays_in_its_directory(tmp_path: Path) -> None:
    lines = private_config(tmp_path).splitlines()
    outside = [line for line in lines if '"/' in line and str(tmp_path) not in line]
    assert all("/dev/null" in line or "/etc/apt/auth.conf" in line for line in outside)


def test_status_lines_become_progress(apt: Apt) -> None:
    apt.script("apt-get", STATUS + 'echo "dlstatus:1:25.5:x" >$status; echo "pmstatus:x" >$status')
    seen: list[Progress] = []
    apt.open().update(seen.append)
    assert [progress.done for progress in seen] == [0, 25, 100]
    assert {progress.total for progress in seen} == {100}


def test_private_configuration_is_in_force(apt: Apt) -> None:
    apt.script("apt-get", 'echo "$APT_CONFIG $LC_ALL $PWD" >seen')
    apt.open().update(ignore_progress)
    assert (apt.root / "seen").read_text() == f"{apt.root}/apt.conf C {apt.root}\n"


@pytest.mark.parametrize(
    ("output", "error", "message"),
    [
        ("Err:1 http://m bookworm InRelease", MirrorUnreachable, "check the network"),
        ("E: Failed to fetch http://m/x  404  Not Found", MirrorUnreachable, "404"),
        ("E: Write error - write (28: No space left on device)", NoSpace, "MiB free"),
        ("E: You don't have enough free space in /x/.", NoSpace, "MiB free"),
        ("E: The repository 'http://m' is not signed.", BuildFailed, "does not trust the mirror"),
        ("", MirrorUnreachable, "no reason given"),
    ],
)
def test_failures_have_names(apt: Apt, output: str, error: type[Exception], message: str) -> None:
    apt.script("apt-get", f'echo "{output}"; exit 100')
    with pytest.raises(error, match=message):
        apt.open().update(ignore_progress)
    assert "! exit status 100" in apt.log.path.read_text()


def test_interruption_ends_apt_get(apt: Apt) -> None:
    apt.script("apt-get", STATUS + 'echo $$ >pid; echo "dlstatus:1:5:x" >$status; exec sleep 1000')

    def interrupt(progress: Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apt.open().update(interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int((apt.root / "pid").read_text()), 0)


def test_candidates_in_the_order_asked_for(apt: Apt) -> None:
    record = "Version: 1\\nArchitecture: all\\nSize: 3\\nSHA256: 00"
    apt.script("apt-cache", f"printf 'Package: b\\n{record}\\n\\nPackage: a\\n{record}\\n\\n'")
    assert [package.name for package in apt.open().candidates(["a", "b"])] == ["a", "b"]
    with pytest.raises(RecipeError, match="no package c, d"):
        apt.open().candidates(["a", "c", "d"])


def test_what_is_there_and_right_is_not_fetched(apt: Apt) -> None:
    apt.script("apt-get", "exit 1")
    private = apt.open()
    path = make_deb(private.archives / "a_1_all.deb", {"bin/a": b""})
    assert private.fetch([package_of(path, "a")], ignore_progress) == [path]


def test_missing_packages_are_fetched_by_version(apt: Apt, tmp_path: Path) -> None:
    path = make_deb(tmp_path / "a.deb", {"bin/a": b""})
    apt.script("apt-get", f'[ "$4 $5" = "download a=1" ] && cp {path} a_1_all.deb')
    seen: list[Progress] = []
    package = package_of(path, "a")
    (found,) = apt.open().fetch([package], seen.append)
    assert found.read_bytes() == path.read_bytes()
    assert seen[-1] == Progress("Fetching 1 packages", package.size, package.size, "bytes")


def test_interrupted_download_is_fetched_again(apt: Apt, tmp_path: Path) -> None:
    whole = make_deb(tmp_path / "a.deb", {"bin/a": b""})
    apt.script("apt-get", f"cp {whole} a_1_all.deb")
    private = apt.open()
    (private.archives / "a_1_all.deb").write_bytes(whole.read_bytes()[:100])
    (path,) = private.fetch([package_of(whole, "a")], ignore_progress)
    assert path.read_bytes() == whole.read_bytes()


def test_wrong_package_in_the_cache_is_an_error(apt: Apt) -> None:
    private = apt.open()
    path = make_deb(private.archives / "a_1_all.deb", {"bin/a": b"good"})
    package = package_of(path, "a")
    path.write_bytes(path.read_bytes().replace(b"good", b"evil"))
    with pytest.raises(ChecksumMismatch, match=r"a_1_all\.deb"):
        private.fetch([package], ignore_progress)
    assert not path.exists()


def test_package_that_apt_left_out(apt: Apt, tmp_path: Path) -> None:
    apt.script("apt-get", "exit 0")
    package = package_of(make_deb(tmp_path / "a.deb", {}), "a")
    with pytest.raises(BuildFailed, match=r"did not leave a_1_all\.deb"):
        apt.open().fetch([package], ignore_progress)
