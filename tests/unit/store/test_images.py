"""Queries about images and uploads."""

from dataclasses import replace
from pathlib import Path

from webvdi.store import ImageRecord, UploadRecord, open_database

IMAGE = ImageRecord("i-1", "debian.iso", "iso", "iso", 5 << 30, 10.0)
UPLOAD = UploadRecord("u-1", "disk.qcow2", 1 << 40, 11.0, None)


async def test_the_life_of_images_and_uploads(tmp_path: Path) -> None:
    async with open_database(tmp_path / "db") as records, records.write() as q:
        await q.add_image(IMAGE)
        await q.add_upload(UPLOAD)
        assert await q.images() == (IMAGE,)
        assert await q.image("i-1") == IMAGE
        assert await q.image("u-1") is None
        assert await q.uploads() == (UPLOAD,)
        await q.set_upload("u-1", image="i-2", touched=12.0)
        assert await q.upload("u-1") == replace(UPLOAD, image="i-2", touched=12.0)
        for _ in range(2):
            await q.remove_image("i-1")
            await q.remove_upload("u-1")
        assert await q.images() == ()
        assert await q.uploads() == ()
