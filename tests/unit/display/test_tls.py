"""TLS settings: what they mean, and how they travel."""

import ssl
from pathlib import Path

import pytest

from webvdi.display.tls import (
    CertificateRejected,
    TlsPolicy,
    TlsPolicyError,
    check_fingerprint,
    checked_name,
    fingerprint_of,
    new_context,
    rejection,
)

DIGITS = "ab" * 32


@pytest.mark.parametrize(
    ("policy", "settings"),
    [
        (TlsPolicy(), {}),
        (TlsPolicy(Path("/ca.pem"), "pc"), {"ca_file": "/ca.pem", "host_name": "pc"}),
        (TlsPolicy(fingerprint=DIGITS), {"fingerprint": DIGITS}),
        (TlsPolicy(anonymous=True), {"anonymous": True}),
    ],
)
def test_json_and_back(policy: TlsPolicy, settings: dict[str, object]) -> None:
    assert policy.to_json() == settings
    assert TlsPolicy.from_json(settings) == policy


@pytest.mark.parametrize(
    "written", [DIGITS, DIGITS.upper(), ":".join(["AB"] * 32), "SHA256:" + DIGITS]
)
def test_a_fingerprint_may_be_written_in_many_ways(written: str) -> None:
    assert TlsPolicy(fingerprint=written).fingerprint == DIGITS


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (True, "are a table"),
        ({"ca": "x"}, "no TLS setting 'ca'; there are ca_file, host_name, fingerprint, anonymous"),
        ({"ca_file": 1}, "'ca_file' must be a text, not 1"),
        ({"host_name": ""}, "'host_name' must be a text"),
        ({"anonymous": "yes"}, "'anonymous' must be true or false"),
        ({"fingerprint": "ab"}, "is no SHA-256 fingerprint"),
        ({"fingerprint": "xy" * 32}, "is no SHA-256 fingerprint"),
        ({"fingerprint": DIGITS, "anonymous": True}, "contradict"),
        ({"host_name": "x", "anonymous": True}, "contradict"),
        ({"ca_file": "x", "fingerprint": DIGITS}, "contradict"),
    ],
)
def test_settings_that_make_no_sense(settings: object, message: str) -> None:
    with pytest.raises(TlsPolicyError, match=message):
        TlsPolicy.from_json(settings)


def test_certificates_are_checked_unless_the_policy_has_another_way() -> None:
    context = new_context(TlsPolicy(), certificate=True)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    for policy in (TlsPolicy(fingerprint=DIGITS), TlsPolicy(anonymous=True)):
        assert new_context(policy, certificate=True).verify_mode is ssl.CERT_NONE
    assert new_context(TlsPolicy(anonymous=True), certificate=False).verify_mode is ssl.CERT_NONE


def test_the_name_that_is_checked() -> None:
    assert checked_name(TlsPolicy(), "pc.example") == "pc.example"
    assert checked_name(TlsPolicy(host_name="other"), "pc.example") == "other"
    assert checked_name(TlsPolicy(fingerprint=DIGITS), "pc.example") is None
    assert checked_name(TlsPolicy(anonymous=True), None) is None
    with pytest.raises(CertificateRejected, match="'host_name', or 'fingerprint'"):
        checked_name(TlsPolicy(), None)


def test_a_pinned_certificate() -> None:
    policy = TlsPolicy(fingerprint=fingerprint_of(b"this one"))
    check_fingerprint(policy, b"this one")
    check_fingerprint(TlsPolicy(), b"any")
    for other in (b"that one", None):
        with pytest.raises(CertificateRejected, match="another certificate than"):
            check_fingerprint(policy, other)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (9, "is not valid yet"),
        (10, "has expired"),
        (18, "'ca_file'"),
        (62, "not for 'pc'"),
        (23, "not acceptable: words"),
    ],
)
def test_what_is_wrong_with_a_certificate(code: int, message: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, "words"
    assert message in rejection(error, "pc", None)
    assert "'fingerprint'" not in rejection(error, "pc", None)
    assert f"'fingerprint' = '{DIGITS}'" in rejection(error, "pc", DIGITS)
