"""The Managed Server as its callers see it: real router, real workers, fake screens."""

import base64
import io
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.screens import FakeScreen
from support.server import Server, managed_server, until
from webvdi.link.control_face import ControlFailed
from webvdi.wire.from_viewer import Key
from webvdi.wire.to_viewer import MachineState, Reason, Role

SOON_S = 3.0
"""One second is promised, and a few hundredths are usual; a host under load gets the rest."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with managed_server(tmp_path) as running:
        yield running


@pytest.fixture
async def screen(tmp_path: Path) -> AsyncIterator[FakeScreen]:
    shown = FakeScreen(tmp_path / "screen")
    await shown.open()
    yield shown
    await shown.close()


def decoded(answer: dict[str, object]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    image = Image.open(io.BytesIO(base64.b64decode(str(answer["data"]))))
    assert image.get_format_mimetype() == answer["media_type"]
    assert image.size == (answer["width"], answer["height"])
    return np.asarray(image.convert("RGB"))


# ---------------------------------------------------------------- pictures


async def test_a_machine_that_nobody_watches_has_a_picture_by_a_glance(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    await screen.paint(80)
    answer = await server.picture("demo", width=32, height=32)
    assert (answer["media_type"], answer["width"], answer["height"]) == ("image/jpeg", 32, 24)
    assert (abs(decoded(answer).astype(int) - 80) <= 2).all()
    assert (screen.links, screen.updates) == (1, 1)
    known = answer["version"]
    again = await server.picture("demo", width=32, height=32, known=known)
    assert again == {"id": again["id"], "unchanged": True}
    assert (screen.links_made, screen.updates) == (1, 1)


async def test_the_whole_picture_is_exact(server: Server, screen: FakeScreen) -> None:
    screen.pixels[:, :, :3] = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    await server.show("demo", screen)
    answer = await server.picture("demo", width=0, height=0)
    assert answer["media_type"] == "image/png"
    assert np.array_equal(decoded(answer), screen.pixels[:, :, 2::-1])


async def test_a_watched_machines_picture_is_its_own_mirror_and_no_second_link(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    await server.picture("demo", width=32, height=32)
    watcher = await server.watch(server.ticket("demo"))
    await until(lambda: watcher.picture.last_update, "pixels")
    await until(lambda: screen.links == 1, "the glance to let go")
    await screen.paint(40)
    await until(lambda: watcher.picture.rgb[0, 0, 0] == 40, "news")
    made = screen.links_made
    answer = await server.picture("demo", width=64, height=48)
    assert (abs(decoded(answer).astype(int) - 40) <= 2).all()
    assert (screen.links, screen.links_made) == (1, made)


async def test_why_there_is_no_picture_is_said(
    server: Server, screen: FakeScreen, tmp_path: Path
) -> None:
    await server.show("off", screen)
    await server.control.request(
        "set_state", session="off", state=MachineState.OFF, detail="shut down by its guest"
    )
    assert (await server.picture("off"))["none"] == "shut down by its guest"
    with pytest.raises(ControlFailed, match="no session named 'nothing'"):
        await server.picture("nothing")
    with pytest.raises(ControlFailed, match="sides"):
        await server.picture("off", width=0, height=9)
    assert screen.links_made == 0


async def test_a_machine_that_comes_back_has_pictures_again(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    first = await server.picture("demo", width=32, height=32)
    await server.control.request("set_state", session="demo", state=MachineState.OFF, detail="off")
    await until(lambda: screen.links == 0, "the link to be let go")
    await screen.paint(9)
    await server.show("demo", screen, generation="2")
    second = await server.picture("demo", width=32, height=32)
    assert (abs(decoded(second).astype(int) - 9) <= 2).all()
    assert second["version"] != first["version"]


async def test_the_lookouts_death_costs_pictures_a_moment_and_viewers_nothing(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    await server.show("watched", screen)
    watcher = await server.watch(server.ticket("watched"))
    await until(lambda: len(server.workers()) == 2, "a worker and a spare")
    before = server.workers()
    await server.picture("demo", width=32, height=32)
    (lookout,) = server.workers() - before
    os.kill(lookout, signal.SIGKILL)
    await until(lambda: lookout not in server.workers(), "its end")
    with pytest.raises(ControlFailed, match="in a moment"):
        await server.picture("demo", width=32, height=32)
    assert not watcher.ended.is_set()


# ---------------------------------------------------------------- people


def counted(server: Server) -> list[dict[str, Any]]:
    """The events that tell how many look."""
    return [event for event in server.events if event["event"] == "viewers"]


async def test_who_looks_is_told(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    began = time.time()
    watcher = await server.watch(server.ticket("demo", Role.CONTROLLER, "s", name="Aki"))
    await until(lambda: watcher.picture.last_update, "pixels")
    await watcher.say(Key(watcher.number, True, 97, 30))
    await until(lambda: (4, 1, 97) in screen.heard, "the key")
    seen = [{"event": "viewers", "session": "demo", "count": 1}]
    await until(lambda: len(counted(server)) == 2, "news of control")
    assert counted(server) == seen * 2
    (person,) = (await server.control.request("viewers", session="demo"))["people"]
    assert began - 1 < person.pop("since") < time.time() + 1
    assert person == {"viewer": 1, "name": "Aki", "role": Role.CONTROLLER, "controls": True}
    watcher.link.close()
    await until(lambda: counted(server)[-1]["count"] == 0, "its leaving")
    assert (await server.control.request("viewers", session="demo"))["people"] == []


async def test_a_dead_workers_people_are_gone(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    await until(lambda: len(server.workers()) == 1, "the spare")
    (worker,) = server.workers()
    await server.watch(server.ticket("demo"))
    await until(lambda: counted(server), "its coming")
    os.kill(worker, signal.SIGKILL)
    await until(lambda: counted(server)[-1]["count"] == 0, "news of the loss")


# ---------------------------------------------------------------- power


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[FakeScreen]:
    screen = FakeScreen(tmp_path / "bench", power=True)
    await screen.open()
    yield screen
    await screen.close()


async def test_a_display_that_takes_orders_is_known_and_obeys(
    server: Server, bench: FakeScreen
) -> None:
    await server.show("bench", bench)
    # Nobody looks: a link is made for the order.
    answer = await server.control.request("power", session="bench", order="reset")
    assert answer["done"] is True
    await until(lambda: (250, 4) in bench.heard, "the order")
    offered = {"event": "power", "session": "bench", "offered": True}
    await until(lambda: offered in server.events, "news of the offer")
    (told,) = (await server.control.request("sessions"))["sessions"]
    assert told["power"] is True

    await server.watch(server.ticket("bench"))  # another worker takes over, and offers anew
    await until(lambda: server.events.count(offered) == 2, "the new offer")
    await server.control.request("power", session="bench", order="shutdown")
    await until(lambda: (250, 2) in bench.heard, "the other order")
    await server.control.request("set_state", session="bench", state=3, detail="")
    await until(
        lambda: [e for e in server.events if e["event"] == "power"][-1]["offered"] is False,
        "news of its end",
    )


async def test_a_display_that_takes_no_orders_gets_none(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    answer = await server.control.request("power", session="demo", order="shutdown")
    assert answer["done"] is False
    with pytest.raises(ControlFailed, match="explode"):
        await server.control.request("power", session="demo", order="explode")
    assert not [one for one in screen.heard if one[0] == 250]
    assert not [event for event in server.events if event["event"] == "power"]


# ---------------------------------------------------------------- links


async def test_how_a_display_can_be_reached_is_told_while_it_matters(
    server: Server, bench: FakeScreen, tmp_path: Path
) -> None:
    def told(session: str) -> list[object]:
        links = [
            e["link"] for e in server.events if e["event"] == "link" and e["session"] == session
        ]
        return [link and link["state"] for link in links]

    await server.show("bench", bench)
    endpoint = f"unix:{tmp_path / 'nobody'}"
    await server.control.request(
        "open_session", session="dead", title="dead", endpoint=endpoint, generation="1"
    )
    assert not told("bench")  # nobody looks, nothing is known
    for session in ("bench", "dead"):
        await server.control.request("picture", session=session, width=64, height=64, known=None)
    assert told("bench")[:2] == [MachineState.CONNECTING, MachineState.LIVE]
    await until(lambda: MachineState.LOST in told("dead"), "news of the loss")
    sessions = (await server.control.request("sessions"))["sessions"]
    links = {one["name"]: one["link"] for one in sessions}
    assert links["bench"] == {"state": MachineState.LIVE, "detail": ""}
    assert str(tmp_path / "nobody") in links["dead"]["detail"]
    await server.control.request("close_session", session="dead")
    await until(lambda: told("dead")[-1] is None, "news that it is no matter any more")


# ---------------------------------------------------------------- rights that end


async def test_a_revoked_share_ends_within_a_second_and_opens_nothing_any_more(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    owner = await server.watch(server.ticket("demo"))
    guest = await server.watch(server.ticket("demo", Role.CONTROLLER, "g", share="s-1"))
    away = await server.watch(server.ticket("demo", Role.OBSERVER, "h", share="s-1"))
    other = await server.watch(server.ticket("demo", Role.OBSERVER, "i", share="s-2"))
    unused = server.ticket("demo", Role.CONTROLLER, "g", share="s-1")
    away.link.close()
    await until(lambda: guest.picture.last_update, "pixels")
    await guest.say(Key(guest.number, True, 97, 30))
    await until(lambda: (4, 1, 97) in screen.heard, "the key")

    began = time.monotonic()
    await server.control.request("revoke", share="s-1")
    await guest.ended.wait()
    assert time.monotonic() - began < SOON_S
    assert guest.picture.farewell is not None
    assert guest.picture.farewell.reason is Reason.REVOKED
    assert "revoked" in guest.picture.farewell.message
    await until(lambda: (4, 0, 97) in screen.heard, "the key to go up")

    for gone in (guest, away):
        assert gone.picture.welcome is not None
        back = await server.resume(gone.picture.welcome.resume_key)
        assert back.picture.farewell is not None
        assert back.picture.farewell.reason is Reason.REVOKED
    late = await server.watch(unused)
    assert late.picture.farewell is not None
    assert late.picture.farewell.reason is Reason.REVOKED
    assert not owner.ended.is_set()
    assert not other.ended.is_set()


async def test_a_revocation_survives_the_worker(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    await until(lambda: len(server.workers()) == 1, "the spare")
    (worker,) = server.workers()
    guest = await server.watch(server.ticket("demo", Role.OBSERVER, "g", share="s"))
    unused = server.ticket("demo", Role.OBSERVER, "g", share="s")
    os.kill(worker, signal.SIGKILL)
    await guest.ended.wait()
    await server.control.request("revoke", share="s")
    back = await server.watch(unused)
    assert back.picture.farewell is not None
    assert back.picture.farewell.reason is Reason.REVOKED


async def test_access_ends_when_its_time_is_over(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    ends = time.time() + 1
    guest = await server.watch(server.ticket("demo", Role.OBSERVER, "g", share="s", until=ends))
    assert guest.picture.welcome is not None
    await guest.ended.wait()
    assert 0 <= time.time() - ends < SOON_S
    assert guest.picture.farewell is not None
    assert guest.picture.farewell.reason is Reason.REVOKED
    assert "over" in guest.picture.farewell.message
    back = await server.resume(guest.picture.welcome.resume_key)
    assert back.picture.farewell is not None
    assert back.picture.farewell.reason is Reason.REVOKED


# ---------------------------------------------------------------- memory


async def test_a_restarted_router_knows_its_sessions_and_refuses_older_tickets(
    server: Server, screen: FakeScreen
) -> None:
    await server.show("demo", screen)
    early = server.ticket("demo", share="s")
    await server.stop()
    await server.start()
    (known,) = (await server.control.request("sessions"))["sessions"]
    assert (known["name"], known["title"]) == ("demo", "Demo")
    late = await server.watch(early)
    assert late.picture.farewell is not None
    assert late.picture.farewell.reason is Reason.TICKET_INVALID
    watcher = await server.watch(server.ticket("demo"))
    await until(lambda: watcher.picture.last_update, "pixels")


async def test_a_closed_session_says_farewell(server: Server, screen: FakeScreen) -> None:
    await server.show("demo", screen)
    watcher = await server.watch(server.ticket("demo"))
    await server.control.request("close_session", session="demo")
    await watcher.ended.wait()
    assert watcher.picture.farewell is not None
    assert watcher.picture.farewell.reason is Reason.SESSION_ENDED
    assert (await server.control.request("sessions"))["sessions"] == []


async def test_what_a_broker_misspells_is_said(server: Server) -> None:
    for op, says in (
        ("dance", "no operation 'dance'"),
        ("picture", "lacks or misspells 'session'"),
        ("revoke", "lacks or misspells 'share'"),
        ("open_session", "lacks or misspells 'session'"),
    ):
        with pytest.raises(ControlFailed, match=says):
            await server.control.request(op)
