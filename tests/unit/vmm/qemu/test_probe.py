"""Reading what a QEMU says of itself."""

import os
from pathlib import Path

import pytest

from webvdi.vmm.errors import LaunchFailed
from webvdi.vmm.qemu import probe

MACHINES = """Supported machines are:
microvm              microvm (i386)
pc                   Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-10.0)
q35                  Standard PC (Q35 + ICH9, 2009) (alias of pc-q35-10.0)
pc-q35-9.2           Standard PC (Q35 + ICH9, 2009)
pc-q35-10.0          Standard PC (Q35 + ICH9, 2009)
pc-q35-4.0.1         Standard PC (Q35 + ICH9, 2009)
"""
DISPLAYS = """Available display backend types:
none
gtk
egl-headless
dbus

Some display backends support suboptions, which can be set with
"""
DEVICES = """Controller/Bridge/Hub devices:
name "i82801b11-bridge", bus PCI
Display devices:
name "virtio-vga", bus PCI
name "vmgenid", desc "VM Generation ID"
"""


def test_version() -> None:
    parse = probe.parse_version
    assert parse("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)\n") == (7, 2, 22)
    assert parse("QEMU emulator version 10.0\n") == (10, 0, 0)
    with pytest.raises(LaunchFailed, match="no QEMU"):
        parse("busybox")


def test_the_newest_machine_is_newest_by_number() -> None:
    assert probe.newest_q35(MACHINES) == "pc-q35-10.0"
    with pytest.raises(LaunchFailed, match="q35"):
        probe.newest_q35("virt-7.2  ARM Virtual Machine\n")


def test_displays_and_devices() -> None:
    assert probe.parse_displays(DISPLAYS) == {"none", "gtk", "egl-headless", "dbus"}
    assert probe.parse_devices(DEVICES) == {"i82801b11-bridge", "virtio-vga", "vmgenid"}


def fake_qemu(directory: Path, version: str = "8.2.2") -> Path:
    """A program that answers like QEMU, and counts the questions in ``asked``."""
    program = directory / "qemu"
    for name, text in (("m", MACHINES), ("d", DISPLAYS), ("v", DEVICES)):
        (directory / name).write_text(text)
    program.write_text(
        f"""#!/bin/sh
echo x >>{directory}/asked
case "$1" in
--version) echo "QEMU emulator version {version}";;
-M) cat {directory}/m;;
-display) cat {directory}/d;;
-device) cat {directory}/v;;
esac
"""
    )
    program.chmod(0o755)
    return program


def asked(directory: Path) -> int:
    return len((directory / "asked").read_text().splitlines())


async def test_answers_are_kept_until_the_binary_changes(tmp_path: Path) -> None:
    binary, cache = fake_qemu(tmp_path), tmp_path / "cache.json"
    first = await probe.probe(binary, cache)
    assert first.version == (8, 2, 2)
    assert first.devices == {"virtio-vga", "vmgenid"}
    assert await probe.probe(binary, cache) == first
    assert asked(tmp_path) == 4
    os.utime(binary, (1, 1))
    assert await probe.probe(binary, cache) == first
    assert asked(tmp_path) == 8


async def test_an_old_qemu_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchFailed, match=r"QEMU 5\.2\.0; webvdi needs 6\.2\.0"):
        await probe.probe(fake_qemu(tmp_path, "5.2.0"), tmp_path / "cache.json")


async def test_a_broken_qemu_is_quoted(tmp_path: Path) -> None:
    binary = tmp_path / "qemu"
    binary.write_text("#!/bin/sh\necho libfoo.so is missing >&2; exit 127\n")
    binary.chmod(0o755)
    with pytest.raises(LaunchFailed, match="libfoo") as caught:
        await probe.probe(binary, tmp_path / "cache.json")
    assert caught.value.exit_code == 127


async def test_a_silent_qemu_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    binary = tmp_path / "qemu"
    binary.write_text("#!/bin/sh\nexec sleep 600\n")
    binary.chmod(0o755)
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_S", 0.1)
    with pytest.raises(LaunchFailed, match="did not answer"):
        await probe.probe(binary, tmp_path / "cache.json")


def test_no_qemu_names_the_packages() -> None:
    with pytest.raises(LaunchFailed, match="apt install qemu-system-x86"):
        probe.find_qemu("qemu-system-nowhere")
