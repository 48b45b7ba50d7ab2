"""The application in one piece: on displays, with their passwords, without a port."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from webvdi.base.paths import Places
from webvdi.cli.compose import Application, PortalOptions, open_application

KEY = b"k" * 32


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "state", tmp_path / "cache", tmp_path / "run")
    for directory in (places.state, places.cache, places.run):
        directory.mkdir(mode=0o700)
    return places


def display(name: str, **more: object) -> dict[str, Any]:
    return {"name": name, "title": name.title(), "endpoint": f"unix:/{name}", **more}


def client(application: Application) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(application.owners)
    return httpx2.AsyncClient(transport=transport, base_url="http://webvdi/api/v1/")


async def password(application: Application, name: str) -> str | None:
    """What the session of a display will use."""
    from webvdi.broker.displays import Displays

    catalogue = application.service.catalogue
    assert isinstance(catalogue, Displays)
    screen = await catalogue.screen((await catalogue.get(name)).id)
    assert screen is not None
    return screen.password


async def test_displays_are_listed_and_shared(places: Places) -> None:
    displays = [display("lab"), display("office")]
    options = PortalOptions(url="http://here/")
    opening = open_application(places, KEY, options, displays=displays)
    async with opening as opened, client(opened) as owner:
        assert (await owner.get("me")).json()["mode"] == "view"
        listed = (await owner.get("machines")).json()
        assert [(m["kind"], m["name"], m["title"]) for m in listed] == [
            ("display", "lab", "Lab"),
            ("display", "office", "Office"),
        ]
        assert (await owner.post("machines/lab/shares", json={})).status_code == 201
        refused = await owner.post("machines/lab/actions/start")
        assert (refused.status_code, refused.json()["reason"]) == (409, "not_ours")
        assert (await owner.get("images")).json() == (await owner.get("guests")).json() == []


async def test_each_display_has_its_password(
    places: Places, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("its own\nnot this\n")
    displays = [
        display("own", password_file=str(secret)),
        display("given", password_file=None),
        display("lost", password_file=str(tmp_path / "nowhere")),
    ]
    async with open_application(places, KEY, displays=displays, password="given") as opened:
        assert await password(opened, "own") == "its own"
        assert await password(opened, "given") == "given"
        assert await password(opened, "lost") is None
    assert "nowhere" in caplog.text
    assert "its own" not in caplog.text


async def test_settings_of_displays_pass_through_json(places: Places) -> None:
    displays = json.loads(json.dumps([display("lab", password_file=None, tls=None)]))
    async with open_application(places, KEY, displays=displays) as opened, client(opened) as owner:
        assert len((await owner.get("machines")).json()) == 1


async def test_without_a_port_there_are_no_links(places: Places) -> None:
    options = PortalOptions(url=None)
    opening = open_application(places, KEY, options, displays=[display("lab")])
    async with opening as opened, client(opened) as owner:
        for path in ("logins", "machines/lab/shares"):
            answer = await owner.post(path, json={})
            assert (answer.status_code, answer.json()["reason"]) == (409, "not_served")
        assert (await owner.get("shares")).json() == []
