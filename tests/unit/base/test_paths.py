"""Where things live."""

from pathlib import Path

import pytest

from webvdi.base.errors import Refused
from webvdi.base.paths import Places, places


def test_xdg_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "XDG_RUNTIME_DIR").mkdir()
    where = places()
    assert where == Places(
        tmp_path / "XDG_STATE_HOME/webvdi",
        tmp_path / "XDG_CACHE_HOME/webvdi",
        tmp_path / "XDG_RUNTIME_DIR/webvdi",
    )


def test_a_state_directory_has_a_short_run_directory_of_its_own(tmp_path: Path) -> None:
    deep = tmp_path / ("long" * 20)
    one, other = places(deep), places(tmp_path)
    assert one.state == deep
    assert one.cache.is_relative_to(deep)
    assert one.run != other.run
    assert len(str(one.run)) < 60


def test_a_run_directory_that_others_may_read_is_refused(tmp_path: Path) -> None:
    where = Places(tmp_path / "s", tmp_path / "c", tmp_path / "r")
    where.make()
    assert where.run.stat().st_mode & 0o777 == 0o700
    where.run.chmod(0o755)
    with pytest.raises(Refused, match="chmod 700"):
        where.make()
