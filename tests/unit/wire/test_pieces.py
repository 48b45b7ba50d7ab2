"""Payloads of pieces: both ways, and the box around runs of tiles."""

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.pieces import (
    MAX_RUN,
    SLOTS,
    Part,
    Run,
    Sheet,
    decode_runs,
    decode_sheet,
    encode_runs,
    encode_sheet,
    piece_of_runs,
)
from webvdi.wire.to_viewer import Codec, Piece

numbers = st.integers(0, 0xFFFF)
sizes = st.integers(1, 0xFFFF)
runs = st.builds(Run, numbers, numbers, st.integers(0, SLOTS - MAX_RUN), st.integers(1, MAX_RUN))
sheets = st.builds(
    Sheet,
    st.sampled_from([Codec.PNG, Codec.JPEG]),
    st.lists(st.builds(Part, numbers, numbers, sizes, sizes, numbers, numbers), min_size=1).map(
        tuple
    ),
    st.binary(max_size=8),
)


@given(st.lists(runs, min_size=1).map(tuple))
def test_runs_come_back_as_they_went(several: tuple[Run, ...]) -> None:
    assert decode_runs(encode_runs(several)) == several


@given(sheets)
def test_a_sheet_comes_back_as_it_went(sheet: Sheet) -> None:
    assert decode_sheet(encode_sheet(sheet)) == sheet


@given(st.binary(max_size=64))
def test_any_bytes_are_a_payload_or_a_protocol_error(data: bytes) -> None:
    for decode in (decode_runs, decode_sheet):
        with suppress(RemoteProtocolError):
            decode(data)


def test_the_rectangle_of_runs_is_the_box_around_them_within_the_screen() -> None:
    several = (Run(3, 2, 0, 2), Run(1, 4, 9, 1))
    payload = encode_runs(several)
    assert piece_of_runs(Codec.CACHED, several, 800, 600) == Piece(
        Codec.CACHED, 16, 32, 64, 48, payload
    )
    assert piece_of_runs(Codec.KEEP, iter(several), 75, 70) == Piece(
        Codec.KEEP, 16, 32, 59, 38, payload
    )
