"""Files that commands write where they are told to."""

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
