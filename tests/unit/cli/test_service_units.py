"""The units for systemd: what they must say, and that the files beside the code say the same."""

import configparser
import shlex
import sys
from pathlib import Path

import pytest

from support.command_line import CommandLine
from webvdi.base.paths import places
from webvdi.cli.service_units import DEADLINE_S, our_command, units

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


def installed(webvdi: CommandLine, *options: str) -> tuple[list[str], list[str], dict[str, str]]:
    """What the units would run, to serve and to shut down, and with which environment."""
    said = webvdi("service", "install", "--user", "--print", *options)
    assert said.code == 0, said.err
    texts = [part.partition("\n")[2] for part in said.out.split("# --- ")[1:]]
    serve, machines = map(parsed, texts)
    environments = [
        [line.partition("=")[2] for line in text.splitlines() if line.startswith("Environment=")]
        for text in texts
    ]
    assert environments[0] == environments[1]
    variables = dict(shlex.split(each)[0].split("=", 1) for each in environments[0])
    run, end = serve["Service"]["ExecStart"], machines["Service"]["ExecStop"]
    return shlex.split(run), shlex.split(end), variables


def test_how_it_is_served_is_in_the_unit(
    webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("--listen", "[::]:443", "--tls-cert", "my own.pem", "--tls-key", "k.pem")
    run, end, _ = installed(webvdi, *words, "--url", "https://desk.example/")
    assert run[run.index("--listen") + 1] == "[::]:443"
    assert run[run.index("--tls-cert") + 1] == str(tmp_path / "my own.pem")
    assert run[run.index("--tls-key") + 1] == str(tmp_path / "k.pem")
    assert run[run.index("--url") + 1] == "https://desk.example/"
    assert "--tls-cert" not in end
    assert "--tls-self-signed" in installed(webvdi, "--tls-self-signed")[0]
    assert "10.0.0.1" in installed(webvdi, "--behind-proxy", "10.0.0.1")[0]


def test_the_environment_of_serve_counts_as_its_options(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBVDI_LISTEN", "127.0.0.1:9001")
    assert "127.0.0.1:9001" in installed(webvdi)[0]


def test_what_cannot_be_served_is_said_at_once(webvdi: CommandLine, tmp_path: Path) -> None:
    for words in (("--listen", "x:y"), ("--url", "nowhere"), ("--tls-cert", "x")):
        assert webvdi("service", "install", "--user", "--print", *words).code == 2
    said = webvdi("service", "install", "--user", "--print", "--listen", "0.0.0.0:80")
    assert said.code == 0
    assert "will not start with these options, unless ~/.config/webvdi/env has more" in said.err
    (tmp_path / "no.pem").write_text("no certificate")
    pair = ("--tls-cert", str(tmp_path / "no.pem"), "--tls-key", str(tmp_path / "no.pem"))
    said = webvdi("service", "install", "--user", *pair)
    assert said.code == 1
    assert "are not a certificate and its key" in said.err


@pytest.mark.parametrize("home", [None, "of mine/50% $HOME", "plain"])
def test_the_unit_has_the_state_that_the_command_line_has(
    webvdi: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("WEBVDI_STATE")
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
        if home is not None:
            monkeypatch.setenv(name, str(tmp_path / home))
    ours = places()
    run, end, variables = installed(webvdi)
    assert "--state" not in run + end
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):  # systemd has others, or none
        monkeypatch.setenv(name, variables[name].replace("%%", "%"))
    assert places() == ours


def test_a_state_that_was_named_is_in_both_units(webvdi: CommandLine, tmp_path: Path) -> None:
    named = tmp_path / 'a "b" 50% $c'
    run, end, variables = installed(webvdi, "--state", str(named))
    systemds = str(named).replace("%", "%%").replace("$", "$$")
    assert run[-2:] == end[-2:] == ["--state", systemds]
    assert variables == {}
    assert f"--state {webvdi.state}" in " ".join(installed(webvdi)[0])  # of WEBVDI_STATE


def test_a_program_whose_path_has_signs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my $opt 50%" / "webvdi"
    program.parent.mkdir()
    program.touch(0o755)
    monkeypatch.setattr(sys, "argv", [str(program)])
    systemds = str(program).replace("%", "%%")
    assert our_command() == f'"{systemds}"'
    monkeypatch.setattr(sys, "argv", ["pytest"])
    monkeypatch.setenv("PATH", str(program.parent))
    assert our_command() == f'"{systemds}"'
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/opt/$x/python")
    assert our_command() == "/opt/$x/python -m webvdi"
