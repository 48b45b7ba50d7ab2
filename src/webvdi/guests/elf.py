"""The little of ELF that packing a guest needs: libraries a program wants, sections of a module.

Source: System V ABI, "Object Files" and "Dynamic Linking"; 64-bit little-endian files only.
"""

import struct
from collections.abc import Iterator

MAGIC = b"\x7fELF\x02\x01"  # class ELFCLASS64, data ELFDATA2LSB
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_DYNAMIC = struct.Struct("<qQ")
_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB = 0, 1, 5


def is_elf(data: bytes) -> bool:
    """Whether *data* starts as a file this module can read."""
    return data.startswith(MAGIC)


def needed(data: bytes) -> list[str]:
    """Return the sonames that the program or library *data* asks the dynamic linker for.

    Raises ``ValueError`` for a damaged file; a static program needs nothing.
    """
    try:
        return _needed(data)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"damaged ELF file: {error}") from error


def section(data: bytes, name: str) -> bytes:
    """Return the contents of the section *name*, empty where there is none.

    Raises ``ValueError`` for a damaged file.
    """
    try:
        return _section(data, name.encode())
    except (struct.error, IndexError) as error:
        raise ValueError(f"damaged ELF file: {error}") from error


def _needed(data: bytes) -> list[str]:
    segments = list(_segments(data))
    dynamic = next((s for s in segments if s[0] == _PT_DYNAMIC), None)
    if dynamic is None:
        return []
    entries = list(_dynamic_entries(data, dynamic[2], dynamic[5]))
    strings_at = next((value for tag, value in entries if tag == _DT_STRTAB), None)
    if strings_at is None:
        return []
    base = _file_offset(segments, strings_at)
    return [_string(data, base + value).decode() for tag, value in entries if tag == _DT_NEEDED]


def _segments(data: bytes) -> Iterator[tuple[int, ...]]:
    header = _read_header(data)
    offset, size, count = header[5], header[9], header[10]
    for index in range(count):
        yield _PROGRAM.unpack_from(data, offset + index * size)


def _dynamic_entries(data: bytes, offset: int, size: int) -> Iterator[tuple[int, int]]:
    for at in range(offset, offset + size, _DYNAMIC.size):
        tag, value = _DYNAMIC.unpack_from(data, at)
        if tag == _DT_NULL:
            return
        yield tag, value


def _file_offset(segments: list[tuple[int, ...]], address: int) -> int:
    """Translate a virtual address to a place in the file, by the loaded segments."""
    for kind, _, offset, virtual, _, file_size, _, _ in segments:
        if kind == _PT_LOAD and virtual <= address < virtual + file_size:
            return offset + address - virtual
    raise ValueError(f"damaged ELF file: nothing is loaded at {address:#x}")


def _section(data: bytes, name: bytes) -> bytes:
    header = _read_header(data)
    table, size, count, names_index = header[6], header[11], header[12], header[13]
    sections = [_SECTION.unpack_from(data, table + index * size) for index in range(count)]
    if not sections:
        return b""
    names_at = sections[names_index][4]
    for entry in sections:
        if _string(data, names_at + entry[0]) == name:
            return data[entry[4] : entry[4] + entry[5]]
    return b""


def _read_header(data: bytes) -> tuple[int, ...]:
    if not is_elf(data):
        raise ValueError("not a 64-bit little-endian ELF file")
    fields: tuple[int, ...] = _HEADER.unpack_from(data)
    return fields


def _string(data: bytes, offset: int) -> bytes:
    end = data.find(b"\0", offset)
    if end < 0:
        raise ValueError("damaged ELF file: unterminated string")
    return data[offset:end]
