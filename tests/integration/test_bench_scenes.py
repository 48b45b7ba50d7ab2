"""The benchmarks' scenes on a real X server: every frame shows its number in all of its marks."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks import x11
from benchmarks.desktop import XServer, stage, x_server
from benchmarks.frames import parse_painted
from benchmarks.marks import HEIGHT, WIDTH, read
from benchmarks.pictures import of_display
from benchmarks.scenes import SCENES
from benchmarks.scenes.scene import Canvas, Place, Scene


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    with x_server(tmp_path_factory.mktemp("x"), "1920x1080") as running:
        yield running


def found(canvas: Canvas, scene: Scene) -> list[int]:
    """What a page would read, from the screen itself."""

    def number(place: Place) -> int:
        row = (place[0], place[1] + HEIGHT // 2, WIDTH, 1)
        canvas.x.send(x11.get_image(canvas.x.screen.root, row))
        pixels = np.frombuffer(canvas.x.reply(), np.uint8, offset=32).reshape(-1, 4)
        return read(pixels[:, 1].tolist())

    numbers = [number(place) for place in scene.marks.places]
    return numbers + [number(at) for at in scene.marks.moving.get(numbers[0], ())]


@pytest.mark.parametrize("name", SCENES)
def test_every_frame_shows_its_number(name: str, server: XServer) -> None:
    scene, canvas = SCENES[name](), Canvas(server.display)
    scene.prepare(canvas)
    canvas.x.settle()
    assert found(canvas, scene) == scene.readings(0)
    frames = len(scene.times(scene.seconds))
    step = 7 if scene.may_skip else 1
    for number in range(1, frames + 1, step):
        canvas.x.send(*scene.paint(number))
        canvas.x.settle()
        readings = found(canvas, scene)
        assert readings == scene.readings(number)
        assert scene.shown(readings) == number
    canvas.x.close()


def test_a_stage_shows_a_scene_and_says_what_it_painted(server: XServer, tmp_path: Path) -> None:
    with stage(tmp_path, server) as (told, log):
        assert told.ask("prepare drag") == "ready"
        rest, number, at = told.ask("run 0.5").split()
        painted = parse_painted(log.read_text())
        assert (rest, number) == ("rest", "30")
        assert painted[30] == pytest.approx(float(at) * 1000)
        shown = of_display(server.display)
        mark = shown[24, 16 : 16 + WIDTH, 0]
        assert read(mark.tolist()) == 30
        told.tell("run 20")
        stopped = told.ask("stop").split()
        assert stopped[0] == "rest"
        assert int(stopped[1]) < 1200
        told.tell("stop")  # once more, too late: it has no answer
        assert told.ask("prepare scroll") == "ready"
