"""What is kept.  Times are Unix seconds; ``*_json`` values are what JSON can hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]
"""A JSON object."""


@dataclass(frozen=True, slots=True)
class MachineRecord:
    """A machine."""

    id: str
    key: str
    """The engine's key; equal to the id except for machines that were adopted."""
    name: str
    phase: str
    """creating, ready, failed or deleting."""
    wanted: Json
    """What was asked for when it was made."""
    source: Json
    spec: Json | None
    """What the engine is to run; None until that is known."""
    files: Json | None
    """How its files are made; None until that is known."""
    directory: str | None
    """Where its own files are, relative to the state directory; None where it has none."""
    images: tuple[str, ...]
    """Ids of the images that it needs."""
    autostart: int | None
    at_shutdown: str
    notes: str
    created: float
    start: bool
    """Whether it is to be started as soon as it is ready."""
    failure: str
    """Why its making failed; empty otherwise."""
    exit_noted: str
    """Names the exit that was written down in the journal last."""


@dataclass(frozen=True, slots=True)
class JournalRecord:
    """Something that happened to a machine."""

    machine: str
    when: float
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class ShareRecord:
    """A share link; its token is not kept, only what it hashes to."""

    id: str
    machine: str
    control: bool
    label: str
    token_hash: str
    created: float
    expires: float
    used: int
    revoked: float | None
    """When."""


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """An ISO or disk file in our keeping."""

    id: str
    name: str
    kind: str
    format: str
    size_bytes: int
    created: float


@dataclass(frozen=True, slots=True)
class UploadRecord:
    """A file on its way here; how much of it is here, the file itself tells."""

    id: str
    name: str
    size_bytes: int
    touched: float
    """When the last piece came."""
    image: str | None
    """What became of it."""
