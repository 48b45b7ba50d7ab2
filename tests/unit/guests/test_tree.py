import pytest

from unit.guests.synthetic import tree_of
from webvdi.guests.tree import Directory, File, FileTree, Link, merged


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("./bin/sh", "usr/bin/sh"),
        ("/lib64/ld.so", "usr/lib64/ld.so"),
        ("lib", "usr/lib"),
        ("usr/lib/x", "usr/lib/x"),
        ("library/x", "library/x"),
        ("./", "."),
    ],
)
def test_merged(path: str, expected: str) -> None:
    assert merged(path) == expected


@pytest.mark.parametrize("path", ["../etc/passwd", "a/../../b"])
def test_paths_do_not_lead_out(path: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        merged(path)


def test_parents_are_added() -> None:
    tree = tree_of({"a/b/c": b"x"})
    assert [path for path, _ in tree.walk()] == ["a", "a/b", "a/b/c"]
    assert tree.get("a/b") == Directory()


def test_directory_keeps_its_contents_and_takes_the_mode() -> None:
    tree = tree_of({"tmp/x": b""})
    tree.add("tmp", Directory(0o1777))
    assert tree.get("tmp") == Directory(0o1777)
    assert "tmp/x" in tree


def test_update_replaces() -> None:
    tree = tree_of({"a": b"old", "b": b""})
    tree.update(tree_of({"a": b"new"}))
    assert tree.get("a") == File(b"new")
    assert len(tree) == 2


def test_resolve_follows_links_anywhere() -> None:
    tree = tree_of(
        {
            "usr/lib/x/libm.so.6.1": b"",
            "usr/lib/x/libm.so.6": Link("libm.so.6.1"),
            "usr/lib/y": Link("x"),
            "etc/m": Link("/lib/y/libm.so.6"),
            "etc/n": Link("../etc/m"),
        }
    )
    assert tree.resolve("lib/y/libm.so.6") == "usr/lib/x/libm.so.6.1"
    assert tree.resolve("etc/n") == "usr/lib/x/libm.so.6.1"


def test_resolve_gives_up() -> None:
    tree = tree_of({"a": Link("b"), "b": Link("a"), "c": Link("nowhere"), "d": Link("../../x")})
    assert [tree.resolve(path) for path in "abcde"] == [None] * 5


def test_empty() -> None:
    tree = FileTree()
    tree.add("./", Directory())
    assert len(tree) == 0
