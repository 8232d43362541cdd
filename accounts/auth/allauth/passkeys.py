"""Passkey ceremonies (WebAuthn): a challenge is used once, by one user, for the purpose that it was issued for."""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest
from fido2.webauthn import AuthenticationResponse, RegistrationResponse, UserVerificationRequirement

from accounts.auth.allauth import internals
from accounts.auth.mfa import services as mfa
from accounts.models import User
from core.clock import current_time
from core.errors import NotAuthenticated
from core.http.client_ip import client_ip

CHALLENGES_KEY = "_passkey_challenges"
MAX_CHALLENGE_AGE = 15 * 60
# What fido2 raises for a response that no browser would send.
MALFORMED = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError, struct.error)


class Purpose(StrEnum):
    REGISTRATION = "registration"
    LOGIN = "login"
    SECOND_FACTOR = "second_factor"
    REAUTHENTICATION = "reauthentication"


def begin_registration(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return the options of `navigator.credentials.create` for another passkey of the user."""
    options = internals.begin_passkey_registration(user, passwordless=False)
    _keep_challenge(request, Purpose.REGISTRATION, user)
    return options


def begin_authentication(request: HttpRequest, purpose: Purpose, user: User | None = None) -> dict[str, Any]:
    """Return the options of `navigator.credentials.get`. A login has no user yet, and demands user verification."""
    options = internals.begin_passkey_authentication(user)
    _keep_challenge(request, purpose, user)
    return options


def complete_registration(request: HttpRequest, user: User, credential: Any, *, passwordless: bool) -> None:
    """Verify a new passkey. Raises ValidationError."""
    state = _take_challenge(request, Purpose.REGISTRATION, user)
    try:
        RegistrationResponse.from_dict(credential)
        binding = internals.passkey_server().register_complete(state, credential)
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error
    if passwordless and not binding.is_user_verified():
        raise get_adapter().validation_error("incorrect_code")


def complete_authentication(
    request: HttpRequest, purpose: Purpose, user: User | None, credential: Any
) -> Authenticator:
    """Verify an assertion and return its passkey. Without a `user` the response names its owner.

    Raises ValidationError.
    """
    state = _take_challenge(request, purpose, user)
    try:
        response = AuthenticationResponse.from_dict(credential).response.authenticator_data
        owner = user or internals.passkey_owner(credential)
        binding = internals.passkey_server().authenticate_complete(
            state, internals.passkey_credentials(owner), credential
        )
    except MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error
    passkey = internals.passkey_by_credential_id(owner, binding.credential_id)
    # A passkey that replaces the password has to have asked for a fingerprint, a face or a PIN.
    if passkey is None or (purpose is Purpose.LOGIN and not response.is_user_verified()):
        raise get_adapter().validation_error("incorrect_code")
    try:
        mfa.record_passkey_use(
            passkey,
            challenge=state["challenge"],
            signature_count=response.counter,
            now=current_time(),
            address=client_ip(request),
        )
    except NotAuthenticated as error:
        raise get_adapter().validation_error("incorrect_code") from error
    return passkey


def _keep_challenge(request: HttpRequest, purpose: Purpose, user: User | None) -> None:
    """Keep the challenge of fido2 under its purpose: allauth has one place for all."""
    state = request.session.pop(internals.PASSKEY_STATE_KEY)
    challenge = {**state, "user": str(user.pk) if user else "", "issued_at": int(current_time().timestamp())}
    request.session[CHALLENGES_KEY] = {**request.session.get(CHALLENGES_KEY, {}), purpose.value: challenge}


def _take_challenge(request: HttpRequest, purpose: Purpose, user: User | None) -> dict[str, Any]:
    """Return the challenge and forget it, whatever the response to it is. Raises ValidationError."""
    challenges = dict(request.session.get(CHALLENGES_KEY, {}))
    state: dict[str, Any] | None = challenges.pop(purpose.value, None)
    request.session[CHALLENGES_KEY] = challenges
    if (
        state is None
        or state["user"] != (str(user.pk) if user else "")
        or current_time().timestamp() - state["issued_at"] > MAX_CHALLENGE_AGE
    ):
        raise get_adapter().validation_error("incorrect_code")
    return {
        "challenge": state["challenge"],
        "user_verification": UserVerificationRequirement(state["user_verification"]),
    }
