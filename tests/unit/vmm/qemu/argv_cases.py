"""Machines and QEMUs whose command lines are kept in ``tests/goldens/qemu``.

``python -m unit.vmm.qemu.argv_cases`` (with ``src`` and ``tests`` on PYTHONPATH) writes them anew.
"""

from pathlib import Path

from webvdi.vmm.machine import (
    Accelerator,
    Cdrom,
    DirectKernel,
    Disk,
    DiskFormat,
    MachineSpec,
    Network,
    Profile,
)
from webvdi.vmm.qemu.argv import HostChoices, argv
from webvdi.vmm.qemu.paths import MachinePaths
from webvdi.vmm.qemu.probe import QemuFeatures

GOLDENS = Path(__file__).parents[3] / "goldens" / "qemu"
PATHS = MachinePaths(Path("/state/machines/m1"), Path("/run/m1"))

_ALL = frozenset({"virtio-vga", "vmgenid"})
_DISPLAYS = frozenset({"none", "dbus"})

QEMUS = {
    # Ubuntu 22.04's build has no D-Bus display: it came with 7.0.
    "6.2": QemuFeatures((6, 2, 0), "pc-q35-6.2", frozenset({"none"}), _ALL),
    "7.2": QemuFeatures((7, 2, 22), "pc-q35-7.2", _DISPLAYS, _ALL),
    "8.2": QemuFeatures((8, 2, 2), "pc-q35-8.2", _DISPLAYS, _ALL),
    "9.2": QemuFeatures((9, 2, 0), "pc-q35-9.2", _DISPLAYS, _ALL),
    "10.0": QemuFeatures((10, 0, 0), "pc-q35-10.0", _DISPLAYS, _ALL),
    # A build without modules: neither D-Bus nor virtio-vga nor vmgenid.
    "bare": QemuFeatures((8, 2, 2), "pc-q35-8.2", frozenset({"none"}), frozenset()),
}

SPECS = {
    "linux": MachineSpec(
        "desk",
        cpus=2,
        memory_mib=768,
        kernel=DirectKernel(Path("/g/vmlinux"), Path("/g/initrd"), "root=/dev/vda1 quiet"),
        disks=(
            Disk(Path("/g/root.qcow2")),
            Disk(Path("/g/tools.raw"), DiskFormat.RAW, readonly=True),
        ),
        network=Network.INTERNET,
    ),
    "generic": MachineSpec(
        "unknown",
        memory_mib=2048,
        disks=(
            Disk(Path("/g/disk, one.qcow2"), boot_order=1),
            Disk(Path("/g/data.raw"), DiskFormat.RAW),
        ),
        cdroms=(Cdrom(Path("/g/installer.iso"), boot_order=0),),
        profile=Profile.GENERIC,
    ),
}

CASES = {
    **{f"{qemu}-linux": (SPECS["linux"], qemu, Accelerator.TCG) for qemu in QEMUS},
    "7.2-generic": (SPECS["generic"], "7.2", Accelerator.TCG),
    "7.2-linux-kvm": (SPECS["linux"], "7.2", Accelerator.KVM),
}


def command_line(case: str) -> list[str]:
    """What *case* comes to."""
    spec, qemu, accelerator = CASES[case]
    choices = HostChoices(QEMUS[qemu], accelerator, Path("/dev/shm/webvdi-1000/m1.ram"))
    return argv(spec, PATHS, choices)


def as_text(words: list[str]) -> str:
    """One option a line."""
    text = words[0]
    for word in words[1:]:
        text += f"\n{word}" if word.startswith("-") else f" {word}"
    return text + "\n"


if __name__ == "__main__":
    for case in CASES:
        (GOLDENS / f"{case}.txt").write_text(as_text(command_line(case)), encoding="utf-8")
