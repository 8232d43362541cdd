"""API of re-authentication, see accounts.auth.reauthentication."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.auth import login, reauthentication
from accounts.auth.reauthentication import REAUTHENTICATE_PATH
from core.api.fields import StrictCharField, StrictSerializer
from core.api.generics import ActionView
from core.api.routes import get_route_table


class ReauthenticationInput(StrictSerializer):
    password = StrictCharField(
        max_length=200, required=False, trim_whitespace=False, write_only=True, help_text="For users without MFA."
    )
    code = StrictCharField(
        max_length=20,
        required=False,
        write_only=True,
        help_text="From the authenticator app, or one of the recovery codes.",
    )


class ReauthenticationOut(serializers.Serializer[Any]):
    valid_until = serializers.DateTimeField(help_text="Until then this session counts as recent, on every node.")


class ReauthenticateView(ActionView):
    """Confirm the caller's identity: with a code where they have MFA, else the password.

    A new access token does not confirm it.
    """

    operation_ids = {"post": "reauthenticate"}
    api_key_scope = None
    mfa_exempt = True
    hashes_password = {"POST"}
    brute_force_limit = {"POST"}
    idempotent = False
    has_versions = False
    serializer_class = ReauthenticationOut
    input_serializer_class = ReauthenticationInput

    def perform_action(self, data: dict[str, Any]) -> dict[str, Any]:
        secret = login.MFA_CODE if "code" in data else login.PASSWORD
        request, session = self.request._request, self.request.auth
        with reauthentication.throttled_reauthentication(request, session.user, secret):
            valid_until = reauthentication.reauthenticate(session_id=session.pk, credentials=data, now=self.now)
        return {"valid_until": valid_until}


def document_reauthentication(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Describe the 403 of operations that require a recent login (a drf-spectacular postprocessing hook)."""
    description = f"You don't have permission; or `reauthentication_required`: confirm your identity first, at `{REAUTHENTICATE_PATH}`."
    routes = get_route_table().by_template
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            if routes[path].endpoint.needs_recent_login(method.upper()):
                operation["responses"]["403"]["description"] = description
    return result
