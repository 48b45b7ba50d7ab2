"""Files are whole or not there."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webvdi.base.files import secret_at, write_atomic


def test_write_atomic_replaces_and_keeps_the_mode(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_everybody_gets_the_same_secret(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: secret_at(path), range(32)))
    assert len(secrets) == 1
    assert len(secrets.pop()) == 32
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_error_names_the_file_that_was_meant(tmp_path: Path) -> None:
    for path in (tmp_path / "no-such" / "f", tmp_path / "directory"):
        if path.parent == tmp_path:
            path.mkdir()
        with pytest.raises(OSError, match=re.escape(repr(str(path)))) as failed:
            write_atomic(path, b"x")
        assert (failed.value.filename, failed.value.filename2) == (str(path), None)
    assert [each.name for each in tmp_path.iterdir()] == ["directory"]
