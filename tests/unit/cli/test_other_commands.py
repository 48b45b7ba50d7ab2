"""Guests, images, shares, links and logs over the real REST interface, on a fake broker."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from support.command_line import URL, CommandLine
from support.fake_catalogue import machine_view
from webvdi.broker.views import GuestView, Progress
from webvdi.cli import images, logs


class TestGuests:
    def test_they_are_listed(self, webvdi: CommandLine) -> None:
        assert {guest["name"] for guest in webvdi("guest", "list", "--json").json} >= {"tiny"}
        assert "tiny" in webvdi("guest", "list").out

    def test_one_is_built_with_its_steps_in_the_log(self, webvdi: CommandLine) -> None:
        guests = webvdi.fake.guests
        steps = [Progress("Fetching packages", 1, 2), Progress("Packing", 0, 0), None]
        listed = guests.list

        async def list_() -> tuple[GuestView, ...]:
            if steps:
                step = steps.pop(0)
                guests.update("desk", building=step, built=step is None)
            return await listed()

        guests.list = list_  # type: ignore[method-assign]
        said = webvdi("guest", "build", "desk")
        assert said.code == 0, said.err
        assert said.err == "Fetching packages …\nPacking …\n"
        assert "desk is built" in said.out

    def test_a_build_that_fails_says_why(self, webvdi: CommandLine) -> None:
        guests = webvdi.fake.guests

        async def build(name: str) -> GuestView:
            return guests.update(name, failed="the mirror is away", building=None)

        guests.build = build  # type: ignore[method-assign]
        said = webvdi("guest", "build", "desk")
        assert (said.code, said.err) == (1, "webvdi: the mirror is away\n")

    def test_a_build_can_be_cancelled(self, webvdi: CommandLine) -> None:
        asyncio.run(webvdi.fake.guests.build("desk"))
        said = webvdi("guest", "cancel", "desk")
        assert said.out == "The build of desk was cancelled; desk is not built.\n"
        assert webvdi("guest", "cancel", "desk").code == 4
        assert webvdi("guest", "cancel", "nothing").code == 3
        asyncio.run(webvdi.fake.guests.build("desk"))
        told = webvdi("guest", "cancel", "desk", "--json").json
        assert (told["building"], told["cancelled"]) == (None, True)

    @pytest.mark.parametrize(
        ("became", "words"),
        [
            ({"cancelled": True}, "was cancelled; the one before is still there."),
            ({}, "tiny is built: that was done before it could be cancelled."),
            ({"failed": "no room"}, "failed before it could be cancelled: no room"),
            ({"building": Progress("Packing", 0, 0)}, "has ended; another one has begun."),
        ],
    )
    def test_what_became_of_a_build_to_cancel_is_said(
        self, webvdi: CommandLine, became: dict[str, Any], words: str
    ) -> None:
        async def cancel(name: str) -> GuestView:
            return webvdi.fake.guests.update(name, **became)

        webvdi.fake.guests.cancel = cancel  # type: ignore[method-assign]
        assert words in webvdi("guest", "cancel", "tiny").out

    def test_who_waits_for_a_build_hears_that_it_was_cancelled(self, webvdi: CommandLine) -> None:
        guests = webvdi.fake.guests
        listed = guests.list

        async def list_() -> tuple[GuestView, ...]:
            await guests.cancel("desk")
            return await listed()

        guests.list = list_  # type: ignore[method-assign]
        said = webvdi("guest", "build", "desk")
        assert said.code == 1
        assert "the build of desk was cancelled" in said.err

    def test_an_older_build_is_not_taken_for_the_one_that_was_cancelled(
        self, webvdi: CommandLine
    ) -> None:
        guests = webvdi.fake.guests

        async def build(name: str) -> GuestView:
            return guests.update(name, building=None, cancelled=True)

        guests.build = build  # type: ignore[method-assign]
        said = webvdi("guest", "build", "tiny")
        assert (said.code, said.out) == (1, "")
        assert "the build of tiny was cancelled" in said.err

    def test_an_unknown_one_is_3(self, webvdi: CommandLine) -> None:
        assert webvdi("guest", "build", "nothing").code == 3

    def test_pruning_says_what_it_freed(self, webvdi: CommandLine) -> None:
        assert webvdi("guest", "prune").out == "1.0 MiB freed.\n"
        assert webvdi("guest", "prune", "--json").json == {"freed_bytes": 0}


class TestImages:
    @pytest.fixture
    def iso(self, tmp_path: Path) -> Path:
        path = tmp_path / "small.iso"
        path.write_bytes(bytes(3000))
        return path

    def test_a_file_comes_in_pieces(
        self, webvdi: CommandLine, iso: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(images, "PIECE", 1024)
        monkeypatch.setattr(images, "READ", 512)
        said = webvdi("image", "add", str(iso), "--name", "memtest.iso", "--json")
        assert said.code == 0, said.err
        assert said.json["name"] == "memtest.iso"
        assert said.json["size_bytes"] == 3000
        assert [image["id"] for image in webvdi("image", "list", "--json").json] == [
            said.json["id"]
        ]

    def test_no_half_file_stays(
        self, webvdi: CommandLine, iso: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(images, "_read", lambda _file, _offset: b"")
        said = webvdi("image", "add", str(iso))
        assert said.code == 1
        assert "became shorter" in said.err
        assert webvdi.fake.images._uploads == {}

    def test_a_missing_file_is_named(self, webvdi: CommandLine, tmp_path: Path) -> None:
        said = webvdi("image", "add", str(tmp_path / "nothing.iso"))
        assert said.code == 1
        assert "nothing.iso" in said.err

    def test_a_name_that_is_taken_is_4_and_one_that_cannot_be_is_2(
        self, webvdi: CommandLine, iso: Path
    ) -> None:
        webvdi.fake.images.add_image("a.iso")
        assert webvdi("image", "add", str(iso), "--name", "a.iso").code == 4
        said = webvdi("image", "add", str(iso), "--name", "..")
        assert said.code == 2
        assert "must be a file's name: " in said.err
        assert 'among them, not ".."' in said.err

    def test_they_go_by_name(self, webvdi: CommandLine) -> None:
        webvdi.fake.images.add_image("a.iso")
        assert "a.iso" in webvdi("image", "list").out
        assert webvdi("image", "delete", "a.iso", "--yes").out == "a.iso: gone.\n"
        assert webvdi("image", "delete", "a.iso", "--yes").code == 3

    def test_one_that_is_needed_stays(self, webvdi: CommandLine) -> None:
        webvdi.fake.images.add_image("a.iso", in_use_by=("lab",))
        said = webvdi("image", "delete", "a.iso", "--yes")
        assert said.code == 4
        assert "in use" in said.err


def begun(webvdi: CommandLine, name: str, size_bytes: int = 9, came: bytes = b"") -> str:
    """The id of an upload of which so much came."""

    async def begin() -> str:
        upload = await webvdi.fake.images.begin(name, size_bytes)
        await webvdi.fake.images.append(upload.id, 0, one_piece())
        return upload.id

    async def one_piece() -> AsyncIterator[bytes]:
        yield came

    return asyncio.run(begin())


class TestUploads:
    def test_they_are_mentioned_below_the_images(self, webvdi: CommandLine) -> None:
        begun(webvdi, "big.iso")
        said = webvdi("image", "list")
        assert "There are no images" in said.out
        assert "1 upload is unfinished" in said.err
        assert "image uploads" in said.err
        listed = webvdi("image", "list", "--json")
        assert (listed.json, listed.err) == ([], "")

    def test_they_tell_how_far_they_are(self, webvdi: CommandLine) -> None:
        upload = begun(webvdi, "big.iso", 4 << 20, bytes(1 << 20))
        row = webvdi("image", "uploads").out.splitlines()[1]
        assert re.split(r"  +", row)[:4] == [upload, "big.iso", "1.0 MiB", "4.0 MiB"]
        (told,) = webvdi("image", "uploads", "--json").json
        assert (told["id"], told["offset"]) == (upload, 1 << 20)

    def test_they_are_given_up_by_name_or_id(self, webvdi: CommandLine) -> None:
        begun(webvdi, "a.iso")
        for named in ("a.iso", begun(webvdi, "b.iso")):
            said = webvdi("image", "abort", named, "--yes")
            assert said.out == f"{named}: given up.\n"
        assert webvdi("image", "uploads").out == "No upload is unfinished.\n"
        assert webvdi("image", "abort", "a.iso", "--yes").code == 3

    def test_nothing_is_given_up_unasked_or_by_a_name_of_two(self, webvdi: CommandLine) -> None:
        begun(webvdi, "a.iso")
        begun(webvdi, "a.iso")
        assert webvdi("image", "abort", "a.iso").code == 1
        assert "2 uploads are named 'a.iso'" in webvdi("image", "abort", "a.iso", "--yes").err
        assert len(webvdi("image", "uploads", "--json").json) == 2


class TestShares:
    def test_the_short_form_makes_one(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        with webvdi.service():
            said = webvdi("share", "alpha", "--control", "--expires", "2h", "--label", "Mei")
            assert said.code == 0, said.err
            assert "may act on alpha for 2 h" in said.out
            assert f"{URL}join#" in said.out
            (share,) = webvdi("share", "list", "--json").json
            assert (share["control"], share["label"]) == (True, "Mei")
            listed = webvdi("share", "list", "alpha").out
            assert "control" in listed
            assert webvdi("share", "revoke", share["id"]).out == f"{share['id']} is revoked.\n"
            assert webvdi("share", "list", "--json").json[0]["revoked"] is True

    def test_it_only_looks_if_nothing_is_said(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        with webvdi.service():
            made = webvdi("share", "create", "alpha", "--json").json
        assert made["share"]["control"] is False
        assert made["share"]["expires"] - made["share"]["created"] == 24 * 3600

    def test_without_a_service_there_is_nowhere_to_come_to(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        assert "no webvdi is running" in webvdi("share", "alpha").err

    def test_both_rights_at_once_are_refused(self, webvdi: CommandLine) -> None:
        assert "--view and --control" in webvdi("share", "alpha", "--view", "--control").err


class TestLinks:
    def test_a_new_login_link(self, webvdi: CommandLine) -> None:
        with webvdi.service():
            said = webvdi("url")
            assert said.out.startswith(f"{URL}?token=")
            assert len(said.out.splitlines()) == 1  # a pipe gets the link and nothing else
            assert webvdi("url", "--json").json["expires"] > 0

    def test_without_logins_it_is_the_address(self, webvdi: CommandLine) -> None:
        with webvdi.service(auth=False):
            assert webvdi("url").out == f"{URL}\n"

    def test_a_qr_code_is_drawn_on_request(self, webvdi: CommandLine) -> None:
        with webvdi.service(loopback=False):
            said = webvdi("url", "--qr")
        assert said.out.count("▀") + said.out.count("▄") + said.out.count("█") > 100

    def test_without_a_service_it_says_how_to_start_one(self, webvdi: CommandLine) -> None:
        said = webvdi("url")
        assert said.code == 1
        assert "webvdi demo" in said.err

    def test_a_machine_is_opened_with_a_login(
        self, webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DISPLAY", raising=False)
        monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
        machine = webvdi.fake.catalogue.add(machine_view("alpha"))
        with webvdi.service():
            opened = webvdi("machine", "open", "alpha", "--json").json
        assert opened["url"].startswith(f"{URL}?token=")
        assert opened["url"].endswith(f"&m={machine.id}")
        assert opened["opened"] is False


class TestLogs:
    def test_what_happened(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        webvdi("machine", "pause", "alpha")
        entries = webvdi("logs", "alpha", "--json").json
        assert entries[-1]["kind"] == "pause"
        assert entries[-1]["text"] in webvdi("logs", "alpha").out

    def test_what_it_wrote(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        webvdi.fake.catalogue.say_on_serial("alpha", b"login: \xff" + bytes(100_000))
        assert webvdi("logs", "alpha", "--serial", "--json").json["serial"].startswith("login: ")

    def test_only_new_entries_follow(self) -> None:
        def entries(*numbers: int) -> list[dict[str, Any]]:
            return [{"when": number, "text": ""} for number in numbers]

        assert logs._new(entries(1, 2), entries(1, 2, 3)) == entries(3)
        assert logs._new(entries(1, 2), entries(2, 3, 4)) == entries(3, 4)  # 1 fell off the end
        assert logs._new(entries(), entries(1)) == entries(1)
        assert logs._new(entries(1), entries(5, 6)) == entries(5, 6)
