import subprocess
from pathlib import Path

import pytest

from webvdi.guests import disk
from webvdi.guests.disk import LABEL, make_data_disk
from webvdi.guests.errors import BuildFailed
from webvdi.guests.requirements import program


def dumpe2fs(path: Path) -> str:
    directory = Path(program("mke2fs")).parent
    argv = [str(directory / "dumpe2fs"), "-h", str(path)]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_sparse_ext4_with_a_journal(tmp_path: Path) -> None:
    path = make_data_disk(tmp_path / "home.img", 256)
    assert path.stat().st_size == 256 << 20
    assert path.stat().st_blocks * 512 < 8 << 20
    text = dumpe2fs(path)
    assert "has_journal" in text
    assert f"volume name:   {LABEL}" in text


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "home.img"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        make_data_disk(path, 64)
    assert path.read_bytes() == b"precious"


def test_too_small(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 16 MiB, not 4"):
        make_data_disk(tmp_path / "home.img", 4)
    assert list(tmp_path.iterdir()) == []


def test_failure_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "program", lambda _: "/bin/false")
    with pytest.raises(BuildFailed, match="mke2fs could not make"):
        make_data_disk(tmp_path / "home.img", 64)
    assert list(tmp_path.iterdir()) == []
