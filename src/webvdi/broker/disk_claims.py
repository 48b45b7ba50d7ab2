"""Who counts on which disk: a file that one machine writes is no other's, nor what one is based on.

Files are compared, not names: the same disk may be meant by a link, or by another spelling.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from webvdi.base.errors import Refused
from webvdi.broker.record_view import spec_of
from webvdi.broker.views import DiskMode, Phase
from webvdi.broker.wishes import wish_from_json
from webvdi.store import MachineRecord

_Identity: TypeAlias = tuple[int, int] | Path
"""Device and number of a file; a path where there is none."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A machine's claim to a disk file."""

    machine: str
    """Its name, for people."""
    path: Path
    writes: bool
    """Else it reads it, and must find it as it was."""


def claims_of(record: MachineRecord) -> Iterator[Claim]:
    """What a machine counts on, from the moment it is wanted until it is gone."""
    if record.phase == Phase.FAILED:
        return  # a new try asks again
    spec = spec_of(record)
    wanted = wish_from_json(record.wanted)
    if spec is None and wanted.disk is not None:
        yield Claim(record.name, Path(wanted.disk), wanted.disk_mode is DiskMode.IN_PLACE)
    for disk in () if spec is None else spec.disks:
        yield Claim(record.name, disk.path, writes=not disk.readonly)
    for file in () if record.files is None else record.files["files"]:
        if file["source"] and (file["how"] == "overlay" or record.phase == Phase.CREATING):
            yield Claim(record.name, Path(file["source"]), writes=False)


def require_free(
    chain: Sequence[Path], records: Iterable[MachineRecord], *, in_place: bool
) -> None:
    """Insist that a machine can use a disk, the first of *chain*, based on the others.

    *records* are the other machines'.  Raises ``Refused``.
    """
    if not chain:
        return
    wanted = [_identity(path) for path in chain]
    for claim in (claim for record in records for claim in claims_of(record)):
        found = _identity(claim.path)
        if claim.writes and found in wanted:
            path = chain[wanted.index(found)]
            raise Refused(f"{path} is a disk of the machine {claim.machine!r}", reason="in_use")
        if in_place and found == wanted[0]:
            raise Refused(
                f"{chain[0]} cannot be used in place: a disk of the machine {claim.machine!r} is "
                "based on it",
                reason="in_use",
            )


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except OSError:
        return path
    return found.st_dev, found.st_ino
