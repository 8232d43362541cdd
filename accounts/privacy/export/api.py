"""API of personal data exports."""

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

from accounts.models import Export
from accounts.privacy.export import selectors, services
from accounts.privacy.export.responses import export_response
from core.api.generics import ApiView, CreateView, DeleteView, DetailView, ListView
from core.api.query_params import parse_query
from core.rate_limits import consume


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
        consume(self.request._request, group="export", key=str(self.user.pk), rate=settings.EXPORT_RATE)
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
