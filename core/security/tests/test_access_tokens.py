"""Access tokens as the gateway and Django read them from requests."""

from __future__ import annotations

import time
import uuid

import jwt
import pytest

from core.security import tokens
from core.security.tokens import read_access_token

USER, SESSION = str(uuid.uuid4()), str(uuid.uuid4())


def token(settings, *, key=None, algorithm="HS256", without=(), **overrides):
    now = time.time()
    claims = {
        "token_type": "access",
        "sub": USER,
        "sid": SESSION,
        "jti": "1",
        "iss": "taskflow",
        "aud": "taskflow",
        "iat": now,
        "exp": now + 600,
        **overrides,
    }
    claims = {name: value for name, value in claims.items() if name not in without}
    return jwt.encode(claims, settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key, algorithm).encode()


def test_valid_token_names_its_user_and_session(settings):
    claims = read_access_token(token(settings))

    assert (claims.user_id, claims.session_id) == (USER, SESSION)


def test_cached_token_ends_at_its_expiry(settings):
    expires_at = int(time.time()) + 2
    short_lived = token(settings, exp=expires_at)

    before = read_access_token(short_lived)
    time.sleep(expires_at - time.time() + 0.01)

    assert before is not None
    assert read_access_token(short_lived) is None


def test_cached_token_ends_with_its_signing_key(settings):
    access = token(settings)
    assert read_access_token(access) is not None

    settings.SIMPLE_JWT = {**settings.SIMPLE_JWT, "SIGNING_KEY": "another-signing-key-" + "y" * 40}

    assert read_access_token(access) is None


@pytest.mark.parametrize(
    "overrides",
    [
        {"exp": 1},
        {"key": "x" * 40},
        {"algorithm": "none", "key": ""},
        {"algorithm": "HS512", "key": "test-signing-key-" + "x" * 48},
        {"token_type": "refresh"},
        {"iss": "somebody"},
        {"aud": "somebody"},
        {"sub": "alice"},
        {"sid": "1"},
        {"without": ["exp"]},
        {"without": ["sid"]},
        {"without": ["jti"]},
        {"without": ["token_type"]},
    ],
    ids=lambda overrides: " ".join(f"{name} {value}" for name, value in overrides.items()),
)
def test_invalid_token_is_rejected(settings, overrides):
    assert read_access_token(token(settings, **overrides)) is None


@pytest.mark.parametrize("nonsense", [b"", b"a.b.c", b"\xff\xfe", b"." * 10_000])
def test_nonsense_is_rejected(nonsense):
    assert read_access_token(nonsense) is None


def test_invalid_tokens_are_not_cached(settings):
    before = tokens._verify.cache_info().currsize

    for number in range(5):
        read_access_token(token(settings, jti=str(number), iss="somebody"))

    assert tokens._verify.cache_info().currsize == before
    assert tokens._verify.cache_info().maxsize == tokens.MAX_CACHED_TOKENS
