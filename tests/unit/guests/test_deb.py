from pathlib import Path

import pytest

from unit.guests.synthetic import make_deb
from webvdi.guests.deb import read_deb
from webvdi.guests.errors import BuildFailed
from webvdi.guests.tree import File, Link


def everything(_: str) -> bool:
    return True


def test_files_links_and_modes(tmp_path: Path) -> None:
    files: dict[str, bytes | Link | File] = {
        "bin/su": File(b"program", 0o4755),
        "usr/share/doc/x": b"text",
        "lib/libx.so": Link("libx.so.1"),
    }
    tree = read_deb(make_deb(tmp_path / "x.deb", files), everything)
    assert tree.get("usr/bin/su") == File(b"program", 0o4755)
    assert tree.get("usr/share/doc/x") == File(b"text", 0o644)
    assert tree.get("usr/lib/libx.so") == Link("libx.so.1")


def test_relative_link_from_an_unmerged_directory_still_leads_there(tmp_path: Path) -> None:
    files: dict[str, bytes | Link | File] = {
        "lib/x86_64-linux-gnu/ld.so": b"linker",
        "lib64/ld.so": Link("../lib/x86_64-linux-gnu/ld.so"),
    }
    tree = read_deb(make_deb(tmp_path / "x.deb", files), everything)
    assert tree.resolve("lib64/ld.so") == "usr/lib/x86_64-linux-gnu/ld.so"


def test_only_what_is_wanted(tmp_path: Path) -> None:
    path = make_deb(tmp_path / "x.deb", {"bin/a": b"", "bin/b": b""})
    tree = read_deb(path, lambda name: name == "usr/bin/a")
    assert "usr/bin/a" in tree
    assert "usr/bin/b" not in tree


@pytest.mark.parametrize("keep", [0, 100, 400])
def test_damaged_package_is_named(tmp_path: Path, keep: int) -> None:
    path = make_deb(tmp_path / "x.deb", {"bin/a": b"contents"})
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BuildFailed, match=r"x\.deb cannot be read"):
        read_deb(path, everything)
