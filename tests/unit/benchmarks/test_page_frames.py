"""The script in the page, run by node over a canvas that is made of numbers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np

import benchmarks
from benchmarks.marks import HEIGHT, UNREADABLE, WIDTH, black_cells
from benchmarks.pictures import Rgb, digest

SCRIPT = Path(benchmarks.__file__).parent / "page_frames.js"

PAGE = """
const [width, height, bytes, script, where] = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const pixels = Uint8ClampedArray.from(bytes);
const context = {
    getImageData(x, y, w, h) {
        const data = new Uint8ClampedArray(4 * w * h);
        for (let row = 0; row < h; row += 1) {
            const from = 4 * ((y + row) * width + x);
            data.set(pixels.subarray(from, from + 4 * w), 4 * w * row);
        }
        return { data };
    },
};
const canvas = { width, height, getContext: () => context };
const frames = [];
globalThis.window = globalThis;
globalThis.pageTimer = { canvas: () => canvas, note() {} };
globalThis.requestAnimationFrame = (callback) => frames.push(callback);
(0, eval)(script);
Object.assign(pageFrames, where);
pageTimer.note('received');
pageTimer.note('drawn');
pageTimer.note('drawn');
const asked = frames.length;
frames.shift()();
pageFrames.rest([1]);
const first = pageFrames.atRest;
pageFrames.rest();
const second = pageFrames.atRest;
pageFrames.rest();
const [[, ...numbers]] = pageFrames.log();
const [[, digest]] = pageFrames.digests();
// Until the last frame is seen, the picture of it is not yet there; once it is, it stays.
const kept = first !== second && second === pageFrames.atRest;
pageFrames.keep();
console.log(JSON.stringify({ asked, numbers, digest, kept }));
"""


def look(picture: Rgb, **where: object) -> dict[str, object]:
    """What the page finds on its canvas after two drawings."""
    height, width = picture.shape[:2]
    rgba = np.dstack((picture, np.full((height, width), 255, np.uint8)))
    page = [width, height, rgba.ravel().tolist(), SCRIPT.read_text(), where]
    done = subprocess.run(
        [Path(sys.executable).parent / "node", "-e", PAGE],
        input=json.dumps(page),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def screen(**marks: int) -> Rgb:
    """Marks at places like ``x10_y20`` on noise."""
    picture = np.random.default_rng(1).integers(0, 256, (100, 400, 3), np.uint8)
    for place, number in marks.items():
        x, y = (int(part[1:]) for part in place.split("_"))
        picture[y : y + HEIGHT, x : x + WIDTH] = 255
        for left, top, width, height in black_cells(number, x, y):
            picture[top : top + height, left : left + width] = 0
    return picture


def test_marks_are_read_and_the_picture_digested_as_here() -> None:
    picture = screen(x10_y20=4711, x200_y60=0)
    found = look(picture, places=[[10, 20], [200, 60], [200, 5]])
    numbers = [4711, 0, UNREADABLE]
    assert found == {"asked": 1, "numbers": numbers, "digest": digest(picture), "kept": True}


def test_some_marks_move_with_the_number_of_the_first() -> None:
    picture = screen(x10_y20=7, x200_y60=7, x190_y40=6)
    moving = {"6": [[190, 40]], "7": [[200, 60]]}
    assert look(picture, places=[[10, 20]], moving=moving)["numbers"] == [7, 7]
