"""What a session is told (events), and what it asks for (commands)."""

from dataclasses import dataclass
from typing import NewType, TypeAlias

from webvdi.codecs import Encoded
from webvdi.display.source import Credentials, DisplayEvent
from webvdi.framebuffer import Pixels, Rect
from webvdi.wire.from_viewer import Capability, FromViewer
from webvdi.wire.to_viewer import MachineState, PackedUpdate, Reason, Role, ToViewer

ViewerId = NewType("ViewerId", int)

FULL = Capability.JPEG | Capability.PNG | Capability.TILES
"""What a viewer of ours can do."""


@dataclass(frozen=True, slots=True)
class EncodeKey:
    """Names some pixels for ever: rectangles of tiles, their newest change, and how to encode.

    A frame's number is given to each tile that changes in it, so equal keys mean equal pixels.
    """

    rects: tuple[Rect, ...]
    """One makes a piece; several, which do not overlap, a sheet."""
    version: int
    """The number of the last frame that changed something in them."""
    quality: int | None
    """Of JPEG; None: lossless; ``SKETCH``: a sketch."""
    thorough: bool = False
    """Whether fewer bytes of what is lossless are worth more time."""

    @property
    def area(self) -> int:
        """How many pixels they are."""
        return sum(rect.area for rect in self.rects)


@dataclass(frozen=True, slots=True)
class Admission:
    """With what rights a viewer is here, as its ticket says."""

    role: Role
    subject: str = ""
    """Whose viewer it is: all of one subject are one person."""
    name: str = ""
    share: str = ""
    """The share link that it came by; empty: none."""
    since: float = 0.0
    """When it came; seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Attendee:
    """One connected viewer, as the broker is told of it."""

    viewer: ViewerId
    name: str
    role: Role
    controls: bool
    since: float


# ---------------------------------------------------------------- events


@dataclass(frozen=True, slots=True)
class Attached:
    """A viewer came in with a ticket."""

    viewer: ViewerId
    admission: Admission
    resume_key: str
    capabilities: Capability = FULL


@dataclass(frozen=True, slots=True)
class Resumed:
    """A viewer came back with its resume key; it has drawn updates up to *last_update*."""

    viewer: ViewerId
    last_update: int


@dataclass(frozen=True, slots=True)
class Detached:
    """A viewer's connection is gone; the viewer may come back."""

    viewer: ViewerId


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A viewer will not come back."""

    viewer: ViewerId


@dataclass(frozen=True, slots=True)
class AccessEnded:
    """A viewer's rights were taken back, or have run out; *message* is for its user."""

    viewer: ViewerId
    message: str


@dataclass(frozen=True, slots=True)
class Received:
    """A viewer said something."""

    viewer: ViewerId
    message: FromViewer


@dataclass(frozen=True, slots=True)
class Displayed:
    """The display source said something."""

    event: DisplayEvent


@dataclass(frozen=True, slots=True)
class EncodeDone:
    """An :class:`Encode` is done."""

    key: EncodeKey
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class MachineTold:
    """The broker knows how the machine is (off, paused) better than its display does."""

    state: MachineState
    detail: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The time that a :class:`WakeAt` asked for has come."""


Event: TypeAlias = (
    Attached
    | Resumed
    | Detached
    | Forgotten
    | AccessEnded
    | Received
    | Displayed
    | EncodeDone
    | MachineTold
    | Tick
)

# ---------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class SendTo:
    """Send a message to a viewer."""

    viewer: ViewerId
    message: ToViewer | PackedUpdate


@dataclass(frozen=True, slots=True)
class EndViewer:
    """Say farewell to a viewer and close its connection."""

    viewer: ViewerId
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Encode:
    """Encode *parts* (copies; nobody else writes to them) and report :class:`EncodeDone`."""

    key: EncodeKey
    parts: tuple[tuple[Rect, Pixels], ...]
    """Of the key's rectangles, in their order."""


@dataclass(frozen=True, slots=True)
class Press:
    """A key of the guest goes down or up."""

    down: bool
    keysym: int
    scancode: int


@dataclass(frozen=True, slots=True)
class Point:
    """The guest's pointer is here, with RFB's buttons."""

    x: int
    y: int
    buttons: int


@dataclass(frozen=True, slots=True)
class Move:
    """The guest's pointer moves by so much, with RFB's buttons."""

    dx: int
    dy: int
    buttons: int


@dataclass(frozen=True, slots=True)
class SetClipboard:
    """Set the guest's clipboard."""

    text: str


@dataclass(frozen=True, slots=True)
class RequestSize:
    """Ask the guest for another screen size."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Answer the display's password question."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class Nudge:
    """Wake the display's refresh timer."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether anybody looks."""

    watching: bool


@dataclass(frozen=True, slots=True)
class Hold:
    """Whether nobody who looks could be sent anything, so that the display may rest meanwhile."""

    held: bool


@dataclass(frozen=True, slots=True)
class TellPeople:
    """Tell the broker who is connected."""

    people: tuple[Attendee, ...]


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Send :class:`Tick` at this monotonic time; replaces the wish before."""

    at: float


InputCommand: TypeAlias = Press | Point | Move | SetClipboard | RequestSize

Command: TypeAlias = (
    SendTo
    | EndViewer
    | Encode
    | InputCommand
    | Authenticate
    | Nudge
    | Watch
    | Hold
    | TellPeople
    | WakeAt
)
