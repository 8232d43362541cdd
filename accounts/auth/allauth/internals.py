"""The private parts of django-allauth that we use, all in this file: look here first when allauth is upgraded."""

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.webauthn.internal.auth import begin_authentication as begin_passkey_authentication
from allauth.mfa.webauthn.internal.auth import begin_registration as begin_passkey_registration

__all__ = [
    "RecoveryCodes",
    "begin_passkey_authentication",
    "begin_passkey_registration",
    "is_reauthentication_required",
]
