"""Machines over REST: what the broker is asked, what comes back, what is kept back."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from support.fake_catalogue import PICTURE, SCREEN
from support.portal import TestPortal
from webvdi.broker.views import Person, Thumbnail

API = "/api/v1/machines"


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    portal = TestPortal(tmp_path)
    portal.add("a", notes="mine", detail="a word", cdrom="/isos/a.iso", autostart=1)
    return portal


@pytest.fixture
def owner(portal: TestPortal) -> TestClient:
    return portal.owner()


def reason(answer: object) -> object:
    return answer.json()["reason"]  # type: ignore[attr-defined]


def test_a_machine_is_found_by_name_and_id(portal: TestPortal, owner: TestClient) -> None:
    by_name = owner.get(f"{API}/a").json()
    assert owner.get(f"{API}/{by_name['id']}").json() == by_name
    assert owner.get(API).json() == [by_name]
    assert by_name["source"] == {"kind": "guest", "guest": "tiny"}
    assert by_name["disks"][0]["path"] == "/state/files/a/home.img"


def test_a_machine_is_made_once(owner: TestClient) -> None:
    wanted = {"name": "new", "guest": "tiny", "cpus": 2, "notes": "n"}
    made = owner.post(API, json=wanted)
    assert made.status_code == 202
    assert made.json()["phase"] == "creating"
    assert owner.post(API, json=wanted).json()["id"] == made.json()["id"]
    other = owner.post(API, json={**wanted, "cpus": 3})
    assert (other.status_code, reason(other)) == (409, "conflict")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "-x", "guest": "tiny"}, "name"),
        ({"guest": "tiny"}, "name"),
        ({"name": "x", "guest": "tiny", "cpus": 0}, "cpus"),
        ({"name": "x", "guest": "tiny", "memory": 5}, "memory"),
        ({"name": "x", "guest": "tiny", "disk_mode": "magic"}, "disk_mode"),
    ],
)
def test_a_wrong_wish_names_the_field(
    owner: TestClient, wrong: dict[str, object], field: str
) -> None:
    answer = owner.post(API, json=wrong)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert answer.json()["detail"].startswith(f"{field} ")


@pytest.mark.parametrize("body", [b"{", b"[]", b"1", b""])
def test_what_is_no_object_is_refused(owner: TestClient, body: bytes) -> None:
    answer = owner.post(API, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, reason(answer)) == (422, "invalid")


def test_a_form_is_no_json(owner: TestClient) -> None:
    answer = owner.post(API, content=b'{"name": "x", "guest": "tiny"}')
    assert answer.status_code == 422


@pytest.mark.parametrize("field", ["iso", "disk"])
def test_files_of_the_host_are_named_only_on_the_host(
    portal: TestPortal, owner: TestClient, field: str
) -> None:
    wanted = {"name": "x", field: "/etc/shadow"}
    answer = owner.post(API, json=wanted)
    assert (answer.status_code, reason(answer)) == (403, "host_paths")
    assert portal.command_line().post(API, json=wanted).status_code == 202


def test_so_is_the_disc_in_the_drive(portal: TestPortal, owner: TestClient) -> None:
    portal.add("off", state="stopped")
    image = portal.use_cases.images.add_image("x.iso").id
    answer = owner.patch(f"{API}/off", json={"cdrom": "/etc/shadow"})
    assert (answer.status_code, reason(answer)) == (403, "host_paths")
    assert owner.patch(f"{API}/off", json={"cdrom": image}).status_code == 200
    assert owner.patch(f"{API}/off", json={"cdrom": None}).status_code == 200
    local = portal.command_line().patch(f"{API}/off", json={"cdrom": "/isos/b.iso"})
    assert local.status_code == 200


def test_changes_are_made_or_refused(portal: TestPortal, owner: TestClient) -> None:
    assert owner.patch(f"{API}/a", json={"notes": "new"}).json()["notes"] == "new"
    answer = owner.patch(f"{API}/a", json={"cpus": 4})
    assert (answer.status_code, reason(answer)) == (409, "state")
    assert answer.json()["state"] == "running"
    assert owner.patch(f"{API}/nowhere", json={}).status_code == 404


def test_actions_wait_and_answer_the_new_state(owner: TestClient) -> None:
    assert owner.post(f"{API}/a/actions/pause").json()["state"] == "paused"
    stop = owner.post(f"{API}/a/actions/stop", json={"graceful": False, "timeout_s": 1})
    assert stop.json()["state"] == "stopped"
    refused = owner.post(f"{API}/a/actions/pause")
    assert (refused.status_code, reason(refused)) == (409, "state")
    assert owner.post(f"{API}/a/actions/explode").status_code == 422
    for no_time in (1e9, False, "60"):
        assert owner.post(f"{API}/a/actions/stop", json={"timeout_s": no_time}).status_code == 422


def test_delete(owner: TestClient) -> None:
    assert owner.delete(f"{API}/a").status_code == 204
    answer = owner.get(f"{API}/a")
    assert (answer.status_code, reason(answer)) == (404, "not_found")
    assert owner.delete(f"{API}/a").status_code == 404


def test_screenshots(owner: TestClient) -> None:
    answer = owner.get(f"{API}/a/screenshot")
    assert answer.content == SCREEN
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "no-store"


def test_a_thumbnail_that_is_known_is_not_sent_again(owner: TestClient) -> None:
    path = f"{API}/a/thumbnail?width=100&height=50"
    first = owner.get(path)
    assert first.content == PICTURE
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"] == "private, no-cache"
    etag = first.headers["etag"]
    assert etag.startswith('"')
    for known in (etag, f"W/{etag}", f'"x", {etag}'):
        again = owner.get(path, headers={"If-None-Match": known})
        assert again.status_code == 304
        assert again.content == b""
        assert again.headers["etag"] == etag
    other = owner.get(path, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_where_there_is_no_picture_the_answer_is_empty(
    portal: TestPortal, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: object) -> Thumbnail:
        return Thumbnail("", "", None, "it is off")

    monkeypatch.setattr(portal.use_cases.catalogue, "thumbnail", none)
    answer = owner.get(f"{API}/a/thumbnail")
    assert answer.status_code == 204
    assert answer.content == b""


@pytest.mark.parametrize("query", ["width=0", "height=5000", "width=x"])
def test_thumbnails_have_a_size(owner: TestClient, query: str) -> None:
    assert owner.get(f"{API}/a/thumbnail?{query}").status_code == 422


def test_who_looks(portal: TestPortal, owner: TestClient) -> None:
    portal.use_cases.catalogue.set_people("a", (Person(1, "Ada", "observer", False, 5.0),))
    assert owner.get(f"{API}/a/viewers").json() == [
        {"viewer": 1, "name": "Ada", "role": "observer", "controls": False, "since": 5.0}
    ]


def test_the_serial_port(portal: TestPortal, owner: TestClient) -> None:
    portal.use_cases.catalogue.say_on_serial("a", b"login: \xff")
    answer = owner.get(f"{API}/a/serial?offset=3")
    assert answer.content == b"in: \xff"
    assert answer.headers["webvdi-offset"] == "3"
    assert answer.headers["webvdi-next-offset"] == "8"
    assert answer.headers["webvdi-start"] == "0"
    assert owner.post(f"{API}/a/serial", content=b"root\n").status_code == 204
    assert portal.use_cases.catalogue.typed_on_serial("a") == b"root\n"
    assert owner.post(f"{API}/a/serial", content=bytes(4097)).status_code == 413
    assert owner.post(f"{API}/a/serial", content=b"").status_code == 400
    assert owner.get(f"{API}/a/serial?offset=-1").status_code == 422


def test_the_journal(owner: TestClient) -> None:
    owner.post(f"{API}/a/actions/stop")
    (entry,) = owner.get(f"{API}/a/journal?limit=1").json()
    assert set(entry) == {"when", "kind", "text"}
    assert owner.get(f"{API}/a/journal?limit=0").status_code == 422


# ---------------------------------------------------------------- tickets


class Tickets:
    """Notes which tickets are asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str | None, bool, str, float | None]] = []

    async def ticket(self, ref: str, who: object, *, view_only: bool, name: str) -> str:
        from webvdi.broker.views import Visitor

        assert isinstance(who, Visitor)
        kind = who.subject.split(":")[0]
        self.asked.append((kind, who.role, who.share, view_only, name, who.until))
        return "the ticket"


@pytest.fixture
def tickets(portal: TestPortal, monkeypatch: pytest.MonkeyPatch) -> Tickets:
    tickets = Tickets()
    monkeypatch.setattr(portal.use_cases.catalogue, "ticket", tickets.ticket)
    return tickets


def test_the_owners_ticket(owner: TestClient, tickets: Tickets) -> None:
    answer = owner.post(f"{API}/a/ticket", json={"name": " Grace\n"})
    assert answer.json() == {"ticket": "the ticket", "title": "a"}
    owner.post(f"{API}/a/ticket", json={"view_only": True})
    assert [asked[:5] for asked in tickets.asked] == [
        ("owner", 3, None, False, "Grace"),
        ("owner", 3, None, True, ""),
    ]
    assert tickets.asked[0][5] == pytest.approx(1_800_000_000 + 30 * 24 * 3600)


@pytest.mark.parametrize("control", [True, False])
def test_a_share_gives_no_more_than_it_says(
    portal: TestPortal, tickets: Tickets, control: bool
) -> None:
    client = portal.guest("a", control=control, name="Ada")
    client.post(f"{API}/a/ticket", json={})
    client.post(f"{API}/a/ticket", json={"view_only": True, "name": "Eve"})
    (_, role, share, view_only, name, until), second = tickets.asked
    assert role == (2 if control else 1)
    assert share is not None
    assert view_only is not control
    assert name == "Ada"
    assert until == 1_800_000_000 + 24 * 3600
    assert second[3] is True
    assert second[4] == "Eve"


# ---------------------------------------------------------------- what visitors see


def test_visitors_see_their_machine_without_what_is_the_owners(portal: TestPortal) -> None:
    portal.add("b")
    client = portal.guest("a")
    (seen,) = client.get(API).json()
    assert seen == client.get(f"{API}/a").json()
    assert (seen["name"], seen["state"], seen["title"]) == ("a", "running", "a")
    hidden = ("source", "can", "detail", "disks", "notes", "cdrom", "autostart")
    assert not any(seen[name] for name in hidden)
    assert "/state" not in client.get(API).text


def test_other_machines_are_as_unknown_ones(portal: TestPortal) -> None:
    view = portal.add("b")
    client = portal.guest("a")
    unknown = client.get(f"{API}/c")
    for ref in ("b", view.id):
        answer = client.get(f"{API}/{ref}")
        assert answer.status_code == unknown.status_code == 404
        assert answer.json() == {**unknown.json(), "detail": f"there is no machine named {ref!r}"}
