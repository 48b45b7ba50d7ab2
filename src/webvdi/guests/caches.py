"""Font caches, made on the host so that the guest's first window does not wait for them.

A cache must fit the guest's fontconfig, not the host's: the format changes between versions.  So
the guest's own ``fc-cache`` is run, by the guest's own dynamic linker, on the fonts alone.
"""

import os
import tempfile
from pathlib import Path

from webvdi.guests.build_log import BuildLog
from webvdi.guests.cpio import MTIME
from webvdi.guests.selection import LIBRARIES, add_libraries, choose
from webvdi.guests.tree import File, FileTree

FONTS = "usr/share/fonts"
CONFIGURATION = "etc/fonts"
CACHE = "var/cache/fontconfig"
_FC_CACHE = "usr/bin/fc-cache"
_LINKER = f"{LIBRARIES}/ld-linux-x86-64.so.2"


def add_font_caches(chosen: FileTree, unpacked: FileTree, log: BuildLog) -> None:
    """Add fontconfig's caches for the fonts in *chosen*.

    Where the guest's programs cannot run on this host (another processor, a directory mounted
    ``noexec``) there are none: the guest works, only its first start of a program is slower.
    """
    if _FC_CACHE not in unpacked or FONTS not in chosen:
        return
    tool = choose(unpacked, [_FC_CACHE], [])
    add_libraries(tool, unpacked)
    with tempfile.TemporaryDirectory(prefix="webvdi-fonts-") as name:
        place, root = Path(name) / "tool", Path(name) / "root"
        _write(tool, place, "")
        for below in (FONTS, CONFIGURATION):
            _write(chosen, root, below)
        (root / CACHE).mkdir(parents=True)
        _set_times(root / FONTS)
        linker = [str(place / _LINKER), "--library-path", str(place / LIBRARIES)]
        argv = [*linker, str(place / _FC_CACHE), f"--sysroot={root}", "--force", "--system-only"]
        try:
            log.run(argv, env={"PATH": os.defpath})
        except OSError as error:
            log.line(f"no font caches: {error}")
        for path in sorted((root / CACHE).iterdir()):
            chosen.add(f"{CACHE}/{path.name}", File(path.read_bytes()))


def _write(tree: FileTree, root: Path, below: str) -> None:
    for path, node in tree.walk():
        if isinstance(node, File) and path.startswith(below):
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(node.data)
            place.chmod(node.mode & 0o755)


def _set_times(fonts: Path) -> None:
    """Give every directory the time that it will have in the guest: caches are keyed by it."""
    for path in (fonts, *fonts.rglob("*")):
        os.utime(path, (MTIME, MTIME))
