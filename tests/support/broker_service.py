"""A whole service on a fake engine and a fake guest builder, in a directory of its own."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from webvdi.base.paths import Places
from webvdi.broker.service import Service, open_service
from webvdi.guests import DiskPlan, GuestBundle, Progress
from webvdi.guests.bundle import DESCRIPTION, dump_bundle
from webvdi.vmm.fake import FakeEngine, FakeHost

KEY = b"k" * 32
QCOW2_16_MIB = 16 << 20


class Clock:
    """Unix time that goes on when it is told to."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeBuilder:
    """Builds guests of a few bytes, as :func:`webvdi.guests.build` builds real ones."""

    system_disk: Path | None = None
    """A qcow2 that the guest gets as its system disk."""
    error: Exception | None = None
    version: int = 1
    built: list[str] = field(default_factory=list)
    on_step: Callable[[], object] = lambda: None
    steps: int = 1

    def __call__(
        self, recipe: str, cache_dir: Path, *, progress: Callable[[Progress], None]
    ) -> GuestBundle:
        self.built.append(recipe)
        for step in range(self.steps):
            progress(Progress("Fetching packages", step + 1, 2, "items"))
            self.on_step()
        if self.error is not None:
            raise self.error
        directory = cache_dir / "bundles" / f"{recipe}-{self.version:016d}"
        directory.mkdir(parents=True, exist_ok=True)
        kernel, initrd = directory / "vmlinux", directory / "initrd.cpio"
        kernel.write_bytes(b"kernel")
        initrd.write_bytes(b"initrd")
        system = None
        if self.system_disk is not None:
            system = directory / "system.qcow2"
            system.write_bytes(self.system_disk.read_bytes())
        bundle = GuestBundle(
            recipe=recipe,
            title=recipe,
            content_hash=f"{self.version}",
            directory=directory,
            kernel=kernel,
            initrd=initrd,
            cmdline="quiet",
            memory_mib=256,
            cpus=1,
            profile="linux",
            disks=() if system else (DiskPlan("webvdi-home", 16, "ext4", "the user's files"),),
            built_at=float(self.version),
            recipe_hash="recipe",
            system_disk=system,
            system_disk_mib=16 if system else 0,
        )
        (directory / DESCRIPTION).write_text(dump_bundle(bundle))
        return bundle


@dataclass
class World:
    """What outlives a service: its directories and what its engine runs."""

    root: Path
    host: FakeHost = field(default_factory=FakeHost)
    clock: Clock = field(default_factory=Clock)
    builder: FakeBuilder = field(default_factory=FakeBuilder)
    engine: FakeEngine = field(default_factory=FakeEngine)
    """Of the service that is open."""

    @property
    def places(self) -> Places:
        return Places(self.root / "state", self.root / "cache", self.root / "run")

    @property
    def state(self) -> Path:
        return self.root / "state"

    @asynccontextmanager
    async def service(self) -> AsyncIterator[Service]:
        """Open it, as the next process would."""
        self.places.make()
        self.engine = FakeEngine(host=self.host, clock=self.clock)
        async with open_service(
            self.places,
            KEY,
            lambda state, run: self.engine,
            clock=self.clock,
            builder=self.builder,
        ) as service:
            yield service

    def files(self) -> list[str]:
        """All files that were made for machines."""
        place = self.state / "files"
        return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.is_file())


def raw_disk(path: Path, size_bytes: int = 4 << 20) -> Path:
    """A raw disk that looks bootable."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
        file.seek(510)
        file.write(b"\x55\xaa")
    return path


def iso(path: Path) -> Path:
    """A file with the marks of an ISO 9660 image."""
    with path.open("wb") as file:
        file.truncate(64 << 10)
        file.seek(0x8001)
        file.write(b"CD001")
    return path


def bundle_json(directory: Path) -> dict[str, object]:
    """What a bundle says of itself."""
    record: dict[str, object] = json.loads((directory / DESCRIPTION).read_text())
    return record
