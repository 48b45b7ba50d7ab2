"""docs/reference/command-line.md says what the commands are."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

from webvdi.cli.exits import MEANINGS, Exit

ROOT = Path(__file__).parents[3]


def generator() -> ModuleType:
    path = ROOT / "scripts/gen_command_line.py"
    spec = importlib.util.spec_from_file_location("gen_command_line", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_what_would_be_written_now() -> None:
    for path, text in generator().files().items():
        assert path.read_text() == text, f"{path}: run scripts/gen_command_line.py"


def test_every_exit_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Exit)


def test_every_command_that_answers_can_answer_in_json() -> None:
    text = (ROOT / "docs/reference/command-line.md").read_text()
    sections = re.findall(r"## `webvdi ([^`]+)`\n(.*?)(?=\n## |<!-- end)", text, re.DOTALL)
    assert len(sections) > 25
    without = {name for name, body in sections if "`--json`" not in body}
    # These serve, or their output is for a shell, a terminal, or systemd.
    assert without == {"demo", "serve", "view", "completion", "machine serial", "service install"}
