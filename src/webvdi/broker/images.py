"""ISO and disk files in our keeping, and how they come here: uploads that survive anything.

::

    STATE/uploads/u-…    what has come of a file; its size is the offset of the next piece
    STATE/images/i-…     whole files, checked, never changed

The record of an upload is there before its file and goes after it.  A finished upload is renamed,
then recorded as an image: a crash in between is finished when the state is opened next.  The record
of an image goes before its file, so that none lacks its file; files that no record names are
removed when the state is opened.
"""

import asyncio
import contextlib
import logging
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

from webvdi.base.errors import NotFound, Refused, WebvdiError
from webvdi.base.tasks import TaskOwner
from webvdi.broker.disk_files import MIB, SPARE_BYTES
from webvdi.broker.image_files import (
    check,
    clean_name,
    free_name,
    image_of,
    look,
    make_private,
    move_whole,
    pieces_of,
    remove,
    remove_others,
    write_all,
)
from webvdi.broker.turns import Turn, Turns
from webvdi.broker.views import ImageView, UploadView
from webvdi.store import Database, ImageRecord, UploadRecord
from webvdi.vmm.errors import CapacityExceeded, DiskError

logger = logging.getLogger(__name__)

MAX_UPLOADS = 8
"""Unfinished ones at a time."""
UPLOAD_LIFETIME_S = 7 * 24 * 3600.0
"""After its last piece, an unfinished upload is dropped."""


class Images(Protocol):
    """The images and the uploads under way."""

    async def list(self) -> tuple[ImageView, ...]:
        """The images, sorted by name."""
        ...

    async def delete(self, image: str) -> None:
        """Remove an image (by id).

        Raises ``NotFound``, and ``Refused`` (reason ``in_use``) naming the machines that need it.
        """
        ...

    async def add(self, path: Path, *, name: str | None = None) -> ImageView:
        """Copy a file of this host into our keeping, checked as an upload is."""
        ...

    async def begin(self, name: str, size_bytes: int) -> UploadView:
        """Announce a file.

        Raises ``CapacityExceeded`` without room for it, ``Refused`` (``too_many_uploads``,
        ``bad_request``: it is empty, ``bad_name``, ``image_exists``: an image has this name).
        """
        ...

    async def append(self, upload: str, offset: int, chunks: AsyncIterator[bytes]) -> UploadView:
        """Add *chunks* at *offset*, as they come; what came before a failure is kept.

        An append that is under way gives way, and ends with ``Conflict``.  One that hears nothing
        for a minute ends with ``Refused``.

        The last byte finishes the upload: it is checked, and becomes an image, whose id the answer
        has; where another got its name meanwhile, the image's has a number.  A file that is neither
        ISO nor disk, or a disk that needs other files, is removed: ``DiskError``.  Raises
        ``NotFound``, ``Conflict``, ``Refused`` (reason ``upload_offset``: the message and
        :attr:`UploadView.offset` of :meth:`upload` have the right one; ``body_too_large``: more
        bytes than announced).
        """
        ...

    async def upload(self, upload: str) -> UploadView:
        """How far an upload is."""
        ...

    async def uploads(self) -> tuple[UploadView, ...]:
        """The unfinished ones."""
        ...

    async def abort(self, upload: str) -> None:
        """Forget an upload, and what has come of it; a finished one's image stays.

        An append that is under way ends with ``Conflict``.  Raises ``NotFound``.
        """
        ...


class ImageShelf:
    """:class:`Images` in a state directory."""

    def __init__(
        self,
        records: Database,
        state: Path,
        on_change: Callable[[str], None],
        *,
        clock: Callable[[], float] = time.time,
        free_bytes: Callable[[Path], int] = lambda path: shutil.disk_usage(path).free,
    ) -> None:
        self._records = records
        self._images = state / "images"
        self._uploads = state / "uploads"
        self._on_change = on_change
        self._clock = clock
        self._free_bytes = free_bytes
        self._turns = Turns()
        self._finishing = asyncio.Lock()
        self._tasks = TaskOwner("images")

    async def open(self) -> None:
        """Make the directories; finish, and drop, what earlier processes left."""
        for directory in (self._images, self._uploads):
            await asyncio.to_thread(make_private, directory)
        await self._drop_old()
        async with self._records.read() as q:
            uploads = await q.uploads()
        for record in uploads:
            if record.image is None and await self._offset(record) == record.size_bytes:
                with contextlib.suppress(WebvdiError):  # it is removed then; the next look tells
                    await self._finish(record)
        await self._sweep()

    async def _sweep(self) -> None:
        """Remove files that no record names; those of uploads are named in either place."""
        async with self._records.read() as q:
            uploads, images = await q.uploads(), await q.images()
        parts = {record.id for record in uploads}
        await asyncio.to_thread(remove_others, self._uploads, parts)
        unrecorded = {image_of(record.id) for record in uploads if record.image is None}
        whole = {record.id for record in images} | unrecorded
        await asyncio.to_thread(remove_others, self._images, whole)

    async def close(self) -> None:
        """End checks under way; the next one to open the state finishes those uploads."""
        await self._tasks.close()

    def path(self, image: str) -> Path:
        """Where the file of an image is."""
        return self._images / image

    async def find(self, image: str) -> ImageRecord:
        """The record of an image.  Raises ``NotFound``."""
        async with self._records.read() as q:
            record = await q.image(image)
        if record is None:
            raise NotFound("image", image)
        return record

    async def list(self) -> tuple[ImageView, ...]:
        """As the contract says."""
        async with self._records.read() as q:
            records, machines = await q.images(), await q.machines()
        return tuple(
            ImageView(
                id=record.id,
                name=record.name,
                kind="iso" if record.kind == "iso" else "disk",
                format=record.format,
                size_bytes=record.size_bytes,
                created=record.created,
                in_use_by=tuple(m.name for m in machines if record.id in m.images),
            )
            for record in records
        )

    async def delete(self, image: str) -> None:
        """As the contract says."""
        async with self._records.write() as q:
            record = await q.image(image)
            if record is None:
                raise NotFound("image", image)
            users = [m.name for m in await q.machines() if image in m.images]
            if users:
                raise Refused(
                    f"{record.name} is needed by {', '.join(users)}; delete the machine first, or "
                    "take it out of its drive",
                    reason="in_use",
                )
            await q.remove_image(image)
        # Only now: a record that came back would have no file.
        await asyncio.to_thread(remove, self.path(image))
        self._on_change(image)

    async def add(self, path: Path, *, name: str | None = None) -> ImageView:
        """As the contract says."""
        try:
            file = await asyncio.to_thread(path.open, "rb")
        except OSError as error:
            raise DiskError(f"{path} cannot be read: {error.strerror}") from error
        with file:
            size = await asyncio.to_thread(file.seek, 0, 2)
            await asyncio.to_thread(file.seek, 0)
            upload = await self.begin(name or path.name, size)
            try:
                done = await self.append(upload.id, 0, pieces_of(file))
            finally:
                await asyncio.shield(self._drop(upload.id))
        assert done.image is not None, "as many bytes came as were announced"
        return next(image for image in await self.list() if image.id == done.image)

    async def begin(self, name: str, size_bytes: int) -> UploadView:
        """As the contract says."""
        if size_bytes < 1:
            raise Refused("an empty file is no image", reason="bad_request")
        await self._drop_old()
        record = UploadRecord(
            f"u-{secrets.token_hex(5)}", clean_name(name), size_bytes, self._clock(), None
        )
        async with self._records.write() as q:
            if any(image.name == record.name for image in await q.images()):
                raise Refused(
                    f"there is an image called {record.name} already; delete it first, or give "
                    "this file another name",
                    reason="image_exists",
                )
            unfinished = [other for other in await q.uploads() if other.image is None]
            if len(unfinished) >= MAX_UPLOADS:
                raise Refused(
                    f"{MAX_UPLOADS} uploads are under way already; finish or abort one of them",
                    reason="too_many_uploads",
                )
            promised = sum([u.size_bytes - await self._offset(u) for u in unfinished])
            self._require_space(size_bytes, promised)
            await q.add_upload(record)
        await asyncio.to_thread((self._uploads / record.id).touch, 0o600)
        return self._view(record, 0)

    async def append(self, upload: str, offset: int, chunks: AsyncIterator[bytes]) -> UploadView:
        """As the contract says."""
        turn = await self._turns.take(upload)
        finishing: asyncio.Task[None] | None = None
        failures: list[WebvdiError] = []
        try:
            record = await self._record(upload)
            there = await self._offset(record)
            if offset != there:
                raise Refused(
                    f"the next piece of {record.name} goes to offset {there}, not {offset}",
                    reason="upload_offset",
                )
            if record.image is not None:
                return self._view(record, there)
            try:
                there = await self._write(record, there, chunks, turn)
            finally:
                await self._touch(upload)
            if there < record.size_bytes:
                return self._view(record, there)
            # Whoever sent it may hang up: the check goes on, and the next look tells.
            finishing = self._tasks.start(
                _or_failure(self._finish(record), failures), name=f"finish {upload}"
            )
            await asyncio.shield(finishing)
        finally:
            if finishing is None:
                turn.leave()
            else:
                finishing.add_done_callback(lambda _: turn.leave())
        if failures:
            raise failures[0]
        return await self.upload(upload)

    async def upload(self, upload: str) -> UploadView:
        """As the contract says."""
        record = await self._record(upload)
        return self._view(record, await self._offset(record))

    async def uploads(self) -> tuple[UploadView, ...]:
        """As the contract says."""
        async with self._records.read() as q:
            records = await q.uploads()
        return tuple([self._view(r, await self._offset(r)) for r in records if r.image is None])

    async def abort(self, upload: str) -> None:
        """As the contract says."""
        turn = await self._turns.take(upload)
        try:
            await self._record(upload)
            await self._drop(upload)
        finally:
            turn.leave()

    async def _write(
        self, record: UploadRecord, offset: int, chunks: AsyncIterator[bytes], turn: Turn
    ) -> int:
        """Add what comes; the new offset.  What was written stays, whatever happens."""
        file = await asyncio.to_thread((self._uploads / record.id).open, "ab", buffering=0)
        try:
            while True:
                try:
                    chunk = await turn.next_piece(chunks)
                except Exception:
                    if offset < record.size_bytes:
                        raise
                    break  # all is here: how the connection ends matters to nobody
                if chunk is None:
                    break
                if offset + len(chunk) > record.size_bytes:
                    raise Refused(
                        f"{record.name} was announced with {record.size_bytes} bytes; more came",
                        reason="body_too_large",
                    )
                await _to_the_end(write_all, file, chunk, record.name)
                offset += len(chunk)
        finally:
            await asyncio.to_thread(file.close)
        return offset

    async def _finish(self, record: UploadRecord) -> None:
        """Check a complete file, and make an image of it.  May be repeated."""
        async with self._finishing:
            record = await self._record(record.id)
            if record.image is None:
                await self._make_image(record)

    async def _make_image(self, record: UploadRecord) -> None:
        image = image_of(record.id)
        part, whole = self._uploads / record.id, self.path(image)
        if not await asyncio.to_thread(whole.exists):
            try:
                await check(part, record.name)
            except DiskError:
                await self._drop(record.id)
                raise
            await asyncio.to_thread(move_whole, part, whole)
        found = await asyncio.to_thread(look, whole, record.name)
        async with self._records.write() as q:
            if await q.image(image) is None:
                taken = {other.name for other in await q.images()}
                await q.add_image(
                    ImageRecord(
                        image,
                        free_name(record.name, taken),
                        found.kind,
                        found.format,
                        record.size_bytes,
                        self._clock(),
                    )
                )
            await q.set_upload(record.id, image=image)
        self._on_change(image)

    async def _record(self, upload: str) -> UploadRecord:
        async with self._records.read() as q:
            record = await q.upload(upload)
        if record is None:
            raise NotFound("upload", upload)
        return record

    async def _offset(self, record: UploadRecord) -> int:
        """How much of it is here: the file itself tells."""
        if record.image is not None:
            return record.size_bytes
        try:
            return (await asyncio.to_thread((self._uploads / record.id).stat)).st_size
        except FileNotFoundError:
            renamed = self.path(image_of(record.id))
            return record.size_bytes if await asyncio.to_thread(renamed.exists) else 0

    async def _touch(self, upload: str) -> None:
        async with self._records.write() as q:
            await q.set_upload(upload, touched=self._clock())

    async def _drop(self, upload: str) -> None:
        """Forget an upload with its file; an image that came of it stays."""
        await asyncio.to_thread((self._uploads / upload).unlink, missing_ok=True)
        async with self._records.write() as q:
            await q.remove_upload(upload)

    async def _drop_old(self) -> None:
        async with self._records.read() as q:
            records = await q.uploads()
        for record in records:
            if record.touched + UPLOAD_LIFETIME_S < self._clock() and record.id not in self._turns:
                await self._drop(record.id)

    def _require_space(self, size_bytes: int, promised: int) -> None:
        free = self._free_bytes(self._uploads)
        if size_bytes + promised + SPARE_BYTES > free:
            beside = f" ({promised // MIB} MiB are promised to other uploads)" if promised else ""
            raise CapacityExceeded(
                f"there is no room for {size_bytes // MIB} MiB in {self._uploads}: "
                f"{free // MIB} MiB are free{beside}, and {SPARE_BYTES // MIB} MiB must stay free"
            )

    @staticmethod
    def _view(record: UploadRecord, offset: int) -> UploadView:
        return UploadView(
            id=record.id,
            name=record.name,
            size_bytes=record.size_bytes,
            offset=offset,
            expires=record.touched + UPLOAD_LIFETIME_S,
            image=record.image,
        )


async def _or_failure(work: Coroutine[Any, Any, None], failures: list[WebvdiError]) -> None:
    """Do *work*; what is wrong is for who waits for it, if anybody still does, and no bug."""
    try:
        await work
    except WebvdiError as error:
        failures.append(error)


async def _to_the_end(function: Callable[..., None], *arguments: object) -> None:
    """Run *function* in a thread; a cancellation waits for it, so that nothing is written later."""
    running = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
