import io
import subprocess
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from unit.guests.synthetic import tree_of
from webvdi.guests.cpio import MTIME, write_cpio
from webvdi.guests.tree import CharacterDevice, Directory, File, FileTree, Link


@dataclass(frozen=True)
class Member:
    mode: int
    uid: int
    mtime: int
    device: tuple[int, int]
    data: bytes


def read_cpio(archive: bytes) -> dict[str, Member]:
    """A second, independent reader of the newc format."""
    members: dict[str, Member] = {}
    at = 0
    while True:
        assert archive[at : at + 6] == b"070701"
        field = [int(archive[at + 6 + 8 * i : at + 14 + 8 * i], 16) for i in range(13)]
        name = archive[at + 110 : at + 110 + field[11] - 1].decode()
        at = (at + 110 + field[11] + 3) & ~3
        data = archive[at : at + field[6]]
        at = (at + field[6] + 3) & ~3
        if name == "TRAILER!!!":
            return members
        members[name] = Member(field[1], field[2], field[5], (field[9], field[10]), data)


def written(tree: FileTree) -> bytes:
    out = io.BytesIO()
    assert write_cpio(tree, out) == len(out.getvalue())
    return out.getvalue()


def sample() -> FileTree:
    tree = tree_of({"init": File(b"#!/bin/sh\n", 0o755), "etc/passwd": b"root:x:0:0\n"})
    tree.add("usr/bin/su", File(b"x", 0o4755))
    tree.add_raw("bin", Link("usr/bin"))
    tree.add("tmp", Directory(0o1777))
    tree.add("dev/console", CharacterDevice(5, 1))
    return tree


def test_kinds_and_modes() -> None:
    members = read_cpio(written(sample()))
    assert members["init"] == Member(0o100755, 0, MTIME, (0, 0), b"#!/bin/sh\n")
    assert members["usr/bin/su"].mode == 0o104755
    assert members["bin"] == Member(0o120777, 0, MTIME, (0, 0), b"usr/bin")
    assert members["tmp"].mode == 0o41777
    assert members["dev/console"] == Member(0o20600, 0, MTIME, (5, 1), b"")


def test_parents_come_before_children() -> None:
    names = list(read_cpio(written(sample())))
    assert names.index("usr") < names.index("usr/bin") < names.index("usr/bin/su")


def test_cpio_program_agrees() -> None:
    result = subprocess.run(["cpio", "-it"], input=written(sample()), capture_output=True)
    assert result.returncode == 0
    assert set(result.stdout.decode().split()) == {path for path, _ in sample().walk()}


def test_equal_trees_give_equal_archives() -> None:
    assert written(sample()) == written(sample())


@given(st.dictionaries(st.text("abcé", min_size=1, max_size=9), st.binary(max_size=9)))
def test_any_names_and_contents_survive(files: dict[str, bytes]) -> None:
    members = read_cpio(written(tree_of({f"x/{name}": data for name, data in files.items()})))
    assert {name: m.data for name, m in members.items() if name != "x"} == {
        f"x/{name}": data for name, data in files.items()
    }


def test_length_is_whole_blocks() -> None:
    assert len(written(sample())) % 512 == 0
