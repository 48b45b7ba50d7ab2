import getpass
import os
import subprocess
from pathlib import Path

import pytest

from webvdi.guests import requirements
from webvdi.guests.errors import HostNotReady
from webvdi.guests.recipe import load_recipe
from webvdi.guests.requirements import (
    HOST_PACKAGES,
    find_program,
    host_packages,
    missing_packages,
    program,
    require,
)


def without(*names: str) -> requirements.Finder:
    return lambda name: None if name in names else f"/usr/bin/{name}"


TINY, DESK = load_recipe("tiny"), load_recipe("desk")


def test_nothing_missing() -> None:
    assert missing_packages(without()) == ()
    require(TINY, find=without())


def test_each_recipe_needs_its_own() -> None:
    tiny = [package.provides for package in host_packages(TINY, root=False)]
    assert tiny == ["apt-get", "dpkg-deb", str(requirements.KEYRING), "mke2fs"]
    desk = {package.name for package in host_packages(DESK, root=True)}
    assert {"mmdebstrap", "qemu-utils", "e2fsprogs"} < desk
    assert "uidmap" not in desk
    assert "uidmap" in {package.name for package in host_packages(DESK, root=False)}
    assert host_packages(None, root=False) == list(HOST_PACKAGES)


def test_what_another_recipe_needs_is_not_missing() -> None:
    require(TINY, find=without("mmdebstrap", "qemu-img"))
    with pytest.raises(HostNotReady, match=r"apt-get install mmdebstrap qemu-utils$"):
        require(DESK, find=without("mmdebstrap", "qemu-img"))


class Namespaces:
    """A host as an ordinary user sees it."""

    def __init__(self, patch: pytest.MonkeyPatch, place: Path) -> None:
        self.ids = (place / "subuid", place / "subgid")
        self.code = 0
        for path in self.ids:
            path.write_text("somebody:100000:65536\nme:165536:65536\n")
        patch.setattr(requirements, "_SUBORDINATE", self.ids)
        patch.setattr(os, "geteuid", lambda: 1000)
        patch.setattr(getpass, "getuser", lambda: "me")
        patch.setattr(subprocess, "run", self._run)

    def _run(self, argv: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(argv, self.code)


def test_user_without_namespaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Namespaces(monkeypatch, tmp_path)
    require(DESK, find=without())
    host.code = 1
    with pytest.raises(HostNotReady, match=r"no user namespaces .* or build as root$"):
        require(DESK, find=without())
    require(TINY, find=without())


def test_user_who_may_gain_no_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Namespaces(monkeypatch, tmp_path)
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nNoNewPrivs:\t1\n")
    monkeypatch.setattr(requirements, "_STATUS", status)
    with pytest.raises(HostNotReady, match="NoNewPrivileges"):
        require(DESK, find=without())
    require(TINY, find=without())


@pytest.mark.parametrize("text", [None, "", "mean:1:1\n"])
def test_user_without_subordinate_ids(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    host = Namespaces(monkeypatch, tmp_path)
    if text is None:
        host.ids[1].unlink()
    else:
        host.ids[1].write_text(text)
    with pytest.raises(HostNotReady, match=r"subgid gives no ids to me, .*usermod .* me "):
        require(DESK, find=without())


def test_missing_packages_are_those_to_install() -> None:
    keyring = str(requirements.KEYRING)
    assert [p.name for p in missing_packages(without("mke2fs", keyring))] == [
        "debian-archive-keyring",
        "e2fsprogs",
    ]


def test_keyring_is_asked_for_by_package() -> None:
    with pytest.raises(HostNotReady, match=r"apt-get install debian-archive-keyring$") as caught:
        require(TINY, find=without(str(requirements.KEYRING)))
    assert caught.value.packages == ("debian-archive-keyring",)


def test_other_systems_are_told_so() -> None:
    with pytest.raises(HostNotReady, match="needs a Debian or Ubuntu host"):
        require(TINY, find=without("apt-get"))


def test_what_is_not_asked_for_may_be_missing() -> None:
    require(TINY, find=without("mke2fs"))


def test_programs_outside_an_ordinary_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("mke2fs") in ("/usr/sbin/mke2fs", "/sbin/mke2fs")


def test_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_program", without("mke2fs"))
    with pytest.raises(HostNotReady, match="mke2fs is missing"):
        program("mke2fs")


def test_every_package_says_what_for() -> None:
    assert all(package.purpose for package in HOST_PACKAGES)
