"""Fixed displays, offered as machines are."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.broker_service import KEY, World
from webvdi.base.errors import NotFound, Refused
from webvdi.broker.displays import Display, DisplayService, open_displays
from webvdi.broker.views import Change, Changes, Kind, NewMachine, Visitor
from webvdi.display.endpoint import TcpEndpoint
from webvdi.display.source import PowerOrder
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.wire.to_viewer import MachineState, Role

OFFICE = Display("office", "The PC in the office", TcpEndpoint("192.0.2.7", 5900), "secret")
LAB = Display("lab", "Lab", TcpEndpoint("192.0.2.8", 5900), tls={"anonymous": True})


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[DisplayService]:
    world = World(tmp_path)
    world.places.make()
    async with open_displays([OFFICE, LAB], world.places, KEY, clock=world.clock) as service:
        yield service


async def test_displays_are_listed_and_found_by_name_or_id(service: DisplayService) -> None:
    lab, office = await service.catalogue.list()
    assert (lab.name, lab.kind, lab.can, lab.state) == ("lab", Kind.DISPLAY, (), "running")
    assert office.source == {"kind": "display", "endpoint": "tcp:192.0.2.7:5900"}
    assert await service.catalogue.get("office") == await service.catalogue.get(OFFICE.id)
    with pytest.raises(NotFound):
        await service.catalogue.get("none")
    assert "secret" not in repr(OFFICE)


async def test_the_managed_server_is_told_all_it_needs(service: DisplayService) -> None:
    assert set(await service.catalogue.session_names()) == {OFFICE.id, LAB.id}
    screen = await service.catalogue.screen(OFFICE.id)
    assert screen is not None
    assert (screen.title, screen.password) == ("The PC in the office", "secret")
    assert screen.state is MachineState.CONNECTING
    lab = await service.catalogue.screen(LAB.id)
    assert lab is not None
    assert lab.tls == {"anonymous": True}
    assert await service.catalogue.screen("d-none") is None


async def test_displays_are_not_ours_to_run(service: DisplayService) -> None:
    for attempt in (
        service.catalogue.do("start", "lab"),
        service.catalogue.delete("lab"),
        service.catalogue.change("lab", Changes(notes="x")),
        service.catalogue.create(NewMachine("x", guest="tiny")),
        service.catalogue.serial_write("lab", b"x"),
        service.images.begin("x", 1),
    ):
        with pytest.raises(Refused) as refused:
            await attempt
        assert refused.value.reason == "not_ours"
    assert (await service.catalogue.serial("lab", 5)).data == b""
    assert await service.catalogue.journal("lab") == ()
    assert await service.images.list() == ()
    assert await service.guests.list() == ()
    assert (await service.host()).mode == "view"


async def test_a_display_that_takes_orders_can_be_stopped_and_reset(
    service: DisplayService, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[str, PowerOrder]] = []

    async def order(session: str, order: PowerOrder) -> bool:
        given.append((session, order))
        return session == LAB.id

    monkeypatch.setattr(service.sessions, "order_power", order)
    changes = service.hub.listen()
    service.sessions._event({"event": "power", "session": LAB.id, "offered": True})
    assert await anext(changes) == Change("machine", LAB.id)
    assert (await service.catalogue.get("lab")).can == ("stop", "reset")
    assert (await service.catalogue.get("office")).can == ()

    await service.catalogue.do("stop", "lab")
    await service.catalogue.do("reset", "lab")
    assert given == [(LAB.id, PowerOrder.SHUTDOWN), (LAB.id, PowerOrder.RESET)]
    with pytest.raises(Refused, match="offers no power control") as refused:
        await service.catalogue.do("reset", "office")
    assert refused.value.reason == "not_ours"
    with pytest.raises(Refused, match="by force"):
        await service.catalogue.do("stop", "lab", graceful=False)
    with pytest.raises(Refused, match="only shows"):
        await service.catalogue.do("kill", "lab")

    service.sessions._event({"event": "power", "session": LAB.id, "offered": False})
    assert (await service.catalogue.get("lab")).can == ()


async def test_how_its_link_is_is_told_and_not_that_it_runs(service: DisplayService) -> None:
    def hear(link: object) -> None:
        service.sessions._event({"event": "link", "session": LAB.id, "link": link})

    changes = service.hub.listen()
    assert (await service.catalogue.get("lab")).link is None
    for state, link, detail in (
        (MachineState.CONNECTING, "connecting", ""),
        (MachineState.LIVE, "live", ""),
        (MachineState.LOST, "unreachable", "no route"),
        (MachineState.FAILED, "unreachable", "no such security type"),
    ):
        hear({"state": int(state), "detail": detail})
        assert await anext(changes) == Change("machine", LAB.id)
        view = await service.catalogue.get("lab")
        assert (view.link, view.detail) == (link, detail)
    hear({"state": int(MachineState.CREDENTIALS), "detail": "password retry"})
    view = await service.catalogue.get("lab")
    assert (view.link, view.detail) == ("password", "")
    hear(None)
    assert (await service.catalogue.get("lab")).link is None
    assert (await service.catalogue.get("office")).link is None


async def test_displays_can_be_shared(service: DisplayService) -> None:
    share, token = await service.shares.create("office", control=False)
    assert (share.machine, share.machine_name) == (OFFICE.id, "office")
    assert await service.shares.find(token) == share
    await service.shares.revoke(share.id)
    assert await service.shares.find(token) is None
    assert await service.catalogue.revoked() == [share.id]


async def test_without_a_managed_server_there_is_no_ticket(
    service: DisplayService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.sessions, "_patience_s", 0.01)
    with pytest.raises(ServerUnavailable):
        await service.catalogue.ticket(
            "lab", Visitor("owner", Role.OWNER), view_only=False, name=""
        )
