"""Proving once more who one is, for what outlives a session: see accounts.auth.reauthentication."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import reauthentication, throttling
from accounts.auth.reauthentication import REAUTHENTICATE_PATH
from core.api.fields import StrictCharField, StrictSerializer
from core.api.generics import parse_body
from core.api.routes import get_route_table
from core.api.views import ApiView


class ReauthenticationInput(StrictSerializer):
    password = StrictCharField(
        max_length=200, required=False, trim_whitespace=False, write_only=True, help_text="Of who has no second factor."
    )
    code = StrictCharField(
        max_length=20,
        required=False,
        write_only=True,
        help_text="Of the authenticator app, or one of the recovery codes.",
    )


class ReauthenticationOut(serializers.Serializer[Any]):
    valid_until = serializers.DateTimeField(help_text="Until then this session, on every node, is asked for no proof.")


class ReauthenticateView(ApiView):
    api_key_scope = None
    mfa_exempt = True
    brute_force_limit = {"POST"}
    idempotent = False

    @extend_schema(operation_id="prove", request=ReauthenticationInput, responses=ReauthenticationOut)
    def post(self, request: Request) -> Response:
        """Send one of the two: a code where there is a second factor, the password otherwise. A new token is no proof."""
        credentials: dict[str, str] = parse_body(ReauthenticationInput, request)
        secret = throttling.MFA_CODE if "code" in credentials else throttling.PASSWORD
        with throttling.throttled_reauthentication(request._request, request.user, secret):
            valid_until = reauthentication.reauthenticate(
                session_id=request.auth.pk, credentials=credentials, now=timezone.now()
            )
        return Response(ReauthenticationOut({"valid_until": valid_until}).data)


def document_reauthentication(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Describe the 403 of operations that require a recent login (a drf-spectacular postprocessing hook)."""
    description = (
        "You may not do this; or `reauthentication_required`: who you are was not proved lately, prove it at "
        f"`{REAUTHENTICATE_PATH}`."
    )
    routes = get_route_table().by_template
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if routes[path].endpoint.needs_recent_login(method.upper()):
                operation["responses"]["403"]["description"] = description
    return result
