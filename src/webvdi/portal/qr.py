"""Links as pictures that a phone's camera reads (QR codes, ISO/IEC 18004)."""

import io

import segno

QUIET_ZONE = 4
"""Modules of white on each side, without which scanners find no code (ISO/IEC 18004 §9.1)."""


def qr_svg(text: str) -> bytes:
    """*text* as an SVG that may be shown at any size: black on white, whatever is around it.

    *text* has at most 2953 bytes in UTF-8; more is a ``ValueError``.
    """
    # The lowest level of correction that the size allows: screens have no scratches, and larger
    # modules are read from further away.
    code = segno.make(text, error="l", micro=False, encoding="utf-8")
    out = io.BytesIO()
    look = {"light": "#fff", "border": QUIET_ZONE, "svgclass": None, "lineclass": None}
    code.save(out, kind="svg", omitsize=True, xmldecl=False, **look)
    # Rows that are smoothed at their edges show seams between them.
    return out.getvalue().replace(b"<svg ", b'<svg shape-rendering="crispEdges" ', 1)
