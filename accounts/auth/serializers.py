"""Input and output of signing in, passwords, email verification and MFA."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.auth.mfa.services import METHOD_NAMES
from accounts.users.serializers import LocaleInput
from core.api.fields import EmailField, SingleLineField, StrictCharField, StrictSerializer

METHODS = list(METHOD_NAMES.values())


class PasswordField(StrictCharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 200, "trim_whitespace": False, "write_only": True, **kwargs})


class RegisterInput(LocaleInput):
    email = EmailField()
    name = SingleLineField(max_length=120)
    password = PasswordField()


class LoginInput(StrictSerializer):
    email = StrictCharField(max_length=254)
    password = PasswordField()


class RefreshInput(StrictSerializer):
    refresh = StrictCharField(max_length=4000)


class MfaInput(StrictSerializer):
    challenge = StrictCharField(max_length=100, write_only=True)
    code = StrictCharField(
        max_length=20, write_only=True, help_text="From the authenticator app, or one of the recovery codes."
    )


class MfaRequiredOut(serializers.Serializer[Any]):
    """A problem document (RFC 9457). Its last three members are there when the code is `mfa_required`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    challenge = serializers.CharField(required=False, help_text="For one request to POST /auth/mfa/.")
    methods = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(choices=METHODS),
        help_text="The user's MFA methods. A user with nothing but a passkey signs in on the page /login/.",
    )
    expires_in = serializers.IntegerField(required=False, help_text="Seconds until the challenge expires.")


class EmailSentOut(serializers.Serializer[Any]):
    detail = serializers.CharField()


class EmailInput(StrictSerializer):
    email = EmailField()


class VerifyEmailInput(StrictSerializer):
    key = StrictCharField(max_length=200, write_only=True, help_text="From the link in the email.")


class PasswordResetInput(VerifyEmailInput):
    password = PasswordField()


class ChangePasswordInput(StrictSerializer):
    current_password = PasswordField(
        required=False, help_text="Left out by a user who has none, and who confirmed their identity recently."
    )
    password = PasswordField(help_text="The new password.")


class PasskeyOut(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    last_used_at = serializers.DateTimeField(allow_null=True)


class MfaOut(serializers.Serializer[Any]):
    """The MFA methods of the caller. Recovery codes alone do not turn MFA on."""

    enabled = serializers.BooleanField()
    required = serializers.BooleanField(help_text="Whether this server demands MFA of the caller.")
    methods = serializers.ListField(child=serializers.ChoiceField(choices=METHODS))
    passkeys = PasskeyOut(many=True)
    unused_recovery_codes = serializers.IntegerField(allow_null=True, help_text="Null where there are none.")


class TotpSetupOut(serializers.Serializer[Any]):
    secret = serializers.CharField(help_text="Base 32, for an app without a camera.")
    uri = serializers.CharField(help_text="The otpauth:// URI to show as a QR code.")
    setup_token = serializers.CharField(help_text="To send with the first code, within 15 minutes.")


class TotpActivationInput(StrictSerializer):
    setup_token = StrictCharField(max_length=1000, write_only=True)
    code = StrictCharField(max_length=20, write_only=True, help_text="The code that the app shows.")


class RecoveryCodesOut(serializers.Serializer[Any]):
    recovery_codes = serializers.ListField(
        child=serializers.CharField(), help_text="Shown only once. Empty where the user has stored theirs before."
    )
