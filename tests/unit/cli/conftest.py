"""The command line on a fake broker."""

from pathlib import Path

import pytest

from support.command_line import CommandLine


@pytest.fixture
def webvdi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> CommandLine:
    return CommandLine(tmp_path, monkeypatch, capfdbinary)
