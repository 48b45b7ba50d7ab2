"""Files that commands write where they are told to."""

import errno
import os
import threading
from pathlib import Path

import pytest

from webvdi.base.errors import Refused
from webvdi.cli import output_file
from webvdi.cli.output_file import write_output


def test_a_new_file_has_its_mode(tmp_path: Path) -> None:
    write_output(tmp_path / "f", b"data", force=False, mode=0o600)
    assert (tmp_path / "f").read_bytes() == b"data"
    assert (tmp_path / "f").stat().st_mode & 0o777 == 0o600


def test_what_is_there_stays_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"longer than the other")
    with pytest.raises(Refused, match="--force"):
        write_output(file, b"new", force=False)
    file.chmod(0o644)
    write_output(file, b"new", force=True, mode=0o600)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_bytes() == b"new"


def test_a_file_that_comes_in_between_stays_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "f"
    looked = output_file.check_free

    def look_and_lose(path: Path, *, force: bool) -> None:
        looked(path, force=force)
        file.write_bytes(b"theirs")

    monkeypatch.setattr(output_file, "check_free", look_and_lose)
    with pytest.raises(Refused):
        write_output(file, b"new", force=False)
    assert file.read_bytes() == b"theirs"


def test_what_is_no_file_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = list[bytes]()
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_output(pipe, b"data", force=False)
    reader.join()
    assert got == [b"data"]
    assert pipe.is_fifo()


def test_no_half_file_stays_and_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as failed:
        write_output(Path("/dev/full"), b"data", force=False)
    assert failed.value.filename == "/dev/full"
    with pytest.raises(IsADirectoryError):
        write_output(tmp_path, b"data", force=True)


def test_no_half_of_a_new_file_stays(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_output(tmp_path / "f", "no bytes", force=False)  # type: ignore[arg-type]
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_replacing_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        patched.setattr(output_file, "_create", exists)
        with pytest.raises(OSError, match="No space left") as failed:
            write_output(file, b"new", force=True)
    assert failed.value.filename == str(file)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def exists(*_: object) -> None:
    raise FileExistsError


def test_a_file_that_is_not_ours_is_replaced_or_stays_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One may write it, but not change its mode."""
    file = tmp_path / "f"
    file.write_bytes(b"old")

    def not_ours(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", not_ours)
    write_output(file, b"new", force=True)
    assert file.read_bytes() == b"new"


def test_a_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "target"
    link.symlink_to("target")
    target.write_bytes(b"old")
    with pytest.raises(Refused, match="--force"):
        write_output(link, b"new", force=False)
    write_output(link, b"new", force=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.parametrize("force", [False, True])
def test_a_link_to_nothing_is_refused_before_the_work(tmp_path: Path, force: bool) -> None:
    link = tmp_path / "link"
    link.symlink_to("gone")
    with pytest.raises(Refused, match="is a link to gone, which is not there") as refused:
        output_file.check_free(link, force=force)
    assert refused.value.reason == "no_such_file"
    with pytest.raises(Refused, match="is a link to gone"):
        write_output(link, b"new", force=force)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
