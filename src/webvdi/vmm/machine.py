"""Words about machines: what one is made of, what state it is in, how it ended.

Plain frozen values without behaviour; every engine and everyone above speaks in them.
"""

import re
import signal as signals
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import NewType

from webvdi.vmm.errors import InvalidSpec

MachineId = NewType("MachineId", str)
"""Names a machine for its engine; never parsed by anyone else."""

MAX_CPUS = 255
"""What a q35 machine takes without an interrupt-remapping device."""
MAX_MEMORY_MIB = 4 << 20
"""4 TiB; a bound against slips of the keyboard, the host's real memory is checked at start."""
MIN_MEMORY_MIB = 16
MAX_SATA_DRIVES = 6
"""Ports of the AHCI controller that q35 has built in."""
MAX_VIRTIO_DISKS = 16
"""Each one takes a slot on the root bus, which has 32."""

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
"""What a machine may be called, as a regular expression."""


class DiskFormat(StrEnum):
    """How a disk file is written."""

    QCOW2 = "qcow2"
    RAW = "raw"


class Profile(StrEnum):
    """Which devices the guest is expected to know."""

    LINUX = "linux"
    """virtio all over: disk, tablet, keyboard, network."""
    GENERIC = "generic"
    """For unknown systems: AHCI disk, USB tablet, e1000e network."""


class Network(StrEnum):
    """What the guest may reach."""

    NONE = "none"
    """No network card."""
    INTERNET = "internet"
    """Name service and the internet, neither this host nor private networks."""
    OPEN = "open"
    """All that the host reaches, the host's own loopback included."""


class Accelerator(StrEnum):
    """How the guest's instructions run."""

    AUTO = "auto"
    """KVM where it really works, else TCG."""
    KVM = "kvm"
    TCG = "tcg"


class PowerState(StrEnum):
    """What a machine is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    SAVED = "saved"
    """Its RAM is on disk; a start continues where it was."""
    STOPPING = "stopping"
    CRASHED = "crashed"
    """It ended against everybody's will; a start boots it afresh."""


@dataclass(frozen=True, slots=True)
class DirectKernel:
    """Boot this kernel without firmware or boot loader."""

    kernel: Path
    """A bzImage, or an ELF with a PVH entry."""
    initrd: Path | None = None
    cmdline: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk file and how the guest sees it."""

    path: Path
    format: DiskFormat = DiskFormat.QCOW2
    readonly: bool = False
    boot_order: int | None = None
    """Lower boots earlier; None is never booted from."""


@dataclass(frozen=True, slots=True)
class Cdrom:
    """An ISO file in a drive."""

    path: Path
    boot_order: int | None = None


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """What a machine is made of.  Raises :class:`~webvdi.vmm.errors.InvalidSpec`."""

    name: str
    """For people and process lists: letters, digits, ``. _ -``, at most 63."""
    cpus: int = 1
    memory_mib: int = 512
    kernel: DirectKernel | None = None
    disks: tuple[Disk, ...] = ()
    cdroms: tuple[Cdrom, ...] = ()
    profile: Profile = Profile.LINUX
    network: Network = Network.NONE
    accelerator: Accelerator = Accelerator.AUTO

    def __post_init__(self) -> None:
        """Refuse what no engine could run."""
        if not re.fullmatch(NAME, self.name):
            raise InvalidSpec(
                f"{self.name!r} is no machine name: use up to 63 letters, digits, '.', '_' or "
                "'-', beginning with a letter or digit"
            )
        if not 1 <= self.cpus <= MAX_CPUS:
            raise InvalidSpec(f"a machine has 1 to {MAX_CPUS} CPUs, not {self.cpus}")
        if not MIN_MEMORY_MIB <= self.memory_mib <= MAX_MEMORY_MIB:
            raise InvalidSpec(
                f"a machine has {MIN_MEMORY_MIB} to {MAX_MEMORY_MIB} MiB of memory, "
                f"not {self.memory_mib}"
            )
        self._check_drives()

    def _check_drives(self) -> None:
        if not (self.kernel or self.disks or self.cdroms):
            raise InvalidSpec("there is nothing to boot: name a kernel, a disk or a CD-ROM")
        generic = self.profile is Profile.GENERIC
        sata = len(self.cdroms) + (len(self.disks) if generic else 0)
        if sata > MAX_SATA_DRIVES:
            raise InvalidSpec(f"there are {MAX_SATA_DRIVES} SATA ports, not {sata}")
        if generic and any(disk.readonly for disk in self.disks):
            raise InvalidSpec("a SATA disk cannot be read-only; attach it as a CD-ROM")
        if not generic and len(self.disks) > MAX_VIRTIO_DISKS:
            raise InvalidSpec(f"a machine has at most {MAX_VIRTIO_DISKS} virtio disks")
        if self.kernel is not None and "\0" in self.kernel.cmdline:
            raise InvalidSpec("a kernel command line holds no NUL characters")
        drives: tuple[Disk | Cdrom, ...] = (*self.disks, *self.cdroms)
        orders = [drive.boot_order for drive in drives if drive.boot_order is not None]
        if len(set(orders)) != len(orders) or any(order < 0 for order in orders):
            raise InvalidSpec("each boot order is a different number from 0 up")


def with_absolute_paths(spec: MachineSpec) -> MachineSpec:
    """*spec* as it means the same from any working directory."""
    kernel = spec.kernel
    if kernel is not None:
        initrd = kernel.initrd and kernel.initrd.absolute()
        kernel = replace(kernel, kernel=kernel.kernel.absolute(), initrd=initrd)
    return replace(
        spec,
        kernel=kernel,
        disks=tuple(replace(disk, path=disk.path.absolute()) for disk in spec.disks),
        cdroms=tuple(replace(cdrom, path=cdrom.path.absolute()) for cdrom in spec.cdroms),
    )


class ExitReason(StrEnum):
    """Why a machine is not running any more."""

    GUEST_POWEROFF = "guest_poweroff"
    """By itself, not asked."""
    SHUT_DOWN = "shut_down"
    """The guest obeyed when it was asked to shut down."""
    OVERDUE = "overdue"
    """It was asked to, did not in its time, and was switched off."""
    REQUESTED = "requested"
    """It was switched off, as somebody wanted."""
    KILLED = "killed"
    CRASHED = "crashed"
    START_FAILED = "start_failed"
    HOST_REBOOTED = "host_rebooted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MachineExit:
    """How one run of a machine ended."""

    reason: ExitReason
    when: float | None = None
    """Unix time in seconds, where known."""
    signal: int | None = None
    """The signal that ended the machine's process."""
    code: int | None = None
    """The exit code of the machine's process."""
    words: str = ""
    """What the engine itself said, shortened."""
    patience_s: float = 0.0
    """How long the guest had been given to shut down, where it was switched off for that."""

    @property
    def text(self) -> str:
        """One or two sentences for the user."""
        said = f" It said: {self.words}" if self.words else ""
        match self.reason:
            case ExitReason.GUEST_POWEROFF:
                return "The guest switched itself off."
            case ExitReason.SHUT_DOWN:
                return "The guest shut down when it was asked to."
            case ExitReason.OVERDUE:
                return (
                    f"The guest did not shut down within {self.patience_s:.0f} s, "
                    "and was switched off."
                )
            case ExitReason.REQUESTED:
                return "It was switched off as requested."
            case ExitReason.KILLED:
                return self._killed()
            case ExitReason.CRASHED:
                return (
                    f"The program that runs the machine failed ({self._how()}).{said}{self._why()}"
                )
            case ExitReason.START_FAILED:
                return f"It did not start.{said}"
            case ExitReason.HOST_REBOOTED:
                return "The host was restarted while it ran."
            case ExitReason.UNKNOWN:
                return f"It ended, and nothing tells why.{said}"

    def _killed(self) -> str:
        text = f"Its process was ended from outside ({self._how()})."
        if self.signal == signals.SIGKILL:
            text += " If nobody did that, the host ran out of memory: give the machine less."
        return text

    def _why(self) -> str:
        if self.signal == signals.SIGBUS:
            return " The host's memory, or the place of the machine's memory, ran full."
        return ""

    def _how(self) -> str:
        if self.signal is None:
            return f"exit code {self.code}"
        try:
            return signals.Signals(self.signal).name
        except ValueError:
            return f"signal {self.signal}"


@dataclass(frozen=True, slots=True)
class Acceleration:
    """How a machine's instructions run, and why so."""

    kind: Accelerator
    """KVM or TCG, never AUTO."""
    reason: str = ""
    """Why it is not KVM and what that costs; empty with KVM."""
    code: str = ""
    """The same as a short word that stays; empty with KVM, and where none was written down."""


@dataclass(frozen=True, slots=True)
class MachineStatus:
    """What an engine knows of a machine at this moment."""

    state: PowerState
    generation: int
    """Changes with every start; 0 is never started.  What belonged to another one is void."""
    since: float
    """Unix time in seconds at which the state was entered."""
    exit: MachineExit | None = None
    """How the last run ended; None while it runs, or before the first start."""
    detail: str = ""
    """More for the user, such as where the RAM is; may be empty."""
    acceleration: Acceleration | None = None
    """None while it does not run."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as an engine lists it."""

    id: MachineId
    key: str
    """The key it was created with."""
    spec: MachineSpec
    status: MachineStatus
