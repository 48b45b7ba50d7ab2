import lzma
import struct

import pytest

from unit.guests.synthetic import bz_image, elf_program
from webvdi.guests.vmlinux import extract_vmlinux

KERNEL = elf_program(payload=b"kernel" * 1000)


def test_gzip() -> None:
    assert extract_vmlinux(bz_image(KERNEL)) == KERNEL


def test_xz() -> None:
    image = bytearray(bz_image(KERNEL))
    payload = lzma.compress(KERNEL, check=lzma.CHECK_CRC32) + struct.pack("<I", len(KERNEL))
    (offset,) = struct.unpack_from("<I", image, 0x248)
    struct.pack_into("<I", image, 0x24C, len(payload))
    start = (image[0x1F1] + 1) * 512 + offset
    assert extract_vmlinux(bytes(image[:start]) + payload) == KERNEL


def test_setup_sectors_of_zero_mean_four() -> None:
    image = bytearray(bz_image(KERNEL))
    start = (image[0x1F1] + 1) * 512
    image[0x1F1] = 0
    assert extract_vmlinux(bytes(image[:start]) + bytes(512) + bytes(image[start:])) == KERNEL


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (b"", "no HdrS"),
        (KERNEL, "no HdrS"),
        (bz_image(b"not a kernel"), "no ELF kernel"),
        (bz_image(KERNEL).replace(b"\x1f\x8b\x08", b"\x1f\x8b\x09"), "damaged"),
        (bz_image(KERNEL).replace(b"\x1f\x8b\x08", b"\x02\x21\x4c"), "unknown kernel compression"),
    ],
)
def test_other_files_are_refused(image: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        extract_vmlinux(image)
