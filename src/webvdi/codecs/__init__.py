"""Pixels → what browsers decode natively: a file per codec, and the choice between them.

Everything here is pure and releases the interpreter lock where the work is (ISA-L, libjpeg-turbo),
so that a pool of threads encodes in parallel.
"""

from webvdi.codecs.choice import encode
from webvdi.codecs.content import Content, contents, expected_bytes
from webvdi.codecs.encoded import Encoded, Kind
from webvdi.codecs.sheet import encode_sheet
from webvdi.codecs.sketch import SKETCH, sketched

__all__ = [
    "SKETCH",
    "Content",
    "Encoded",
    "Kind",
    "contents",
    "encode",
    "encode_sheet",
    "expected_bytes",
    "sketched",
]
