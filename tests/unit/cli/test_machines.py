"""``webvdi machine`` over the real REST interface, on a fake broker."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import SCREEN, machine_view
from webvdi.broker.views import Kind, MachineView, Phase, Progress
from webvdi.vmm.machine import DiskFormat


def test_no_machine_yet_says_how_to_make_one(webvdi: CommandLine) -> None:
    said = webvdi("machine", "list")
    assert said.code == 0
    assert "machine create" in said.out
    assert webvdi("machine", "list", "--json").json == []


def test_a_list_has_a_line_a_machine(webvdi: CommandLine) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha", viewers=2, autostart=7))
    making = machine_view("beta", state="stopped", phase=Phase.CREATING)
    webvdi.fake.catalogue.add(replace(making, progress=Progress("Copying the disk", 1, 4)))
    lines = webvdi("machine", "list").out.splitlines()
    assert lines[0].split() == [
        "NAME",
        "STATE",
        "CPUS",
        "MEMORY",
        "NETWORK",
        "STARTS",
        "VIEWERS",
    ]
    assert lines[1].split()[:2] == ["alpha", "running"]
    assert "by itself (7)" in lines[1]
    assert "creating 25 %" in lines[2]
    assert [m["name"] for m in webvdi("machine", "list", "--json").json] == ["alpha", "beta"]


def test_of_a_display_its_link_is_told(webvdi: CommandLine) -> None:
    for name, link in (("alpha", "unreachable"), ("beta", None), ("gamma", "live")):
        webvdi.fake.catalogue.add(machine_view(name, kind=Kind.DISPLAY, link=link))
    lines = webvdi("machine", "list").out.splitlines()[1:]
    states = [re.split(r"  +", line)[1] for line in lines]
    assert states == ["unreachable", "not looked at", "live"]


def test_words_of_others_cannot_command_the_terminal(webvdi: CommandLine) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha", detail="\x1b]0;owned\x07[bold]x[/bold]"))
    for command in ("list", "show"):
        said = webvdi("machine", command, *(["alpha"] if command == "show" else []))
        assert "\x1b" not in said.out
        assert "[bold]x[/bold]" in said.out  # words are words, not markup


def test_show_tells_all(webvdi: CommandLine) -> None:
    webvdi.fake.catalogue.add(machine_view("alpha", notes="for the lab", cdrom="/iso/x.iso"))
    said = webvdi("machine", "show", "alpha")
    for words in (
        "guest tiny",
        "512 MiB",
        "1.0 GiB",
        "/iso/x.iso",
        "for the lab",
        "nothing really",
    ):
        assert words in said.out, words
    assert webvdi("machine", "show", "alpha", "--json").json["memory_mib"] == 512


class TestCreate:
    def test_it_is_made_and_started(self, webvdi: CommandLine) -> None:
        said = webvdi("machine", "create", "lab", "--guest", "tiny", "--memory", "1G")
        assert said.code == 0, said.err
        assert "lab runs." in said.out
        assert "machine open lab" in said.out
        machine = webvdi("machine", "show", "lab", "--json").json
        assert machine["state"] == "running"
        assert machine["memory_mib"] == 1024

    def test_or_only_made(self, webvdi: CommandLine) -> None:
        said = webvdi("machine", "create", "lab", "--guest", "tiny", "--no-start", "--json")
        assert said.json["state"] == "stopped"
        assert said.err == ""

    def test_files_are_named_by_their_whole_path(
        self, webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "own.iso").write_bytes(b"iso")
        said = webvdi("machine", "create", "lab", "--iso", "own.iso", "--disk-size", "8G", "--json")
        assert said.json["source"]["path"] == str(tmp_path / "own.iso")

    def test_the_format_of_a_disk_can_be_said(self, webvdi: CommandLine, tmp_path: Path) -> None:
        words = ("--disk", str(tmp_path / "os.img"), "--disk-format", "qcow2", "--json")
        machine = webvdi("machine", "create", "lab", *words).json
        wanted = webvdi.fake.catalogue._extra[machine["id"]].wanted
        assert wanted is not None
        assert wanted.disk_format is DiskFormat.QCOW2

    def test_autostart_has_an_order(self, webvdi: CommandLine) -> None:
        made = webvdi("machine", "create", "a", "--guest", "tiny", "--autostart", "--json").json
        assert made["autostart"] == 50
        made = webvdi("machine", "create", "b", "--guest", "tiny", "--order", "3", "--json").json
        assert made["autostart"] == 3

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "give one of --guest"),
            (("--guest", "tiny", "--iso", "x"), "give one of --guest"),
            (("--disk", "x", "--overlay", "--in-place"), "--overlay and --in-place"),
            (("--iso", "x", "--in-place"), "--in-place is for --disk"),
            (("--guest", "tiny", "--overlay"), "--overlay is for"),
            (("--image", "x", "--disk-format", "raw"), "--disk-format is for --disk"),
            (("--guest", "tiny", "--memory", "lots"), "'lots' is not an amount of memory"),
            (("--guest", "tiny", "--no-autostart", "--order", "1"), "--no-autostart"),
        ],
    )
    def test_what_does_not_fit_together_is_said(
        self, webvdi: CommandLine, arguments: tuple[str, ...], words: str
    ) -> None:
        said = webvdi("machine", "create", "lab", *arguments)
        assert said.code == 2
        assert words in said.err
        assert said.err.count("\n") == 1

    def test_a_name_that_is_taken_is_a_conflict(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("lab"))
        said = webvdi("machine", "create", "lab", "--guest", "tiny", "--json")
        assert said.code == 4
        assert said.out == ""
        assert said.problem["reason"] == "conflict"
        assert said.problem["exit_code"] == 4

    def test_what_failed_in_the_making_leaves_the_name_free(self, webvdi: CommandLine) -> None:
        catalogue = webvdi.fake.catalogue
        catalogue.slow_creation = True
        seen = catalogue.get

        async def get(ref: str) -> MachineView:
            machine = await seen(ref)
            return catalogue.update(machine.id, phase=Phase.FAILED, detail="the disk is full")

        catalogue.get = get  # type: ignore[method-assign]
        said = webvdi("machine", "create", "lab", "--guest", "tiny")
        assert said.code == 1
        assert said.err.endswith("webvdi: the disk is full\n")
        assert webvdi("machine", "list", "--json").json == []


class TestVerbs:
    @pytest.mark.parametrize(
        ("verb", "before", "after"),
        [
            ("start", "stopped", "running"),
            ("stop", "running", "stopped"),
            ("kill", "running", "stopped"),
            ("reset", "running", "running"),
            ("pause", "running", "paused"),
            ("resume", "paused", "running"),
            ("save", "running", "saved"),
        ],
    )
    def test_each_does_what_it_says(
        self, webvdi: CommandLine, verb: str, before: str, after: str
    ) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha", state=before))
        said = webvdi("machine", verb, "alpha")
        assert said.code == 0, said.err
        assert said.out.startswith("alpha ")
        assert webvdi("machine", "show", "alpha", "--json").json["state"] == after

    def test_an_unknown_machine_is_3(self, webvdi: CommandLine) -> None:
        said = webvdi("machine", "start", "nobody")
        assert said.code == 3
        assert said.err == "webvdi: there is no machine named 'nobody'\n"

    def test_the_wrong_state_is_4(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha", state="stopped"))
        said = webvdi("machine", "pause", "alpha")
        assert said.code == 4
        assert "stopped" in said.err

    def test_one_failure_does_not_stop_the_others(self, webvdi: CommandLine) -> None:
        for name in ("a", "c"):
            webvdi.fake.catalogue.add(machine_view(name, state="stopped"))
        said = webvdi("machine", "start", "a", "b", "c", "--json")
        assert said.code == 3
        assert [machine["name"] for machine in said.json["machines"]] == ["a", "c"]
        assert said.json["failed"][0]["reason"] == "not_found"
        assert "b: there is no machine" in said.err


class TestSettings:
    def test_they_change(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha", state="stopped", autostart=1))
        said = webvdi("machine", "set", "alpha", "--cpus", "4", "--memory", "2G", "--no-autostart")
        assert said.code == 0, said.err
        machine = webvdi("machine", "show", "alpha", "--json").json
        assert (machine["cpus"], machine["memory_mib"], machine["autostart"]) == (4, 2048, None)

    def test_nothing_to_change_is_said(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        assert "nothing to change" in webvdi("machine", "set", "alpha").err

    def test_a_new_name(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        assert webvdi("machine", "rename", "alpha", "omega").code == 0
        assert webvdi("machine", "show", "omega", "--json").json["name"] == "omega"


class TestDelete:
    def test_without_a_terminal_it_wants_to_be_told(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        said = webvdi("machine", "delete", "alpha")
        assert said.code == 1
        assert "--yes" in said.err
        assert len(webvdi("machine", "list", "--json").json) == 1

    def test_then_it_is_gone(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        assert webvdi("machine", "delete", "alpha", "--yes").out == "alpha is gone.\n"
        assert webvdi("machine", "list", "--json").json == []


class TestScreenshot:
    def test_it_is_a_file(
        self, webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        webvdi.fake.catalogue.add(machine_view("alpha"))
        assert webvdi("machine", "screenshot", "alpha").code == 0
        assert (tmp_path / "alpha.png").read_bytes() == SCREEN

    def test_a_file_that_is_there_is_replaced_only_if_told(
        self, webvdi: CommandLine, tmp_path: Path
    ) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        file = tmp_path / "mine.png"
        file.write_bytes(b"of mine")
        said = webvdi("machine", "screenshot", "alpha", str(file))
        assert said.code == 4
        assert said.err == f"webvdi: {file} exists already; --force replaces it\n"
        assert file.read_bytes() == b"of mine"
        assert webvdi("machine", "screenshot", "alpha", str(file), "--force").code == 0
        assert file.read_bytes() == SCREEN

    def test_errors_name_the_file_that_was_meant(self, webvdi: CommandLine, tmp_path: Path) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        file = tmp_path / "no-such" / "x.png"
        said = webvdi("machine", "screenshot", "alpha", str(file))
        assert said.code == 1
        assert said.err == f"webvdi: {file}: No such file or directory\n"

    def test_or_goes_down_the_pipe(self, webvdi: CommandLine, tmp_path: Path) -> None:
        webvdi.fake.catalogue.add(machine_view("alpha"))
        said = webvdi("machine", "screenshot", "alpha", str(tmp_path / "x.png"), "--json")
        assert said.json == {"file": str(tmp_path / "x.png"), "size_bytes": len(SCREEN)}
