"""The private parts of django-allauth that we use, all in this file: look here first when allauth is upgraded."""

from allauth.account.internal.flows.reauthentication import is_reauthentication_required
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY as PASSKEY_STATE_KEY
from allauth.mfa.webauthn.internal.auth import begin_authentication as begin_passkey_authentication
from allauth.mfa.webauthn.internal.auth import begin_registration as begin_passkey_registration
from allauth.mfa.webauthn.internal.auth import extract_user_from_response as passkey_owner
from allauth.mfa.webauthn.internal.auth import get_authenticator_by_credential_id as passkey_by_credential_id
from allauth.mfa.webauthn.internal.auth import get_credentials as passkey_credentials
from allauth.mfa.webauthn.internal.auth import get_server as passkey_server

__all__ = [
    "PASSKEY_STATE_KEY",
    "RecoveryCodes",
    "begin_passkey_authentication",
    "begin_passkey_registration",
    "is_reauthentication_required",
    "passkey_by_credential_id",
    "passkey_credentials",
    "passkey_owner",
    "passkey_server",
]
