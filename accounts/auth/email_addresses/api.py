"""The endpoints to verify one's email address, and to change it."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth.api import PublicApiView
from accounts.auth.email_addresses import services
from accounts.auth.rate_limited_emails import request_email_change, send_verification_email
from accounts.auth.serializers import EmailInput, EmailSentOut, VerifyEmailInput
from core.api.generics import ApiView
from core.api.parsers import parse_body
from core.http.client_ip import client_ip

EMAIL_SENT = {"detail": "We sent an email to this address."}


class VerifyEmailView(PublicApiView):
    @extend_schema(operation_id="verify_email", request=VerifyEmailInput, responses={204: None})
    def post(self, request: Request) -> Response:
        """Verify an address with the key of an emailed link. A new address replaces the present one."""
        key, ip = parse_body(VerifyEmailInput, request)["key"], client_ip(request._request)
        services.verify_email(key=key, now=self.now, ip=ip)
        return Response(status=204)


class EmailView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}

    @extend_schema(operation_id="request_email_change", request=EmailInput, responses={202: EmailSentOut})
    def post(self, request: Request) -> Response:
        """Send a link to a new address. It replaces the present one once verified."""
        request_email_change(request._request, request.user, parse_body(EmailInput, request)["email"])
        return Response(EMAIL_SENT, status=202)


class EmailVerificationView(ApiView):
    api_key_scope = None
    mfa_exempt = True

    @extend_schema(operation_id="resend_verification_email", request=None, responses={202: EmailSentOut})
    def post(self, request: Request) -> Response:
        """Send the link that verifies the caller's address once more."""
        if not services.is_email_verified(request.user):
            send_verification_email(request._request, request.user)
        return Response(EMAIL_SENT, status=202)
