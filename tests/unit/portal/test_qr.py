"""QR codes of links."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import segno

from support.portal import TestPortal
from webvdi.portal.api.models import MAX_QR_TEXT
from webvdi.portal.qr import QUIET_ZONE, qr_svg

LINK = "https://vdi.example.org:8443/join#0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
SVG = "{http://www.w3.org/2000/svg}"


def modules(svg: bytes) -> list[list[int]]:
    """The dark modules that an SVG's strokes draw, each row a line of 0 and 1."""
    root = ET.fromstring(svg)
    size = int(root.attrib["viewBox"].split()[2])
    (line,) = (path for path in root.iter(f"{SVG}path") if "stroke" in path.attrib)
    assert line.attrib["stroke"] == "#000"
    drawn = [[0] * size for _ in range(size)]
    x, y = 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", line.attrib["d"]):
        first, *more = (float(number) for number in numbers.split())
        if command == "h":
            drawn[int(y)][int(x) : int(x + first)] = [1] * int(first)
            x += first
        else:
            x, y = (first, more[0]) if command == "M" else (x + first, y + more[0])
    return drawn


def test_a_link_is_drawn_with_a_white_zone_around_it() -> None:
    drawn = modules(qr_svg(LINK))
    inside = [row[QUIET_ZONE:-QUIET_ZONE] for row in drawn[QUIET_ZONE:-QUIET_ZONE]]
    assert inside == [list(row) for row in segno.make(LINK, error="l", micro=False).matrix]
    assert sum(map(sum, drawn)) == sum(map(sum, inside))  # nothing in the zone


def test_it_is_light_wherever_it_is_shown() -> None:
    root = ET.fromstring(qr_svg(LINK))
    assert root.attrib["shape-rendering"] == "crispEdges"
    ground = root[0]
    size = root.attrib["viewBox"].split()[2]
    assert (ground.attrib["fill"], ground.attrib["d"]) == ("#fff", f"M0 0h{size}v{size}h-{size}z")


@pytest.mark.parametrize("text", ["\U00020bb7" * MAX_QR_TEXT, "ü", "\0"])
def test_whatever_may_be_asked_for_fits(text: str) -> None:
    assert modules(qr_svg(text))


def test_the_owner_is_drawn_a_link_and_nobody_keeps_it(tmp_path: Path) -> None:
    owner = TestPortal(tmp_path).owner()
    answer = owner.post("/api/v1/qr", json={"text": LINK})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.content == qr_svg(LINK)
    assert owner.post("/api/v1/qr", json={"text": "x" * (MAX_QR_TEXT + 1)}).status_code == 422
