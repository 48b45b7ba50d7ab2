"""Images and uploads over REST: piece by piece, from where it broke off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from support.portal import TestPortal
from webvdi.portal.api.images import MAX_PIECE_BYTES


@pytest.fixture
def portal(tmp_path: Path) -> TestPortal:
    return TestPortal(tmp_path)


@pytest.fixture
def owner(portal: TestPortal) -> TestClient:
    return portal.owner()


def begin(owner: TestClient, size_bytes: int) -> str:
    answer = owner.post("/api/v1/uploads", json={"name": "a.iso", "size_bytes": size_bytes})
    assert answer.status_code == 201
    return f"/api/v1/uploads/{answer.json()['id']}"


def test_an_upload_in_pieces_becomes_an_image(portal: TestPortal, owner: TestClient) -> None:
    path = begin(owner, 6)
    first = owner.patch(path, content=b"abc", headers={"Upload-Offset": "0"})
    assert (first.status_code, first.json()["offset"], first.json()["image"]) == (200, 3, None)
    assert owner.get(path).json() == first.json()
    assert owner.get("/api/v1/uploads").json() == [first.json()]
    last = owner.patch(path, content=b"def", headers={"Upload-Offset": "3"})
    image = last.json()["image"]
    assert [each["id"] for each in owner.get("/api/v1/images").json()] == [image]
    assert portal.use_cases.images.contents[path.rpartition("/")[2]] == b"abcdef"
    assert owner.delete(f"/api/v1/images/{image}").status_code == 204
    assert owner.delete(f"/api/v1/images/{image}").status_code == 404


def test_a_piece_for_another_place_is_told_the_right_one(owner: TestClient) -> None:
    path = begin(owner, 6)
    owner.patch(path, content=b"abc", headers={"Upload-Offset": "0"})
    answer = owner.patch(path, content=b"abc", headers={"Upload-Offset": "0"})
    assert answer.status_code == 409
    assert answer.json()["reason"] == "upload_offset"
    assert answer.json()["offset"] == 3


@pytest.mark.parametrize("offset", [None, "-1", "x", ""])
def test_a_piece_says_where_it_goes(owner: TestClient, offset: str | None) -> None:
    headers = {} if offset is None else {"Upload-Offset": offset}
    answer = owner.patch(begin(owner, 6), content=b"abc", headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "upload-offset"


def test_pieces_are_bounded_but_large(portal: TestPortal, owner: TestClient) -> None:
    path = begin(owner, 1 << 40)

    def stream(size: int) -> Iterator[bytes]:
        yield from (bytes(1 << 20) for _ in range(size >> 20))
        yield bytes(size & 0xFFFFF)

    headers = {"Upload-Offset": "0"}
    assert owner.patch(path, content=stream(MAX_PIECE_BYTES), headers=headers).status_code == 200
    headers = {"Upload-Offset": str(MAX_PIECE_BYTES)}
    more = stream(MAX_PIECE_BYTES + 1)
    assert owner.patch(path, content=more, headers=headers).status_code == 413
    announced = owner.patch(path, content=bytes(MAX_PIECE_BYTES + 1), headers=headers)
    assert announced.status_code == 413


def test_more_than_announced_is_refused(owner: TestClient) -> None:
    answer = owner.patch(begin(owner, 2), content=b"abc", headers={"Upload-Offset": "0"})
    assert answer.status_code == 413


def test_an_upload_can_be_given_up(owner: TestClient) -> None:
    path = begin(owner, 6)
    assert owner.delete(path).status_code == 204
    assert owner.get(path).status_code == 404
    assert owner.patch(path, content=b"", headers={"Upload-Offset": "0"}).status_code == 404


def test_an_image_in_use_stays(portal: TestPortal, owner: TestClient) -> None:
    image = portal.use_cases.images.add_image("a.iso", in_use_by=("debian",))
    answer = owner.delete(f"/api/v1/images/{image.id}")
    assert (answer.status_code, answer.json()["reason"]) == (409, "in_use")


def test_files_of_the_host_are_taken_in_only_on_the_host(
    portal: TestPortal, owner: TestClient
) -> None:
    wanted = {"path": "/isos/a.iso"}
    assert owner.post("/api/v1/images", json=wanted).json()["reason"] == "host_paths"
    taken = portal.command_line().post("/api/v1/images", json=wanted)
    assert (taken.status_code, taken.json()["name"]) == (201, "a.iso")
