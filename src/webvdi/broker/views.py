"""What the rooms above see of machines, shares, images and guests: frozen plain data.

Field names are also those of the REST interface.  Times are Unix seconds, sizes are in bytes unless
the name says MiB, and every text is for people unless it is called an id, a kind or a state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from typing import Any, Final, Literal, TypeAlias

from webvdi.vmm.machine import DiskFormat
from webvdi.wire.to_viewer import Role


class Kind(StrEnum):
    """What is behind a screen."""

    MACHINE = "machine"
    DISPLAY = "display"
    """A fixed RFB server (``webvdi view``): it can be looked at, not started or stopped."""


class Phase(StrEnum):
    """Where a machine is between its first and its last step."""

    CREATING = "creating"
    READY = "ready"
    FAILED = "failed"
    """Its making failed; ``detail`` says why.  It can only be deleted."""
    DELETING = "deleting"


class DiskMode(StrEnum):
    """What becomes of a disk file that a machine is made from."""

    COPY = "copy"
    OVERLAY = "overlay"
    """It is read only; changes go to a file beside the machine."""
    IN_PLACE = "in_place"
    """The machine writes to the file itself; it is never deleted with the machine."""


class AtShutdown(StrEnum):
    """What happens to a running machine when the host shuts down."""

    SHUTDOWN = "shutdown"
    """Its power button is pressed; who does not go is saved if possible, else switched off."""
    SAVE = "save"
    """Its memory goes to disk, and the next start continues; else as above."""


MachineSource: TypeAlias = Mapping[str, Any]
"""``{"kind": "guest", "guest"}`` · ``{"kind": "iso", "path", "image"}`` ·
``{"kind": "disk", "path", "mode", "image"}`` · ``{"kind": "display", "endpoint"}`` ·
``{"kind": "adopted"}``."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is: *done* of *total*; *total* is 0 while it is not known."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class DiskView:
    """A disk of a machine."""

    name: str
    path: str
    format: str
    size_bytes: int | None
    """As the guest sees it; None where that is not known."""
    ours: bool
    """Whether it is removed with the machine."""


@dataclass(frozen=True, slots=True)
class MachineView:
    """A machine, or a fixed display, at this moment."""

    id: str
    """``m-`` and ten hexadecimal digits (``d-`` for displays); never changes, never reused."""
    kind: Kind
    name: str
    """What people type; unique, of the machine name's alphabet."""
    title: str
    """What people read."""
    phase: Phase
    state: str
    """A :class:`~webvdi.vmm.machine.PowerState`; ``stopped`` while it is being made."""
    can: tuple[str, ...]
    """The verbs that fit now, of start stop kill reset pause resume save delete set."""
    generation: int
    """Changes with every start."""
    since: float | None
    """When the state was entered."""
    detail: str
    """Why it is off, what it waits for, why it failed; may be empty."""
    exit_reason: str | None
    """A :class:`~webvdi.vmm.machine.ExitReason`."""
    progress: Progress | None
    """While it is being made."""
    source: MachineSource
    cpus: int | None
    memory_mib: int | None
    network: str | None
    profile: str | None
    acceleration: str | None
    """``kvm`` or ``tcg`` while it runs."""
    acceleration_reason: str
    """Why it runs without KVM, and what to do about it; empty with KVM."""
    acceleration_code: str
    """The same as a short word that stays; may be empty."""
    disks: tuple[DiskView, ...]
    cdrom: str | None
    """The file in its drive."""
    autostart: int | None
    """Its place in the order of machines that start with the service; None does not."""
    at_shutdown: str
    notes: str
    created: float
    viewers: int
    """How many are looking."""
    link: str | None = None
    """Of a display: ``live``, ``connecting``, ``unreachable`` or ``password`` (it asks for one);
    None while nobody looks, for then there is no link."""


@dataclass(frozen=True, slots=True)
class NewMachine:
    """What is wanted of :meth:`Catalogue.create`; None means the source's own.

    Exactly one of *guest*, *iso*, *disk* and *image*.  Files of the host (*iso*, *disk*) are for
    the owner of this host alone: the portal refuses them from browsers.
    """

    name: str
    guest: str | None = None
    iso: str | None = None
    disk: str | None = None
    disk_format: DiskFormat | None = None
    """Of *disk*.  None looks for it in the file, and then refuses a qcow2 that names other files:
    a guest that had the disk raw may have written such a header, to be shown files of the host."""
    disk_mode: DiskMode = DiskMode.COPY
    image: str | None = None
    """The id of an uploaded image; a disk is used as *disk_mode* says (never in place)."""
    cpus: int | None = None
    memory_mib: int | None = None
    disk_gib: int | None = None
    """Of the empty disk beside an ISO; for others the size that the first disk grows to."""
    profile: str | None = None
    network: str | None = None
    """None is ``internet`` where the host can fence it, else ``none``; the journal says why."""
    start: bool = True
    autostart: int | None = None
    at_shutdown: AtShutdown = AtShutdown.SHUTDOWN
    notes: str = ""


class Unset(Enum):
    """The value of a field that is not to be changed (None is a value)."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to change about a machine.

    The first four at any time, the others only while it is off.
    """

    name: str | Unset = UNSET
    notes: str | Unset = UNSET
    autostart: int | Unset | None = UNSET
    at_shutdown: AtShutdown | Unset = UNSET
    cpus: int | Unset = UNSET
    memory_mib: int | Unset = UNSET
    network: str | Unset = UNSET
    cdrom: str | Unset | None = UNSET
    """An image's id or a path of the host; None empties the drive."""
    disk_gib: int | Unset = UNSET
    """The first disk grows to this; it never shrinks."""

    def asked(self) -> dict[str, Any]:
        """The fields that are to change."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value is not UNSET}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks for a ticket."""

    subject: str
    """Names the person; two tabs of one person have the same."""
    role: Role
    share: str | None = None
    """The share link they came by."""
    until: float | None = None
    """When their access ends."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture of a screen."""

    etag: str
    """Names the picture; empty where there is none."""
    media_type: str
    data: bytes | None
    """None where it is the picture that was known, or where there is none."""
    missing: str = ""
    """Why there is no picture; empty where there is one."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is looking."""

    viewer: int
    name: str
    role: str
    """``owner``, ``controller`` or ``observer``."""
    controls: bool
    since: float


@dataclass(frozen=True, slots=True)
class SerialChunk:
    """A piece of what a machine wrote to its serial port since its start."""

    offset: int
    """Of ``data``; larger than asked for where what was asked for is kept no more."""
    data: bytes
    next_offset: int
    start: int
    """The oldest offset that is kept."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """Something that happened to a machine."""

    when: float
    kind: str
    """created, started, stopped, exit, failed, saved, changed, repaired, autostart, shutdown …"""
    text: str


ChangeKind: TypeAlias = Literal["machine", "gone", "viewers", "guest", "image", "share"]


@dataclass(frozen=True, slots=True)
class Change:
    """A hint that something changed; asking tells what."""

    kind: ChangeKind
    id: str
    """The machine's for machine, gone and viewers; else the guest's name, or that of the thing."""


@dataclass(frozen=True, slots=True)
class ShareView:
    """A link that lets others in."""

    id: str
    machine: str
    machine_name: str
    control: bool
    """Whether it lets them act, or only look."""
    label: str
    created: float
    expires: float
    used: int
    """How often somebody came in by it."""
    revoked: bool


@dataclass(frozen=True, slots=True)
class ImageView:
    """An ISO or disk file in our keeping."""

    id: str
    name: str
    kind: Literal["iso", "disk"]
    format: str
    """``iso``, ``qcow2`` or ``raw``."""
    size_bytes: int
    created: float
    in_use_by: tuple[str, ...]
    """Names of the machines that need the file."""


@dataclass(frozen=True, slots=True)
class UploadView:
    """A file on its way to us."""

    id: str
    name: str
    size_bytes: int
    offset: int
    """How much is here, and where the next piece goes."""
    expires: float
    image: str | None = None
    """The id of what became of it, once it is complete."""


@dataclass(frozen=True, slots=True)
class GuestView:
    """A guest that can be built, or is."""

    name: str
    title: str
    summary: str
    built: bool
    size_bytes: int | None
    """Of what is built."""
    building: Progress | None
    failed: str
    """Why the last build failed; empty otherwise."""
    cpus: int
    memory_mib: int
    expected_minutes: int | None = None
    """About how long a build takes; None where that is not known."""
    expected_mib: int | None = None
    """About how much room it takes."""
    cancelled: bool = False
    """Whether the last build was cancelled; an older one may still be there."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """Something that was found out about this host."""

    name: str
    level: str
    """``ok``, ``note``, ``warning`` or ``failure``."""
    text: str
    remedy: str


@dataclass(frozen=True, slots=True)
class MachineCounts:
    """The machines of this host, summed up."""

    total: int
    running: int
    """Those that start and those that are being stopped count too."""
    paused: int
    memory_mib: int
    """Of those that run, and of those that are paused."""


@dataclass(frozen=True, slots=True)
class HostView:
    """This host."""

    version: str
    """Of webvdi."""
    mode: Literal["service", "view"]
    findings: tuple[FindingView, ...] = ()
    machines: MachineCounts = field(default_factory=lambda: MachineCounts(0, 0, 0, 0))
    memory_available_mib: int | None = None
    disk_free_bytes: int | None = None
