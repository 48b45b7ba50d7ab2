"""One process at a time looks after a state directory, and others find out who."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.command_line import CommandLine
from webvdi.base.paths import Places
from webvdi.cli import errors_as, patience, terminal
from webvdi.cli.claim import SERVE, Holder, claim, holder_of
from webvdi.cli.exits import ServiceUnavailable
from webvdi.cli.patience import Patience


@pytest.fixture
def where(tmp_path: Path) -> Places:
    return Places(tmp_path, tmp_path / "cache", tmp_path / "run")


def test_the_second_finds_the_first(where: Places) -> None:
    assert holder_of(where.state) is None
    first = claim(where.state, where, "machine create")
    assert first is not None
    with first:
        assert claim(where.state, where, "serve") is None
        assert holder_of(where.state) == Holder(os.getpid(), "machine create", str(where.run))
        serving = Holder(os.getpid(), SERVE, "/run/elsewhere", "http://x/", False, True)
        first.announce(serving)
        found = holder_of(where.state)
        assert found == serving
        assert found.serves
        assert found.socket == Path("/run/elsewhere/api.sock")
    assert holder_of(where.state) is None
    again = claim(where.state, where, "machine list")
    assert again is not None
    again.close()


def test_what_a_killed_process_wrote_counts_no_more(where: Places) -> None:
    code = (
        "import os, sys; from pathlib import Path; from webvdi.base.paths import Places\n"
        "from webvdi.cli.claim import claim\n"
        "p = Path(sys.argv[1]); held = claim(p, Places(p, p, p), 'serve')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(where.state)])
    assert "serve" in (where.state / "service.lock").read_text()
    assert holder_of(where.state) is None


def test_only_its_owner_may_read_it(where: Places) -> None:
    held = claim(where.state, where, "serve")
    assert held is not None
    held.close()
    assert (where.state / "service.lock").stat().st_mode & 0o777 == 0o600


def test_a_command_at_work_is_waited_for_and_then_named(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BUSY_S", 0.2)
    webvdi.places.make()
    busy = claim(webvdi.state, webvdi.places, "guest build")
    assert busy is not None
    with busy:
        said = webvdi("machine", "list", "--json")
    assert said.code == 5
    assert "webvdi guest build" in said.problem["detail"]
    assert webvdi("machine", "list").code == 0


def test_who_waits_long_is_told_once_for_what(
    where: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    waiting, holder = Patience(where.state), Holder(42, "guest build", "/run")
    waiting.wait_on(holder, 100.0)
    waiting.wait_on(holder, 102.9)
    assert capsys.readouterr() == ("", "")
    waiting.wait_on(None, 103.0)
    assert capsys.readouterr() == ("", "")
    waiting.wait_on(holder, 103.1)
    waiting.wait_on(Holder(43, "machine list", "/run"), 160.0)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Waiting for `webvdi guest build` (process 42)")
    assert said.err.count("\n") == 1
    with pytest.raises(ServiceUnavailable, match=r"`webvdi machine list` \(process 43\)"):
        waiting.wait_on(Holder(43, "machine list", "/run"), 160.1)


def test_programs_hear_of_the_end_alone(
    where: Places, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(errors_as, "json", True)
    waiting = Patience(where.state)
    for now in (0.0, 10.0, 20.0):
        waiting.wait_on(Holder(42, "guest build", "/run"), now)
    assert capsys.readouterr() == ("", "")


def test_a_command_waits_until_another_is_done(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "SAY_AFTER_S", 0.0)
    webvdi.places.make()
    busy = claim(webvdi.state, webvdi.places, "guest build")
    assert busy is not None

    def noted(text: str) -> None:
        terminal.note(text)
        busy.close()

    monkeypatch.setattr(patience, "note", noted)
    said = webvdi("machine", "list")
    assert said.code == 0
    assert "Waiting for `webvdi guest build`" in said.err


def test_a_service_that_does_not_answer_is_5(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    webvdi.places.make()
    held = claim(webvdi.state, webvdi.places, SERVE)
    assert held is not None
    with held:
        said = webvdi("machine", "list")
    assert said.code == 5
    assert "does not answer" in said.err


def test_a_second_service_on_the_same_state_is_refused(webvdi: CommandLine) -> None:
    with webvdi.service():
        said = webvdi("serve", "--listen", "127.0.0.1:0")
    assert said.code == 1
    assert "served already" in said.err
    assert "--state" in said.err


def test_a_service_waits_for_a_command_and_then_names_it(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "BUSY_S", 0.2)
    webvdi.places.make()
    busy = claim(webvdi.state, webvdi.places, "machine create")
    assert busy is not None
    with busy:
        said = webvdi("serve", "--listen", "127.0.0.1:0")
    assert said.code == 5
    assert "webvdi machine create" in said.err
