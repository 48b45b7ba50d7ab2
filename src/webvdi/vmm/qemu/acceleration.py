"""Whether KVM really works here, found out by trying.

``/dev/kvm`` alone proves nothing: it may be closed to us, or be there without the processor's
virtualisation (some clouds), and then guests crawl or die.  So, in this order: the device opens,
the processor says vmx or svm, and a test machine boots from a disk within a few seconds.
"""

import asyncio
import os
import platform
import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from webvdi.vmm.errors import Unavailable
from webvdi.vmm.machine import Acceleration, Accelerator
from webvdi.vmm.qemu.probe import identity
from webvdi.vmm.qemu.records import boot_id, read_record, write_record

TEST_TIMEOUT_S = 5.0
"""The test machine needs 0.2 s even without KVM."""
KVM_DEVICE = Path("/dev/kvm")
CPU_INFO = Path("/proc/cpuinfo")
COST = (
    "so the machine runs on QEMU's translator (TCG), about 10 to 30 times slower where it computes"
)

# mov al, 0x2a; out 0xf4, al; hlt; jmp to the hlt.  isa-debug-exit ends QEMU with 2 * value + 1.
_TEST_SECTOR = bytes.fromhex("b02a e6f4 f4 ebfd").ljust(510, b"\0") + b"\x55\xaa"
_TEST_EXIT_CODE = 0x2A * 2 + 1
_TEST_DISK_BYTES = 1 << 20
"""SeaBIOS does not boot from a virtio disk smaller than a cylinder."""


@dataclass(frozen=True, slots=True)
class KvmFacts:
    """What was found about KVM."""

    present: bool
    openable: bool
    cpu_ready: bool
    """The processor says vmx or svm (x86), or needs not say anything (others)."""
    test_passed: bool


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What keeps KVM from being used."""

    code: str
    """Stable; the pages have words for it in each language."""
    words: str
    """With what to do about it."""

    @property
    def reason(self) -> str:
        """Why machines run without KVM, and what that costs."""
        return f"KVM cannot be used: {self.words}; {COST}"


def obstacle(facts: KvmFacts) -> Obstacle | None:
    """What keeps KVM from being used; None if nothing does."""
    if not facts.present:
        return Obstacle(
            "no_device",
            "this host has no /dev/kvm (load the module kvm_intel or kvm_amd, switch on "
            "virtualisation in the firmware, or allow nested virtualisation)",
        )
    if not facts.openable:
        return Obstacle(
            "not_allowed",
            "this user may not open /dev/kvm (add yourself to its group: "
            "sudo usermod -aG kvm $USER, then log in again)",
        )
    if not facts.cpu_ready:
        return Obstacle(
            "no_virtualisation",
            "there is a /dev/kvm, but the processor offers neither vmx nor svm, without which "
            "ordinary systems do not run on it",
        )
    if not facts.test_passed:
        return Obstacle(
            "test_failed", f"a test machine did not run on KVM within {TEST_TIMEOUT_S:.0f} s"
        )
    return None


def choose(wanted: Accelerator, facts: KvmFacts) -> Acceleration:
    """What to run on.

    Raises :class:`~webvdi.vmm.errors.Unavailable` where KVM is demanded but does not work.
    """
    if wanted is Accelerator.TCG:
        return Acceleration(Accelerator.TCG, "TCG was asked for", "asked_for")
    why_not = obstacle(facts)
    if why_not is None:
        return Acceleration(Accelerator.KVM)
    if wanted is Accelerator.KVM:
        raise Unavailable(f"KVM was asked for, but {why_not.words}", reason="no_kvm")
    return Acceleration(Accelerator.TCG, why_not.reason, why_not.code)


def cpu_ready(cpuinfo: str, machine: str) -> bool:
    """Whether the processor described by *cpuinfo* virtualises."""
    if machine not in ("x86_64", "i686", "AMD64"):
        return True  # elsewhere the kernel makes /dev/kvm only where it works
    flags = re.search(r"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    return flags is not None and bool({"vmx", "svm"} & set(flags[1].split()))


def facts_without_test(device: Path = KVM_DEVICE, cpuinfo: Path = CPU_INFO) -> KvmFacts:
    """What a look tells; the test counts as not passed."""
    present = device.exists()
    openable = present and os.access(device, os.R_OK | os.W_OK)
    told = cpuinfo.read_text(encoding="utf-8", errors="replace")
    return KvmFacts(present, openable, cpu_ready(told, platform.machine()), test_passed=False)


async def kvm_facts(binary: Path, cache: Path) -> KvmFacts:
    """Find out; the test machine's result is kept in *cache* until kernel, boot or QEMU change."""
    facts = facts_without_test()
    if not (facts.openable and facts.cpu_ready):
        return facts
    key = f"{platform.release()} {boot_id()} {identity(binary)}"
    known = read_record(cache)
    if known is not None and known.get("host") == key:
        return replace(facts, test_passed=known.get("passed") is True)
    passed = await test_machine_runs(binary, "kvm", TEST_TIMEOUT_S)
    write_record(cache, {"host": key, "passed": passed})
    return replace(facts, test_passed=passed)


async def test_machine_runs(binary: Path, accelerator: str, timeout_s: float) -> bool:
    """Whether a machine of one boot sector boots and ends itself within *timeout_s* seconds."""
    with tempfile.TemporaryDirectory(prefix="webvdi-test-") as directory:
        disk = Path(directory) / "disk"
        disk.write_bytes(_TEST_SECTOR.ljust(_TEST_DISK_BYTES, b"\0"))
        process = await asyncio.create_subprocess_exec(
            binary,
            *("-nodefaults", "-no-user-config", "-display", "none"),
            *("-machine", "q35", "-accel", accelerator, "-m", "32M"),
            *("-device", "isa-debug-exit,iobase=0xf4,iosize=1"),
            *("-drive", f"file={disk},format=raw,if=virtio"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(timeout_s):
                return await process.wait() == _TEST_EXIT_CODE
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
