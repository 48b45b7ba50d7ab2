"""Who asks, the host, login links, the description."""

from pathlib import Path

import pytest

from support.portal import URL, TestPortal
from webvdi import __version__


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    portal = TestPortal(tmp_path)
    portal.add("a")
    return portal


def test_who_am_i(portal: TestPortal) -> None:
    expected = {
        "subject": "owner",
        "role": "owner",
        "name": "",
        "share": None,
        "mode": "service",
        "version": __version__,
        "login": True,
    }
    assert portal.owner().get("/api/v1/me").json() == expected
    assert portal.command_line().get("/api/v1/me").json() == {**expected, "login": False}
    guest = portal.guest("a", control=True).get("/api/v1/me").json()
    assert (guest["role"], guest["login"]) == ("controller", False)


def test_where_nobody_signs_in_nobody_signs_out(tmp_path: Path) -> None:
    portal = TestPortal(tmp_path, auth=False)
    assert portal.stranger().get("/api/v1/me").json()["login"] is False
    assert portal.owner().get("/api/v1/me").json()["login"] is False  # a cookie of before


def test_the_mode_of_a_view(tmp_path: Path) -> None:
    portal = TestPortal(tmp_path, mode="view")
    assert portal.owner().get("/api/v1/me").json()["mode"] == "view"


def test_the_host(portal: TestPortal) -> None:
    host = portal.owner().get("/api/v1/host").json()
    assert host["machines"] == {"total": 1, "running": 1, "paused": 0, "memory_mib": 512}
    assert host["findings"][0]["remedy"]


def test_a_login_link_signs_in_once(portal: TestPortal) -> None:
    link = portal.command_line().post("/api/v1/logins").json()
    assert link["url"] == f"http://here:8470/{link['path']}"
    assert link["expires"] == portal.now + 12 * 3600
    newcomer = portal.stranger()
    assert newcomer.get(f"/{link['path']}").headers["location"] == "./"
    assert newcomer.get("/api/v1/me").status_code == 200
    assert portal.stranger().get(f"/{link['path']}").headers["location"] == "login?error=used"
    assert newcomer.post("/api/v1/logins").json()["url"].startswith(f"{URL}/?token=")


def test_without_logins_the_link_is_the_address(tmp_path: Path) -> None:
    link = TestPortal(tmp_path, auth=False).command_line().post("/api/v1/logins").json()
    assert link == {"url": "http://here:8470/", "path": "./", "expires": None}


def test_where_no_browser_can_come_there_is_no_link(portal: TestPortal) -> None:
    portal.site.url = None
    answer = portal.command_line().post("/api/v1/logins")
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_served")


def test_the_description_names_how_to_sign_in(portal: TestPortal) -> None:
    document = portal.owner().get("/api/v1/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["login"]["name"] == "webvdi_8470"
    assert schemes["visit"]["name"] == "webvdi_8470_share"
    assert document["paths"]["/api/v1/host"]["get"]["security"] == [{"login": []}]
    assert document["paths"]["/api/v1/me"]["get"]["security"] == [{"login": []}, {"visit": []}]
    assert document["paths"]["/api/v1/join"]["post"]["security"] == []


def test_every_endpoint_is_described(portal: TestPortal) -> None:
    document = portal.portal.api.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert len(operation["tags"]) == 1, (method, path)
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"], (path, status)
