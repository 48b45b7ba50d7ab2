import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.guests.synthetic import elf_program, tree_of
from webvdi.guests.build_log import BuildLog
from webvdi.guests.caches import add_font_caches
from webvdi.guests.selection import LIBRARIES
from webvdi.guests.tree import File, FileTree

# Stands for the guest's dynamic linker: it is handed the library path, fc-cache and its arguments.
LINKER = b"""#!/bin/sh
[ "$1" = --library-path ] && [ -x "$3" ] || exit 1
root=${4#--sysroot=}
stat -c %Y "$root/usr/share/fonts" >"$root/var/cache/fontconfig/made-up.cache-8"
"""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[BuildLog]:
    with contextlib.closing(BuildLog(tmp_path / "log")) as opened:
        yield opened


def fonts() -> FileTree:
    return tree_of({"usr/share/fonts/a.ttf": b"font", "etc/fonts/fonts.conf": b"<x/>"})


def packages(linker: bytes = LINKER) -> FileTree:
    return tree_of(
        {
            "usr/bin/fc-cache": File(elf_program("ld-linux-x86-64.so.2"), 0o755),
            f"{LIBRARIES}/ld-linux-x86-64.so.2": File(linker, 0o755),
        }
    )


def test_guests_own_program_makes_the_cache_at_the_guests_time(log: BuildLog) -> None:
    chosen = fonts()
    add_font_caches(chosen, packages(), log)
    assert chosen.get("var/cache/fontconfig/made-up.cache-8") == File(b"1600000000\n")
    assert "usr/bin/fc-cache" not in chosen


def test_program_that_cannot_run_here_is_noted(log: BuildLog) -> None:
    chosen = fonts()
    add_font_caches(chosen, packages(linker=b"\x7fELF of another processor"), log)
    assert len(chosen) == len(fonts())
    assert "no font caches" in log.path.read_text()


def test_guest_without_fonts_or_fontconfig(log: BuildLog) -> None:
    chosen = tree_of({"usr/bin/x": b""})
    add_font_caches(chosen, packages(), log)
    assert len(chosen) == 3
    chosen = fonts()
    add_font_caches(chosen, tree_of({}), log)
    assert len(chosen) == len(fonts())
