import pytest

from unit.guests.synthetic import elf_program, tree_of
from webvdi.guests.errors import RecipeError
from webvdi.guests.selection import LIBRARIES, add_libraries, choose, matcher
from webvdi.guests.tree import Link


def test_patterns_reach_below_directories() -> None:
    matches = matcher(["usr/share/doc/*", "etc/?"])
    assert matches("usr/share/doc/x/copyright")
    assert matches("etc/a")
    assert not matches("usr/share/docs")
    assert not matcher([])("anything")


def test_choose() -> None:
    unpacked = tree_of({"usr/bin/a": b"", "usr/share/x/y": b"", "usr/share/x/README": b""})
    chosen = choose(unpacked, ["usr/share/x/*"], ["*/README"])
    assert "usr/share/x/y" in chosen
    assert "usr/share/x/README" not in chosen
    assert "usr/bin/a" not in chosen


def test_link_brings_what_it_leads_to() -> None:
    unpacked = tree_of({"usr/bin/editor": Link("vi.tiny"), "usr/bin/vi.tiny": b"vi"})
    chosen = choose(unpacked, ["usr/bin/editor"], [])
    assert chosen.resolve("usr/bin/editor") == "usr/bin/vi.tiny"


def test_every_pattern_must_take_something() -> None:
    with pytest.raises(RecipeError, match=r"no package holds usr/bin/gone, etc/gone/\*$"):
        choose(tree_of({"usr/bin/a": b""}), ["usr/bin/gone", "usr/bin/a", "etc/gone/*"], [])


def test_libraries_of_libraries_come_too() -> None:
    unpacked = tree_of(
        {
            f"{LIBRARIES}/libx.so.1": Link("libx.so.1.2"),
            f"{LIBRARIES}/libx.so.1.2": elf_program("libc.so.6"),
            f"{LIBRARIES}/libc.so.6": elf_program(),
            f"{LIBRARIES}/libother.so.1": elf_program(),
        }
    )
    chosen = tree_of({"usr/bin/x": elf_program("libx.so.1"), "usr/bin/script": b"#!/bin/sh\n"})
    add_libraries(chosen, unpacked)
    assert f"{LIBRARIES}/libx.so.1" in chosen
    assert f"{LIBRARIES}/libc.so.6" in chosen
    assert f"{LIBRARIES}/libother.so.1" not in chosen


def test_missing_libraries_are_named_with_who_needs_them() -> None:
    chosen = tree_of({"usr/bin/x": elf_program("libgone.so.1", "liblost.so.2")})
    with pytest.raises(
        RecipeError, match=r"libgone\.so\.1, which usr/bin/x needs; liblost\.so\.2,"
    ):
        add_libraries(chosen, tree_of({}))
