from __future__ import annotations

import time
import uuid

import jwt
import pytest

from gateway import jwt_cache
from gateway.jwt_cache import JwtCache

USER, SESSION = str(uuid.uuid4()), str(uuid.uuid4())


def token(settings, *, key=None, algorithm="HS256", without=(), **claims):
    now = time.time()
    said = {
        "token_type": "access",
        "sub": USER,
        "sid": SESSION,
        "jti": "1",
        "iss": "taskflow",
        "aud": "taskflow",
        "iat": now,
        "exp": now + 600,
        **claims,
    }
    said = {name: value for name, value in said.items() if name not in without}
    return jwt.encode(said, settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key, algorithm).encode()


def test_a_good_access_token_names_its_person_and_session(settings):
    claims = JwtCache().read(token(settings))

    assert (claims.user_id, claims.session_id) == (USER, SESSION)


def test_a_token_ends_at_its_time_even_when_it_is_remembered(settings):
    tokens = JwtCache()
    end = int(time.time()) + 2
    brief = token(settings, exp=end)

    before = tokens.read(brief)
    time.sleep(end - time.time() + 0.01)

    assert before is not None
    assert tokens.read(brief) is None


@pytest.mark.parametrize(
    "wrong",
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
    ids=lambda wrong: " ".join(f"{name} {value}" for name, value in wrong.items()),
)
def test_any_other_token_names_nobody(settings, wrong):
    assert JwtCache().read(token(settings, **wrong)) is None


@pytest.mark.parametrize("nonsense", [b"", b"a.b.c", b"\xff\xfe", b"." * 10_000])
def test_nonsense_names_nobody(nonsense):
    assert JwtCache().read(nonsense) is None


def test_no_more_tokens_are_remembered_than_fit(settings, monkeypatch):
    monkeypatch.setattr(jwt_cache, "MAX_TOKENS", 3)
    tokens = JwtCache()

    for number in range(5):
        tokens.read(token(settings, jti=str(number)))

    assert len(tokens.cached) == 3
