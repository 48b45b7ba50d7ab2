"""Queries about images and uploads."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from webvdi.store.records import ImageRecord, UploadRecord
from webvdi.store.schema import images, uploads


class ImageQueries:
    """Queries about images and uploads, on the connection of a transaction."""

    _connection: AsyncConnection

    async def images(self) -> tuple[ImageRecord, ...]:
        """All images, sorted by name."""
        query = sa.select(images).order_by(images.c.name, images.c.id)
        return tuple(ImageRecord(**row) for row in (await self._run(query)).mappings())

    async def image(self, image: str) -> ImageRecord | None:
        """The image with this id."""
        row = (await self._run(sa.select(images).where(images.c.id == image))).mappings().first()
        return None if row is None else ImageRecord(**row)

    async def add_image(self, record: ImageRecord) -> None:
        """Keep a new image."""
        await self._run(images.insert().values(**asdict(record)))

    async def remove_image(self, image: str) -> None:
        """Forget an image; a repeat does nothing."""
        await self._run(images.delete().where(images.c.id == image))

    async def uploads(self) -> tuple[UploadRecord, ...]:
        """All uploads, finished ones too."""
        rows = (await self._run(sa.select(uploads).order_by(uploads.c.id))).mappings()
        return tuple(UploadRecord(**row) for row in rows)

    async def upload(self, upload: str) -> UploadRecord | None:
        """The upload with this id."""
        query = sa.select(uploads).where(uploads.c.id == upload)
        row = (await self._run(query)).mappings().first()
        return None if row is None else UploadRecord(**row)

    async def add_upload(self, record: UploadRecord) -> None:
        """Keep a new upload."""
        await self._run(uploads.insert().values(**asdict(record)))

    async def set_upload(self, upload: str, **changes: Any) -> None:
        """Change some columns of an upload."""
        await self._run(uploads.update().where(uploads.c.id == upload).values(**changes))

    async def remove_upload(self, upload: str) -> None:
        """Forget an upload; a repeat does nothing."""
        await self._run(uploads.delete().where(uploads.c.id == upload))

    async def _run(self, statement: Any) -> sa.CursorResult[Any]:
        result: sa.CursorResult[Any] = await self._connection.execute(statement)
        return result
