"""The golden vectors, both ways; the JavaScript twin runs the same files."""

import dataclasses
import json
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest

from webvdi.base.errors import RemoteProtocolError
from webvdi.wire.from_viewer import decode_from_viewer, encode_from_viewer
from webvdi.wire.pieces import decode_runs, decode_sheet, encode_runs, encode_sheet
from webvdi.wire.to_viewer import Codec, decode_to_viewer, encode_to_viewer

GOLDENS = Path(__file__).parents[2] / "goldens" / "wire"


def vectors(name: str) -> list[Any]:
    return [
        pytest.param(bytes.fromhex(v["hex"]), v["message"], id=v["name"])
        for v in json.loads((GOLDENS / name).read_text())
    ]


def plain(value: object) -> object:
    """A message as the goldens write it."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, IntEnum):
        return int(value)
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value


def described(message: object) -> object:
    fields = plain(message)
    assert isinstance(fields, dict)
    return {"type": type(message).__name__, **fields}


@pytest.mark.parametrize(("data", "message"), vectors("from_viewer.json"))
def test_from_viewer(data: bytes, message: object) -> None:
    decoded = decode_from_viewer(data)
    assert described(decoded) == message
    assert encode_from_viewer(decoded) == data


@pytest.mark.parametrize(("data", "message"), vectors("to_viewer.json"))
def test_to_viewer(data: bytes, message: object) -> None:
    decoded = decode_to_viewer(data)
    assert described(decoded) == message
    assert encode_to_viewer(decoded) == data


@pytest.mark.parametrize(("data", "message"), vectors("from_viewer.json"))
def test_a_viewer_message_cut_short_or_too_long_is_refused(data: bytes, message: Any) -> None:
    has_rest = message["type"] in ("Text", "Clipboard")
    for length in range(1, 5 if has_rest else len(data)):
        with pytest.raises(RemoteProtocolError, match="cut short"):
            decode_from_viewer(data[:length])
    if not has_rest:
        with pytest.raises(RemoteProtocolError, match="too many"):
            decode_from_viewer(data + b"\0")


@pytest.mark.parametrize(("data", "message"), vectors("to_viewer.json"))
def test_a_session_message_cut_short_or_too_long_is_refused(data: bytes, message: Any) -> None:
    if message["type"] in ("GuestClipboard", "Name"):
        return
    for length in range(1, len(data)):
        with pytest.raises(RemoteProtocolError):
            decode_to_viewer(data[:length])
    with pytest.raises(RemoteProtocolError):
        decode_to_viewer(data + b"\0")


def payloads(*, refused: bool) -> list[Any]:
    return [
        pytest.param(v["codec"], bytes.fromhex(v["hex"]), v.get("fields"), id=v["name"])
        for v in json.loads((GOLDENS / "payloads.json").read_text())
        if v.get("refused", False) is refused
    ]


@pytest.mark.parametrize(("codec", "data", "fields"), payloads(refused=False))
def test_payloads(codec: int, data: bytes, fields: Any) -> None:
    if codec == Codec.SHEET:
        sheet = decode_sheet(data)
        assert plain(sheet) == fields
        assert encode_sheet(sheet) == data
    else:
        runs = decode_runs(data)
        assert [plain(run) for run in runs] == fields
        assert encode_runs(runs) == data


@pytest.mark.parametrize(("codec", "data", "fields"), payloads(refused=True))
def test_refused_payloads(codec: int, data: bytes, fields: None) -> None:
    with pytest.raises(RemoteProtocolError):
        (decode_sheet if codec == Codec.SHEET else decode_runs)(data)
