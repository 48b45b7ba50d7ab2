"""Plots as SVG files, without a library: how old frames were, and how many were seen."""

from collections.abc import Mapping, Sequence
from html import escape

from benchmarks.runs import Run
from benchmarks.samples import Spread, percentile

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 40, 48
COLOURS = ("#2563eb", "#d97706", "#6b7280", "#059669")
FONT = 'font-family="DejaVu Sans, sans-serif" font-size="12" fill="#1f2937"'


def age_plot(title: str, runs: Mapping[str, Sequence[Run]]) -> str:
    """The share of frames that were at most so old when they were seen, a line for each peer."""
    ages = {name: sorted(age for run in each for age in run.ages_ms) for name, each in runs.items()}
    longest = max((percentile(values, 0.98) for values in ages.values() if values), default=1.0)
    limit = _round_up(longest)
    parts = [_axes("ms from painting to the page", limit, "% of frames", 100.0)]
    for number, (name, values) in enumerate(ages.items()):
        colour = COLOURS[number % len(COLOURS)]
        points = [(0.0, 0.0)]
        points += [(age, 100 * (at + 1) / len(values)) for at, age in enumerate(values)]
        line = " ".join(
            f"{_x(age, limit):.1f},{_y(share, 100.0):.1f}" for age, share in points if age <= limit
        )
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(_legend(number, name, colour))
    return _svg(title, parts)


def bar_plot(title: str, unit: str, groups: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """For each group a bar for each peer: the median, and a line from the lowest to the highest."""
    everything = [value for bars in groups.values() for each in bars.values() for value in each]
    limit = _round_up(max(everything, default=1.0))
    parts = [_axes("", 0.0, unit, limit)]
    names = list(dict.fromkeys(name for bars in groups.values() for name in bars))
    room = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    width = min(60.0, 0.8 * room / max(1, len(names)))
    for place, (group, bars) in enumerate(groups.items()):
        middle = LEFT + room * (place + 0.5)
        parts.append(_text(middle, HEIGHT - BOTTOM + 18, group, "middle"))
        for number, name in enumerate(names):
            if bars.get(name):
                x = middle + width * (number - len(names) / 2)
                parts += _bar(x, width, Spread.of(bars[name]), limit, COLOURS[number % 4])
    parts += [_legend(number, name, COLOURS[number % 4]) for number, name in enumerate(names)]
    return _svg(title, parts)


def _bar(x: float, width: float, spread: Spread, limit: float, colour: str) -> list[str]:
    top, middle = _y(spread.median, limit), x + width / 2
    height = _y(0.0, limit) - top
    low, high = _y(spread.low, limit), _y(spread.high, limit)
    box = f'x="{x + 1:.1f}" y="{top:.1f}" width="{width - 2:.1f}" height="{height:.1f}"'
    return [
        f'<rect {box} fill="{colour}"/>',
        f'<path d="M{middle:.1f} {low:.1f}V{high:.1f}" stroke="#111827"/>',
        _text(middle, high - 4, f"{spread.median:.3g}", "middle"),
    ]


def _axes(across: str, right: float, up: str, top: float) -> str:
    x, y = WIDTH - RIGHT, HEIGHT - BOTTOM
    parts = [f'<path d="M{LEFT} {TOP}V{y}H{x}" fill="none" stroke="#9ca3af"/>']
    for step in range(5):
        value = top * step / 4
        parts.append(_text(LEFT - 6, _y(value, top) + 4, f"{value:g}", "end"))
        if right:
            at = right * step / 4
            parts.append(_text(_x(at, right), y + 18, f"{at:g}", "middle"))
    parts.append(_text((LEFT + x) / 2, HEIGHT - 10, across, "middle"))
    parts.append(_text(8, TOP - 8, up, "start"))
    return "".join(parts)


def _legend(number: int, name: str, colour: str) -> str:
    x = WIDTH / 2 + 100 * number  # beside the title: what is below it may be long
    swatch = f'<rect x="{x:.0f}" y="6" width="10" height="10" fill="{colour}"/>'
    return swatch + _text(x + 16, 16, name, "start")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f"<text {place} {FONT}>{escape(text)}</text>"


def _svg(title: str, parts: Sequence[str]) -> str:
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    ground = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    heading = f"<title>{escape(title)}</title>{_text(8, 16, title, 'start')}"
    body = "\n".join([ground, heading, *parts])
    return f"{head}\n{body}\n</svg>\n"


def _x(value: float, limit: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / limit


def _y(value: float, limit: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / limit


def _round_up(value: float) -> float:
    """To 1, 2, 4 or 8 times a power of ten: quarters of it are short."""
    step = 1e-3
    while True:
        for factor in (1, 2, 4, 8):
            if step * factor >= value:
                return step * factor
        step *= 10
