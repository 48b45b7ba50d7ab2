"""Plots are well-formed, and their lines and bars where they should be."""

from dataclasses import replace
from xml.etree import ElementTree as ET

from benchmarks.plots import HEIGHT, LEFT, TOP, WIDTH, age_plot, bar_plot
from benchmarks.workloads.report import plots
from unit.benchmarks.test_goals import NOVNC, RUN

SVG = "{http://www.w3.org/2000/svg}"


def test_ages_rise_from_nothing_to_all() -> None:
    root = ET.fromstring(age_plot("t < u", {"a": [RUN], "b": []}))
    (title,) = root.iter(f"{SVG}title")
    assert title.text == "t < u"
    line, _ = root.iter(f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
    assert len(points) == 1 + len(RUN.ages_ms)
    assert points[0][0] == LEFT
    assert points[-1][1] == TOP
    assert points == sorted(points, key=lambda point: (point[0], -point[1]))


def test_bars_are_as_high_as_their_medians() -> None:
    svg = bar_plot("t", "ms", {"lan": {"a": [1.0, 2.0, 4.0], "b": [4.0]}, "80ms": {"a": [0.0]}})
    rects = [rect.attrib for rect in ET.fromstring(svg).iter(f"{SVG}rect")]
    bars = [float(r["height"]) for r in rects if float(r["width"]) not in (WIDTH, 10)]
    assert bars[0] * 2 == bars[1]
    assert bars[2] == 0
    assert max(bars) < HEIGHT


def test_each_scene_and_link_has_its_plots() -> None:
    far = replace(RUN, link="80ms")
    found = plots([RUN, NOVNC, far])
    assert set(found) == {
        "age-scroll-lan",
        "age-scroll-80ms",
        "fps-scroll",
        "bytes-scroll",
        "server-scroll",
    }
    for svg in found.values():
        ET.fromstring(svg)
