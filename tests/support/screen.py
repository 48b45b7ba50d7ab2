"""What is really on a screen, for comparison with what a viewer shows."""

import struct

import numpy as np

from support.processes import VncServer
from support.viewer import Rgb


def x_screen(server: VncServer) -> Rgb:
    """The X server's root window with all that is on it (xwd's format, X11/XWDFile.h)."""
    dump = server.run("xwd", "-root", "-silent")
    header = struct.unpack(">25I", dump[:100])
    header_size, width, height = header[0], header[4], header[5]
    bytes_per_line, colours = header[12], header[19]
    pixels = np.frombuffer(dump, np.uint8, offset=header_size + 12 * colours)
    rows = pixels[: bytes_per_line * height].reshape(height, bytes_per_line)
    bgrx = rows[:, : 4 * width].reshape(height, width, 4)
    rgb: Rgb = bgrx[:, :, 2::-1]
    return rgb


def ppm(data: bytes) -> Rgb:
    """A binary PPM (QEMU's screendump)."""
    magic, width, height, _, rest = data.split(maxsplit=4)
    assert magic == b"P6"
    pixels = np.frombuffer(data[len(data) - int(width) * int(height) * 3 :], np.uint8)
    assert len(rest) <= len(pixels) + 1
    rgb: Rgb = pixels.reshape(int(height), int(width), 3)
    return rgb
