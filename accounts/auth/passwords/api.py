"""API to change one's password, and to reset a lost one."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import reauthentication
from accounts.auth.api import PublicApiView
from accounts.auth.one_time_tokens import find_user_by_reset_key
from accounts.auth.passwords import services
from accounts.auth.rate_limited_emails import send_password_reset_email
from accounts.auth.serializers import ChangePasswordInput, EmailInput, EmailSentOut, PasswordResetInput
from accounts.users import services as users
from core.api.generics import ApiView
from core.api.parsers import parse_body
from core.errors import NotFound
from core.http.client_ip import client_ip


class PasswordView(ApiView):
    hashes_password = {"POST"}
    api_key_scope = None
    mfa_exempt = True
    requires_recent_login = {"POST"}
    checks_password_itself = True
    brute_force_limit = {"POST"}
    idempotent = False

    @extend_schema(operation_id="change_password", request=ChangePasswordInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """Change the caller's password and revoke their other sessions.

        A user without a password leaves `current_password` out, and needs a recent sign-in.
        """
        user, params = request.user, parse_body(ChangePasswordInput, request)
        if user.has_usable_password():
            with reauthentication.throttled_reauthentication(request._request, user):
                users.require_password(user, params.get("current_password", ""), field="current_password")
        services.change_password(
            user=user,
            password=params["password"],
            now=self.now,
            keep=request.auth.pk,
            address=client_ip(request._request),
        )
        return Response(status=204)


class PasswordResetView(PublicApiView):
    pad_response_time = {"POST"}

    @extend_schema(operation_id="request_password_reset", request=EmailInput, responses={202: EmailSentOut})
    def post(self, request: Request) -> Response:
        """Send a link to choose a new password. The response is the same for every address."""
        send_password_reset_email(request._request, parse_body(EmailInput, request)["email"])
        return Response({"detail": "We sent an email to this address."}, status=202)


class PasswordResetConfirmationView(PublicApiView):
    hashes_password = {"POST"}
    idempotent = False

    @extend_schema(operation_id="reset_password", request=PasswordResetInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """Set a new password with the key of a link; revokes all sessions and API keys."""
        params = parse_body(PasswordResetInput, request)
        user = find_user_by_reset_key(params["key"])
        if user is None:
            raise NotFound("This link is not valid: it was used already, or is too old.")
        address = client_ip(request._request)
        services.reset_password(user=user, password=params["password"], now=self.now, address=address)
        return Response(status=204)
