"""Who is answered what at allauth's doors for programs, as a table: see tests/permissions/test_headless_permission_matrix.py."""

from __future__ import annotations

from typing import Any

from accounts.tests.factories import PASSWORD

NEW_PASSWORD = "a wider river turns"
# What each request sends; `{name}` stands for a thing of alice's.
REQUEST_BODIES: dict[str, dict[str, Any]] = {
    "POST account/authenticators/recovery-codes": {},
    "POST account/authenticators/totp": {"code": "000000"},
    "POST account/authenticators/webauthn": {"name": "Phone", "credential": {}},
    "PUT account/authenticators/webauthn": {"id": "{passkey}", "name": "Mine now"},
    "DELETE account/authenticators/webauthn": {"authenticators": ["{passkey}"]},
    "POST account/email": {"email": "other@example.com"},
    "PUT account/email": {"email": "{email}"},
    "PATCH account/email": {"email": "{email}", "primary": True},
    "DELETE account/email": {"email": "{email}"},
    "POST account/password/change": {"current_password": PASSWORD, "new_password": NEW_PASSWORD},
    "DELETE account/providers": {"provider": "example", "account": "{uid}"},
    "POST auth/2fa/authenticate": {"code": "000000"},
    "POST auth/2fa/reauthenticate": {"code": "000000"},
    "POST auth/code/confirm": {"code": "000000"},
    "POST auth/email/verify": {"key": "nothing"},
    "POST auth/email/verify/resend": {},
    "POST auth/login": {"email": "bob@example.com", "password": PASSWORD},
    "POST auth/password/request": {"email": "bob@example.com"},
    "POST auth/password/reset": {"key": "nothing", "password": NEW_PASSWORD},
    "POST auth/provider/signup": {"email": "new@example.com"},
    "POST auth/provider/token": {"provider": "nowhere", "process": "login", "token": {"id_token": "x"}},
    "POST auth/reauthenticate": {"password": "wrong"},
    "POST auth/signup": {"email": "new@example.com", "password": PASSWORD},
    "POST auth/webauthn/authenticate": {"credential": {}},
    "POST auth/webauthn/login": {"credential": {}},
    "POST auth/webauthn/reauthenticate": {"credential": {}},
    "POST tokens/refresh": {"refresh_token": "nothing"},
}
# What allauth has and nobody can use here: there are no phone numbers, and the way to a provider is a page's.
DISABLED_ENDPOINTS = {"account/phone", "auth/phone/verify", "auth/phone/verify/resend", "auth/provider/redirect"}
# One line for each request; `fresh` has shown once more who they are, to `signed-in` that is still to come.
MATRIX = {
    # ------------------------------------- nobody gone signed-in fresh
    "GET account/authenticators": "401 410 200 200",
    "GET account/authenticators/recovery-codes": "401 410 404 404",
    "POST account/authenticators/recovery-codes": "401 410 400 400",
    "DELETE account/authenticators/totp": "401 410 200 200",
    "GET account/authenticators/totp": "401 410 404 404",
    "POST account/authenticators/totp": "401 410 400 400",
    "DELETE account/authenticators/webauthn": "401 410 400 400",
    "GET account/authenticators/webauthn": "401 410 401 200",
    "POST account/authenticators/webauthn": "401 410 400 400",
    "PUT account/authenticators/webauthn": "401 410 400 400",
    "DELETE account/email": "401 410 400 400",
    "GET account/email": "401 410 200 200",
    "PATCH account/email": "401 410 405 405",
    "POST account/email": "409 410 401 200",
    "PUT account/email": "401 410 400 400",
    "POST account/password/change": "401 410 200 200",
    "DELETE account/providers": "401 410 400 400",
    "GET account/providers": "401 410 200 200",
    "POST auth/2fa/authenticate": "401 410 401 401",
    "POST auth/2fa/reauthenticate": "401 410 400 400",
    "POST auth/code/confirm": "409 410 409 409",
    "GET auth/email/verify": "400 410 400 400",
    "POST auth/email/verify": "400 410 400 400",
    "POST auth/email/verify/resend": "409 410 409 409",
    "POST auth/login": "200 410 409 409",
    "POST auth/password/request": "200 410 200 200",
    "GET auth/password/reset": "400 410 400 400",
    "POST auth/password/reset": "400 410 400 400",
    "GET auth/provider/signup": "409 410 409 409",
    "POST auth/provider/signup": "409 410 409 409",
    "POST auth/provider/token": "400 410 400 400",
    "POST auth/reauthenticate": "401 410 400 400",
    "DELETE auth/session": "401 410 401 401",
    "GET auth/session": "401 410 200 200",
    "POST auth/signup": "200 410 409 409",
    "GET auth/webauthn/authenticate": "401 410 401 401",
    "POST auth/webauthn/authenticate": "401 410 401 401",
    "GET auth/webauthn/login": "200 410 200 200",
    "POST auth/webauthn/login": "400 410 400 400",
    "GET auth/webauthn/reauthenticate": "401 410 200 200",
    "POST auth/webauthn/reauthenticate": "401 410 400 400",
    "GET config": "200 410 200 200",
    "POST tokens/refresh": "400 410 400 400",
}
# What is asked for by a wrong code or password goes into the security log, and nowhere else.
SECURITY_LOGGED = {"POST auth/2fa/reauthenticate", "POST auth/reauthenticate"}
# Its 401 says that one is signed out now.
SIGN_OUT_REQUEST = "DELETE auth/session"
