"""Passwords, tokens and sessions: how long a sign-in lasts, and how often one may be tried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from config import env

SESSION_ENGINE = "core.security.session_store"
# How long a sign-in lasts that is not used, and how long any does; of a browser and of a program alike.
SESSION_IDLE_TIMEOUT = timedelta(days=7)
SESSION_LIFETIME = timedelta(days=30)
SESSION_COOKIE_AGE = int(SESSION_LIFETIME.total_seconds())
DEVICE_COOKIE_NAME = "device"
MESSAGES_COOKIE_NAME = "messages"
MESSAGE_STORAGE = "config.message_storage.MessageStorage"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "config.pages.csrf_failure"

# What a former SECRET_KEY has signed and sealed is still read.
SECRET_KEY_FALLBACKS = env.csv("SECRET_KEY_FALLBACKS")
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name", "handle")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "accounts.auth.passwords.validators.ServiceNameValidator"},
    {"NAME": "accounts.auth.passwords.validators.BreachedPasswordValidator"},
]
PWNED_PASSWORDS_URL = env.url("PWNED_PASSWORDS_URL")
AUTHENTICATION_BACKENDS = ["accounts.auth.backends.EmailBackend"]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "login"
REFRESH_GRACE_PERIOD = timedelta(seconds=10)
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": SESSION_IDLE_TIMEOUT,
    "ALGORITHM": "HS256",
    "ISSUER": "taskflow",
    "AUDIENCE": "taskflow",
    "USER_ID_CLAIM": "sub",
}
LOGIN_RATE_PER_ADDRESS = env.text("LOGIN_RATE_PER_ADDRESS", "60/5m")
LOGIN_RATE_PER_ACCOUNT = env.text("LOGIN_RATE_PER_ACCOUNT", "10/5m")
REGISTER_RATE = env.text("REGISTER_RATE", "20/h")
INVITE_RATE = env.text("INVITE_RATE", "50/d")
EXPORT_RATE = env.text("EXPORT_RATE", "5/d")
AVATAR_RATE = env.text("AVATAR_RATE", "20/h")
RATELIMIT_FAIL_OPEN = True


def set_keys(*, secret_key: str, jwt_key: str, jwt_previous_keys: Sequence[str] = ()) -> dict[str, Any]:
    """Return the keys as settings; HS256 wants at least 32 bytes (RFC 7518, section 3.2)."""
    previous = [("JWT_PREVIOUS_KEYS", key) for key in jwt_previous_keys]
    for name, value in (("SECRET_KEY", secret_key), ("JWT_SIGNING_KEY", jwt_key), *previous):
        if len(value.encode()) < 32:
            raise ImproperlyConfigured(f"{name} must hold at least 32 bytes.")
    return {
        "SECRET_KEY": secret_key,
        "SIMPLE_JWT": {**SIMPLE_JWT, "SIGNING_KEY": jwt_key, "PREVIOUS_KEYS": tuple(jwt_previous_keys)},
    }
