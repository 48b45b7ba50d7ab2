import tarfile
from pathlib import Path

from unit.guests.synthetic import tree_of
from webvdi.guests.tar import write_tar
from webvdi.guests.tree import Directory, File, Link


def test_files_and_links_without_directories(tmp_path: Path) -> None:
    nodes: dict[str, bytes | Link | File | Directory] = {
        "usr/bin/tool": File(b"tool", 0o755),
        "etc/日本": b"text",
        "sh": Link("dash"),
        "var/empty": Directory(0o700),
    }
    write_tar(tree_of(nodes), tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as archive:
        members = {member.name: member for member in archive.getmembers()}
        assert set(members) == {"usr/bin/tool", "etc/日本", "sh"}
        tool = archive.extractfile("usr/bin/tool")
        assert tool is not None
        assert tool.read() == b"tool"
    assert members["usr/bin/tool"].mode == 0o755
    assert members["etc/日本"].mode == 0o644
    assert {(member.uid, member.gid) for member in members.values()} == {(0, 0)}


def test_equal_trees_make_equal_archives(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_tar(tree_of({"b": b"b", "a": b"a"}), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
