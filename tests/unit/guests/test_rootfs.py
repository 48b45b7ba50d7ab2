import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from webvdi.guests.errors import BuildFailed
from webvdi.guests.rootfs import RootFiles

OTHER = 1 << 20  # an owner who is not us


def member(name: str, kind: bytes = tarfile.REGTYPE, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, 0o644, 1_500_000_000
    info.uid, info.gid = os.geteuid(), os.getegid()
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def archive(*members: tarfile.TarInfo, data: bytes = b"data") -> io.BytesIO:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info in members:
            if info.isfile():
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    out.seek(0)
    return out


@pytest.fixture
def files(tmp_path: Path) -> RootFiles:
    (tmp_path / "values").mkdir()
    return RootFiles(tmp_path / "root", tmp_path / "values")


def unpack(files: RootFiles, *members: tarfile.TarInfo) -> int:
    return files.unpack(archive(*members), lambda _: None)


def test_files_links_and_directories(files: RootFiles) -> None:
    directory = member("./etc", tarfile.DIRTYPE, mode=0o755)
    link = member("./etc/link", tarfile.SYMTYPE, linkname="name")
    second = member("./etc/second", tarfile.LNKTYPE, linkname="./etc/name")
    root = member("./", tarfile.DIRTYPE, mode=0o755)
    assert unpack(files, root, directory, member("./etc/name"), link, second) == 5
    name = files.root / "etc/name"
    assert name.read_bytes() == b"data"
    assert (files.root / "etc/link").readlink() == Path("name")
    assert (files.root / "etc/second").samefile(name)
    # Directories too keep their times, for caches that are keyed by them.
    assert {path.stat().st_mtime for path in (name, name.parent)} == {1_500_000_000}
    assert files.commands == []


def test_owners_become_commands(files: RootFiles) -> None:
    unpack(files, member("./with space", uid=OTHER), member("./x", gid=OTHER + 1))
    assert files.commands == [
        f'sif "/with space" uid {OTHER}',
        f'sif "/x" gid {OTHER + 1}',
    ]


def test_modes_that_shut_us_out_become_commands(files: RootFiles) -> None:
    closed = member("./closed", tarfile.DIRTYPE, mode=0o1510)
    unpack(files, closed, member("./closed/secret", mode=0o4040), member("./su", mode=0o4755))
    assert (files.root / "closed/secret").read_bytes() == b"data"
    assert files.commands == [
        'sif "/closed" mode 041510',
        'sif "/closed/secret" mode 0104040',
    ]
    assert stat.S_IMODE((files.root / "su").stat().st_mode) == 0o4755


def test_capabilities_become_commands(files: RootFiles, tmp_path: Path) -> None:
    headers = {"SCHILY.xattr.security.capability": "\x01\x00\udcff"}
    unpack(files, member("./ping", pax_headers=headers))
    (value,) = (tmp_path / "values").iterdir()
    assert value.read_bytes() == b"\x01\x00\xff"
    assert files.commands == [f'ea_set -f "{value}" "/ping" security.capability']


def test_devices_are_left_to_the_kernel(files: RootFiles) -> None:
    null = member("./dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3)
    pipe = member("./run/pipe", tarfile.FIFOTYPE)
    unpack(files, member("./dev", tarfile.DIRTYPE), member("./run", tarfile.DIRTYPE), null, pipe)
    assert [path.name for path in (files.root / "dev").iterdir()] == []
    assert [path.name for path in (files.root / "run").iterdir()] == []


@pytest.mark.parametrize("name", ["../x", "./etc/../../x"])
def test_nothing_leads_out(files: RootFiles, tmp_path: Path, name: str) -> None:
    with pytest.raises(BuildFailed, match="holds"):
        unpack(files, member(name))
    assert not (tmp_path / "x").exists()


def test_broken_archive(files: RootFiles) -> None:
    whole = archive(member("./big"), data=b"x" * 100_000).getvalue()
    with pytest.raises(BuildFailed, match="cannot be read"):
        files.unpack(io.BytesIO(whole[:50_000]), lambda _: None)


def test_progress(files: RootFiles) -> None:
    seen: list[int] = []
    files.unpack(archive(*(member(f"./{n}") for n in range(1001))), seen.append)
    assert seen == [500, 1000]
