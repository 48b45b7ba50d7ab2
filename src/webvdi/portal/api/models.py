"""The JSON of the REST interface, field for field what the broker's dataclasses hold.

``tests/unit/portal/api/test_models.py`` compares the two, so they cannot drift apart.
"""

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from webvdi.broker.plan import MAX_DISK_GIB
from webvdi.broker.settings import MAX_NOTES, MAX_ORDER
from webvdi.broker.shares import MAX_EXPIRY_S, MAX_LABEL
from webvdi.broker.views import AtShutdown, DiskMode, Kind, Phase
from webvdi.portal.wrong import FILE_NAME
from webvdi.vmm.machine import MAX_CPUS, MAX_MEMORY_MIB, MIN_MEMORY_MIB, NAME, DiskFormat

MAX_TIMEOUT_S = 600.0
"""How long a request may wait for a guest to shut down."""
MAX_FILE_BYTES = 1 << 50
MAX_PATH = 4096

MAX_QR_TEXT = 700
"""Characters, of up to 4 bytes; a QR code holds 2953 bytes at most."""

_HOST_FILE = "A file of the host; only on the owner's socket."

Name: TypeAlias = Annotated[
    str,
    Field(
        pattern=f"^{NAME}$",
        description="Up to 63 letters, digits, `.`, `_` or `-`, beginning with a letter or digit.",
        examples=["debian"],
    ),
]

FileName: TypeAlias = Annotated[
    str,
    Field(
        pattern=FILE_NAME,
        max_length=200,
        description="With a letter or digit after its last slash or backslash.",
        examples=["debian.iso"],
    ),
]


def _number(value: object) -> object:
    """Python takes true for 1, pydantic "2" for 2; JSON neither."""
    if isinstance(value, bool | str):
        raise ValueError("a number belongs here")  # noqa: TRY004 — pydantic's
    return value


A_NUMBER = BeforeValidator(_number)
"""Comes after the bounds, which are lost to the document otherwise."""
Cpus: TypeAlias = Annotated[int, Field(ge=1, le=MAX_CPUS), A_NUMBER]
MemoryMib: TypeAlias = Annotated[int, Field(ge=MIN_MEMORY_MIB, le=MAX_MEMORY_MIB), A_NUMBER]
DiskGib: TypeAlias = Annotated[int, Field(ge=1, le=MAX_DISK_GIB), A_NUMBER]
NetworkName: TypeAlias = Literal["none", "internet", "open"]
ProfileName: TypeAlias = Literal["linux", "generic"]
Autostart: TypeAlias = Annotated[
    int,
    Field(ge=0, le=MAX_ORDER, description="Its place in the order; lower starts earlier."),
    A_NUMBER,
]
Notes: TypeAlias = Annotated[str, Field(max_length=MAX_NOTES)]
Path: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_PATH)]
Label: TypeAlias = Annotated[str, Field(max_length=MAX_LABEL)]
Verb: TypeAlias = Literal["start", "stop", "kill", "reset", "pause", "resume", "save"]


class _Answer(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Question(BaseModel):
    """What clients send: a misspelt field is an error, not a wish unheard."""

    model_config = ConfigDict(extra="forbid")


class Progress(_Answer):
    """How far something is."""

    phase: str
    done: int
    total: int = Field(description="0 while it is not known.")


class Disk(_Answer):
    """A disk of a machine."""

    name: str
    path: str
    format: str
    size_bytes: int | None = Field(description="As the guest sees it.")
    ours: bool = Field(description="Whether it is removed with the machine.")


class Machine(_Answer):
    """A machine, or a fixed display.

    For those who came by a share link, what concerns the owner alone is left out: source, can,
    disks, cdrom, notes, autostart and words about the host.
    """

    id: str = Field(examples=["m-0123456789"])
    kind: Kind
    name: str
    title: str
    phase: Phase
    state: str = Field(examples=["running"])
    can: tuple[str, ...] = Field(description="The verbs that fit now.")
    generation: int = Field(description="Changes with every start.")
    since: float | None
    detail: str
    exit_reason: str | None
    progress: Progress | None
    source: dict[str, Any] = Field(examples=[{"kind": "guest", "guest": "tiny"}])
    cpus: int | None
    memory_mib: int | None
    network: str | None
    profile: str | None
    acceleration: str | None
    acceleration_reason: str
    acceleration_code: str = Field(description="The reason as a short word that stays.")
    disks: tuple[Disk, ...]
    cdrom: str | None
    autostart: int | None
    at_shutdown: str
    notes: str
    created: float
    viewers: int
    link: Literal["live", "connecting", "unreachable", "password"] | None = Field(
        description="Of a fixed display, while somebody looks; null else."
    )


class NewMachine(_Question):
    """A machine to be made: of exactly one of guest, image, iso and disk."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": [source], "properties": {source: {"type": "string"}}}
                for source in ("guest", "image", "iso", "disk")
            ]
        }
    )

    name: Name
    guest: str | None = Field(default=None, max_length=64, examples=["tiny"])
    iso: Path | None = Field(default=None, description=_HOST_FILE)
    disk: Path | None = Field(default=None, description=_HOST_FILE)
    disk_format: DiskFormat | None = Field(
        default=None,
        description=(
            "Of `disk`. Null looks for it in the file, and refuses a qcow2 that names other files."
        ),
    )
    disk_mode: DiskMode = DiskMode.COPY
    image: str | None = Field(
        default=None, max_length=64, description="The id of an uploaded image."
    )
    cpus: Cpus | None = None
    memory_mib: MemoryMib | None = None
    disk_gib: DiskGib | None = None
    profile: ProfileName | None = None
    network: NetworkName | None = None
    start: StrictBool = True
    autostart: Autostart | None = None
    at_shutdown: AtShutdown = AtShutdown.SHUTDOWN
    notes: Notes = ""


class MachineChanges(_Question):
    """What is to change; a field that is left out stays as it is.

    cpus, memory_mib, network, cdrom and disk_gib change only while the machine is off.
    """

    name: Name = Field(default="")
    notes: Notes = ""
    autostart: Autostart | None = None
    at_shutdown: AtShutdown = AtShutdown.SHUTDOWN
    cpus: Cpus = 1
    memory_mib: MemoryMib = MIN_MEMORY_MIB
    network: NetworkName = "none"
    cdrom: Path | None = Field(
        default=None,
        description="An image's id, or on the owner's socket a path; null empties the drive.",
    )
    disk_gib: DiskGib = 1


class ActionOptions(_Question):
    """How to stop: all are for the verb *stop*."""

    graceful: StrictBool = Field(default=True, description="By the power button; else at once.")
    timeout_s: Annotated[float, Field(ge=0, le=MAX_TIMEOUT_S), A_NUMBER] = 60.0
    force: StrictBool = Field(
        default=False,
        description="Switch off a guest that has not gone by then; else it goes on, and the "
        "answer is 409 `still_running`.",
    )


class TicketWish(_Question):
    """What a ticket is to allow."""

    view_only: StrictBool = False
    name: str = Field(default="", max_length=200, description="What others see of them.")


class Ticket(_Answer):
    """A right to attach, once, within a minute."""

    ticket: str
    title: str = Field(description="The machine's, for people.")


class Person(_Answer):
    """Somebody who is looking."""

    viewer: int
    name: str
    role: str
    controls: bool
    since: float


class JournalEntry(_Answer):
    """Something that happened to a machine."""

    when: float
    kind: str
    text: str


class Share(_Answer):
    """A link that lets others in."""

    id: str
    machine: str
    machine_name: str
    control: bool
    label: str
    created: float
    expires: float
    used: int
    revoked: bool


class NewShare(_Question):
    """A link to be made."""

    control: StrictBool = Field(
        default=False, description="Whether it lets them act, or only look."
    )
    expires_in_s: Annotated[float, Field(gt=0, le=MAX_EXPIRY_S), A_NUMBER] | None = Field(
        default=None, description="Null is 24 hours; at most 365 days."
    )
    label: Label = ""


class MadeShare(_Answer):
    """A new link.  Its secret part is told only now."""

    share: Share
    url: str = Field(description="The whole link.")
    path: str = Field(description="The link relative to the pages' address.")


class JoinWish(_Question):
    """A share link's secret part, and a name to be called by."""

    token: str = Field(max_length=512)
    name: str = Field(default="", max_length=200)


class Joined(_Answer):
    """Where the link leads."""

    machine: str = Field(description="The machine's id.")


class MyShare(_Answer):
    """The link by which somebody came."""

    id: str
    machine: str
    label: str
    expires: float


class Me(_Answer):
    """Who asks, and what this is."""

    subject: str
    role: Literal["owner", "controller", "observer"]
    name: str
    share: MyShare | None
    mode: Literal["service", "view"]
    version: str
    login: bool = Field(description="Whether they signed in by a login link, and can log out.")


class Link(_Answer):
    """A login link: it works once."""

    url: str
    path: str = Field(description="The link relative to the pages' address.")
    expires: float | None = Field(description="Null where no login is needed.")


class QrWish(_Question):
    """What is to be drawn as a QR code: a link, for instance."""

    text: str = Field(min_length=1, max_length=MAX_QR_TEXT, examples=["https://example.org/"])


class Guest(_Answer):
    """A guest that can be built, or is."""

    name: str
    title: str
    summary: str
    built: bool
    size_bytes: int | None
    building: Progress | None
    failed: str
    cpus: int
    memory_mib: int
    expected_minutes: int | None
    expected_mib: int | None
    cancelled: bool = Field(
        description="Whether the last build was cancelled; an older one may still be there."
    )


class Pruned(_Answer):
    """What pruning freed."""

    freed_bytes: int


class Image(_Answer):
    """An ISO or disk file in our keeping."""

    id: str
    name: str
    kind: Literal["iso", "disk"]
    format: str
    size_bytes: int
    created: float
    in_use_by: tuple[str, ...]


class NewImage(_Question):
    """A file of the host to be taken into keeping."""

    path: Path
    name: FileName | None = None


class NewUpload(_Question):
    """A file to come."""

    name: FileName
    size_bytes: Annotated[int, Field(ge=1, le=MAX_FILE_BYTES), A_NUMBER]


class Upload(_Answer):
    """A file on its way."""

    id: str
    name: str
    size_bytes: int
    offset: int = Field(description="Where the next piece goes.")
    expires: float
    image: str | None = Field(description="The id of what became of it, once it is complete.")


class Finding(_Answer):
    """Something that was found out about the host."""

    name: str
    level: str
    text: str
    remedy: str


class MachineCounts(_Answer):
    """The machines, summed up."""

    total: int
    running: int
    paused: int
    memory_mib: int = Field(description="Of those that run, and of those that are paused.")


class Host(_Answer):
    """The host."""

    version: str
    mode: Literal["service", "view"]
    findings: tuple[Finding, ...]
    machines: MachineCounts
    memory_available_mib: int | None
    disk_free_bytes: int | None
