"""VNC authentication."""

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from webvdi.rfb.security.vnc_auth import response

CHALLENGE = bytes(range(16))


def des(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def test_it_is_des_in_two_blocks() -> None:
    # A zero block under a zero key: a published value (NBS Special Publication 500-20).
    assert response(bytes(16), "").hex() == "8ca64de9c1b123a7" * 2


def test_each_byte_of_the_key_is_reversed_and_the_rest_is_nul() -> None:
    # a = 01100001, P = 01010000
    assert response(CHALLENGE, "aP") == des(b"\x86\x0a" + bytes(6), CHALLENGE)


def test_a_password_ends_after_eight_bytes() -> None:
    assert response(CHALLENGE, "abcdefgh") == response(CHALLENGE, "abcdefghi")
    assert response(CHALLENGE, "abcdefg") != response(CHALLENGE, "abcdefgh")
    assert response(CHALLENGE, "áéíó") == response(CHALLENGE, "áéíóú")
