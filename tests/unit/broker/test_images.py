"""Images and uploads: resumed, bounded, checked, never half there."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.broker_service import World, iso, raw_disk
from webvdi.base.errors import Conflict, NotFound, Refused
from webvdi.broker import images as images_module
from webvdi.broker import turns
from webvdi.broker.image_files import Checked, check, clean_name, free_name
from webvdi.broker.images import MAX_UPLOADS, UPLOAD_LIFETIME_S
from webvdi.broker.service import Service
from webvdi.broker.views import Change, Changes, DiskMode, NewMachine, UploadView
from webvdi.store import ImageRecord
from webvdi.store.database import Queries
from webvdi.store.errors import StoreUnavailable
from webvdi.vmm.errors import CapacityExceeded, DiskError
from webvdi.vmm.machine import DiskFormat
from webvdi.vmm.qemu import images


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture
async def service(world: World) -> AsyncIterator[Service]:
    async with world.service() as service:
        yield service


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece


async def breaks_off(*data: bytes) -> AsyncIterator[bytes]:
    for piece in data:
        yield piece
    raise ConnectionResetError("the browser went away")


def content(tmp_path: Path) -> bytes:
    return iso(tmp_path / "content.iso").read_bytes()


async def uploaded(service: Service, name: str, data: bytes) -> UploadView:
    upload = await service.images.begin(name, len(data))
    return await service.images.append(upload.id, 0, pieces(data))


async def test_an_upload_in_pieces_becomes_an_image(
    service: Service, tmp_path: Path, world: World
) -> None:
    data = content(tmp_path)
    listening = service.catalogue.changes()
    upload = await service.images.begin("my os.iso", len(data))
    assert (upload.offset, upload.image) == (0, None)
    upload = await service.images.append(upload.id, 0, pieces(data[:1000], data[1000:5000]))
    assert upload.offset == 5000
    assert await service.images.uploads() == (upload,)
    upload = await service.images.append(upload.id, 5000, pieces(data[5000:]))
    assert upload.image is not None
    (image,) = await service.images.list()
    assert (image.id, image.name, image.kind) == (upload.image, "my os.iso", "iso")
    assert service.images.path(image.id).read_bytes() == data
    assert await service.images.uploads() == ()
    assert await service.images.upload(upload.id) == upload  # whose answer was lost asks again
    assert await anext(listening) == Change("image", image.id)


async def test_an_upload_goes_on_after_a_lost_connection_and_a_restart(
    world: World, tmp_path: Path
) -> None:
    data = content(tmp_path)
    async with world.service() as service:
        upload = await service.images.begin("os.iso", len(data))
        with pytest.raises(ConnectionResetError):
            await service.images.append(upload.id, 0, breaks_off(data[:100], data[100:300]))
        assert (await service.images.upload(upload.id)).offset == 300
    async with world.service() as service:
        assert (await service.images.upload(upload.id)).offset == 300
        done = await service.images.append(upload.id, 300, pieces(data[300:]))
        assert done.image


async def test_a_piece_at_the_wrong_place_is_refused_with_the_right_one(
    service: Service, tmp_path: Path
) -> None:
    data = content(tmp_path)
    upload = await service.images.begin("os.iso", len(data))
    await service.images.append(upload.id, 0, pieces(data[:10]))
    for offset in (0, 11):
        with pytest.raises(Refused, match="goes to offset 10") as refused:
            await service.images.append(upload.id, offset, pieces(data[10:]))
        assert refused.value.reason == "upload_offset"


class Hanging:
    """A connection that broke without a word: *data* came, and nothing follows."""

    def __init__(self, *data: bytes) -> None:
        self._data = data
        self.silent = asyncio.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        for piece in self._data:
            yield piece
        self.silent.set()
        await asyncio.Event().wait()


async def test_a_new_connection_takes_over_from_one_that_hangs(
    service: Service, tmp_path: Path
) -> None:
    data = content(tmp_path)
    upload = await service.images.begin("os.iso", len(data))
    hanging = Hanging(data[:100])
    writing = asyncio.Task(service.images.append(upload.id, 0, hanging.pieces()))
    await hanging.silent.wait()
    assert (await service.images.append(upload.id, 100, pieces(data[100:]))).image
    with pytest.raises(Conflict):
        await writing


async def test_an_upload_whose_connection_hangs_can_be_given_up(
    service: Service, world: World
) -> None:
    upload = await service.images.begin("os.iso", 1000)
    hanging = Hanging(b"x")
    writing = asyncio.Task(service.images.append(upload.id, 0, hanging.pieces()))
    await hanging.silent.wait()
    await service.images.abort(upload.id)
    with pytest.raises(Conflict):
        await writing
    assert list((world.state / "uploads").iterdir()) == []


async def test_a_connection_that_brings_nothing_is_ended(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "SILENCE_S", 0.01)
    upload = await service.images.begin("os.iso", 1000)
    with pytest.raises(Refused, match="nothing came"):
        await service.images.append(upload.id, 0, Hanging(b"x").pieces())
    assert (await service.images.upload(upload.id)).offset == 1


async def test_a_whole_file_is_finished_however_its_connection_ends(
    service: Service, tmp_path: Path
) -> None:
    data = content(tmp_path)
    upload = await service.images.begin("os.iso", len(data))
    assert (await service.images.append(upload.id, 0, breaks_off(data))).image


async def test_nobody_interferes_with_a_file_that_is_being_checked(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(tmp_path)
    upload = await service.images.begin("os.iso", len(data))
    begun, go_on = asyncio.Event(), asyncio.Event()
    really = check

    async def slowly(path: Path, name: str) -> Checked:
        begun.set()
        await go_on.wait()
        return await really(path, name)

    monkeypatch.setattr(images_module, "check", slowly)
    writing = asyncio.Task(service.images.append(upload.id, 0, pieces(data)))
    await begun.wait()
    writing.cancel()  # whoever sent it hung up
    with pytest.raises(asyncio.CancelledError):
        await writing
    aborting = asyncio.Task(service.images.abort(upload.id))
    await asyncio.wait([aborting], timeout=0.05)
    assert not aborting.done()
    go_on.set()
    await aborting
    assert [image.name for image in await service.images.list()] == ["os.iso"]


async def test_a_check_ends_with_the_service(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(tmp_path)
    begun = asyncio.Event()

    async def never(path: Path, name: str) -> Checked:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    with monkeypatch.context() as patched:
        patched.setattr(images_module, "check", never)
        async with world.service() as service:
            upload = await service.images.begin("os.iso", len(data))
            writing = asyncio.Task(service.images.append(upload.id, 0, pieces(data)))
            await begun.wait()
        with pytest.raises(asyncio.CancelledError):
            await writing
    async with world.service() as service:
        assert (await service.images.upload(upload.id)).image


async def test_more_than_was_announced_is_refused(service: Service, tmp_path: Path) -> None:
    upload = await service.images.begin("os.iso", 10)
    with pytest.raises(Refused) as refused:
        await service.images.append(upload.id, 0, pieces(b"x" * 8, b"x" * 8))
    assert refused.value.reason == "body_too_large"
    assert (await service.images.upload(upload.id)).offset == 8


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"just some text" * 100, "x.iso is no disk image"),
        (b"KDMV" + b"\0" * 2000, "VMware"),
        (b"QFI\xfb" + b"\0" * 2000, "qcow"),
    ],
)
async def test_what_is_neither_iso_nor_disk_is_not_kept(
    service: Service, world: World, data: bytes, words: str
) -> None:
    with pytest.raises(DiskError, match=words):
        await uploaded(service, "x.iso", data)
    assert await service.images.list() == ()
    assert await service.images.uploads() == ()
    assert list((world.state / "uploads").iterdir()) == []


async def test_a_refusal_calls_the_file_what_the_person_does(
    service: Service, world: World, tmp_path: Path
) -> None:
    good = tmp_path / "good.qcow2"
    await images.create_blank(good, 1 << 20)
    head = good.read_bytes()
    bad_tables = head[:40] + b"\xff" * 8 + head[48:]
    encrypted = head[:32] + b"\0\0\0\1" + head[36:]
    for name, data, words in (
        ("no.img", b"text" * 1000, r"no\.img is no disk image: .*"),
        (
            "my disk.vmdk",
            b"KDMV" + bytes(2000),
            r"my disk\.vmdk is a VMware disk .*convert -O qcow2 'my disk\.vmdk' 'my disk\.qcow2'",
        ),
        ("bad.qcow2", bad_tables, r"bad\.qcow2 cannot be used: .*"),
        ("old.qcow2", b"QFI\xfb" + bytes(2000), r"old\.qcow2 cannot be used: .*"),
        ("locked.qcow2", encrypted, r"locked\.qcow2 is encrypted, .*"),
    ):
        with pytest.raises(DiskError) as refused:
            await uploaded(service, name, data)
        assert re.fullmatch(words, str(refused.value))
        assert re.search(r"[ui]-[0-9a-f]{10}", str(refused.value)) is None
        assert str(world.root) not in str(refused.value)


async def test_a_disk_that_leads_to_other_files_is_refused(
    service: Service, tmp_path: Path
) -> None:
    base, overlay = tmp_path / "base.qcow2", tmp_path / "overlay.qcow2"
    await images.create_blank(base, 1 << 20)
    await images.create_overlay(overlay, base, DiskFormat.QCOW2)
    with pytest.raises(DiskError, match=r"base\.qcow2"):
        await uploaded(service, "overlay.qcow2", overlay.read_bytes())
    assert (await uploaded(service, "base.qcow2", base.read_bytes())).image


async def test_a_whole_file_that_a_crash_left_is_finished(world: World, tmp_path: Path) -> None:
    data = content(tmp_path)
    async with world.service() as service:
        upload = await service.images.begin("os.iso", len(data))
    (world.state / "uploads" / upload.id).write_bytes(data)
    async with world.service() as service:
        done = await service.images.upload(upload.id)
        assert done.image is not None
        async with service._records.write() as q:  # as if the crash came before the record
            await q.remove_image(done.image)
            await q.set_upload(upload.id, image=None)
    async with world.service() as service:
        assert (await service.images.upload(upload.id)).image == done.image
        assert len(await service.images.list()) == 1


async def test_files_that_no_record_names_are_removed(world: World) -> None:
    async with world.service():
        pass
    (world.state / "uploads" / "u-stray").write_bytes(b"x")
    (world.state / "images" / "i-stray").write_bytes(b"x")
    async with world.service():
        assert list((world.state / "uploads").iterdir()) == []
        assert list((world.state / "images").iterdir()) == []


async def test_an_image_whose_record_stays_keeps_its_file(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = (await uploaded(service, "os.iso", content(tmp_path))).image
    assert image is not None
    really = Queries.remove_image

    async def removed_but_not_kept(q: Queries, image: str) -> None:
        await really(q, image)
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Queries, "remove_image", removed_but_not_kept)
        with pytest.raises(StoreUnavailable):
            await service.images.delete(image)
    assert [one.id for one in await service.images.list()] == [image]
    assert service.images.path(image).exists()
    await service.images.delete(image)
    assert not service.images.path(image).exists()


async def test_a_whole_file_that_cannot_be_recorded_yet_is_not_swept_away(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.service() as service:
        upload = await uploaded(service, "os.iso", content(tmp_path))
        assert upload.image is not None
        async with service._records.write() as q:  # as if the crash came before the record
            await q.remove_image(upload.image)
            await q.set_upload(upload.id, image=None)

    async def refused(q: Queries, record: ImageRecord) -> None:
        raise StoreUnavailable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Queries, "add_image", refused)
        async with world.service():
            pass
    async with world.service() as service:
        assert [one.id for one in await service.images.list()] == [upload.image]


async def test_unfinished_uploads_are_bounded_and_end(service: Service, world: World) -> None:
    for _ in range(MAX_UPLOADS):
        await service.images.begin("os.iso", 10)
    with pytest.raises(Refused) as refused:
        await service.images.begin("os.iso", 10)
    assert refused.value.reason == "too_many_uploads"
    world.clock.now += UPLOAD_LIFETIME_S + 1
    await service.images.begin("os.iso", 10)
    assert len(await service.images.uploads()) == 1
    assert len(list((world.state / "uploads").iterdir())) == 1


async def test_what_does_not_fit_is_refused_before_it_comes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.images, "_free_bytes", lambda path: 2 << 30)
    await service.images.begin("os.iso", 1 << 30)
    with pytest.raises(CapacityExceeded, match=r"1024 MiB .* 2048 MiB are free .*1024 MiB are"):
        await service.images.begin("os.iso", 1 << 30)


async def test_no_two_images_have_one_name(service: Service, world: World, tmp_path: Path) -> None:
    data = content(tmp_path)
    slower = await service.images.begin("os.iso", len(data))
    image = (await uploaded(service, "os.iso", data)).image
    assert image is not None
    with pytest.raises(Refused, match=r"called os\.iso already; delete it") as refused:
        await service.images.begin("os.iso", len(data))
    assert refused.value.reason == "image_exists"
    with pytest.raises(Refused, match="already"):
        await service.images.add(iso(tmp_path / "os.iso"))
    # What was under way already is not thrown away.
    await service.images.append(slower.id, 0, pieces(data))
    assert [view.name for view in await service.images.list()] == ["os (2).iso", "os.iso"]
    await service.images.delete(image)
    await uploaded(service, "os.iso", data)


@pytest.mark.parametrize(
    ("name", "taken", "free"),
    [
        ("a.iso", set(), "a.iso"),
        ("a.iso", {"a.iso", "a (2).iso"}, "a (3).iso"),
        ("noend", {"noend"}, "noend (2)"),
        (".iso", {".iso"}, ".iso (2)"),
        ("x" * 124 + ".iso", {"x" * 124 + ".iso"}, "x" * 120 + " (2).iso"),
        ("." + "y" * 127, {"." + "y" * 127}, "." + "y" * 123 + " (2)"),
    ],
)
def test_a_name_that_is_taken_gets_a_number(name: str, taken: set[str], free: str) -> None:
    assert free_name(name, taken) == free


async def test_an_upload_can_be_given_up(service: Service, world: World) -> None:
    upload = await service.images.begin("os.iso", 10)
    await service.images.abort(upload.id)
    with pytest.raises(NotFound):
        await service.images.upload(upload.id)
    assert list((world.state / "uploads").iterdir()) == []


async def test_an_image_that_a_machine_needs_stays(service: Service, tmp_path: Path) -> None:
    image = (await uploaded(service, "os.iso", content(tmp_path))).image
    assert image is not None
    await service.catalogue.create(NewMachine("one", image=image, start=False))
    view = await service.catalogue.settled("one")
    assert view.cdrom == str(service.images.path(image))
    assert (await service.images.list())[0].in_use_by == ("one",)
    with pytest.raises(Refused, match="needed by one") as refused:
        await service.images.delete(image)
    assert refused.value.reason == "in_use"
    await service.catalogue.change("one", Changes(cdrom=None))
    await service.images.delete(image)
    assert await service.images.list() == ()
    with pytest.raises(NotFound):
        await service.catalogue.change("one", Changes(cdrom=image))


async def test_a_copied_image_is_free_again_and_an_overlaid_one_is_not(
    service: Service, tmp_path: Path
) -> None:
    image = (await service.images.add(raw_disk(tmp_path / "os.img"))).id
    for mode in (DiskMode.COPY, DiskMode.OVERLAY):
        wanted = NewMachine(str(mode), image=image, disk_mode=mode, start=False)
        await service.catalogue.create(wanted)
        await service.catalogue.settled(str(mode))
    assert (await service.images.list())[0].in_use_by == ("overlay",)


async def test_a_file_of_this_host_is_added(service: Service, tmp_path: Path) -> None:
    image = await service.images.add(raw_disk(tmp_path / "os.img"), name="mine")
    assert (image.name, image.kind, image.format) == ("mine", "disk", "raw")
    assert await service.images.uploads() == ()
    with pytest.raises(DiskError, match=r"nothing\.img cannot be read"):
        await service.images.add(tmp_path / "nothing.img")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("os.iso", "os.iso"),
        ("../../etc/passwd", "passwd"),
        ("C:\\isos\\win.iso", "win.iso"),
        ("a\nb\0c", "a b c"),
        ("日本語.iso", "日本語.iso"),
        ("x" * 500, "x" * 128),
    ],
)
def test_names_are_made_harmless(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize("name", ["", "/", "..", " \n"])
def test_names_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(Refused, match="no name") as refused:
        clean_name(name)
    assert refused.value.reason == "bad_name"
