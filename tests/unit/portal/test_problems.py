"""Errors as HTTP answers."""

from pathlib import Path

import pytest

from support.portal import TestPortal
from webvdi.base.errors import Conflict, NotFound, Refused, StateError, WebvdiError
from webvdi.link.viewer_face import ServerUnavailable
from webvdi.portal.problems import NotLoggedIn, TooOften, WrongOffset, problem_of
from webvdi.store.errors import SchemaTooNew
from webvdi.vmm.errors import (
    CapacityExceeded,
    DiskError,
    EngineInUse,
    InvalidSpec,
    LaunchFailed,
    MonitorLost,
    RestoreFailed,
    SaveFailed,
    SerialFull,
    StillRunning,
    Unavailable,
)

ERRORS: list[tuple[WebvdiError, int, str]] = [
    (NotLoggedIn(), 401, "not_logged_in"),
    (TooOften(7), 429, "too_often"),
    (NotFound("machine", "x"), 404, "not_found"),
    (Conflict("machine", "x"), 409, "conflict"),
    (StateError("no", state="running", required="stopped"), 409, "state"),
    (Refused("no", reason="bad_request"), 400, "bad_request"),
    (Refused("no", reason="bad_name"), 400, "bad_name"),
    (Refused("no", reason="body_too_large"), 413, "body_too_large"),
    (Refused("no", reason="upload_offset"), 409, "upload_offset"),
    (WrongOffset("no", 3), 409, "upload_offset"),
    (Refused("no", reason="in_use"), 409, "in_use"),
    (Refused("no", reason="anything"), 403, "anything"),
    (CapacityExceeded("no"), 409, "capacity_exceeded"),
    (Unavailable("no", reason="no_kvm"), 409, "no_kvm"),
    (InvalidSpec("no"), 422, "invalid"),
    (DiskError("no"), 422, "disk"),
    (LaunchFailed("no", output="x" * 9999), 502, "launch_failed"),
    (MonitorLost("no"), 502, "monitor_lost"),
    (ServerUnavailable("no"), 503, "server_unavailable"),
    (RestoreFailed("no", output="x"), 502, "restore_failed"),
    (SaveFailed("no"), 502, "save_failed"),
    (StillRunning("a", 60), 409, "still_running"),
    (EngineInUse("no"), 503, "engine_in_use"),
    (SchemaTooNew(Path("db"), "9", "1"), 503, "store"),
    (SerialFull("a"), 409, "serial_full"),
    (WebvdiError("no"), 409, "failed"),
]


@pytest.mark.parametrize(("error", "status", "reason"), ERRORS, ids=lambda value: str(value)[:20])
def test_every_error_has_a_status_and_a_reason(
    error: WebvdiError, status: int, reason: str
) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.reason) == (status, reason)
    assert problem.detail == str(error)
    assert sum(len(str(value)) for value in problem.more.values()) < 5000


def test_a_wait_is_told_to_programs_too() -> None:
    assert problem_of(TooOften(7)).headers == {"Retry-After": "7"}


def test_an_error_of_ours_tells_strangers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal = TestPortal(tmp_path)

    async def bug() -> None:
        raise RuntimeError("secret")

    client = portal.owner()
    monkeypatch.setattr(portal.use_cases, "host", bug)
    answer = client.get("/api/v1/host")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


def test_a_method_that_is_not_taken_names_those_that_are(tmp_path: Path) -> None:
    answer = TestPortal(tmp_path).owner().put("/api/v1/machines/a")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "DELETE, GET, PATCH"
    assert answer.json()["reason"] == "method"


def test_nothing_is_found_nowhere(tmp_path: Path) -> None:
    for path in ("/nowhere", "/api/v1/nowhere", "/static/portal/nowhere.js", "/api/v1/machines/"):
        answer = TestPortal(tmp_path).owner().get(path)
        assert answer.status_code == 404, path
        assert answer.json()["reason"] == "not_found"
