"""Headers of disk files, judged by their bytes."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webvdi.vmm.errors import DiskError
from webvdi.vmm.image_header import (
    MAX_VIRTUAL_BYTES,
    Qcow2Header,
    foreign_format,
    is_qcow2,
    parse_qcow2,
)


def header(
    *,
    version: int = 3,
    backing: bytes = b"",
    size: int = 1 << 20,
    crypt: int = 0,
    incompatible: int = 0,
    extensions: bytes = b"",
) -> bytes:
    """The first cluster of a qcow2, by the specification."""
    start = 72 if version == 2 else 104
    at = start + len(extensions) + 8 if backing else 0
    head = struct.pack(
        ">4sIQIIQIIQQIIQ", b"QFI\xfb", version, at, len(backing), 16, size, crypt, 1, 0, 0, 1, 0, 0
    )
    if version == 3:
        head += struct.pack(">QQQII", incompatible, 0, 0, 4, 104)
    return (head + extensions + bytes(8) + backing).ljust(1 << 16, b"\0")


def extension(kind: int, content: bytes) -> bytes:
    padded = content.ljust((len(content) + 7) // 8 * 8, b"\0")
    return struct.pack(">II", kind, len(content)) + padded


@pytest.mark.parametrize("version", [2, 3])
def test_a_plain_disk(version: int) -> None:
    assert parse_qcow2(header(version=version)) == Qcow2Header(1 << 20, None, None, False)


@pytest.mark.parametrize("version", [2, 3])
def test_a_backing_file(version: int) -> None:
    head = header(version=version, backing=b"/etc/shadow")
    assert parse_qcow2(head).backing_file == "/etc/shadow"


def test_a_data_file() -> None:
    named = extension(0xE2792ACA, b"raw") + extension(0x44415441, b"/etc/shadow")
    assert parse_qcow2(header(incompatible=4, extensions=named)).data_file == "/etc/shadow"
    assert parse_qcow2(header(extensions=named)).data_file == "/etc/shadow"
    assert parse_qcow2(header(incompatible=4)).data_file == ""


def test_encryption() -> None:
    assert parse_qcow2(header(crypt=2)).encrypted
    assert parse_qcow2(header(extensions=extension(0x0537BE77, bytes(16)))).encrypted


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "no qcow2"),
        (header()[:60], "no qcow2"),
        (header()[:90], "cut off"),
        (header(version=1), "version 1"),
        (header(size=MAX_VIRTUAL_BYTES + 1), "claims to hold"),
        (header(incompatible=1 << 40), "not known"),
        (header(extensions=struct.pack(">II", 7, 1 << 30)), "an extension lies outside"),
        (header(backing=b"x" * 1024), "name of a backing file"),
    ],
)
def test_nonsense_is_refused(head: bytes, words: str) -> None:
    with pytest.raises(DiskError, match=words):
        parse_qcow2(head)


@given(st.binary(max_size=200), st.integers(0, 150), st.binary(max_size=40))
def test_any_bytes_give_an_answer_or_a_refusal(tail: bytes, at: int, noise: bytes) -> None:
    good = header(extensions=extension(0x44415441, b"x"))
    for head in (b"QFI\xfb" + tail, good[:at] + noise + good[at + len(noise) :]):
        try:
            found = parse_qcow2(head)
        except DiskError:
            continue
        assert 0 <= found.virtual_bytes <= MAX_VIRTUAL_BYTES


def test_other_formats_are_named() -> None:
    assert foreign_format(b"vhdxfile...") == "a Hyper-V disk (VHDX)"
    assert foreign_format(b"\xeb\x63\x90") is None
    assert foreign_format(header()) is None
    assert is_qcow2(header(version=1))
