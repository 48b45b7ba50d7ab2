"""``python -m benchmarks.still_screens DIRECTORY COUNT WIDTHxHEIGHT``: RFB servers, for ever.

Their sockets are DIRECTORY/m0, m1 …; what they show never changes, half of it like a photograph.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np

from support.screens import FakeScreen


async def serve(directory: Path, count: int, width: int, height: int) -> None:
    """Show *count* screens until the process ends."""
    desktop = half_photograph(width, height // 2)
    for number in range(count):
        screen = FakeScreen(directory / f"m{number}", width, height)
        screen.pixels[: height // 2] = desktop
        await screen.open()
    print("ready", flush=True)
    await asyncio.Event().wait()


def half_photograph(width: int, height: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The left half flat, the right half like a photograph."""
    pixels = np.full((height, width, 4), 200, np.uint8)
    random = np.random.default_rng(1)
    pixels[:, width // 2 :] = random.integers(0, 256, (height, width - width // 2, 4), np.uint8)
    return pixels


if __name__ == "__main__":
    wide, _, high = sys.argv[3].partition("x")
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(wide), int(high)))
