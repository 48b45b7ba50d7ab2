"""Documents are true: what they name exists, and what exists they name."""

import re
from pathlib import Path

import pytest

from webvdi.wire import from_viewer, to_viewer

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def test_the_viewer_protocols_reference_has_every_message() -> None:
    text = (ROOT / "docs/reference/viewer-protocol.md").read_text()
    listed = {int(number, 16) for number in re.findall(r"^\| (0x[0-9A-F]{2}) \|", text, re.M)}
    assert listed == {*from_viewer._DECODERS, *to_viewer._DECODERS}
    codecs = dict(re.findall(r"^\| (\d) \| (copy|fill|indexed|png|jpeg) \|", text, re.M))
    assert {int(n): name for n, name in codecs.items()} == {
        codec.value: codec.name.lower() for codec in to_viewer.Codec
    }
    reasons = re.findall(r"\b(\d) [a-z]", text.split("Farewell reasons:")[1])
    assert [int(number) for number in reasons] == [reason.value for reason in to_viewer.Reason]


def promised_tests() -> list[str]:
    """Every test file, folder or test that SPECIFICATION.md names."""
    text = (ROOT / "SPECIFICATION.md").read_text()
    names = re.findall(r"`((?:unit|conformance|integration|browser)/[\w/.:]+|smoke\.py)`", text)
    assert len(names) > 40
    return sorted(set(names))


@pytest.mark.parametrize("name", promised_tests())
def test_a_promise_names_a_test_that_exists(name: str) -> None:
    path, _, test = name.partition("::")
    assert (TESTS / path).exists(), path
    if test:
        assert re.search(rf"(def|class) {test}\b|^{test} =", (TESTS / path).read_text(), re.M)


@pytest.mark.parametrize(
    "document", [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]
)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_room_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    rooms = [p.name for p in (ROOT / "src/webvdi").iterdir() if p.is_dir() and p.name[0] != "_"]
    assert len(rooms) >= 16
    for room in rooms:
        assert f"| `{room}` |" in text, room


def test_the_japanese_readme_follows_the_english_one() -> None:
    english, japanese = ((ROOT / name).read_text() for name in ("README.md", "README.ja.md"))
    assert re.findall(r"^#+ ", english, re.M) == re.findall(r"^#+ ", japanese, re.M)
    assert re.findall(r"`(?:webvdi|scripts/)[^`]*`", english) == re.findall(
        r"`(?:webvdi|scripts/)[^`]*`", japanese
    )
