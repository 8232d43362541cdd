"""Keys are replaced without signing anybody out; a token says which key and what kind, and neither by its own word."""

from __future__ import annotations

import time
import uuid

import jwt
import pytest

from core.security.access_tokens import read_access_token
from core.security.jwt_keys import ACCESS, REFRESH, key_id, signing_keys, verify_jwt

OLD, NEW, FOREIGN = ("old-key-" + "o" * 40, "new-key-" + "n" * 40, "foreign-key-" + "f" * 40)


@pytest.fixture
def rules(settings):
    """The settings with these keys: the first signs, the others are believed."""

    def with_keys(signing, *previous):
        return {**settings.SIMPLE_JWT, "SIGNING_KEY": signing, "PREVIOUS_KEYS": previous}

    return with_keys


def token(key, *, kind=ACCESS, headers=None, **claims):
    now = time.time()
    said = {"token_type": kind, "sub": str(uuid.uuid4()), "sid": str(uuid.uuid4()), "jti": "1"}
    said |= {"iss": "taskflow", "aud": "taskflow", "iat": now, "exp": now + 600, **claims}
    named = {"kid": key_id(key), "typ": "at+jwt" if kind == ACCESS else "rt+jwt"}
    return jwt.encode(said, key, "HS256", headers=named if headers is None else headers)


def test_a_token_is_good_while_its_key_is_believed(rules):
    signed = token(OLD)

    assert verify_jwt(signed, rules(OLD), kind=ACCESS)["jti"] == "1"
    assert verify_jwt(signed, rules(NEW, OLD), kind=ACCESS)["jti"] == "1"
    with pytest.raises(jwt.PyJWTError):
        verify_jwt(signed, rules(NEW), kind=ACCESS)


def test_a_key_is_believed_before_it_signs(rules):
    """So that a node which signs with the new key and one which does not yet believe each other."""
    assert verify_jwt(token(NEW), rules(OLD, NEW), kind=ACCESS)["jti"] == "1"


def test_a_token_without_the_name_of_its_key_is_tried_with_each(rules):
    """Such tokens were signed before keys had names."""
    unnamed = token(OLD, headers={})

    assert verify_jwt(unnamed, rules(NEW, OLD), kind=ACCESS)["jti"] == "1"
    with pytest.raises(jwt.PyJWTError):
        verify_jwt(unnamed, rules(NEW), kind=ACCESS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": FOREIGN},
        {"key": FOREIGN, "headers": {"kid": key_id(NEW), "typ": "at+jwt"}},
        {"key": OLD, "headers": {"kid": key_id(NEW), "typ": "at+jwt"}},
        {"key": NEW, "headers": {"kid": "", "typ": "at+jwt"}},
        {"key": NEW, "headers": {"kid": "../../dev/null", "typ": "at+jwt"}},
        {"key": NEW, "headers": {"kid": key_id(NEW), "typ": "JWT"}},
        {"key": NEW, "headers": {"kid": key_id(NEW), "typ": "rt+jwt"}},
        {"key": NEW, "kind": REFRESH},
        {"key": NEW, "kind": REFRESH, "headers": {"kid": key_id(NEW), "typ": "at+jwt"}},
        {"key": NEW, "token_type": "refresh"},
        {"key": NEW, "aud": "somebody"},
        {"key": NEW, "iss": "somebody"},
        {"key": NEW, "exp": 1},
        {"key": NEW, "headers": {}, "token_type": "refresh"},
    ],
    ids=str,
)
def test_other_tokens_are_rejected(wrong, rules, settings):
    wrong = dict(wrong)
    signed = token(wrong.pop("key"), **wrong)
    settings.SIMPLE_JWT = rules(NEW, OLD)

    with pytest.raises(jwt.PyJWTError):
        verify_jwt(signed, rules(NEW, OLD), kind=ACCESS)
    assert read_access_token(signed.encode()) is None


def test_access_tokens_of_all_keys_are_read(rules, settings):
    settings.SIMPLE_JWT = rules(NEW, OLD)

    assert read_access_token(token(OLD).encode()) is not None
    assert read_access_token(token(NEW).encode()) is not None
    assert read_access_token(token(OLD, headers={}).encode()) is not None


def test_the_name_of_a_key_says_nothing_of_the_key(rules):
    headers = signing_keys(rules(NEW, OLD)).headers(ACCESS)

    assert headers == {"kid": key_id(NEW), "typ": "at+jwt"}
    assert len(headers["kid"]) == 12
    assert headers["kid"] != key_id(OLD)
    assert headers["kid"] not in NEW
