"""What an administrator asks of a host: can it run machines, how well, and what would help.

Everything is tried for real where that is possible; nothing is written to the state directory.
"""

import os
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from webvdi.vmm.errors import LaunchFailed
from webvdi.vmm.qemu import acceleration, network, probe, programs, resources
from webvdi.vmm.qemu.paths import SHM

LITTLE_MEMORY_MIB = 2048
"""Less is tight for a desktop of today beside this host's own programs."""
LITTLE_SHM_MIB = 1024
LITTLE_DISK_MIB = 5 << 10
"""Room for one small system that grows."""
LEAST_MEMORY_MIB = resources.QEMU_MIB + resources.SPARE_MIB + 128
"""With less than this not even the smallest of our guests starts."""
CGROUPS = Path("/sys/fs/cgroup")
FIRMWARE = (
    Path("/usr/share/OVMF/OVMF_CODE_4M.fd"),
    Path("/usr/share/OVMF/OVMF_CODE.fd"),
    Path("/usr/share/edk2/ovmf/OVMF_CODE.fd"),
    Path("/usr/share/edk2-ovmf/x64/OVMF_CODE.fd"),
)
"""Where distributions put UEFI."""


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Good to know."""
    WARNING = "warning"
    """Machines start, but something is missing or slow."""
    FAILURE = "failure"
    """No machine starts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """Stable, for programs: ``qemu``, ``screen``, ``qemu_img``, ``kvm``, ``memory``, ``shm``,
    ``disk``, ``network``, ``firmware``, ``cgroups``."""
    ok: bool
    """Whether nothing needs to be done."""
    level: Level
    text: str
    """What is so."""
    remedy: str = ""
    """What to do about it; empty where nothing is to be done."""


def finding(name: str, level: Level, text: str, remedy: str = "") -> Finding:
    """A finding whose *ok* fits its *level*."""
    return Finding(name, level in (Level.OK, Level.NOTE), level, text, remedy)


async def examine_host(
    state_dir: Path, *, binary: str = "qemu-system-x86_64"
) -> tuple[Finding, ...]:
    """Look at this host; up to 10 s, for a test machine and a test network are tried.

    *state_dir* need not exist.  Never raises for what it finds.
    """
    with tempfile.TemporaryDirectory(prefix="webvdi-doctor-") as scratch:
        found, program = await _qemu(binary, Path(scratch) / "qemu.json")
        kvm = await _kvm(program, Path(scratch) / "kvm.json")
    place = _existing(state_dir)
    facts = resources.memory_facts(resources.shm_directory(), place)
    return (
        *found,
        await _qemu_img(),
        kvm,
        memory(facts.available, facts.cgroup),
        shm(facts.shm_free, present=SHM.is_dir()),
        disk(place, facts.disk_free, writable=os.access(place, os.W_OK | os.X_OK)),
        await _network(),
        firmware(),
        cgroups(CGROUPS),
    )


# What is tried -----------------------------------------------------------------------------------


async def _qemu(binary: str, cache: Path) -> tuple[list[Finding], Path | None]:
    """About the program, and where it is if it can be used."""
    try:
        program = probe.find_qemu(binary)
        features = await probe.probe(program, cache)
        usage = await probe.ask(program, "--help")
    except LaunchFailed as error:
        remedy = (
            "install QEMU 6.2 or newer for x86-64; on Debian and Ubuntu: "
            "apt install qemu-system-x86 qemu-utils"
        )
        return [finding("qemu", Level.FAILURE, str(error), remedy)], None
    version = ".".join(map(str, features.version))
    text = f"QEMU {version} ({program}), machine type {features.machine_type}"
    if "\n-vnc " not in usage:
        remedy = "install a QEMU with VNC, such as your distribution's qemu-system-x86"
        lack = f"{text}, was built without VNC, by which machines show their screens"
        return [finding("qemu", Level.FAILURE, lack, remedy)], None
    return [finding("qemu", Level.OK, text), screen(features)], program


def screen(features: probe.QemuFeatures) -> Finding:
    """About QEMU's modules for screens."""
    lacks = []
    if "virtio-vga" not in features.devices:
        lacks.append("virtio-vga (browsers cannot choose the size of a machine's screen)")
    if "dbus" not in features.displays:
        lacks.append("the D-Bus display (pictures may come late when a screen was idle)")
    if not lacks:
        return finding("screen", Level.OK, "QEMU has virtio-vga and the D-Bus display")
    return finding(
        "screen",
        Level.WARNING,
        f"QEMU lacks {' and '.join(lacks)}",
        "install QEMU's display modules; on Debian and Ubuntu: apt install qemu-system-gui "
        "qemu-system-common",
    )


async def _qemu_img() -> Finding:
    program = shutil.which("qemu-img")
    remedy = "on Debian and Ubuntu: apt install qemu-utils"
    if program is None:
        text = "qemu-img is not installed; disks in the format qcow2 can be neither made nor used"
        return finding("qemu_img", Level.WARNING, text, remedy)
    try:
        done = await programs.run(program, "--version", timeout_s=probe.PROBE_TIMEOUT_S)
        major, minor, micro = probe.parse_version(done.out)
    except (TimeoutError, OSError, LaunchFailed) as error:
        return finding("qemu_img", Level.WARNING, f"qemu-img does not work: {error}", remedy)
    return finding("qemu_img", Level.OK, f"qemu-img {major}.{minor}.{micro} ({program})")


async def _kvm(program: Path | None, cache: Path) -> Finding:
    if program is None:
        facts = acceleration.facts_without_test()
        if facts.openable and facts.cpu_ready:
            text = "KVM is there; whether it works cannot be tried without QEMU"
            return finding("kvm", Level.NOTE, text)
    else:
        facts = await acceleration.kvm_facts(program, cache)
    return kvm(facts)


def kvm(facts: acceleration.KvmFacts) -> Finding:
    """About KVM; machines run without it, too."""
    why_not = acceleration.obstacle(facts)
    if why_not is None:
        return finding("kvm", Level.OK, "KVM works: a test machine ran on it")
    if not facts.present:
        remedy = "switch virtualisation on in the firmware, or allow nested virtualisation"
    elif not facts.openable:
        remedy = "add this user to the group of /dev/kvm (usermod -aG kvm USER) and log in again"
    else:
        remedy = "allow nested virtualisation where this host is a virtual machine itself"
    return finding("kvm", Level.WARNING, why_not.reason, remedy)


async def _network() -> Finding:
    why_not = await network.fence_obstacle()
    if why_not is None:
        text = "a fenced network works: guests reach the internet, but not this host"
        return finding("network", Level.OK, text)
    return finding(
        "network",
        Level.WARNING,
        f"{why_not}; machines get no network then",
        "install slirp4netns and iproute2, and allow user namespaces and /dev/net/tun",
    )


# What is measured --------------------------------------------------------------------------------


def memory(available_mib: int, cgroup_mib: int | None) -> Finding:
    """About the memory for machines."""
    left = available_mib if cgroup_mib is None else min(available_mib, cgroup_mib)
    limit = " within this control group's limit" if left < available_mib else ""
    text = f"{left} MiB of memory are available{limit}"
    remedy = "stop other programs or machines" + (", or raise the limit" if limit else "")
    if left < LEAST_MEMORY_MIB:
        return finding("memory", Level.FAILURE, f"only {text}, too little to start any", remedy)
    if left < LITTLE_MEMORY_MIB:
        return finding("memory", Level.WARNING, f"only {text}, little for a desktop", remedy)
    return finding("memory", Level.OK, text)


def shm(free_mib: int, *, present: bool) -> Finding:
    """About the place of machines' memory."""
    if present and free_mib >= LITTLE_SHM_MIB:
        return finding("shm", Level.OK, f"{SHM} has {free_mib} MiB for machines' memory")
    state = f"has only {free_mib} MiB" if present else "is missing"
    return finding(
        "shm",
        Level.WARNING,
        f"{SHM} {state}; the memory of larger machines goes to a file on disk, and is slower",
        f"make it larger (mount -o remount,size=75% {SHM}; in a container: --shm-size)",
    )


def disk(place: Path, free_mib: int, *, writable: bool) -> Finding:
    """About the place of records, disks and saved machines."""
    if not writable:
        text = f"{place} cannot be written by this user, so nothing can be kept there"
        return finding("disk", Level.FAILURE, text, "change its owner, or choose another --state")
    text = f"{free_mib} MiB are free at {place}"
    remedy = "make room there, or choose another --state"
    if free_mib < resources.MIN_DISK_FREE_MIB:
        return finding("disk", Level.FAILURE, f"only {text}: no machine starts", remedy)
    if free_mib < LITTLE_DISK_MIB:
        return finding("disk", Level.WARNING, f"only {text}, little for a system's disk", remedy)
    return finding("disk", Level.OK, text)


def firmware(candidates: tuple[Path, ...] = FIRMWARE) -> Finding:
    """About UEFI, which no machine of ours needs so far."""
    there = next((path for path in candidates if path.exists()), None)
    if there is None:
        text = "machines boot by BIOS (SeaBIOS); UEFI firmware (OVMF) is not installed"
    else:
        text = f"machines boot by BIOS (SeaBIOS); UEFI firmware is at {there}, not used so far"
    return finding("firmware", Level.NOTE, text)


def cgroups(root: Path) -> Finding:
    """About the kernel's means to share processors and memory out."""
    try:
        there = set((root / "cgroup.controllers").read_text(encoding="ascii").split())
    except OSError:
        text = "control groups of version 2 are not mounted; machines share processors as they come"
        return finding("cgroups", Level.NOTE, text)
    missing = sorted({"cpu", "memory"} - there)
    if missing:
        text = f"control groups cannot limit {' and '.join(missing)} here"
    else:
        text = "control groups can limit processors and memory"
    return finding("cgroups", Level.NOTE, text)


def _existing(path: Path) -> Path:
    """*path*, or the nearest directory above it that is there."""
    path = path.absolute()
    while not path.is_dir() and path != path.parent:
        path = path.parent
    return path
