"""Documents are true: what they name exists, and what exists they name."""

import ast
import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from webvdi.link.frames import PREAMBLE
from webvdi.portal.app import ROUTERS
from webvdi.portal.problems import FAILURES, STATUS_OF_REASON
from webvdi.store.schema import HEAD
from webvdi.wire import from_viewer, to_viewer

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"


def test_the_viewer_protocols_reference_has_every_message() -> None:
    text = (ROOT / "docs/reference/viewer-protocol.md").read_text()
    listed = {int(number, 16) for number in re.findall(r"^\| (0x[0-9A-F]{2}) \|", text, re.M)}
    assert listed == {*from_viewer._DECODERS, *to_viewer._DECODERS}
    codecs = dict(re.findall(r"^\| (\d) \| (\w+) \|", text, re.M))
    assert {int(n): name for n, name in codecs.items()} == {
        codec.value: codec.name.lower() for codec in to_viewer.Codec
    }
    reasons = re.findall(r"\b(\d) [a-z]", text.split("Farewell reasons:")[1].partition("\n\n")[0])
    assert [int(number) for number in reasons] == [reason.value for reason in to_viewer.Reason]


def test_the_control_faces_reference_has_every_operation_and_event() -> None:
    text = (ROOT / "docs/reference/link-protocol.md").read_text()
    operations = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    router = (ROOT / "src/webvdi/managed/router.py").read_text()
    served = router.partition("def _operations")[2].partition("def ")[0]
    assert operations == set(re.findall(r'^ +"(\w+)":', served, re.M))
    face = (ROOT / "src/webvdi/link/control_face.py").read_text()
    assert operations == set(re.findall(r"^``(\w+)``  ", face, re.M))
    for event in ("endpoint_lost", "viewers", "power"):
        assert f"`{event}` (`session`" in text


def test_the_viewer_librarys_reference_has_all_of_its_public_face() -> None:
    text = (ROOT / "docs/reference/viewer-api.md").read_text()
    viewer = (ROOT / "src/webvdi/browser/viewer/viewer.js").read_text()
    public = set(re.findall(r"^    (?:get )?(\w+)\(.*\) \{$", viewer, re.M)) - {"constructor"}
    assert len(public) > 30
    library = ROOT / "src/webvdi/browser/viewer"
    emitted = {
        event
        for module in library.glob("*.js")
        for event in re.findall(r"#emit\('(\w+)'", module.read_text())
    }
    assert len(emitted) >= 13
    for name in public | emitted:
        assert re.search(rf"`{name}\b", text), name


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


def test_the_rest_reference_has_every_endpoint() -> None:
    text = (ROOT / "docs/reference/rest-api.md").read_text()
    endpoints = text.split("## Endpoints")[1].split("## Bounds")[0]
    rows = re.findall(r"^\| `(\w+) (\S+)` \| (.+?) \| (.+?) \| (.+?) \|$", endpoints, re.M)
    usual = {"400", "401", "403", "422"}
    expected = set()
    for route in (route for router in ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        answers = {str(route.status_code or 200), *(str(status) for status in route.responses)}
        good = {status for status in answers if status < "400"}
        bad = ", ".join(sorted(answers - good - usual)) or "–"
        methods = sorted(route.methods or ())
        expected.add((" ".join(methods), route.path, route.summary, ", ".join(sorted(good)), bad))
    assert set(rows) == expected


def reasons() -> Iterator[str]:
    """Every reason that our code gives an error."""
    yield from (reason for _, _, reason in FAILURES)
    for file in (ROOT / "src/webvdi").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="Problem"), args=[_, ast.Constant(str(word)), *_]):
                    yield word
                case ast.keyword(arg="reason", value=ast.Constant(str(word))):
                    yield word
                case ast.Assign(
                    targets=[ast.Name(id="_HTTP_REASONS")], value=ast.Dict(values=all_)
                ):
                    yield from (ast.literal_eval(word) for word in all_)


def test_the_errors_reference_has_every_reason() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text()
    listed = re.findall(r"^\|(?: \d{3} \|)? `(\w+)` \|", text, re.M)
    assert len(set(listed)) == len(listed)
    assert set(listed) == set(reasons())


def test_the_errors_reference_has_the_right_status() -> None:
    text = (ROOT / "docs/reference/errors.md").read_text()
    listed = {r: int(s) for s, r in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", text, re.M)}
    for _, status, reason in FAILURES:
        assert listed[reason] == status, reason
    for reason, status in STATUS_OF_REASON.items():
        assert listed[reason] == status, reason


OURS = re.compile(r"\b_?WEBVDI_[A-Z_]+\b")


def test_the_settings_reference_has_every_variable() -> None:
    text = (ROOT / "docs/reference/settings.md").read_text()
    listed = set(re.findall(r"^\| `(\w+)` \|", text, re.M))
    # What stands in the guests' own files, which are no Python, is the guests' affair.
    sources = (ROOT / "src/webvdi").rglob("*.py")
    used = {name for file in sources for name in OURS.findall(file.read_text())}
    assert len(used) >= 10
    assert listed == used


UNITS = {
    "": 1,
    "s": 1,
    "h": 3600,
    "d": 86400,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "TiB": 1 << 40,
}
NAMED_UNITS = {"_BYTES": 1, "_MIB": 1 << 20, "_GIB": 1 << 30, "_DAYS": 86400}


def limits() -> list[tuple[str, str]]:
    """Each limit that the settings reference has, and where it says that it is."""
    text = (ROOT / "docs/reference/settings.md").read_text().split("## Limits")[1]
    rows = re.findall(r"^\| .+? \| (\d.*?) \| `([\w.]+)` \|$", text, re.M)
    assert len(rows) > 30
    return [(place, amount) for amount, place in rows]


@pytest.mark.parametrize(("place", "amount"), limits())
def test_the_settings_reference_has_the_right_limits(place: str, amount: str) -> None:
    module, _, name = place.rpartition(".")
    value = getattr(importlib.import_module(f"webvdi.{module}"), name)
    factor = next((f for ending, f in NAMED_UNITS.items() if name.endswith(ending)), 1)
    number, _, unit = amount.partition(" ")
    assert int(number) * UNITS[unit] == value * factor


def test_the_files_reference_has_every_file_of_the_state_and_the_run_directory() -> None:
    text = (ROOT / "docs/reference/files.md").read_text()
    places = r"(?:state|_state|state_dir|_state_dir|run|run_dir|cache|cache_dir|_cache)"
    used = {
        name
        for file in (ROOT / "src/webvdi").rglob("*.py")
        for name in re.findall(rf"\b{places}\)? / f?\"([\w.-]+)\"", file.read_text())
    }
    assert len(used) > 30
    for name in used:
        assert re.search(rf"[`/]{re.escape(name)}[`/]", text), name


def test_the_versions_in_the_files_reference_are_those_of_the_code() -> None:
    text = (ROOT / "docs/reference/files.md").read_text()
    versions = dict(re.findall(r"^\| the ([\w' ]+) \| (?:`)?(\w+)", text, re.M))
    assert versions["database's schema"] == HEAD
    assert int(versions["viewer protocol"]) == from_viewer.VERSION
    assert int(versions["link protocol"]) == PREAMBLE[-1]
    paths = [r.path for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    assert all(path.startswith(f"/api/{versions['REST interface']}/") for path in paths)


def test_the_index_leads_to_every_document() -> None:
    index = (ROOT / "docs/README.md").read_text()
    for document in ROOT.glob("docs/*/*.md"):
        if document.parent.name != "decisions":
            assert str(document.relative_to(ROOT / "docs")) in index, document


def test_every_decision_is_in_the_list() -> None:
    index = (ROOT / "docs/decisions/README.md").read_text()
    for record in ROOT.glob("docs/decisions/0*.md"):
        title = record.read_text().partition("\n")[0].removeprefix("# ")
        assert f"[{title[:4]}]({record.name}) | {title[5:]} |" in index, record.name


def test_every_dependency_has_its_reason() -> None:
    records = "".join(p.read_text().lower() for p in ROOT.glob("docs/decisions/0*.md"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for dependency in project["dependencies"]:
        name = re.split(r"[\[<>=]", dependency)[0]
        assert f"`{name}" in records or name in records, name


def test_the_architecture_fits_into_one_sitting() -> None:
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 300
