"""Guests over REST."""

from pathlib import Path

from support.portal import TestPortal


def test_guests_are_listed_built_and_pruned(tmp_path: Path) -> None:
    owner = TestPortal(tmp_path).owner()
    assert [guest["name"] for guest in owner.get("/api/v1/guests").json()] == ["desk", "tiny"]
    building = owner.post("/api/v1/guests/desk/build")
    assert building.status_code == 202
    assert building.json()["building"] == {"phase": "Fetching packages", "done": 0, "total": 100}
    cancelled = owner.delete("/api/v1/guests/desk/build")
    assert cancelled.status_code == 200
    assert (cancelled.json()["building"], cancelled.json()["built"]) == (None, False)
    again = owner.delete("/api/v1/guests/desk/build")
    assert (again.status_code, again.json()["reason"]) == (409, "state")
    assert owner.delete("/api/v1/guests/none/build").status_code == 404
    assert owner.post("/api/v1/guests/none/build").status_code == 404
    assert owner.post("/api/v1/guests/prune").json() == {"freed_bytes": 1 << 20}
