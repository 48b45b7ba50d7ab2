"""Options that the environment can set, as a service's file of settings does."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from webvdi.cli import serve as serving
from webvdi.cli.door import ServingOptions
from webvdi.cli.main import app

SETTINGS = {
    "WEBVDI_LISTEN": "0.0.0.0:9000",
    "WEBVDI_TLS_CERT": "/etc/ssl/webvdi.pem",
    "WEBVDI_TLS_KEY": "/etc/ssl/private/webvdi.key",
    "WEBVDI_TLS_SELF_SIGNED": "1",
    "WEBVDI_BEHIND_PROXY": "192.0.2.1",
    "WEBVDI_URL": "https://vdi.example/",
    "WEBVDI_NO_OPEN": "1",
    "WEBVDI_STATE": "/srv/webvdi",
}


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[ServingOptions]:
    """What `webvdi serve` is asked for, instead of serving."""
    asked: list[ServingOptions] = []

    def run_serve(options: ServingOptions, state: Path | None, *, autostart: bool) -> None:
        assert autostart
        asked.append(options)

    monkeypatch.setattr(serving, "run_serve", run_serve)
    return asked


def test_the_environment_sets_what_the_command_line_does_not_say(
    heard: list[ServingOptions],
) -> None:
    result = CliRunner().invoke(app, ["serve"], env=SETTINGS)
    assert result.exit_code == 0, result.output
    assert heard == [
        ServingOptions(
            "0.0.0.0:9000",
            auth=True,
            open_browser=False,
            tls_cert=Path("/etc/ssl/webvdi.pem"),
            tls_key=Path("/etc/ssl/private/webvdi.key"),
            tls_self_signed=True,
            behind_proxy="192.0.2.1",
            url="https://vdi.example/",
        )
    ]


def test_the_command_line_comes_first(heard: list[ServingOptions]) -> None:
    CliRunner().invoke(app, ["serve", "--listen", "8080"], env=SETTINGS)
    assert heard[0].listen == "8080"


def test_what_is_set_to_nothing_is_not_set(heard: list[ServingOptions]) -> None:
    CliRunner().invoke(app, ["serve"], env=dict.fromkeys(SETTINGS, ""))
    assert heard == [ServingOptions("127.0.0.1:8470", auth=True, open_browser=True)]


def test_logins_are_never_switched_off_by_an_environment() -> None:
    options = Path(__file__).parents[3] / "src/webvdi/cli/options.py"
    no_auth = re.search(r"NoAuth = Annotated\[(.*?)\n\]", options.read_text(), re.DOTALL)
    assert no_auth is not None
    assert "envvar" not in no_auth[1]
