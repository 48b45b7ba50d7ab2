"""What makes a machine, and what its ends are called."""

from pathlib import Path

import pytest

from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import (
    MAX_CPUS,
    MAX_SATA_DRIVES,
    MAX_VIRTIO_DISKS,
    Cdrom,
    DirectKernel,
    Disk,
    ExitReason,
    MachineExit,
    MachineSpec,
    Profile,
)

DISK = Disk(Path("/d.qcow2"))


@pytest.mark.parametrize("name", ["a", "0", "My.machine_2-b", "x" * 63])
def test_good_names(name: str) -> None:
    assert MachineSpec(name, disks=(DISK,)).name == name


@pytest.mark.parametrize("name", ["", "-a", "a b", "a,b", "a/b", "ä", "a\n", "x" * 64])
def test_bad_names(name: str) -> None:
    with pytest.raises(InvalidSpec, match="machine name"):
        MachineSpec(name, disks=(DISK,))


@pytest.mark.parametrize("cpus", [0, -1, MAX_CPUS + 1])
def test_bad_cpus(cpus: int) -> None:
    with pytest.raises(InvalidSpec, match="CPUs"):
        MachineSpec("m", cpus=cpus, disks=(DISK,))


@pytest.mark.parametrize("memory_mib", [0, 15, (4 << 20) + 1])
def test_bad_memory(memory_mib: int) -> None:
    with pytest.raises(InvalidSpec, match="memory"):
        MachineSpec("m", memory_mib=memory_mib, disks=(DISK,))


def test_nothing_to_boot() -> None:
    with pytest.raises(InvalidSpec, match="nothing to boot"):
        MachineSpec("m")


def test_too_many_drives() -> None:
    MachineSpec("m", disks=(DISK,) * MAX_VIRTIO_DISKS, cdroms=(Cdrom(Path("/c")),))
    with pytest.raises(InvalidSpec, match="virtio"):
        MachineSpec("m", disks=(DISK,) * (MAX_VIRTIO_DISKS + 1))
    with pytest.raises(InvalidSpec, match="SATA"):
        MachineSpec(
            "m",
            disks=(DISK,) * MAX_SATA_DRIVES,
            cdroms=(Cdrom(Path("/c")),),
            profile=Profile.GENERIC,
        )


def test_a_sata_disk_is_writable() -> None:
    disk = Disk(Path("/d"), readonly=True)
    MachineSpec("m", disks=(disk,))
    with pytest.raises(InvalidSpec, match="read-only"):
        MachineSpec("m", disks=(disk,), profile=Profile.GENERIC)


@pytest.mark.parametrize("orders", [(0, 0), (-1, 2)])
def test_boot_orders_are_different_and_not_negative(orders: tuple[int, int]) -> None:
    with pytest.raises(InvalidSpec, match="boot order"):
        MachineSpec(
            "m",
            disks=(Disk(Path("/d"), boot_order=orders[0]),),
            cdroms=(Cdrom(Path("/c"), boot_order=orders[1]),),
        )


def test_a_command_line_without_nul() -> None:
    with pytest.raises(InvalidSpec, match="NUL"):
        MachineSpec("m", kernel=DirectKernel(Path("/k"), cmdline="a\0b"))


@pytest.mark.parametrize("reason", list(ExitReason))
def test_every_end_has_a_sentence(reason: ExitReason) -> None:
    text = MachineExit(reason, signal=9).text
    assert text[0].isupper()
    assert text.endswith(".")


def test_the_words_of_the_engine_are_quoted() -> None:
    assert "It said: no room" in MachineExit(ExitReason.START_FAILED, words="no room").text


def test_signals_have_names_where_the_system_knows_them() -> None:
    assert "SIGKILL" in MachineExit(ExitReason.KILLED, signal=9).text
    assert "memory" in MachineExit(ExitReason.KILLED, signal=9).text
    assert "memory" not in MachineExit(ExitReason.KILLED, signal=15).text
    assert "signal 99" in MachineExit(ExitReason.KILLED, signal=99).text
    assert "ran full" in MachineExit(ExitReason.CRASHED, signal=7).text
    assert "exit code 3" in MachineExit(ExitReason.CRASHED, code=3).text
