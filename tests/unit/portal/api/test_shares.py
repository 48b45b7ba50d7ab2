"""Share links over REST: made, used, revoked."""

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from support.portal import TestPortal


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    portal = TestPortal(tmp_path)
    portal.add("a")
    return portal


def test_a_link_is_made_and_its_secret_told_once(portal: TestPortal) -> None:
    owner = portal.owner()
    wanted = {"control": True, "expires_in_s": 3600, "label": "Ada"}
    answer = owner.post("/api/v1/machines/a/shares", json=wanted)
    made = answer.json()
    assert answer.status_code == 201
    assert made["path"].startswith("join#")
    assert made["url"] == f"http://127.0.0.1:8470/{made['path']}"
    assert made["share"]["expires"] == portal.now + 3600
    listed = owner.get("/api/v1/shares?machine=a")
    assert listed.json() == [made["share"]]
    assert made["path"].removeprefix("join#") not in listed.text
    local = portal.command_line().post("/api/v1/machines/a/shares", json={})
    assert local.json()["url"].startswith("http://here:8470/join#")


@pytest.mark.parametrize("lasts", [0, -1, 366 * 24 * 3600, "x"])
def test_how_long_a_link_lasts_is_bounded(portal: TestPortal, lasts: object) -> None:
    wanted = {"expires_in_s": lasts}
    answer = portal.owner().post("/api/v1/machines/a/shares", json=wanted)
    assert answer.status_code == 422


def test_coming_in_by_a_link(portal: TestPortal) -> None:
    client = portal.stranger()
    token = portal.link("a", control=False)
    answer = client.post("/api/v1/join", json={"token": token, "name": " Ada\n"})
    machine = portal.owner().get("/api/v1/machines/a").json()["id"]
    assert answer.json() == {"machine": machine}
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("webvdi_8470_share=")
    assert "HttpOnly" in cookie
    assert "Max-Age=86400" in cookie
    me = client.get("/api/v1/me").json()
    assert (me["role"], me["name"]) == ("observer", "Ada")
    assert me["share"]["machine"] == machine
    assert me["subject"].startswith("share:")
    (share,) = portal.owner().get("/api/v1/shares").json()
    assert share["used"] == 1


def test_who_comes_again_is_the_same_person_and_others_are_not(portal: TestPortal) -> None:
    token = portal.link("a", control=True)

    def subject(client: TestClient, token: str, name: str) -> str:
        assert client.post("/api/v1/join", json={"token": token, "name": name}).status_code == 200
        return str(client.get("/api/v1/me").json()["subject"])

    ada, bob = portal.stranger(), portal.stranger()
    first = subject(ada, token, "Ada")
    assert subject(ada, token, "Ada L.") == first
    assert subject(bob, token, "Bob") != first
    assert subject(ada, portal.link("a", control=True), "Ada") != first


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 512])
def test_a_wrong_link_lets_nobody_in(portal: TestPortal, token: str) -> None:
    answer = portal.stranger().post("/api/v1/join", json={"token": token})
    assert answer.status_code == 403
    assert answer.json()["reason"] == "share_invalid"
    assert "set-cookie" not in answer.headers


async def test_a_revoked_link_ends_what_it_allowed(portal: TestPortal) -> None:
    client = portal.guest("a", control=True)
    (share,) = portal.owner().get("/api/v1/shares").json()
    assert client.get("/api/v1/machines/a").status_code == 200
    assert portal.owner().delete(f"/api/v1/shares/{share['id']}").status_code == 204
    assert client.get("/api/v1/machines/a").status_code == 401
    assert portal.owner().delete("/api/v1/shares/nowhere").status_code == 404


def test_an_ended_link_lets_nobody_in(portal: TestPortal) -> None:
    token = portal.link("a", control=False, expires_in_s=60)
    client = portal.stranger()
    assert client.post("/api/v1/join", json={"token": token}).status_code == 200
    portal.now += 61
    assert client.get("/api/v1/me").status_code == 401
    assert portal.stranger().post("/api/v1/join", json={"token": token}).status_code == 403


def test_the_owner_who_tries_a_link_stays_the_owner(portal: TestPortal) -> None:
    client = portal.owner()
    token = portal.link("a", control=False)
    assert client.post("/api/v1/join", json={"token": token}).status_code == 200
    assert client.get("/api/v1/me").json()["role"] == "owner"


async def test_links_to_several_machines_live_beside_each_other(portal: TestPortal) -> None:
    portal.add("one")
    portal.add("two")
    browser = portal.stranger()
    for machine in ("one", "two"):
        token = portal.link(machine, control=machine == "one")
        assert browser.post("/api/v1/join", json={"token": token, "name": "Ada"}).is_success
    for machine in ("one", "two"):
        assert browser.get(f"/api/v1/machines/{machine}").json()["name"] == machine
        assert browser.get(f"/view?m={machine}").status_code == 200
    assert browser.get("/api/v1/me").json()["role"] == "observer"  # by the newest link
    assert browser.get("/api/v1/me?machine=one").json()["role"] == "controller"
    two = next(s for s in await portal.use_cases.shares.list() if s.machine_name == "two")
    await portal.use_cases.shares.revoke(two.id)
    assert browser.get("/api/v1/machines/two").status_code == 404
    assert browser.get("/api/v1/machines/one").status_code == 200
