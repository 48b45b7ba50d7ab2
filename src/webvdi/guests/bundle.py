"""A guest that can be started: plain data, and its form on disk (``bundle.json``)."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

DESCRIPTION = "bundle.json"


@dataclass(frozen=True, slots=True)
class DiskPlan:
    """A disk that a machine of this guest wants, in the order of attachment."""

    name: str  # also the file system's label
    size_mib: int
    filesystem: Literal["ext4"]
    purpose: str  # for people


@dataclass(frozen=True, slots=True)
class GuestBundle:
    """Everything needed to start a machine of one guest; made by ``build``, never changed."""

    recipe: str
    title: str
    content_hash: str  # of the recipe, the packages and the builder: equal hash, equal files
    directory: Path
    kernel: Path
    initrd: Path
    cmdline: str
    memory_mib: int
    cpus: int
    profile: Literal["linux"]  # the kind of machine it expects
    disks: tuple[DiskPlan, ...]
    built_at: float  # seconds since 1970
    recipe_hash: str  # of the recipe and the builder alone
    summary: str = ""  # one sentence for a list of guests
    # A sealed qcow2 that a machine gets an overlay of, as its first disk; kernel, initrd and
    # cmdline then start the system on it, and so does firmware.  None: it runs from memory.
    system_disk: Path | None = None
    system_disk_mib: int = 0  # its size as the guest sees it

    @property
    def name(self) -> str:
        """Short unique name, also that of its directory."""
        return self.directory.name

    def is_complete(self) -> bool:
        """Whether its files are there."""
        files = (self.kernel, self.initrd, self.system_disk)
        return all(path.is_file() for path in files if path is not None)


def dump_bundle(bundle: GuestBundle) -> str:
    """Return the text of ``bundle.json``; paths are relative to the bundle's directory."""
    record = asdict(bundle)
    del record["directory"]
    record["kernel"] = bundle.kernel.name
    record["initrd"] = bundle.initrd.name
    record["system_disk"] = bundle.system_disk and bundle.system_disk.name
    return json.dumps(record, indent=2) + "\n"


def load_bundle(directory: Path) -> GuestBundle:
    """Read the bundle in *directory*.

    Raises ``OSError``, or ``ValueError`` where it is not a bundle of this version.
    """
    try:
        record = json.loads((directory / DESCRIPTION).read_text())
        record["disks"] = tuple(DiskPlan(**disk) for disk in record["disks"])
        record["kernel"] = directory / record["kernel"]
        record["initrd"] = directory / record["initrd"]
        if record.get("system_disk") is not None:
            record["system_disk"] = directory / record["system_disk"]
        return GuestBundle(directory=directory, **record)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{directory / DESCRIPTION} is not a bundle: {error}") from error
