"""What the doctor says of a host."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from webvdi.vmm.qemu import acceleration, doctor, probe
from webvdi.vmm.qemu.doctor import Level, examine_host

FEATURES = probe.QemuFeatures(
    (8, 2, 0), "pc-q35-8.2", frozenset({"dbus"}), frozenset({"virtio-vga"})
)
NAMES = [
    "qemu",
    "screen",
    "qemu_img",
    "kvm",
    "memory",
    "shm",
    "disk",
    "network",
    "firmware",
    "cgroups",
]


@pytest.mark.qemu
async def test_this_host(tmp_path: Path) -> None:
    findings = await examine_host(tmp_path / "not" / "yet")
    assert [found.name for found in findings] == NAMES
    assert not (tmp_path / "not").exists()
    for found in findings:
        assert found.ok is (found.level in (Level.OK, Level.NOTE))
        assert bool(found.remedy) is not found.ok
        assert json.loads(json.dumps(asdict(found)))["level"] == found.level
    assert findings[0].level is Level.OK
    assert "pc-q35" in findings[0].text


@pytest.mark.qemu
async def test_without_qemu_nothing_starts(tmp_path: Path) -> None:
    found = {found.name: found for found in await examine_host(tmp_path, binary="qemu-nowhere")}
    assert found["qemu"].level is Level.FAILURE
    assert "apt install qemu-system-x86" in found["qemu"].remedy
    assert found["kvm"].level in (Level.NOTE, Level.WARNING)


async def test_a_program_that_is_no_qemu(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    first = (await examine_host(tmp_path, binary=str(program)))[0]
    assert first.level is Level.FAILURE
    assert "this is no QEMU" in first.text


async def test_a_qemu_without_vnc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def features(*_: object) -> probe.QemuFeatures:
        return FEATURES

    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\necho usage\n")
    program.chmod(0o755)
    monkeypatch.setattr(probe, "probe", features)
    first = (await examine_host(tmp_path, binary=str(program)))[0]
    assert (first.level, "without VNC" in first.text) == (Level.FAILURE, True)


def test_modules_for_screens() -> None:
    assert doctor.screen(FEATURES).ok
    poor = replace(FEATURES, displays=frozenset(), devices=frozenset())
    found = doctor.screen(poor)
    assert found.level is Level.WARNING
    assert "virtio-vga" in found.text
    assert "D-Bus" in found.text


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (acceleration.KvmFacts(False, False, True, False), "firmware"),
        (acceleration.KvmFacts(True, False, True, False), "usermod"),
        (acceleration.KvmFacts(True, True, False, False), "nested"),
        (acceleration.KvmFacts(True, True, True, False), "nested"),
    ],
)
def test_without_kvm_machines_are_slow(facts: acceleration.KvmFacts, words: str) -> None:
    found = doctor.kvm(facts)
    assert found.level is Level.WARNING
    assert words in found.remedy
    assert "10 to 30 times slower" in found.text


def test_with_kvm_all_is_well() -> None:
    assert doctor.kvm(acceleration.KvmFacts(True, True, True, True)).ok


@pytest.mark.parametrize(
    ("available", "cgroup", "level"),
    [
        (100, None, Level.FAILURE),
        (9000, 100, Level.FAILURE),
        (1500, None, Level.WARNING),
        (9000, 9500, Level.OK),
    ],
)
def test_memory(available: int, cgroup: int | None, level: Level) -> None:
    found = doctor.memory(available, cgroup)
    assert found.level is level
    assert ("control group" in found.text) is (cgroup == 100)


def test_places() -> None:
    assert doctor.shm(4096, present=True).ok
    assert "--shm-size" in doctor.shm(64, present=True).remedy
    assert "is missing" in doctor.shm(0, present=False).text
    here = Path("/state")
    assert doctor.disk(here, 1 << 20, writable=True).ok
    assert doctor.disk(here, 1000, writable=True).level is Level.WARNING
    assert doctor.disk(here, 10, writable=True).level is Level.FAILURE
    assert doctor.disk(here, 1 << 20, writable=False).level is Level.FAILURE


def test_notes(tmp_path: Path) -> None:
    assert "not installed" in doctor.firmware(()).text
    assert str(tmp_path) in doctor.firmware((tmp_path,)).text
    assert "not mounted" in doctor.cgroups(tmp_path).text
    (tmp_path / "cgroup.controllers").write_text("cpu io pids\n")
    assert "cannot limit memory" in doctor.cgroups(tmp_path).text
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    assert "can limit" in doctor.cgroups(tmp_path).text
