"""API of account deletion."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from accounts.auth import reauthentication
from accounts.auth.api import PublicApiView
from accounts.models import AccountDeletion
from accounts.privacy.account_deletion import services
from core.api.fields import StrictCharField, StrictSerializer
from core.api.generics import ActionView


class DeletionInput(StrictSerializer):
    """Confirmation of the request to delete the caller's account."""

    confirmation = StrictCharField(
        max_length=254,
        trim_whitespace=False,
        write_only=True,
        help_text="The password or, for a user without one, the email address.",
    )


class CancelDeletionInput(StrictSerializer):
    """The token of the email that announces the deletion."""

    token = StrictCharField(max_length=200, write_only=True, help_text="From the link in the email.")


class DeletionOut(serializers.ModelSerializer[AccountDeletion]):
    """When a closed account will be deleted."""

    class Meta:
        model = AccountDeletion
        fields = ["requested_at", "due_at"]


class DeletionView(ActionView):
    """Close the caller's account now and delete it after the grace period."""

    operation_ids = {"post": "request_account_deletion"}
    api_key_scope = None
    requires_recent_login = {"POST"}
    checks_password_itself = True
    brute_force_limit = {"POST"}
    idempotent = False
    serializer_class = DeletionOut
    input_serializer_class = DeletionInput
    success_status = 202
    has_versions = False

    def perform_action(self, data: dict[str, Any]) -> AccountDeletion:
        with reauthentication.throttled_reauthentication(self.request._request, self.user):
            return services.request_deletion(actor=self.user, now=self.now, **data)


class CancelDeletionView(PublicApiView, ActionView):
    """Open a closed account again."""

    operation_ids = {"post": "cancel_account_deletion"}
    input_serializer_class = CancelDeletionInput
    success_status = 204

    def perform_action(self, data: dict[str, Any]) -> None:
        services.cancel_deletion(now=self.now, **data)
