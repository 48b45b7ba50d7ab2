"""One suite for every implementation of the broker's use cases, the fake included."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.broker_service import World, iso
from support.fake_catalogue import FakeUseCases
from webvdi.base.errors import Conflict, NotFound, Refused, StateError
from webvdi.broker.catalogue import MAX_SERIAL_WRITE_BYTES, UseCases
from webvdi.broker.service import Service
from webvdi.broker.views import Change, Changes, MachineView, NewMachine, Phase
from webvdi.vmm.errors import InvalidSpec

TINY = NewMachine("one", guest="tiny", network="none")


@pytest.fixture(params=["service", "fake"])
async def use_cases(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[UseCases]:
    if request.param == "fake":
        yield FakeUseCases()
        return
    async with World(tmp_path).service() as service:
        yield service


async def made(use_cases: UseCases, wanted: NewMachine = TINY) -> MachineView:
    listening = use_cases.catalogue.changes()
    view = await use_cases.catalogue.create(wanted)
    while view.phase is Phase.CREATING:
        await anext(listening)
        view = await use_cases.catalogue.get(view.id)
    if isinstance(use_cases, Service):
        view = await use_cases.catalogue.settled(view.id)
    return view


async def test_a_machine_is_made_listed_and_found_by_id_and_name(use_cases: UseCases) -> None:
    view = await made(use_cases)
    assert (view.phase, view.state, view.name) == (Phase.READY, "running", "one")
    assert view.id.startswith("m-")
    assert len(view.id) == 12
    assert view.source == {"kind": "guest", "guest": "tiny"}
    assert await use_cases.catalogue.list() == (view,)
    assert await use_cases.catalogue.get("one") == await use_cases.catalogue.get(view.id) == view
    with pytest.raises(NotFound):
        await use_cases.catalogue.get("")


async def test_making_is_idempotent_by_name_and_wish(use_cases: UseCases) -> None:
    view = await made(use_cases)
    assert (await use_cases.catalogue.create(TINY)).id == view.id
    with pytest.raises(Conflict):
        await use_cases.catalogue.create(replace(TINY, memory_mib=99))


@pytest.mark.parametrize(
    ("wanted", "error"),
    [
        (NewMachine("one"), InvalidSpec),
        (NewMachine("-", guest="tiny"), InvalidSpec),
        (NewMachine("one", guest="none"), NotFound),
        (NewMachine("one", guest="tiny", memory_mib=1), InvalidSpec),
    ],
)
async def test_nonsense_is_refused(
    use_cases: UseCases, wanted: NewMachine, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await use_cases.catalogue.create(wanted)
    assert await use_cases.catalogue.list() == ()


async def test_verbs_do_what_they_say_and_fit_what_is_said(use_cases: UseCases) -> None:
    await made(use_cases)
    for verb, state in (
        ("pause", "paused"),
        ("resume", "running"),
        ("save", "saved"),
        ("start", "running"),
        ("reset", "running"),
        ("stop", "stopped"),
        ("start", "running"),
        ("kill", "stopped"),
    ):
        assert verb in (await use_cases.catalogue.get("one")).can
        assert (await use_cases.catalogue.do(verb, "one")).state == state
    assert (await use_cases.catalogue.do("stop", "one")).state == "stopped"  # a repeat
    assert "pause" not in (await use_cases.catalogue.get("one")).can
    with pytest.raises(StateError):
        await use_cases.catalogue.do("pause", "one")
    with pytest.raises(Refused):
        await use_cases.catalogue.do("explode", "one")
    with pytest.raises(NotFound):
        await use_cases.catalogue.do("start", "none")


async def test_settings_change_as_far_as_the_state_allows(use_cases: UseCases) -> None:
    await made(use_cases)
    await made(use_cases, replace(TINY, name="other"))
    view = await use_cases.catalogue.change("one", Changes(name="new", notes="n", autostart=1))
    assert (view.name, view.title, view.notes, view.autostart) == ("new", "new", "n", 1)
    assert "set" not in view.can
    with pytest.raises(StateError):
        await use_cases.catalogue.change("new", Changes(cpus=2))
    with pytest.raises(Conflict):
        await use_cases.catalogue.change("new", Changes(name="other"))
    view = await use_cases.catalogue.do("stop", "new")
    assert "set" in view.can
    view = await use_cases.catalogue.change("new", Changes(cpus=2, autostart=None))
    assert (view.cpus, view.autostart) == (2, None)
    with pytest.raises(InvalidSpec):
        await use_cases.catalogue.change("new", Changes(memory_mib=1))


async def test_deleting_is_told_and_final(use_cases: UseCases) -> None:
    view = await made(use_cases)
    listening = use_cases.catalogue.changes()
    await use_cases.catalogue.delete("one")
    while await anext(listening) != Change("gone", view.id):
        pass
    assert await use_cases.catalogue.list() == ()
    with pytest.raises(NotFound):
        await use_cases.catalogue.delete("one")


async def test_the_journal_grows(use_cases: UseCases) -> None:
    await made(use_cases)
    await use_cases.catalogue.do("pause", "one")
    entries = await use_cases.catalogue.journal("one")
    assert entries[0].kind == "created"
    assert len(entries) >= 2
    assert await use_cases.catalogue.journal("one", limit=1) == entries[-1:]


async def test_pictures_need_a_screen(use_cases: UseCases) -> None:
    await made(use_cases)
    picture, media_type = await use_cases.catalogue.screenshot("one")
    assert media_type == "image/png"
    assert picture.startswith(b"\x89PNG")
    await use_cases.catalogue.do("stop", "one")
    with pytest.raises(StateError):
        await use_cases.catalogue.screenshot("one")
    thumbnail = await use_cases.catalogue.thumbnail("one", 320, 200, None)
    assert (thumbnail.data, thumbnail.etag) == (None, "")
    assert thumbnail.missing


async def test_the_serial_port_has_bounds(use_cases: UseCases) -> None:
    await made(use_cases)
    chunk = await use_cases.catalogue.serial("one", 999)
    assert (chunk.offset, chunk.data, chunk.next_offset) == (0, b"", 0)
    await use_cases.catalogue.serial_write("one", b"x")
    with pytest.raises(Refused) as refused:
        await use_cases.catalogue.serial_write("one", b"x" * (MAX_SERIAL_WRITE_BYTES + 1))
    assert refused.value.reason == "body_too_large"


async def test_shares_live_and_end(use_cases: UseCases) -> None:
    view = await made(use_cases)
    share, token = await use_cases.shares.create("one", control=True, label="Kim")
    assert (share.machine, share.machine_name, share.used) == (view.id, "one", 0)
    found = await use_cases.shares.find(token, count=True)
    assert found is not None
    assert found.used == 1
    assert await use_cases.shares.find("x") is None
    assert await use_cases.shares.valid(share.id) is not None
    await use_cases.shares.revoke(share.id)
    assert await use_cases.shares.valid(share.id) is None
    assert [one.revoked for one in await use_cases.shares.list("one")] == [True]
    with pytest.raises(NotFound):
        await use_cases.shares.revoke("s-none")
    with pytest.raises(Refused):
        await use_cases.shares.create("one", control=False, expires_in_s=0)


async def test_uploads_are_resumed_and_become_images(use_cases: UseCases, tmp_path: Path) -> None:
    data = iso(tmp_path / "a.iso").read_bytes()

    async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    upload = await use_cases.images.begin("a.iso", len(data))
    upload = await use_cases.images.append(upload.id, 0, pieces(data[:100]))
    assert upload.offset == 100
    assert await use_cases.images.uploads() == (upload,)
    with pytest.raises(Refused) as refused:
        await use_cases.images.append(upload.id, 50, pieces(b"x"))
    assert refused.value.reason == "upload_offset"
    upload = await use_cases.images.append(upload.id, 100, pieces(data[100:]))
    assert (await use_cases.images.upload(upload.id)).image == upload.image
    (image,) = await use_cases.images.list()
    assert (image.id, image.kind) == (upload.image, "iso")
    await use_cases.images.delete(image.id)
    with pytest.raises(NotFound):
        await use_cases.images.delete(image.id)
    with pytest.raises(Refused):
        await use_cases.images.begin("a.iso", 0)


async def test_guests_are_listed(use_cases: UseCases) -> None:
    names = [guest.name for guest in await use_cases.guests.list()]
    assert "tiny" in names
    assert names == sorted(names)
    with pytest.raises(NotFound):
        await use_cases.guests.build("none")
