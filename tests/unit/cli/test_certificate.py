"""The self-signed certificate."""

import datetime as dt
import re
import ssl
from pathlib import Path

import pytest

from webvdi.base.errors import Refused
from webvdi.cli.certificate import VALID_DAYS, check_pair, fingerprint, self_signed

NOW = dt.datetime.now(dt.UTC)


def test_it_is_kept_and_renewed_before_its_end(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, "127.0.0.1", NOW)
    check_pair(certificate, key)
    first = fingerprint(certificate)
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", first)
    assert key.stat().st_mode & 0o777 == 0o600
    self_signed(tmp_path, "127.0.0.1", NOW + dt.timedelta(days=1))
    assert fingerprint(certificate) == first
    self_signed(tmp_path, "127.0.0.1", NOW + dt.timedelta(days=VALID_DAYS - 3))
    assert fingerprint(certificate) != first


def test_another_host_gets_another_certificate(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path, "127.0.0.1", NOW)
    first = fingerprint(certificate)
    self_signed(tmp_path, "vdi.example", NOW)
    assert fingerprint(certificate) != first


def test_it_is_valid_for_the_host(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path, "192.0.2.9", NOW)
    decoded = ssl._ssl._test_decode_cert(str(certificate))  # type: ignore[attr-defined]
    assert ("IP Address", "192.0.2.9") in decoded["subjectAltName"]


def test_what_is_no_pair_is_refused(tmp_path: Path) -> None:
    certificate, _ = self_signed(tmp_path, "a", NOW)
    (tmp_path / "b").mkdir()
    _, other = self_signed(tmp_path / "b", "b", NOW)
    with pytest.raises(Refused, match="are not a certificate and its key"):
        check_pair(certificate, other)
    with pytest.raises(Refused, match="cannot be read"):
        check_pair(certificate, tmp_path / "missing")
