from pathlib import Path

import pytest

from webvdi.guests.errors import ChecksumMismatch
from webvdi.guests.packages import Package, depends_on, parse_index, sha256_of, verify

INDEX = """\
Package: xterm
Version: 1:379-1
Installed-Size: 2000
Architecture: amd64
Depends: libc6 (>= 2.34), libfoo | libbar
Description: X terminal
 a second line: with a colon
Size: 840364
SHA256: 00aa

Package: linux-image-amd64
Version: 6.1
Architecture: amd64
Depends: linux-base, linux-image-6.1.0-56-amd64 (= 6.1.192-2)
Size: 10
SHA256: 11bb

"""


def test_index() -> None:
    xterm, kernel = parse_index(INDEX)
    depends = "libc6 (>= 2.34), libfoo | libbar"
    assert xterm == Package("xterm", "1:379-1", "amd64", 840364, "00aa", depends)
    assert xterm.file_name == "xterm_1%3a379-1_amd64.deb"
    assert depends_on(kernel, r"linux-image-[0-9].*") == "linux-image-6.1.0-56-amd64"
    assert depends_on(xterm, r"libba.") == "libbar"
    assert depends_on(xterm, r"lib") is None


def test_record_without_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="xterm lacks 'SHA256'"):
        list(parse_index(INDEX.replace("SHA256: 00aa\n", "")))


def record(path: Path) -> Package:
    return Package("a", "1", "all", path.stat().st_size, sha256_of(path), "")


def test_true_file_passes(tmp_path: Path) -> None:
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(b"contents" * 300_000)
    verify(path, record(path))
    assert path.exists()


def test_other_contents_are_removed_and_named(tmp_path: Path) -> None:
    path = tmp_path / "a_1_all.deb"
    path.write_bytes(b"contents")
    package = record(path)
    path.write_bytes(b"CONTENTS")
    with pytest.raises(ChecksumMismatch, match=r"a_1_all\.deb is not the file that Debian signed"):
        verify(path, package)
    assert not path.exists()
