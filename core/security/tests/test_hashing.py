from core.security.hashing import sha256_hex


def test_sha256_hex_takes_text_and_bytes():
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, "abc"

    assert sha256_hex("abc") == sha256_hex(b"abc") == digest
