"""The units for systemd: what they must say, and that the files beside the code say the same."""

import configparser
from pathlib import Path

import pytest

from support.command_line import CommandLine
from webvdi.cli.service_units import DEADLINE_S, units

ROOT = Path(__file__).parents[3]


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return parser


@pytest.mark.parametrize("flavour", ["user", "system"])
def test_the_files_in_packaging_are_these(flavour: str) -> None:
    for unit in units(user=flavour == "user", command="/usr/bin/webvdi"):
        path = ROOT / "packaging/systemd" / flavour / unit.name
        assert path.read_text() == unit.text, f"{path}: scripts/gen_command_line.py writes it"


@pytest.mark.parametrize("user", [True, False])
def test_machines_live_over_a_restart_and_end_with_the_host(user: bool) -> None:
    serve, machines = (parsed(unit.text) for unit in units(user=user, command="/opt/w"))
    assert serve["Service"]["Type"] == "notify"
    assert serve["Service"]["KillMode"] == "process"
    assert serve["Service"]["Restart"] == "on-failure"
    assert "HUP" in serve["Service"]["ExecReload"]
    # Started before, so stopped after: then the machines are for the shutdown alone.
    assert "webvdi-machines.service" in serve["Unit"]["After"]
    assert "webvdi-machines.service" in serve["Unit"]["Wants"]
    assert machines["Service"]["ExecStop"].startswith(
        f"/opt/w shutdown --host --deadline {DEADLINE_S}s"
    )
    assert int(machines["Service"]["TimeoutStopSec"]) > DEADLINE_S
    assert machines["Service"]["RemainAfterExit"] == "yes"


@pytest.mark.parametrize(
    ("user", "file"), [(True, "%h/.config/webvdi/env"), (False, "/etc/webvdi/env")]
)
def test_settings_of_ones_own_are_in_a_file_that_may_be_missing(user: bool, file: str) -> None:
    for unit in units(user=user, command="/opt/w"):
        assert parsed(unit.text)["Service"]["EnvironmentFile"] == f"-{file}"


def test_the_system_service_is_nobody_and_keeps_its_sockets() -> None:
    for unit in units(user=False, command="/opt/w"):
        service = parsed(unit.text)["Service"]
        assert service["User"] == "webvdi"
        assert service["RuntimeDirectoryPreserve"] == "yes"
        assert "XDG_RUNTIME_DIR=/run/webvdi" in service["Environment"]


def test_what_qemu_needs_is_not_taken_away() -> None:
    (serve, _) = units(user=False, command="/opt/w")
    for setting in ("MemoryDenyWriteExecute", "RestrictNamespaces", "PrivateUsers", "PrivateTmp"):
        assert setting not in serve.text
    assert "DeviceAllow=/dev/kvm rw" in serve.text


def test_they_are_printed_with_the_options_that_were_given(
    webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    said = webvdi("service", "install", "--user", "--print", "--listen", "127.0.0.1:9000")
    assert "serve --no-open --listen 127.0.0.1:9000" in said.out
    assert not (tmp_path / "config").exists()
    said = webvdi("service", "install", "--user")
    assert said.code == 0, said.err
    written = sorted(path.name for path in (tmp_path / "config/systemd/user").iterdir())
    assert written == ["webvdi-machines.service", "webvdi.service"]
    assert "enable-linger" in said.out
