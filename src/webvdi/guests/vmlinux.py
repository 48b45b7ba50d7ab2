"""Takes the kernel proper out of a bzImage.

The ELF file inside can be booted directly through its PVH entry point, which under emulation
saves the seconds that the bzImage's own decompressor would take.
Source: Linux, Documentation/arch/x86/boot.rst (``setup_sects``, ``payload_offset``,
``payload_length``).
"""

import lzma
import struct
import zlib

from webvdi.guests import elf

_SETUP_SECTORS = 0x1F1
_MAGIC_AT, _MAGIC = 0x202, b"HdrS"
_PAYLOAD_AT = 0x248  # payload_offset and payload_length, 32 bits each
_DEFAULT_SETUP_SECTORS = 4
_LARGEST = 512 << 20  # bytes; a kernel many times the size of Debian's


def extract_vmlinux(image: bytes) -> bytes:
    """Return the ELF kernel inside the bzImage *image*.

    Raises ``ValueError`` for anything but an x86-64 bzImage compressed with xz or gzip.
    """
    if image[_MAGIC_AT : _MAGIC_AT + 4] != _MAGIC:
        raise ValueError("not a bzImage: no HdrS mark")
    setup_sectors = image[_SETUP_SECTORS] or _DEFAULT_SETUP_SECTORS
    offset, length = struct.unpack_from("<II", image, _PAYLOAD_AT)
    start = (setup_sectors + 1) * 512 + offset
    kernel = _decompress(image[start : start + length])
    if not elf.is_elf(kernel):
        raise ValueError("the payload of this bzImage is no ELF kernel")
    return kernel


def _decompress(payload: bytes) -> bytes:
    # The payload ends with the unpacked size; decompressor objects stop before it by themselves.
    try:
        if payload.startswith(b"\xfd7zXZ\0"):
            return lzma.LZMADecompressor().decompress(payload, _LARGEST)
        if payload.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(payload, _LARGEST)
    except (lzma.LZMAError, zlib.error) as error:
        raise ValueError(f"damaged kernel payload: {error}") from error
    raise ValueError(f"unknown kernel compression (starts {payload[:6].hex()})")
