"""Leaving, and coming back."""

from __future__ import annotations

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.auth import throttling
from accounts.auth.api import PublicApiView
from accounts.models import AccountDeletion
from accounts.privacy.account_deletion import services
from core.api.fields import StrictCharField, StrictSerializer
from core.api.views import ApiView, parse_body


class DeletionInput(StrictSerializer):
    confirmation = StrictCharField(
        max_length=254,
        trim_whitespace=False,
        write_only=True,
        help_text="The password or, for who signs in without one, the e-mail address.",
    )


class CancelDeletionInput(StrictSerializer):
    token = StrictCharField(max_length=200, write_only=True, help_text="From the link in the mail.")


class DeletionOut(serializers.ModelSerializer[AccountDeletion]):
    """When the account, which is closed now, is deleted; the mail holds the way back."""

    class Meta:
        model = AccountDeletion
        fields = ["requested_at", "due_at"]


class DeletionView(ApiView):
    api_key_scope = None
    requires_recent_login = {"POST"}
    checks_password_itself = True
    idempotent = False

    @extend_schema(operation_id="request_account_deletion", request=DeletionInput, responses={202: DeletionOut})
    def post(self, request: Request) -> Response:
        sent: dict[str, Any] = parse_body(DeletionInput, request)
        with throttling.throttled_reauthentication(request._request, request.user):
            deletion = services.request_deletion(actor=request.user, now=timezone.now(), **sent)
        return Response(DeletionOut(deletion).data, status=202)


class CancelDeletionView(PublicApiView):
    @extend_schema(operation_id="cancel_account_deletion", request=CancelDeletionInput, responses={204: None})
    def post(self, request: Request) -> Response:
        services.cancel_deletion(now=timezone.now(), **parse_body(CancelDeletionInput, request))
        return Response(status=204)
