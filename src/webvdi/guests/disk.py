"""Makes the data disk of a guest: an empty ext4 file system in a sparse file, without root."""

import subprocess
from pathlib import Path

from webvdi.guests.errors import MIB, BuildFailed
from webvdi.guests.requirements import program

LABEL = "webvdi-home"
SMALLEST_MIB = 16  # below this ext4 has no journal
# The host's mke2fs.conf is not asked: a new one turns on what an older guest's kernel lacks.
FEATURES = (
    "none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,"
    "sparse_super,large_file,huge_file,dir_nlink,extra_isize"
)


def make_data_disk(path: Path, size_mib: int, *, label: str = LABEL) -> Path:
    """Make a raw disk of *size_mib* MiB at *path*; it takes room only as it is filled.

    Raises ``FileExistsError`` rather than overwrite anything, ``ValueError`` for a size too small,
    :class:`HostNotReady` without mke2fs, :class:`BuildFailed` when mke2fs fails.
    """
    if size_mib < SMALLEST_MIB:
        raise ValueError(f"a data disk needs at least {SMALLEST_MIB} MiB, not {size_mib}")
    with path.open("xb") as file:
        file.truncate(size_mib * MIB)
    try:
        _format(path, label)
    except BaseException:
        path.unlink()
        raise
    return path


def _format(path: Path, label: str) -> None:
    argv = [program("mke2fs"), "-q", "-F", "-t", "ext4", "-O", FEATURES, "-m", "0", "-L", label]
    argv += ["-I", "256", "-E", "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", str(path)]
    result = subprocess.run(argv, capture_output=True, text=True, errors="replace")
    if result.returncode != 0:
        raise BuildFailed(f"mke2fs could not make {path}: {result.stderr.strip()}")
