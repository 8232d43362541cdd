"""Signing keys and their replacement, and the checks of a token's key and type."""

from __future__ import annotations

import time
import uuid

import jwt
import pytest

from core.security.tokens import ACCESS, REFRESH, key_id, read_access_token, verify_jwt

OLD, NEW, FOREIGN = ("old-key-" + "o" * 40, "new-key-" + "n" * 40, "foreign-key-" + "f" * 40)


@pytest.fixture
def rules(settings):
    """Return a factory of settings with these keys: the first signs, the others verify."""

    def with_keys(signing, *previous):
        return {**settings.SIMPLE_JWT, "SIGNING_KEY": signing, "PREVIOUS_KEYS": previous}

    return with_keys


def token(key, *, kind=ACCESS, headers=None, **claims):
    now = time.time()
    payload = {"token_type": kind, "sub": str(uuid.uuid4()), "sid": str(uuid.uuid4()), "jti": "1"}
    payload |= {"iss": "taskflow", "aud": "taskflow", "iat": now, "exp": now + 600, **claims}
    key_headers = {"kid": key_id(key), "typ": "at+jwt" if kind == ACCESS else "rt+jwt"}
    return jwt.encode(payload, key, "HS256", headers=key_headers if headers is None else headers)


def test_token_is_valid_while_its_key_is_configured(rules):
    signed = token(OLD)

    assert verify_jwt(signed, rules(OLD), kind=ACCESS)["jti"] == "1"
    assert verify_jwt(signed, rules(NEW, OLD), kind=ACCESS)["jti"] == "1"
    with pytest.raises(jwt.PyJWTError):
        verify_jwt(signed, rules(NEW), kind=ACCESS)


def test_new_key_is_accepted_before_it_signs(rules):
    """A node with the new key and one without accept each other's tokens."""
    assert verify_jwt(token(NEW), rules(OLD, NEW), kind=ACCESS)["jti"] == "1"


def test_token_without_kid_is_tried_with_each_key(rules):
    """Tokens without `kid` were signed before keys had ids."""
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


def test_key_id_reveals_nothing_of_the_key():
    name = key_id(NEW)

    assert len(name) == 12
    assert name != key_id(OLD)
    assert name not in NEW
