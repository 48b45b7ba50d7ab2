"""Pixels → what browsers decode natively: a file per codec, and the choice between them.

Everything here is pure and releases the interpreter lock where the work is (ISA-L, libjpeg-turbo),
so that a pool of threads encodes in parallel.
"""

from webvdi.codecs.choice import Encoded, Kind, encode_lossless, encode_lossy, is_photographic

__all__ = ["Encoded", "Kind", "encode_lossless", "encode_lossy", "is_photographic"]
