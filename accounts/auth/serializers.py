"""Shapes of the second step of a sign-in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.auth.mfa.services import METHOD_NAMES
from core.api.fields import SingleLineField, StrictCharField, StrictSerializer


class MfaInput(StrictSerializer):
    challenge = StrictCharField(max_length=100, write_only=True)
    code = StrictCharField(
        max_length=20, write_only=True, help_text="Of the authenticator app, or one of the recovery codes."
    )


class MfaRequiredOut(serializers.Serializer[Any]):
    """A problem document (RFC 9457); the last three members are there when the code is `mfa_required`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    challenge = serializers.CharField(required=False, help_text="For POST /auth/mfa/, once.")
    methods = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(choices=list(METHOD_NAMES.values())),
        help_text="What the person has. A passkey finishes the sign-in on the page /login/, or by "
        "/_allauth/app/v1/auth/webauthn/authenticate after signing in there, not by this API.",
    )
    expires_in = serializers.IntegerField(required=False, help_text="Seconds until the challenge is over.")


class EmailSentOut(serializers.Serializer[Any]):
    detail = serializers.CharField()


class RegisterInput(StrictSerializer):
    email = serializers.EmailField(max_length=254)
    name = SingleLineField(max_length=120)
    password = StrictCharField(max_length=200, trim_whitespace=False, write_only=True)


class LoginInput(StrictSerializer):
    email = StrictCharField(max_length=254)
    password = StrictCharField(max_length=200, trim_whitespace=False, write_only=True)


class RefreshInput(StrictSerializer):
    refresh = StrictCharField(max_length=4000)
