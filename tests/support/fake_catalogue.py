"""A broker in memory, for the tests of those above: it keeps the contract and needs no host.

``FakeUseCases`` has a knob for each thing that takes time or goes wrong in the real one.
"""

import hashlib
import itertools
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from webvdi.base.errors import Conflict, NotFound, Refused, StateError
from webvdi.broker.catalogue import MAX_SERIAL_CHUNK_BYTES, MAX_SERIAL_WRITE_BYTES, VERBS
from webvdi.broker.hub import ChangeHub
from webvdi.broker.image_files import clean_name
from webvdi.broker.shares import DEFAULT_EXPIRY_S, MAX_EXPIRY_S
from webvdi.broker.views import (
    Change,
    Changes,
    DiskView,
    FindingView,
    GuestView,
    HostView,
    ImageView,
    JournalEntry,
    Kind,
    MachineCounts,
    MachineView,
    NewMachine,
    Person,
    Phase,
    Progress,
    SerialChunk,
    ShareView,
    Thumbnail,
    UploadView,
    Visitor,
)
from webvdi.vmm.errors import InvalidSpec
from webvdi.vmm.machine import DirectKernel, MachineSpec

PICTURE = b"\xff\xd8\xff\xe0 a JPEG, more or less"
SCREEN = b"\x89PNG\r\n\x1a\n a PNG, more or less"
NOW = 1_800_000_000.0

_ANY_KERNEL = DirectKernel(Path("/nonexistent/kernel"))

_CAN = {
    "stopped": ("start", "delete", "set"),
    "saved": ("start", "stop", "kill", "delete"),
    "running": ("stop", "kill", "reset", "pause", "save", "delete"),
    "paused": ("stop", "kill", "reset", "resume", "save", "delete"),
}
_GOAL = {
    "start": "running",
    "stop": "stopped",
    "kill": "stopped",
    "reset": "running",
    "pause": "paused",
    "resume": "running",
    "save": "saved",
}


@dataclass(slots=True)
class _Extra:
    """What is known of a machine beside its view."""

    wanted: NewMachine | None = None
    journal: list[JournalEntry] = field(default_factory=list)
    serial: bytes = b""
    typed: bytes = b""
    people: tuple[Person, ...] = ()


def machine_view(name: str, **changes: Any) -> MachineView:
    """A running machine named *name*, with *changes*."""
    state = str(changes.get("state", "running"))
    view = MachineView(
        id="m-" + hashlib.sha256(name.encode()).hexdigest()[:10],
        kind=Kind.MACHINE,
        name=name,
        title=name,
        phase=Phase.READY,
        state=state,
        can=_CAN.get(state, ("delete",)),
        generation=1,
        since=NOW,
        detail="",
        exit_reason=None,
        progress=None,
        source={"kind": "guest", "guest": "tiny"},
        cpus=2,
        memory_mib=512,
        network="internet",
        profile="linux",
        acceleration="tcg" if state in ("running", "paused") else None,
        acceleration_reason="nothing really runs" if state in ("running", "paused") else "",
        acceleration_code="no_device" if state in ("running", "paused") else "",
        disks=(DiskView("home", f"/state/files/{name}/home.img", "raw", 1 << 30, ours=True),),
        cdrom=None,
        autostart=None,
        at_shutdown="shutdown",
        notes="",
        created=NOW,
        viewers=0,
    )
    return replace(view, **changes)


class FakeCatalogue:
    """A :class:`~webvdi.broker.catalogue.Catalogue` of nothing real."""

    def __init__(self, hub: ChangeHub, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._clock = clock
        self._views: dict[str, MachineView] = {}
        self._extra: dict[str, _Extra] = {}
        self.slow_creation = False
        """Whether machines stay in phase ``creating`` until :meth:`finish_creation`."""
        self.failure: Exception | None = None
        """Raised by the next call of :meth:`do`."""
        self.tickets: list[tuple[str, Visitor, bool, str]] = []
        """Those that were issued: machine id, visitor, view_only, name."""

    def add(self, view: MachineView) -> MachineView:
        """Put *view* there, as it is."""
        self._views[view.id] = view
        self._extra.setdefault(view.id, _Extra())
        self._hub.publish(Change("machine", view.id))
        return view

    def update(self, ref: str, **changes: Any) -> MachineView:
        """Let a machine change by itself."""
        return self.add(replace(self._found(ref), **changes))

    def say_on_serial(self, ref: str, data: bytes) -> None:
        """Let a machine write to its serial port."""
        self._extra[self._found(ref).id].serial += data

    def restart_serial(self, ref: str, data: bytes) -> None:
        """Let a machine run anew, and write *data* in place of what it wrote before."""
        view = self._found(ref)
        self._extra[view.id].serial = data
        self.update(ref, generation=view.generation + 1)

    def typed_on_serial(self, ref: str) -> bytes:
        """What was written into its serial port."""
        return self._extra[self._found(ref).id].typed

    def set_people(self, ref: str, people: tuple[Person, ...]) -> None:
        """Let *people* look at a machine."""
        machine = self._found(ref).id
        self._extra[machine].people = people
        self._views[machine] = replace(self._views[machine], viewers=len(people))
        self._hub.publish(Change("viewers", machine))

    def finish_creation(self, ref: str) -> MachineView:
        """Let a slow creation come to its end."""
        view = self._found(ref)
        wanted = self._extra[view.id].wanted
        assert wanted is not None
        state = "running" if wanted.start else "stopped"
        return self.update(
            ref,
            phase=Phase.READY,
            state=state,
            can=_CAN[state],
            progress=None,
            generation=int(wanted.start),
        )

    async def list(self) -> tuple[MachineView, ...]:
        """As the contract says."""
        return tuple(sorted(self._views.values(), key=lambda view: view.name))

    async def get(self, ref: str) -> MachineView:
        """As the contract says."""
        return self._found(ref)

    async def create(self, wanted: NewMachine) -> MachineView:
        """As the contract says."""
        there = next((view for view in self._views.values() if view.name == wanted.name), None)
        if there is not None:
            if self._extra[there.id].wanted == wanted:
                return there
            raise Conflict("machine", wanted.name)
        view = self._new_view(wanted)
        self.add(view)
        self._extra[view.id].wanted = wanted
        self._note(view.id, "created", "It was made.")
        if not self.slow_creation:
            self.finish_creation(view.id)
        return view

    def _new_view(self, wanted: NewMachine) -> MachineView:
        sources = [wanted.guest, wanted.iso, wanted.disk, wanted.image]
        if sum(source is not None for source in sources) != 1:
            raise InvalidSpec("name one of guest, iso, disk and image")
        if wanted.guest is not None and wanted.guest not in ("tiny", "desk"):
            raise NotFound("guest", wanted.guest)
        MachineSpec(  # for its checks alone
            name=wanted.name,
            cpus=wanted.cpus or 1,
            memory_mib=wanted.memory_mib or 512,
            cdroms=(),
            kernel=_ANY_KERNEL,
        )
        return machine_view(
            wanted.name,
            id="m-" + secrets.token_hex(5),
            phase=Phase.CREATING,
            state="stopped",
            can=("delete",),
            generation=0,
            progress=Progress("Making the disk", 0, 10),
            source={"kind": "guest", "guest": wanted.guest}
            if wanted.guest
            else {"kind": "iso", "path": wanted.iso, "image": wanted.image},
            cpus=wanted.cpus or 2,
            memory_mib=wanted.memory_mib or 512,
            network=wanted.network or "internet",
            autostart=wanted.autostart,
            at_shutdown=str(wanted.at_shutdown),
            notes=wanted.notes,
            created=self._clock(),
        )

    async def change(self, ref: str, changes: Changes) -> MachineView:
        """As the contract says."""
        view = self._found(ref)
        asked = changes.asked()
        name = asked.get("name", view.name)
        if any(other.name == name for other in self._views.values() if other.id != view.id):
            raise Conflict("machine", name)
        if asked.keys() & {"cpus", "memory_mib", "network", "cdrom", "disk_gib"}:
            self._require(view, "change", ("stopped", "crashed"))
        MachineSpec(
            name=name,
            cpus=asked.get("cpus", 1),
            memory_mib=asked.get("memory_mib", 512),
            kernel=_ANY_KERNEL,
        )
        asked.pop("disk_gib", None)
        return self.update(view.id, **asked, title=name)

    async def delete(self, ref: str) -> None:
        """As the contract says."""
        view = self._found(ref)
        del self._views[view.id]
        del self._extra[view.id]
        self._hub.publish(Change("gone", view.id))

    async def do(
        self,
        verb: str,
        ref: str,
        *,
        graceful: bool = True,
        timeout_s: float = 60.0,
        force: bool = False,
    ) -> MachineView:
        """As the contract says; every fake guest obeys at once."""
        del graceful, timeout_s, force
        view = self._found(ref)
        if verb not in VERBS:
            raise Refused(f"there is no verb {verb!r}", reason="bad_request")
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        goal = _GOAL[verb]
        if verb not in view.can:
            if view.state == goal and verb != "reset":
                return view
            raise StateError(
                f"cannot {verb} the machine {view.name!r}", state=view.state, required="another"
            )
        self._note(view.id, verb, f"{verb} was asked for.")
        return self.update(
            view.id,
            state=goal,
            can=_CAN[goal],
            since=self._clock(),
            generation=view.generation + (verb == "start"),
        )

    async def screenshot(self, ref: str) -> tuple[bytes, str]:
        """As the contract says."""
        self._require(self._found(ref), "take a picture of", ("running", "paused"))
        return SCREEN, "image/png"

    async def thumbnail(self, ref: str, width: int, height: int, known: str | None) -> Thumbnail:
        """As the contract says; a machine's picture changes with its state."""
        view = self._found(ref)
        if view.state not in ("running", "paused"):
            return Thumbnail("", "", None, missing="it is off")
        etag = f"{view.generation}-{view.state}-{width}x{height}"
        return Thumbnail(etag, "image/jpeg", None if known == etag else PICTURE)

    async def ticket(self, ref: str, who: Visitor, *, view_only: bool, name: str) -> str:
        """As the contract says; the ticket opens nothing."""
        view = self._found(ref)
        self.tickets.append((view.id, who, view_only, name))
        return f"fake-ticket-{len(self.tickets)}"

    async def viewers(self, ref: str) -> tuple[Person, ...]:
        """As the contract says."""
        return self._extra[self._found(ref).id].people

    async def serial(self, ref: str, offset: int) -> SerialChunk:
        """As the contract says."""
        data = self._extra[self._found(ref).id].serial
        offset = offset if 0 <= offset <= len(data) else 0
        piece = data[offset : offset + MAX_SERIAL_CHUNK_BYTES]
        return SerialChunk(offset, piece, offset + len(piece), 0)

    async def serial_write(self, ref: str, data: bytes) -> None:
        """As the contract says."""
        view = self._found(ref)
        self._require(view, "type to", ("running",))
        if len(data) > MAX_SERIAL_WRITE_BYTES:
            raise Refused("that is too much at once", reason="body_too_large")
        self._extra[view.id].typed += data

    async def journal(self, ref: str, *, limit: int = 200) -> tuple[JournalEntry, ...]:
        """As the contract says."""
        return tuple(self._extra[self._found(ref).id].journal[-limit:])

    def changes(self) -> AsyncIterator[Change]:
        """As the contract says."""
        return self._hub.listen()

    def _note(self, machine: str, kind: str, text: str) -> None:
        self._extra[machine].journal.append(JournalEntry(self._clock(), kind, text))

    def _found(self, ref: str) -> MachineView:
        for view in self._views.values():
            if ref in (view.id, view.name):
                return view
        raise NotFound("machine", ref)

    @staticmethod
    def _require(view: MachineView, what: str, states: tuple[str, ...]) -> None:
        if view.state not in states:
            raise StateError(
                f"cannot {what} the machine {view.name!r}",
                state=view.state,
                required=" or ".join(states),
            )


class FakeShares:
    """:class:`~webvdi.broker.shares.Shares` in memory."""

    def __init__(
        self, catalogue: FakeCatalogue, hub: ChangeHub, clock: Callable[[], float]
    ) -> None:
        self._catalogue = catalogue
        self._hub = hub
        self._clock = clock
        self._shares: dict[str, ShareView] = {}
        self._tokens: dict[str, str] = {}

    async def create(
        self, machine: str, *, control: bool, expires_in_s: float | None = None, label: str = ""
    ) -> tuple[ShareView, str]:
        """As the contract says."""
        view = await self._catalogue.get(machine)
        lasts = DEFAULT_EXPIRY_S if expires_in_s is None else expires_in_s
        if not 0 < lasts <= MAX_EXPIRY_S:
            raise Refused("a link lasts up to 365 days", reason="bad_request")
        now = self._clock()
        share_id, token = "s-" + secrets.token_hex(5), secrets.token_urlsafe(32)
        share = ShareView(
            share_id, view.id, view.name, control, label, now, now + lasts, 0, revoked=False
        )
        self._shares[share.id] = share
        self._tokens[token] = share.id
        self._hub.publish(Change("share", share.id))
        return share, token

    async def list(self, machine: str | None = None) -> tuple[ShareView, ...]:
        """As the contract says."""
        wanted = None if machine is None else (await self._catalogue.get(machine)).id
        found = [share for share in self._shares.values() if wanted in (None, share.machine)]
        return tuple(reversed(found))

    async def revoke(self, share_id: str) -> None:
        """As the contract says."""
        if share_id not in self._shares:
            raise NotFound("share", share_id)
        self._shares[share_id] = replace(self._shares[share_id], revoked=True)
        self._hub.publish(Change("share", share_id))

    async def find(self, token: str, *, count: bool = False) -> ShareView | None:
        """As the contract says."""
        share = await self.valid(self._tokens.get(token, ""))
        if share is not None and count:
            share = self._shares[share.id] = replace(share, used=share.used + 1)
        return share

    async def valid(self, share_id: str) -> ShareView | None:
        """As the contract says."""
        share = self._shares.get(share_id)
        if share is None or share.revoked or share.expires <= self._clock():
            return None
        known = {view.id for view in await self._catalogue.list()}
        return share if share.machine in known else None


class FakeImages:
    """:class:`~webvdi.broker.images.Images` in memory."""

    def __init__(self, hub: ChangeHub, clock: Callable[[], float]) -> None:
        self._hub = hub
        self._clock = clock
        self._images: dict[str, ImageView] = {}
        self._uploads: dict[str, UploadView] = {}
        self.contents: dict[str, bytes] = {}
        """What has come, by the id of the upload."""
        self.failure: Exception | None = None
        """Raised by :meth:`begin` while it is there."""
        self._count = itertools.count(1)

    def add_image(self, name: str, **changes: Any) -> ImageView:
        """Put an ISO there."""
        view = ImageView(f"i-{next(self._count):010x}", name, "iso", "iso", 1 << 20, NOW, ())
        view = replace(view, **changes)
        self._images[view.id] = view
        self._hub.publish(Change("image", view.id))
        return view

    async def list(self) -> tuple[ImageView, ...]:
        """As the contract says."""
        return tuple(sorted(self._images.values(), key=lambda image: image.name))

    async def delete(self, image: str) -> None:
        """As the contract says."""
        there = self._images.get(image)
        if there is None:
            raise NotFound("image", image)
        if there.in_use_by:
            raise Refused(f"{there.name} is in use", reason="in_use")
        del self._images[image]
        self._hub.publish(Change("image", image))

    async def add(self, path: Path, *, name: str | None = None) -> ImageView:
        """As the contract says, without looking at the file."""
        return self.add_image(name or path.name)

    async def begin(self, name: str, size_bytes: int) -> UploadView:
        """As the contract says."""
        if self.failure is not None:
            raise self.failure
        if size_bytes < 1:
            raise Refused("a file has a size", reason="bad_request")
        clean_name(name)
        if any(image.name == name for image in self._images.values()):
            raise Refused(f"there is an image called {name} already", reason="image_exists")
        upload = UploadView(
            f"u-{next(self._count):010x}", name, size_bytes, 0, self._clock() + 7 * 86400
        )
        self._uploads[upload.id] = upload
        self.contents[upload.id] = b""
        return upload

    async def append(self, upload: str, offset: int, chunks: AsyncIterator[bytes]) -> UploadView:
        """As the contract says; whatever comes is taken for an ISO."""
        there = await self.upload(upload)
        if offset != there.offset:
            raise Refused(f"the next piece goes to offset {there.offset}", reason="upload_offset")
        async for chunk in chunks:
            if there.offset + len(chunk) > there.size_bytes:
                raise Refused("that is more than was announced", reason="body_too_large")
            self.contents[upload] += chunk
            there = replace(there, offset=there.offset + len(chunk))
            self._uploads[upload] = there
        if there.offset == there.size_bytes and there.image is None:
            image = self.add_image(there.name, size_bytes=there.size_bytes)
            there = self._uploads[upload] = replace(there, image=image.id)
        return there

    async def upload(self, upload: str) -> UploadView:
        """As the contract says."""
        if upload not in self._uploads:
            raise NotFound("upload", upload)
        return self._uploads[upload]

    async def uploads(self) -> tuple[UploadView, ...]:
        """As the contract says."""
        return tuple(upload for upload in self._uploads.values() if upload.image is None)

    async def abort(self, upload: str) -> None:
        """As the contract says."""
        await self.upload(upload)
        del self._uploads[upload]


class FakeGuests:
    """:class:`~webvdi.broker.guests.Guests` in memory."""

    def __init__(self, hub: ChangeHub) -> None:
        self._hub = hub
        tiny = GuestView(
            "tiny", "Small desktop", "Starts in seconds.", True, 60 << 20, None, "", 1, 256
        )
        desk = GuestView(
            "desk", "Debian desktop", "Keeps what you do.", False, None, None, "", 2, 1024, 5, 900
        )
        self._guests = {guest.name: guest for guest in (tiny, desk)}
        self.freed = 1 << 20

    def update(self, name: str, **changes: Any) -> GuestView:
        """Let a build go on."""
        guest = self._guests[name] = replace(self._guests[name], **changes)
        self._hub.publish(Change("guest", name))
        return guest

    async def list(self) -> tuple[GuestView, ...]:
        """As the contract says."""
        return tuple(sorted(self._guests.values(), key=lambda guest: guest.name))

    async def build(self, name: str) -> GuestView:
        """As the contract says; it goes on by :meth:`update`."""
        if name not in self._guests:
            raise NotFound("guest", name)
        if self._guests[name].building or self._guests[name].built:
            return self._guests[name]
        return self.update(name, building=Progress("Fetching packages", 0, 100), cancelled=False)

    async def cancel(self, name: str) -> GuestView:
        """As the contract says; it ends at once."""
        if name not in self._guests:
            raise NotFound("guest", name)
        if self._guests[name].building is None:
            raise StateError(f"cannot cancel {name}", state="built", required="being built")
        return self.update(name, building=None, cancelled=True)

    async def prune(self) -> int:
        """As the contract says."""
        freed, self.freed = self.freed, 0
        return freed


class FakeUseCases:
    """:class:`~webvdi.broker.catalogue.UseCases` of nothing real."""

    mode: Literal["service", "view"]

    def __init__(
        self,
        *,
        mode: Literal["service", "view"] = "service",
        clock: Callable[[], float] = lambda: NOW,
    ) -> None:
        self.mode = mode
        self.hub = ChangeHub()
        self.catalogue = FakeCatalogue(self.hub, clock)
        self.shares = FakeShares(self.catalogue, self.hub, clock)
        self.images = FakeImages(self.hub, clock)
        self.guests = FakeGuests(self.hub)

    async def host(self) -> HostView:
        """As the contract says."""
        views = await self.catalogue.list()
        present = [view for view in views if view.state in ("running", "paused")]
        paused = sum(view.state == "paused" for view in present)
        memory = sum(view.memory_mib or 0 for view in present)
        counts = MachineCounts(len(views), len(present) - paused, paused, memory)
        finding = FindingView("kvm", "warning", "There is no KVM here.", "Use a host that has it.")
        return HostView("0.0.0", self.mode, (finding,), counts, 4096, 10 << 30)
