import struct
import zlib

from webvdi.guests.wallpaper import draw_wallpaper


def test_a_png_of_the_size_asked_for() -> None:
    png = draw_wallpaper(64, 40)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">IIBB", png[16:26]) == (64, 40, 8, 2)
    length = struct.unpack(">I", png[33:37])[0]
    rows = zlib.decompress(png[41 : 41 + length])
    assert len(rows) == 40 * (1 + 64 * 3)
    assert {rows[i * 193] for i in range(40)} == {1}  # filter type Sub
    assert rows[1:4] == bytes((24, 32, 72))  # the sky's upper edge


def test_chunks_carry_their_checksums() -> None:
    png = draw_wallpaper(16, 16)
    at, kinds = 8, []
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        body = png[at + 4 : at + 8 + length]
        kinds.append(body[:4])
        assert struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0] == zlib.crc32(body)
        at += 12 + length
    assert kinds == [b"IHDR", b"IDAT", b"IEND"]


def test_always_the_same_and_small() -> None:
    assert draw_wallpaper(320, 200) == draw_wallpaper(320, 200)
    assert len(draw_wallpaper()) < 200_000
