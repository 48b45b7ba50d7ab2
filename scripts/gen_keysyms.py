#!/usr/bin/env python3
"""Write ``input/keysyms.js`` (Unicode to X11 keysym) from X11's keysymdef.h.

The header comes with Debian's x11proto-dev.  Characters whose keysym follows from a rule are left
out: Latin-1 is its own keysym, and any other character is 0x01000000 + its code point
(keysymdef.h, "Unicode"; the older numbers below are what RFB servers have always understood).
"""

import argparse
import re
import sys
from pathlib import Path

HEADER = Path("/usr/include/X11/keysymdef.h")
TARGET = Path(__file__).parent.parent / "src/webvdi/browser/viewer/input/keysyms.js"

# "/* U+0104 NAME */" is exact; "/*(U+0104 NAME)*/" marks a keysym that should no longer be used.
LINE = re.compile(r"^#define XK_\w+\s+0x([0-9a-f]+)\s+/\* U\+([0-9A-F]{4,6}) .*\*/")

HEAD = """\
/**
 * The keysym of a character. Written by scripts/gen_keysyms.py from keysymdef.h: do not edit.
 */

// Code point and keysym in turn; what follows from a rule is not in it.
const PAIRS = [
"""

TAIL = """\
];

/** @type {Map<number, number>} */
const LEGACY = new Map();
for (let index = 0; index < PAIRS.length; index += 2) {
    LEGACY.set(/** @type {number} */ (PAIRS[index]), /** @type {number} */ (PAIRS[index + 1]));
}

/**
 * @param {number} codePoint
 * @returns {number}
 */
export function keysymOfCodePoint(codePoint) {
    const latin1 = (codePoint >= 0x20 && codePoint <= 0x7e)
        || (codePoint >= 0xa0 && codePoint <= 0xff);
    return latin1 ? codePoint : LEGACY.get(codePoint) ?? 0x01000000 + codePoint;
}
"""


def by_rule(code_point: int) -> int:
    """The keysym of a character that is not in the table."""
    latin1 = 0x20 <= code_point <= 0x7E or 0xA0 <= code_point <= 0xFF
    return code_point if latin1 else 0x01000000 + code_point


def legacy_keysyms(header: str) -> dict[int, int]:
    """Code point to keysym, for those that no rule gives; the first name of a character counts."""
    table: dict[int, int] = {}
    for line in header.splitlines():
        if match := LINE.match(line):
            keysym, code_point = int(match[1], 16), int(match[2], 16)
            if keysym != by_rule(code_point):
                table.setdefault(code_point, keysym)
    return table


def module(table: dict[int, int]) -> str:
    """The JavaScript module that holds *table*, six pairs a line."""
    pairs = [f"0x{code_point:x}, 0x{keysym:x}," for code_point, keysym in sorted(table.items())]
    rows = [" ".join(pairs[start : start + 6]) for start in range(0, len(pairs), 6)]
    return HEAD + "".join(f"    {row}\n" for row in rows) + TAIL


def main() -> int:
    """Write the module, or with ``--check`` say whether it is what would be written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--header", type=Path, default=HEADER)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit 1 on a difference"
    )
    arguments = parser.parse_args()
    text = module(legacy_keysyms(arguments.header.read_text()))
    if arguments.check:
        return int(TARGET.read_text() != text)
    TARGET.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
