"""PNG pictures, against Pillow's writer, and broken ones."""

import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unit.rfb import encoders
from unit.rfb.encoders import png, png_header
from webvdi.base.errors import RemoteProtocolError
from webvdi.rfb.png import decode_png


def written(image: Image.Image, **options: bool) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1"])
@pytest.mark.parametrize("smooth", [False, True])
def test_what_pillow_writes(mode: str, smooth: bool) -> None:
    rng = np.random.default_rng(5)
    noise = rng.integers(0, 30 if smooth else 256, (40, 53, 3))
    slope = np.add.outer(np.arange(40), np.arange(53))[:, :, None] * 2
    pixels = (noise + slope if smooth else noise).clip(0, 255).astype(np.uint8)
    image = Image.fromarray(pixels).convert(mode)
    decoded = decode_png(written(image, optimize=True), 53, 40)
    assert decoded.flags.writeable
    if mode in ("RGBA", "LA"):
        # Transparency is passed over: the colours as they are.
        expected = np.asarray(image)[:, :, [0, 1, 2] if mode == "RGBA" else [0, 0, 0]]
    else:
        expected = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(decoded[:, :, 2::-1], expected)


@given(
    width=st.integers(1, 20),
    height=st.integers(1, 20),
    colours=st.sampled_from([1, 2, 4, 16, 200, 400]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_every_filter_and_depth(width: int, height: int, colours: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels = encoders.picture(height, width, colours=colours, seed=seed)
    data = encoders.png_of(pixels, lambda count: int(rng.integers(count)))
    decoded = decode_png(data, width, height)
    np.testing.assert_array_equal(decoded[:, :, :3], pixels[:, :, :3])


def idat(size: int) -> tuple[bytes, bytes]:
    return b"IDAT", zlib.compress(bytes(size))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "something else"),
        (b"GIF89a" + bytes(60), "something else"),
        (b"\x89PNG\r\n\x1a\n", "does not begin with a header"),
        (png(png_header(4, 4)[:-1]), "does not begin with a header"),
        (png(png_header(5, 4)), "5x4 pixels for a rectangle of 4x4"),
        (png(png_header(1 << 31, 4)), "2147483648x4"),
        (png(png_header(4, 4, colour=1)), "no colour type 1"),
        (png(png_header(4, 4, depth=16)), "16 bits a sample"),
        (png(png_header(4, 4, depth=4)), "4 bits a sample"),
        (png(png_header(4, 4, depth=3, colour=3)), "3 bits a sample"),
        (png(png_header(4, 4)[:-1] + b"\1"), "interlaced"),
        (png(png_header(4, 4)[:-3] + b"\1\0\0"), "compression"),
        (png(png_header(4, 4)), "cut short"),
        (png(png_header(4, 4), idat(51)), "cut short"),
        (png(png_header(4, 4), idat(53)), "more than the 52 bytes"),
        (png(png_header(4, 4), idat(1 << 20)), "more than the 52 bytes"),
        (png(png_header(4, 4), (b"IDAT", b"junk")), "cannot be decompressed"),
        (png(png_header(4, 4), (b"IDAT", zlib.compress(b"\5" + bytes(51)))), "no filter 5"),
        (png(png_header(4, 4), (b"JUNK", b"")), "unknown kind b'JUNK'"),
        (png(png_header(4, 4, colour=3), idat(20)), "palette has 0 bytes"),
        (png(png_header(4, 4, colour=3), (b"PLTE", b"four"), idat(20)), "palette has 4 bytes"),
        (
            png(
                png_header(4, 4, colour=3),
                (b"PLTE", b"rgbRGB"),
                (b"IDAT", zlib.compress(b"\0\0\0\0\2" + bytes(15))),
            ),
            "beyond the 2",
        ),
        (png(png_header(4, 4), idat(52))[:-17], "cut short"),
        (png(png_header(4, 4), idat(52))[:-5], "cut short"),
        (png(png_header(4, 4), idat(52))[:-14] + bytes(14), "checksum"),
    ],
)
def test_broken_pictures(data: bytes, message: str) -> None:
    with pytest.raises(RemoteProtocolError, match=message):
        decode_png(data, 4, 4)
