import pytest

from webvdi.guests import requirements
from webvdi.guests.errors import HostNotReady
from webvdi.guests.requirements import (
    HOST_PACKAGES,
    find_program,
    missing_packages,
    program,
    require,
)


def without(*names: str) -> requirements.Finder:
    return lambda name: None if name in names else f"/usr/bin/{name}"


def test_nothing_missing() -> None:
    assert missing_packages(without()) == ()
    require("apt", "e2fsprogs", find=without())


def test_missing_packages_are_those_to_install() -> None:
    keyring = str(requirements.KEYRING)
    assert [p.name for p in missing_packages(without("mke2fs", keyring))] == [
        "debian-archive-keyring",
        "e2fsprogs",
    ]


def test_keyring_is_asked_for_by_package() -> None:
    with pytest.raises(HostNotReady, match=r"apt-get install debian-archive-keyring$") as caught:
        require("debian-archive-keyring", "apt", find=without(str(requirements.KEYRING)))
    assert caught.value.packages == ("debian-archive-keyring",)


def test_other_systems_are_told_so() -> None:
    with pytest.raises(HostNotReady, match="needs a Debian or Ubuntu host"):
        require("apt", find=without("apt-get"))


def test_what_is_not_asked_for_may_be_missing() -> None:
    require("apt", find=without("mke2fs"))


def test_programs_outside_an_ordinary_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_program("mke2fs") in ("/usr/sbin/mke2fs", "/sbin/mke2fs")


def test_program_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "find_program", without("mke2fs"))
    with pytest.raises(HostNotReady, match="mke2fs is missing"):
        program("mke2fs")


def test_every_package_says_what_for() -> None:
    assert all(package.purpose for package in HOST_PACKAGES)
