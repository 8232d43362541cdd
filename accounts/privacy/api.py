"""API of data exports and account deletion."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.auth import reauthentication
from accounts.auth.api import PublicApiView
from accounts.models import AccountDeletion, Export
from accounts.privacy import selectors, services
from accounts.privacy.responses import export_response
from core.api.fields import StrictCharField, StrictSerializer
from core.api.generics import ActionView, ApiView, CreateView, DeleteView, DetailView, ListView
from core.api.query_params import parse_query
from core.rate_limits import Use, limited


class ZipRenderer(BaseRenderer):
    """Accepts `application/zip` in content negotiation; the view streams the archive itself."""

    media_type = "application/zip"
    format = "zip"


class ExportOut(serializers.ModelSerializer[Export]):
    """An export without its archive."""

    class Meta:
        model = Export
        fields = ["id", "state", "size", "created_at", "ready_at", "expires_at", "version"]


class ExportsView(ListView, CreateView):
    """Exports of the caller's data."""

    operation_ids = {"get": "list_my_exports", "post": "request_my_export"}
    api_key_scope = None
    requires_recent_login = {"POST"}
    serializer_class = ExportOut
    default_ordering = "-id"
    has_location = True

    def get_queryset(self) -> QuerySet[Export]:
        return selectors.list_exports(self.user, self.now)

    def create_object(self, data: dict[str, Any]) -> Export:
        with limited(self.request._request, Use("export", str(self.user.pk), settings.EXPORT_RATE)):
            return services.request_export(actor=self.user, now=self.now)


class ExportView(DetailView, DeleteView):
    """An export of the caller's data."""

    operation_ids = {"get": "get_my_export", "delete": "delete_my_export"}
    api_key_scope = None
    serializer_class = ExportOut
    delete_service = services.delete_export
    services_take_now = True

    def get_object(self, export_id: uuid.UUID) -> Export:
        return selectors.get_export(self.user, export_id, self.now)


class ExportArchiveView(ApiView):
    """The archive of an export that is ready."""

    api_key_scope = None
    requires_recent_login = {"GET"}
    long_running = True
    http_method_names = ["get", "head"]
    renderer_classes = [ZipRenderer]

    @extend_schema(operation_id="download_my_export", responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request, export_id: uuid.UUID) -> StreamingHttpResponse:
        parse_query(self.query_serializer_class, request.query_params)
        return export_response(selectors.get_export(self.user, export_id, self.now))


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
    hashes_password = {"POST"}
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
