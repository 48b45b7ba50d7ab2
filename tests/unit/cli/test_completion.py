"""TAB: commands from the app, names from the running service, and nothing that takes time."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.command_line import CommandLine
from support.fake_catalogue import machine_view
from webvdi.cli import complete


def offered(words: str, *, shell: str = "bash", **env: str) -> list[str]:
    """What is offered for the last of *words*."""
    variables = {
        "_WEBVDI_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        **env,
    }
    done = subprocess.run(
        [sys.executable, "-m", "webvdi"],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_commands_are_offered() -> None:
    assert offered("webvdi machine st") == ["start", "stop"]


def test_names_come_from_the_service(webvdi: CommandLine) -> None:
    for name in ("alpha", "alpine", "beta"):
        webvdi.fake.catalogue.add(machine_view(name))
    state = {"WEBVDI_STATE": str(webvdi.state)}
    with webvdi.service():
        assert offered("webvdi machine stop al", **state) == ["alpha", "alpine"]
        assert offered("webvdi logs b", **state) == ["beta"]
        assert offered("webvdi machine create x --guest t", **state) == ["tiny"]
        assert offered(f"webvdi machine show --state {webvdi.state} be", WEBVDI_STATE="") == [
            "beta"
        ]


def test_without_a_service_nothing_is_offered_and_nothing_started(webvdi: CommandLine) -> None:
    assert offered("webvdi machine stop ", WEBVDI_STATE=str(webvdi.state)) == []
    assert list(webvdi.state.iterdir()) == []


def test_a_silent_service_is_not_waited_for(
    webvdi: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete, "PATIENCE_S", 0.1)
    with webvdi.service() as holder:
        import socket

        holder.socket.unlink()
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(holder.socket))
            silent.listen(1)
            began = time.monotonic()
            with pytest.raises(OSError, match="timed out"):
                complete.ask(webvdi.state, "/api/v1/machines")
            assert time.monotonic() - began < 5


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(webvdi: CommandLine, shell: str) -> None:
    said = webvdi("completion", shell)
    assert said.code == 0
    assert f"_WEBVDI_COMPLETE=complete_{shell}" in said.out


def test_bash_completes(webvdi: CommandLine, tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "webvdi").write_text(f'#!/bin/sh\nexec {sys.executable} -m webvdi "$@"\n')
    (bin_ / "webvdi").chmod(0o755)
    script = (
        f"{webvdi('completion', 'bash').out}\n"
        "COMP_WORDS=(webvdi share re); COMP_CWORD=2\n"
        "_webvdi_completion webvdi; echo ${COMPREPLY[@]}\n"
    )
    done = subprocess.run(
        ["bash", "--norc"],
        input=script,
        env=os.environ | {"PATH": f"{bin_}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["revoke"]
