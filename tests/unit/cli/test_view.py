"""Which targets ``webvdi view`` shows, and how their servers are checked."""

from pathlib import Path

import pytest

from support.command_line import CommandLine
from webvdi.base.errors import Refused
from webvdi.cli.view import ServerTls, ViewOptions, all_targets, as_settings

NO_TLS = ServerTls()
DIGITS = "ab" * 32


def targets(
    *named: str, table: Path | None = None, tls: ServerTls = NO_TLS
) -> list[dict[str, object]]:
    """The targets as the web process is told of them."""
    return [as_settings(target) for target in all_targets(ViewOptions(named, table, None, tls))]


def test_one_is_simply_there() -> None:
    (target,) = targets("tcp:127.0.0.1:5900")
    assert target == {
        "name": "view",
        "title": "tcp:127.0.0.1:5900",
        "endpoint": "tcp:127.0.0.1:5900",
        "password_file": None,
        "tls": None,
    }


def test_several_have_numbers_and_a_table_has_names(tmp_path: Path) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(
        '[office]\nendpoint = "tcp:192.0.2.7:5900"\ntitle = "The office"\n'
        'password_file = "pw"\ntls = { anonymous = true }\n'
    )
    found = targets("unix:/x", "listen:127.0.0.1:5500", table=table)
    assert [target["name"] for target in found] == ["view-1", "view-2", "office"]
    assert found[2]["password_file"] == str(tmp_path / "pw")
    assert found[2]["tls"] == {"anonymous": True}


def test_the_command_lines_tls_is_for_all_that_have_none(tmp_path: Path) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(
        '[a]\nendpoint = "tcp:a:1"\n[b]\nendpoint = "tcp:b:1"\ntls = { anonymous = true }\n'
    )
    found = targets("tcp:c:1", table=table, tls=ServerTls(fingerprint=DIGITS))
    assert [target["tls"] for target in found] == [
        {"fingerprint": DIGITS},
        {"fingerprint": DIGITS},
        {"anonymous": True},
    ]


@pytest.mark.parametrize(
    ("named", "tls", "words"),
    [
        ((), NO_TLS, "name a target"),
        (("127.0.0.1:5900",), NO_TLS, "tcp:"),
        (("tcp:a:1",), ServerTls(fingerprint="12"), "SHA-256"),
        (("tcp:a:1",), ServerTls(fingerprint=DIGITS, anonymous=True), "contradict"),
        (("tcp:a:1",), ServerTls(ca=Path("/nonexistent/ca.pem")), "cannot be read"),
    ],
)
def test_what_makes_no_sense_is_said(named: tuple[str, ...], tls: ServerTls, words: str) -> None:
    with pytest.raises(Refused, match=words):
        targets(*named, tls=tls)


def test_two_of_one_name_are_refused(tmp_path: Path) -> None:
    table = tmp_path / "targets.toml"
    table.write_text('[view-1]\nendpoint = "tcp:a:1"\n')
    with pytest.raises(Refused, match="view-1"):
        targets("tcp:b:1", table=table)


def test_a_table_that_cannot_be_read_is_one_line(webvdi: CommandLine, tmp_path: Path) -> None:
    said = webvdi("view", "--targets", str(tmp_path / "nothing.toml"))
    assert said.code == 1
    assert "nothing.toml" in said.err
    assert said.err.count("\n") == 1
