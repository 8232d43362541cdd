"""Shapes of the second step of a sign-in."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.services.second_factor import FACTORS
from gateway.fields import Input, Text


class SecondFactorInput(Input):
    challenge = Text(max_length=100, write_only=True)
    code = Text(max_length=20, write_only=True, help_text="Of the authenticator app, or one of the recovery codes.")


class SecondFactorRequired(serializers.Serializer[Any]):
    """A problem document (RFC 9457); the last three members are there when the code is `second_factor_required`."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    instance = serializers.CharField()
    code = serializers.CharField()
    errors = serializers.ListField(child=serializers.DictField(child=serializers.CharField()))
    challenge = serializers.CharField(required=False, help_text="For POST /auth/second-factor/, once.")
    factors = serializers.ListField(
        required=False,
        child=serializers.ChoiceField(choices=list(FACTORS.values())),
        help_text="What the person has. A passkey finishes the sign-in on the page /login/, or by "
        "/_allauth/app/v1/auth/webauthn/authenticate after signing in there, not by this API.",
    )
    expires_in = serializers.IntegerField(required=False, help_text="Seconds until the challenge is over.")


class MailSentOut(serializers.Serializer[Any]):
    detail = serializers.CharField()
