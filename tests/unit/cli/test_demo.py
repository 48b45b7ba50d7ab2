"""The demo's use cases over the real REST interface, on a fake broker."""

import asyncio
from pathlib import Path

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from webvdi.base.errors import Refused
from webvdi.base.files import secret_at
from webvdi.broker.views import Phase
from webvdi.cli import demo
from webvdi.cli.client import standing_in
from webvdi.cli.demo import DemoOptions, DemoSystem, demo_system


def prepare(webvdi: CommandLine, system: DemoSystem, **options: object) -> dict[str, object]:
    """Prepare the demo's machine; as it is then."""

    async def work() -> dict[str, object]:
        webvdi.places.make()
        secret_at(webvdi.state / "key")
        async with standing_in(webvdi.places) as client:
            return await demo.prepare(client, system, DemoOptions(**options))  # type: ignore[arg-type]

    return asyncio.run(work())


class TestWhichSystem:
    def test_none_is_the_small_desktop(self) -> None:
        assert demo_system(None, None) == DemoSystem("demo", {"guest": "tiny"})

    def test_each_file_has_a_machine_of_its_own_that_says_which(self, tmp_path: Path) -> None:
        names = set()
        for place in ("a", "b"):
            (tmp_path / place).mkdir()
            iso = tmp_path / place / "debian 12.5 (netinst).iso"
            iso.touch()
            system = demo_system(iso, None)
            assert system.name.startswith("demo-debian-12-5-netinst-")
            assert len(system.name) <= 63
            assert system.source == {"iso": str(iso)}
            names.add(system.name)
        assert len(names) == 2

    def test_a_disk_is_never_written_to(self, tmp_path: Path) -> None:
        disk = tmp_path / f"{'x' * 100}.qcow2"
        disk.touch()
        system = demo_system(None, disk)
        assert system.source["disk_mode"] == "overlay"
        assert len(system.name) <= 63

    def test_two_are_too_many_and_none_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(Refused, match="two systems"):
            demo_system(tmp_path, tmp_path)
        with pytest.raises(Refused, match=r"there is no file .*/nothing\.iso"):
            demo_system(tmp_path / "nothing.iso", None)


SMALL = DemoSystem("demo", {"guest": "tiny"}, "demo-of-old")


class TestPrepare:
    def test_the_first_time_it_is_made_and_started(self, webvdi: CommandLine) -> None:
        machine = prepare(webvdi, SMALL, memory=300, cpus=1)
        assert (machine["name"], machine["state"]) == ("demo", "running")
        assert (machine["memory_mib"], machine["cpus"]) == (300, 1)

    @pytest.mark.parametrize("state", ["running", "paused", "starting", "stopping"])
    def test_one_that_is_on_is_left_alone(self, webvdi: CommandLine, state: str) -> None:
        before = webvdi.fake.catalogue.add(machine_view("demo", state=state))
        machine = prepare(webvdi, SMALL, memory=300)
        assert (machine["id"], machine["state"], machine["memory_mib"]) == (before.id, state, 512)

    def test_one_that_is_off_gets_what_was_asked_and_starts(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("demo", state="stopped"))
        machine = prepare(webvdi, SMALL, memory=300)
        assert (machine["state"], machine["memory_mib"], machine["cpus"]) == ("running", 300, 2)

    def test_what_an_earlier_version_made_is_found(self, webvdi: CommandLine) -> None:
        before = webvdi.fake.catalogue.add(machine_view("demo-of-old", state="stopped"))
        assert prepare(webvdi, SMALL)["id"] == before.id

    def test_one_that_failed_is_made_anew(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("demo", state="stopped", phase=Phase.FAILED))
        assert prepare(webvdi, SMALL)["state"] == "running"

    def test_a_reset_begins_anew(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("demo", memory_mib=999))
        assert prepare(webvdi, SMALL, reset=True)["memory_mib"] != 999


class TestStop:
    def test_it_says_whether_there_was_something_to_stop(self, webvdi: CommandLine) -> None:
        assert "was not running" in webvdi("demo", "--stop").out
        webvdi.fake.catalogue.add(machine_view("demo"))
        assert "is off" in webvdi("demo", "--stop").out
        assert webvdi("machine", "show", "demo", "--json").json["state"] == "stopped"

    def test_with_reset_it_is_forgotten(self, webvdi: CommandLine) -> None:
        webvdi.fake.catalogue.add(machine_view("demo"))
        assert "Forgotten" in webvdi("demo", "--stop", "--reset").out
        assert webvdi("machine", "list", "--json").json == []


def test_a_service_that_runs_already_shows_it(webvdi: CommandLine) -> None:
    with webvdi.service():
        said = webvdi("demo", "--no-open")
    assert said.code == 0, said.err
    assert "Open  http://127.0.0.1:8470/?token=" in said.out
    assert "runs already" in said.out
