"""What happens on the screen while it is measured; one module each."""

from collections.abc import Mapping

from benchmarks.scenes.drag import Drag
from benchmarks.scenes.office import Office
from benchmarks.scenes.scene import Scene
from benchmarks.scenes.scroll import Scroll
from benchmarks.scenes.slides import Slides

SCENES: Mapping[str, type[Scene]] = {scene.name: scene for scene in (Scroll, Drag, Slides, Office)}
